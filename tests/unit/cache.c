/* The cache's entries: complete or not there, what they say of themselves, and who is believed. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <sys/xattr.h>

#include "tests/unit/cachetest.h"

/* The path of the only entry below ./DIR/v1. */
static void
only_entry(const char *dir, char *out, size_t max)
{
	char shard[300];
	struct dirent *e;
	DIR *d;
	int i, found = 0;

	for (i = 0; i < 256; i++) {
		snprintf(shard, sizeof(shard), "%s/v1/%02x", dir, i);
		d = opendir(shard);
		while (d && (e = readdir(d)))
			if (*e->d_name != '.') {
				snprintf(out, max, "%s/%.64s", shard, e->d_name);
				found++;
			}
		if (d)
			closedir(d);
	}
	CHECK(found == 1, "%d entries", found);
}

static void
test_fill_and_find(void)
{
	struct ffs_cache_fill_opts o = { .etag = "abc-2", .decoded = true };
	struct ffs_cache *c = open_cache("a");
	struct ffs_cache_hit hit;
	struct ffs_cache_totals t;
	struct named m, other;

	CHECK(ffs_cache_writable(c) && ffs_cache_current(c) && !strcmp(ffs_cache_path(c), "a"));
	CHECK(!ffs_cache_has(c, name_of(&m, 1)));
	CHECK(ffs_cache_find(c, &m.n, NULL, &hit) == -ENOENT && hit.fd == -1);
	CHECK(!fill(c, 1, 100000, &o, NULL));
	CHECK(ffs_cache_has(c, &m.n));
	CHECK(ffs_cache_find(c, &m.n, "abc-3", &hit) == -ENOENT && hit.fd == -1);
	CHECK(ffs_cache_find(c, name_of(&other, 2), NULL, &hit) == -ENOENT);
	other.n = m.n;
	other.n.endpoint = "http://127.0.0.1:9001";
	CHECK(ffs_cache_find(c, &other.n, NULL, &hit) == -ENOENT);
	CHECK(!ffs_cache_find(c, &m.n, "abc-2", &hit));
	CHECK(hit.size == 100000 && hit.has_crc && !strcmp(hit.etag, "abc-2") && hit.decoded);
	CHECK(hit.filled > 1700000000 && hit.validated == hit.filled && !hit.verified);
	CHECK(!ffs_cache_check(c, &hit) && hit.verified);
	ffs_cache_validated(c, &hit);
	close(hit.fd);
	CHECK(!ffs_cache_find(c, &m.n, NULL, &hit));
	CHECK(hit.verified && hit.validated >= hit.filled);
	close(hit.fd);
	/* What is filled again is not verified. */
	CHECK(!fill(c, 1, 5, NULL, NULL));
	CHECK(
	    !ffs_cache_find(c, &m.n, "e", &hit) && hit.size == 5 && !hit.verified && !hit.decoded);
	close(hit.fd);
	ffs_cache_totals(c, &t);
	CHECK(t.entries == 1 && t.bytes == 5 && t.fills == 2 && t.fill_bytes == 100005);
	CHECK(!ffs_cache_drop(c, &m.n) && ffs_cache_drop(c, &m.n) == -ENOENT);
	CHECK(ffs_cache_find(c, &m.n, NULL, &hit) == -ENOENT);
	ffs_cache_totals(c, &t);
	CHECK(t.entries == 0 && t.bytes == 0);
	ffs_cache_free(c);
}

static void
test_promises(void)
{
	struct ffs_cache_fill_opts o = { .etag = "e", .size = 4, .has_crc = true };
	struct ffs_cache *c = open_cache("b");
	enum ffs_cache_refusal why;
	struct ffs_cache_fill *f, *second;
	struct ffs_cache_totals t;
	struct ffs_cache_hit hit;
	struct named m;

	name_of(&m, 1);
	o.crc32c = 0xe3069283; /* of 123456789 */
	CHECK(!ffs_cache_fill_begin(c, &m.n, &o, &f, &why));
	CHECK(!ffs_cache_fill_write(f, "1234", 4) && ffs_cache_fill_commit(f) == -EBADMSG);
	o.size = 9;
	CHECK(!ffs_cache_fill_begin(c, &m.n, &o, &f, &why));
	CHECK(!ffs_cache_fill_write(f, "1234", 4) && ffs_cache_fill_commit(f) == -EBADMSG);
	CHECK(!ffs_cache_fill_begin(c, &m.n, &o, &f, &why));
	CHECK(ffs_cache_fill_write(f, "1234567890", 10) == -EBADMSG);
	ffs_cache_fill_abort(f);
	CHECK(!ffs_cache_has(c, &m.n));
	CHECK(!ffs_cache_fill_begin(c, &m.n, &o, &f, &why));
	/* One fill of an object at a time; another may run. */
	CHECK(ffs_cache_fill_begin(c, &m.n, &o, &second, &why) == -ENOSPC && !second);
	CHECK(why == FFS_CACHE_REFUSED_busy);
	CHECK(!fill(c, 2, 10, NULL, NULL));
	CHECK(!ffs_cache_fill_write(f, "123456789", 9));
	CHECK(!ffs_cache_has(c, &m.n), "half an entry is there");
	CHECK(!ffs_cache_fill_commit(f));
	CHECK(!ffs_cache_find(c, &m.n, "e", &hit) && hit.crc32c == 0xe3069283);
	close(hit.fd);
	o.size = 0;
	o.crc32c = 0;
	CHECK(!ffs_cache_fill_begin(c, &m.n, &o, &f, &why) && !ffs_cache_fill_commit(f));
	CHECK(!ffs_cache_find(c, &m.n, "e", &hit) && hit.size == 0 && !ffs_cache_check(c, &hit));
	close(hit.fd);
	ffs_cache_totals(c, &t);
	CHECK(t.refused[FFS_CACHE_REFUSED_wrong] == 3 && t.refused[FFS_CACHE_REFUSED_busy] == 1);
	CHECK(t.entries == 2 && t.bytes == 10);
	o.etag = "a b";
	CHECK(ffs_cache_fill_begin(c, &m.n, &o, &f, &why) == -EINVAL);
	o.etag = "e";
	m.n.bucket = "a b";
	CHECK(ffs_cache_fill_begin(c, &m.n, &o, &f, &why) == -EINVAL);
	ffs_cache_free(c);
}

/* Whatever is wrong with an entry, it is a miss, or its bytes do not pass the check. */
static void
test_damage(void)
{
	struct ffs_cache *c = open_cache("d");
	char path[400], value[2048];
	struct ffs_cache_totals t;
	struct ffs_cache_hit hit;
	struct named m;
	struct stat st;
	ssize_t n;
	int fd;

	CHECK(!fill(c, 1, 4096, NULL, NULL));
	only_entry("d", path, sizeof(path));
	CHECK(!stat(path, &st) && (st.st_mode & 07777) == 0444, "mode %o", st.st_mode);
	name_of(&m, 1);
	CHECK(!ffs_cache_find(c, &m.n, NULL, &hit) && !ffs_cache_check(c, &hit) && hit.verified);
	close(hit.fd);
	/* A wrong byte: no longer verified, because the file was written to. */
	CHECK(!chmod(path, 0644));
	fd = open(path, O_RDWR);
	CHECK(pwrite(fd, "?", 1, 100) == 1);
	CHECK(!ffs_cache_find(c, &m.n, NULL, &hit) && !hit.verified);
	CHECK(ffs_cache_check(c, &hit) == -EBADMSG && !hit.verified);
	ffs_cache_damaged(c, &m.n, &hit);
	close(hit.fd);
	CHECK(ffs_cache_find(c, &m.n, NULL, &hit) == -ENOENT);
	ffs_cache_totals(c, &t);
	CHECK(t.damaged == 1 && t.entries == 0 && t.bytes == 0);
	close(fd);
	/* One that was replaced meanwhile is not removed. */
	CHECK(!fill(c, 1, 4096, NULL, NULL) && !ffs_cache_find(c, &m.n, NULL, &hit));
	CHECK(!fill(c, 1, 4096, NULL, NULL));
	ffs_cache_damaged(c, &m.n, &hit);
	close(hit.fd);
	CHECK(ffs_cache_has(c, &m.n));
	/* Cut, grown, without its attribute, with another's. */
	CHECK(!chmod(path, 0644) && !truncate(path, 4095));
	CHECK(ffs_cache_find(c, &m.n, NULL, &hit) == -ENOENT);
	CHECK(!truncate(path, 4097) && ffs_cache_find(c, &m.n, NULL, &hit) == -ENOENT);
	CHECK(!fill(c, 1, 4096, NULL, NULL));
	n = getxattr(path, "user.ffs.object", value, sizeof(value));
	CHECK(n > 0 && !chmod(path, 0644) && !removexattr(path, "user.ffs.object"));
	CHECK(ffs_cache_find(c, &m.n, NULL, &hit) == -ENOENT);
	value[n - 5] = '7'; /* 00001.csv is 00007.csv */
	CHECK(!setxattr(path, "user.ffs.object", value, (size_t)n, 0));
	CHECK(ffs_cache_find(c, &m.n, NULL, &hit) == -ENOENT);
	CHECK(!unlink(path) && !symlink("/etc/passwd", path));
	CHECK(ffs_cache_find(c, &m.n, NULL, &hit) == -ENOENT);
	CHECK(!unlink(path) && !mkfifo(path, 0600));
	CHECK(ffs_cache_find(c, &m.n, NULL, &hit) == -ENOENT);
	/* A fill puts things right. */
	CHECK(!fill(c, 1, 4096, NULL, NULL) && read_object(c, 1));
	ffs_cache_free(c);
}

/* Who is killed in a fill leaves a file and room taken; the next fill of the object clears both. */
static void
test_killed(void)
{
	struct ffs_cache_fill_opts o = { .etag = "e", .size = 100000 };
	struct ffs_cache *c = open_cache("x"), *his;
	enum ffs_cache_refusal why;
	struct ffs_cache_fill *f;
	struct ffs_cache_totals t;
	struct named m;
	int status;
	pid_t pid = fork();

	if (!pid) {
		his = open_cache("x");
		if (!ffs_cache_fill_begin(his, name_of(&m, 1), &o, &f, &why))
			(void)ffs_cache_fill_write(f, "half", 4);
		kill(getpid(), SIGKILL);
	}
	CHECK(waitpid(pid, &status, 0) == pid && WIFSIGNALED(status));
	ffs_cache_totals(c, &t);
	CHECK(t.entries == 1 && t.bytes == 100000 && !ffs_cache_has(c, name_of(&m, 1)));
	CHECK(!fill(c, 1, 50, NULL, NULL) && read_object(c, 1));
	ffs_cache_totals(c, &t);
	CHECK(t.entries == 1 && t.bytes == 50, "%lu %lu", t.entries, t.bytes);
	ffs_cache_free(c);
}

static void
test_notes(void)
{
	struct ffs_cache *c = open_cache("n");
	struct ffs_cache_noted noted;
	struct ffs_cache_totals t;
	struct named m;

	name_of(&m, 1);
	CHECK(ffs_cache_noted(c, &m.n, &noted) == -ENOENT);
	ffs_cache_note_miss(c, &m.n);
	CHECK(!ffs_cache_noted(c, &m.n, &noted) && noted.misses == 1 && !noted.interval_us);
	usleep(2000);
	ffs_cache_note_hit(c, &m.n, 1000, 100);
	ffs_cache_note_hit(c, &m.n, 1000, 300);
	CHECK(!ffs_cache_noted(c, &m.n, &noted));
	CHECK(noted.hits == 2 && noted.misses == 1 && noted.bytes == 2000);
	CHECK(noted.lat_mean_us == 200 && noted.last_read_us > 0);
	ffs_cache_free(c);
	/* They outlive the process that took them. */
	c = open_cache("n");
	CHECK(!ffs_cache_noted(c, &m.n, &noted) && noted.hits == 2);
	ffs_cache_totals(c, &t);
	CHECK(t.hits == 2 && t.misses == 1 && t.hit_bytes == 2000);
	CHECK(t.lat[10] == 1 && t.lat[16] == 1, "%lu %lu", t.lat[10], t.lat[16]);
	ffs_cache_free(c);
}

/* Make ./t/table something else: n bytes at off, or cut to so many. */
static void
spoil(const char *bytes, size_t n, off_t off, off_t cut)
{
	int fd = open("t/table", O_RDWR);

	CHECK(fd >= 0 && (!n || pwrite(fd, bytes, n, off) == (ssize_t)n));
	CHECK(cut < 0 || !ftruncate(fd, cut));
	close(fd);
}

/* A table that is lost, damaged or another version's is made again, and the entries counted. */
static void
test_table(void)
{
	static const char junk[64] = "junk";
	struct ffs_cache_totals t;
	struct ffs_cache *c, *old;
	int i, round;

	c = open_cache("t");
	for (i = 0; i < 40; i++)
		CHECK(!fill(c, i, 1000, NULL, NULL));
	ffs_cache_free(c);
	/* Shorter than it says: nobody may touch what is not there. */
	spoil(NULL, 0, 0, 8192 + 64 * 1024);
	for (round = 0; round < 6; round++) {
		old = open_cache("t");
		CHECK(ffs_cache_writable(old) && ffs_cache_current(old));
		switch (round) {
		case 0:
			CHECK(!unlink("t/table"));
			break;
		case 1: /* no table at all */
			spoil(junk, sizeof(junk), 0, -1);
			break;
		case 2: /* another version */
			spoil("\377", 1, 8, -1);
			break;
		case 3: /* more slots than there is file */
			spoil("\0\0\0\1", 4, 16, -1);
			break;
		case 4:
			CHECK(!unlink("t/table") && !symlink("/etc/passwd", "t/table"));
			break;
		default:
			CHECK(!unlink("t/table") && !close(creat("t/table", 0600)));
		}
		c = open_cache("t");
		CHECK(ffs_cache_writable(c), "round %d", round);
		/* Who still has the old one loses statistics, and can see that. */
		CHECK(!ffs_cache_current(old) && read_object(old, 3));
		ffs_cache_free(old);
		for (i = 0; i < 40; i++)
			CHECK(read_object(c, i));
		ffs_cache_totals(c, &t);
		CHECK(t.hits == 40 && t.entries == 0, "%lu", t.hits); /* not known yet */
		CHECK(!fill(c, 1, 500, NULL, NULL));
		ffs_cache_totals(c, &t);
		CHECK(t.entries == 40 && t.bytes == 39500, "%lu %lu", t.entries, t.bytes);
		CHECK(!fill(c, 1, 1000, NULL, NULL));
		ffs_cache_free(c);
	}
	/* Numbers that are nonsense do not stop it, and are put right. */
	for (i = 0; i < 8192 - 64; i += 64)
		spoil("\xff\xff\xff\xff\xff\xff\xff\x7f", 8, 64 + i, -1);
	c = open_cache("t");
	CHECK(!ffs_cache_lock(c));
	for (i = 0; (round = ffs_cache_tick(c)) == 1 && i < 1000; i++)
		;
	ffs_cache_totals(c, &t);
	CHECK(!round && t.entries == 40 && t.bytes == 40000, "%lu %lu", t.entries, t.bytes);
	ffs_cache_free(c);
}

static void
test_link(void)
{
	struct ffs_cache *c = open_cache("l");
	struct stat a, b;
	struct ffs_cache_hit hit;
	struct named m;
	bool linked;
	int fd = -1;

	CHECK(!fill(c, 1, 300000, NULL, NULL));
	CHECK(!ffs_cache_find(c, name_of(&m, 1), "e", &hit));
	CHECK(!mkdir("out", 0777));
	CHECK(!ffs_cache_link(&hit, AT_FDCWD, "out/1.csv", &linked) && linked);
	/* Again, onto itself. */
	CHECK(!ffs_cache_link(&hit, AT_FDCWD, "out/1.csv", &linked) && linked);
	CHECK(!stat("out/1.csv", &a) && !fstat(hit.fd, &b) && a.st_ino == b.st_ino);
	CHECK(a.st_nlink == 2, "%lu links", (unsigned long)a.st_nlink);
	/* Evicted, the link stays, and the open hit can still be copied. */
	CHECK(!ffs_cache_drop(c, &m.n) && !stat("out/1.csv", &a) && a.st_size == 300000);
	CHECK(!unlink("out/1.csv"));
	CHECK(!ffs_cache_link(&hit, AT_FDCWD, "out/2.csv", &linked) && !linked);
	CHECK(!stat("out/2.csv", &a) && a.st_size == 300000 && (a.st_mode & 0200));
	close(hit.fd);
	CHECK(ffs_cache_link(&hit, AT_FDCWD, "nowhere/2.csv", &linked) < 0);
	/* What is written into a link is noticed by its mtime, verified or not. */
	CHECK(!fill(c, 1, 1000, NULL, NULL) && !ffs_cache_find(c, &m.n, "e", &hit));
	CHECK(!ffs_cache_check(c, &hit) && !ffs_cache_link(&hit, AT_FDCWD, "out/3.csv", NULL));
	CHECK(!chmod("out/3.csv", 0644) && (fd = open("out/3.csv", O_WRONLY)) >= 0);
	CHECK(pwrite(fd, "x", 1, 7) == 1 && !close(fd));
	close(hit.fd);
	CHECK(!ffs_cache_find(c, &m.n, "e", &hit) && !hit.verified);
	CHECK(ffs_cache_check(c, &hit) == -EBADMSG);
	close(hit.fd);
	ffs_cache_free(c);
}

static void
test_globs(void)
{
	static const struct {
		const char *glob, *key;
		bool meant;
	} v[] = {
		{ "d", "d/1/00000.csv", true },
		{ "d", "d/manifest.json", true },
		{ "d", "d/1/manifest.json", true },
		{ "d", "e/1/00000.csv", false },
		{ "d", "d", false },
		{ "d*", "data/1/00000.csv", true },
		{ "a/b", "a/b/1/00000.csv", true },
		{ "a/b", "a/b/12/00000.message.csv", true },
		{ "a/b", "a/b/manifest.json", true },
		{ "a/b", "a/bc/1/00000.csv", false },
		{ "a", "a/b/1/00000.csv", true },
		{ "a/*", "a/b/1/00000.csv", true },
		{ "ffs/d/1/*", "d/1/00000.csv", true },
		{ "ffs/*/00000.csv", "d/1/00000.csv", true },
		{ "ffs/d/1/00001.csv", "d/1/00000.csv", false },
		{ "b/d/1/*", "d/1/00000.csv", false },
		{ "ffs/raw", "raw", true },
		{ "*/*", "raw", true },
		{ "", "/1/x", false },
		{ "", "x", false },
	};
	size_t i;

	for (i = 0; i < COUNT(v); i++)
		CHECK(ffs_cache_meant(v[i].glob, "ffs", v[i].key) == v[i].meant, "'%s' '%s'",
		    v[i].glob, v[i].key);
}

static void
test_missing(void)
{
	char *why;

	CHECK(!ffs_cache_open("nowhere", false, &why) && errno == ENOENT);
	CHECK(why && strstr(why, "nowhere"));
	free(why);
	CHECK(access("nowhere", F_OK));
	/* A directory that is none is not made one by who only looks. */
	CHECK(!mkdir("other", 0700) && !ffs_cache_open("other", false, &why) && errno == ENOENT);
	CHECK(why && strstr(why, "no cache in 'other'"), "%s", why);
	free(why);
	CHECK(getxattr("other", "user.ffs.cache", NULL, 0) < 0 && !rmdir("other"));
}

/* rm -rf below a process that goes on: nothing breaks, and it can tell. */
static void
test_removed(void)
{
	struct ffs_cache *c = open_cache("r");
	struct named m;

	CHECK(!fill(c, 1, 1000, NULL, NULL) && ffs_cache_current(c));
	CHECK(!system("rm -rf r/v1"));
	CHECK(!ffs_cache_current(c) && !read_object(c, 1) && fill(c, 2, 10, NULL, NULL) < 0);
	CHECK(ffs_cache_drop(c, name_of(&m, 1)) == -ENOENT && !ffs_cache_has(c, &m.n));
	ffs_cache_free(c);
	c = open_cache("r");
	CHECK(!fill(c, 1, 1000, NULL, NULL) && read_object(c, 1));
	ffs_cache_free(c);
}

int
main(void)
{
	test_fill_and_find();
	test_promises();
	test_damage();
	test_killed();
	test_notes();
	test_table();
	test_link();
	test_globs();
	test_missing();
	test_removed();
	return failed;
}
