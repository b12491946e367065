/*
 * Who was served from where: what is noted is there, also after a damaged file, with programs that
 * have hostile names, and with many writers.  With the argument "full": on a full disk.
 */
#include "common/cache/served.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/cache/cache.h"
#include "tests/unit/check.h"

static struct ffs_served *
open_in(const char *dir)
{
	struct ffs_served *s;

	CHECK(!mkdir(dir, 0700) || errno == EEXIST);
	s = ffs_served_open(dir, true);
	if (!s)
		exit(1);
	return s;
}

static const struct ffs_cache_name *
object(unsigned i)
{
	static char key[32];
	static struct ffs_cache_name n = { "http://127.0.0.1:9000", "b", key };

	snprintf(key, sizeof(key), "k/%u", i);
	return &n;
}

/* What programs there are, and what of them all together. */
struct seen {
	unsigned n;
	uint64_t requests;
	char comm[FFS_SERVED_COMM]; /* the last one's */
	uint32_t uid;
	struct ffs_served_count c;
};

static int
see(void *arg, const char *comm, uint32_t uid, const struct ffs_served_count *c)
{
	struct seen *seen = arg;
	unsigned i;

	seen->n++;
	seen->uid = uid;
	seen->c = *c;
	snprintf(seen->comm, sizeof(seen->comm), "%s", comm);
	for (i = 0; i < FFS_SERVED_N; i++)
		seen->requests += c->requests[i];
	return 0;
}

static struct seen
programs(const struct ffs_served *s)
{
	struct seen seen = { 0 };

	CHECK(!ffs_served_programs(s, see, &seen));
	return seen;
}

static int
stop(void *arg, const char *comm, uint32_t uid, const struct ffs_served_count *c)
{
	(void)arg, (void)comm, (void)uid, (void)c;
	return 7;
}

static void
notes(void)
{
	struct ffs_served *s = open_in("a"), *r;
	struct ffs_served_count c;
	struct seen seen;

	ffs_served_note(NULL, object(1), "x", 1, FFS_SERVED_CACHE, 1, 1);
	ffs_served_note(s, object(1), "python3", 1000, FFS_SERVED_ORIGIN, 100, 10);
	ffs_served_note(s, object(1), "python3", 1000, FFS_SERVED_CHECKED, 200, 20);
	ffs_served_note(s, object(1), "curl", 1000, FFS_SERVED_CACHE, 300, 30);
	ffs_served_note(s, NULL, NULL, (uint32_t)-1, FFS_SERVED_ORIGIN, 5, 1);
	ffs_served_note(s, object(1), "curl", 1000, FFS_SERVED_N, 300, 30); /* none */
	r = ffs_served_open("a", false);
	CHECK(r && ffs_served_current(r));
	ffs_served_totals(r, &c);
	CHECK(c.requests[FFS_SERVED_ORIGIN] == 2 && c.bytes[FFS_SERVED_ORIGIN] == 105 &&
	      c.us[FFS_SERVED_ORIGIN] == 11);
	CHECK(c.requests[FFS_SERVED_CHECKED] == 1 && c.requests[FFS_SERVED_CACHE] == 1 &&
	      c.requests[FFS_SERVED_STALE] == 0 && c.last_us > 0);
	CHECK(!ffs_served_object(r, object(1), &c) && c.requests[FFS_SERVED_ORIGIN] == 1 &&
	      c.bytes[FFS_SERVED_CHECKED] == 200 && c.requests[FFS_SERVED_CACHE] == 1);
	CHECK(ffs_served_object(r, object(2), &c) == -ENOENT);
	seen = programs(r);
	CHECK(seen.n == 3 && seen.requests == 4, "%u", seen.n);
	CHECK(ffs_served_programs(r, stop, NULL) == 7);
	/* A reader changes nothing. */
	ffs_served_note(r, object(1), "x", 1, FFS_SERVED_CACHE, 1, 1);
	ffs_served_reset(r);
	CHECK(programs(r).requests == 4);
	ffs_served_reset(s);
	CHECK(!programs(r).n && ffs_served_object(r, object(1), &c) == -ENOENT);
	ffs_served_totals(r, &c);
	CHECK(!c.requests[FFS_SERVED_ORIGIN] && !c.last_us);
	ffs_served_close(r);
	ffs_served_close(s);
	ffs_served_close(NULL);
	CHECK(!strcmp(ffs_served_name(FFS_SERVED_STALE), "stale"));
}

/* --clear of the cache clears these too; no cache, none of these. */
static void
clears(void)
{
	struct ffs_cache *cache = ffs_cache_open("c", true, NULL);
	struct ffs_served *s;
	struct ffs_served_count c;

	CHECK(cache && !ffs_served_open("c", false) && errno == ENOENT);
	CHECK(ffs_cache_clear(cache) == 0 && access("c/served", F_OK));
	s = open_in("c");
	ffs_served_note(s, object(1), "x", 1, FFS_SERVED_CACHE, 1, 1);
	CHECK(ffs_cache_clear(cache) == 0);
	ffs_served_totals(s, &c);
	CHECK(!c.requests[FFS_SERVED_CACHE]);
	ffs_served_close(s);
	ffs_cache_free(cache);
	CHECK(!ffs_served_open("none", true) && errno == ENOENT);
}

/* Names of programs are anything. */
static void
names(void)
{
	static const char *const bad[] = { "", "a\nb", "\x1b[2J", "\xff\xfe", "\"},{",
		"exactly15bytes!", "more than fifteen bytes are cut here" };
	struct ffs_served *s = open_in("n");
	struct seen seen;
	unsigned i;

	for (i = 0; i < COUNT(bad); i++) {
		ffs_served_reset(s);
		ffs_served_note(s, object(i), bad[i], i, FFS_SERVED_CACHE, 1, 1);
		seen = programs(s);
		CHECK(seen.n == 1 && seen.uid == i && !strncmp(seen.comm, bad[i], 15), "%u", i);
	}
	/* More than there is room for: the last ones are known, and no request is counted twice. */
	ffs_served_reset(s);
	for (i = 0; i < 100000; i++)
		ffs_served_note(s, object(i), "many", i, FFS_SERVED_CACHE, 1, 1);
	seen = programs(s);
	CHECK(seen.n <= FFS_SERVED_PROGRAMS && seen.n > FFS_SERVED_PROGRAMS / 2, "%u", seen.n);
	CHECK(seen.requests == seen.n);
	CHECK(!ffs_served_object(s, object(99999), &seen.c) &&
	      seen.c.requests[FFS_SERVED_CACHE] == 1);
	ffs_served_totals(s, &seen.c);
	CHECK(seen.c.requests[FFS_SERVED_CACHE] == 100000);
	ffs_served_close(s);
}

/* n bytes at off of d/served become x, or it is cut. */
static void
spoil(off_t off, size_t n, unsigned char x, off_t cut)
{
	int fd = open("d/served", O_RDWR);

	CHECK(fd >= 0);
	for (; n; n--)
		CHECK(pwrite(fd, &x, 1, off++) == 1);
	CHECK(cut < 0 || !ftruncate(fd, cut));
	close(fd);
}

static void
damage(void)
{
	static const struct {
		off_t off;
		size_t n;
		off_t cut;
	} how[] = { { 0, 8, -1 }, { 8, 1, -1 }, { 16, 8, -1 }, { 0, 0, 0 }, { 0, 0, 4096 },
		{ 0, 0, 100 }, { 24, 8, -1 } };
	struct ffs_served_count c;
	struct ffs_served *s = open_in("d"), *old;
	unsigned i, k;

	for (i = 0; i < COUNT(how); i++) {
		ffs_served_note(s, object(1), "x", 1, FFS_SERVED_CACHE, 1, 1);
		ffs_served_close(s);
		spoil(how[i].off, how[i].n, 0xee, how[i].cut);
		CHECK(!ffs_served_open("d", false) && errno == EBADMSG, "%u", i);
		s = open_in("d");
		ffs_served_totals(s, &c);
		CHECK(!c.requests[FFS_SERVED_CACHE], "%u", i);
	}
	/* The header is right and the rest is noise: nothing is believed that is no name. */
	for (i = 0; i < 256; i += 51) {
		spoil(4096, 200000, (unsigned char)i, -1);
		CHECK(!programs(s).n);
		for (k = 0; k < 2000; k++)
			ffs_served_note(s, object(k), "y", k, FFS_SERVED_CACHE, 1, 1);
		CHECK(!ffs_served_object(s, object(1999), &c));
	}
	/* Somebody else's file at its name is left alone; ours takes its place. */
	old = s;
	CHECK(ffs_served_current(old));
	CHECK(!unlink("d/served") && !symlink("/etc/passwd", "d/served"));
	CHECK(!ffs_served_open("d", false) && errno == ELOOP && !ffs_served_current(old));
	s = open_in("d");
	CHECK(!ffs_served_current(old) && ffs_served_current(s));
	ffs_served_note(old, object(1), "x", 1, FFS_SERVED_CACHE, 1, 1);
	ffs_served_close(old);
	ffs_served_close(s);
}

/* Writers in processes of their own. */
static void
together(void)
{
	enum { WRITERS = 4, EACH = 5000 };
	struct ffs_served_count c;
	struct ffs_served *s;
	int i, k, st;

	CHECK(!mkdir("t", 0700));
	for (i = 0; i < WRITERS; i++)
		if (!fork()) {
			s = open_in("t");
			for (k = 0; k < EACH; k++)
				ffs_served_note(s, object((unsigned)k % 10), "same", 5,
				    (enum ffs_served_from)(k % FFS_SERVED_N), 10, 1);
			ffs_served_close(s);
			_exit(failed);
		}
	for (i = 0; i < WRITERS; i++)
		CHECK(wait(&st) > 0 && !st);
	s = open_in("t");
	ffs_served_totals(s, &c);
	for (i = 0; i < FFS_SERVED_N; i++)
		CHECK(c.requests[i] == WRITERS * EACH / FFS_SERVED_N);
	/* But for those who met another just making the slot. */
	CHECK(programs(s).n == 1 && programs(s).requests > WRITERS * EACH * 9 / 10);
	ffs_served_close(s);
}

/* All blocks are there, or there is no file. */
static int
full(const char *dir)
{
	struct ffs_served *s;

	CHECK(!mkdir(dir, 0700));
	s = ffs_served_open(dir, true);
	CHECK(!s && errno == ENOSPC);
	CHECK(!chdir(dir) && access("served", F_OK) && access("served.new", F_OK));
	return failed;
}

int
main(int argc, char **argv)
{
	if (argc == 3 && !strcmp(argv[1], "full"))
		return full(argv[2]);
	notes();
	clears();
	names();
	damage();
	together();
	return failed;
}
