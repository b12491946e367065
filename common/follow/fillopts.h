#ifndef FFS_FILLOPTS_H
#define FFS_FILLOPTS_H

#include <stdbool.h>
#include <stdint.h>

#include "common/cache/cache.h"

/* What the command line says about filling. */
struct ffs_fillopts {
	unsigned jobs, ahead;       /* fills at once; how many follow a hot chunk */
	uint64_t rate;              /* bytes a second, 0: no bound */
	const char **allow, **deny; /* NULL-ended, as for ffs_cache_meant(); NULL: none */
	bool all;                   /* admit what is read once */
	bool given;                 /* one of those that only filling needs */
	struct ffs_cache_limits limits;
	bool has_size, has_free;
};

#define FFS_FILLOPTS_INIT                                                                          \
	{                                                                                          \
		.jobs = 4                                                                          \
	}

/* The options for the table of getopt_long(3), by these values. */
enum ffs_fillopt {
	FFS_FILLOPT_ADMIT = 0x2000,
	FFS_FILLOPT_ALLOW,
	FFS_FILLOPT_BWLIMIT,
	FFS_FILLOPT_DENY,
	FFS_FILLOPT_JOBS,
	FFS_FILLOPT_MIN_FREE,
	FFS_FILLOPT_READAHEAD,
	FFS_FILLOPT_SIZE,
};

/* Take the option with this value; arg stays.  0; 1: it is none of them; -EINVAL, *want says what
 * it takes; -ENOMEM. */
int ffs_fillopts_take(struct ffs_fillopts *o, int opt, const char *arg, const char **want);
void ffs_fillopts_release(struct ffs_fillopts *o);

/* Give the limits, where some were said, to the cache.  0 or -errno. */
int ffs_fillopts_limit(const struct ffs_fillopts *o, struct ffs_cache *c);

/* Their lines of the tool's help. */
const char *ffs_fillopts_help(void);

#endif
