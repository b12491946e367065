#include "common/follow/fillopts.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/opt.h"

#define RATE_MIN 1000
#define RATE_MAX ((uint64_t)1 << 50)

static int
add_glob(const char ***globs, const char *glob)
{
	const char **grown;
	size_t n = 0;

	while (*globs && (*globs)[n])
		n++;
	grown = reallocarray(*globs, n + 2, sizeof(*grown));
	if (!grown)
		return -ENOMEM;
	grown[n] = glob;
	grown[n + 1] = NULL;
	*globs = grown;
	return 0;
}

static int
take_number(unsigned *to, const char *arg, unsigned lo, unsigned hi)
{
	uint64_t n;
	int rc = ffs_opt_uint(arg, lo, hi, &n);

	if (!rc)
		*to = (unsigned)n;
	return rc ? -EINVAL : 0;
}

int
ffs_fillopts_take(struct ffs_fillopts *o, int opt, const char *arg, const char **want)
{
	o->given |= opt >= FFS_FILLOPT_ADMIT && opt <= FFS_FILLOPT_READAHEAD &&
	            opt != FFS_FILLOPT_MIN_FREE && opt != FFS_FILLOPT_JOBS;
	switch (opt) {
	case FFS_FILLOPT_ADMIT:
		*want = "hot or all";
		o->all = !strcmp(arg, "all");
		return o->all || !strcmp(arg, "hot") ? 0 : -EINVAL;
	case FFS_FILLOPT_ALLOW:
		return add_glob(&o->allow, arg);
	case FFS_FILLOPT_BWLIMIT:
		*want = "bytes a second, at least 1000, or as 170mbit";
		return ffs_opt_rate(arg, RATE_MIN, RATE_MAX, &o->rate) ? -EINVAL : 0;
	case FFS_FILLOPT_DENY:
		return add_glob(&o->deny, arg);
	case FFS_FILLOPT_JOBS:
		*want = "1 to 256 jobs";
		return take_number(&o->jobs, arg, 1, 256);
	case FFS_FILLOPT_MIN_FREE:
		*want = "0 to 99 percent";
		o->has_free = true;
		return take_number(&o->limits.min_free_pc, arg, 0, 99);
	case FFS_FILLOPT_READAHEAD:
		*want = "0 to 1000 chunks";
		return take_number(&o->ahead, arg, 0, 1000);
	case FFS_FILLOPT_SIZE:
		*want = "bytes, or as 20g";
		o->has_size = true;
		return ffs_opt_size(arg, 1, INT64_MAX, &o->limits.size) ? -EINVAL : 0;
	default:
		return 1;
	}
}

void
ffs_fillopts_release(struct ffs_fillopts *o)
{
	free(o->allow);
	free(o->deny);
	o->allow = o->deny = NULL;
}

int
ffs_fillopts_limit(const struct ffs_fillopts *o, struct ffs_cache *c)
{
	struct ffs_cache_limits limits;

	if (!o->has_size && !o->has_free)
		return 0;
	ffs_cache_limits_get(c, &limits);
	if (o->has_size)
		limits.size = o->limits.size;
	if (o->has_free)
		limits.min_free_pc = o->limits.min_free_pc;
	return ffs_cache_limits_set(c, &limits);
}

const char *
ffs_fillopts_help(void)
{
	return "      --size SIZE       keep at most so many bytes (default 20g)\n"
	       "      --min-free PCT    of the disk stay free (default 10)\n"
	       "      --admit hot|all   fill what is hot, or all that is read (default hot)\n"
	       "      --allow GLOB      only these, BUCKET/KEY or a dataset (repeatable)\n"
	       "      --deny GLOB       never these (repeatable)\n"
	       "      --readahead K     with a hot chunk come the next K\n"
	       "      --bwlimit RATE    bytes a second for fills, or 170mbit\n"
	       "  -j, --jobs N          fills at once (default 4)\n";
}
