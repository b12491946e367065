#ifndef FFS_NODES_H
#define FFS_NODES_H

#include <stdbool.h>
#include <stddef.h>

#include "common/s3/config.h"

/* A machine with a store: a name, its endpoint, how to ssh to it, and its share. */
struct ffs_node {
	char *name;
	char *url;
	char *ssh;     /* NULL: the name */
	double weight; /* 1 unless told otherwise */
	struct ffs_endpoint ep;
};

/* The node list, in its order: v[0] is the primary. */
struct ffs_nodes {
	struct ffs_node *v;
	size_t n;
	char *file;  /* the list, there or not; NULL: --endpoint was given */
	bool listed; /* it is there */
};

/*
 * Load $FFS_NODES, else $XDG_CONFIG_HOME/ffs/nodes ("NAME ENDPOINT [SSH-TARGET]
 * [weight=N]" a line, '#' comments), else one node "local" at the endpoint of
 * ffs_endpoint_resolve(). An --endpoint overrides the list: one node "local". Returns 0; -EINVAL
 * for a line that cannot be read, a name given twice; -ENOENT for an $FFS_NODES that is not there;
 * *detail (free it, may be NULL) names file and line.  ffs_nodes_release() frees the members.
 */
int ffs_nodes_load(struct ffs_nodes *ns, const struct ffs_config_opts *o, char **detail);
void ffs_nodes_release(struct ffs_nodes *ns);

/* Index of a name, or -1. */
int ffs_nodes_find(const struct ffs_nodes *ns, const char *name);

/* For the user whose object is on a node that was not found: why, and what to do.  Into buf. */
const char *ffs_nodes_unknown(const struct ffs_nodes *ns, const char *name, char *buf, size_t n);

#endif
