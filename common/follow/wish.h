#ifndef FFS_WISH_H
#define FFS_WISH_H

#include <stddef.h>
#include <stdint.h>

#include "common/s3/nodes.h"

/* What somebody wants in the cache: a dataset, datasets by a pattern, or one object. */
struct ffs_wish {
	char *dataset; /* name or pattern; NULL: an object */
	uint64_t generation;
	char *bucket, *key;
	size_t node; /* whose store it was named at; SIZE_MAX: any */
};

/*
 * Read a name: DATASET[@GEN], a pattern, s3://BUCKET/KEY (the key as it is), or the URL of an
 * object at a node's endpoint, presigned or not, path style or virtual-hosted.  Returns 0; -EINVAL
 * for anything else, -ENOTCONN for an endpoint that is not configured, -EOPNOTSUPP for a version or
 * a part of an object; then *why is a static text.  ffs_wish_release() frees the members.
 */
int ffs_wish_parse(
    struct ffs_wish *w, const struct ffs_nodes *nodes, const char *text, const char **why);

/*
 * A line of text: such a name, or a JSON object as "ffs-hotmon --json" and "ffs-get --list --json"
 * write: what counts is its "url", else its "dataset".  Returns as ffs_wish_parse(), or 1 for a
 * line that names nothing: an empty one, or one of counters.  It may hold any bytes.
 */
int ffs_wish_parse_line(struct ffs_wish *w, const struct ffs_nodes *nodes, const char *line,
    size_t n, const char **why);

void ffs_wish_release(struct ffs_wish *w);

#endif
