#include "common/cache/use.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/random.h>
#include <time.h>
#include <unistd.h>

#include "common/base/opt.h"

#define YEAR_MS ((uint64_t)366 * 86400 * 1000)

static const char *const modes[] = { "auto", "fill", "only", "bypass", "refresh", NULL };
static const char *const verifies[] = { "once", "full", "sample", "never", NULL };

/* The index of a word, or -1. */
static int
find(const char *const *words, const char *word)
{
	int i;

	for (i = 0; words[i]; i++)
		if (!strcmp(words[i], word))
			return i;
	return -1;
}

int
ffs_use_opt(struct ffs_use *u, int opt, const char *arg, const char **want)
{
	int i;

	switch (opt) {
	case FFS_USE_OPT_CACHE:
		*want = "auto, fill, only, bypass or refresh";
		i = find(modes, arg);
		if (i < 0)
			return -EINVAL;
		u->mode = (enum ffs_use_mode)i;
		return 0;
	case FFS_USE_OPT_MAX_AGE:
		*want = "0 to 366 days, such as 5m";
		return ffs_opt_duration(arg, 0, YEAR_MS, &u->max_age_ms) ? -EINVAL : 0;
	case FFS_USE_OPT_VERIFY:
		*want = "once, full, sample or never";
		i = find(verifies, arg);
		if (i < 0)
			return -EINVAL;
		u->verify = (enum ffs_use_verify)i;
		return 0;
	default:
		return -ENOENT;
	}
}

int
ffs_use_open(struct ffs_use *u, const char *endpoint)
{
	int rc;

	u->endpoint = endpoint;
	if (u->mode == FFS_USE_BYPASS)
		return 0;
	u->cache = ffs_cache_open(NULL, ffs_use_keeps(u), &u->trouble);
	rc = u->cache ? 0 : -errno;
	if (u->cache && ffs_cache_writable(u->cache)) {
		u->served = ffs_served_open(ffs_cache_path(u->cache), true);
		(void)prctl(PR_GET_NAME, u->comm);
	}
	/* Without a cache there is nothing to wonder about. */
	if (rc == -ENOENT && u->mode == FFS_USE_AUTO) {
		free(u->trouble);
		u->trouble = NULL;
	}
	return u->mode == FFS_USE_AUTO ? 0 : rc;
}

void
ffs_use_close(struct ffs_use *u)
{
	ffs_cache_free(u->cache);
	ffs_served_close(u->served);
	free(u->trouble);
	u->cache = NULL;
	u->served = NULL;
	u->trouble = NULL;
}

bool
ffs_use_looks(const struct ffs_use *u)
{
	return u->cache && u->mode != FFS_USE_BYPASS && u->mode != FFS_USE_REFRESH;
}

bool
ffs_use_keeps(const struct ffs_use *u)
{
	return u->mode == FFS_USE_FILL || u->mode == FFS_USE_REFRESH;
}

void
ffs_use_note(const struct ffs_use *u, const struct ffs_cache_name *n, enum ffs_served_from from,
    uint64_t bytes, uint64_t us)
{
	if (from != FFS_SERVED_ORIGIN)
		ffs_cache_note_hit(u->cache, n, bytes, us);
	ffs_served_note(u->served, n, u->comm, geteuid(), from, bytes, us);
}

struct ffs_cache_name
ffs_use_name(const struct ffs_use *u, const char *bucket, const char *key)
{
	return (struct ffs_cache_name){ u->endpoint, bucket, key };
}

bool
ffs_use_fresh(const struct ffs_use *u, const struct ffs_cache_hit *hit)
{
	int64_t now = (int64_t)time(NULL);

	if (u->mode == FFS_USE_ONLY)
		return true;
	/* A time to come is of a clock that was wrong. */
	return u->max_age_ms && hit->validated <= now &&
	       (uint64_t)(now - hit->validated) <= u->max_age_ms / 1000;
}

bool
ffs_use_verifies(const struct ffs_use *u, const struct ffs_cache_hit *hit)
{
	unsigned char dice = 0;

	switch (u->verify) {
	case FFS_USE_VERIFY_NEVER:
		return false;
	case FFS_USE_VERIFY_FULL:
		return true;
	case FFS_USE_VERIFY_SAMPLE:
		if (getrandom(&dice, 1, 0) != 1 || dice % FFS_USE_SAMPLE == 0)
			return true;
		return !hit->verified;
	case FFS_USE_VERIFY_ONCE:
		break;
	}
	return !hit->verified;
}
