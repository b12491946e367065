#ifndef FFS_DATASET_H
#define FFS_DATASET_H

#include <stdbool.h>
#include <stdint.h>

#include "common/dataset/claim.h"
#include "common/dataset/manifest.h"
#include "common/s3/stores.h"

/*
 * A new generation of a dataset, from its claim to its manifest (design.md,
 * "The manifest").
 */
struct ffs_dataset {
	struct ffs_stores *st;
	const char *bucket;
	const char *name; /* the claim's */
	uint64_t generation;
	struct ffs_claim claim;
	char replaces[128]; /* ETag of the manifest to be replaced, "" without one */
	bool resumed;       /* the generation has objects of an earlier load */
	bool published;     /* the manifest is there; or, with publish failing, may be there */
	char error[640];    /* what went wrong, a line for the user */
	char warning[256];  /* what the user should know, "" without; the caller empties it */
};

enum ffs_dataset_flags {
	FFS_DATASET_REPLACE = 1, /* there may be a manifest already */
	FFS_DATASET_RESUME = 2,  /* go on with a generation that was kept or that died */
};

/*
 * Look at what is there and claim a generation; makes the bucket on every node
 * where it is missing (not on AWS).  name is copied.  Returns 0; -EEXIST where the dataset is
 * published (d->replaces tells which) and REPLACE was not given; -EBUSY where
 * RESUME finds that another load is running; -errno.  Call
 * ffs_dataset_release() in any case.
 */
int ffs_dataset_claim(struct ffs_dataset *d, struct ffs_stores *st, const char *bucket,
    const char *name, unsigned flags);

/*
 * Keep the claim: call it now and then from the loop that runs the pool.
 * Returns 0, or -errno once a renewal has failed: -EBUSY, somebody took it.
 */
int ffs_dataset_renew(struct ffs_dataset *d);

/*
 * Publish: a copy at DATASET/GEN/manifest.json, then the manifest itself, which
 * is the commit, then copies to the other nodes (a failure is a warning), then the
 * claim goes.  Returns 0; -EBUSY: somebody else published meanwhile; -errno.  On an
 * error with d->published set nobody knows whether the store took the
 * manifest: nothing must be removed.
 */
int ffs_dataset_publish(struct ffs_dataset *d, const struct ffs_manifest *m);

/*
 * Give up: with keep the claim is marked for --resume; else the objects of m
 * and the claim are removed, within ms milliseconds or until *stop (may be NULL).  Returns how many
 * objects may be left behind, or -errno where keeping failed.
 */
int64_t ffs_dataset_abandon(struct ffs_dataset *d, const struct ffs_manifest *m, bool keep,
    int64_t ms, const volatile sig_atomic_t *stop);

void ffs_dataset_release(struct ffs_dataset *d);

/*
 * The generation that key is part of: the number behind "DATASET/", before '/'; *rest (may be
 * NULL) is what follows.  0 where it is not a generation of this dataset.
 */
uint64_t ffs_dataset_key_generation(const char *dataset, const char *key, const char **rest);

#endif
