#ifndef FFS_MULTIPART_H
#define FFS_MULTIPART_H

#include <stdbool.h>
#include <stddef.h>
#include <time.h>

#include "common/node/keypath.h"
#include "common/node/store.h"

/*
 * Uploads in parts: a directory each below DIR/.ffs.uploads, with a file for what is
 * known of the object and one for each part.  They survive a restart.
 */

#define FFS_MULTIPART_ID 33 /* 32 hexadecimal digits */
#define FFS_MULTIPART_PARTS 10000

struct ffs_multipart {
	struct ffs_store *store;
	int dirfd;
	char id[FFS_MULTIPART_ID];
	char bucket[64];
	char key[FFS_KEY_MAX + 1];
	time_t started;
	struct ffs_objmeta meta; /* of the object to be */
};

/* Start one.  Errors as in common/node/store.h. */
int ffs_multipart_create(struct ffs_store *s, const char *bucket, const char *key,
    const struct ffs_objmeta *meta, char id[FFS_MULTIPART_ID]);

/* Open one.  -ENOENT where there is none of that id for the key (NULL: for any key). */
int ffs_multipart_open(struct ffs_multipart *m, struct ffs_store *s, const char *bucket,
    const char *key, const char *id);
void ffs_multipart_close(struct ffs_multipart *m);

/* Store a part, in the place of an earlier one of its number.  The blob is gone after it. */
int ffs_multipart_put(
    struct ffs_multipart *m, unsigned number, struct ffs_blob *b, struct ffs_objmeta *meta);

/* Open a part.  -ENOENT; o->fd is the caller's to close. */
int ffs_multipart_get(struct ffs_multipart *m, unsigned number, struct ffs_object *o);

/* Parts with numbers above after, in order; o->fd is closed after each(). */
int ffs_multipart_each(struct ffs_multipart *m, unsigned after,
    int (*each)(void *arg, unsigned number, const struct ffs_object *o), void *arg);

/* Remove it with its parts. */
int ffs_multipart_remove(struct ffs_multipart *m);

/*
 * Uploads of a bucket whose keys begin with prefix, sorted by key, then id,
 * behind (after_key, after_id), at most max.  Sets *truncated.
 */
struct ffs_multipart_entry {
	char key[FFS_KEY_MAX + 1];
	char id[FFS_MULTIPART_ID];
	time_t started;
};

int ffs_multipart_list(struct ffs_store *s, const char *bucket, const char *prefix,
    const char *after_key, const char *after_id, struct ffs_multipart_entry *v, size_t max,
    size_t *n, bool *truncated);

#endif
