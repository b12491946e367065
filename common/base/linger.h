#ifndef FFS_LINGER_H
#define FFS_LINGER_H

#include <stdbool.h>
#include <sys/types.h>

/*
 * Descriptors that stay open a moment longer than this process, however it ends.  A small process
 * holds them, which does nothing else.  The gateway's listening sockets: whom the kernel has
 * redirected here just before is not refused, but reset a moment later, as by a store that is
 * started anew.  And the program that tells the gateway of whom another has redirected.
 */
struct ffs_linger {
	int fd; /* it ends when this is closed; -1: none */
	pid_t pid;
};
#define FFS_LINGER_INIT                                                                            \
	{                                                                                          \
		.fd = -1, .pid = -1                                                                \
	}

/* How long: on a busy machine who was on his way may not run for a while. */
#define FFS_LINGER_MS 400

/* 0 or -errno. */
int ffs_linger_start(struct ffs_linger *l, const int *fds, unsigned n);

/* Is it there: not before it was started, nor when somebody has killed it. */
bool ffs_linger_lives(struct ffs_linger *l);

/* From here on they are held so long; and wait for that. */
void ffs_linger_let_go(struct ffs_linger *l);
void ffs_linger_end(struct ffs_linger *l);

#endif
