/* Heads of messages and the ends of bodies: what is read, and what is refused. */
#include "common/gate/head.h"

#include <errno.h>
#include <string.h>

#include "common/gate/frame.h"
#include "common/gate/pass.h"
#include "tests/unit/check.h"

static struct ffs_head h;

#define HOST "Host: h\r\n"

static void
check_requests(void)
{
	static const struct {
		const char *text;
		int rc; /* 1: all of it */
		enum ffs_head_body body;
		bool keep, expect;
	} t[] = {
		{ "GET / HTTP/1.1\r\n" HOST "\r\n", 1, FFS_HEAD_NONE, true, false },
		{ "GET / HTTP/1.1\r\n" HOST "Connection: x , Close\r\n\r\n", 1, FFS_HEAD_NONE,
		    false, false },
		{ "GET / HTTP/1.0\r\n\r\n", 1, FFS_HEAD_NONE, false, false },
		{ "GET / HTTP/1.0\r\nConnection: Keep-Alive\r\n\r\n", 1, FFS_HEAD_NONE, true,
		    false },
		{ "PUT / HTTP/1.1\r\n" HOST "Content-Length: 5\r\nExpect: 100-Continue\r\n\r\n", 1,
		    FFS_HEAD_LENGTH, true, true },
		{ "PUT / HTTP/1.1\r\n" HOST "Content-Length: 0\r\n\r\n", 1, FFS_HEAD_NONE, true,
		    false },
		{ "PUT / HTTP/1.1\r\n" HOST "Transfer-Encoding: Chunked\r\n\r\n", 1,
		    FFS_HEAD_CHUNKED, true, false },
		{ "GET http://H/ HTTP/1.1\r\n" HOST "\r\n", 1, FFS_HEAD_NONE, true, false },
		{ "OPTIONS * HTTP/1.1\r\n" HOST "\r\n", 1, FFS_HEAD_NONE, true, false },
		{ "GET / HTTP/1.1\r\n" HOST "\r", 0, 0, false, false },
		{ "", 0, 0, false, false },
		{ "GET / HTTP/1.1\r\nHost: [::1]:80\r\n\r\n", 1, FFS_HEAD_NONE, true, false },
		{ "GET / HTTP/1.1\r\nHost: [::1]x.h\r\n\r\n", -EBADMSG, 0, false, false },
		{ "GET / HTTP/1.1\r\nHost: a:80.h\r\n\r\n", -EBADMSG, 0, false, false },
		{ "GET / HTTP/1.1\r\nHost: a:b:80\r\n\r\n", -EBADMSG, 0, false, false },
		{ "GET http://h@x/ HTTP/1.1\r\n" HOST "\r\n", -EBADMSG, 0, false, false },
		{ "GET ftp://h/ HTTP/1.1\r\n" HOST "\r\n", -EBADMSG, 0, false, false },
		{ "GET / HTTP/1.1\r\n" HOST "Content-Length: 5 5\r\n\r\n", -EBADMSG, 0, false,
		    false },
		{ "GET / HTTP/1.1\r\n" HOST "Content-Length: 9223372036854775808\r\n\r\n", -EBADMSG,
		    0, false, false },
		{ "GET / HTTP/1.1\r\n" HOST "A:\tb\x7f\r\n\r\n", -EBADMSG, 0, false, false },
		{ "GET / HTTP/1.10\r\n" HOST "\r\n", -EBADMSG, 0, false, false },
		{ "GET / HTTP/3.0\r\n" HOST "\r\n", -EPROTONOSUPPORT, 0, false, false },
		{ "CONNECT h:1 HTTP/1.1\r\nHost: h:1\r\n\r\n", -EOPNOTSUPP, 0, false, false },
		{ "GET / HTTP/1.1\r\n" HOST "Transfer-Encoding: gzip\r\n\r\n", -EOPNOTSUPP, 0,
		    false, false },
		{ "GET / HTTP/1.1\r\n" HOST "Transfer-Encoding: gzip\r\nContent-Length: 1\r\n\r\n",
		    -EBADMSG, 0, false, false },
	};
	size_t i;
	int rc;

	for (i = 0; i < COUNT(t); i++) {
		rc = ffs_head_request(&h, t[i].text, strlen(t[i].text));
		CHECK(rc == (t[i].rc == 1 ? (int)strlen(t[i].text) : t[i].rc), "'%s': %d",
		    t[i].text, rc);
		CHECK(rc <= 0 || (h.body == t[i].body && h.keep_alive == t[i].keep &&
				     h.expect == t[i].expect),
		    "'%s'", t[i].text);
	}
}

static void
check_answers(void)
{
	static const struct {
		const char *text;
		bool to_head;
		int rc;
		enum ffs_head_body body;
		bool keep;
	} t[] = {
		{ "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\n", false, 1, FFS_HEAD_LENGTH, true },
		{ "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\n", true, 1, FFS_HEAD_NONE, true },
		{ "HTTP/1.1 304\r\nContent-Length: 3\r\n\r\n", false, 1, FFS_HEAD_NONE, true },
		{ "HTTP/1.1 204 No\r\n\r\n", false, 1, FFS_HEAD_NONE, true },
		{ "HTTP/1.1 204 No\r\nContent-Length: 0\r\n\r\n", false, 1, FFS_HEAD_NONE, true },
		{ "HTTP/1.1 204 No\r\nContent-Length: 3\r\n\r\n", false, 1, FFS_HEAD_NONE, false },
		{ "HTTP/1.1 204 No\r\nTransfer-Encoding: chunked\r\n\r\n", false, 1, FFS_HEAD_NONE,
		    false },
		{ "HTTP/1.1 304 No\r\nTransfer-Encoding: chunked\r\n\r\n", false, 1, FFS_HEAD_NONE,
		    false },
		{ "HTTP/1.1 100 Continue\r\n\r\n", false, 1, FFS_HEAD_NONE, true },
		{ "HTTP/1.1 200 OK\r\n\r\n", false, 1, FFS_HEAD_CLOSE, false },
		{ "HTTP/1.0 200 OK\r\nContent-Length: 1\r\n\r\n", false, 1, FFS_HEAD_LENGTH,
		    false },
		{ "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", false, 1,
		    FFS_HEAD_CHUNKED, true },
		{ "HTTP/1.1 20 OK\r\n\r\n", false, -EBADMSG, 0, false },
		{ "HTTP/1.1 2000\r\n\r\n", false, -EBADMSG, 0, false },
		{ "HTTP/1.1 099 x\r\n\r\n", false, -EBADMSG, 0, false },
	};
	size_t i;
	int rc;

	for (i = 0; i < COUNT(t); i++) {
		rc = ffs_head_answer(&h, t[i].text, strlen(t[i].text), t[i].to_head);
		CHECK(rc == (t[i].rc == 1 ? (int)strlen(t[i].text) : t[i].rc), "'%s': %d",
		    t[i].text, rc);
		CHECK(rc <= 0 || (h.body == t[i].body && h.keep_alive == t[i].keep), "'%s'",
		    t[i].text);
	}
}

static void
check_pass(void)
{
	static const char in[] =
	    "GET /x HTTP/1.1\r\nConnection: A, Host, close\r\nhost:  h \r\nA: 1\r\n"
	    "B: 2\r\nProxy-X: 1\r\nTE: x\r\n\r\n";
	static const char out[] = "GET /x HTTP/1.1\r\nhost:  h \r\nB: 2\r\nC: 3\r\n\r\n";
	struct ffs_buf b = FFS_BUF_INIT;
	bool twice;

	CHECK(ffs_head_request(&h, in, strlen(in)) == (int)strlen(in));
	ffs_pass_head(&b, &h, "C: 3\r\n");
	CHECK(b.p && !strcmp(b.p, out), "%s", b.p);
	CHECK(ffs_span_is(ffs_head_get(&h, "HOST", NULL), "h"));
	CHECK(!ffs_head_get(&h, "C", &twice) && !twice);
	ffs_buf_release(&b);
}

static void
check_chunks(void)
{
	static const struct {
		const char *text;
		int end; /* of the body; 0: it goes on; -1: it is none */
	} t[] = {
		{ "0\r\n\r\n", 5 },
		{ "5\r\nhello\r\n0\r\n\r\nmore", 15 },
		{ "A;x=\"y\"\r\n0123456789\r\n00\r\nT: 1\r\nU: 2\r\n\r\n", 39 },
		{ "5\r\nhello\r\n", 0 },
		{ "", 0 },
		{ "\r\n", -1 },
		{ "g\r\n", -1 },
		{ "5 \r\n", -1 },
		{ "5\nhello", -1 },
		{ "5\r\nhello!\r\n", -1 },
		{ "11111111111111111\r\n", -1 },
		{ "ffffffffffffffff\r\n", -1 },
		{ "0\r\n T: 1\r\n\r\n", -1 },
		{ "0\r\nT: 1\n\r\n", -1 },
		{ "0\r\n\rx", -1 },
	};
	struct ffs_frame f;
	size_t i, at, used, n;
	int rc;

	CHECK(ffs_head_answer(
		  &h, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", 47, false) == 47);
	for (i = 0; i < COUNT(t); i++) {
		n = strlen(t[i].text);
		ffs_frame_init(&f, &h);
		rc = ffs_frame_feed(&f, t[i].text, n, &used);
		CHECK(t[i].end < 0 ? rc == -EBADMSG
				   : !rc && (t[i].end ? f.done && used == (size_t)t[i].end
						      : !f.done && used == n),
		    "'%s': %d, %zu", t[i].text, rc, used);
		/* The same a byte at a time. */
		ffs_frame_init(&f, &h);
		for (at = 0, rc = 0; !rc && !f.done && at < n; at += used)
			rc = ffs_frame_feed(&f, t[i].text + at, 1, &used);
		CHECK(t[i].end < 0 ? rc == -EBADMSG : !rc && f.done == (t[i].end > 0), "'%s'",
		    t[i].text);
	}
}

int
main(void)
{
	check_requests();
	check_answers();
	check_pass();
	check_chunks();
	return failed;
}
