#ifndef FFS_PUTJSON_H
#define FFS_PUTJSON_H

#include <stdbool.h>
#include <stddef.h>

#include "common/s3/stores.h"

/* A small object of ours: a claim or a manifest. */
struct ffs_putjson {
	const char *bucket, *key;
	const void *p;
	size_t n;
	const char *condition; /* "If-Match" or "If-None-Match", NULL for none */
	const char *value;     /* its ETag without quotes, or "*" */
	bool probe; /* the same bytes are there already: -ESTALE is what the store should say */
};

/*
 * PUT it to a node.  *conditional tells whether the store knows conditions on
 * PUT (RFC 9110, 13.1); it is cleared, and the object put without, where the store
 * answers 501.  A 409, S3's "another conditional PUT is under way", is tried again.  Returns
 * r->rc: -ESTALE where the condition does not hold, and the bytes there are not those of an
 * earlier try of this call, whose answer was lost.
 */
int ffs_putjson(struct ffs_stores *st, size_t node, const struct ffs_putjson *o, bool *conditional,
    struct ffs_s3_response *r);

#endif
