/* The kernel programs: what an answer counts for. */
#include "tests/bpf/feed.h"

#define GET "GET /b/k HTTP/1.1\r\nHost: h\r\n\r\n"

static struct flow t = { .cport = 10000, .sport = 9000, .cseq = 1000, .sseq = 5000 };
static struct ffs_object_stat o;

static struct feed *
start(void)
{
	struct feed *f = feed_open(9000);

	CHECK(feed_load(f) == 0);
	t.cport++;
	feed_syn(f, &t);
	memset(&o, 0, sizeof(o));
	return f;
}

static void
end(struct feed *f)
{
	if (failed)
		feed_dump(f);
	feed_free(f);
}

/* Heads that all mean 200 and 1000 bytes. */
static void
heads(void)
{
	static const char *const t200[] = {
		"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n",
		"HTTP/1.0 200 OK\r\ncontent-length:1000\r\n\r\n",
		"HTTP/1.1 200\r\nCONTENT-LENGTH: \t 1000 \r\nX: y\r\n\r\n",
		"HTTP/1.1 200 OK\nContent-Length: 1000\n\n",
		"HTTP/1.1 200 OK\r\nX-Content-Length: 5\r\nA: b\r\nContent-Lengthy: "
		"6\r\nContent-Length: 1000\r\nContent-Type: a\r\n\r\n",
		"HTTP/1.1 200 OK\r\nA: \r\nB:\r\nC\r\n:\r\nContent-Length: 0000001000\r\nb: "
		"Content-Length: 7\r\n\r\n",
		"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n",
		"HTTP/1.1 103 Early Hints\r\nContent-Length: 3\r\n\r\nHTTP/1.1 100 "
		"C\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n",
	};
	struct feed *f = start();

	for (size_t i = 0; i < COUNT(t200); i++) {
		feed_ask(f, &t, GET);
		feed_answer(f, &t, "%s", t200[i]);
		feed_body(f, &t, 999);
		CHECK(COUNTER(f, reads) == i, "%s", t200[i]);
		feed_body(f, &t, 1);
		CHECK(COUNTER(f, reads) == i + 1, "%s", t200[i]);
	}
	CHECK(feed_object(f, "b/k", &o) == 0 && o.reads == COUNT(t200) &&
	      o.bytes == 1000 * COUNT(t200));
	CHECK(o.size == 1000 && o.part_bytes == 0 && o.lat_count == COUNT(t200) && o.first_ns &&
	      o.last_ns > o.first_ns && o.interval_ns);
	CHECK(o.lat_min_ns && o.lat_min_ns <= o.lat_max_ns && o.lat_sum_ns >= o.lat_max_ns &&
	      o.ttfb_sum_ns && o.ttfb_sum_ns < o.lat_sum_ns);
	CHECK(COUNTER(f, responses) == COUNT(t200) && !COUNTER(f, responses_other) &&
	      !COUNTER(f, no_length));

	/* Long heads: over one window and the other, and with Content-Length at any place of them.
	 */
	for (int n = 900; n < 3400; n += 31) {
		uint64_t reads = COUNTER(f, reads);

		feed_ask(f, &t, GET);
		if (n & 1)
			feed_answer(f, &t,
			    "HTTP/1.1 200 OK\r\nX: %0*d\r\nContent-Length: 1000\r\nY: z\r\n\r\n", n,
			    1);
		else
			feed_answer(f, &t,
			    "HTTP/1.1 200 OK\r\nContent-Length: 1000\r\nX: %0*d\r\n\r\n", n, 1);
		feed_body(f, &t, 1000);
		CHECK(COUNTER(f, reads) == reads + 1, "%d", n);
	}
	CHECK(!COUNTER(f, no_length) && !COUNTER(f, aborted));
	end(f);
}

/* What counts for nothing. */
static void
nothing(void)
{
	static const char *const heads[] = {
		"HTTP/1.1 304 Not Modified\r\nContent-Length: 1000\r\n\r\n",
		"HTTP/1.1 403 Forbidden\r\nContent-Length: 5\r\n\r\nabcde",
		"HTTP/1.1 404 Not Found\r\nContent-Length: 5\r\n\r\nabcde",
		"HTTP/1.1 416 Range\r\nContent-Length: 0\r\n\r\n",
		"HTTP/1.1 503 Slow Down\r\nContent-Length: 4\r\n\r\nabcd",
		"HTTP/1.1 204 No Content\r\n\r\n",
		"HTTP/1.1 301 Moved\r\nLocation: /x\r\nContent-Length: 0\r\n\r\n",
	};
	struct feed *f = start();
	struct ffs_object_id id;

	for (size_t i = 0; i < COUNT(heads); i++) {
		feed_ask(f, &t, GET);
		feed_answer(f, &t, "%s", heads[i]);
	}
	CHECK(COUNTER(f, responses) == COUNT(heads) && COUNTER(f, responses_other) == COUNT(heads));
	/* And HEAD, after which no body comes, whatever it says. */
	feed_ask(f, &t, "HEAD /b/k HTTP/1.1\r\n\r\n");
	feed_answer(f, &t, "HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n");
	CHECK(
	    COUNTER(f, responses) == COUNT(heads) + 1 && COUNTER(f, requests) == COUNT(heads) + 1);
	CHECK(COUNTER(f, reads) == 0 && COUNTER(f, read_bytes) == 0 && COUNTER(f, aborted) == 0);
	CHECK(feed_object(f, NULL, &o) == -ENOENT);
	CHECK(bpf_map_get_next_key(bpf_map__fd(f->w->maps.names), NULL, &id), "a name was left");
	feed_ask(f, &t, GET);
	feed_answer(f, &t, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
	CHECK(feed_object(f, "b/k", &o) == 0 && o.reads == 1 && o.bytes == 0);
	/* A failure later takes nothing away. */
	feed_ask(f, &t, GET);
	feed_answer(f, &t, "HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n");
	CHECK(feed_object(f, "b/k", &o) == 0 && o.reads == 1);
	CHECK(COUNTER(f, orphans) == 0 && COUNTER(f, bad_responses) == 0);
	end(f);
}

static void
part(struct feed *f, const char *range, unsigned n)
{
	feed_ask(f, &t, "GET /b/k HTTP/1.1\r\nRange: x\r\n\r\n");
	feed_answer(f, &t,
	    "HTTP/1.1 206 Partial Content\r\nContent-Range: %s\r\nContent-Length: %u\r\n\r\n",
	    range, n);
	feed_body(f, &t, n);
}

static void
ranges(void)
{
	struct feed *f = start();

	/* One pass in four ranges is one read. */
	part(f, "bytes 0-2999/10000", 3000);
	part(f, "bytes 3000-5999/10000", 3000);
	part(f, "bytes 6000-8999/10000", 3000);
	CHECK(feed_object(f, "b/k", &o) == 0 && o.reads == 0 && o.part_bytes == 9000 &&
	      o.size == 10000);
	part(f, "bytes 9000-9999/10000", 1000);
	CHECK(feed_object(f, "b/k", &o) == 0 && o.reads == 1 && o.heat == 1 && o.bytes == 10000 &&
	      o.interval_ns == 0);
	CHECK(feed_events(f) == 0);
	/* And the one that completes the second is hot. */
	part(f, "bytes 0-9998/10000", 9999);
	CHECK(feed_events(f) == 0);
	part(f, "bytes 9999-9999/10000", 1);
	CHECK(feed_events(f) == 1 && f->events[0].reads == 2 && f->events[0].size == 10000);
	CHECK(feed_object(f, "b/k", &o) == 0 && o.reads == 2 && o.bytes == 20000 && o.interval_ns);
	/* Many ranges over the object's size at once. */
	part(f, "bytes 0-/10000", 30000);
	CHECK(feed_object(f, "b/k", &o) == 0 && o.reads == 5);
	/* A whole one beside. */
	feed_ask(f, &t, GET);
	feed_answer(f, &t, "HTTP/1.1 200 OK\r\nContent-Length: 10000\r\n\r\n");
	feed_body(f, &t, 10000);
	CHECK(feed_object(f, "b/k", &o) == 0 && o.reads == 6 && o.bytes == 60000 &&
	      o.part_bytes == 50000);
	/* No total, several ranges in one: bytes only. */
	part(f, "bytes 0-4999/*", 5000);
	CHECK(feed_object(f, "b/k", &o) == 0 && o.reads == 6 && o.part_bytes == 55000 &&
	      o.size == 10000);
	feed_ask(f, &t, GET);
	feed_answer(f, &t,
	    "HTTP/1.1 206 P\r\nContent-Type: multipart/byteranges; boundary=x\r\nContent-Length: "
	    "4000\r\n\r\n");
	feed_body(f, &t, 4000);
	CHECK(feed_object(f, "b/k", &o) == 0 && o.reads == 6 && o.part_bytes == 59000);
	CHECK(COUNTER(f, reads) == 6 && COUNTER(f, read_bytes) == 69000 && !COUNTER(f, no_length));
	end(f);
}

static void
aborted(void)
{
	struct feed *f = start();

	feed_ask(f, &t, GET);
	feed_answer(f, &t, "HTTP/1.1 200 OK\r\nContent-Length: 10000\r\n\r\n");
	feed_body(f, &t, 6000);
	/* The client has said all that it had to say, and still reads. */
	feed_at(f, &t, true, FIN | ACK, t.cseq++, t.sseq, NULL, 0);
	CHECK(COUNTER(f, aborted) == 0);
	feed_at(f, &t, true, RST, t.cseq, t.sseq, NULL, 0);
	CHECK(COUNTER(f, aborted) == 1 && COUNTER(f, reads) == 0);
	CHECK(feed_object(f, "b/k", &o) == 0 && o.reads == 0 && o.part_bytes == 6000 &&
	      o.lat_count == 0);
	/* What was on its way is of no interest, and no orphan. */
	feed_body(f, &t, 2000);
	CHECK(COUNTER(f, read_bytes) == 6000 && COUNTER(f, midstream) == 0 &&
	      COUNTER(f, orphans) == 0);

	/* The rest in a range, on another connection: together one read. */
	t.cport++;
	feed_syn(f, &t);
	part(f, "bytes 6000-9999/10000", 4000);
	CHECK(feed_object(f, "b/k", &o) == 0 && o.reads == 1);

	/* The server gives up. */
	feed_ask(f, &t, GET);
	feed_answer(f, &t, "HTTP/1.1 200 OK\r\nContent-Length: 10000\r\n\r\n");
	feed_body(f, &t, 1400);
	feed_at(f, &t, false, FIN | ACK, t.sseq++, t.cseq, NULL, 0);
	CHECK(COUNTER(f, aborted) == 2);
	feed_at(f, &t, true, FIN | ACK, t.cseq++, t.sseq, NULL, 0);

	/* Before any answer. */
	t.cport++;
	feed_syn(f, &t);
	feed_ask(f, &t, GET);
	feed_at(f, &t, true, RST, t.cseq, t.sseq, NULL, 0);
	CHECK(COUNTER(f, aborted) == 3 && COUNTER(f, read_bytes) == 11400);
	feed_answer(f, &t, "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n");
	CHECK(COUNTER(f, orphans) == 0);
	end(f);
}

static void
lengthless(void)
{
	struct feed *f = start();

	feed_ask(f, &t, GET);
	feed_answer(f, &t, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n");
	feed_body(f, &t, 3000);
	CHECK(COUNTER(f, no_length) == 1 && COUNTER(f, reads) == 0);
	feed_ask(f, &t, GET);
	CHECK(COUNTER(f, reads) == 1 && COUNTER(f, aborted) == 0 && COUNTER(f, pipelined) == 0);
	feed_answer(f, &t, "HTTP/1.0 200 OK\r\n\r\n");
	feed_body(f, &t, 3000);
	feed_at(f, &t, false, FIN | ACK, t.sseq++, t.cseq, NULL, 0);
	CHECK(COUNTER(f, reads) == 2 && COUNTER(f, no_length) == 2 && COUNTER(f, aborted) == 0);
	CHECK(feed_object(f, "b/k", &o) == 0 && o.reads == 2 && o.bytes == 6000 && o.size == 0);
	/* The next that has a length ends with it, and what goes on behind is not of it. */
	t.cport++;
	feed_syn(f, &t);
	feed_ask(f, &t, GET);
	feed_answer(f, &t, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n");
	feed_ask(f, &t, GET);
	feed_answer(f, &t, "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n0123456789and more");
	CHECK(COUNTER(f, reads) == 4 && feed_object(f, "b/k", &o) == 0 && o.bytes == 6010 &&
	      o.size == 10);
	end(f);
}

static void
hostile(void)
{
	static const char *const heads[] = { "HTTP/1.1 2x0 OK\r\n\r\n",
		"HTTP/1.1\r\n\r\nxxxxxxxxxxxxxxxx", "SSH-2.0-OpenSSH_9.2p1\r\n",
		"HTTP/2 200\r\n\r\nxxxxx", "HTTP/1.1 099 OK\r\n\r\n" };
	static const char *const lengths[] = { "99999999999999999999", "-1", "x", "", "0x10",
		"18446744073709551616" };
	struct feed *f = start();
	char noise[3000];

	for (size_t i = 0; i < COUNT(heads); i++) {
		feed_ask(f, &t, GET);
		feed_answer(f, &t, "%s", heads[i]);
		CHECK(COUNTER(f, bad_responses) == i + 1, "%s", heads[i]);
	}
	for (size_t i = 0; i < COUNT(lengths); i++) {
		feed_ask(f, &t, GET);
		feed_answer(f, &t, "HTTP/1.1 200 OK\r\nContent-Length: %s\r\n\r\n", lengths[i]);
		CHECK(COUNTER(f, no_length) == i + 1, "%s", lengths[i]);
	}
	/* The longest number there is: bytes are counted as they come. */
	feed_ask(f, &t, GET);
	feed_answer(f, &t, "HTTP/1.1 200 OK\r\nContent-Length: 9999999999999999999\r\n\r\n");
	feed_body(f, &t, 100);
	/* An answer to nothing. */
	feed_at(f, &t, true, RST, t.cseq, t.sseq, NULL, 0);
	t.cport++;
	feed_syn(f, &t);
	feed_answer(f, &t, "HTTP/1.1 408 Timeout\r\n\r\n");
	CHECK(COUNTER(f, orphans) == 1);
	/* Noise, behind a good beginning or none. */
	srand(1);
	for (int i = 0; i < 2000; i++) {
		size_t n = rand() % sizeof(noise) + 1;

		for (size_t k = 0; k < n; k++)
			noise[k] = rand() % 4 ? rand() : "\r\n :/?%&"[rand() % 8];
		if (i & 1)
			memcpy(noise, "HTTP/1.1 200 OK\r\nContent-Length: ", n < 33 ? n : 33);
		feed_ask(f, &t, GET);
		feed_server(f, &t, noise, n);
		if (i & 2)
			memcpy(noise, i & 4 ? "GET /" : "PUT /", n < 5 ? n : 5);
		feed_client(f, &t, noise, n);
		feed_server(f, &t, noise, n);
		if (i % 10 == 0) {
			feed_at(f, &t, true, RST, t.cseq, t.sseq, NULL, 0);
			t.cport++;
			feed_syn(f, &t);
		}
	}
	end(f);
}

/* Writes, and what else has a body. */
static void
writes(void)
{
	struct feed *f = start();
	static const struct {
		const char *request;
		const char *answer;
		int first, second; /* events: of the request, of the answer */
		const char *text;
	} w[] = {
		{ "PUT /b/k HTTP/1.1\r\nContent-Length: 5\r\n\r\nhello", "HTTP/1.1 200 OK\r\n\r\n",
		    1, 1, "b/k" },
		{ "PUT /b/k?x-id=PutObject HTTP/1.1\r\n\r\n", "HTTP/1.1 403 Forbidden\r\n\r\n", 1,
		    0, "b/k" },
		{ "DELETE /b/k%20a HTTP/1.1\r\n\r\n", "HTTP/1.1 204 No Content\r\n\r\n", 1, 1,
		    "b/k a" },
		{ "DELETE /b/k?versionId=7 HTTP/1.1\r\n\r\n", "HTTP/1.1 204 No Content\r\n\r\n", 1,
		    1, "b/k7" },
		{ "POST /b/k?uploadId=a%2Fb HTTP/1.1\r\n\r\n", "HTTP/1.1 200 OK\r\n\r\n", 1, 1,
		    "b/k" },
		{ "POST /b?delete HTTP/1.1\r\n\r\n", "HTTP/1.1 200 OK\r\n\r\n", 1, 1, "b" },
		{ "POST /b/?delete= HTTP/1.1\r\n\r\n", "HTTP/1.1 200 OK\r\n\r\n", 1, 1, "b" },
		{ "PUT /b/d/manifest.json HTTP/1.1\r\n\r\n", "HTTP/1.1 200 OK\r\n\r\n", 1, 1,
		    "b/d/manifest.json" },
		{ "PUT /b/k?partNumber=1&uploadId=x HTTP/1.1\r\n\r\n", "HTTP/1.1 200 OK\r\n\r\n", 0,
		    0, NULL },
		{ "POST /b/k?uploads HTTP/1.1\r\n\r\n", "HTTP/1.1 200 OK\r\n\r\n", 0, 0, NULL },
		{ "DELETE /b/k?uploadId=1 HTTP/1.1\r\n\r\n", "HTTP/1.1 204 OK\r\n\r\n", 0, 0,
		    NULL },
		{ "PUT /b/k?tagging HTTP/1.1\r\n\r\n", "HTTP/1.1 200 OK\r\n\r\n", 0, 0, NULL },
		{ "PUT /b HTTP/1.1\r\n\r\n", "HTTP/1.1 200 OK\r\n\r\n", 0, 0, NULL },
		{ "DELETE /b HTTP/1.1\r\n\r\n", "HTTP/1.1 204 OK\r\n\r\n", 0, 0, NULL },
		{ "POST /b HTTP/1.1\r\n\r\n", "HTTP/1.1 200 OK\r\n\r\n", 0, 0, NULL },
		{ "OPTIONS * HTTP/1.1\r\n\r\n", "HTTP/1.1 200 OK\r\n\r\n", 0, 0, NULL },
		{ "OPTIONS /b/k HTTP/1.1\r\n\r\n", "HTTP/1.1 200 OK\r\n\r\n", 0, 0, NULL },
	};

	for (size_t i = 0; i < COUNT(w); i++) {
		struct ffs_event *e = &f->events[0];

		feed_ask(f, &t, "%s", w[i].request);
		CHECK(feed_events(f) == w[i].first, "%s", w[i].request);
		if (w[i].first) {
			CHECK(e->type == FFS_EVENT_INVALIDATE && !(e->flags & FFS_EVENT_DONE) &&
			      e->ns);
			CHECK(e->text_len == strlen(w[i].text) &&
			      !memcmp(e->text, w[i].text, e->text_len));
			CHECK(!!(e->flags & FFS_EVENT_BUCKET) == !strchr(w[i].text, '/'));
		}
		/* A body may say anything. */
		if (w[i].request[0] == 'P') {
			feed_ask(f, &t, "GET /b/in-a-body HTTP/1.1\r\n\r\n");
			feed_answer(f, &t, "HTTP/1.1 100 Continue\r\n\r\n");
			feed_ask(f, &t, "DELETE /b/in-a-body HTTP/1.1\r\n\r\n");
			CHECK(feed_events(f) == 0);
		}
		feed_answer(f, &t, "%s", w[i].answer);
		CHECK(feed_events(f) == w[i].second, "%s", w[i].request);
		if (w[i].second) {
			CHECK(e->type == FFS_EVENT_INVALIDATE && e->flags & FFS_EVENT_DONE);
			CHECK(e->text_len == strlen(w[i].text) &&
			      !memcmp(e->text, w[i].text, e->text_len));
			CHECK(!!(e->flags & FFS_EVENT_BUCKET) == !strchr(w[i].text, '/'));
		}
	}
	CHECK(feed_object(f, NULL, &o) == -ENOENT && COUNTER(f, reads) == 0);
	CHECK(COUNTER(f, requests_control) == 1 && COUNTER(f, bad_requests) == 0 &&
	      COUNTER(f, pipelined) == 0 && COUNTER(f, bad_responses) == 0 &&
	      COUNTER(f, orphans) == 0);
	end(f);
}

/* Control objects are nobody's data. */
static void
control(void)
{
	static const struct {
		const char *key;
		bool control;
	} keys[] = { { ".ffs/nodes", true }, { "lobster/1/.claim", true },
		{ "lobster/manifest.json", true }, { "a/b/manifest.json?versionId=2", true },
		{ "/manifest.json", true }, { "manifest.json", false }, { "x.ffs/y", false },
		{ "a/.ffs/y", false }, { ".ffs", false }, { "x.claim", false }, { ".claim", false },
		{ "a/xmanifest.json", false } };
	struct feed *f = start();
	unsigned n = 0;

	for (unsigned i = 0; i < COUNT(keys); i++) {
		feed_ask(f, &t, "GET /b/%s HTTP/1.1\r\n\r\n", keys[i].key);
		feed_answer(f, &t, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
		n += keys[i].control;
		CHECK(COUNTER(f, requests_control) == n && COUNTER(f, requests) == i + 1 - n &&
			  COUNTER(f, reads) == i + 1 - n,
		    "%s", keys[i].key);
	}
	end(f);
}

int
main(void)
{
	heads();
	nothing();
	ranges();
	aborted();
	lengthless();
	hostile();
	writes();
	control();
	return failed;
}
