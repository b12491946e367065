# FasterFS: make, make check, make install
VERSION := 0.1
B ?= build

PREFIX ?= /usr/local
BINDIR ?= $(PREFIX)/bin
MANDIR ?= $(PREFIX)/share/man
COMPDIR ?= $(PREFIX)/share/bash-completion/completions
CC ?= cc
CLANG ?= clang-14
BPFTOOL ?= $(firstword $(wildcard /usr/sbin/bpftool /sbin/bpftool) bpftool)
PKG_CONFIG ?= pkg-config
CFLAGS ?= -O2 -g

WARN := -Wall -Wextra -Wshadow -Wstrict-prototypes -Wmissing-prototypes \
	-Wpointer-arith -Wwrite-strings -Wvla -Wformat=2 -Wformat-nonliteral
ifdef DEV
WARN += -Werror
ALL_SAN := -fsanitize=address,undefined -fno-sanitize-recover=undefined -fno-omit-frame-pointer
endif

# libcsv has no pkg-config file.
DEPS := libarchive libbpf libssl libcrypto libcurl libmicrohttpd jansson expat libisal libzstd ncursesw
DEPS_CFLAGS := $(shell $(PKG_CONFIG) --cflags $(DEPS))
DEPS_LIBS := $(shell $(PKG_CONFIG) --libs $(DEPS)) -lcsv -lm

ALL_CPPFLAGS := -iquote . -iquote $(B) -D_GNU_SOURCE -D_FILE_OFFSET_BITS=64 \
	-DFFS_VERSION=\"$(VERSION)\" $(DEPS_CFLAGS) $(CPPFLAGS)
ALL_CFLAGS := -std=gnu11 -pthread $(WARN) $(ALL_SAN) $(CFLAGS)
BPF_FLAGS := -target bpf -mcpu=v3 -O2 -g -Wall -Werror -iquote . \
	-D__TARGET_ARCH_$(patsubst aarch64,arm64,$(patsubst x86_64,x86,$(shell uname -m))) -I/usr/include/$(shell $(CC) -print-multiarch)
ALL_LDFLAGS := -Wl,--as-needed $(LDFLAGS)

V ?= 0
Q := $(if $(filter 0,$(V)),@)
msg_0 = @printf '  %-7s %s\n' $(1) $@;
msg = $(msg_$(V))

TOOLS := $(patsubst cmd/%.c,$(B)/bin/%,$(wildcard cmd/*.c))
GEN := $(patsubst testdata/%.c,$(B)/testdata/%,$(wildcard testdata/*.c))
UNIT := $(patsubst tests/%.c,$(B)/tests/%,$(wildcard tests/unit/*.c tests/bpf/*.c))
FUZZ := $(patsubst tests/fuzz/%.c,$(B)/fuzz/%,$(wildcard tests/fuzz/*.c))
SKEL := $(patsubst bpf/%.bpf.c,$(B)/%.skel.h,$(wildcard bpf/*.bpf.c))
FMT := $(wildcard bpf/tls.h bpf/watch.h cmd/*.[ch] common/*/*.[ch] testdata/*.[ch] tests/unit/*.[ch] tests/bpf/*.[ch] tests/fuzz/*.[ch] tests/bench/*.c)
LIB_OBJ := $(patsubst %.c,$(B)/%.o,$(wildcard common/*/*.c))
FUZZ_OBJ := $(patsubst %.c,$(B)/fuzz/%.o,$(wildcard common/*/*.c))
FUZZ_FLAGS := -std=gnu11 -g1 -O1 -pthread -fsanitize=fuzzer-no-link,address,undefined -fno-sanitize-recover=undefined

all: $(TOOLS) $(GEN)
unit: $(UNIT)
fuzz: $(FUZZ)

$(B)/bin/%: $(B)/cmd/%.o $(B)/libffs.a
	$(Q)mkdir -p $(@D)
	$(call msg,LINK)$(CC) $(ALL_CFLAGS) $(ALL_LDFLAGS) -o $@ $^ $(DEPS_LIBS) $(LDLIBS)

$(GEN): $(B)/testdata/%: $(B)/testdata/%.o $(B)/libffs.a
	$(call msg,LINK)$(CC) $(ALL_CFLAGS) $(ALL_LDFLAGS) -o $@ $^ -lm $(LDLIBS)

$(UNIT): $(B)/tests/%: $(B)/tests/%.o $(B)/libffs.a
	$(call msg,LINK)$(CC) $(ALL_CFLAGS) $(ALL_LDFLAGS) -o $@ $^ $(DEPS_LIBS) $(LDLIBS)

$(B)/libffs.a: $(LIB_OBJ)
	$(call msg,AR)rm -f $@ && $(AR) rcs $@ $^

# Kernel programs, and a skeleton of each: headers that carry the object.
$(B)/%.bpf.o: bpf/%.bpf.c Makefile
	$(Q)mkdir -p $(@D)
	$(call msg,BPF)$(CLANG) $(BPF_FLAGS) -MMD -MP -c -o $@ $<

$(B)/%.skel.h: $(B)/%.bpf.o
	$(call msg,SKEL)$(BPFTOOL) gen skeleton $< name $*_bpf >$@

$(B)/%.o: %.c Makefile | $(SKEL)
	$(Q)mkdir -p $(@D)
	$(call msg,CC)$(CC) $(ALL_CPPFLAGS) $(ALL_CFLAGS) -MMD -MP -c -o $@ $<

# Fuzz targets need clang's libFuzzer: one instrumented copy of common/, one binary a target.
$(B)/fuzz/%.o: %.c Makefile | $(SKEL)
	$(Q)mkdir -p $(@D)
	$(call msg,FUZZCC)$(CLANG) $(ALL_CPPFLAGS) $(FUZZ_FLAGS) -MMD -MP -c -o $@ $<

$(FUZZ): $(B)/fuzz/%: $(B)/fuzz/tests/fuzz/%.o $(FUZZ_OBJ)
	$(call msg,LINK)$(CLANG) $(FUZZ_FLAGS) -fsanitize=fuzzer -o $@ $^ $(DEPS_LIBS)

# What another compiler has to say; nothing is made.
warnings: $(SKEL)
	$(Q)printf '%s\n' $(filter %.c,$(FMT)) | xargs -n 8 -P $$(nproc) $(CLANG) $(ALL_CPPFLAGS) $(ALL_CFLAGS) -Werror -fsyntax-only

check: all unit
	$(Q)B=$(B) tests/run

lint:
	clang-format-14 --dry-run -Werror $(FMT)
	mandoc -T lint -W warning man/*.[17]
	shellcheck scripts/* tests/run tests/*.bash
	scripts/check-man

bench: all
	$(Q)B=$(B) scripts/bench

install: all
	install -d $(DESTDIR)$(BINDIR) $(DESTDIR)$(MANDIR)/man1 $(DESTDIR)$(MANDIR)/man7 $(DESTDIR)$(COMPDIR)
	install -m 755 $(TOOLS) $(DESTDIR)$(BINDIR)
	install -m 644 man/*.1 $(DESTDIR)$(MANDIR)/man1
	install -m 644 man/*.7 $(DESTDIR)$(MANDIR)/man7
	for t in $(notdir $(TOOLS)); do install -m 644 scripts/completion.bash $(DESTDIR)$(COMPDIR)/$$t || exit; done

format:
	clang-format-14 -i $(FMT)

clean:
	rm -rf $(B)

-include $(shell find $(B) -name '*.d' 2>/dev/null)

.PHONY: all bench check clean format fuzz install lint unit warnings
.DELETE_ON_ERROR:
.SECONDARY:
