/* SPDX-License-Identifier: MIT */
#ifndef FFS_PACKET_BPF_H
#define FFS_PACKET_BPF_H

/*
 * A packet's headers.  They are read relative to the network header and lie in the linear part of
 * the skb; the payload does not (there data_end stops at it), and is read by bpf_skb_load_bytes()
 * only.
 */
#define TCP_FIN 0x01
#define TCP_SYN 0x02
#define TCP_RST 0x04
#define TCP_ACK 0x10

struct packet {
	struct conn_key key;
	__u32 poff, plen; /* payload: where in the skb, how long */
	__u32 seq, ack;
	__u32 flags; /* TCP's */
	__u32 client; /* from the client */
	__u64 now;    /* when; 0: ask */
};

/*
 * How much link layer is before the network header is said by no field: 14 bytes, or none on
 * devices without (tun, wireguard).  So the packet says it.  Nearly always the two functions below
 * agree that it is a frame of Ethernet with an IP packet of just the length that is left, which costs
 * a few loads.
 */
static __always_inline int
packet_ethernet(struct __sk_buff *skb, void *to, __u32 n)
{
	void *data = (void *)(long)skb->data, *end = (void *)(long)skb->data_end;

	if (data + ETH_HLEN + n > end || *(__u16 *)(data + 12) != (__u16)skb->protocol)
		return 0;
	for (__u32 i = 0; i < n; i += 4)
		*(__u32 *)(to + i) = *(__u32 *)(data + ETH_HLEN + i);
	return 1;
}

/*
 * Else (padded, BIG TCP, no Ethernet): where are the 16 bytes that begin the network header.  They
 * hold IPv4's id and source or IPv6's source, so that no other place is like them.
 */
static __noinline int
packet_l2(struct __sk_buff *skb, __u64 a, __u64 b)
{
	__u64 w[2];

	if (!bpf_skb_load_bytes(skb, ETH_HLEN, w, sizeof(w)) && w[0] == a && w[1] == b)
		return ETH_HLEN;
	if (!bpf_skb_load_bytes(skb, 0, w, sizeof(w)) && w[0] == a && w[1] == b)
		return 0;
	return -1;
}

/* When a packet came: asked where it is of use, which is dear. */
static __always_inline __u64
packet_ns(const struct packet *p)
{
	return p->now ? p->now : bpf_ktime_get_ns();
}

/* Both ports are a store's: what is known of the connection says who is who, else its SYN, else
 * what the payload looks like. */
static __noinline int
packet_both(struct __sk_buff *skb, struct packet *p)
{
	struct conn_key *k = &p->key, turned = { .client_port = k->server_port, .server_port = k->client_port };
	__u64 w;

	__builtin_memcpy(turned.client, k->server, 16);
	__builtin_memcpy(turned.server, k->client, 16);
	if (p->flags & TCP_SYN)
		return !(p->flags & TCP_ACK);
	if (bpf_map_lookup_elem(&conns, k))
		return 1;
	if (bpf_map_lookup_elem(&conns, &turned))
		return 0;
	if (p->plen >= 8 && !bpf_skb_load_bytes(skb, p->poff, &w, 8))
		return !WORD_IS(w, "HTTP/1.");
	return 1;
}

static __always_inline void
packet_turn(struct packet *p)
{
	struct conn_key k = p->key;

	__builtin_memcpy(p->key.client, k.server, 16);
	__builtin_memcpy(p->key.server, k.client, 16);
	p->key.client_port = k.server_port;
	p->key.server_port = k.client_port;
}

/* Addresses are in p->key as if the sender were the client; tcp is at l4 of the network header ip,
 * which is at l2 (-1: not known yet) and tells of len bytes (0: it tells nothing, as BIG TCP).  1: a
 * segment of a watched port. */
static __always_inline int
packet_tcp(struct __sk_buff *skb, struct packet *p, const void *ip, const struct tcphdr *tcp, int l2,
    __u32 l4, __u32 len)
{
	__u16 from = bpf_ntohs(tcp->source), to = bpf_ntohs(tcp->dest);
	__u32 end = skb->len;
	int from_store = port_is_watched(from), to_store = port_is_watched(to);

	if (!from_store && !to_store)
		return 0;
	count(FFS_COUNT_packets);
	if (l2 < 0) {
		l2 = packet_l2(skb, word(ip), word(ip + 8));
		/* Short frames come padded, and the padding is no payload. */
		if (len && l2 + len < end)
			end = l2 + len;
	}
	if (l2 < 0 || tcp->doff < 5) {
		count(FFS_COUNT_load_errors);
		return 0;
	}
	p->poff = l2 + l4 + tcp->doff * 4;
	if (p->poff > end) {
		count(FFS_COUNT_load_errors);
		return 0;
	}
	p->plen = end - p->poff;
	p->seq = bpf_ntohl(tcp->seq);
	p->ack = bpf_ntohl(tcp->ack_seq);
	p->flags = ((const __u8 *)tcp)[13];
	p->key.client_port = from;
	p->key.server_port = to;
	p->client = to_store;
	if (from_store && to_store)
		p->client = packet_both(skb, p);
	if (!p->client)
		packet_turn(p);
	return 1;
}

static __always_inline int
packet_v4(struct __sk_buff *skb, struct packet *p)
{
	struct {
		struct iphdr ip;
		struct tcphdr tcp;
	} h;
	__u64 *client = (__u64 *)p->key.client, *server = (__u64 *)p->key.server;
	__u32 l4;
	int l2 = -1;

	if (packet_ethernet(skb, &h, sizeof(h)) && h.ip.version == 4 &&
	    h.ip.tot_len == bpf_htons(skb->len - ETH_HLEN))
		l2 = ETH_HLEN;
	else if (bpf_skb_load_bytes_relative(skb, 0, &h, sizeof(h), BPF_HDR_START_NET))
		return 0;
	if (h.ip.protocol != IPPROTO_TCP)
		return 0;
	if (h.ip.frag_off & bpf_htons(0x3fff)) {
		count(FFS_COUNT_fragments);
		return 0;
	}
	l4 = h.ip.ihl * 4;
	if (l4 != sizeof(h.ip) &&
	    bpf_skb_load_bytes_relative(skb, l4, &h.tcp, sizeof(h.tcp), BPF_HDR_START_NET))
		return 0;
	client[0] = server[0] = 0;
	client[1] = 0xffff0000 | (__u64)h.ip.saddr << 32;
	server[1] = 0xffff0000 | (__u64)h.ip.daddr << 32;
	return packet_tcp(skb, p, &h, &h.tcp, l2, l4, bpf_ntohs(h.ip.tot_len));
}

/* TCP behind an extension header is not followed. */
static __noinline int
packet_v6_other(struct __sk_buff *skb, __u32 next)
{
	__u8 then;

	if ((next == IPPROTO_HOPOPTS || next == IPPROTO_ROUTING || next == IPPROTO_DSTOPTS ||
		next == IPPROTO_FRAGMENT) &&
	    !bpf_skb_load_bytes_relative(skb, 40, &then, 1, BPF_HDR_START_NET) && then == IPPROTO_TCP)
		count(FFS_COUNT_fragments);
	return 0;
}

static __always_inline int
packet_v6(struct __sk_buff *skb, struct packet *p)
{
	struct {
		struct ipv6hdr ip;
		struct tcphdr tcp;
	} h;
	int l2 = -1;

	if (packet_ethernet(skb, &h, sizeof(h)) && h.ip.version == 6 &&
	    h.ip.payload_len == bpf_htons(skb->len - ETH_HLEN - sizeof(h.ip)))
		l2 = ETH_HLEN;
	else if (bpf_skb_load_bytes_relative(skb, 0, &h, sizeof(h), BPF_HDR_START_NET))
		return 0;
	if (h.ip.nexthdr != IPPROTO_TCP)
		return packet_v6_other(skb, h.ip.nexthdr);
	__builtin_memcpy(p->key.client, &h.ip.saddr, 16);
	__builtin_memcpy(p->key.server, &h.ip.daddr, 16);
	return packet_tcp(skb, p, &h, &h.tcp, l2, sizeof(h.ip),
	    h.ip.payload_len ? sizeof(h.ip) + bpf_ntohs(h.ip.payload_len) : 0);
}

static __always_inline int
packet_read(struct __sk_buff *skb, struct packet *p)
{
	if (skb->protocol == bpf_htons(ETH_P_IP))
		return packet_v4(skb, p);
	if (skb->protocol == bpf_htons(ETH_P_IPV6))
		return packet_v6(skb, p);
	return 0;
}

/* Read the payload from its byte at into the scratch, behind the pre bytes that are there, up to
 * max bytes in all; and zeros behind. */
static __always_inline int
packet_load(struct __sk_buff *skb, const struct packet *p, struct scratch *s, __u32 at, __u32 pre, __u32 max)
{
	__u32 n = p->plen - at;

	if (pre >= max)
		return -1;
	if (n > max - pre)
		n = max - pre;
	asm volatile("" : "+r"(n)); /* else clang moves the bounds away */
	if (n < 1 || n > WINDOW)
		return -1;
	pre = in_at(pre);
	if (bpf_skb_load_bytes(skb, p->poff + at, s->in + pre, n)) {
		count(FFS_COUNT_load_errors);
		return -1;
	}
	n += pre;
	s->n = n;
	__builtin_memset(s->in + n, 0, 32);
	return 0;
}

#endif
