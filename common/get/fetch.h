#ifndef FFS_FETCH_H
#define FFS_FETCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/cache/kept.h"
#include "common/dataset/manifest.h"
#include "common/s3/stores.h"

/*
 * One object, or a range of it, read into memory and checked: from the first of
 * its copies that gives the right bytes.
 */
struct ffs_fetch {
	/* Set by the caller; the pointers must live until done(). */
	struct ffs_stores *stores;
	const char *bucket;
	const char *key;
	char *const *nodes; /* copies of them; NULL: every node of the list is tried */
	char *const *etags; /* asked for with If-Match; NULL: any */
	size_t copies;
	uint64_t off, len; /* the bytes wanted; with probe at most these */
	bool ranged;       /* ask by Range; else [0, len) is the whole object */
	bool probe;        /* the object may be shorter; off is 0 */
	const char *have;  /* probe: asked for with If-None-Match; NULL: nothing */
	bool has_crc;
	uint32_t crc32c; /* of these bytes, checked where has_crc */
	/* May be NULL: another check of the bytes, 0 or -EBADMSG. */
	int (*check)(struct ffs_fetch *f);
	char *buf; /* room for len bytes */
	/* The head it came with, for who keeps it; asked for with the store's checksums unless
	 * ranged.  NULL: not wanted. */
	struct ffs_kept *head;
	/* Exactly once after ffs_fetch_start() returned 0, from ffs_http_run(). */
	void (*done)(struct ffs_fetch *f);
	void *arg;

	/* The outcome. */
	int rc;            /* 0, or -errno as ffs_s3_submit() says; -EBADMSG: wrong bytes */
	char error[512];   /* what happened, for the user, where rc */
	bool not_modified; /* what there is, is what f->have names; no bytes came */
	size_t got;        /* bytes in buf */
	uint64_t size;     /* probe: of the whole object */
	char etag[128];    /* as the store sent it */
	size_t node;       /* index in the node list: where the bytes came from */
	uint64_t first_us; /* to the first byte, of the request that succeeded */
	uint64_t total_us;
	int64_t since; /* time(2) when the first copy was asked */

	/* Its own. */
	size_t tried;
	unsigned wrong;
	int worst; /* what an earlier copy failed with, and its text */
	char worst_error[512];
	uint32_t crc;
	uint64_t id;
	struct ffs_s3 *s3;
};

/*
 * Start.  Copies are tried in order until one answers with the right bytes;
 * wrong ones (checksum, length) are asked for once again.  Returns 0 or
 * -errno, then done() is not called but f->error is set.
 */
int ffs_fetch_start(struct ffs_fetch *f);

/* Drop it: done() comes with -ECANCELED before this returns. */
void ffs_fetch_cancel(struct ffs_fetch *f);

/* Fill key, nodes, etags, len and crc32c for a whole object of chunk c, its data or its message. */
void ffs_fetch_object(
    struct ffs_fetch *f, const struct ffs_chunk *c, const struct ffs_object *object);

#endif
