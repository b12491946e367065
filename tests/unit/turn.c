/* One request's use of the cache: what is asked of the origin, and what its answers make of it. */
#include "common/gate/turn.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/xattr.h>

#include "common/cache/attr.h"
#include "common/gate/answer.h"
#include "tests/unit/cachetest.h"
#include "tests/unit/headtest.h"

static const char *const hosts[] = { "lan", NULL };
static const char store[] = "http://127.0.0.1:9000";
static struct ffs_turns all;

/* --- heads --- */

static void
check_ranges(void)
{
	static const struct {
		const char *text;
		uint64_t size, first, len; /* len 0: not ours to answer */
	} v[] = {
		{ "bytes=0-0", 10, 0, 1 },
		{ "bytes=0-9", 10, 0, 10 },
		{ "bytes=0-10", 10, 0, 10 },
		{ "bytes=9-", 10, 9, 1 },
		{ "bytes=3-99999999999999999", 10, 3, 7 },
		{ "bytes=-1", 10, 9, 1 },
		{ "bytes=-10", 10, 0, 10 },
		{ "bytes=-11", 10, 0, 10 },
		{ "bytes=007-008", 10, 7, 2 },
		{ "bytes=10-", 10, 0, 0 },
		{ "bytes=10-11", 10, 0, 0 },
		{ "bytes=-0", 10, 0, 0 },
		{ "bytes=5-4", 10, 0, 0 },
		{ "bytes=-", 10, 0, 0 },
		{ "bytes=", 10, 0, 0 },
		{ "bytes=a-b", 10, 0, 0 },
		{ "bytes=0-1,3-4", 10, 0, 0 },
		{ "bytes=0 -1", 10, 0, 0 },
		{ "bytes= 0-1", 10, 0, 0 },
		{ "bytes=0-1 ", 10, 0, 0 },
		{ "bytes=+0-1", 10, 0, 0 },
		{ "bytes=0--1", 10, 0, 0 },
		{ "bytes=0-99999999999999999999999", 10, 0, 0 },
		{ "Bytes=0-1", 10, 0, 0 },
		{ "items=0-1", 10, 0, 0 },
		{ "0-1", 10, 0, 0 },
		{ "bytes=0-0", 0, 0, 0 },
		{ "bytes=-1", 0, 0, 0 },
		{ "bytes=0-", 0, 0, 0 },
	};
	uint64_t first, len;
	size_t i;

	for (i = 0; i < COUNT(v); i++) {
		first = len = 0;
		if (!ffs_answer_range(v[i].text, v[i].size, &first, &len))
			first = len = 0;
		CHECK(first == v[i].first && len == v[i].len, "%s: %lu %lu", v[i].text,
		    (unsigned long)first, (unsigned long)len);
	}
}

static void
check_heads(void)
{
	static const char origin[] =
	    "HTTP/1.1 200 OK\nServer: s\nAccept-Ranges: bytes\nContent-Length: 10\n"
	    "Connection: keep-alive\nContent-Type: text/csv\nETag: \"abc\"\n"
	    "x-amz-checksum-crc32c: AAAAAA==\nx-amz-checksum-type: FULL_OBJECT\n"
	    "X-Amz-Request-Id: OLD\nx-amz-meta-who: me\nX-Ratelimit-Remaining: 1\n"
	    "Date: Sun, 06 Nov 1994 08:49:37 GMT\n";
	static const char fresh[] = "HTTP/1.1 304 Not Modified\nServer: s\nETag: \"abc\"\n"
				    "X-Amz-Request-Id: NEW\n"
				    "Date: Mon, 07 Nov 1994 08:49:37 GMT\n";
	struct ffs_buf out = FFS_BUF_INIT;
	struct ffs_kept k;
	struct ffs_answer a = { .kept = &k, .size = 10, .len = 10, .minor = 1, .keep_alive = true };
	char etag[128];

	ffs_answer_keep(&k, answer_of(origin), true);
	CHECK(ffs_kept_ok(&k, "abc"));
	ffs_answer_etag(answer_of(origin), etag);
	CHECK(!strcmp(etag, "abc"));
	a.fresh = answer_of(fresh);
	a.checksums = true;
	ffs_answer_head(&out, &a);
	CHECK(!strcmp(out.p, "HTTP/1.1 200 OK\r\nServer: s\r\nAccept-Ranges: bytes\r\n"
			     "Content-Length: 10\r\nContent-Type: text/csv\r\nETag: \"abc\"\r\n"
			     "x-amz-checksum-crc32c: AAAAAA==\r\n"
			     "x-amz-checksum-type: FULL_OBJECT\r\nX-Amz-Request-Id: NEW\r\n"
			     "x-amz-meta-who: me\r\n"
			     "Date: Mon, 07 Nov 1994 08:49:37 GMT\r\n\r\n"),
	    "%s", out.p);

	/* Whoever did not ask for checksums; a part; a connection that ends. */
	a.checksums = false;
	a.keep_alive = false;
	ffs_buf_reset(&out);
	ffs_answer_head(&out, &a);
	CHECK(!strstr(out.p, "checksum") && strstr(out.p, "\r\nConnection: close\r\n\r\n"));
	a.checksums = a.keep_alive = a.part = true;
	a.minor = 0;
	a.first = 9;
	a.len = 1;
	ffs_buf_reset(&out);
	ffs_answer_head(&out, &a);
	CHECK(!strncmp(out.p, "HTTP/1.1 206 Partial Content\r\n", 30));
	CHECK(strstr(out.p, "\r\nContent-Length: 1\r\nContent-Range: bytes 9-9/10\r\n") &&
	      !strstr(out.p, "checksum") && strstr(out.p, "\r\nConnection: keep-alive\r\n"));

	/* Nobody was asked. */
	a.fresh = NULL;
	a.now = 784111777;
	ffs_buf_reset(&out);
	ffs_answer_head(&out, &a);
	CHECK(strstr(out.p, "\r\nDate: Sun, 06 Nov 1994 08:49:37 GMT\r\n") &&
	      strstr(out.p, "\r\nX-Amz-Request-Id: ") && !strstr(out.p, "OLD") &&
	      !strstr(out.p, "Ratelimit"));
	ffs_buf_release(&out);

	ffs_answer_etag(answer_of("HTTP/1.1 200 OK\nETag: W/\"abc\"\n"), etag);
	CHECK(!*etag);
	ffs_answer_etag(answer_of("HTTP/1.1 200 OK\nETag: \"a\"b\"\n"), etag);
	CHECK(!*etag);
	CHECK(ffs_answer_is_etag("\"abc\"", 5, "abc") && !ffs_answer_is_etag("abc", 3, "abc") &&
	      !ffs_answer_is_etag("W/\"abc\"", 7, "abc") && !ffs_answer_is_etag("*", 1, "abc"));
}

/* --- turns --- */

static const char *
key_of(int i)
{
	static char key[64];

	snprintf(key, sizeof(key), "k%d", i);
	return key;
}

static struct ffs_cache_name
name_is(int i)
{
	return (struct ffs_cache_name){ store, "b", key_of(i) };
}

/* Entry i: "0123456789" or so many bytes more, ETag "e"; checksums or not, head or none. */
static void
keep_as(int i, const char *etag, size_t size, bool head, bool checksums)
{
	struct ffs_cache_fill_opts o = { .etag = etag, .size = size };
	struct ffs_cache_name n = name_is(i);
	enum ffs_cache_refusal why;
	struct ffs_cache_fill *f;
	struct ffs_kept k;
	char text[512], *p = malloc(size);

	snprintf(text, sizeof(text),
	    "HTTP/1.1 200 OK\nContent-Length: %zu\nETag: \"%s\"\n"
	    "Last-Modified: Sun, 06 Nov 1994 08:49:37 GMT\nDate: x\n%s",
	    size, etag, checksums ? "x-amz-checksum-crc32c: AAAAAA==\n" : "");
	memset(p, 'x', size);
	memcpy(p, "0123456789", size < 10 ? size : 10);
	CHECK(!ffs_cache_fill_begin(all.cache, &n, &o, &f, &why));
	if (head) {
		ffs_answer_keep(&k, answer_of(text), checksums);
		ffs_cache_fill_head(f, &k);
	}
	CHECK(!ffs_cache_fill_write(f, p, size) && !ffs_cache_fill_commit(f));
	free(p);
}

static void
keep(int i, const char *etag)
{
	keep_as(i, etag, 10, true, true);
}

static bool
has(int i)
{
	struct ffs_cache_name n = name_is(i);

	return ffs_cache_has(all.cache, &n);
}

static enum ffs_turn_way
begin(struct ffs_turn *t, const char *line, int i, const char *fields)
{
	char text[2048];

	snprintf(text, sizeof(text), "%s /b/%s HTTP/1.1\nHost: lan\n%s", line, key_of(i), fields);
	return ffs_turn_begin(t, &all, request_of(text), store, hosts, 1000);
}

static const char yes[] = "HTTP/1.1 304 Not Modified\nETag: \"e\"\nDate: y\n";

/* A 304 makes a hit of it: the head begins so, and the body is this. */
static void
hit(int i, const char *fields, const char *status, const char *body)
{
	char got[64] = "";
	struct ffs_turn t;

	CHECK(begin(&t, "GET", i, fields) == FFS_TURN_PASS, "%s", fields);
	CHECK(!strcmp(t.add, "If-None-Match: \"e\"\r\n"), "%s: %s", fields, t.add);
	CHECK(ffs_turn_answer(&t, answer_of(yes)) == FFS_TURN_SERVE, "%s", fields);
	CHECK(t.from == FFS_SERVED_CHECKED && t.reply.fd >= 0 && t.reply.left < sizeof(got));
	CHECK(t.reply.head.p && !strncmp(t.reply.head.p, status, strlen(status)), "%s: %s", fields,
	    t.reply.head.p);
	if (t.reply.fd >= 0)
		CHECK(pread(t.reply.fd, got, (size_t)t.reply.left, (off_t)t.reply.at) ==
		      (ssize_t)t.reply.left);
	CHECK(!strcmp(got, body), "%s: %s", fields, got);
	ffs_turn_end(&t, t.reply.left, 7, true);
}

/* It passes as it is, and nothing is added. */
static void
passes(const char *line, int i, const char *fields)
{
	struct ffs_turn t;

	CHECK(begin(&t, line, i, fields) == FFS_TURN_PASS, "%s %s", line, fields);
	CHECK(!t.add[0], "%s %s: %s", line, fields, t.add);
	ffs_turn_end(&t, 0, 1, true);
}

static void
check_hits(void)
{
	keep(1, "e");
	hit(1, "", "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n", "0123456789");
	hit(1, "Range: bytes=2-4\n",
	    "HTTP/1.1 206 Partial Content\r\nContent-Length: 3\r\nContent-Range: bytes 2-4/10\r\n",
	    "234");
	hit(1, "Range: bytes=-1\n", "HTTP/1.1 206", "9");
	hit(1, "Range: bytes=7-\nIf-Range: \"e\"\n", "HTTP/1.1 206", "789");
	hit(1, "If-Range: \"other\"\n", "HTTP/1.1 200", "0123456789");
	hit(1, "If-Match: \"e\"\nRange: bytes=0-0\n", "HTTP/1.1 206", "0");
	hit(1, "x-amz-checksum-mode: ENABLED\n", "HTTP/1.1 200", "0123456789");
	passes("GET", 1, "Range: bytes=10-\n");
	passes("GET", 1, "Range: bytes=0-1,3-4\n");
	passes("GET", 1, "Range: bytes=0-1\nIf-Range: \"other\"\n");
	passes("GET", 1, "Range: bytes=0-1\nIf-Range: Sun, 06 Nov 1994 08:49:37 GMT\n");
	passes("GET", 1, "If-Match: \"other\"\n");
	passes("GET", 1, "If-Match: \"e\", \"f\"\n");
	passes("GET", 1, "If-None-Match: \"e\"\n");
	passes("GET", 1, "If-Modified-Since: Sun, 06 Nov 1994 08:49:37 GMT\n");
	passes("GET", 1, "Origin: http://x\n");
	passes("GET", 1,
	    "Authorization: AWS4-HMAC-SHA256 Credential=a, SignedHeaders=host;if-none-match, "
	    "Signature=0\n");
	passes("HEAD", 1, "");
	passes("GET", 99, "");
	CHECK(has(1));
	/* What misses what it should have. */
	keep_as(2, "e", 10, false, false);
	passes("GET", 2, "");
	keep_as(2, "e", 10, true, false);
	passes("GET", 2, "x-amz-checksum-mode: ENABLED\n");
	hit(2, "x-amz-checksum-mode: ENABLED\nRange: bytes=0-1\n", "HTTP/1.1 206", "01");
	hit(2, "", "HTTP/1.1 200", "0123456789");
}

/* What the answer is that comes to a GET of entry i with ours added: which way, and is the entry
 * there still. */
static void
answered(const char *answer, enum ffs_turn_way way, bool still)
{
	struct ffs_turn t;

	keep(3, "e");
	CHECK(begin(&t, "GET", 3, "") == FFS_TURN_PASS && t.add[0]);
	CHECK(ffs_turn_answer(&t, answer_of(answer)) == way, "%s", answer);
	CHECK(t.reply.fd < 0 || way == FFS_TURN_SERVE);
	if (way == FFS_TURN_REPEAT) {
		CHECK(!t.add[0]);
		CHECK(ffs_turn_answer(&t, answer_of("HTTP/1.1 200 OK\nETag: \"e\"\n")) ==
		      FFS_TURN_PASS);
	}
	CHECK(t.from == (way == FFS_TURN_SERVE ? FFS_SERVED_CHECKED : FFS_SERVED_ORIGIN));
	ffs_turn_end(&t, 1, 1, true);
	CHECK(has(3) == still, "%s", answer);
}

static void
check_answers(void)
{
	struct ffs_turn t;

	answered(yes, FFS_TURN_SERVE, true);
	answered("HTTP/1.1 304 Not Modified\n", FFS_TURN_SERVE, true);
	answered("HTTP/1.1 304 Not Modified\nLast-Modified: Sun, 06 Nov 1994 08:49:37 GMT\n",
	    FFS_TURN_SERVE, true);
	answered("HTTP/1.1 304 Not Modified\nLast-Modified: Mon, 07 Nov 1994 08:49:37 GMT\n",
	    FFS_TURN_REPEAT, false);
	answered("HTTP/1.1 304 Not Modified\nETag: \"f\"\n", FFS_TURN_REPEAT, false);
	answered("HTTP/1.1 200 OK\nETag: \"f\"\n", FFS_TURN_PASS, false);
	answered("HTTP/1.1 200 OK\n", FFS_TURN_PASS, false);
	answered("HTTP/1.1 206 Partial Content\nETag: \"f\"\n", FFS_TURN_PASS, false);
	answered("HTTP/1.1 404 Not Found\n", FFS_TURN_PASS, false);
	answered("HTTP/1.1 410 Gone\n", FFS_TURN_PASS, false);
	answered("HTTP/1.1 403 Forbidden\n", FFS_TURN_PASS, true);
	answered("HTTP/1.1 401 Unauthorized\n", FFS_TURN_PASS, true);
	answered("HTTP/1.1 412 Precondition Failed\n", FFS_TURN_PASS, true);
	answered("HTTP/1.1 416 Range Not Satisfiable\n", FFS_TURN_PASS, true);
	answered("HTTP/1.1 307 Temporary Redirect\n", FFS_TURN_PASS, true);
	answered("HTTP/1.1 500 Internal Server Error\n", FFS_TURN_PASS, true);
	answered("HTTP/1.1 503 Slow Down\n", FFS_TURN_PASS, true);

	/* A client's own condition, and a HEAD, tell of the entry as well. */
	keep(3, "e");
	CHECK(begin(&t, "GET", 3, "If-None-Match: \"e\"\n") == FFS_TURN_PASS);
	CHECK(ffs_turn_answer(&t, answer_of(yes)) == FFS_TURN_PASS);
	ffs_turn_end(&t, 0, 1, true);
	CHECK(begin(&t, "HEAD", 3, "") == FFS_TURN_PASS);
	CHECK(ffs_turn_answer(&t, head_of("HTTP/1.1 200 OK\nETag: \"e\"\n", false, true)) ==
	      FFS_TURN_PASS);
	ffs_turn_end(&t, 0, 1, true);
	CHECK(has(3));
	CHECK(begin(&t, "HEAD", 3, "") == FFS_TURN_PASS);
	CHECK(ffs_turn_answer(&t, head_of("HTTP/1.1 200 OK\nETag: \"f\"\n", false, true)) ==
	      FFS_TURN_PASS);
	ffs_turn_end(&t, 0, 1, true);
	CHECK(!has(3));
	/* Nobody answers: the entry says nothing without the origin. */
	keep(3, "e");
	CHECK(begin(&t, "GET", 3, "") == FFS_TURN_PASS && t.add[0]);
	CHECK(ffs_turn_failed(&t, 0) == FFS_TURN_PASS && t.reply.fd < 0);
	ffs_turn_end(&t, 0, 1, false);
	CHECK(has(3));
}

static void
write_into(int i)
{
	struct ffs_cache_name n = name_is(i);
	struct ffs_cache_hit h;
	char path[64];
	int fd;

	CHECK(!ffs_cache_find(all.cache, &n, NULL, &h));
	snprintf(path, sizeof(path), "/proc/self/fd/%d", h.fd);
	CHECK(!fchmod(h.fd, 0644));
	fd = open(path, O_WRONLY);
	CHECK(fd >= 0 && pwrite(fd, "X", 1, 3) == 1);
	close(fd);
	close(h.fd);
}

static void
check_checks(void)
{
	struct ffs_turn t, other;

	/* A small one is compared at once, each time that somebody has written into it. */
	keep(4, "e");
	hit(4, "", "HTTP/1.1 200", "0123456789");
	write_into(4);
	passes("GET", 4, "");
	CHECK(!has(4));
	/* A large one by a thread. */
	keep_as(5, "e", 1 << 20, true, true);
	CHECK(begin(&t, "GET", 5, "Range: bytes=0-3\n") == FFS_TURN_CHECK);
	ffs_turn_check(&t);
	CHECK(ffs_turn_again(&t) == FFS_TURN_PASS && t.add[0]);
	ffs_turn_end(&t, 0, 1, false);
	hit(5, "Range: bytes=0-3\n", "HTTP/1.1 206", "0123"); /* it is known now */
	/* Whoever waited for that does not read it again. */
	keep_as(5, "e", 1 << 20, true, true);
	CHECK(begin(&t, "GET", 5, "Range: bytes=0-3\n") == FFS_TURN_CHECK);
	CHECK(begin(&other, "GET", 5, "Range: bytes=0-3\n") == FFS_TURN_CHECK);
	ffs_turn_check(&t);
	CHECK(!other.hit.verified && ffs_cache_is_verified(all.cache, &other.hit));
	ffs_turn_check(&other);
	CHECK(ffs_turn_again(&t) == FFS_TURN_PASS && ffs_turn_again(&other) == FFS_TURN_PASS);
	ffs_turn_end(&t, 0, 1, false);
	ffs_turn_end(&other, 0, 1, false);
	keep_as(5, "e", 1 << 20, true, true);
	passes("HEAD", 5, "");
	CHECK(begin(&t, "GET", 5, "") == FFS_TURN_CHECK);
	ffs_turn_end(&t, 0, 1, false);
	write_into(5);
	CHECK(begin(&t, "GET", 5, "") == FFS_TURN_CHECK);
	ffs_turn_check(&t);
	CHECK(ffs_turn_again(&t) == FFS_TURN_PASS && !t.add[0]);
	ffs_turn_end(&t, 0, 1, true);
	CHECK(!has(5));
	/* Given up meanwhile. */
	keep_as(5, "e", 1 << 20, true, true);
	CHECK(begin(&t, "GET", 5, "") == FFS_TURN_CHECK);
	ffs_turn_end(&t, 0, 1, false);
	CHECK(has(5));
}

/* A write of entry 6 by this line: gone before the origin has it, and what was filled meanwhile
 * goes with its answer. */
static void
written(const char *line, const char *query, const char *status, bool drops, bool again)
{
	char text[256];
	struct ffs_turn t;

	keep(6, "e");
	snprintf(text, sizeof(text), "%s /b/k6%s HTTP/1.1\nHost: lan\n", line, query);
	CHECK(ffs_turn_begin(&t, &all, request_of(text), store, hosts, 1000) == FFS_TURN_PASS);
	CHECK(has(6) != drops, "%s", text);
	keep(6, "e");
	CHECK(ffs_turn_answer(&t, answer_of(status)) == FFS_TURN_PASS);
	CHECK(has(6) != again, "%s %s", text, status);
	ffs_turn_end(&t, 0, 1, true);
}

static void
check_writes(void)
{
	struct ffs_turn t;

	written("PUT", "", "HTTP/1.1 200 OK\n", true, true);
	written("DELETE", "", "HTTP/1.1 204 No Content\n", true, true);
	written("POST", "?uploadId=1", "HTTP/1.1 200 OK\n", true, true);
	written("PUT", "", "HTTP/1.1 403 Forbidden\n", true, false);
	written("PUT", "?partNumber=1&uploadId=1", "HTTP/1.1 200 OK\n", false, false);
	/* A list of keys, which is in the body. */
	keep(6, "e");
	keep(7, "e");
	CHECK(ffs_turn_begin(&t, &all, request_of("POST /b?delete HTTP/1.1\nHost: lan\n"), store,
		  hosts, 1000) == FFS_TURN_CHECK);
	ffs_turn_check(&t);
	CHECK(ffs_turn_again(&t) == FFS_TURN_PASS);
	CHECK(!has(6) && !has(7));
	CHECK(ffs_turn_answer(&t, answer_of("HTTP/1.1 200 OK\n")) == FFS_TURN_PASS);
	ffs_turn_end(&t, 0, 1, true);
}

static void
check_notes(void)
{
	struct ffs_cache_noted noted;
	struct ffs_cache_name n;

	keep(8, "e");
	hit(8, "Range: bytes=0-3\n", "HTTP/1.1 206", "0123");
	hit(8, "", "HTTP/1.1 200", "0123456789");
	n = name_is(8);
	CHECK(!ffs_cache_noted(all.cache, &n, &noted));
	CHECK(noted.hits == 2 && noted.bytes == 14 && !noted.misses, "%lu %lu",
	    (unsigned long)noted.hits, (unsigned long)noted.bytes);
	passes("GET", 9, "");
	passes("GET", 9, "Range: bytes=0-3\n");
	passes("HEAD", 9, "");
	n = name_is(9);
	CHECK(!ffs_cache_noted(all.cache, &n, &noted) && noted.misses == 2 && !noted.hits);
}

int
main(void)
{
	struct ffs_turn t;

	check_ranges();
	check_heads();
	/* Without a cache everything passes. */
	CHECK(begin(&t, "GET", 1, "") == FFS_TURN_PASS && !t.add[0]);
	CHECK(ffs_turn_answer(&t, answer_of(yes)) == FFS_TURN_PASS);
	ffs_turn_end(&t, 0, 1, true);
	all.cache = open_cache("cache");
	check_hits();
	check_answers();
	check_checks();
	check_writes();
	check_notes();
	ffs_cache_free(all.cache);
	return failed;
}
