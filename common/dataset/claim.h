#ifndef FFS_CLAIM_H
#define FFS_CLAIM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/base/buf.h"
#include "common/s3/stores.h"

/*
 * Who writes a generation of a dataset: the object DATASET/GEN/.claim on the
 * primary.  It is a lease: its writer puts it again every 10 s, only over its own
 * last version (If-Match), and one that the store's own clock calls older than
 * 60 s belongs to nobody.  --prune and --resume take it over in the same way, so of two only one
 * succeeds.
 */
struct ffs_claim {
	struct ffs_stores *st;
	const char *bucket;
	char *dataset;
	uint64_t generation;
	bool held;
	bool doomed;
	bool conditional; /* the store honours conditions on PUT, as far as is known */

	char id[33];
	char started[17];
	char etag[128];
	struct ffs_buf body;
	uint32_t crc;
	int64_t put_ms; /* when it was last put */
	bool renewing;
	bool doubt;       /* a renewal was refused, perhaps by one whose answer was lost */
	int64_t again_ms; /* when a renewal that failed is tried again */
	uint64_t renew_id;
	int renew_rc;

	char error[640]; /* what went wrong, a line for the user */
};

/* dataset is copied.  Returns 0 or -errno; release it in any case. */
int ffs_claim_init(
    struct ffs_claim *c, struct ffs_stores *st, const char *bucket, const char *dataset);
void ffs_claim_release(struct ffs_claim *c);

/* The claims it takes from now on say that what they guard is being removed.  Returns 0 or -ENOMEM.
 */
int ffs_claim_doom(struct ffs_claim *c);

/*
 * Claim the first free generation from this one on.  Afterwards c->conditional
 * tells for certain whether the store honours conditions.  Returns 0, -EBUSY
 * where all that were tried are taken, -errno.
 */
int ffs_claim_new(struct ffs_claim *c, uint64_t generation);

/*
 * Take over a claim that is kept or stale: put ours over the version etag.  Returns 0; -EBUSY where
 * somebody else was quicker; -errno.
 */
int ffs_claim_take(struct ffs_claim *c, uint64_t generation, const char *etag);

/*
 * Renew it if it is time to, without waiting: call it now and then from the loop
 * that runs the pool.  Returns 0, or -errno once a renewal has failed: -EBUSY, somebody took it.
 */
int ffs_claim_renew(struct ffs_claim *c);

/* Renew it if it is time to, and wait until it is.  Returns as ffs_claim_renew(). */
int ffs_claim_settle(struct ffs_claim *c);

/* Mark it as left for --resume.  Returns 0 or -errno. */
int ffs_claim_keep(struct ffs_claim *c);

/* Remove it.  Returns 0 or -errno. */
int ffs_claim_drop(struct ffs_claim *c);

enum ffs_claim_state {
	FFS_CLAIM_NONE,
	FFS_CLAIM_LIVE,   /* its load is running */
	FFS_CLAIM_KEPT,   /* left for --resume */
	FFS_CLAIM_STALE,  /* its load died */
	FFS_CLAIM_DOOMED, /* its objects are being removed, or were when that died */
};

/* Look at a generation's claim.  etag gets its ETag, who "HOST, process PID".  Returns 0 or -errno.
 */
int ffs_claim_look(struct ffs_claim *c, uint64_t generation, enum ffs_claim_state *state,
    char etag[128], char who[128]);

/* "DATASET/GEN/.claim".  NULL with errno; free it. */
char *ffs_claim_key(const char *dataset, uint64_t generation);

#endif
