#ifndef FFS_TLS_H
#define FFS_TLS_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

/*
 * TLS to an origin over a non-blocking socket, by OpenSSL: the origin is verified, its certificate
 * and its name, by $AWS_CA_BUNDLE, $SSL_CERT_FILE, $SSL_CERT_DIR or the system's roots.
 */
struct ffs_tls_roots;
struct ffs_tls;

/* NULL with errno; *why (free it) names the file that cannot be read. */
struct ffs_tls_roots *ffs_tls_roots_new(char **why);
void ffs_tls_roots_free(struct ffs_tls_roots *r);

/* host: a name, or an address without brackets.  The socket stays the caller's.  NULL with errno.
 */
struct ffs_tls *ffs_tls_new(struct ffs_tls_roots *r, int fd, const char *host);
/* Says goodbye where that needs no waiting. */
void ffs_tls_free(struct ffs_tls *t);

/* 0 it is up; -EAGAIN: when something has come, or gone; -EKEYREJECTED: not the one it should be;
 * -EPROTO, -errno. */
int ffs_tls_shake(struct ffs_tls *t);
/* Why the last call failed: static, or t's. */
const char *ffs_tls_why(struct ffs_tls *t);

/* As read(2) and write(2): 0 end, -EAGAIN, -errno. */
ssize_t ffs_tls_read(struct ffs_tls *t, void *p, size_t n);
ssize_t ffs_tls_write(struct ffs_tls *t, const void *p, size_t n);

#endif
