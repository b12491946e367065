/* The kernel programs: when an object is hot, and what is full says so. */
#include "tests/bpf/feed.h"

static struct flow t = { .cport = 10000, .sport = 9000, .cseq = 1000, .sseq = 5000 };
static struct ffs_object_stat o;

static void
get(struct feed *f, const char *key)
{
	feed_ask(f, &t, "GET /b/%s HTTP/1.1\r\n\r\n", key);
	feed_answer(f, &t, "HTTP/1.1 200 OK\r\nContent-Length: 8\r\n\r\nabcdefgh");
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

/* How many events the next read of the object sends. */
static int
next(struct feed *f, const char *key)
{
	get(f, key);
	return feed_events(f);
}

static void
thresholds(void)
{
	for (unsigned n = 1; n < 6; n += n) {
		struct feed *f = feed_open(9000);
		struct ffs_event *e = &f->events[0];

		f->w->rodata->threshold = n;
		CHECK(feed_load(f) == 0);
		t.cport++;
		feed_syn(f, &t);
		for (unsigned i = 1; i < 10; i++) {
			int k = next(f, "k");

			CHECK(k == (i == n), "threshold %u, read %u: %d events", n, i, k);
			if (i != n)
				continue;
			CHECK(e->type == FFS_EVENT_HOT && e->flags == 0 && e->reads == n &&
			      e->size == 8 && e->ns && e->lat_mean_ns);
			CHECK(!!e->interval_ns == (n > 1) && e->text_len == 3 &&
			      e->bucket_len == 1 && e->key_len == 1 && e->version_len == 0);
			CHECK(e->id.port == 9000 && e->id.addr[15] == 2 && e->id.len == 3);
		}
		CHECK(feed_object(f, "b/k", &o) == 0 && o.hots == 1 && o.reads == 9 &&
		      o.heat == 9 && o.hot_ns);
		CHECK(COUNTER(f, hot) == 1);
		end(f, __func__);
	}
}

/* A name is the object's, whatever was asked for meanwhile. */
static void
interleaved(void)
{
	struct feed *f = feed_open(9000);
	struct flow u = { .cport = 9999, .sport = 9000 };

	f->w->rodata->threshold = 1;
	CHECK(feed_load(f) == 0);
	t.cport++;
	feed_syn(f, &t);
	feed_syn(f, &u);
	feed_ask(f, &t, "GET /bucket/one?versionId=2 HTTP/1.1\r\n\r\n");
	feed_ask(f, &u, "GET /other/and%%20longer HTTP/1.1\r\n\r\n");
	feed_answer(f, &t, "HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\na");
	CHECK(feed_events(f) == 1 && f->events[0].text_len == 11 &&
	      !memcmp(f->events[0].text, "bucket/one2", 11));
	CHECK(f->events[0].bucket_len == 6 && f->events[0].key_len == 3 &&
	      f->events[0].version_len == 1);
	feed_answer(f, &u, "HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\na");
	CHECK(feed_events(f) == 1 && f->events[0].text_len == 16 &&
	      !memcmp(f->events[0].text, "other/and longer", 16));
	end(f, __func__);
}

/* Again while reads go on: by time, and at once after a write. */
static void
again(void)
{
	struct feed *f = feed_open(9000);

	f->w->rodata->rearm_ns = 0;
	CHECK(feed_load(f) == 0);
	t.cport++;
	feed_syn(f, &t);
	CHECK(next(f, "k") == 0 && next(f, "k") == 1 && next(f, "k") == 1 && next(f, "k") == 1);
	CHECK(feed_object(f, "b/k", &o) == 0 && o.hots == 3);
	end(f, __func__);

	f = feed_open(9000);
	CHECK(feed_load(f) == 0);
	t.cport++;
	feed_syn(f, &t);
	CHECK(next(f, "k") == 0 && next(f, "k") == 1 && next(f, "k") == 0);
	feed_ask(f, &t, "PUT /b/other HTTP/1.1\r\n\r\n");
	feed_answer(f, &t, "HTTP/1.1 200 OK\r\n\r\n");
	CHECK(feed_events(f) == 2 && next(f, "k") == 0);
	feed_ask(f, &t, "DELETE /b/k HTTP/1.1\r\n\r\n");
	CHECK(feed_events(f) == 1);
	/* Between the two, another connection reads what is still there. */
	t.cport++;
	feed_syn(f, &t);
	CHECK(next(f, "k") == 1 && next(f, "k") == 0);
	CHECK(feed_object(f, "b/k", &o) == 0 && o.hots == 2 && o.reads == 6);
	end(f, __func__);

	/* A version is an object of its own. */
	f = feed_open(9000);
	CHECK(feed_load(f) == 0);
	t.cport++;
	feed_syn(f, &t);
	CHECK(next(f, "k?versionId=1") == 0 && next(f, "k?versionId=1") == 1 &&
	      f->events[0].version_len == 1);
	feed_ask(f, &t, "DELETE /b/k HTTP/1.1\r\n\r\n");
	feed_answer(f, &t, "HTTP/1.1 204 OK\r\n\r\n");
	CHECK(feed_events(f) == 2 && next(f, "k?versionId=1") == 0);
	end(f, __func__);
}

/* With a window, reads that are too far apart are not hot. */
static void
window(void)
{
	struct feed *f = feed_open(9000);

	f->w->rodata->window_ns = 1;
	CHECK(feed_load(f) == 0);
	t.cport++;
	feed_syn(f, &t);
	for (int i = 0; i < 5; i++)
		CHECK(next(f, "k") == 0);
	CHECK(feed_object(f, "b/k", &o) == 0 && o.reads == 5 && o.heat == 1 &&
	      o.heat_ns == o.last_ns);
	end(f, __func__);

	f = feed_open(9000);
	f->w->rodata->window_ns = 3600ull * 1000000000;
	CHECK(feed_load(f) == 0);
	t.cport++;
	feed_syn(f, &t);
	CHECK(next(f, "k") == 0 && next(f, "k") == 1 && next(f, "k") == 0);
	CHECK(feed_object(f, "b/k", &o) == 0 && o.heat == 3 && o.heat_ns == o.first_ns);
	end(f, __func__);
}

/* A ring that is full loses events, says so, and sends HOT when there is room. */
static void
tiny_ring(void)
{
	struct feed *f = feed_open(9000);
	char key[400];
	int n = 0;

	bpf_map__set_max_entries(f->w->maps.events, 4096);
	f->w->rodata->threshold = 1;
	CHECK(feed_load(f) == 0);
	t.cport++;
	feed_syn(f, &t);
	while (n < 50 && !COUNTER(f, ring_full)) {
		sprintf(key, "%0300d", n++);
		get(f, key);
	}
	CHECK(COUNTER(f, ring_full) == 1 && COUNTER(f, hot) == (unsigned)n - 1 && n > 5);
	get(f, key);
	CHECK(COUNTER(f, ring_full) == 2);
	CHECK(feed_events(f) == n - 1);
	CHECK(next(f, key) == 1 && f->events[0].reads == 3 && next(f, key) == 0);
	CHECK(COUNTER(f, hot) == (unsigned)n && COUNTER(f, reads) == (unsigned)n + 3);
	sprintf(key, "b/%0300d", n - 1);
	CHECK(feed_object(f, key, &o) == 0 && o.hots == 1 && o.reads == 4);
	end(f, __func__);
}

/* As many objects as there is room for, and the others counted; names go with them. */
static void
tiny_maps(void)
{
	struct feed *f;
	struct ffs_object_id id, *at = NULL;
	char key[20];
	int n;

	for (int which = 0; which < 2; which++) {
		f = feed_open(9000);
		bpf_map__set_max_entries(which ? f->w->maps.names : f->w->maps.objects, 4);
		CHECK(feed_load(f) == 0);
		t.cport++;
		feed_syn(f, &t);
		for (int i = 0; i < 20; i++) {
			sprintf(key, "k%d", i % 10);
			get(f, key);
		}
		CHECK(COUNTER(f, reads) == 8 && COUNTER(f, objects_full) == 12 &&
		      COUNTER(f, requests) == 20 && COUNTER(f, responses) == 20);
		CHECK(COUNTER(f, hot) == 4 && feed_events(f) == 4);
		for (n = 0, at = NULL;
		     !bpf_map_get_next_key(bpf_map__fd(f->w->maps.names), at, &id); n++)
			at = &id;
		CHECK(n == 4, "%d names", n);
		/* Room again: the next is counted. */
		bpf_map_delete_elem(bpf_map__fd(f->w->maps.objects), at);
		bpf_map_delete_elem(bpf_map__fd(f->w->maps.names), at);
		get(f, "new");
		CHECK(COUNTER(f, reads) == 9 && feed_object(f, "b/new", &o) == 0);
		end(f, __func__);
	}
	/* Connections come and go: those that the map forgets are seen from the middle again. */
	f = feed_open(9000);
	bpf_map__set_max_entries(f->w->maps.conns, 16);
	CHECK(feed_load(f) == 0);
	for (int i = 0; i < 3000; i++) {
		struct flow u = { .cport = 20000 + i, .sport = 9000 };

		feed_syn(f, &u);
		feed_ask(f, &u, "GET /b/k HTTP/1.1\r\n\r\n");
		if (i % 2)
			feed_answer(f, &u, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
	}
	CHECK(
	    COUNTER(f, conns) == 3000 && COUNTER(f, reads) == 1500 && COUNTER(f, conns_full) == 0);
	end(f, __func__);
}

/* More writes at a time than there is room for: each is told of twice, or counted as lost. */
static void
tiny_writes(void)
{
	struct feed *f = feed_open(9000);
	static struct flow u[200];

	bpf_map__set_max_entries(f->w->maps.writes, 16);
	CHECK(feed_load(f) == 0);
	for (size_t i = 0; i < COUNT(u); i++) {
		u[i] = (struct flow){ .cport = 20000 + i, .sport = 9000 };
		feed_syn(f, &u[i]);
		feed_ask(f, &u[i], "PUT /b/k%zu HTTP/1.1\r\nContent-Length: 0\r\n\r\n", i);
	}
	CHECK(COUNTER(f, invalidate) == COUNT(u));
	for (size_t i = 0; i < COUNT(u); i++)
		feed_answer(f, &u[i], "HTTP/1.1 %d X\r\nContent-Length: 0\r\n\r\n", i ? 200 : 403);
	CHECK(COUNTER(f, conns_full) > 0 &&
	      COUNTER(f, invalidate) + COUNTER(f, conns_full) == 2 * COUNT(u) - 1);
	end(f, __func__);
}

/* What user space sweeps away is gone, and counted anew with its name. */
static void
swept(void)
{
	struct feed *f = feed_open(9000);
	struct ffs_object_id id;

	CHECK(feed_load(f) == 0);
	t.cport++;
	feed_syn(f, &t);
	get(f, "k");
	CHECK(bpf_map_get_next_key(bpf_map__fd(f->w->maps.objects), NULL, &id) == 0);
	bpf_map_delete_elem(bpf_map__fd(f->w->maps.objects), &id);
	bpf_map_delete_elem(bpf_map__fd(f->w->maps.names), &id);
	CHECK(next(f, "k") == 0 && feed_object(f, "b/k", &o) == 0 && o.reads == 1);
	/* In the middle of a read: that one is lost, and counted. */
	feed_ask(f, &t, "GET /b/k HTTP/1.1\r\n\r\n");
	bpf_map_delete_elem(bpf_map__fd(f->w->maps.objects), &id);
	bpf_map_delete_elem(bpf_map__fd(f->w->maps.names), &id);
	feed_answer(f, &t, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
	CHECK(COUNTER(f, objects_full) == 1 && COUNTER(f, reads) == 2);
	CHECK(next(f, "k") == 0 && feed_object(f, "b/k", &o) == 0 && o.reads == 1);
	end(f, __func__);
}

/* The only connection's request becomes older by so much. */
static void
older(struct feed *f, uint64_t ns)
{
	int conns = bpf_map__fd(f->w->maps.conns);
	uint8_t key[64], value[512];
	uint64_t *req_ns = (uint64_t *)(value + sizeof(struct ffs_object_id));

	CHECK(bpf_map__key_size(f->w->maps.conns) <= sizeof(key) &&
	      bpf_map__value_size(f->w->maps.conns) <= sizeof(value));
	CHECK(!bpf_map_get_next_key(conns, NULL, key) && !bpf_map_lookup_elem(conns, key, value));
	*req_ns -= ns;
	CHECK(!bpf_map_update_elem(conns, key, value, BPF_EXIST));
}

/* The histograms: each latency is in the bucket that watch.h says. */
static void
latencies(void)
{
	struct feed *f = feed_open(9000);
	int cpus = libbpf_num_possible_cpus();
	uint64_t *v = calloc(cpus, sizeof(*v)), all = 0;
	char key[20];

	CHECK(feed_load(f) == 0 && v);
	t.cport++;
	feed_syn(f, &t);
	for (int k = 0; k < 200; k++) {
		uint64_t from = 0, to, us;
		uint32_t i = 0;

		sprintf(key, "b/%d", k);
		feed_ask(f, &t, "GET /%s HTTP/1.1\r\n\r\n", key);
		older(f, k ? (1000ull << k / 6) + k * 1000 : 0);
		feed_answer(f, &t, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
		CHECK(feed_object(f, key, &o) == 0 && o.lat_count == 1 &&
		      o.lat_min_ns == o.lat_max_ns && o.lat_sum_ns == o.lat_max_ns);
		us = o.lat_max_ns / 1000;
		while (i < FFS_LAT_BUCKETS - 1 &&
		       us >= (to = (4ull + (i + 1) % 4) << ((i + 1) / 4 + 2))) {
			from = to;
			i++;
		}
		CHECK(o.lat[i] == 1, "%llu us, from %llu", (unsigned long long)us,
		    (unsigned long long)from);
	}
	for (uint32_t i = 0; v && i < FFS_LAT_BUCKETS; i++) {
		CHECK(!bpf_map_lookup_elem(bpf_map__fd(f->w->maps.latency), &i, v));
		for (int c = 0; c < cpus; c++)
			all += v[c];
	}
	CHECK(all == 200);
	free(v);
	end(f, __func__);
}

/* A seed makes other ids; every combination of settings loads. */
static void
settings(void)
{
	struct ffs_object_id id[2];

	for (unsigned i = 0; i < 8; i++) {
		struct feed *f = feed_open(9000);

		f->w->rodata->threshold = i & 1 ? 1 : 1ull << 40;
		f->w->rodata->rearm_ns = i & 1 ? 0 : ~0ull;
		f->w->rodata->window_ns = i & 2 ? 1000 : 0;
		f->w->rodata->hosts_n = i & 4 ? FFS_HOSTS_MAX : 0;
		for (int k = 0; i & 4 && k < FFS_HOSTS_MAX; k++)
			memset((char *)f->w->rodata->hosts[k], 'a' + k, FFS_HOST_LEN - 1);
		f->w->rodata->seed = i & 4 ? 1 : 2;
		if (i & 1)
			memset((void *)f->w->rodata->ports, 0xff, FFS_PORTS_BYTES);
		CHECK(feed_load(f) == 0, "settings %u", i);
		t.cport++;
		feed_syn(f, &t);
		feed_ask(f, &t, "GET /b/k HTTP/1.1\r\nHost: %0126d.aa\r\n\r\n", 1);
		feed_answer(f, &t, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
		CHECK(COUNTER(f, reads) == 1 && feed_events(f) == (int)(i & 1), "settings %u", i);
		CHECK(
		    bpf_map_get_next_key(bpf_map__fd(f->w->maps.objects), NULL, &id[i >> 2]) == 0);
		end(f, __func__);
	}
	CHECK(id[0].hash != id[1].hash && id[0].len == id[1].len);
}

int
main(void)
{
	thresholds();
	interleaved();
	again();
	window();
	tiny_ring();
	tiny_maps();
	tiny_writes();
	swept();
	latencies();
	settings();
	return failed;
}
