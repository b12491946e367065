#ifndef FFS_PRUNE_H
#define FFS_PRUNE_H

#include <stdbool.h>
#include <stdint.h>

#include "common/s3/stores.h"
#include "common/dataset/sweep.h"

/* Removing datasets, their older generations and what dead loads have left. */
struct ffs_prune_opts {
	const char *bucket;
	const char *dataset;
	uint64_t generation; /* only this one, 0: all */
	bool all;            /* --delete: the current generation and the manifest, too */
	const volatile sig_atomic_t *stop;
	void (*each)(void *arg, const struct ffs_sweep_item *i, int rc); /* or NULL */
	void (*warn)(void *arg, const char *text);
	void *arg;
};

struct ffs_prune_result {
	uint64_t objects, bytes; /* removed */
	size_t left;             /* could not be removed */
	char error[640];         /* a line for the user, where the call failed */
};

/*
 * Prune or delete on all nodes.  Manifests go first, then chunks, then claims.
 * A generation whose load is running is left alone, with a warning.  Returns 0; -ENOENT where there
 * is nothing of that name; -EBUSY for a generation that may not go; -errno.
 */
int ffs_prune_run(
    struct ffs_stores *st, const struct ffs_prune_opts *o, struct ffs_prune_result *res);

#endif
