#ifndef FFS_SSLBLIND_H
#define FFS_SSLBLIND_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "common/watch/sslmaps.h"

/*
 * Programs that speak TLS to a watched port, but by no OpenSSL that is watched: found by their
 * sockets, and told once each.
 */
struct ffs_sslblind_opts {
	const struct ffs_sslmaps *maps;
	const uint8_t *ports; /* one bit a port */
	/* Is this file's OpenSSL watched. */
	bool (*seen)(void *arg, int fd);
	/* A program (its name), and what it speaks TLS by; "" where that is not known. */
	void (*tell)(void *arg, const char *comm, pid_t pid, const char *by);
	void *arg;
};

struct ffs_sslblind;

struct ffs_sslblind *ffs_sslblind_new(const struct ffs_sslblind_opts *o); /* NULL with errno */
void ffs_sslblind_free(struct ffs_sslblind *b);

/* Look for them among the connections that there are.  0 or -errno. */
int ffs_sslblind_look(struct ffs_sslblind *b);

#endif
