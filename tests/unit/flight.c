/*
 * Flights without any origin: who reads what while it comes, what is kept of it, and what goes
 * wrong on the way.
 */
#include "common/gate/flight.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/eventfd.h>
#include <sys/resource.h>
#include <sys/socket.h>

#include "tests/unit/cachetest.h"

#define PIECE FFS_FLIGHT_PIECE

static struct ffs_count count;
static struct ffs_cache *cache;
static struct ffs_flights *fs;
static int event;

static void
ready(void *arg)
{
	uint64_t one = 1;

	(void)arg;
	if (write(event, &one, 8) != 8)
		abort();
}

/* What the other thread was told is done. */
static void
step(void)
{
	struct pollfd p = { event, POLLIN, 0 };
	uint64_t n;

	if (poll(&p, 1, 10000) != 1 || read(event, &n, 8) != 8) {
		puts("the other thread does nothing");
		exit(1);
	}
	ffs_flights_step(fs);
}

/* --- clients --- */

struct client {
	struct ffs_flight_reader r;
	int ours, his;
	char *got;
	size_t n, limit; /* he reads no more than that, 0: all */
	unsigned woken;
	int rc;
};

static void
wake(struct ffs_flight_reader *r)
{
	((struct client *)r->arg)->woken++;
}

static void
client_init(struct client *c)
{
	int s[2];

	*c = (struct client){ .r = { .wake = wake } };
	c->r.arg = c;
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, s))
		exit(1);
	c->ours = s[0];
	c->his = s[1];
	c->got = malloc(16 << 20);
	if (!c->got)
		exit(1);
}

static void
client_release(struct client *c)
{
	ffs_flight_leave(&c->r);
	close(c->ours);
	close(c->his);
	free(c->got);
}

/* As much as goes now: 0, or what stops him. */
static int
client_read(struct client *c, size_t size)
{
	ssize_t n = 0;

	while (c->r.at < size && (!c->limit || c->n < c->limit)) {
		n = ffs_flight_send(&c->r, c->ours, size - c->r.at);
		if (n <= 0 && n != -EAGAIN)
			return c->rc = (int)n;
		while ((n = read(c->his, c->got + c->n, 65536)) > 0)
			c->n += (size_t)n;
	}
	return c->rc = 0;
}

/* --- origins --- */

struct origin {
	struct ffs_flight_source s;
	char *bytes;
	size_t size, sent;
	bool paused;
	unsigned resumed, abandoned;
};

static void
resume(struct ffs_flight_source *s)
{
	struct origin *o = s->arg;

	o->paused = false;
	o->resumed++;
}

static void
abandon(struct ffs_flight_source *s)
{
	struct origin *o = s->arg;

	o->abandoned++;
}

static void
origin_init(struct origin *o, int i, size_t size)
{
	*o = (struct origin){ .s = { .resume = resume, .abandon = abandon }, .size = size };
	o->s.arg = o;
	o->bytes = malloc(size + 1);
	if (!o->bytes)
		exit(1);
	bytes_of(i, o->bytes, size);
}

/* Its next n bytes, as far as they are taken. */
static void
origin_give(struct origin *o, size_t n)
{
	size_t part, end = o->size - o->sent < n ? o->size : o->sent + n;

	while (o->sent < end && !o->paused && o->s.flight) {
		part = end - o->sent < PIECE ? end - o->sent : PIECE;
		o->paused = !ffs_flight_write(o->s.flight, o->bytes + o->sent, part);
		o->sent += part;
	}
}

static void
begin(struct ffs_flight *f, struct origin *o, const struct ffs_cache_fill_opts *more)
{
	struct ffs_cache_fill_opts fo = more ? *more : (struct ffs_cache_fill_opts){ 0 };
	static struct ffs_kept kept;

	ffs_kept_begin(&kept, true);
	ffs_kept_add(&kept, "ETag", 4, "\"e\"", 3);
	fo.etag = "e";
	fo.size = o->size;
	CHECK(!ffs_flight_begin(f, &fo, &kept));
	ffs_flight_feed(f, &o->s);
}

static struct ffs_flight *
lead(int i, struct client *c, enum ffs_flight_kind kind)
{
	struct ffs_flight_who who = { .kind = kind };
	struct named m;

	client_init(c);
	CHECK(!ffs_flights_find(fs, name_of(&m, i)));
	CHECK(!ffs_flight_new(fs, &m.n, &who, &c->r));
	CHECK(ffs_flights_find(fs, &m.n) == c->r.flight && c->r.flight);
	return c->r.flight;
}

static int
kept(int i)
{
	static struct ffs_kept k;
	struct ffs_cache_hit hit;
	struct named m;

	if (!ffs_cache_find(cache, name_of(&m, i), NULL, &hit)) {
		CHECK(!strcmp(hit.etag, "e") && !ffs_kept_read(&hit, &k) && k.checksums);
		CHECK(!ffs_cache_check(cache, &hit));
		close(hit.fd);
	}
	return read_object(cache, i);
}

static bool
right(const struct client *c, const struct origin *o)
{
	return c->n == o->size && !memcmp(c->got, o->bytes, o->size);
}

/* --- what should be --- */

static void
check_one(int i, size_t size)
{
	struct origin o;
	struct client c;
	struct ffs_flight *f = lead(i, &c, FFS_FLIGHT_PROVEN);

	origin_init(&o, i, size);
	begin(f, &o, NULL);
	/* He need not wait for the file. */
	origin_give(&o, 1000);
	CHECK(client_read(&c, size) == (size <= 1000 ? 0 : -ENODATA));
	CHECK(c.n == (size < 1000 ? size : 1000), "%zu", c.n);
	step();
	while (o.sent < size) {
		origin_give(&o, size);
		CHECK(client_read(&c, size) == (o.sent < size ? -ENODATA : 0));
		CHECK(!o.paused);
	}
	ffs_flight_end(f, 0);
	CHECK(ffs_flight_state(f) == FFS_FLIGHT_LANDED);
	step();
	CHECK(right(&c, &o) && kept(i), "%zu", size);
	client_release(&c);
	free(o.bytes);
}

/* Pieces as they come from a network, many of them before the file is open. */
static void
check_uneven(int i, size_t piece)
{
	size_t size = 3 << 20;
	struct origin o;
	struct client c;
	struct ffs_flight *f = lead(i, &c, FFS_FLIGHT_PROVEN);

	origin_init(&o, i, size);
	begin(f, &o, NULL);
	while (!o.paused)
		origin_give(&o, piece);
	client_read(&c, size);
	CHECK(o.paused && o.sent > FFS_FLIGHT_WINDOW - PIECE);
	step();
	CHECK(!o.paused && o.resumed == 1);
	while (o.sent < size) {
		origin_give(&o, piece);
		CHECK(!o.paused);
	}
	ffs_flight_end(f, 0);
	CHECK(!client_read(&c, size) && right(&c, &o));
	client_release(&c);
	step();
	CHECK(kept(i));
	free(o.bytes);
}

/* All of it comes before the file is open, and the reader is gone when it is. */
static void
check_quick(int i, size_t size)
{
	struct origin o;
	struct client c;
	struct ffs_flight *f = lead(i, &c, FFS_FLIGHT_PROVEN);

	origin_init(&o, i, size);
	begin(f, &o, NULL);
	origin_give(&o, size);
	CHECK(o.sent == size);
	ffs_flight_end(f, 0);
	CHECK(!client_read(&c, size) && right(&c, &o));
	client_release(&c);
	step();
	step();
	CHECK(kept(i));
	free(o.bytes);
}

enum { MANY = 32 };

/* One origin, many readers at their own pace: from before the head on, from the middle on, ranges,
 * and one who reads nothing at all. */
static void
check_many(int i)
{
	size_t size = (5 << 20) + 77, k;
	struct ffs_flight_who same = { .kind = FFS_FLIGHT_PROVEN }, other = { 0 };
	static struct client c[MANY], late, range, idle;
	struct ffs_cache_hit hit;
	struct origin o;
	struct named m;
	struct ffs_flight *f = lead(i, &c[0], FFS_FLIGHT_PROVEN);
	bool all;

	CHECK(ffs_flight_same(f, &same) && !ffs_flight_same(f, &other));
	origin_init(&o, i, size);
	for (k = 1; k < MANY; k++) {
		client_init(&c[k]);
		CHECK(!ffs_flight_join(f, &c[k].r));
	}
	client_init(&idle);
	CHECK(!ffs_flight_join(f, &idle.r));
	CHECK(ffs_flight_state(f) == FFS_FLIGHT_ASKED);
	begin(f, &o, NULL);
	origin_give(&o, 100000);
	CHECK(c[1].woken == 0 && ffs_flight_state(f) == FFS_FLIGHT_ASKED);
	step();
	CHECK(c[1].woken == 1 && ffs_flight_state(f) == FFS_FLIGHT_FLYING);
	ffs_flight_hit(f, &hit);
	CHECK(hit.fd == -1 && hit.size == size && !strcmp(hit.etag, "e"));
	CHECK(ffs_flight_kept(f)->checksums);
	origin_give(&o, 1 << 20);
	/* One who comes late, and one who wants what has not come yet. */
	CHECK(ffs_flights_find(fs, name_of(&m, i)) == f);
	client_init(&late);
	CHECK(!ffs_flight_join(f, &late.r));
	client_init(&range);
	range.r.at = 3 << 20;
	CHECK(!ffs_flight_join(f, &range.r));
	CHECK(client_read(&range, size) == -ENODATA);
	do {
		origin_give(&o, 300000);
		CHECK(!o.paused, "nobody waits for the slow one");
		if (o.sent == size && o.s.flight)
			ffs_flight_end(f, 0);
		all = true;
		for (k = 0; k < MANY; k++) {
			c[k].limit = o.sent < size ? (k + 1) * 100000 : 0;
			client_read(&c[k], size);
			all = all && c[k].n == size;
		}
		client_read(&late, size);
		if (range.r.at == 3 << 20)
			CHECK(!range.woken || o.sent > 3 << 20, "nothing for him yet");
		if (range.woken)
			client_read(&range, size);
	} while (!all);
	for (k = 0; k < MANY; k++)
		CHECK(right(&c[k], &o), "%zu", k);
	CHECK(right(&late, &o));
	client_read(&range, size);
	CHECK(range.n == size - (3 << 20) && !memcmp(range.got, o.bytes + (3 << 20), range.n));
	step();
	CHECK(kept(i) && !ffs_flights_find(fs, name_of(&m, i)));
	/* Its file is still there for those who read on. */
	CHECK(!client_read(&idle, size) && right(&idle, &o));
	CHECK(!o.resumed && !o.abandoned);
	client_release(&idle);
	client_release(&late);
	client_release(&range);
	for (k = 0; k < MANY; k++)
		client_release(&c[k]);
	free(o.bytes);
}

/* The one who asked leaves while another reads; then that one, too. */
static void
check_leaving(int i, bool both)
{
	size_t size = 1 << 20;
	struct client a, b;
	struct origin o;
	struct ffs_flight *f = lead(i, &a, FFS_FLIGHT_ANONYMOUS);

	origin_init(&o, i, size);
	client_init(&b);
	CHECK(!ffs_flight_join(f, &b.r));
	begin(f, &o, NULL);
	origin_give(&o, 300000);
	client_release(&a);
	step();
	CHECK(!o.abandoned && b.woken);
	CHECK(client_read(&b, size) == -ENODATA);
	if (both) {
		client_release(&b);
		CHECK(o.abandoned == 1 && !o.s.flight);
	} else {
		while (o.sent < size)
			origin_give(&o, size);
		ffs_flight_end(f, 0);
		CHECK(!client_read(&b, size) && right(&b, &o));
		client_release(&b);
	}
	step();
	CHECK(kept(i) == !both);
	free(o.bytes);
}

/* He leaves before there is an answer: those who wait know at once. */
static void
check_unanswered(int i)
{
	struct client a, b;
	struct named m;
	struct ffs_flight *f = lead(i, &a, FFS_FLIGHT_PROVEN);

	client_init(&b);
	CHECK(!ffs_flight_join(f, &b.r));
	client_release(&a);
	CHECK(b.woken == 1 && ffs_flight_state(f) == FFS_FLIGHT_LOST);
	CHECK(!ffs_flights_find(fs, name_of(&m, i)));
	client_release(&b);
	/* And all of them while the file is being opened. */
	f = lead(i, &a, FFS_FLIGHT_PROVEN);
	{
		struct origin o;

		origin_init(&o, i, 1000);
		begin(f, &o, NULL);
		client_release(&a);
		CHECK(o.abandoned == 1);
		free(o.bytes);
	}
	step();
	step();
	CHECK(!kept(i));
}

/* The origin ends too early, by its own word or the connection's. */
static void
check_cut(int i, int rc)
{
	size_t size = 900000;
	struct client a, b;
	struct origin o;
	struct named m;
	struct ffs_flight *f = lead(i, &a, FFS_FLIGHT_PROVEN);

	origin_init(&o, i, size);
	begin(f, &o, NULL);
	step();
	client_init(&b);
	CHECK(!ffs_flight_join(f, &b.r));
	origin_give(&o, 500000);
	CHECK(client_read(&a, size) == -ENODATA);
	ffs_flight_end(f, rc);
	CHECK(a.woken && client_read(&a, size) == -EIO && a.n == 500000);
	CHECK(client_read(&b, size) == -EIO && b.n == 500000);
	CHECK(!ffs_flights_find(fs, name_of(&m, i)));
	step();
	CHECK(!kept(i));
	client_release(&a);
	client_release(&b);
	free(o.bytes);
}

/* Not for the cache: the leader reads it by a window, who waited goes. */
static void
check_refused(int i)
{
	size_t size = 3 << 20;
	struct client a, b;
	struct origin o;
	struct named m;
	struct ffs_flight *f;

	set_limits(cache, 1 << 20, 0);
	f = lead(i, &a, FFS_FLIGHT_PROVEN);
	origin_init(&o, i, size);
	client_init(&b);
	CHECK(!ffs_flight_join(f, &b.r));
	begin(f, &o, NULL);
	step();
	CHECK(b.woken == 1 && ffs_flight_state(f) == FFS_FLIGHT_LOST);
	CHECK(!ffs_flights_find(fs, name_of(&m, i)));
	client_release(&b);
	origin_give(&o, size);
	CHECK(o.paused && o.sent <= FFS_FLIGHT_WINDOW, "%zu", o.sent);
	while (o.sent < size) {
		client_read(&a, size);
		CHECK(!o.paused && o.resumed);
		origin_give(&o, size);
	}
	ffs_flight_end(f, 0);
	CHECK(!client_read(&a, size) && right(&a, &o));
	client_release(&a);
	CHECK(!kept(i));
	set_limits(cache, 1 << 30, 0);
	free(o.bytes);
}

/* The file takes no more in the middle of it: both read on, the slower one too. */
static void
check_full_disk(int i)
{
	size_t size = 3 << 20;
	struct rlimit old, low;
	struct client a, b;
	struct origin o;
	struct ffs_flight *f = lead(i, &a, FFS_FLIGHT_PROVEN);

	origin_init(&o, i, size);
	client_init(&b);
	CHECK(!ffs_flight_join(f, &b.r));
	begin(f, &o, NULL);
	step();
	getrlimit(RLIMIT_FSIZE, &old);
	low = (struct rlimit){ 1000000, old.rlim_max };
	setrlimit(RLIMIT_FSIZE, &low);
	origin_give(&o, size);
	CHECK(o.paused && o.sent > 1000000);
	setrlimit(RLIMIT_FSIZE, &old);
	CHECK(client_read(&a, size) == -ENODATA && a.n == o.sent);
	CHECK(o.paused, "the other one has not read it");
	while (o.sent < size) {
		b.limit = b.n + 100000;
		client_read(&b, size);
		origin_give(&o, size);
		client_read(&a, size);
	}
	ffs_flight_end(f, 0);
	b.limit = 0;
	CHECK(!client_read(&a, size) && right(&a, &o));
	CHECK(!client_read(&b, size) && right(&b, &o));
	step();
	CHECK(!kept(i));
	client_release(&a);
	client_release(&b);
	free(o.bytes);
}

/* Written while it flies, or while it is put in its place. */
static void
check_spoiled(int i, bool late)
{
	size_t size = 600000;
	struct origin o;
	struct client c;
	struct named m;
	struct ffs_cache_name bucket;
	struct ffs_flight *f = lead(i, &c, FFS_FLIGHT_PROVEN);

	bucket = name_of(&m, i)[0];
	bucket.key = NULL;
	origin_init(&o, i, size);
	begin(f, &o, NULL);
	step();
	origin_give(&o, size);
	if (!late) {
		ffs_flights_spoil(fs, name_of(&m, i + 1));
		CHECK(ffs_flights_find(fs, name_of(&m, i)) == f);
		ffs_flights_spoil(fs, name_of(&m, i));
		CHECK(!ffs_flights_find(fs, &m.n));
	}
	client_read(&c, size);
	while (o.sent < size)
		origin_give(&o, size);
	ffs_flight_end(f, 0);
	if (late)
		ffs_flights_spoil(fs, &bucket);
	CHECK(!client_read(&c, size) && right(&c, &o));
	client_release(&c);
	step();
	if (late)
		step();
	CHECK(!kept(i));
	free(o.bytes);
}

/* Other bytes than the origin's checksum says. */
static void
check_wrong(int i)
{
	struct ffs_cache_fill_opts o = { .has_crc = true, .crc32c = 1 };
	struct origin g;
	struct client c;
	struct ffs_flight *f = lead(i, &c, FFS_FLIGHT_PROVEN);

	origin_init(&g, i, 5000);
	begin(f, &g, &o);
	step();
	origin_give(&g, 5000);
	ffs_flight_end(f, 0);
	CHECK(!client_read(&c, 5000) && right(&c, &g));
	step();
	CHECK(!kept(i));
	client_release(&c);
	free(g.bytes);
}

int
main(void)
{
	struct ffs_cache_totals t;
	int i;

	signal(SIGPIPE, SIG_IGN);
	signal(SIGXFSZ, SIG_IGN);
	event = eventfd(0, EFD_CLOEXEC | EFD_SEMAPHORE);
	cache = open_cache("cache");
	set_limits(cache, 1 << 30, 0);
	fs = ffs_flights_new(cache, &count, ready, NULL);
	if (!fs || event < 0)
		return 1;
	check_one(1, 0);
	check_one(2, 1);
	check_one(3, 1000);
	check_one(4, FFS_FLIGHT_WINDOW);
	check_one(5, 3 * FFS_FLIGHT_WINDOW + 5);
	check_quick(6, 200000);
	check_quick(7, 0);
	check_uneven(21, 50000);
	check_uneven(22, 16384);
	check_many(8);
	check_leaving(9, false);
	check_leaving(10, true);
	check_unanswered(11);
	check_cut(12, -ECONNRESET);
	check_cut(13, 0);
	check_refused(14);
	check_full_disk(15);
	check_spoiled(16, false);
	check_spoiled(18, true);
	check_wrong(20);
	CHECK(ffs_count_get(&count.flights_active) == 0);
	CHECK(ffs_count_get(&count.flights_joined) == MANY - 1 + 3 + 2 + 2 + 1, "%d",
	    (int)ffs_count_get(&count.flights_joined));
	/* No file is left of what was not kept, nor counted. */
	ffs_cache_totals(cache, &t);
	CHECK(t.entries == 11, "%d", (int)t.entries);
	for (i = 1; i <= 22; i++) {
		struct named m;

		(void)ffs_cache_drop(cache, name_of(&m, i));
	}
	ffs_cache_totals(cache, &t);
	CHECK(!t.entries && !t.bytes, "%d", (int)t.entries);
	ffs_flights_free(fs);
	ffs_cache_free(cache);
	close(event);
	return failed;
}
