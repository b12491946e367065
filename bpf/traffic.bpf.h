/* SPDX-License-Identifier: MIT */
#ifndef FFS_TRAFFIC_BPF_H
#define FFS_TRAFFIC_BPF_H

/*
 * Every packet, at TC: connections from SYN to FIN, and which of their segments hold heads.  Most
 * hold neither head nor end, and cost one lookup or none.
 */

/* Make a connection, or make it anew: a SYN says that its ports are used again. */
static __noinline int
conn_new(struct packet *p, __u32 flags)
{
	struct conn c = { .flags = flags, .uid = (__u32)-1 };

	if (flags & CONN_REQ_SEQ)
		c.req_next = p->seq + 1 + p->plen;
	if (bpf_map_update_elem(&conns, &p->key, &c, BPF_ANY)) {
		count(FFS_COUNT_conns_full);
		return -1;
	}
	return 0;
}

static __always_inline void
conn_syn(struct packet *p, struct conn *c)
{
	if (p->client) {
		/* The same SYN again, or elsewhere. */
		if (c && c->flags & CONN_REQ_SEQ && c->req_next == p->seq + 1 + p->plen && !(c->flags & CONN_DEAD))
			return;
		/* What a SYN carries (Fast Open) is not followed. */
		if (!conn_new(p, CONN_REQ_SEQ | (p->plen ? CONN_MIDSTREAM : 0)))
			count(p->plen ? FFS_COUNT_midstream : FFS_COUNT_conns);
	} else if (c && !(c->flags & CONN_KNOWN)) {
		c->resp_high = p->seq + 1;
	}
}

/* The server's side has ended, or all has: an open answer with it. */
static __always_inline void
conn_end(struct packet *p, struct conn *c)
{
	__s32 more = p->seq + p->plen - c->resp_high;

	/* It may have come before the last bytes: they are late, not lost. */
	if (p->flags & TCP_FIN && !p->client && c->open == OPEN_READING && more > 0)
		response_body(c, more, 0);
	if (p->flags & TCP_FIN && p->client) {
		/* It may only have said all that it had to say. */
	} else if (c->open == OPEN_READING) {
		object_read(c, p->flags & TCP_FIN && c->flags & CONN_NO_LENGTH, 0);
	} else if (c->open == OPEN_READ) {
		count(FFS_COUNT_aborted);
		c->open = OPEN_NONE;
	}
	if (p->flags & TCP_RST) {
		c->flags |= CONN_DEAD;
	} else if (c->flags & (p->client ? CONN_FIN_SERVER : CONN_FIN_CLIENT)) {
		bpf_map_delete_elem(&conns, &p->key);
	} else {
		c->flags |= p->client ? CONN_FIN_CLIENT : CONN_FIN_SERVER;
	}
}

/* How many bytes of the client's segment were seen before.  1: all of them. */
static __always_inline int
client_skip(const struct packet *p, struct conn *c, __u32 *skip)
{
	__s32 ahead = p->seq - c->req_next;

	if (!(c->flags & CONN_REQ_SEQ))
		return 0;
	if (ahead < 0) {
		if ((__s32)(ahead + p->plen) <= 0) {
			count(FFS_COUNT_retransmits);
			return 1;
		}
		*skip = -ahead;
	}
	if (ahead > 0 && c->flags & CONN_PIECE) {
		/* What comes out of order is not put together. */
		c->flags &= ~CONN_PIECE;
		count(FFS_COUNT_split_heads);
	}
	return 0;
}

static __always_inline void
client_segment(struct __sk_buff *skb, struct packet *p, struct conn *c)
{
	__u32 skip = 0;

	if (client_skip(p, c, &skip))
		return;
	if (c->flags & CONN_BODY) {
		c->req_next = p->seq + p->plen;
		return;
	}
	request_read(skb, p, c, skip);
}

static __always_inline void
server_segment(struct __sk_buff *skb, struct packet *p, struct conn *c)
{
	__u32 open = c->open, end = p->seq + p->plen, skip = 0;
	__s32 ahead, more = end - c->resp_high;
	__u64 w;

	if (open == OPEN_READING) {
		if (more <= 0) {
			count(FFS_COUNT_retransmits);
			return;
		}
		c->resp_high = end;
		response_body(c, more, 0);
		return;
	}
	if (open == OPEN_NONE || (open == OPEN_QUIET && !(c->flags & CONN_BODY))) {
		if (open == OPEN_NONE && !(c->flags & (CONN_MIDSTREAM | CONN_PIPELINED)) &&
		    p->seq == c->resp_high && p->plen > 8 &&
		    !bpf_skb_load_bytes(skb, p->poff, &w, 8) && WORD_IS(w, "HTTP/1."))
			count(FFS_COUNT_orphans);
		if (more > 0)
			c->resp_high = end;
		return;
	}
	ahead = p->seq - c->resp_next;
	if (ahead < 0) {
		if ((__s32)(ahead + p->plen) <= 0) {
			count(FFS_COUNT_retransmits);
			return;
		}
		skip = -ahead;
	}
	if (more > 0)
		c->resp_high = end;
	if (ahead <= 0)
		response_read(skb, p, c, skip);
	/* Else what comes before is late, and holds the head. */
}

SEC("tc")
int
ffs_traffic(struct __sk_buff *skb)
{
	struct packet p = { 0 };
	struct conn *c;

	if (!packet_read(skb, &p))
		return TC_ACT_UNSPEC;
	if (!p.plen && !(p.flags & (TCP_SYN | TCP_FIN | TCP_RST)))
		return TC_ACT_UNSPEC;
	c = bpf_map_lookup_elem(&conns, &p.key);
	if (p.flags & TCP_SYN) {
		conn_syn(&p, c);
		return TC_ACT_UNSPEC;
	}
	if (!c) {
		if (!p.plen || conn_new(&p, CONN_MIDSTREAM))
			return TC_ACT_UNSPEC;
		count(FFS_COUNT_midstream);
		c = bpf_map_lookup_elem(&conns, &p.key);
		if (!c)
			return TC_ACT_UNSPEC;
	}
	if (p.plen && !(c->flags & (CONN_IGNORED | CONN_DEAD))) {
		if (p.client)
			client_segment(skb, &p, c);
		else
			server_segment(skb, &p, c);
	}
	if (p.flags & (TCP_FIN | TCP_RST))
		conn_end(&p, c);
	return TC_ACT_UNSPEC;
}

#endif
