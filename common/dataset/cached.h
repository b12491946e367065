#ifndef FFS_CACHED_H
#define FFS_CACHED_H

#include <stddef.h>

#include "common/cache/use.h"

/* Manifests in the cache: control entries, small, and compared whenever they are read. */

/* 0 with *hit, for ffs_cached_close(); -ENOENT, also for whatever is wrong with the cache. */
int ffs_cached_find(
    const struct ffs_use *u, const char *bucket, const char *key, struct ffs_cache_hit *hit);

/* Its bytes; *json is the caller's to free.  0; -EBADMSG: wrong ones, and they were removed;
 * -errno. */
int ffs_cached_read(const struct ffs_use *u, const char *bucket, const char *key,
    struct ffs_cache_hit *hit, char **json, size_t *n);

/* Fine on { .fd = -1 }. */
void ffs_cached_close(struct ffs_cache_hit *hit);

/* Keep what a store gave with this ETag, if there is a cache and room in it. */
void ffs_cached_keep(const struct ffs_use *u, const char *bucket, const char *key, const char *etag,
    const char *json, size_t n);

/* The store has it no more. */
void ffs_cached_drop(const struct ffs_use *u, const char *bucket, const char *key);

#endif
