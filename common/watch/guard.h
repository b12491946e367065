#ifndef FFS_GUARD_H
#define FFS_GUARD_H

#include <signal.h>

#include "common/watch/watcher.h"

/*
 * The life of the half that stays root: from the message that says what to watch to the end of the
 * other half, whatever ends that.
 */
struct ffs_guard {
	struct ffs_watcher_opts o; /* targets come from the other half */
	struct ffs_bpffs *b;
	int fd; /* to the other half */
	pid_t child;
};

/*
 * Become two halves: g->child is 0 in the one that talks to the user, which has nothing of b then
 * and signals as before.  In the other they wait for ffs_guard_run(); *before is what they were.  0
 * or -errno.
 */
int ffs_guard_fork(struct ffs_guard *g, sigset_t *before);

/* Returns the other half's wait(2) status; -errno. */
int ffs_guard_run(struct ffs_guard *g);

#endif
