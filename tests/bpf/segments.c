/* The kernel programs: however TCP carries it, the conversation is the same. */
#include "tests/bpf/feed.h"

#define GET "GET /b/k HTTP/1.1\r\nHost: h\r\nX-Amz-Date: 20261121T000000Z\r\n\r\n"
#define OK "HTTP/1.1 200 OK\r\nServer: x\r\nContent-Length: %d\r\n\r\n"

static struct ffs_object_stat o;

static struct feed *
start(struct flow *t)
{
	struct feed *f = feed_open(9000);

	CHECK(feed_load(f) == 0);
	if (t)
		feed_syn(f, t);
	return f;
}

static void
end(struct feed *f, const char *what)
{
	if (failed) {
		printf("%s:\n", what);
		feed_dump(f);
	}
	feed_free(f);
}

static void
get(struct feed *f, struct flow *t, int size)
{
	feed_ask(f, t, GET);
	feed_answer(f, t, OK, size);
	feed_body(f, t, size);
}

static void
headers(void)
{
	static const struct flow flows[] = {
		{ .cport = 1, .sport = 9000 },
		{ .cport = 2, .sport = 9000, .ip_opt = 4, .tcp_opt = 12 },
		{ .cport = 3, .sport = 9000, .ip_opt = 40, .tcp_opt = 40 },
		{ .cport = 4,
		    .sport = 9000,
		    .tcp_opt = 40,
		    .cseq = 0xffffffff,
		    .sseq = 0xffffffff },
		{ .cport = 5, .sport = 9000, .v6 = true },
		{ .cport = 6,
		    .sport = 9000,
		    .v6 = true,
		    .tcp_opt = 40,
		    .cseq = 0x7fffffff,
		    .sseq = 0x80000000 },
		{ .cport = 65535, .sport = 9000, .v6 = true, .tcp_opt = 12 },
	};
	struct feed *f = start(NULL);
	uint8_t b[200];
	struct flow t;
	size_t n;

	for (size_t i = 0; i < 2 * COUNT(flows); i++) {
		t = flows[i / 2];
		t.big = i % 2;
		feed_syn(f, &t);
		get(f, &t, 3000);
		get(f, &t, 3000);
		feed_fin(f, &t);
		CHECK(COUNTER(f, reads) == 2 * (i + 1), "flow %zu", i);
	}
	CHECK(COUNTER(f, read_bytes) == 12000 * COUNT(flows) &&
	      COUNTER(f, conns) == 2 * COUNT(flows));
	/* IPv4 and IPv6 are two addresses of the store. */
	CHECK(feed_object(f, "b/k", &o) == 0 && (o.reads == 16 || o.reads == 12));

	/* Other ports, other protocols, what is cut off. */
	t = flows[0];
	t.sport = 9001;
	n = COUNTER(f, packets);
	feed_syn(f, &t);
	get(f, &t, 10);
	t.sport = 9000;
	for (unsigned len = 34; len < 54; len++) {
		frame_make(b, &t, true, ACK, 1, 1, NULL, 0);
		feed_frame(f, b, len);
	}
	b[23] = IPPROTO_UDP;
	feed_frame(f, b, 54);
	CHECK(COUNTER(f, packets) == n);
	/* A data offset that is beyond the packet, or inside the header. */
	frame_make(b, &t, true, PSH | ACK, 1, 1, "GET /", 5);
	b[14 + 20 + 12] = 0xf0;
	feed_frame(f, b, 59);
	b[14 + 20 + 12] = 0x40;
	feed_frame(f, b, 59);
	CHECK(COUNTER(f, load_errors) == 2);
	/* Fragments, and TCP behind another header. */
	frame_make(b, &t, true, PSH | ACK, 1, 1, "GET /", 5);
	b[20] = 0x20;
	feed_frame(f, b, 59);
	b[20] = 0;
	b[21] = 10;
	feed_frame(f, b, 59);
	b[20] = 0x40; /* do not fragment: as usual */
	b[21] = 0;
	feed_frame(f, b, 59);
	CHECK(COUNTER(f, fragments) == 2);
	t = flows[4];
	frame_make(b, &t, true, PSH | ACK, 1, 1, "GET /", 5);
	b[20] = 44;
	b[54] = 6;
	feed_frame(f, b, 79);
	b[54] = 58;
	feed_frame(f, b, 79);
	CHECK(COUNTER(f, fragments) == 3);
	end(f, __func__);
}

/* What comes over a wire is padded to 60 bytes, and more by some cards: none of it is payload. */
static void
padded(void)
{
	static const struct flow flows[] = {
		{ .cport = 1, .sport = 9000, .pad = 6 },
		{ .cport = 2, .sport = 9000, .pad = 40, .ip_opt = 4, .tcp_opt = 12 },
		{ .cport = 3, .sport = 9000, .pad = 2, .v6 = true },
	};
	struct feed *f = start(NULL);
	struct flow t;

	for (size_t i = 0; i < COUNT(flows); i++) {
		t = flows[i];
		feed_syn(f, &t);
		feed_ask(f, &t, GET);
		feed_at(f, &t, false, ACK, t.sseq, t.cseq, NULL, 0);
		feed_answer(f, &t, OK, 30);
		feed_at(f, &t, true, ACK, t.cseq, t.sseq, NULL, 0);
		feed_body(f, &t, 20);
		CHECK(COUNTER(f, reads) == i, "flow %zu: read too early", i);
		feed_body(f, &t, 10);
		feed_at(f, &t, true, ACK, t.cseq, t.sseq, NULL, 0);
		feed_fin(f, &t);
		CHECK(COUNTER(f, reads) == i + 1, "flow %zu", i);
	}
	CHECK(COUNTER(f, read_bytes) == 30 * COUNT(flows) && !COUNTER(f, bad_requests) &&
	      !COUNTER(f, bad_responses) && !COUNTER(f, split_heads) && !COUNTER(f, midstream) &&
	      !COUNTER(f, retransmits) && !COUNTER(f, load_errors));
	end(f, __func__);
}

static void
reuse(void)
{
	struct flow t = { .cport = 7, .sport = 9000, .cseq = 100, .sseq = 200 };
	struct feed *f = start(&t);

	get(f, &t, 100);
	feed_ask(f, &t, GET);
	/* The end was not seen; the same port again, below all that was before. */
	t.cseq = 50;
	t.sseq = 60;
	feed_at(f, &t, true, SYN, t.cseq, 0, NULL, 0);
	feed_syn(f, &t); /* and the SYN twice */
	get(f, &t, 100);
	CHECK(COUNTER(f, reads) == 2 && COUNTER(f, conns) == 2 && COUNTER(f, retransmits) == 0);
	/* A half-closed connection: everything is asked, then answered. */
	feed_ask(f, &t, GET);
	feed_at(f, &t, true, FIN | ACK, t.cseq++, t.sseq, NULL, 0);
	feed_answer(f, &t, OK, 100);
	feed_body(f, &t, 100);
	feed_at(f, &t, false, FIN | ACK, t.sseq++, t.cseq, NULL, 0);
	CHECK(COUNTER(f, reads) == 3 && COUNTER(f, aborted) == 0);
	/* The last bytes with the FIN. */
	t.cport++;
	feed_syn(f, &t);
	feed_ask(f, &t, GET);
	feed_answer(f, &t, OK, 4);
	feed_at(f, &t, false, FIN | PSH | ACK, t.sseq, t.cseq, "abcd", 4);
	CHECK(COUNTER(f, reads) == 4 && COUNTER(f, aborted) == 0);
	/* Or before the last bytes, which are late. */
	t.cport++;
	feed_syn(f, &t);
	feed_ask(f, &t, GET);
	feed_answer(f, &t, OK, 8);
	feed_at(f, &t, false, FIN | PSH | ACK, t.sseq + 4, t.cseq, "efgh", 4);
	feed_at(f, &t, false, PSH | ACK, t.sseq, t.cseq, "abcd", 4);
	CHECK(COUNTER(f, reads) == 5 && COUNTER(f, aborted) == 0);
	t.cport++;
	feed_syn(f, &t);
	feed_ask(f, &t, GET);
	feed_answer(f, &t, OK, 8);
	feed_at(f, &t, false, FIN | ACK, t.sseq + 8, t.cseq, NULL, 0);
	CHECK(COUNTER(f, reads) == 6 && COUNTER(f, aborted) == 0);
	end(f, __func__);
}

static void
retransmits(void)
{
	struct flow t = { .cport = 7, .sport = 9000, .cseq = 0xfffffff0, .sseq = 0xfffffff0 };
	struct feed *f = start(&t);
	struct flow was = t;
	char b[200];
	int n;

	/* Each segment twice, and then again all of it. */
	for (int i = 0; i < 3; i++) {
		was = t;
		feed_ask(f, &t, GET);
		feed_ask(f, &was, GET);
		n = sprintf(b, OK "xxxxxxxxxx", 20);
		feed_server(f, &t, b, n);
		feed_server(f, &was, b, n);
		feed_at(f, &t, false, ACK, t.sseq - 5, t.cseq, "xxxxxxxxxx",
		    10); /* five old, five new */
		t.sseq += 5;
		CHECK(COUNTER(f, reads) == (unsigned)i);
		feed_server(f, &t, "yyyyy", 5);
		CHECK(COUNTER(f, reads) == (unsigned)i + 1);
		feed_at(f, &t, false, ACK, t.sseq - 5, t.cseq, "yyyyy", 5);
	}
	CHECK(COUNTER(f, requests) == 3 && COUNTER(f, read_bytes) == 60 &&
	      COUNTER(f, retransmits) >= 6);
	/* A segment that holds the last byte of the request before, and the next request. */
	feed_at(f, &t, true, ACK, t.cseq - 1, t.sseq, "\n" GET, sizeof(GET));
	t.cseq += sizeof(GET) - 1;
	feed_answer(f, &t, OK, 1);
	feed_body(f, &t, 1);
	CHECK(COUNTER(f, reads) == 4 && COUNTER(f, bad_requests) == 0);
	/* Out of order, as it may come from outside: the body before its head. */
	feed_ask(f, &t, GET);
	n = sprintf(b, OK, 10);
	feed_at(f, &t, false, ACK, t.sseq + n, t.cseq, "0123456789", 10);
	CHECK(COUNTER(f, reads) == 4);
	feed_at(f, &t, false, ACK, t.sseq, t.cseq, b, n);
	t.sseq += n + 10;
	CHECK(COUNTER(f, reads) == 5);
	/* The handshake's answer once more, while bytes come. */
	feed_ask(f, &t, GET);
	feed_answer(f, &t, OK "abcd", 8);
	feed_at(f, &t, false, SYN | ACK, was.sseq - 1000, was.cseq, NULL, 0);
	feed_server(f, &t, "efg", 3);
	CHECK(COUNTER(f, reads) == 5);
	feed_server(f, &t, "h", 1);
	CHECK(COUNTER(f, reads) == 6);
	/* A head of which the rest does not come, but another. */
	feed_client(f, &t, "GET /b/lost", 11);
	t.cseq += 100;
	feed_ask(f, &t, GET);
	feed_answer(f, &t, OK, 0);
	CHECK(COUNTER(f, reads) == 7 && COUNTER(f, split_heads) == 1 &&
	      COUNTER(f, bad_requests) == 0);
	/* A gap that a retransmit fills. */
	feed_ask(f, &t, GET);
	feed_answer(f, &t, OK, 10);
	feed_at(f, &t, false, ACK, t.sseq + 5, t.cseq, "56789", 5);
	feed_at(f, &t, false, ACK, t.sseq, t.cseq, "01234", 5);
	t.sseq += 10;
	CHECK(COUNTER(f, reads) == 8 && feed_object(f, "b/k", &o) == 0 && o.reads == 8 &&
	      o.part_bytes == 0);
	end(f, __func__);
}

static void
large(void)
{
	struct flow t = { .cport = 7, .sport = 9000, .cseq = 1, .sseq = 0xf0000000 };
	struct feed *f = start(&t);
	uint64_t size = 5ull << 30, sent;

	/* 5 GiB, most of which comes in segments that are not sent here. */
	feed_ask(f, &t, GET);
	feed_answer(
	    f, &t, "HTTP/1.1 200 OK\r\nContent-Length: %llu\r\n\r\n", (unsigned long long)size);
	for (sent = 0; sent < size - 1; sent += 1u << 28) {
		t.sseq += (1u << 28) - 1;
		CHECK(COUNTER(f, reads) == 0);
		feed_server(f, &t, "x", 1);
	}
	CHECK(COUNTER(f, reads) == 1 && feed_object(f, "b/k", &o) == 0 && o.bytes == size &&
	      o.size == size);
	/* And up: a PUT of more than half of the numbers. */
	feed_ask(f, &t, "PUT /b/k HTTP/1.1\r\n\r\n");
	for (sent = 0; sent < size; sent += 1u << 28) {
		t.cseq += (1u << 28) - 1;
		feed_client(f, &t, "x", 1);
	}
	feed_answer(f, &t, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
	get(f, &t, 10);
	CHECK(COUNTER(f, requests) == 3 && COUNTER(f, reads) == 2 && COUNTER(f, invalidate) == 2);
	end(f, __func__);
}

static void
midstream(void)
{
	struct flow t = { .cport = 7, .sport = 9000, .cseq = 1, .sseq = 1 };
	struct feed *f = start(NULL);

	feed_body(f, &t, 5000);
	feed_at(f, &t, true, ACK, t.cseq, t.sseq, NULL, 0);
	feed_answer(f, &t, OK, 2);
	CHECK(COUNTER(f, midstream) == 1 && COUNTER(f, reads) == 0 && COUNTER(f, orphans) == 0);
	get(f, &t, 100);
	get(f, &t, 100);
	CHECK(COUNTER(f, midstream) == 1 && COUNTER(f, reads) == 2 && COUNTER(f, conns) == 0);
	t.cport++;
	t.cseq = t.sseq = 0x90000000;
	feed_ask(f, &t, GET);
	feed_answer(f, &t, OK, 2);
	CHECK(COUNTER(f, reads) == 2);
	feed_body(f, &t, 2);
	CHECK(COUNTER(f, midstream) == 2 && COUNTER(f, reads) == 3);
	/* Fast Open: what the SYN carries is lost, and no more. */
	t.cport++;
	feed_at(f, &t, true, SYN, t.cseq++, 0, GET, sizeof(GET) - 1);
	t.cseq += sizeof(GET) - 1;
	feed_at(f, &t, false, SYN | ACK, t.sseq++, t.cseq, NULL, 0);
	feed_answer(f, &t, OK, 0);
	get(f, &t, 100);
	CHECK(COUNTER(f, midstream) == 3 && COUNTER(f, reads) == 4 && COUNTER(f, orphans) == 0);
	/* An end of what was never seen is nothing. */
	t.cport++;
	feed_fin(f, &t);
	CHECK(COUNTER(f, midstream) == 3 && COUNTER(f, aborted) == 0);
	end(f, __func__);
}

static void
pipelined(void)
{
	struct flow t = { .cport = 7, .sport = 9000, .cseq = 1, .sseq = 1 };
	struct feed *f = start(&t);

	feed_ask(f, &t, GET);
	feed_ask(f, &t, "GET /b/other HTTP/1.1\r\n\r\n");
	feed_answer(f, &t, OK "ab", 2);
	feed_answer(f, &t, OK "cdefg", 5);
	CHECK(COUNTER(f, pipelined) == 1 && COUNTER(f, reads) == 0);
	/* Answers cannot be told apart any more, and none goes to the wrong object. */
	feed_ask(f, &t, GET);
	CHECK(COUNTER(f, pipelined) == 2);
	feed_answer(f, &t, OK "ab", 2);
	CHECK(COUNTER(f, reads) == 0 && COUNTER(f, orphans) == 0 &&
	      feed_object(f, NULL, &o) == -ENOENT);
	/* The next connection is as good as any. */
	t.cport++;
	feed_syn(f, &t);
	get(f, &t, 10);
	CHECK(COUNTER(f, reads) == 1);
	/* An answer that was not seen, but by the client. */
	feed_ask(f, &t, GET);
	t.sseq += 50;
	get(f, &t, 10);
	CHECK(COUNTER(f, reads) == 2 && COUNTER(f, pipelined) == 3);
	/* One that ended early, and was kept alive all the same. */
	feed_ask(f, &t, GET);
	feed_answer(f, &t, OK, 100);
	feed_body(f, &t, 40);
	get(f, &t, 100);
	CHECK(COUNTER(f, reads) == 3 && COUNTER(f, aborted) == 1 && COUNTER(f, pipelined) == 3);
	CHECK(feed_object(f, "b/k", &o) == 0 && o.part_bytes == 40);
	end(f, __func__);
}

static void
strangers(void)
{
	struct flow t = { .cport = 7, .sport = 9000, .cseq = 1, .sseq = 1 };
	struct feed *f = start(&t);

	feed_client(f, &t, "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", 11);
	feed_server(f, &t, "\x16\x03\x03HTTP/1.1", 11);
	feed_ask(f, &t, GET);
	CHECK(COUNTER(f, tls) == 1 && COUNTER(f, requests) == 0 && COUNTER(f, bad_requests) == 0);
	t.cport++;
	feed_syn(f, &t);
	feed_ask(f, &t, "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n");
	feed_ask(f, &t, "%c%c%c", 1, 2, 3);
	CHECK(COUNTER(f, http2) == 1);
	t.cport++;
	feed_syn(f, &t);
	feed_ask(f, &t, "hello, is this telnet?\r\n");
	feed_ask(f, &t, "no?\r\n");
	CHECK(COUNTER(f, bad_requests) == 1 && COUNTER(f, orphans) == 0);
	end(f, __func__);
}

/* Both ends' ports are watched. */
static void
both(void)
{
	struct flow t = { .cport = 9001, .sport = 9000, .cseq = 1, .sseq = 1 };
	struct feed *f = feed_open(9000);
	struct ffs_object_id id;

	f->w->rodata->ports[9001 >> 3] |= 1 << (9001 & 7);
	CHECK(feed_load(f) == 0);
	feed_syn(f, &t);
	get(f, &t, 100);
	feed_fin(f, &t);
	/* The other way round, and from the middle. */
	t.cport = 9000;
	t.sport = 9001;
	feed_syn(f, &t);
	get(f, &t, 100);
	feed_fin(f, &t);
	CHECK(COUNTER(f, reads) == 2 && COUNTER(f, orphans) == 0 && COUNTER(f, midstream) == 0);
	feed_answer(f, &t, OK, 0);
	get(f, &t, 100);
	CHECK(COUNTER(f, reads) == 3 && COUNTER(f, midstream) == 1);
	CHECK(feed_object(f, "b/k", &o) == 0);
	CHECK(bpf_map_get_next_key(bpf_map__fd(f->w->maps.objects), NULL, &id) == 0 &&
	      (id.port == 9000 || id.port == 9001));
	end(f, __func__);
}

/* A conversation as two byte streams, and where in them whose turn it is. */
static char stream[2][60000];
static int turn[400][2], turns;

static void __attribute__((format(printf, 2, 3))) say(int who, const char *fmt, ...)
{
	va_list ap;
	int *at = turn[turns - 1];

	va_start(ap, fmt);
	at[who] += vsnprintf(stream[who] + at[who], sizeof(stream[who]) - at[who], fmt, ap);
	va_end(ap);
}

static void
pause_here(void)
{
	memcpy(turn[turns], turn[turns - 1], sizeof(turn[0]));
	turns++;
}

static void
compose(void)
{
	turns = 1;
	for (int i = 0; i < 12; i++) {
		say(0,
		    "GET /bucket/key%%20%d?x-id=GetObject HTTP/1.1\r\nHost: h\r\nAuthorization: "
		    "AWS4-HMAC-SHA256 Credential=a/b, Signature=%0200d\r\n\r\n",
		    i % 3, i);
		pause_here();
		say(1,
		    "HTTP/1.1 200 OK\r\nServer: x\r\nContent-Length: %d\r\nETag: "
		    "\"%032d\"\r\n\r\n%0*d",
		    500 + i, i, 500 + i, 1);
		pause_here();
		say(0, "HEAD /bucket/key HTTP/1.1\r\n\r\n");
		pause_here();
		say(1, "HTTP/1.1 200 OK\r\nContent-Length: 7\r\n\r\n");
		pause_here();
		say(0,
		    "PUT /bucket/put%d HTTP/1.1\r\nExpect: 100-continue\r\nContent-Length: "
		    "300\r\n\r\n",
		    i % 2);
		pause_here();
		say(1, "HTTP/1.1 100 Continue\r\n\r\n");
		pause_here();
		say(0, "GET /not-a-request HTTP/1.1\r\n\r\n%0270d", 1);
		pause_here();
		say(1, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
		pause_here();
		say(0, "GET /bucket/part HTTP/1.1\r\nRange: bytes=%d-%d\r\n\r\n", i * 100,
		    i * 100 + 99);
		pause_here();
		say(1,
		    "HTTP/1.1 206 P\r\nContent-Range: bytes %d-%d/600\r\nContent-Length: "
		    "100\r\n\r\n%0100d",
		    i * 100, i * 100 + 99, i);
		pause_here();
		say(0, "GET /bucket?list-type=2 HTTP/1.1\r\n\r\n");
		pause_here();
		say(1, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nHTTP/1.1 200 "
		       "OK\r\n\r\n0\r\n\r\n");
		pause_here();
	}
}

/* n bytes of a stream, which ends at at[who] then; sometimes from before, as a retransmit does, and
 * some bytes again. */
static void
cut_send(struct feed *f, const struct flow *t, const uint32_t base[2], int at[2], int who, int n)
{
	int from = at[who];

	if (rand() % 5 == 0)
		from -= rand() % (from < 300 ? from + 1 : 300);
	feed_at(f, t, !who, ACK | PSH, base[who] + from, base[!who] + at[!who], stream[who] + from,
	    at[who] + n - from);
	at[who] += n;
	if (rand() % 4)
		return;
	n = rand() % (at[who] < 1000 ? at[who] : 1000) + 1;
	from = rand() % (at[who] - n + 1);
	feed_at(
	    f, t, !who, ACK | PSH, base[who] + from, base[!who] + at[!who], stream[who] + from, n);
}

/* The same conversation, cut anywhere and with segments seen again. */
static void
cut(struct feed *f, unsigned seed, int longest)
{
	struct flow t = { .cport = 100 + seed, .sport = 9000 };
	uint32_t base[2];
	int at[2] = { 0, 0 };

	srand(seed);
	t.cseq = rand() * 3u;
	t.sseq = rand() * 3u;
	t.v6 = seed & 1;
	t.tcp_opt = seed % 11 * 4;
	feed_syn(f, &t);
	base[0] = t.cseq;
	base[1] = t.sseq;
	for (int i = 0; i < turns; i++) {
		for (int who = 0; who < 2; who++) {
			while (at[who] < turn[i][who]) {
				int n = turn[i][who] - at[who];

				cut_send(
				    f, &t, base, at, who, n > longest ? rand() % longest + 1 : n);
			}
		}
	}
	t.cseq = base[0] + at[0];
	t.sseq = base[1] + at[1];
	feed_fin(f, &t);
}

static void
cuts(unsigned n)
{
	struct feed *f = start(NULL);

	for (unsigned i = 0; i < n && !failed; i++) {
		feed_forget(f);
		cut(f, i, i < 5 ? 3000 : i < 10 ? 300 : i % 5 ? 40 : i % 19 + 1);
		CHECK(COUNTER(f, requests) == 48 && COUNTER(f, requests_other) == 12, "seed %u", i);
		CHECK(
		    COUNTER(f, responses) == 48 && COUNTER(f, responses_other) == 0, "seed %u", i);
		CHECK(
		    COUNTER(f, reads) == 14 && COUNTER(f, read_bytes) == 6066 + 1200, "seed %u", i);
		CHECK(COUNTER(f, hot) == 4 && COUNTER(f, invalidate) == 24, "seed %u", i);
		CHECK(feed_object(f, "bucket/part", &o) == 0 && o.reads == 2 &&
			  o.part_bytes == 1200 && o.size == 600,
		    "seed %u", i);
		CHECK(feed_object(f, "bucket/key 1", &o) == 0 && o.reads == 4 &&
			  o.bytes == 2000 + 1 + 4 + 7 + 10,
		    "seed %u", i);
		CHECK(feed_events(f) == 28, "seed %u", i);
		for (uint32_t k = FFS_COUNT_ring_full; k < FFS_COUNTERS_N; k++)
			CHECK(feed_counter(f, k) == 0, "seed %u: loss %u", i, k);
		CHECK(COUNTER(f, aborted) == 0, "seed %u", i);
	}
	end(f, __func__);
}

int
main(void)
{
	headers();
	padded();
	reuse();
	retransmits();
	large();
	midstream();
	pipelined();
	strangers();
	both();
	compose();
	cuts(60);
	return failed;
}
