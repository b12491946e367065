#ifndef FFS_FEED_H
#define FFS_FEED_H

#include <stdbool.h>

#include "common/cache/cache.h"
#include "common/screen/model.h"
#include "common/watch/addresses.h"
#include "common/watch/maps.h"

/* Reads the kernel's maps and the cache's table into a model. */
struct ffs_feed {
	const char *dir;                       /* of the pins, NULL: ffs_maps_dir() */
	const struct ffs_addresses *addresses; /* NULL: none is configured */
	const char *primary;                   /* the first node's URL: the cache knows all by it */

	struct ffs_maps maps;
	bool open;
	char *gone; /* why there are no maps now; NULL: there are */
	struct ffs_cache *cache;
	struct ffs_served *served; /* who was served from where, NULL: nobody has noted it */
	char *no_cache;            /* why there is none */
	int64_t cache_ms, served_ms, maps_ms; /* when to look again */
	struct ffs_cache_totals totals;
	struct {
		uint32_t uid;
		char *name; /* NULL: it has none */
	} * users;
	size_t nusers;
	struct ffs_model *m; /* while it is read */
	int rc;
};

/* Set dir, addresses and primary first.  Returns 0, or what ffs_maps_open() returns, then f->gone
 * says why. */
int ffs_feed_open(struct ffs_feed *f);
void ffs_feed_release(struct ffs_feed *f);

/*
 * Take a snapshot.  Where the programs were unloaded the model keeps what it had, f->gone says so,
 * and later calls look for others, with which the model begins anew.  Returns 0 or -errno.
 */
int ffs_feed_read(struct ffs_feed *f, struct ffs_model *m);

#endif
