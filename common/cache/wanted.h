#ifndef FFS_WANTED_H
#define FFS_WANTED_H

#include "common/cache/cache.h"

/*
 * Objects that somebody wants in the cache, from a thread that sees them read to one that fetches
 * them.  Bounded: what does not fit is lost, and is wanted again when it is read again.
 */
struct ffs_wanted;

struct ffs_wanted_item {
	struct ffs_wanted_item *next; /* the queue's */
	struct ffs_cache_name name;
};

enum { FFS_WANTED_MAX = 1024 };

/* NULL with errno. */
struct ffs_wanted *ffs_wanted_new(void);
void ffs_wanted_free(struct ffs_wanted *w);

/* By any thread. */
void ffs_wanted_add(struct ffs_wanted *w, const struct ffs_cache_name *n);

/* The first one, to be freed by free(3); NULL: none, then the descriptor is not readable until
 * there is. */
struct ffs_wanted_item *ffs_wanted_take(struct ffs_wanted *w);

/* Readable where there is something; for poll(2) only. */
int ffs_wanted_fd(const struct ffs_wanted *w);

#endif
