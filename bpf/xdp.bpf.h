/* SPDX-License-Identifier: MIT */
#ifndef FFS_XDP_BPF_H
#define FFS_XDP_BPF_H

/*
 * What arrives at a machine that hosts a store, at XDP: requests only, for answers leave without
 * passing here.  So a GET is a read that was asked for, without status, bytes or time; the end of a
 * body is told by its Content-Length.  Frames come before GRO: a head may be in several.
 */

static __always_inline int
xdp_tcp(struct xdp_md *ctx, struct packet *p, __u32 l4, __u32 end)
{
	__u32 all = bpf_xdp_get_buff_len(ctx);
	struct tcphdr tcp;

	if (bpf_xdp_load_bytes(ctx, l4, &tcp, sizeof(tcp)))
		return 0;
	p->key.server_port = bpf_ntohs(tcp.dest);
	if (!port_is_watched(p->key.server_port))
		return 0;
	p->key.client_port = bpf_ntohs(tcp.source);
	count(FFS_COUNT_packets);
	/* Short frames come padded. */
	end = end < all ? end : all;
	p->poff = l4 + tcp.doff * 4;
	if (tcp.doff < 5 || p->poff > end) {
		count(FFS_COUNT_load_errors);
		return 0;
	}
	p->plen = end - p->poff;
	p->seq = bpf_ntohl(tcp.seq);
	p->ack = bpf_ntohl(tcp.ack_seq);
	p->flags = ((const __u8 *)&tcp)[13];
	p->client = 1;
	return 1;
}

static __always_inline int
xdp_v4(struct xdp_md *ctx, struct packet *p, __u32 l2)
{
	__u64 *client = (__u64 *)p->key.client, *server = (__u64 *)p->key.server;
	struct iphdr ip;

	if (bpf_xdp_load_bytes(ctx, l2, &ip, sizeof(ip)) || ip.version != 4 || ip.ihl < 5 ||
	    ip.protocol != IPPROTO_TCP)
		return 0;
	if (ip.frag_off & bpf_htons(0x3fff)) {
		count(FFS_COUNT_fragments);
		return 0;
	}
	client[1] = 0xffff0000 | (__u64)ip.saddr << 32;
	server[1] = 0xffff0000 | (__u64)ip.daddr << 32;
	return xdp_tcp(ctx, p, l2 + ip.ihl * 4, ip.tot_len ? l2 + bpf_ntohs(ip.tot_len) : ~0u);
}

static __always_inline int
xdp_v6(struct xdp_md *ctx, struct packet *p, __u32 l2)
{
	struct ipv6hdr ip;
	__u32 next;
	__u8 then;

	if (bpf_xdp_load_bytes(ctx, l2, &ip, sizeof(ip)) || ip.version != 6)
		return 0;
	next = ip.nexthdr;
	if (next != IPPROTO_TCP) {
		/* TCP behind an extension header is not followed. */
		if ((next == IPPROTO_HOPOPTS || next == IPPROTO_ROUTING || next == IPPROTO_DSTOPTS ||
			next == IPPROTO_FRAGMENT) &&
		    !bpf_xdp_load_bytes(ctx, l2 + sizeof(ip), &then, 1) && then == IPPROTO_TCP)
			count(FFS_COUNT_fragments);
		return 0;
	}
	__builtin_memcpy(p->key.client, &ip.saddr, 16);
	__builtin_memcpy(p->key.server, &ip.daddr, 16);
	return xdp_tcp(ctx, p, l2 + sizeof(ip),
	    ip.payload_len ? l2 + sizeof(ip) + bpf_ntohs(ip.payload_len) : ~0u);
}

/* A segment to a watched port; behind at most two VLAN tags. */
static __always_inline int
xdp_read(struct xdp_md *ctx, struct packet *p)
{
	void *data = (void *)(long)ctx->data, *end = (void *)(long)ctx->data_end;
	__u16 type;
	__u32 l2 = ETH_HLEN;

	if (data + ETH_HLEN + 8 > end)
		return 0;
	type = *(__u16 *)(data + 12);
	if (type == bpf_htons(ETH_P_8021Q) || type == bpf_htons(ETH_P_8021AD)) {
		type = *(__u16 *)(data + 16);
		l2 += 4;
		if (type == bpf_htons(ETH_P_8021Q)) {
			type = *(__u16 *)(data + 20);
			l2 += 4;
		}
	}
	if (type == bpf_htons(ETH_P_IP))
		return xdp_v4(ctx, p, l2);
	if (type == bpf_htons(ETH_P_IPV6))
		return xdp_v6(ctx, p, l2);
	return 0;
}

/* As packet_load(). */
static __always_inline int
xdp_load(struct xdp_md *ctx, const struct packet *p, struct scratch *s, __u32 at, __u32 pre)
{
	__u32 n = p->plen - at;

	if (pre >= WINDOW)
		return -1;
	if (n > WINDOW - pre)
		n = WINDOW - pre;
	asm volatile("" : "+r"(n));
	if (n < 1 || n > WINDOW)
		return -1;
	pre = in_at(pre);
	if (bpf_xdp_load_bytes(ctx, p->poff + at, s->in + pre, n)) {
		count(FFS_COUNT_load_errors);
		return -1;
	}
	n += pre;
	s->n = n;
	__builtin_memset(s->in + n, 0, 32);
	return 0;
}

/*
 * A segment's bytes that belong to a body, of which c->left are to come.  How many of the segment's
 * bytes were seen, or are body: where a request may begin; all of them: none does.
 */
static __always_inline __u32
xdp_body(const struct packet *p, struct conn *c)
{
	__u32 end = p->seq + p->plen;
	__s32 more = end - c->req_next;

	if (more <= 0)
		return p->plen;
	if (c->left == ~0ull) {
		/* Its length is not known: until the server has said something, and a verb follows. */
		c->req_next = end;
		return (__s32)(p->ack - c->resp_next) > 0 && (__u32)more >= p->plen ? 0 : p->plen;
	}
	if ((__u32)more <= c->left) {
		c->left -= (__u32)more;
		c->req_next = end;
		if (!c->left)
			c->flags &= ~CONN_BODY;
		return p->plen;
	}
	/* The next request is in the same segment. */
	more -= c->left;
	c->flags &= ~CONN_BODY;
	c->left = 0;
	c->req_next = end - more;
	return (__u32)more < p->plen ? p->plen - more : 0;
}

static __always_inline void
xdp_segment(struct xdp_md *ctx, struct packet *p, struct conn *c)
{
	struct scratch *s = scratch();
	__u32 skip = 0, kept = 0;

	if (!s)
		return;
	if (c->flags & CONN_BODY) {
		skip = xdp_body(p, c);
		if (skip >= p->plen)
			return;
	} else if (client_skip(p, c, &skip)) {
		return;
	}
	if (c->flags & CONN_PIECE)
		kept = head_kept(s, p, c);
	if (!xdp_load(ctx, p, s, skip, kept))
		request_take(NULL, s, p, c, skip, kept);
}

/* Always passes: nothing is dropped, changed, or sent elsewhere. */
SEC("?xdp.frags")
int
ffs_xdp(struct xdp_md *ctx)
{
	struct packet p = { 0 };
	struct conn *c;

	if (!xdp_read(ctx, &p))
		return XDP_PASS;
	if (!p.plen && !(p.flags & (TCP_SYN | TCP_FIN | TCP_RST)))
		return XDP_PASS;
	c = bpf_map_lookup_elem(&conns, &p.key);
	if (p.flags & TCP_SYN) {
		/* With an ACK it is an answer, to a client whose port is a store's elsewhere. */
		if (!(p.flags & TCP_ACK))
			conn_syn(&p, c);
		return XDP_PASS;
	}
	if (!c) {
		if (!p.plen || port_is_watched(p.key.client_port) || conn_new(&p, CONN_MIDSTREAM))
			return XDP_PASS;
		count(FFS_COUNT_midstream);
		c = bpf_map_lookup_elem(&conns, &p.key);
		if (!c)
			return XDP_PASS;
	}
	c->flags |= CONN_XDP;
	if (p.plen && !(c->flags & (CONN_IGNORED | CONN_DEAD)))
		xdp_segment(ctx, &p, c);
	/* Answers are not seen, and so not waited for. */
	if (c->open != OPEN_NONE)
		c->open = OPEN_QUIET;
	if (p.flags & (TCP_FIN | TCP_RST))
		bpf_map_delete_elem(&conns, &p.key);
	return XDP_PASS;
}

#endif
