#ifndef FFS_STORES_H
#define FFS_STORES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include "common/s3/http.h"
#include "common/s3/nodes.h"
#include "common/s3/s3.h"

/*
 * The stores of the node list over one pool of connections.  A client is made
 * when its node is first asked for, so that reading one object costs one.
 */
struct ffs_stores {
	struct ffs_nodes nodes;
	struct ffs_http *http;
	struct ffs_s3 **s3; /* one a node, NULL until asked for */
};

/*
 * Load the node list and make the pool.  h may be NULL.  Returns 0 or -errno, then *detail
 * (free it) is a line for the user or NULL.  ffs_stores_release() frees the members.
 */
int ffs_stores_init(struct ffs_stores *st, const struct ffs_config_opts *o,
    const struct ffs_http_opts *h, char **detail);
void ffs_stores_release(struct ffs_stores *st);

/*
 * A line for the user where the secrets that are used are open to others, as by
 * ffs_config_exposed().  NULL where they are not; free it.
 */
char *ffs_stores_exposed(const struct ffs_stores *st);

/* Whether every node is on this machine: there is no latency to hide then. */
bool ffs_stores_local(const struct ffs_stores *st);

/* Which stores these are and whose keys are used, a line each, to f: what -v says. */
void ffs_stores_show(const struct ffs_stores *st, FILE *f);

/* The client of node i.  NULL with errno; not to be freed. */
struct ffs_s3 *ffs_stores_get(struct ffs_stores *st, size_t i);

#endif
