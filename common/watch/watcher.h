#ifndef FFS_WATCHER_H
#define FFS_WATCHER_H

#include "common/watch/attach.h"
#include "common/watch/bpffs.h"
#include "common/watch/load.h"

/*
 * The privileged half of ffs-hotmon: loads the programs, attaches them, follows interfaces as they
 * come and go, sweeps full tables, and takes everything out again.
 */
struct ffs_watcher_opts {
	struct ffs_load_opts load;
	struct ffs_attach_opts attach;
	const char *cgroup; /* NULL: the root of the v2 tree */
};

struct ffs_watcher;

/*
 * Start, in a directory that is locked: what an instance that was killed has left there goes first.
 * NULL with errno and *why (free it; may be NULL).  What does not work but is not needed (sockops
 * without cgroup v2) is noted by o->attach.note.
 */
struct ffs_watcher *ffs_watcher_new(
    const struct ffs_watcher_opts *o, struct ffs_bpffs *b, char **why);

/* Detach and unpin, but for --pin. */
void ffs_watcher_free(struct ffs_watcher *w);

/* Readable when interfaces change: then, and every quarter of a second, ffs_watcher_work(). */
int ffs_watcher_fd(const struct ffs_watcher *w);
void ffs_watcher_work(struct ffs_watcher *w);

/* The stores to redirect are these by now. */
void ffs_watcher_stores(struct ffs_watcher *w, const struct ffs_load_targets *t);

/* With --tls: readable when something was told, then ffs_watcher_tls(); else -1. */
int ffs_watcher_tls_fd(const struct ffs_watcher *w);
void ffs_watcher_tls(struct ffs_watcher *w);

/* What the programs cost: ffs_load_stats(). */
int ffs_watcher_stats(const struct ffs_watcher *w, struct ffs_load_stats v[FFS_LOAD_PROGS]);

/* The interfaces, for the user.  NULL with errno; free it. */
char *ffs_watcher_list(const struct ffs_watcher *w);

#endif
