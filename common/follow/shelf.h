#ifndef FFS_SHELF_H
#define FFS_SHELF_H

#include <stdbool.h>
#include <stddef.h>

#include "common/dataset/catalog.h"
#include "common/s3/stores.h"

/*
 * Manifests in memory, by generation: which object of which dataset a key is, and so what its bytes
 * must be.  They are read in the background, from the copy that each generation has.
 */
struct ffs_shelf;

/* Where a key belongs. */
struct ffs_shelf_place {
	struct ffs_source *src; /* the shelf's: take a count to keep it */
	size_t chunk;
	bool message;
};

/* Both live longer.  NULL with errno. */
struct ffs_shelf *ffs_shelf_new(struct ffs_stores *st);

/* Before the stores are released. */
void ffs_shelf_free(struct ffs_shelf *s);

/*
 * Which chunk's object is this key?  Returns 0; -ENOENT where it is of no dataset that is
 * published; -EAGAIN while its manifest is being read (from the primary, else from node): ask again
 * when ffs_shelf_arrived() has changed; -errno of that read, which is tried again after a while.
 */
int ffs_shelf_find(struct ffs_shelf *s, size_t node, const char *bucket, const char *key,
    struct ffs_shelf_place *place);

/* The manifest that has this key was wrong about it: read it again when it is next asked for. */
void ffs_shelf_forget(struct ffs_shelf *s, const char *bucket, const char *key);

/* How many reads of manifests have ended. */
unsigned long ffs_shelf_arrived(const struct ffs_shelf *s);

/* Is this what ffs-load calls a chunk, DATASET/GEN/NNNNN[.message].csv[.zst]; *zstd (may be NULL):
 * by its name, compressed. */
bool ffs_shelf_is_chunk(const char *key, bool *zstd);

#endif
