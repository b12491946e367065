#ifndef FFS_CATALOG_H
#define FFS_CATALOG_H

#include <stdbool.h>
#include <stdint.h>

#include "common/cache/use.h"
#include "common/dataset/manifest.h"
#include "common/s3/stores.h"

/* A dataset at one generation, or a bare object as a dataset of one chunk.  Shared by count. */
struct ffs_source {
	unsigned refs;
	char *bucket;
	bool unasked; /* its manifest is the cache's, and no store was asked for a newer one */
	struct ffs_manifest m;
};

/*
 * Read the manifest of a dataset, generation 0 the published one.  It comes from
 * the primary; where that cannot be reached, from the node that has the highest
 * generation, and *stale is its index (else 0).  Returns 0; -ENOENT; -EBADMSG for a broken
 * manifest; -EFBIG for one over 256 MiB; -errno of the store.  On error *detail (free it) is a
 * line for the user.  The caller owns one count of *out.
 */
int ffs_catalog_open(struct ffs_stores *st, const char *bucket, const char *dataset,
    uint64_t generation, struct ffs_source **out, size_t *stale, char **detail);

/*
 * The same with a cache (NULL: none), for manifests too: one that it has is used as it is where it
 * is that of a named generation, or ffs_use_fresh(), else where the primary says that there is
 * none newer; what came from the primary is kept.  With FFS_USE_ONLY what it does not have is
 * -ENOENT.
 */
int ffs_catalog_open_cached(const struct ffs_use *use, struct ffs_stores *st, const char *bucket,
    const char *dataset, uint64_t generation, struct ffs_source **out, size_t *stale,
    char **detail);

/* A source with one chunk whose data has only a key.  NULL with errno. */
struct ffs_source *ffs_catalog_bare(const char *bucket, const char *key);

/* What became known of a bare object: its one copy.  Returns 0 or -ENOMEM. */
int ffs_catalog_learn(struct ffs_object *o, const char *node, const char *etag, uint64_t bytes);

struct ffs_source *ffs_source_ref(struct ffs_source *s);

/* Drops one count; the last frees.  NULL is fine. */
void ffs_source_unref(struct ffs_source *s);

/*
 * The names of the published datasets that a pattern matches ('*' and '?' do
 * not match '/'), or of all of them with NULL, sorted.  *names is a
 * NULL-ended vector; free it with ffs_catalog_free_names().  Returns 0 or -errno; on error *detail
 * (free it) is a line for the user.
 */
int ffs_catalog_match(struct ffs_stores *st, const char *bucket, const char *pattern, char ***names,
    size_t *n, char **detail);
void ffs_catalog_free_names(char **names);

#endif
