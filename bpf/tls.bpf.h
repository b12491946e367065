/* SPDX-License-Identifier: MIT */
#ifndef FFS_TLS_BPF_H
#define FFS_TLS_BPF_H

/*
 * What went through OpenSSL (tls.bpf.c), run by BPF_PROG_TEST_RUN for each record, which is the
 * packet: so all that reads requests and answers off packets reads these too.  A connection has a
 * number in the place of a client's address.
 */

/* Loaded with --tls only. */
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 32768);
	__type(key, __u64);
	__type(value, struct ffs_tls_quiet);
} quiet SEC(".maps");

/* As relays, by cookie: which of them speak TLS is not known, so all are in here. */
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 4096);
	__type(key, __u64);
	__type(value, struct ffs_relay);
} tls_relays SEC(".maps");

static __always_inline struct conn *
tls_conn(const struct ffs_tls_record *r, struct packet *p)
{
	struct conn *c = bpf_map_lookup_elem(&conns, &p->key);

	if (c || r->type == FFS_TLS_END)
		return c;
	if (conn_new(p, r->flags & FFS_TLS_MIDSTREAM ? CONN_MIDSTREAM : 0))
		return NULL;
	count(r->flags & FFS_TLS_MIDSTREAM ? FFS_COUNT_midstream : FFS_COUNT_tls_conns);
	return bpf_map_lookup_elem(&conns, &p->key);
}

static __always_inline void
tls_who(const struct ffs_tls_record *r, struct conn *c)
{
	if (c->flags & CONN_KNOWN)
		return;
	c->flags |= CONN_KNOWN | CONN_LOCAL;
	c->uid = r->uid;
	__builtin_memcpy(c->comm, r->comm, sizeof(c->comm));
	if (bpf_map_lookup_elem(&self, &r->cookie))
		c->flags |= CONN_SELF;
}

/* For whom the gateway sends this request, as request_relay() says it of others. */
static __always_inline void
tls_relay(const struct ffs_tls_record *r, struct conn *c)
{
	const struct ffs_relay *who = bpf_map_lookup_elem(&tls_relays, &r->cookie);

	if (!who)
		return;
	c->uid = who->uid;
	__builtin_memcpy(c->comm, who->comm, sizeof(c->comm));
}

/* Bytes of an answer that were not told of: how far the connection has come says how many. */
static __always_inline void
tls_catch_up(struct conn *c, __u32 received, __u64 now)
{
	__s32 more = received - c->resp_high;

	if (c->open == OPEN_READING && more > 0) {
		c->resp_high = received;
		response_body(c, more, now);
	}
}

static __always_inline void
tls_sent(struct __sk_buff *skb, const struct ffs_tls_record *r, struct packet *p, struct conn *c)
{
	tls_who(r, c);
	tls_catch_up(c, r->received, r->ns);
	if (!(c->flags & CONN_BODY) && r->have) {
		tls_relay(r, c);
		request_read(skb, p, c, 0);
	}
	/* What is longer than a record's data is a body. */
	c->req_next = p->seq + r->n;
}

static __always_inline void
tls_received(struct __sk_buff *skb, const struct ffs_tls_record *r, struct packet *p, struct conn *c)
{
	__u32 end = p->seq + r->n, more = end - c->resp_high;

	if (c->open == OPEN_READING) {
		c->resp_high = end;
		response_body(c, more, r->ns);
		return;
	}
	c->resp_high = end;
	if (c->open == OPEN_NONE || (c->open == OPEN_QUIET && !(c->flags & CONN_BODY)))
		return;
	if (r->have)
		response_read(skb, p, c, 0);
}

static __always_inline void
tls_ended(const struct ffs_tls_record *r, struct packet *p, struct conn *c)
{
	tls_catch_up(c, r->received, r->ns);
	if (c->open == OPEN_READING) {
		object_read(c, !!(c->flags & CONN_NO_LENGTH), r->ns);
	} else if (c->open == OPEN_READ) {
		count(FFS_COUNT_aborted);
	}
	bpf_map_delete_elem(&conns, &p->key);
	bpf_map_delete_elem(&quiet, &r->conn);
}

/* What need not be told from here on. */
static __always_inline void
tls_hush(const struct ffs_tls_record *r, const struct conn *c)
{
	struct ffs_tls_quiet q = {
		.sent = r->sent + (r->type == FFS_TLS_SENT ? r->n : 0),
		.received = r->received + (r->type == FFS_TLS_RECEIVED ? r->n : 0),
		.body = c->flags & CONN_BODY,
		.nothing = c->flags & CONN_IGNORED,
	};

	if (c->open == OPEN_READING)
		q.until = c->flags & CONN_NO_LENGTH ? ~0ull : q.received + c->left;
	else if (c->open == OPEN_NONE || (c->open == OPEN_QUIET && !q.body))
		q.until = ~0ull;
	bpf_map_update_elem(&quiet, &r->conn, &q, BPF_ANY);
}

SEC("?tc")
int
ffs_tls(struct __sk_buff *skb)
{
	struct ffs_tls_record r;
	struct packet p = { 0 };
	struct conn *c;

	if (bpf_skb_load_bytes(skb, 0, &r, sizeof(r)))
		return TC_ACT_UNSPEC;
	__builtin_memcpy(p.key.client, &r.conn, sizeof(r.conn));
	__builtin_memcpy(p.key.server, r.server, sizeof(r.server));
	p.key.server_port = r.port;
	p.key.tls = 1;
	p.poff = sizeof(r);
	p.plen = r.have;
	p.now = r.ns;
	p.client = r.type == FFS_TLS_SENT;
	p.seq = p.client ? r.sent : r.received;
	p.ack = p.client ? r.received : r.sent;
	c = tls_conn(&r, &p);
	if (!c)
		return TC_ACT_UNSPEC;
	if (r.type == FFS_TLS_END) {
		tls_ended(&r, &p, c);
		return TC_ACT_UNSPEC;
	}
	if (!(c->flags & CONN_IGNORED)) {
		if (p.client)
			tls_sent(skb, &r, &p, c);
		else
			tls_received(skb, &r, &p, c);
	}
	tls_hush(&r, c);
	return TC_ACT_UNSPEC;
}

#endif
