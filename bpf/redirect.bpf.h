/* SPDX-License-Identifier: MIT */
#ifndef FFS_REDIRECT_BPF_H
#define FFS_REDIRECT_BPF_H

/*
 * Who connects to stores.  And, where that is wanted, whose connections go to the gateway on this
 * machine instead: it is told whom they were meant for, and so is who asks for his peer's name.
 * Others only pass; their connections cost a look at the port.
 */
#ifndef SOCK_STREAM
#define SOCK_STREAM 1
#endif
#ifndef AF_INET6
#define AF_INET6 10
#endif

#define LOOPBACK4 0x7f000001

/* At most so far ahead is the gateway's deadline. */
#define GATE_NS (2ull * 1000 * 1000 * 1000)

static __always_inline int
is_mapped(const __u8 *addr)
{
	const __u32 *a = (const __u32 *)addr;

	return !a[0] && !a[1] && a[2] == bpf_htonl(0xffff);
}

/* --- the gateway --- */

/* Its listener for an address like this one, IPv4's for mapped ones: a socket of one family cannot
 * always go to the other (IPV6_V6ONLY), so none does.  NULL: none. */
static __always_inline const struct ffs_end *
gate_for(const struct ffs_gate_entry *g, const struct ffs_end *end)
{
	const struct ffs_end *at;

	if (!g)
		return NULL;
	at = is_mapped(end->addr) ? &g->v4 : &g->v6;
	return at->port ? at : NULL;
}

/*
 * It lives if its deadline is not over, and if a socket that ends with it, however it ends, is where
 * it says, and marked by it.  What listens is held a moment longer (common/gate/door.c), so that who
 * was sent there because it lived is not refused.
 */
static __always_inline int
gate_lives(struct bpf_sock_addr *ctx, const struct ffs_gate_entry *g)
{
	struct bpf_sock_tuple tuple = { 0 };
	__u64 left = g->deadline_ns - bpf_ktime_get_ns();
	struct bpf_sock *sk;
	int lives;

	if (!left || left > GATE_NS || !g->life_port)
		return 0;
	tuple.ipv4.saddr = tuple.ipv4.daddr = bpf_htonl(LOOPBACK4);
	tuple.ipv4.sport = tuple.ipv4.dport = bpf_htons(g->life_port);
	sk = bpf_sk_lookup_udp(ctx, &tuple, sizeof(tuple.ipv4), BPF_F_CURRENT_NETNS, 0);
	if (!sk)
		return 0;
	lives = bpf_sk_storage_get(&life, sk, NULL, 0) != NULL;
	bpf_sk_release(sk);
	return lives;
}

/* --- whose connections --- */

static __always_inline int
is_wanted(__u32 uid)
{
	__u32 i;

	if (!uids_n)
		return 1;
	for (i = 0; i < FFS_UIDS_MAX; i++) {
		if (i >= uids_n)
			break;
		if (uids[i] == uid)
			return 1;
	}
	return 0;
}

static __always_inline int
is_excluded(const char *comm)
{
	const __u64 *c = (const __u64 *)comm;
	__u32 i;

	for (i = 0; i < FFS_EXCLUDE_MAX; i++) {
		if (i >= exclude_n)
			break;
		if (exclude[i][0] == c[0] && exclude[i][1] == c[1])
			return 1;
	}
	return 0;
}

/* A connection to a store, by one of those who are wanted and not by a store or by one of us, and
 * nothing but its address says how it gets there.  MPTCP's peer is its own to tell. */
static __always_inline int
is_redirected(struct bpf_sock_addr *ctx, const struct ffs_end *end, const struct ffs_caller *c,
    __u64 cookie, __u32 gateway)
{
	__u32 tgid = bpf_get_current_pid_tgid() >> 32;

	if (!ctx->sk || ctx->sk->bound_dev_if || tgid == gateway || !is_wanted(c->uid) || is_excluded(c->comm))
		return 0;
	if (!bpf_map_lookup_elem(&stores, end) || bpf_map_lookup_elem(&servers, &tgid) ||
	    bpf_map_lookup_elem(&self, &cookie) || bpf_sk_storage_get(&relays, ctx->sk, NULL, 0))
		return 0;
	return !knows_mptcp || !bpf_skc_to_mptcp_sock(ctx->sk);
}

/* Of a socket that goes to the gateway: whom it meant, and who it is.  0: done. */
static __always_inline int
remember(struct bpf_sock_addr *ctx, const struct ffs_end *at, const struct ffs_caller *c)
{
	struct meant *m;

	if (!ctx->sk)
		return -1;
	m = bpf_sk_storage_get(&meants, ctx->sk, NULL, BPF_SK_STORAGE_GET_F_CREATE);
	if (!m)
		return -1;
	m->gate = *at;
	m->caller = *c;
	return 0;
}

/* Where to connect instead; NULL: where it wants to. */
static __always_inline const struct ffs_end *
connects(struct bpf_sock_addr *ctx, const struct ffs_end *end)
{
	const struct ffs_gate_entry *g = gate_entry();
	const struct ffs_end *at = gate_for(g, end);
	int watched = port_is_watched(end->port);
	struct ffs_caller c = { 0 };
	struct comm comm;
	__u64 cookie;

	if (!watched && (!at || at->port != end->port))
		return NULL;
	c.uid = bpf_get_current_uid_gid();
	bpf_get_current_comm(c.comm, sizeof(c.comm));
	if (at && same_end(at, end)) { /* by itself */
		/* In another network namespace that address is not the gateway's. */
		if (gate_lives(ctx, g))
			remember(ctx, at, &c);
		return NULL;
	}
	if (!watched)
		return NULL;
	cookie = bpf_get_socket_cookie(ctx);
	if (redirect && g && is_redirected(ctx, end, &c, cookie, g->pid)) {
		c.meant = *end;
		if (at && gate_lives(ctx, g) && !remember(ctx, at, &c)) {
			count_atomic(FFS_COUNT_redirected);
			return at;
		}
		count_atomic(FFS_COUNT_gate_away);
	}
	__builtin_memcpy(comm.name, c.comm, sizeof(comm.name));
	bpf_map_update_elem(&comms, &cookie, &comm, BPF_ANY);
	return NULL;
}

static __always_inline void
end_of4(struct bpf_sock_addr *ctx, struct ffs_end *end)
{
	__u32 *a = (__u32 *)end->addr;

	a[2] = bpf_htonl(0xffff);
	a[3] = ctx->user_ip4;
	end->port = bpf_ntohs(ctx->user_port);
}

static __always_inline void
end_of6(struct bpf_sock_addr *ctx, struct ffs_end *end)
{
	__u32 *a = (__u32 *)end->addr;

	a[0] = ctx->user_ip6[0];
	a[1] = ctx->user_ip6[1];
	a[2] = ctx->user_ip6[2];
	a[3] = ctx->user_ip6[3];
	end->port = bpf_ntohs(ctx->user_port);
}

static __always_inline void
turn4(struct bpf_sock_addr *ctx, const struct ffs_end *to)
{
	ctx->user_ip4 = ((const __u32 *)to->addr)[3];
	ctx->user_port = bpf_htons(to->port);
}

static __always_inline void
turn6(struct bpf_sock_addr *ctx, const struct ffs_end *to)
{
	const __u32 *a = (const __u32 *)to->addr;

	ctx->user_ip6[0] = a[0];
	ctx->user_ip6[1] = a[1];
	ctx->user_ip6[2] = a[2];
	ctx->user_ip6[3] = a[3];
	ctx->user_port = bpf_htons(to->port);
}

SEC("cgroup/connect4")
int
ffs_connect4(struct bpf_sock_addr *ctx)
{
	struct ffs_end end = { 0 };
	const struct ffs_end *to;

	if (ctx->type != SOCK_STREAM || ctx->protocol != IPPROTO_TCP)
		return 1;
	end_of4(ctx, &end);
	to = connects(ctx, &end);
	if (to)
		turn4(ctx, to);
	return 1;
}

SEC("cgroup/connect6")
int
ffs_connect6(struct bpf_sock_addr *ctx)
{
	struct ffs_end end = { 0 };
	const struct ffs_end *to;

	if (ctx->type != SOCK_STREAM || ctx->protocol != IPPROTO_TCP)
		return 1;
	end_of6(ctx, &end);
	to = connects(ctx, &end);
	if (to)
		turn6(ctx, to);
	return 1;
}

/* --- what the client and the gateway get to know --- */

/* A connection is about to send its first packet: where that goes to the gateway, it can find out by
 * the ends who it is and whom he meant, before it can accept it. */
static __always_inline void
calls(struct bpf_sock_ops *skops)
{
	struct bpf_sock *sk = skops->sk;
	struct ffs_caller_key k = { 0 };
	__u32 *client = (__u32 *)k.client.addr, *server = (__u32 *)k.gate.addr;
	struct ffs_caller c;
	struct meant *m;

	if (!sk)
		return;
	m = bpf_sk_storage_get(&meants, sk, NULL, 0);
	if (!m)
		return;
	if (skops->family == AF_INET6) {
		client[0] = skops->local_ip6[0];
		client[1] = skops->local_ip6[1];
		client[2] = skops->local_ip6[2];
		client[3] = skops->local_ip6[3];
		server[0] = skops->remote_ip6[0];
		server[1] = skops->remote_ip6[1];
		server[2] = skops->remote_ip6[2];
		server[3] = skops->remote_ip6[3];
		/* Else clang joins this with the other, and reads at a place that it computes. */
		asm volatile("" ::: "memory");
	} else {
		client[2] = server[2] = bpf_htonl(0xffff);
		client[3] = skops->local_ip4;
		server[3] = skops->remote_ip4;
	}
	k.client.port = skops->local_port;
	k.gate.port = bpf_ntohl(skops->remote_port);
	/* It may have been there before, and now go elsewhere. */
	if (!same_end(&k.gate, &m->gate))
		return;
	c = m->caller;
	c.ns = bpf_ktime_get_ns();
	/* One that had the same ends is no more. */
	if (c.meant.port) {
		bpf_map_delete_elem(&visitors, &k);
		bpf_map_update_elem(&callers, &k, &c, BPF_ANY);
	} else {
		bpf_map_delete_elem(&callers, &k);
		bpf_map_update_elem(&visitors, &k, &c, BPF_ANY);
	}
}

/* Whom the peer stands for, who is here; NULL: nobody else. */
static __always_inline const struct ffs_end *
peer(struct bpf_sock_addr *ctx, const struct ffs_end *here)
{
	const struct meant *m = ctx->sk ? bpf_sk_storage_get(&meants, ctx->sk, NULL, 0) : NULL;

	return m && m->caller.meant.port && same_end(&m->gate, here) ? &m->caller.meant : NULL;
}

SEC("cgroup/getpeername4")
int
ffs_peer4(struct bpf_sock_addr *ctx)
{
	struct ffs_end end = { 0 };
	const struct ffs_end *as;

	end_of4(ctx, &end);
	as = peer(ctx, &end);
	if (as)
		turn4(ctx, as);
	return 1;
}

SEC("cgroup/getpeername6")
int
ffs_peer6(struct bpf_sock_addr *ctx)
{
	struct ffs_end end = { 0 };
	const struct ffs_end *as;

	end_of6(ctx, &end);
	as = peer(ctx, &end);
	if (as)
		turn6(ctx, as);
	return 1;
}

#endif
