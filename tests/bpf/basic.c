/* The kernel programs: a plain read, HOT, a write. */
#include "tests/bpf/feed.h"

static void
get(struct feed *f, struct flow *t, const char *key, size_t size)
{
	feed_ask(f, t, "GET /%s HTTP/1.1\r\nHost: 10.0.0.2:9000\r\n\r\n", key);
	feed_answer(f, t,
	    "HTTP/1.1 200 OK\r\nServer: x\r\nContent-Length: %zu\r\nETag: \"x\"\r\n\r\n", size);
	feed_body(f, t, size);
}

int
main(void)
{
	struct feed *f = feed_open(9000);
	struct flow t = { .cport = 40000, .sport = 9000, .cseq = 0xfffffff0, .sseq = 0xffffff00 };
	struct ffs_object_stat o;

	CHECK(feed_load(f) == 0);
	feed_syn(f, &t);
	get(f, &t, "b/key%2Fone", 5000);
	CHECK(feed_object(f, "b/key/one", &o) == 0);
	CHECK(o.reads == 1 && o.bytes == 5000 && o.size == 5000 && o.hots == 0);
	CHECK(feed_events(f) == 0);
	get(f, &t, "b/key/one", 5000);
	CHECK(feed_events(f) == 1 && f->events[0].type == FFS_EVENT_HOT && f->events[0].reads == 2);
	CHECK(!memcmp(f->events[0].text, "b/key/one", 9) && f->events[0].text_len == 9);
	feed_ask(f, &t, "PUT /b/key/one HTTP/1.1\r\nContent-Length: 4\r\n\r\n");
	CHECK(feed_events(f) == 1 && f->events[0].type == FFS_EVENT_INVALIDATE);
	feed_client(f, &t, "GET /", 5);
	feed_answer(f, &t, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
	CHECK(feed_events(f) == 1 && f->events[0].flags == FFS_EVENT_DONE);
	get(f, &t, "b/key/one", 5000);
	CHECK(feed_events(f) == 1 && f->events[0].type == FFS_EVENT_HOT && f->events[0].reads == 3);
	feed_fin(f, &t);
	if (failed)
		feed_dump(f);
	feed_free(f);
	return failed;
}
