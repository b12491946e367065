#ifndef FFS_LIVEOPT_H
#define FFS_LIVEOPT_H

#include <stddef.h>

#include "common/screen/live.h"

/* The options of --live, for the table of getopt_long(3), by these values. */
enum ffs_liveopt_opt {
	FFS_LIVEOPT_DATASET = 0x3000,
	FFS_LIVEOPT_INTERVAL,
	FFS_LIVEOPT_LIVE, /* "screen" (NULL is the same) or "line" */
};

/*
 * Take the option with this value.  Returns 1 where it is none of them; 0; -EINVAL with what is
 * wrong with arg in why.  Keeps arg.
 */
int ffs_liveopt_take(struct ffs_live_opts *o, int opt, const char *arg, char *why, size_t n);

#endif
