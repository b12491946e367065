/* Who may be answered without the origin, and when it may be away. */
#include "tests/unit/turntest.h"

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
	all.keep_all = true;
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
	all.keep_all = false;
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
	turns_begin();
	check_max_age();
	check_stale();
	turns_end();
	return failed;
}
