#ifndef FFS_WRITTEN_H
#define FFS_WRITTEN_H

#include <stdbool.h>

#include "common/gate/head.h"

/*
 * What a request may write, in any of the ways in which a store could read it: by the path, or by
 * any of its host's leading names as a bucket (whichever names the store goes by), by the path as
 * it is, or tidied up.  Where only the bucket can be told, because keys are in the body or cannot
 * be read, all of it.  To know too much costs a cached entry, too little an old byte.
 */
enum { FFS_WRITTEN_MAX = 16 };

struct ffs_written_name {
	char *bucket, *key; /* key NULL: all of the bucket */
};

struct ffs_written {
	struct ffs_written_name v[FFS_WRITTEN_MAX];
	unsigned n;
	bool more; /* and there may be others */
};

/* Nothing for GET and HEAD, and for what changes no object.  Where there is no memory it is `more`.
 */
void ffs_written_take(struct ffs_written *w, const struct ffs_head *h);
void ffs_written_release(struct ffs_written *w);

/* Is all of a bucket among it. */
bool ffs_written_wide(const struct ffs_written *w);

#endif
