/* What a full cache keeps: passes over more than it holds, other data than before, pins, limits. */
#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/wait.h>

#include "common/cache/cacheimpl.h"
#include "tests/unit/cachetest.h"

enum { SIZE = 1000 };

/*
 * One pass over [from, to) as a reader that keeps what it had to fetch; hits in a thousand.  With
 * width it reads in parallel: each object up to so many places from where it belongs.
 */
static int
pass(struct ffs_cache *c, int from, int to, int width)
{
	static int order[1000];
	int i, k, other, hits = 0, rc;

	for (k = 0; k < to - from; k++)
		order[k] = from + k;
	for (k = 0; width && k + width < to - from; k += width / 2) {
		i = k + (int)(random() % width);
		other = k + (int)(random() % width);
		rc = order[i];
		order[i] = order[other];
		order[other] = rc;
	}
	for (k = 0; k < to - from; k++) {
		i = order[k];
		c->clock += 1000;
		if (read_object(c, i)) {
			hits++;
			continue;
		}
		rc = fill(c, i, SIZE, NULL, NULL);
		CHECK(!rc || rc == -ENOSPC, "%d", rc);
	}
	return 1000 * hits / (to - from);
}

/* The same by least recently used, to compare with. */
static int
pass_lru(int *last, int *clock, int room, int n)
{
	int i, j, hits = 0, held, old;

	for (i = 0; i < n; i++) {
		hits += last[i] > 0;
		if (!last[i]) {
			for (j = held = 0, old = -1; j < n; j++)
				if (last[j]) {
					held++;
					old = old < 0 || last[j] < last[old] ? j : old;
				}
			if (held >= room)
				last[old] = 0;
		}
		last[i] = ++*clock;
	}
	return 1000 * hits / n;
}

static void
test_cyclic(int width)
{
	enum { N = 400, PASSES = 8 };
	const char *dir = width ? "parallel" : "cyclic";
	struct ffs_cache *c = open_cache(dir);
	/* Ahead of the files' times, of which none is later than when its object was asked for. */
	uint64_t now = ffs_cache_now_us(c) + 3600ull * 1000000;
	int last[N] = { 0 }, clock = 0, p, rate, lru, first = 0;
	struct ffs_cache_totals t;

	set_limits(c, N / 2 * SIZE, 0);
	c->clock = now;
	for (p = 0; p < PASSES; p++) {
		rate = pass(c, 0, N, width);
		lru = pass_lru(last, &clock, N / 2, N);
		/* Half of it fits. */
		CHECK(p == 0 || rate == 500, "pass %d: %d in a thousand", p, rate);
		CHECK(lru == 0, "a pass of LRU: %d", lru);
	}
	ffs_cache_totals(c, &t);
	CHECK(t.bytes <= N / 2 * SIZE && t.entries <= N / 2 && t.entries >= N / 2 * 9 / 10);
	CHECK(t.refused[FFS_CACHE_REFUSED_recent] > 0);
	/* Other data, all of which has room: what was there before goes. */
	for (p = 0; p < 5; p++)
		rate = pass(c, 1000, 1000 + N / 2 * 9 / 10, width);
	CHECK(rate == 1000, "new data: %d in a thousand", rate);
	/* Again more than there is room for, by a process that knows nothing but the table. */
	for (p = 0; p < 8; p++) {
		now = c->clock;
		ffs_cache_free(c);
		c = open_cache(dir);
		c->clock = now;
		rate = pass(c, 2000, 2000 + N, width);
		first = p && !first && rate >= 450 ? p : first;
	}
	ffs_cache_free(c);
	CHECK(rate >= 450 && first && first <= 5, "%d in a thousand, from pass %d", rate, first);
}

/* Programs side by side, each reading all of it: the second read makes nothing hot. */
static void
test_side_by_side(void)
{
	struct ffs_cache *c = open_cache("side");
	struct ffs_table_slot *s;

	ffs_table_set(&c->table.h->burst, 1000);
	ffs_table_note(&c->table, 77, 1000000, false, 0, 0);
	ffs_table_note(&c->table, 77, 1000900, false, 0, 0);
	s = ffs_table_slot(&c->table, 77, false);
	CHECK(s && s->last == 1000900 && s->interval == 0);
	ffs_table_note(&c->table, 77, 1500000, true, 5, 5);
	CHECK(s->interval == 500000);
	ffs_table_note(&c->table, 77, 1500900, true, 5, 5);
	CHECK(s->interval == 500000 && s->last == 1500900 && s->mark == 1500000);
	ffs_cache_free(c);
}

/* SIEVE: of those that may go the oldest does, but one that was read is spared once. */
static void
test_sieve(void)
{
	struct ffs_cache *c = open_cache("sieve");
	struct ffs_cache_fill_opts o = { .asked_us = 1 };
	struct ffs_cache_totals t;
	int i;

	c->clock = ffs_cache_now_us(c) + 3600ull * 1000000;
	set_limits(c, 20 * SIZE, 0);
	for (i = 0; i < 20; i++)
		CHECK(!fill(c, i, SIZE, NULL, NULL));
	CHECK(read_object(c, 0) && read_object(c, 2));
	c->clock += 1000000;
	CHECK(!fill(c, 20, SIZE, &o, NULL));
	/* One that was needed, and one more, so that the next need not. */
	ffs_cache_totals(c, &t);
	CHECK(t.evictions == 2 && t.entries == 19, "%lu", t.evictions);
	CHECK(!read_object(c, 1) && !read_object(c, 3));
	/* The hand goes on from there, and comes round to those it spared. */
	for (i = 21; i < 37; i++, c->clock += 1000000)
		CHECK(!fill(c, i, SIZE, &o, NULL));
	CHECK(!read_object(c, 4) && !read_object(c, 19) && read_object(c, 0));
	c->clock += 1000000;
	for (i = 40; i < 80; i++, c->clock += 1000000)
		CHECK(!fill(c, i, SIZE, &o, NULL));
	CHECK(!read_object(c, 0) && !read_object(c, 2) && !read_object(c, 20));
	ffs_cache_free(c);
}

static int
count_pinned(void *arg, const struct ffs_cache_entry *e)
{
	int *n = arg;

	*n += e->pinned;
	return 0;
}

static void
test_pins(void)
{
	struct ffs_cache *c = open_cache("pins"), *other = open_cache("pins");
	struct ffs_cache_fill_opts o = { .asked_us = 1 };
	static const char url[] = "http://127.0.0.1:9000";
	enum ffs_cache_refusal why = FFS_CACHE_REFUSALS_N;
	struct ffs_cache_fill *f;
	struct ffs_cache_name n = { url, "ffs", "other/1/0.csv" };
	int64_t pinned;
	int i, count = 0;

	set_limits(c, 10 * SIZE, 0);
	CHECK(!ffs_cache_pin(c, url, "ffs", "set/", true));
	CHECK(!ffs_cache_pin(c, url, "ffs", "set/", true));
	CHECK(ffs_cache_pin(c, url, "ffs", "se t/", false) == -ENOENT);
	CHECK(ffs_cache_pin(c, url, "ffs", "a\nb", true) == -EINVAL);
	CHECK(ffs_cache_pin(c, url, "f fs", "a", true) == -EINVAL);
	for (i = 0; i < 10; i++)
		CHECK(!fill(c, i, SIZE, NULL, NULL));
	other->clock = ffs_cache_now_us(c) + 1000000;
	o.etag = "e";
	o.size = SIZE;
	CHECK(ffs_cache_fill_begin(other, &n, &o, &f, &why) == -ENOSPC);
	CHECK(why == FFS_CACHE_REFUSED_pinned, "%s", ffs_cache_refusal_name(why));
	CHECK(!ffs_cache_each(other, count_pinned, &count) && count == 10, "%d", count);
	CHECK(ffs_cache_evict(other, "set", &pinned) == 0 && pinned == 10);
	/* Without the pin it goes, and the other handle sees that. */
	CHECK(!ffs_cache_pin(c, url, "ffs", "set/", false));
	CHECK(ffs_cache_pin(c, url, "ffs", "set/", false) == -ENOENT);
	o.asked_us = 500000;
	CHECK(!ffs_cache_fill_begin(other, &n, &o, &f, &why));
	ffs_cache_fill_abort(f);
	CHECK(ffs_cache_evict(other, "ffs/set/1/*", &pinned) > 5 && pinned == 0);
	ffs_cache_free(c);
	ffs_cache_free(other);
}

/* The rule by the figures of an event, and by a user's wish. */
static void
test_rule(void)
{
	struct ffs_cache *c = open_cache("rule");
	struct ffs_cache_fill_opts o = { 0 };
	enum ffs_cache_refusal why;
	struct ffs_cache_totals t;
	int i;

	set_limits(c, 10 * SIZE, 0);
	for (i = 0; i < 10; i++)
		CHECK(!fill(c, i, SIZE, NULL, NULL));
	CHECK(fill(c, 20, SIZE, &o, &why) == -ENOSPC && why == FFS_CACHE_REFUSED_recent);
	o.interval_us = 3600ull * 1000000;
	CHECK(fill(c, 20, SIZE, &o, &why) == -ENOSPC && why == FFS_CACHE_REFUSED_recent);
	CHECK(fill(c, 20, 11 * SIZE, &o, &why) == -ENOSPC && why == FFS_CACHE_REFUSED_large);
	usleep(20000);
	CHECK(read_object(c, 0) && read_object(c, 5));
	o.interval_us = 10000;
	o.ago_us = 3600ull * 1000000;
	CHECK(fill(c, 20, SIZE, &o, &why) == -ENOSPC && why == FFS_CACHE_REFUSED_recent);
	o.ago_us = 0;
	CHECK(!fill(c, 20, SIZE, &o, &why));
	/* The oldest that was idle went; those just read stayed. */
	CHECK(read_object(c, 0) && !read_object(c, 1) && read_object(c, 5) && read_object(c, 20));
	usleep(5000);
	o = (struct ffs_cache_fill_opts){ .asked_us = 4000 };
	for (i = 30; i < 39; i++)
		CHECK(!fill(c, i, SIZE, &o, &why), "%s", ffs_cache_refusal_name(why));
	/* But a wish does not undo itself. */
	o.asked_us = 3600ull * 1000000;
	CHECK(fill(c, 50, SIZE, &o, &why) == -ENOSPC || fill(c, 51, SIZE, &o, &why) == -ENOSPC);
	ffs_cache_totals(c, &t);
	CHECK(t.bytes <= 10 * SIZE && t.evictions >= 8);
	/* By number. */
	set_limits(c, 1 << 30, 12);
	for (i = 100; i < 120; i++)
		(void)fill(c, i, 10, NULL, NULL);
	ffs_cache_totals(c, &t);
	CHECK(t.entries == 12, "%lu", t.entries);
	ffs_cache_free(c);
}

/* Fillers of several processes at once stay within the limit, but for what each is filling. */
static void
test_many(void)
{
	enum { WORKERS = 4, LIMIT = 50 * SIZE };
	uint64_t *most =
	    mmap(NULL, sizeof(*most), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	struct ffs_cache_fill_opts o = { .asked_us = 1 };
	struct ffs_cache *c = open_cache("many");
	struct ffs_cache_totals t;
	struct ffs_cache_verify v;
	int w, i, status;

	set_limits(c, LIMIT, 0);
	for (w = 0; w < WORKERS; w++)
		if (!fork()) {
			c = open_cache("many");
			for (i = 0; i < 300; i++) {
				(void)fill(c, 1000 * (i % 3) + w * 100 + i, SIZE, &o, NULL);
				ffs_cache_totals(c, &t);
				if (t.bytes > *most)
					*most = t.bytes;
			}
			_exit(failed);
		}
	while (wait(&status) > 0)
		CHECK(!status);
	CHECK(*most <= LIMIT + WORKERS * SIZE, "%lu bytes at once", *most);
	ffs_cache_totals(c, &t);
	CHECK(t.bytes <= LIMIT && t.bytes > LIMIT / 2 && t.evictions > 10, "%lu %lu", t.bytes,
	    t.evictions);
	CHECK(!ffs_cache_verify_all(c, &v, NULL, NULL, NULL) && !v.wrong);
	CHECK(v.bytes == t.bytes && v.entries == t.entries, "the counts drifted");
	ffs_cache_free(c);
	munmap(most, sizeof(*most));
}

/* A filler that is evicting just now does not keep a follower from starting. */
static void
test_lock(void)
{
	struct flock l = { .l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = 1, .l_len = 1 };
	struct ffs_cache *c = open_cache("lock");
	int fd, p[2], status;
	char byte;

	if (pipe(p))
		exit(1);
	if (!fork()) {
		fd = open("lock/lock", O_RDWR | O_CREAT, 0600);
		if (fd < 0 || fcntl(fd, F_OFD_SETLK, &l) || write(p[1], "x", 1) != 1)
			_exit(1);
		usleep(20000);
		_exit(0);
	}
	CHECK(read(p[0], &byte, 1) == 1);
	CHECK(!ffs_cache_lock(c));
	CHECK(wait(&status) > 0 && !status);
	ffs_cache_free(c);
	close(p[0]);
	close(p[1]);
}

/* Who follows evicts for the others; a lower limit is obeyed without a fill. */
static void
test_follower(void)
{
	struct ffs_cache *c = open_cache("follow"), *other = open_cache("follow");
	struct ffs_cache_fill_opts o = { .interval_us = 1000 };
	enum ffs_cache_refusal why = FFS_CACHE_REFUSALS_N;
	struct ffs_cache_totals t;
	int i, rc;

	CHECK(ffs_cache_tick(c) == -EPERM);
	CHECK(!ffs_cache_lock(c) && !ffs_cache_lock(c) && ffs_cache_lock(other) == -EBUSY);
	set_limits(c, 20 * SIZE, 0);
	for (i = 0; i < 20; i++)
		CHECK(!fill(other, i, SIZE, NULL, NULL));
	usleep(3000);
	CHECK(fill(other, 20, SIZE, &o, &why) == -ENOSPC && why == FFS_CACHE_REFUSED_busy);
	for (i = 0; (rc = ffs_cache_tick(c)) == 1 && i < 1000; i++)
		;
	CHECK(rc == 0 && i >= 256, "%d after %d steps", rc, i);
	CHECK(!fill(other, 20, SIZE, &o, &why), "%s", ffs_cache_refusal_name(why));
	set_limits(c, 10 * SIZE, 0);
	for (i = 0; (rc = ffs_cache_tick(c)) == 1 && i < 1000; i++)
		;
	ffs_cache_totals(c, &t);
	CHECK(rc == 0 && t.bytes <= 10 * SIZE && t.bytes >= 8 * SIZE, "%lu", t.bytes);
	CHECK(ffs_cache_clear(other) == (int64_t)t.entries);
	ffs_cache_totals(c, &t);
	CHECK(!t.entries && !t.bytes && !t.fills);
	ffs_cache_free(c);
	CHECK(!ffs_cache_lock(other));
	ffs_cache_free(other);
}

/* Shortages, by the figures of any disk. */
static void
test_shortage(void)
{
	enum { M = 1 << 20 };
	static const struct {
		struct ffs_cache_limits l;
		struct ffs_disk d;
		struct ffs_cache_entries used, more;
		uint64_t bytes, entries;
		bool in_vain;
	} v[] = {
		/* room */
		{ { 100 * M, 0, 10 }, { 1000 * M, 500 * M, 1000, 500 }, { 5, 50 * M }, { 1, M }, 0,
		    0, false },
		/* no bound of inodes: btrfs */
		{ { 100 * M, 0, 10 }, { 1000 * M, 500 * M, 0, 0 }, { 5, 50 * M }, { 1, M }, 0, 0,
		    false },
		/* the size */
		{ { 100 * M, 0, 10 }, { 1000 * M, 500 * M, 0, 0 }, { 5, 100 * M }, { 1, M }, M, 0,
		    false },
		/* the number */
		{ { 100 * M, 5, 10 }, { 1000 * M, 500 * M, 0, 0 }, { 5, 50 * M }, { 1, M }, 0, 1,
		    false },
		/* the disk's bytes, of which 10 % stay free */
		{ { 100 * M, 0, 10 }, { 1000 * M, 100 * M, 0, 0 }, { 5, 50 * M }, { 1, M }, M, 0,
		    false },
		/* and all of ours would not do */
		{ { 100 * M, 0, 10 }, { 1000 * M, 10 * M, 0, 0 }, { 5, 50 * M }, { 1, M }, 91 * M,
		    0, true },
		/* inodes */
		{ { 100 * M, 0, 10 }, { 1000 * M, 500 * M, 1000, 99 }, { 5, 50 * M }, { 1, M }, 0,
		    2, false },
		{ { 100 * M, 0, 10 }, { 1000 * M, 500 * M, 1000, 0 }, { 5, 50 * M }, { 1, M }, 0,
		    101, true },
	};
	struct ffs_shortage s;
	size_t i;

	for (i = 0; i < COUNT(v); i++) {
		ffs_cache_shortage(&v[i].l, &v[i].d, &v[i].used, &v[i].more, &s);
		CHECK(
		    s.bytes == v[i].bytes && s.entries == v[i].entries && s.in_vain == v[i].in_vain,
		    "case %zu: %lu %lu %d", i, s.bytes, s.entries, s.in_vain);
	}
}

int
main(void)
{
	test_shortage();
	test_side_by_side();
	test_rule();
	test_sieve();
	test_cyclic(0);
	test_cyclic(32);
	test_pins();
	test_many();
	test_follower();
	test_lock();
	return failed;
}
