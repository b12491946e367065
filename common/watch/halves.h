#ifndef FFS_HALVES_H
#define FFS_HALVES_H

#include <stdbool.h>
#include <sys/types.h>

#include "common/watch/load.h"

/*
 * ffs-hotmon is two processes: one stays root and only loads and attaches; the other gives root up
 * for ever, reads configuration and maps, and talks to the user.  They exchange these messages, one
 * a packet of a socket pair.
 */
enum ffs_halves_type {
	FFS_HALVES_TARGETS = 1, /* to root: what to watch */
	FFS_HALVES_READY,       /* from root: all is attached; text: to which interfaces; and again
	                           where these are others now */
	FFS_HALVES_FAILED,      /* from root: it is not; rc, and text why */
	FFS_HALVES_NOTE,        /* from root: a line for the user */
	FFS_HALVES_DETAIL,      /* the same, for -v */
	FFS_HALVES_STOP,        /* from root: it was told to end by the signal rc */
	FFS_HALVES_STORES,      /* to root: these are the stores of targets now */
	FFS_HALVES_STATS,       /* to root: asks for them; from root: the answer */
};

struct ffs_halves_msg {
	int type, rc;
	union {
		struct ffs_load_targets targets;
		char text[1024];
		struct ffs_load_stats stats[FFS_LOAD_PROGS];
	};
};

/*
 * Fork.  Returns the process of the other half to the one that stays root, 0 to the one that does
 * not; -errno.  *fd is the socket of each.
 */
pid_t ffs_halves_fork(int *fd);

/*
 * Become the invoking user (behind sudo; nothing otherwise), with his groups and HOME, for ever.
 * 0 or -errno.
 */
int ffs_halves_drop(void);

/* Send, never waiting for a half that does not read: -EAGAIN then.  0 or -errno. */
int ffs_halves_send(int fd, const struct ffs_halves_msg *m);
int ffs_halves_say(int fd, enum ffs_halves_type type, int rc, const char *text);

/* Receive, waiting at most ms (-1: for ever).  0; -EAGAIN nothing came; -EPIPE the other half is no
 * more; -errno.  Text ends in NUL. */
int ffs_halves_recv(int fd, struct ffs_halves_msg *m, int ms);

#endif
