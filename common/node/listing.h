#ifndef FFS_LISTING_H
#define FFS_LISTING_H

#include <stdbool.h>
#include <stddef.h>

#include "common/node/store.h"

/*
 * A page of a bucket's keys in S3's order (bytes of the key).  Directories are
 * read one at a time and only a bounded number of names of each is kept, so
 * memory depends on neither the number of objects nor of pages.
 */
struct ffs_listing {
	const char *prefix;    /* "" for all */
	const char *delimiter; /* "" for none */
	const char *after;     /* keys behind this one; a common prefix: behind all of its keys */
	size_t max;            /* items of a page */
	/* An item.  o is NULL for a common prefix.  Non-zero ends the listing with that value. */
	int (*each)(void *arg, const char *name, const struct ffs_object *o);
	void *arg;
	/* out */
	bool truncated;
	char last[1025]; /* the last item: "after" of the next page */
};

/* Returns 0, -ENODEV, each()'s value or -errno. */
int ffs_listing_run(struct ffs_store *s, const char *bucket, struct ffs_listing *l);

/* The buckets, sorted. */
int ffs_listing_buckets(
    struct ffs_store *s, int (*each)(void *arg, const char *bucket, time_t made), void *arg);

#endif
