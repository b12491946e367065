#ifndef FFS_THIN_H
#define FFS_THIN_H

#include <stdint.h>

#include "common/watch/maps.h"

/*
 * The tables of objects and names are no LRU: evicting in batches, as the kernel does, would forget
 * objects while they become hot.  Where more than 7/8 of one are taken, this removes what was read
 * least recently, down to 3/4, and names of what was asked for and never read.
 */
struct ffs_thin {
	uint32_t max;     /* entries of a table */
	uint64_t objects; /* in them, at most, when the counter of requests was: */
	uint64_t names, requests;
	int64_t next_ms; /* looking costs: not before */
};

/* To be called again and again.  How many were removed, or -errno.  Writes to both tables. */
int ffs_thin(struct ffs_thin *s, const struct ffs_maps *m);

#endif
