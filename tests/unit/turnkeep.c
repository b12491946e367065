/*
 * What becomes of a read that misses, who may be answered without the origin, and when it may be
 * away.
 */
#include "common/gate/turn.h"

#include <errno.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>

#include "common/s3/sigv4.h"
#include "tests/unit/cachetest.h"
#include "tests/unit/headtest.h"

static const char *const hosts[] = { "lan", NULL };
static const char store[] = "http://127.0.0.1:9000";
static struct ffs_count count;
static struct ffs_turns all;
static int event, notes;
static char noted[256];

static void
ready(void *arg)
{
	uint64_t one = 1;

	(void)arg;
	if (write(event, &one, 8) != 8)
		abort();
}

static void
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

static void
wake(struct ffs_turn *t)
{
	t->checked++; /* nothing here waits for a check */
}

static void
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
static enum ffs_turn_way
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

static enum ffs_turn_way
ask(struct ffs_turn *t, const char *key)
{
	return ask_as(t, "GET", key, time(NULL), "secret", "");
}

static enum ffs_turn_way
ask_nobody(struct ffs_turn *t, const char *key)
{
	return ask_as(t, "GET", key, time(NULL), NULL, "");
}

/* --- the origin --- */

struct origin {
	struct ffs_flight_source s;
	int abandoned;
};

static void
resume(struct ffs_flight_source *s)
{
	(void)s;
}

static void
abandon(struct ffs_flight_source *s)
{
	((struct origin *)s->arg)->abandoned++;
}

static const char ten[] = "0123456789";
static const char found[] = "HTTP/1.1 200 OK\nContent-Length: 10\nETag: \"e\"\nDate: x\n";

/* The answer's body, from behind a KEEP on. */
static void
feed(struct ffs_turn *t, struct origin *o)
{
	*o = (struct origin){ .s = { .resume = resume, .abandon = abandon } };
	o->s.arg = o;
	CHECK(t->flight && t->reply.flight == t->flight && t->reply.left == 10);
	ffs_flight_feed(t->flight, &o->s);
}

static void
arrive(struct origin *o)
{
	if (!o->s.flight)
		return;
	CHECK(ffs_flight_write(o->s.flight, ten, 10));
	ffs_flight_end(o->s.flight, 0);
}

/* What the turn's client gets of the flight, all of it being there. */
static void
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

static bool
has(const char *key)
{
	struct ffs_cache_name n = { store, "b", key };

	return ffs_cache_has(all.cache, &n);
}

/* An entry that the store was asked for at that time. */
static void
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

/* --- what should be --- */

static void
check_kept(void)
{
	struct origin o;
	struct ffs_turn t, u;

	/* Without --admit all nothing is. */
	CHECK(ask(&t, "one") == FFS_TURN_PASS && !t.flight);
	CHECK(ffs_turn_answer(&t, answer_of(found)) == FFS_TURN_PASS);
	ffs_turn_end(&t, 10, 1, true);
	all.keep_all = true;
	CHECK(ask(&t, "one") == FFS_TURN_PASS && !t.add[0] && t.proven);
	CHECK(ffs_turn_answer(&t, answer_of(found)) == FFS_TURN_KEEP);
	feed(&t, &o);
	arrive(&o);
	reads(&t, ten);
	step();
	step();
	CHECK(has("one"));
	/* What is changed takes its place, whatever is admitted. */
	all.keep_all = false;
	CHECK(ask(&t, "one") == FFS_TURN_PASS && t.add[0]);
	CHECK(ffs_turn_answer(&t, answer_of("HTTP/1.1 200 OK\nContent-Length: 10\n"
					    "ETag: \"f\"\n")) == FFS_TURN_KEEP);
	feed(&t, &o);
	/* Another who asked for the old one as well gets the same from his own answer. */
	step();
	CHECK(ask_nobody(&u, "one") == FFS_TURN_PASS && u.add[0]);
	CHECK(ffs_turn_answer(&u, answer_of("HTTP/1.1 200 OK\nContent-Length: 10\n"
					    "ETag: \"f\"\n")) == FFS_TURN_SERVE);
	CHECK(u.from == FFS_SERVED_CHECKED);
	arrive(&o);
	reads(&u, ten);
	reads(&t, ten);
	step();
	CHECK(has("one"));
	/* At its second read, where it is said so. */
	all.keep_second = true;
	CHECK(ask(&t, "two") == FFS_TURN_PASS && !t.flight);
	ffs_turn_end(&t, 0, 1, true);
	CHECK(ask(&t, "two") == FFS_TURN_PASS && t.flight);
	ffs_turn_end(&t, 0, 1, false);
	all.keep_second = false;
}

/* An answer that is not kept, and is passed. */
static void
not_kept(const char *answer)
{
	struct ffs_turn t;

	CHECK(ask(&t, "odd") == FFS_TURN_PASS && t.flight);
	CHECK(ffs_turn_answer(&t, answer_of(answer)) == FFS_TURN_PASS && !t.flight, "%s", answer);
	ffs_turn_end(&t, 0, 1, true);
}

static void
check_not_kept(void)
{
	struct ffs_turn t;

	all.keep_all = true;
	not_kept("HTTP/1.1 200 OK\nTransfer-Encoding: chunked\nETag: \"e\"\n");
	not_kept("HTTP/1.1 200 OK\nETag: \"e\"\n");
	not_kept("HTTP/1.1 200 OK\nContent-Length: 10\n");
	not_kept("HTTP/1.1 200 OK\nContent-Length: 10\nETag: W/\"e\"\n");
	not_kept("HTTP/1.1 200 OK\nContent-Length: 10\nETag: \"e\"\nSet-Cookie: a=b\n");
	not_kept("HTTP/1.1 404 Not Found\nContent-Length: 10\n");
	not_kept("HTTP/1.1 403 Forbidden\nContent-Length: 10\n");
	not_kept("HTTP/1.1 206 Partial Content\nContent-Length: 10\nETag: \"e\"\n");
	/* A part, or a condition, asks for nothing to keep. */
	CHECK(ask_as(&t, "GET", "odd", time(NULL), NULL, "Range: bytes=1-3\n") == FFS_TURN_PASS &&
	      !t.flight);
	ffs_turn_end(&t, 0, 1, true);
	CHECK(ask_as(&t, "GET", "odd", time(NULL), NULL, "If-Match: \"e\"\n") == FFS_TURN_PASS &&
	      !t.flight);
	ffs_turn_end(&t, 0, 1, true);
	CHECK(!has("odd"));
}

/* A range that is the whole object, as clients send who read in large pieces. */
static void
check_whole_range(void)
{
	static const char range[] = "Range: bytes=0-99\nx-amz-checksum-mode: ENABLED\n";
	static const char whole[] =
	    "HTTP/1.1 206 Partial Content\nContent-Length: 10\nETag: \"e\"\n"
	    "x-amz-checksum-crc32c: AAAAAA==\nX-Amz-Meta-A: b\n"
	    "Content-Range: bytes 0-9/10\n";
	static const char *const parts[] = { "0-9/11", "1-10/11", "0-8/10", "0-9/*", "0-9/10x",
		"0-9", "0-9/", "-9/10", "", "0-9/18446744073709551626" };
	struct ffs_turn t;
	struct origin o;
	char text[256];
	size_t i;

	CHECK(ask_as(&t, "GET", "r", time(NULL), "secret", range) == FFS_TURN_PASS && t.leads);
	CHECK(ffs_turn_answer(&t, answer_of(whole)) == FFS_TURN_KEEP);
	feed(&t, &o);
	arrive(&o);
	reads(&t, ten);
	step();
	step();
	CHECK(has("r"));
	/* It is what a 200 would have brought, but for the checksum, which may be a part's. */
	CHECK(ask(&t, "r") == FFS_TURN_PASS && t.add[0]);
	CHECK(ffs_turn_answer(&t, answer_of("HTTP/1.1 304 Not Modified\nETag: \"e\"\n")) ==
	      FFS_TURN_SERVE);
	CHECK(!strcmp(t.reply.head.p,
	    "HTTP/1.1 200 OK\r\nContent-Length: 10\r\nETag: \"e\"\r\nX-Amz-Meta-A: b\r\n\r\n"));
	ffs_turn_end(&t, 10, 1, true);
	CHECK(ask_as(&t, "GET", "r", time(NULL), "secret", "x-amz-checksum-mode: ENABLED\n") ==
		  FFS_TURN_PASS &&
	      !t.add[0]);
	ffs_turn_end(&t, 0, 1, false);
	/* All others are parts, or nobody knows. */
	for (i = 0; i < sizeof(parts) / sizeof(parts[0]); i++) {
		snprintf(text, sizeof(text),
		    "HTTP/1.1 206 Partial Content\nContent-Length: 10\nETag: \"e\"\n"
		    "Content-Range: bytes %s\n",
		    parts[i]);
		CHECK(ask_as(&t, "GET", "rp", time(NULL), "secret", range) == FFS_TURN_PASS);
		CHECK(ffs_turn_answer(&t, answer_of(text)) == FFS_TURN_PASS, "%s", parts[i]);
		CHECK(!t.flight);
		ffs_turn_end(&t, 10, 1, true);
	}
	/* Nobody asked for a range. */
	not_kept(whole);
}

/* Who asks for the same range waits for its answer, which may be all of it; nobody else. */
static void
check_waiting_range(void)
{
	static const char range[] = "Range: bytes=0-9\n";
	static const char part[] = "HTTP/1.1 206 Partial Content\nContent-Length: 10\n"
				   "ETag: \"e\"\nContent-Range: bytes 0-9/11\n";
	static const char whole[] = "HTTP/1.1 206 Partial Content\nContent-Length: 10\n"
				    "ETag: \"e\"\nContent-Range: bytes 0-9/10\n";
	struct ffs_turn lead, same, other;
	struct origin o;

	CHECK(ask_as(&lead, "GET", "wr", time(NULL), "secret", range) == FFS_TURN_PASS);
	CHECK(lead.leads);
	CHECK(ask_as(&same, "GET", "wr", time(NULL), "secret", range) == FFS_TURN_WAIT);
	CHECK(ask_as(&other, "GET", "wr", time(NULL), "secret", "Range: bytes=0-8\n") ==
		  FFS_TURN_PASS &&
	      !other.flight);
	ffs_turn_end(&other, 0, 1, true);
	/* It is a part: each gets his own. */
	CHECK(ffs_turn_answer(&lead, answer_of(part)) == FFS_TURN_PASS && !lead.flight);
	CHECK(same.checked && ffs_turn_again(&same) == FFS_TURN_PASS && !same.flight);
	ffs_turn_end(&same, 0, 1, true);
	ffs_turn_end(&lead, 0, 1, true);
	/* Who asks for all of it does not wait for that, and has it kept. */
	CHECK(ask_as(&lead, "GET", "wr", time(NULL), "secret", range) == FFS_TURN_PASS);
	CHECK(ask(&other, "wr") == FFS_TURN_PASS && other.leads && other.flight != lead.flight);
	ffs_turn_end(&other, 0, 1, false);
	CHECK(ask_as(&same, "GET", "wr", time(NULL), "secret", range) == FFS_TURN_WAIT);
	CHECK(ffs_turn_answer(&lead, answer_of(whole)) == FFS_TURN_KEEP);
	feed(&lead, &o);
	step();
	CHECK(same.checked && ffs_turn_again(&same) == FFS_TURN_PASS && same.add[0]);
	CHECK(ffs_turn_answer(&same, answer_of("HTTP/1.1 304 Not Modified\nETag: \"e\"\n")) ==
	      FFS_TURN_SERVE);
	CHECK(!strncmp(same.reply.head.p, "HTTP/1.1 206 ", 13));
	arrive(&o);
	reads(&same, ten);
	reads(&lead, ten);
	step();
	CHECK(has("wr"));
}

/* Who came before the first request went out is told by its answer; who came behind it is not. */
static void
check_together(void)
{
	struct ffs_turn lead, same, other, late;
	struct origin o;

	CHECK(ask(&lead, "t") == FFS_TURN_PASS && lead.leads);
	CHECK(ask(&same, "t") == FFS_TURN_WAIT);
	CHECK(ask_nobody(&other, "t") == FFS_TURN_WAIT);
	ffs_turn_sent(&lead);
	ffs_turn_sent(&same); /* his is not the request */
	CHECK(ask(&late, "t") == FFS_TURN_WAIT);
	CHECK(ffs_turn_answer(&lead, answer_of(found)) == FFS_TURN_KEEP);
	feed(&lead, &o);
	step();
	CHECK(ffs_turn_again(&same) == FFS_TURN_SERVE && same.from == FFS_SERVED_CHECKED);
	CHECK(ffs_turn_again(&other) == FFS_TURN_PASS && other.add[0]);
	CHECK(ffs_turn_again(&late) == FFS_TURN_PASS && late.add[0]);
	ffs_turn_end(&other, 0, 1, false);
	ffs_turn_end(&late, 0, 1, false);
	arrive(&o);
	reads(&same, ten);
	reads(&lead, ten);
	step();
	CHECK(has("t"));
}

/* Of those who wait for the head, and are as good as the leader, one asks for all. */
static void
check_waiting(void)
{
	static const char current[] = "HTTP/1.1 304 Not Modified\nETag: \"e\"\n";
	struct ffs_turn lead, same, other, range, late, asks, next;
	struct origin o;

	CHECK(ask(&lead, "w") == FFS_TURN_PASS && lead.flight);
	CHECK(ask(&same, "w") == FFS_TURN_WAIT && same.flight == lead.flight);
	CHECK(ask_nobody(&other, "w") == FFS_TURN_WAIT);
	CHECK(ask_as(&range, "GET", "w", time(NULL), "secret", "Range: bytes=3-5\n") ==
	      FFS_TURN_WAIT);
	CHECK(ask(&late, "w") == FFS_TURN_WAIT);
	/* Too long. */
	CHECK(ffs_turn_again(&late) == FFS_TURN_PASS && !late.flight && !late.add[0]);
	ffs_turn_end(&late, 0, 1, true);
	CHECK(ffs_turn_answer(&lead, answer_of(found)) == FFS_TURN_KEEP);
	feed(&lead, &o);
	CHECK(!same.checked);
	step();
	CHECK(same.checked && other.checked && range.checked);
	CHECK(ffs_turn_again(&range) == FFS_TURN_PASS);
	CHECK(!strcmp(range.add, "If-None-Match: \"e\"\r\n"));
	CHECK(ffs_turn_again(&same) == FFS_TURN_WAIT && !same.add[0]);
	/* Who comes when that has been asked needs another answer. */
	CHECK(ask(&next, "w") == FFS_TURN_WAIT && next.flight);
	same.checked = next.checked = false;
	CHECK(ffs_turn_answer(&range, answer_of(current)) == FFS_TURN_SERVE);
	CHECK(!strncmp(range.reply.head.p, "HTTP/1.1 206 ", 13));
	CHECK(same.checked && next.checked);
	CHECK(ffs_turn_again(&same) == FFS_TURN_SERVE && same.from == FFS_SERVED_CHECKED);
	CHECK(!strncmp(same.reply.head.p, "HTTP/1.1 200 OK\r\n", 17));
	CHECK(ffs_turn_again(&next) == FFS_TURN_PASS && next.add[0]);
	/* The other asks by the flight's ETag. */
	CHECK(ffs_turn_again(&other) == FFS_TURN_PASS && other.flight);
	CHECK(!strcmp(other.add, "If-None-Match: \"e\"\r\n"));
	/* Where the one who asks goes away, or gets another answer, the next one does. */
	CHECK(ask(&asks, "w") == FFS_TURN_WAIT);
	asks.checked = false;
	ffs_turn_end(&next, 0, 1, false);
	CHECK(asks.checked && ffs_turn_again(&asks) == FFS_TURN_PASS && asks.add[0]);
	CHECK(ffs_turn_answer(&asks, answer_of(current)) == FFS_TURN_SERVE);
	CHECK(asks.from == FFS_SERVED_CHECKED);
	arrive(&o);
	reads(&asks, ten);
	reads(&range, "345");
	reads(&same, ten);
	reads(&lead, ten);
	step();
	/* The answer to him who may not read it. */
	CHECK(ffs_turn_answer(&other, answer_of("HTTP/1.1 403 Forbidden\n")) == FFS_TURN_PASS);
	CHECK(!other.flight && !other.reply.flight);
	ffs_turn_end(&other, 0, 1, true);
	CHECK(has("w") && !o.abandoned);
}

/* Whose the bucket has to be: nobody else's answer says that it is. */
static void
check_owner(void)
{
	static const char owner[] = "x-amz-expected-bucket-owner: 1\n";
	struct ffs_turn lead, same, other;
	struct origin o;

	CHECK(ask_nobody(&lead, "o") == FFS_TURN_PASS && lead.leads);
	CHECK(ask_nobody(&same, "o") == FFS_TURN_WAIT);
	CHECK(ask_as(&other, "GET", "o", time(NULL), NULL, owner) == FFS_TURN_WAIT);
	ffs_turn_sent(&lead);
	CHECK(ffs_turn_answer(&lead, answer_of(found)) == FFS_TURN_KEEP);
	feed(&lead, &o);
	step();
	CHECK(ffs_turn_again(&same) == FFS_TURN_SERVE);
	CHECK(ffs_turn_again(&other) == FFS_TURN_PASS && other.add[0]);
	CHECK(ffs_turn_answer(&other, answer_of("HTTP/1.1 403 Forbidden\n")) == FFS_TURN_PASS);
	ffs_turn_end(&other, 0, 1, true);
	arrive(&o);
	reads(&same, ten);
	reads(&lead, ten);
	step();
	CHECK(has("o"));
}

static enum ffs_turn_way
ask_hosted(struct ffs_turn *t, const char *target)
{
	struct ffs_buf b = FFS_BUF_INIT;
	enum ffs_turn_way way;

	ffs_buf_addf(&b, "GET %s HTTP/1.1\nHost: b.lan\n", target);
	way = ffs_turn_begin(t, &all, request_of(b.p), store, hosts, time(NULL));
	ffs_buf_release(&b);
	return way;
}

/* A store that knows no buckets in hosts reads another object: what anybody asks for like that is
 * no word on this one. */
static void
check_hosted(void)
{
	struct ffs_turn t, u;

	/* Who waits asks himself. */
	CHECK(ask_hosted(&t, "/h") == FFS_TURN_PASS && t.flight);
	CHECK(ask_nobody(&u, "h") == FFS_TURN_WAIT);
	CHECK(!ffs_flight_same(u.flight, &u.who));
	ffs_turn_end(&u, 0, 1, true);
	ffs_turn_end(&t, 0, 1, true);
	all.max_age_ms = 100000;
	CHECK(ask_hosted(&t, "/h") == FFS_TURN_PASS && !t.flight);
	CHECK(ffs_turn_answer(&t, answer_of(found)) == FFS_TURN_PASS);
	ffs_turn_end(&t, 0, 1, true);
	keep("h", time(NULL) - 1000);
	CHECK(ask_hosted(&t, "/h") == FFS_TURN_PASS && t.add[0]);
	CHECK(ffs_turn_answer(&t, answer_of("HTTP/1.1 304 Not Modified\nETag: \"e\"\n")) ==
	      FFS_TURN_SERVE);
	ffs_turn_end(&t, 10, 1, true);
	CHECK(ask(&t, "h") == FFS_TURN_PASS && t.add[0]);
	ffs_turn_end(&t, 0, 1, true);
	all.max_age_ms = 0;
}

/* What becomes of those who wait where there is nothing to wait for. */
static void
check_in_vain(void)
{
	struct ffs_turn a, b, c;
	struct origin o;

	/* Its client is gone: the next one leads. */
	CHECK(ask(&a, "v") == FFS_TURN_PASS && ask(&b, "v") == FFS_TURN_WAIT &&
	      ask(&c, "v") == FFS_TURN_WAIT);
	ffs_turn_end(&a, 0, 1, false);
	CHECK(b.checked && c.checked);
	CHECK(ffs_turn_again(&b) == FFS_TURN_PASS && b.flight && !b.add[0]);
	CHECK(ffs_turn_again(&c) == FFS_TURN_WAIT && c.flight == b.flight);
	/* There is no such object: nobody tries to lead again. */
	c.checked = 0;
	CHECK(ffs_turn_answer(&b, answer_of("HTTP/1.1 404 Not Found\n")) == FFS_TURN_PASS);
	CHECK(c.checked && ffs_turn_again(&c) == FFS_TURN_PASS && !c.flight);
	ffs_turn_end(&b, 0, 1, true);
	ffs_turn_end(&c, 0, 1, true);
	/* The origin is away. */
	CHECK(ask(&a, "v") == FFS_TURN_PASS && ask(&b, "v") == FFS_TURN_WAIT);
	CHECK(ffs_turn_failed(&a, 0) == FFS_TURN_PASS);
	CHECK(b.checked && ffs_turn_again(&b) == FFS_TURN_PASS && !b.flight);
	ffs_turn_end(&a, 0, 1, true);
	ffs_turn_end(&b, 0, 1, true);
	/* Written meanwhile: who comes then asks for the new one, and what flies is not kept. */
	CHECK(ask(&a, "v") == FFS_TURN_PASS);
	CHECK(ffs_turn_answer(&a, answer_of(found)) == FFS_TURN_KEEP);
	feed(&a, &o);
	step();
	CHECK(ask_as(&b, "PUT", "v", time(NULL), "secret", "") == FFS_TURN_PASS);
	CHECK(ask(&c, "v") == FFS_TURN_PASS && c.leads && !c.add[0]);
	CHECK(c.flight != a.flight);
	arrive(&o);
	reads(&a, ten);
	CHECK(ffs_turn_answer(&b, answer_of("HTTP/1.1 200 OK\nContent-Length: 0\n")) ==
	      FFS_TURN_PASS);
	ffs_turn_end(&b, 0, 1, true);
	ffs_turn_end(&c, 0, 1, false);
	step();
	CHECK(!has("v"));
	/* Another version than what flies: that is kept. */
	CHECK(ask(&a, "v") == FFS_TURN_PASS);
	CHECK(ffs_turn_answer(&a, answer_of(found)) == FFS_TURN_KEEP);
	feed(&a, &o);
	step();
	CHECK(ask(&b, "v") == FFS_TURN_PASS && b.add[0]);
	CHECK(ffs_turn_answer(&b, answer_of("HTTP/1.1 200 OK\nContent-Length: 10\n"
					    "ETag: \"f\"\n")) == FFS_TURN_KEEP);
	CHECK(b.flight != a.flight);
	arrive(&o);
	reads(&a, ten);
	feed(&b, &o);
	step();
	step();
	arrive(&o);
	reads(&b, ten);
	step();
	CHECK(has("v"));
	/* Nobody reads on: the origin is left. */
	CHECK(ask(&a, "n") == FFS_TURN_PASS);
	CHECK(ffs_turn_answer(&a, answer_of(found)) == FFS_TURN_KEEP);
	feed(&a, &o);
	ffs_turn_end(&a, 3, 1, false);
	CHECK(o.abandoned == 1);
	step();
	step();
	CHECK(!has("n"));
}

/* One read of "m": does it ask the origin? */
static bool
asks(const char *method, time_t now, const char *secret, const char *extra)
{
	struct ffs_turn t;
	enum ffs_turn_way way = ask_as(&t, method, "m", now, secret, extra);

	CHECK(way == FFS_TURN_PASS || (way == FFS_TURN_SERVE && t.from == FFS_SERVED_CACHE &&
					  (t.reply.fd >= 0) == (*method == 'G')));
	ffs_turn_end(&t, 1, 1, true);
	return way == FFS_TURN_PASS;
}

static void
check_max_age(void)
{
	time_t now = time(NULL);
	struct ffs_turn t;

	keep("m", now);
	CHECK(asks("GET", now, "secret", ""));
	all.max_age_ms = 10000;
	CHECK(!asks("GET", now, "secret", "") && !asks("HEAD", now, "secret", ""));
	CHECK(!asks("GET", now + 9, "secret", "Range: bytes=1-2\n"));
	CHECK(asks("GET", now + 10, "secret", "") && asks("GET", now - 1, "secret", ""));
	/* Only who has proven himself, and only a plain read. */
	CHECK(asks("GET", now, NULL, "") && asks("GET", now, "wrong", ""));
	CHECK(asks("GET", now, "secret", "Cache-Control: no-cache\n"));
	CHECK(asks("GET", now, "secret", "x-amz-request-payer: requester\n"));
	CHECK(asks("GET", now, "secret", "If-None-Match: \"e\"\n"));
	CHECK(!asks("GET", now, "secret", "Accept: */*\n"));
	/* Our key is that of one store. */
	all.vouched = "http://127.0.0.1:9001";
	CHECK(asks("GET", now, "secret", ""));
	all.vouched = store;
	/* Written through here: what somebody had fetched before is not believed. */
	CHECK(ask_as(&t, "PUT", "m", now, "secret", "") == FFS_TURN_PASS && !has("m"));
	CHECK(ffs_turn_answer(&t, answer_of("HTTP/1.1 200 OK\nContent-Length: 0\n")) ==
	      FFS_TURN_PASS);
	ffs_turn_end(&t, 0, 1, true);
	keep("m", now);
	CHECK(asks("GET", now + 1, "secret", ""));
	keep("m", now + 3);
	CHECK(!asks("GET", now + 4, "secret", ""));
	/* What flies is as good as an entry. */
	CHECK(ask(&t, "x") == FFS_TURN_PASS);
	CHECK(ffs_turn_answer(&t, answer_of(found)) == FFS_TURN_KEEP);
	{
		struct ffs_turn u;
		struct origin o;

		feed(&t, &o);
		step();
		CHECK(ask(&u, "x") == FFS_TURN_SERVE && u.from == FFS_SERVED_CACHE);
		arrive(&o);
		reads(&u, ten);
		reads(&t, ten);
		step();
	}
	all.max_age_ms = 0;
}

static enum ffs_turn_way
fails(time_t now, const char *secret, const char *extra, int status)
{
	struct ffs_turn t;
	enum ffs_turn_way way;

	CHECK(ask_as(&t, "GET", "s", now, secret, extra) == FFS_TURN_PASS);
	way = ffs_turn_failed(&t, status);
	CHECK(way == FFS_TURN_PASS || (t.from == FFS_SERVED_STALE && t.reply.fd >= 0));
	ffs_turn_end(&t, 10, 1, true);
	return way;
}

static void
check_stale(void)
{
	static const int served[] = { 0, 500, 502, 503, 504 }, passed[] = { 501, 505, 599 };
	time_t now = time(NULL) + 20; /* behind the writes above */
	size_t i;

	keep("s", now);
	CHECK(fails(now, "secret", "", 0) == FFS_TURN_PASS);
	all.stale_ms = 100000;
	for (i = 0; i < COUNT(served); i++)
		CHECK(fails(now, "secret", "", served[i]) == FFS_TURN_SERVE, "%d", served[i]);
	CHECK(notes == 1 && strstr(noted, "away") && strstr(noted, "'s3://b/s'"), "%d %s", notes,
	    noted);
	for (i = 0; i < COUNT(passed); i++)
		CHECK(fails(now, "secret", "", passed[i]) == FFS_TURN_PASS, "%d", passed[i]);
	CHECK(fails(now + 99, "secret", "", 503) == FFS_TURN_SERVE);
	CHECK(notes == 2 && strstr(noted, "trouble"), "%d %s", notes, noted);
	CHECK(fails(now + 100, "secret", "", 0) == FFS_TURN_PASS);
	CHECK(fails(now, NULL, "", 0) == FFS_TURN_PASS);
	CHECK(fails(now, "wrong", "", 0) == FFS_TURN_PASS);
	CHECK(fails(now, "secret", "Cache-Control: no-cache\n", 0) == FFS_TURN_PASS);
	CHECK(notes == 2);
	all.stale_ms = 0;
}

int
main(void)
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
		return 1;
	check_kept();
	check_not_kept();
	check_whole_range();
	check_waiting_range();
	check_together();
	check_waiting();
	check_owner();
	check_hosted();
	check_in_vain();
	check_max_age();
	check_stale();
	CHECK(!ffs_count_get(&count.flights_active));
	ffs_flights_free(all.flights);
	ffs_vouch_free(all.vouch);
	ffs_cache_free(all.cache);
	close(event);
	return failed;
}
