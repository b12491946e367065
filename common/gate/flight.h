#ifndef FFS_FLIGHT_H
#define FFS_FLIGHT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/cache/cache.h"

/*
 * An object on its way from the origin into the cache.  Its bytes go to a temporary file as fast
 * as the origin and the disk go; every client that is served by it, the first one too, reads that
 * file behind it.  So one origin request serves any number of clients, and none waits for another.
 *
 * Whoever joins must be allowed to read: his own signature was verified here, or he is as anonymous
 * as the one who started it, or his request is the same presigned one byte for byte.  All others
 * wait until it has ended, and then ask the origin themselves (a 304).
 *
 * A file that cannot be written any more (full disk) harms nobody: the flight turns into a window
 * in memory that moves on when all its readers have read it, and the object is not kept.
 */
struct ffs_flight;
struct ffs_flights;

struct ffs_flights *ffs_flights_new(struct ffs_cache *cache);
void ffs_flights_free(struct ffs_flights *fs);

/* The one of this object that is running, or NULL. */
struct ffs_flight *ffs_flights_find(struct ffs_flights *fs, const struct ffs_cache_name *n);

/* flight.c's author adds: begin, write, have, join, leave, wake, end. */
uint64_t ffs_flight_have(const struct ffs_flight *f);

#endif
