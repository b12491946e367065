#include "common/watch/sslfile.h"

#include <elf.h>
#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define PARTS_MAX 4096u        /* sections, segments */
#define NAMES_MAX (128u << 20) /* bytes of a table of names */
#define TEXT_MAX (256u << 20)
#define SYMBOLS_MAX (8u << 20)
#define BATCH 1024
#define OVERLAP 31 /* of the texts that are looked for */

static const char *const names[FFS_TLS_CALLS] = {
	[FFS_TLS_WRITE] = "SSL_write",
	[FFS_TLS_READ] = "SSL_read",
	[FFS_TLS_WRITE_EX] = "SSL_write_ex",
	[FFS_TLS_READ_EX] = "SSL_read_ex",
	[FFS_TLS_HANDSHAKE] = "SSL_do_handshake",
	[FFS_TLS_FREE] = "SSL_free",
};

struct elf {
	int fd;
	uint64_t size[FFS_TLS_CALLS]; /* of the functions */
	Elf64_Phdr *ph;
	Elf64_Shdr *sh;
	unsigned ph_n, sh_n;
};

static bool
read_at(int fd, void *to, size_t n, uint64_t at)
{
	return at <= INT64_MAX && pread(fd, to, n, (off_t)at) == (ssize_t)n;
}

/* A table of n entries; NULL with errno. */
static void *
read_table(int fd, uint64_t at, unsigned n, size_t each)
{
	void *v = reallocarray(NULL, n ? n : 1, each);

	if (!v || read_at(fd, v, n * each, at))
		return v;
	free(v);
	errno = ENOEXEC;
	return NULL;
}

static void
elf_release(struct elf *e)
{
	free(e->ph);
	free(e->sh);
}

/* 0; -ENOEXEC for what is no ELF file of this kind of machine; -errno. */
static int
elf_read(struct elf *e, int fd)
{
	static const Elf64_Half machine =
#if defined(__x86_64__)
	    EM_X86_64;
#elif defined(__aarch64__)
	    EM_AARCH64;
#else
	    EM_NONE;
#endif
	Elf64_Ehdr h;

	*e = (struct elf){ .fd = fd };
	if (!read_at(fd, &h, sizeof(h), 0) || memcmp(h.e_ident, ELFMAG, SELFMAG) ||
	    h.e_ident[EI_CLASS] != ELFCLASS64 || h.e_machine != machine ||
	    h.e_phentsize != sizeof(*e->ph) || h.e_phnum > PARTS_MAX || h.e_shnum > PARTS_MAX ||
	    (h.e_shnum && h.e_shentsize != sizeof(*e->sh)))
		return -ENOEXEC;
	e->ph_n = h.e_phnum;
	e->sh_n = h.e_shnum;
	e->ph = read_table(fd, h.e_phoff, e->ph_n, sizeof(*e->ph));
	if (e->ph)
		e->sh = read_table(fd, h.e_shoff, e->sh_n, sizeof(*e->sh));
	if (e->ph && e->sh)
		return 0;
	free(e->ph);
	return -errno;
}

/* Where in the file what is executed at an address is; 0: nowhere. */
static uint64_t
elf_offset(const struct elf *e, uint64_t address)
{
	const Elf64_Phdr *p;
	unsigned i;

	for (i = 0; i < e->ph_n; i++) {
		p = &e->ph[i];
		if (p->p_type == PT_LOAD && p->p_flags & PF_X && address >= p->p_vaddr &&
		    address - p->p_vaddr < p->p_filesz)
			return address - p->p_vaddr + p->p_offset;
	}
	return 0;
}

static void
take_symbol(struct ffs_sslfile *f, struct elf *e, const Elf64_Sym *s, const char *text, size_t n)
{
	unsigned i;

	if (ELF64_ST_TYPE(s->st_info) != STT_FUNC || s->st_shndx == SHN_UNDEF || s->st_name >= n ||
	    strncmp(text + s->st_name, "SSL_", 4))
		return;
	for (i = 1; i < FFS_TLS_CALLS; i++)
		if (!f->at[i] && !strcmp(text + s->st_name, names[i])) {
			f->at[i] = elf_offset(e, s->st_value);
			e->size[i] = s->st_size;
		}
}

/* The symbols of one table. */
static int
take_table(struct ffs_sslfile *f, struct elf *e, const Elf64_Shdr *table)
{
	const Elf64_Shdr *strings = &e->sh[table->sh_link];
	uint64_t n = table->sh_size / sizeof(Elf64_Sym), i, k, room;
	Elf64_Sym v[BATCH];
	char *text;
	int rc = 0;

	if (n > SYMBOLS_MAX || !strings->sh_size || strings->sh_size > NAMES_MAX)
		return -ENOEXEC;
	text = malloc(strings->sh_size);
	if (!text)
		return -ENOMEM;
	if (!read_at(e->fd, text, strings->sh_size, strings->sh_offset))
		rc = -ENOEXEC;
	text[strings->sh_size - 1] = '\0';
	for (i = 0; !rc && i < n; i += room) {
		room = n - i < BATCH ? n - i : BATCH;
		if (!read_at(e->fd, v, room * sizeof(*v), table->sh_offset + i * sizeof(*v)))
			rc = -ENOEXEC;
		for (k = 0; !rc && k < room; k++)
			take_symbol(f, e, &v[k], text, strings->sh_size);
	}
	free(text);
	return rc;
}

#if defined(__x86_64__)
/* Where the call whose code is at in[0] goes that is at an offset of the file; 0: it is none. */
static uint64_t
call_to(const uint8_t *in, uint64_t at)
{
	int32_t by;

	memcpy(&by, in + 1, sizeof(by));
	return *in == 0xe8 ? at + 5 + (uint64_t)(int64_t)by : 0;
}

/* See the header. */
static void
find_inner(struct ffs_sslfile *f, const struct elf *e, unsigned plain, unsigned ex)
{
	static const uint8_t endbr[] = { 0xf3, 0x0f, 0x1e, 0xfa },
			     begin[] = { 0x48, 0x83, 0xec, 8 };
	uint8_t in[256] = { 0 };
	uint64_t at = f->at[ex], inner, k, n = e->size[plain];

	if (!at || !read_at(e->fd, in, 16, at))
		return;
	k = memcmp(in, endbr, sizeof(endbr)) ? 0 : sizeof(endbr);
	if (memcmp(in + k, begin, sizeof(begin)))
		return;
	k += sizeof(begin);
	inner = call_to(in + k, at + k);
	if (!inner || !read_at(e->fd, in, 2, inner) || (in[*in == 0x41] & 0xf8) != 0x50) /* push */
		return;
	n = n < sizeof(in) ? n : sizeof(in);
	if (n < 5 || !read_at(e->fd, in, n, f->at[plain]))
		return;
	for (k = 0; k + 5 <= n; k++)
		if (call_to(in + k, f->at[plain] + k) == inner) {
			f->at[ex] = inner;
			f->at[plain] = 0;
			return;
		}
}
#else
static void
find_inner(struct ffs_sslfile *f, const struct elf *e, unsigned plain, unsigned ex)
{
	(void)f;
	(void)e;
	(void)plain;
	(void)ex;
}
#endif

static bool
is_one(const struct ffs_sslfile *f)
{
	return f->at[FFS_TLS_WRITE] && f->at[FFS_TLS_READ];
}

int
ffs_sslfile_read(int fd, struct ffs_sslfile *f)
{
	static const Elf64_Word types[] = { SHT_DYNSYM, SHT_SYMTAB };
	struct elf e;
	unsigned i, k;
	int rc = elf_read(&e, fd);

	*f = (struct ffs_sslfile){ 0 };
	if (rc)
		return rc == -ENOEXEC ? 0 : rc;
	/* What a library offers, else what was left in by who linked. */
	for (k = 0; !rc && k < 2 && !is_one(f); k++)
		for (i = 0; !rc && i < e.sh_n; i++)
			if (e.sh[i].sh_type == types[k] && e.sh[i].sh_link < e.sh_n)
				rc = take_table(f, &e, &e.sh[i]);
	elf_release(&e);
	if (rc || !is_one(f))
		return rc == -ENOEXEC ? 0 : rc;
	find_inner(f, &e, FFS_TLS_READ, FFS_TLS_READ_EX);
	find_inner(f, &e, FFS_TLS_WRITE, FFS_TLS_WRITE_EX);
	return 1;
}

const char *
ffs_sslfile_other(int fd)
{
	/* What no build leaves out: names that a runtime needs, or of sources in messages. */
	static const struct {
		const char *text, *what;
	} kinds[] = {
		{ "crypto/tls.(*Conn)", "Go's" },
		{ "rustls", "rustls" },
		{ "boringssl", "BoringSSL" },
		{ "ssl/statem/", "an OpenSSL without symbols" },
	};
	size_t kept = 0, n, i, room = 1 << 18;
	const char *what = NULL;
	uint64_t at = 0;
	char *b = malloc(room);
	ssize_t got = 1;

	while (b && !what && at < TEXT_MAX &&
	       (got = pread(fd, b + kept, room - kept, (off_t)at)) > 0) {
		at += (uint64_t)got;
		n = kept + (size_t)got;
		for (i = 0; !what && i < sizeof(kinds) / sizeof(*kinds); i++)
			if (memmem(b, n, kinds[i].text, strlen(kinds[i].text)))
				what = kinds[i].what;
		/* One may lie across. */
		kept = n < OVERLAP ? n : OVERLAP;
		memmove(b, b + n - kept, kept);
	}
	free(b);
	return what;
}
