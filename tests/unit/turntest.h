#ifndef FFS_TURNTEST_H
#define FFS_TURNTEST_H

#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>

#include "common/gate/turn.h"
#include "common/s3/sigv4.h"
#include "tests/unit/cachetest.h"
#include "tests/unit/headtest.h"

/* Turns of clients over a cache in ./cache, whose origin is played by the test. */

static const char *const hosts[] = { "lan", NULL };
static const char store[] = "http://127.0.0.1:9000";
static struct ffs_count count;
static struct ffs_turns all;
static int event, notes;
static char noted[256];

static inline void
ready(void *arg)
{
	uint64_t one = 1;

	(void)arg;
	if (write(event, &one, 8) != 8)
		abort();
}

static inline void
step(void)
{
	struct pollfd p = { event, POLLIN, 0 };
	uint64_t n;

	if (poll(&p, 1, 10000) != 1 || read(event, &n, 8) != 8) {
		puts("the other thread does nothing");
		exit(1);
	}
	ffs_flights_step(all.flights);
}

static inline void
wake(struct ffs_turn *t)
{
	t->checked++; /* nothing here waits for a check */
}

static inline void
note(void *arg, bool detail, const char *text)
{
	(void)arg;
	CHECK(!detail);
	notes++;
	snprintf(noted, sizeof(noted), "%s", text);
}

/* --- requests --- */

/* A GET of key, signed at now by key pair AK and secret (NULL: anonymous); extra: fields more, not
 * signed. */
static inline enum ffs_turn_way
ask_as(struct ffs_turn *t, const char *method, const char *key, time_t now, const char *secret,
    const char *extra)
{
	struct ffs_buf b = FFS_BUF_INIT;
	char date[17], path[64];
	struct ffs_sigv4_field f[3] = { { "host", "lan" },
		{ "x-amz-content-sha256", FFS_SIGV4_UNSIGNED }, { "x-amz-date", date } };
	struct ffs_sigv4_request r = { method, path, NULL, f, 3, FFS_SIGV4_UNSIGNED };
	struct ffs_sigv4_scope s = { .access_key = "AK", .secret_key = secret, .region = "r" };
	enum ffs_turn_way way;

	snprintf(path, sizeof(path), "/b/%s", key);
	ffs_buf_addf(&b, "%s %s HTTP/1.1\nhost: lan\n%s", method, path, extra);
	if (secret) {
		ffs_sigv4_date(date, now);
		ffs_buf_addf(&b,
		    "x-amz-content-sha256: %s\nx-amz-date: %s\nauthorization: ", FFS_SIGV4_UNSIGNED,
		    date);
		CHECK(!ffs_sigv4_authorize(&b, &r, &s, now));
		ffs_buf_addc(&b, '\n');
	}
	way = ffs_turn_begin(t, &all, request_of(b.p), store, hosts, now);
	ffs_buf_release(&b);
	return way;
}

static inline enum ffs_turn_way
ask(struct ffs_turn *t, const char *key)
{
	return ask_as(t, "GET", key, time(NULL), "secret", "");
}

static inline enum ffs_turn_way
ask_nobody(struct ffs_turn *t, const char *key)
{
	return ask_as(t, "GET", key, time(NULL), NULL, "");
}

/* --- the origin --- */

struct origin {
	struct ffs_flight_source s;
	int abandoned;
};

static inline void
resume(struct ffs_flight_source *s)
{
	(void)s;
}

static inline void
abandon(struct ffs_flight_source *s)
{
	((struct origin *)s->arg)->abandoned++;
}

static const char ten[] = "0123456789";
static const char found[] = "HTTP/1.1 200 OK\nContent-Length: 10\nETag: \"e\"\nDate: x\n";

/* The answer's body, from behind a KEEP on. */
static inline void
feed(struct ffs_turn *t, struct origin *o)
{
	*o = (struct origin){ .s = { .resume = resume, .abandon = abandon } };
	o->s.arg = o;
	CHECK(t->flight && t->reply.flight == t->flight && t->reply.left == 10);
	ffs_flight_feed(t->flight, &o->s);
}

static inline void
arrive(struct origin *o)
{
	if (!o->s.flight)
		return;
	CHECK(ffs_flight_write(o->s.flight, ten, 10));
	ffs_flight_end(o->s.flight, 0);
}

/* What the turn's client gets of the flight, all of it being there. */
static inline void
reads(struct ffs_turn *t, const char *want)
{
	char got[32] = "";
	size_t n = 0;
	ssize_t k;
	int s[2];

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, s))
		exit(1);
	CHECK(t->reply.flight && t->reply.fd < 0 && t->reply.left == strlen(want));
	for (; n < t->reply.left; n += (size_t)k) {
		k = ffs_flight_send(&t->reader, s[0], (size_t)t->reply.left - n);
		CHECK(k > 0, "%zd", k);
		if (k <= 0)
			break;
	}
	CHECK(
	    read(s[1], got, sizeof(got)) == (ssize_t)strlen(want) && !strcmp(got, want), "%s", got);
	close(s[0]);
	close(s[1]);
	ffs_turn_end(t, strlen(want), 1, true);
}

static inline bool
has(const char *key)
{
	struct ffs_cache_name n = { store, "b", key };

	return ffs_cache_has(all.cache, &n);
}

/* An entry that the store was asked for at that time. */
static inline void
keep(const char *key, time_t since)
{
	struct ffs_cache_fill_opts o = { .etag = "e", .size = 10, .since = since };
	struct ffs_cache_name n = { store, "b", key };
	enum ffs_cache_refusal why;
	struct ffs_cache_fill *f;
	struct ffs_kept k;

	ffs_kept_begin(&k, false);
	ffs_kept_add(&k, "ETag", 4, "\"e\"", 3);
	CHECK(!ffs_cache_fill_begin(all.cache, &n, &o, &f, &why));
	ffs_cache_fill_head(f, &k);
	CHECK(!ffs_cache_fill_write(f, ten, 10) && !ffs_cache_fill_commit(f));
}

/* What all begin with, and end with: nothing is in the air then. */
static inline void
turns_begin(void)
{
	struct ffs_endpoint ours = { .access_key = (char *)(size_t) "AK",
		.secret_key = (char *)(size_t) "secret" };

	event = eventfd(0, EFD_CLOEXEC | EFD_SEMAPHORE);
	all.cache = open_cache("cache");
	set_limits(all.cache, 1 << 30, 0);
	all.flights = ffs_flights_new(all.cache, &count, ready, NULL);
	all.vouch = ffs_vouch_new(&ours);
	all.vouched = store;
	all.wake = wake;
	all.note = note;
	if (!all.flights || !all.vouch || event < 0)
		exit(1);
}

static inline void
turns_end(void)
{
	CHECK(!ffs_count_get(&count.flights_active));
	ffs_flights_free(all.flights);
	ffs_vouch_free(all.vouch);
	ffs_cache_free(all.cache);
	close(event);
}

#endif
