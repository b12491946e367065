#ifndef FFS_SSLFILE_H
#define FFS_SSLFILE_H

#include <stdint.h>

#include "bpf/tls.h"

/*
 * A program or library that may hold OpenSSL: where in the file its functions are, by its symbols.
 * Such files are anybody's, so nothing in them is believed.
 *
 * Where the two functions of a pair (SSL_read, SSL_read_ex) call one that is not exported, with the
 * arguments of the latter, and that begins with a push, it stands for both: the kernel emulates a
 * push, but has a processor step over what they begin with, which is dear, in virtual machines
 * above all.
 */
struct ffs_sslfile {
	uint64_t at[FFS_TLS_CALLS]; /* by enum ffs_tls_call; 0: it has none */
};

/* Whether fd is one: 1, or 0; -errno.  One that has no SSL_write and SSL_read is none. */
int ffs_sslfile_read(int fd, struct ffs_sslfile *f);

/* What else it speaks TLS by, as far as its text says (its first 256 MB): "Go's"; NULL: nothing. */
const char *ffs_sslfile_other(int fd);

#endif
