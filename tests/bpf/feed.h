#ifndef FFS_FEED_H
#define FFS_FEED_H

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include <arpa/inet.h>
#include <errno.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bpf/watch.h"
#include "tests/unit/check.h"

#include "watch.skel.h"

/*
 * The kernel programs without a network: frames of our own by BPF_PROG_TEST_RUN, then what is in
 * the maps and the ring.  Such skbs are linear, and have a socket of their own each.
 */

enum { FIN = 1, SYN = 2, RST = 4, PSH = 8, ACK = 16 };

struct feed {
	struct watch_bpf *w;
	int fd;
	struct ring_buffer *ring;
	struct ffs_event events[256];
	int n;
};

/* One connection. */
struct flow {
	bool v6;
	uint16_t cport, sport;
	uint32_t cseq, sseq;
	unsigned ip_opt, tcp_opt; /* bytes of options */
	bool big;                 /* no length in the IP header, as BIG TCP has it */
	unsigned pad;             /* bytes behind the packet: short frames of Ethernet have them */
};

static inline int
feed_event(void *arg, void *data, size_t n)
{
	struct feed *f = arg;

	if (f->n < (int)COUNT(f->events) && n <= sizeof(f->events[0])) {
		memset(&f->events[f->n], 0, sizeof(f->events[0]));
		memcpy(&f->events[f->n], data, n);
		CHECK(n == offsetof(struct ffs_event, text) + f->events[f->n].text_len);
	}
	f->n++;
	return 0;
}

static inline struct feed *
feed_open(uint16_t port)
{
	struct feed *f = calloc(1, sizeof(*f));

	f->w = watch_bpf__open();
	if (!f->w)
		exit(1);
	f->w->rodata->ports[port >> 3] |= 1 << (port & 7);
	f->w->rodata->seed = 0x123456789abcdefull;
	return f;
}

static inline int
feed_load(struct feed *f)
{
	int rc = watch_bpf__load(f->w);

	if (rc)
		return rc;
	f->fd = bpf_program__fd(f->w->progs.ffs_traffic);
	f->ring = ring_buffer__new(bpf_map__fd(f->w->maps.events), feed_event, f, NULL);
	return f->ring ? 0 : -errno;
}

static inline void
feed_free(struct feed *f)
{
	ring_buffer__free(f->ring);
	watch_bpf__destroy(f->w);
	free(f);
}

/* One frame as it is. */
static inline void
feed_frame(struct feed *f, const void *frame, size_t n)
{
	LIBBPF_OPTS(bpf_test_run_opts, o, .data_in = frame, .data_size_in = n, .repeat = 1);
	int rc = bpf_prog_test_run_opts(f->fd, &o);

	CHECK(rc == 0, "test_run of %zu bytes: %d", n, rc);
	CHECK((int)o.retval == -1, "returned %d", (int)o.retval);
}

/* A segment of t at seq, acknowledging ack. */
static inline size_t
frame_make(uint8_t *b, const struct flow *t, bool client, unsigned flags, uint32_t seq,
    uint32_t ack, const void *data, size_t n)
{
	unsigned l4 = t->v6 ? 40 : 20 + t->ip_opt, thl = 20 + t->tcp_opt;
	uint8_t *ip = b + 14, *tcp = ip + l4;
	uint16_t from = client ? t->cport : t->sport, to = client ? t->sport : t->cport;
	static uint16_t id;

	memset(b, 0, 14 + l4 + thl);
	b[12] = t->v6 ? 0x86 : 8;
	b[13] = t->v6 ? 0xdd : 0;
	if (t->v6) {
		ip[0] = 0x60;
		ip[4] = t->big ? 0 : (thl + n) >> 8;
		ip[5] = t->big ? 0 : thl + n;
		ip[6] = 6;
		ip[23] = client ? 1 : 2;
		ip[39] = client ? 2 : 1;
	} else {
		ip[0] = 0x40 | l4 / 4;
		ip[2] = t->big ? 0 : (l4 + thl + n) >> 8;
		ip[3] = t->big ? 0 : l4 + thl + n;
		ip[4] = ++id >> 8;
		ip[5] = id;
		ip[8] = 64;
		ip[9] = 6;
		ip[12] = ip[16] = 10;
		ip[15] = client ? 1 : 2;
		ip[19] = client ? 2 : 1;
		memset(ip + 20, 1, t->ip_opt);
	}
	tcp[0] = from >> 8;
	tcp[1] = from;
	tcp[2] = to >> 8;
	tcp[3] = to;
	memcpy(tcp + 4, &(uint32_t){ htonl(seq) }, 4);
	memcpy(tcp + 8, &(uint32_t){ htonl(ack) }, 4);
	tcp[12] = thl / 4 << 4;
	tcp[13] = flags;
	memset(tcp + 20, 1, t->tcp_opt);
	if (n)
		memcpy(tcp + thl, data, n);
	return 14 + l4 + thl + n;
}

static inline void
feed_at(struct feed *f, const struct flow *t, bool client, unsigned flags, uint32_t seq,
    uint32_t ack, const void *data, size_t n)
{
	uint8_t b[4096];
	size_t len = frame_make(b, t, client, flags, seq, ack, data, n);

	memset(b + len, 0, t->pad);
	feed_frame(f, b, len + t->pad);
}

static inline void
feed_client(struct feed *f, struct flow *t, const void *data, size_t n)
{
	feed_at(f, t, true, PSH | ACK, t->cseq, t->sseq, data, n);
	t->cseq += n;
}

static inline void
feed_server(struct feed *f, struct flow *t, const void *data, size_t n)
{
	feed_at(f, t, false, PSH | ACK, t->sseq, t->cseq, data, n);
	t->sseq += n;
}

static inline void
feed_syn(struct feed *f, struct flow *t)
{
	feed_at(f, t, true, SYN, t->cseq++, 0, NULL, 0);
	feed_at(f, t, false, SYN | ACK, t->sseq++, t->cseq, NULL, 0);
	feed_at(f, t, true, ACK, t->cseq, t->sseq, NULL, 0);
}

static inline void
feed_fin(struct feed *f, struct flow *t)
{
	feed_at(f, t, true, FIN | ACK, t->cseq++, t->sseq, NULL, 0);
	feed_at(f, t, false, FIN | ACK, t->sseq++, t->cseq, NULL, 0);
	feed_at(f, t, true, ACK, t->cseq, t->sseq, NULL, 0);
}

static inline void __attribute__((format(printf, 3, 4)))
feed_ask(struct feed *f, struct flow *t, const char *fmt, ...)
{
	static char b[4096];
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(b, sizeof(b), fmt, ap);
	va_end(ap);
	feed_client(f, t, b, n);
}

static inline void __attribute__((format(printf, 3, 4)))
feed_answer(struct feed *f, struct flow *t, const char *fmt, ...)
{
	static char b[4096];
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(b, sizeof(b), fmt, ap);
	va_end(ap);
	feed_server(f, t, b, n);
}

/* n bytes of a body, in segments. */
static inline void
feed_body(struct feed *f, struct flow *t, size_t n)
{
	static char b[1400];
	size_t k;

	memset(b, 'x', sizeof(b));
	for (; n; n -= k) {
		k = n < sizeof(b) ? n : sizeof(b);
		feed_server(f, t, b, k);
	}
}

static inline uint64_t
feed_counter(struct feed *f, uint32_t which)
{
	int cpus = libbpf_num_possible_cpus();
	uint64_t *v = calloc(cpus, sizeof(*v)), sum = 0;

	if (!v || bpf_map_lookup_elem(bpf_map__fd(f->w->maps.counters), &which, v))
		exit(1);
	for (int i = 0; i < cpus; i++)
		sum += v[i];
	free(v);
	return sum;
}
#define COUNTER(f, name) feed_counter(f, FFS_COUNT_##name)

/* The one object whose text this is (NULL: any one): 0 or -ENOENT. */
static inline int
feed_object(struct feed *f, const char *text, struct ffs_object_stat *o)
{
	struct ffs_object_id id, *at = NULL;
	struct ffs_object_name name;

	while (!bpf_map_get_next_key(bpf_map__fd(f->w->maps.objects), at, &id)) {
		at = &id;
		if (bpf_map_lookup_elem(bpf_map__fd(f->w->maps.names), &id, &name))
			continue;
		if (text && (strlen(text) != id.len || memcmp(name.text, text, id.len)))
			continue;
		return bpf_map_lookup_elem(bpf_map__fd(f->w->maps.objects), &id, o);
	}
	return -ENOENT;
}

/* As if nothing had been seen, but for connections. */
static inline void
feed_forget(struct feed *f)
{
	int cpus = libbpf_num_possible_cpus(),
	    maps[] = { bpf_map__fd(f->w->maps.objects), bpf_map__fd(f->w->maps.names) };
	uint64_t *none = calloc(cpus, sizeof(*none));
	struct ffs_object_id id;

	for (uint32_t i = 0; none && i < FFS_COUNTERS_N; i++)
		bpf_map_update_elem(bpf_map__fd(f->w->maps.counters), &i, none, BPF_ANY);
	free(none);
	for (size_t i = 0; i < COUNT(maps); i++)
		while (!bpf_map_get_next_key(maps[i], NULL, &id))
			bpf_map_delete_elem(maps[i], &id);
}

static inline int
feed_events(struct feed *f)
{
	f->n = 0;
	ring_buffer__consume(f->ring);
	return f->n;
}

/* All counters that are not 0, for those who look for a mistake. */
static inline void
feed_dump(struct feed *f)
{
	static const char *const names[] = {
#define NAME(name, loss, text) #name,
		FFS_COUNTERS(NAME)
#undef NAME
	};

	for (uint32_t i = 0; i < FFS_COUNTERS_N; i++) {
		uint64_t n = feed_counter(f, i);

		if (n)
			printf("%s %llu\n", names[i], (unsigned long long)n);
	}
}

#endif
