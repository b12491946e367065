#ifndef FFS_TELL_H
#define FFS_TELL_H

#include <stdbool.h>
#include <stdio.h>

#include "common/follow/filler.h"
#include "common/follow/follow.h"

/* What filling comes to, a line each, written at once. */
struct ffs_tell {
	FILE *out;
	bool json;
	bool fills, refusals; /* which are told */
	const struct ffs_stores *stores;
};

/* All return 0 or -errno of out. */
int ffs_tell_fill(struct ffs_tell *t, const struct ffs_filler_event *e);
int ffs_tell_dropped(struct ffs_tell *t, const char *bucket, const char *key, int64_t entries);
/* The gateway is there; and its /metrics, NULL without. */
int ffs_tell_serves(struct ffs_tell *t, const char *url, const char *metrics);
int ffs_tell_end(struct ffs_tell *t, const struct ffs_follow_stats *s);

#endif
