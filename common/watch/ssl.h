#ifndef FFS_SSL_H
#define FFS_SSL_H

#include <stdbool.h>
#include <stdint.h>

#include "common/watch/load.h"

/*
 * ffs-hotmon --tls: the programs at the functions of every OpenSSL that processes of this network
 * namespace execute, and what they tell, handed to the program that counts.
 */
struct ffs_ssl_opts {
	const uint8_t *ports; /* where stores speak TLS, one bit a port; kept */
	/* A line for the user: something went wrong, or (detail) all is well. */
	void (*note)(void *arg, bool detail, const char *text);
	void *arg;
};

struct ffs_ssl;

/*
 * Attach to the system's libraries, and to what processes have mapped.  NULL with errno and *why
 * (free it; may be NULL): EOPNOTSUPP or EPERM where the kernel refuses.
 */
struct ffs_ssl *ffs_ssl_new(const struct ffs_ssl_opts *o, const struct ffs_load *l, char **why);
/* Detach from all. */
void ffs_ssl_free(struct ffs_ssl *t);

/* Readable when something was told: then ffs_ssl_read(). */
int ffs_ssl_fd(const struct ffs_ssl *t);
void ffs_ssl_read(struct ffs_ssl *t);

/* Now and then: look for what was mapped since. */
void ffs_ssl_work(struct ffs_ssl *t);

#endif
