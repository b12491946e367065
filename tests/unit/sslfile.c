/* Where OpenSSL's functions are in a file: of our own making, then broken in every way. */
#include "common/watch/sslfile.h"

#include <elf.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "tests/unit/check.h"

#define BASE 0x400000 /* where it is loaded */
#define CODE offsetof(struct image, code)

static const char names[] =
    "\0SSL_write\0SSL_read\0SSL_write_ex\0SSL_read_ex\0SSL_do_handshake\0SSL_free\0SSL_reader";

struct image {
	Elf64_Ehdr h;
	Elf64_Phdr ph[2];
	Elf64_Shdr sh[3];
	Elf64_Sym sym[10];
	char strings[sizeof(names)];
	_Alignas(0x200) unsigned char code[0x400];
};

static unsigned
name_at(const char *name)
{
	size_t i;

	for (i = 1; i < sizeof(names); i += strlen(names + i) + 1)
		if (!strcmp(names + i, name))
			return (unsigned)i;
	return 0;
}

/* Function i begins at 0x40 * i of the code. */
static void
make(struct image *m, Elf64_Word type)
{
	static const char *const order[] = { "SSL_write", "SSL_read", "SSL_write_ex", "SSL_read_ex",
		"SSL_do_handshake", "SSL_free", "SSL_reader" };
	size_t i;

	memset(m, 0, sizeof(*m));
	memcpy(m->h.e_ident, ELFMAG, SELFMAG);
	m->h.e_ident[EI_CLASS] = ELFCLASS64;
	m->h.e_machine =
#if defined(__aarch64__)
	    EM_AARCH64;
#else
	    EM_X86_64;
#endif
	m->h.e_phoff = offsetof(struct image, ph);
	m->h.e_phnum = 2;
	m->h.e_phentsize = sizeof(Elf64_Phdr);
	m->h.e_shoff = offsetof(struct image, sh);
	m->h.e_shnum = 3;
	m->h.e_shentsize = sizeof(Elf64_Shdr);
	m->ph[1] = (Elf64_Phdr){ .p_type = PT_LOAD,
		.p_flags = PF_R | PF_X,
		.p_offset = CODE,
		.p_vaddr = BASE,
		.p_filesz = sizeof(m->code) };
	m->sh[1] = (Elf64_Shdr){ .sh_type = type,
		.sh_link = 2,
		.sh_offset = offsetof(struct image, sym),
		.sh_size = sizeof(m->sym) };
	m->sh[2] = (Elf64_Shdr){ .sh_type = SHT_STRTAB,
		.sh_offset = offsetof(struct image, strings),
		.sh_size = sizeof(names) };
	memcpy(m->strings, names, sizeof(names));
	for (i = 0; i < COUNT(order); i++)
		m->sym[i + 1] = (Elf64_Sym){ .st_name = name_at(order[i]),
			.st_info = STT_FUNC,
			.st_shndx = 1,
			.st_value = BASE + 0x40 * (i + 1),
			.st_size = 0x40 };
}

static int
read_image(const void *p, size_t n, struct ffs_sslfile *f)
{
	int fd = memfd_create("elf", 0), rc;

	if (fd < 0 || write(fd, p, n) != (ssize_t)n)
		exit(1);
	rc = ffs_sslfile_read(fd, f);
	close(fd);
	return rc;
}

static void
check_found(void)
{
	static const Elf64_Word types[] = { SHT_DYNSYM, SHT_SYMTAB };
	struct ffs_sslfile f;
	struct image m;
	size_t i, k;

	for (k = 0; k < COUNT(types); k++) {
		make(&m, types[k]);
		CHECK(read_image(&m, sizeof(m), &f) == 1);
		for (i = 1; i < FFS_TLS_CALLS; i++)
			CHECK(f.at[i] == CODE + 0x40 * i, "%zu: %jx", i, (uintmax_t)f.at[i]);
	}
	/* Used, not there. */
	m.sym[1].st_shndx = SHN_UNDEF;
	CHECK(read_image(&m, sizeof(m), &f) == 0);
	make(&m, SHT_DYNSYM);
	m.sym[2].st_value = BASE - 1;
	CHECK(read_image(&m, sizeof(m), &f) == 0);
	CHECK(read_image("#!/bin/sh\n", 10, &f) == 0);
	CHECK(read_image("", 0, &f) == 0);
}

#if defined(__x86_64__)
static void
put_call(struct image *m, unsigned at, unsigned to)
{
	int32_t by = (int32_t)to - (int32_t)at - 5;

	m->code[at] = 0xe8;
	memcpy(m->code + at + 1, &by, 4);
}

/* One function behind both of a pair. */
static void
check_inner(void)
{
	static const unsigned char begin[] = { 0xf3, 0x0f, 0x1e, 0xfa, 0x48, 0x83, 0xec, 8 };
	struct ffs_sslfile f;
	struct image m;

	make(&m, SHT_DYNSYM);
	memcpy(m.code + 0x40 * FFS_TLS_READ_EX, begin + 4, 4);
	put_call(&m, 0x40 * FFS_TLS_READ_EX + 4, 0x300);
	m.code[0x300] = 0x55;
	put_call(&m, 0x40 * FFS_TLS_READ + 20, 0x300);
	CHECK(read_image(&m, sizeof(m), &f) == 1);
	CHECK(f.at[FFS_TLS_READ_EX] == CODE + 0x300 && !f.at[FFS_TLS_READ]);
	CHECK(f.at[FFS_TLS_WRITE_EX] == CODE + 0x40 * FFS_TLS_WRITE_EX && f.at[FFS_TLS_WRITE]);
	/* With a landing pad before it, and a push of one of the later registers. */
	memcpy(m.code + 0x40 * FFS_TLS_READ_EX, begin, 8);
	put_call(&m, 0x40 * FFS_TLS_READ_EX + 8, 0x300);
	m.code[0x300] = 0x41;
	m.code[0x301] = 0x57;
	CHECK(read_image(&m, sizeof(m), &f) == 1 && f.at[FFS_TLS_READ_EX] == CODE + 0x300);
	/* It begins otherwise; the other one does not call it, or behind its end. */
	m.code[0x301] = 0x89;
	CHECK(read_image(&m, sizeof(m), &f) == 1 && f.at[FFS_TLS_READ]);
	m.code[0x300] = 0x53;
	put_call(&m, 0x40 * FFS_TLS_READ + 20, 0x301);
	CHECK(read_image(&m, sizeof(m), &f) == 1 && f.at[FFS_TLS_READ]);
	put_call(&m, 0x40 * FFS_TLS_READ + 0x3c, 0x300);
	CHECK(read_image(&m, sizeof(m), &f) == 1 && f.at[FFS_TLS_READ]);
}
#else
static void
check_inner(void)
{
}
#endif

/* Whatever is in it, nothing is read behind it (the sanitizers see that), and it ends. */
static void
check_broken(void)
{
	static const unsigned char values[] = { 0, 1, 0x7f, 0x80, 0xff };
	struct ffs_sslfile f;
	struct image m;
	size_t i, k;

	make(&m, SHT_DYNSYM);
	for (i = 0; i < sizeof(m); i += i < CODE ? 7 : 61)
		CHECK(read_image(&m, i, &f) <= 1);
	for (i = 0; i < offsetof(struct image, code); i++)
		for (k = 0; k < COUNT(values); k++) {
			make(&m, i & 1 ? SHT_DYNSYM : SHT_SYMTAB);
			((unsigned char *)&m)[i] = values[k];
			CHECK(read_image(&m, sizeof(m), &f) <= 1);
		}
}

static void
check_other(void)
{
	static const char far[] = "xx third_party/boringssl/src";
	static char big[600000];
	int fd = memfd_create("text", 0);

	memset(big, 'x', sizeof(big));
	CHECK(write(fd, big, sizeof(big)) == sizeof(big));
	CHECK(!ffs_sslfile_other(fd));
	/* Across two reads of it. */
	CHECK(pwrite(fd, far, sizeof(far), (1 << 18) - 18) == sizeof(far));
	CHECK(ffs_sslfile_other(fd) && !strcmp(ffs_sslfile_other(fd), "BoringSSL"));
	close(fd);
}

int
main(void)
{
	check_found();
	check_inner();
	check_broken();
	check_other();
	return failed;
}
