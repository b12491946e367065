/* What --cache, --max-age and --verify mean. */
#include "common/cache/use.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "check.h"

static int
opt(struct ffs_use *u, int which, const char *arg)
{
	const char *want = NULL;
	int rc = ffs_use_opt(u, which, arg, &want);

	CHECK(rc != -EINVAL || want, "%s", arg);
	return rc;
}

static void
options(void)
{
	static const struct {
		const char *word;
		enum ffs_use_mode mode;
		bool keeps;
	} modes[] = {
		{ "auto", FFS_USE_AUTO, false },
		{ "fill", FFS_USE_FILL, true },
		{ "only", FFS_USE_ONLY, false },
		{ "bypass", FFS_USE_BYPASS, false },
		{ "refresh", FFS_USE_REFRESH, true },
	};
	static const char *const bad[] = { "", "Auto", "autoo", "fil" };
	struct ffs_use u = { 0 };
	size_t i;

	CHECK(!ffs_use_keeps(&u) && !ffs_use_looks(&u));
	for (i = 0; i < COUNT(modes); i++) {
		CHECK(!opt(&u, FFS_USE_OPT_CACHE, modes[i].word), "%s", modes[i].word);
		CHECK(u.mode == modes[i].mode, "%s", modes[i].word);
		CHECK(ffs_use_keeps(&u) == modes[i].keeps, "%s", modes[i].word);
	}
	for (i = 0; i < COUNT(bad); i++) {
		CHECK(opt(&u, FFS_USE_OPT_CACHE, bad[i]) == -EINVAL, "%s", bad[i]);
		CHECK(opt(&u, FFS_USE_OPT_VERIFY, bad[i]) == -EINVAL, "%s", bad[i]);
		CHECK(opt(&u, FFS_USE_OPT_MAX_AGE, bad[i]) == -EINVAL, "%s", bad[i]);
	}
	CHECK(u.mode == FFS_USE_REFRESH && u.verify == FFS_USE_VERIFY_ONCE && !u.max_age_ms);
	CHECK(!opt(&u, FFS_USE_OPT_MAX_AGE, "5m") && u.max_age_ms == 300000);
	CHECK(opt(&u, FFS_USE_OPT_MAX_AGE, "400000h") == -EINVAL);
	CHECK(!opt(&u, FFS_USE_OPT_VERIFY, "never") && u.verify == FFS_USE_VERIFY_NEVER);
	CHECK(opt(&u, 'x', "auto") == -ENOENT);
}

static void
age(void)
{
	struct ffs_use u = { .mode = FFS_USE_AUTO };
	struct ffs_cache_hit hit = { .validated = (int64_t)time(NULL) - 100 };

	CHECK(!ffs_use_fresh(&u, &hit));
	u.max_age_ms = 1000 * 1000;
	CHECK(ffs_use_fresh(&u, &hit));
	u.max_age_ms = 50 * 1000;
	CHECK(!ffs_use_fresh(&u, &hit));
	/* A clock that was ahead. */
	hit.validated += 1000;
	CHECK(!ffs_use_fresh(&u, &hit));
	u.mode = FFS_USE_ONLY;
	u.max_age_ms = 0;
	CHECK(ffs_use_fresh(&u, &hit));
}

static void
verify(void)
{
	struct ffs_use u = { .verify = FFS_USE_VERIFY_ONCE };
	struct ffs_cache_hit fresh = { 0 }, known = { .verified = true };
	int i, n = 0;

	CHECK(ffs_use_verifies(&u, &fresh) && !ffs_use_verifies(&u, &known));
	u.verify = FFS_USE_VERIFY_FULL;
	CHECK(ffs_use_verifies(&u, &fresh) && ffs_use_verifies(&u, &known));
	u.verify = FFS_USE_VERIFY_NEVER;
	CHECK(!ffs_use_verifies(&u, &fresh) && !ffs_use_verifies(&u, &known));
	u.verify = FFS_USE_VERIFY_SAMPLE;
	for (i = 0; i < 16000; i++) {
		CHECK(ffs_use_verifies(&u, &fresh));
		n += ffs_use_verifies(&u, &known);
	}
	/* 1000 of them; 300 away is ten times the deviation. */
	CHECK(n > 700 && n < 1300, "%d", n);
}

static void
opening(void)
{
	struct ffs_use u = { .mode = FFS_USE_AUTO };

	CHECK(!setenv("FFS_CACHE", "cache", 1));
	CHECK(!ffs_use_open(&u, "http://e:1") && !u.cache && !u.trouble);
	CHECK(!ffs_use_looks(&u) && access("cache", F_OK));
	ffs_use_close(&u);
	u.mode = FFS_USE_ONLY;
	CHECK(ffs_use_open(&u, "http://e:1") == -ENOENT && u.trouble && access("cache", F_OK));
	ffs_use_close(&u);
	u.mode = FFS_USE_BYPASS;
	CHECK(!ffs_use_open(&u, "http://e:1") && !u.cache && access("cache", F_OK));
	u.mode = FFS_USE_REFRESH;
	CHECK(!ffs_use_open(&u, "http://e:1") && u.cache && !access("cache", F_OK));
	CHECK(!ffs_use_looks(&u) && ffs_use_keeps(&u));
	CHECK(!strcmp(ffs_use_name(&u, "b", "k").endpoint, "http://e:1"));
	ffs_use_close(&u);
	CHECK(!u.cache && !u.trouble);
}

int
main(void)
{
	options();
	age();
	verify();
	opening();
	return failed;
}
