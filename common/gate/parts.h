#ifndef FFS_PARTS_H
#define FFS_PARTS_H

#include <stdbool.h>
#include <stdint.h>

#include "common/cache/wanted.h"

/*
 * Objects that are read in parts: of those a flight can keep nothing.  The bytes are added up, and
 * when they are as many as the object has it is wanted (wanted.h).  A table of a fixed size: of two
 * objects in one place the one read last is known.
 */
struct ffs_parts;

/* once: as soon as it has been read once, else when it is read again.  NULL with errno. */
struct ffs_parts *ffs_parts_new(struct ffs_wanted *w, bool once);
void ffs_parts_free(struct ffs_parts *p);

/* So many bytes were read of an object of this size that is not in the cache. */
void ffs_parts_read(
    struct ffs_parts *p, const struct ffs_cache_name *n, uint64_t size, uint64_t bytes);

#endif
