/*
 * The cache on disks that are full, out of inodes, read-only or unfit.  tests/cache.bats mounts
 * them; without arguments it is the disk that we are on, of which a share has to stay free.
 */
#include <errno.h>
#include <sys/statvfs.h>

#include "tests/unit/cachetest.h"

enum { SIZE = 50000 };

/* Counts of what was tried, by result. */
struct tally {
	int kept, refused[FFS_CACHE_REFUSALS_N], other;
};

static void
fill_some(struct ffs_cache *c, int from, int to, size_t size, uint64_t asked_us, struct tally *t)
{
	struct ffs_cache_fill_opts o = { .asked_us = asked_us };
	enum ffs_cache_refusal why;
	int i, rc;

	memset(t, 0, sizeof(*t));
	for (i = from; i < to; i++) {
		rc = fill(c, i, size, &o, &why);
		if (!rc)
			t->kept++;
		else if (rc == -ENOSPC)
			t->refused[why]++;
		else
			t->other++;
	}
}

static double
free_share(const char *dir, int inodes)
{
	struct statvfs v;

	if (statvfs(dir, &v))
		exit(1);
	return inodes ? (double)v.f_favail / (double)v.f_files
	              : (double)v.f_bavail / (double)v.f_blocks;
}

/* What is there can be read, all of it is right, and the counts say so. */
static void
whole(struct ffs_cache *c, int from, int to, int least)
{
	struct ffs_cache_totals t;
	struct ffs_cache_verify v;
	int i, n = 0;

	for (i = from; i < to; i++)
		n += read_object(c, i);
	CHECK(n >= least, "%d of %d", n, least);
	CHECK(!ffs_cache_verify_all(c, &v, NULL, NULL, NULL) && !v.wrong && !v.unread);
	ffs_cache_totals(c, &t);
	CHECK(v.entries == t.entries && v.bytes == t.bytes, "%lu %lu", v.entries, t.entries);
}

static void
settle(struct ffs_cache *c)
{
	int rc, i = 0;

	CHECK(!ffs_cache_lock(c));
	while ((rc = ffs_cache_tick(c)) == 1 && ++i < 10000)
		;
	CHECK(rc == 0 && i < 10000, "%d", rc);
}

/* A disk of 8 MiB. */
static void
full(const char *dir)
{
	struct ffs_cache *c = open_cache(dir);
	struct ffs_cache_limits l = { 1 << 30, 0, 0 };
	struct tally t;

	/* Even without a share to keep free a full disk refuses, and breaks nothing. */
	CHECK(!ffs_cache_limits_set(c, &l));
	fill_some(c, 0, 300, SIZE, 0, &t);
	CHECK(t.kept > 100 && t.kept < 170 && t.kept + t.refused[FFS_CACHE_REFUSED_recent] == 300 &&
		  !t.other,
	    "%d %d", t.kept, t.refused[FFS_CACHE_REFUSED_recent]);
	whole(c, 0, t.kept, t.kept);
	/* Somebody who asks gets his, by what was there before. */
	usleep(1000);
	fill_some(c, 1000, 1010, SIZE, 500, &t);
	CHECK(t.kept == 10, "%d", t.kept);
	whole(c, 1000, 1010, 10);
	l.min_free_pc = 50;
	CHECK(!ffs_cache_limits_set(c, &l));
	settle(c);
	CHECK(free_share(dir, 0) >= 0.5 && free_share(dir, 0) < 0.7, "%f", free_share(dir, 0));
	fill_some(c, 2000, 2100, SIZE, 0, &t);
	CHECK(free_share(dir, 0) >= 0.5 && t.refused[FFS_CACHE_REFUSED_recent] > 50);
	whole(c, 0, 0, 0);
	ffs_cache_free(c);
}

/* A disk of 8 MiB that others have filled but for a little. */
static void
crowded(const char *dir)
{
	struct ffs_cache *c = open_cache(dir);
	struct tally t;

	fill_some(c, 0, 20, SIZE, 0, &t);
	CHECK(t.refused[FFS_CACHE_REFUSED_disk] == 20, "%d kept", t.kept);
	ffs_cache_free(c);
}

/* 400 inodes, of which the shards' directories take some, too. */
static void
inodes(const char *dir)
{
	struct ffs_cache *c = open_cache(dir);
	struct ffs_cache_limits l = { 1 << 30, 0, 10 };
	struct tally t;

	CHECK(!ffs_cache_limits_set(c, &l));
	fill_some(c, 0, 300, 10, 0, &t);
	CHECK(t.kept > 100 && t.kept < 260 && !t.other, "%d", t.kept);
	CHECK(free_share(dir, 1) >= 0.05, "%f", free_share(dir, 1));
	whole(c, 0, 300, t.kept);
	/* None at all is no more than a refusal, too. */
	l.min_free_pc = 0;
	CHECK(!ffs_cache_limits_set(c, &l));
	fill_some(c, 1000, 1300, 10, 0, &t);
	CHECK(!t.other && t.kept < 100 && t.refused[FFS_CACHE_REFUSED_inodes] > 0, "%d %d", t.kept,
	    t.refused[FFS_CACHE_REFUSED_inodes]);
	whole(c, 0, 0, 0);
	ffs_cache_free(c);
}

/* One with objects 0 to 9 that we must not write to. */
static void
readonly(const char *dir)
{
	struct ffs_cache *c = open_cache(dir);
	struct ffs_cache_limits l = { 1, 0, 0 };
	struct ffs_cache_hit hit;
	struct named m;
	struct tally t;

	CHECK(!ffs_cache_writable(c));
	CHECK(!ffs_cache_find(c, name_of(&m, 3), "e", &hit) && !hit.verified);
	CHECK(!ffs_cache_check(c, &hit) && hit.verified);
	ffs_cache_validated(c, &hit);
	ffs_cache_damaged(c, &m.n, &hit);
	close(hit.fd);
	CHECK(read_object(c, 3) && !read_object(c, 10));
	fill_some(c, 20, 30, 100, 0, &t);
	CHECK(t.refused[FFS_CACHE_REFUSED_readonly] == 10);
	CHECK(ffs_cache_drop(c, &m.n) < 0 && ffs_cache_clear(c) < 0);
	CHECK(ffs_cache_limits_set(c, &l) == -EROFS && ffs_cache_lock(c) < 0);
	CHECK(ffs_cache_pin(c, "http://h", "b", "p/", true) == -EROFS);
	CHECK(read_object(c, 3));
	ffs_cache_free(c);
}

static void
unfit(const char *dir)
{
	char *why;

	CHECK(!ffs_cache_open(dir, true, &why) && errno == EOPNOTSUPP, "%d", errno);
	CHECK(why && strstr(why, dir) && strstr(why, "no user extended attributes"), "%s", why);
	free(why);
}

static int
count(void *arg, const struct ffs_cache_entry *e)
{
	int *n = arg;

	*n += e->size == 10 && e->has_crc && !strcmp(e->etag, "e");
	return 0;
}

/* 100,000 entries, and what a process that starts then finds. */
static void
many(const char *dir)
{
	enum { N = 100000 };
	struct ffs_cache *c = open_cache(dir);
	struct ffs_cache_totals t;
	struct tally tally;
	int i, n = 0;

	set_limits(c, 1 << 30, 0);
	fill_some(c, 0, N, 10, 0, &tally);
	CHECK(tally.kept == N);
	ffs_cache_free(c);
	c = open_cache(dir);
	for (i = 0; i < N; i += 101)
		CHECK(read_object(c, i));
	ffs_cache_totals(c, &t);
	CHECK(t.entries == N && t.bytes == 10 * N);
	CHECK(!ffs_cache_each(c, count, &n) && n == N, "%d", n);
	settle(c);
	ffs_cache_totals(c, &t);
	CHECK(t.entries == N && t.bytes == 10 * N);
	set_limits(c, 1 << 30, N - 1000);
	settle(c);
	ffs_cache_totals(c, &t);
	CHECK(t.entries <= N - 1000 && t.evictions >= 1000 && t.evictions <= N / 10);
	CHECK(ffs_cache_evict(c, "ffs/set/1/0000*", NULL) > 0);
	ffs_cache_free(c);
}

/* Objects 0 to 9 in directories that nobody can list: neither reads nor fills look around. */
static void
unlisted(const char *dir)
{
	struct ffs_cache *c = open_cache(dir);
	struct tally t;
	int i;

	for (i = 0; i < 10; i++)
		CHECK(read_object(c, i));
	fill_some(c, 0, 10, 100, 0, &t);
	CHECK(t.kept == 10);
	CHECK(ffs_cache_each(c, count, &i) == -EACCES);
	ffs_cache_free(c);
}

int
main(int argc, char **argv)
{
	const char *mode = argc > 2 ? argv[1] : "", *dir = argc > 2 ? argv[2] : "here";
	struct ffs_cache_limits l = { 1 << 30, 0, 99 };
	struct ffs_cache *c;
	struct tally t;

	if (!strcmp(mode, "full")) {
		full(dir);
	} else if (!strcmp(mode, "crowded")) {
		crowded(dir);
	} else if (!strcmp(mode, "inodes")) {
		inodes(dir);
	} else if (!strcmp(mode, "readonly")) {
		readonly(dir);
	} else if (!strcmp(mode, "unfit")) {
		unfit(dir);
	} else if (!strcmp(mode, "many")) {
		many(dir);
	} else if (!strcmp(mode, "unlisted")) {
		unlisted(dir);
	} else {
		c = open_cache(dir);
		if (argc < 2) {
			CHECK(!ffs_cache_limits_set(c, &l));
			fill_some(c, 0, 10, 100, 0, &t);
			CHECK(t.refused[FFS_CACHE_REFUSED_disk] == 10);
			l.min_free_pc = 0;
			CHECK(!ffs_cache_limits_set(c, &l));
		}
		fill_some(c, 0, 10, 100, 0, &t);
		CHECK(t.kept == 10);
		ffs_cache_free(c);
	}
	return failed;
}
