/* What becomes of a read that misses: who leads, who waits, who joins, and what is kept. */
#include <errno.h>

#include "tests/unit/turntest.h"

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

int
main(void)
{
	turns_begin();
	check_kept();
	check_not_kept();
	check_whole_range();
	check_waiting_range();
	check_together();
	check_waiting();
	check_owner();
	check_hosted();
	check_in_vain();
	turns_end();
	return failed;
}
