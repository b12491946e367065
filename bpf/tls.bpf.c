/* SPDX-License-Identifier: MIT */
/*
 * Programs at OpenSSL's functions: what is written and read in clear, and over which socket.
 *
 * OpenSSL's structures are of no use to find the socket: they differ by release, and who uses BIOs of
 * his own (curl, asyncio) has none in them.  So a program at the kernel's tcp_rcv_space_adjust, which
 * each receive passes, notes which socket a thread received from last.  A receive inside a call of
 * OpenSSL is of its connection.  Where there is none (memory BIOs), what ends a handshake or gives
 * bytes was received just before.
 *
 * These run in a process's context and may be preempted: nothing here is a processor's own but
 * counters.
 */
#include <linux/bpf.h>
#include <linux/in6.h>
#include <linux/types.h>
#include <asm/ptrace.h>

#include <bpf/bpf_core_read.h>
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>

#include "bpf/tls.h"
#include "bpf/watch.h"

#define AF_INET 2
#define AF_INET6 10

/* Of the kernel's structures what is used of them. */
#pragma clang attribute push(__attribute__((preserve_access_index)), apply_to = record)
struct ns_common {
	unsigned int inum;
};
struct net {
	struct ns_common ns;
};
typedef struct {
	struct net *net;
} possible_net_t;
struct sock_common {
	__be32 skc_daddr;
	__be16 skc_dport;
	unsigned short skc_family;
	possible_net_t skc_net;
	struct in6_addr skc_v6_daddr;
};
struct sock {
	struct sock_common __sk_common;
};
#pragma clang attribute pop

/* Set before load. */
const volatile __u8 ports[FFS_PORTS_BYTES]; /* bit set: a store speaks TLS there */
const volatile __u32 netns;                 /* whose sockets: addresses are another's elsewhere */

struct socket {
	__u8 server[16];
	__u64 cookie;
	__u32 port;
	__u32 known;
};

/* A thread, and the call that it is in. */
struct thread {
	__u64 ssl, buf, n_at;
	__u64 ns;
	__u32 call;
	__u32 received; /* from last: inside the call, or since */
	__u32 before;   /* it was so when the call began */
	__u32 pad;
	struct socket last;
};

struct ssl_id {
	__u64 ssl;
	__u64 pid;
};

enum ssl_flag {
	SSL_READY = 1,   /* its handshake was seen to end */
	SSL_BOUND = 2,   /* the socket is known */
	SSL_EXACT = 4,   /* by a receive inside a call */
	SSL_IGNORED = 8, /* not a store's */
	SSL_FIRM = 16,   /* bound for good: something went over it */
};

struct ssl {
	__u64 conn;
	__u64 sent, received;
	__u32 flags;
	__u32 pad;
	struct socket to;
};

/* Of those that have called OpenSSL; gone with them. */
struct {
	__uint(type, BPF_MAP_TYPE_TASK_STORAGE);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, int);
	__type(value, struct thread);
} threads SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 32768);
	__type(key, struct ssl_id);
	__type(value, struct ssl);
} ssls SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 16 << 20); /* thousands of requests, while their reader waits for a processor */
} records SEC(".maps");

/* watch.bpf.c's. */
struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, FFS_COUNTERS_N);
	__type(key, __u32);
	__type(value, __u64);
} counters SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 32768);
	__type(key, __u64);
	__type(value, struct ffs_tls_quiet);
} quiet SEC(".maps");

static __always_inline void
count(__u32 which)
{
	__u64 *n = bpf_map_lookup_elem(&counters, &which);

	if (n)
		__sync_fetch_and_add(n, 1);
}

static __always_inline struct thread *
thread(__u64 flags)
{
	return bpf_task_storage_get(&threads, bpf_get_current_task_btf(), NULL, flags);
}

/* --- the socket --- */

SEC("tp_btf/tcp_rcv_space_adjust")
int
ffs_tls_socket(__u64 *ctx)
{
	struct sock *sk = (struct sock *)ctx[0];
	struct thread *t = thread(0);
	struct socket *s;

	if (!t)
		return 0;
	s = &t->last;
	t->received = 1;
	s->known = 0;
	if (bpf_core_field_exists(sk->__sk_common.skc_net) &&
	    BPF_CORE_READ(sk, __sk_common.skc_net.net, ns.inum) != netns)
		return 0;
	if (BPF_CORE_READ(sk, __sk_common.skc_family) == AF_INET6) {
		if (!bpf_core_field_exists(sk->__sk_common.skc_v6_daddr))
			return 0;
		BPF_CORE_READ_INTO((struct in6_addr *)s->server, sk, __sk_common.skc_v6_daddr);
	} else {
		*(__u64 *)s->server = 0;
		*(__u32 *)(s->server + 8) = 0xffff0000;
		*(__u32 *)(s->server + 12) = BPF_CORE_READ(sk, __sk_common.skc_daddr);
	}
	s->port = bpf_ntohs(BPF_CORE_READ(sk, __sk_common.skc_dport));
	s->cookie = bpf_get_socket_cookie(sk);
	s->known = 1;
	return 0;
}

/* --- telling --- */

/* room: constant, for the verifier. */
static __always_inline int
tell_data(const struct ffs_tls_record *r, __u64 buf, __u32 room)
{
	struct ffs_tls_record *to = bpf_ringbuf_reserve(&records, sizeof(*r) + room, 0);
	__u32 n = r->have;

	if (!to)
		return -1;
	*to = *r;
	if (n > room)
		n = room;
	asm volatile("" : "+r"(n)); /* else clang moves the bound away */
	if (room && n <= room && bpf_probe_read_user(to + 1, n, (const void *)buf))
		to->have = 0;
	bpf_ringbuf_submit(to, 0);
	return 0;
}

#define ANSWER_DATA 2048 /* heads of answers fit into this */

/* bare: what came is not looked at. */
static __noinline int
tell(struct ssl *c, struct thread *t, __u32 type, __u64 n, __u32 bare)
{
	struct ffs_tls_record r = {
		.port = c->to.port,
		.conn = c->conn,
		.ns = t->ns,
		.sent = c->sent,
		.received = c->received,
		.cookie = c->to.cookie,
		.type = type,
		.flags = c->flags & SSL_READY ? 0 : FFS_TLS_MIDSTREAM,
		.n = n,
		.have = bare ? 0 : n,
		.uid = bpf_get_current_uid_gid(),
	};
	__u32 most = type == FFS_TLS_SENT ? FFS_TLS_DATA : ANSWER_DATA;
	int rc;

	if (r.have > most)
		r.have = most;
	__builtin_memcpy(r.server, c->to.server, sizeof(r.server));
	bpf_get_current_comm(r.comm, sizeof(r.comm));
	if (!r.have)
		rc = tell_data(&r, 0, 0);
	else if (r.have <= 1024)
		rc = tell_data(&r, t->buf, 1024);
	else if (r.have <= ANSWER_DATA)
		rc = tell_data(&r, t->buf, ANSWER_DATA);
	else
		rc = tell_data(&r, t->buf, FFS_TLS_DATA);
	if (rc)
		count(FFS_COUNT_tls_lost);
	return 0;
}

/* --- connections --- */

static __always_inline void
bind(struct ssl *c, const struct thread *t, __u32 exact)
{
	if (!t->last.known)
		return;
	c->to = t->last;
	c->flags |= SSL_BOUND | (exact ? SSL_EXACT : 0);
	if (ports[c->to.port >> 3 & (FFS_PORTS_BYTES - 1)] >> (c->to.port & 7) & 1)
		c->flags &= ~SSL_IGNORED;
	else
		c->flags |= SSL_IGNORED;
}

static __always_inline struct ssl *
ssl_find(const struct thread *t, __u64 pid)
{
	struct ssl_id id = { .ssl = t->ssl, .pid = pid };
	struct ssl *c = bpf_map_lookup_elem(&ssls, &id), none = { 0 };

	if (c)
		return c;
	/* Unique, but for two that begin in one nanosecond on two processors. */
	none.conn = bpf_ktime_get_ns() ^ (__u64)bpf_get_smp_processor_id() << 52;
	bpf_map_update_elem(&ssls, &id, &none, BPF_ANY);
	return bpf_map_lookup_elem(&ssls, &id);
}

static __always_inline void
handshake(struct ssl *c, struct thread *t, int done)
{
	if (t->received && done && c->flags & SSL_READY && c->sent) {
		/* The same address, another connection, whose end was not seen. */
		c->flags = 0;
		c->sent = c->received = 0;
		c->conn = bpf_ktime_get_ns();
	}
	if (t->received && !(c->flags & SSL_EXACT))
		bind(c, t, 1);
	if (!done || c->flags & SSL_READY)
		return;
	if (!(c->flags & SSL_EXACT))
		bind(c, t, 0);
	c->flags |= SSL_READY | SSL_FIRM;
}

/* A read or write that gave nothing, perhaps inside a handshake: who has memory BIOs has put into one
 * what was received since the call before. */
static __always_inline void
waits(struct ssl *c, struct thread *t)
{
	if (t->received && !(c->flags & SSL_EXACT))
		bind(c, t, 1);
	else if (t->before && !(c->flags & (SSL_FIRM | SSL_EXACT)))
		bind(c, t, 0);
}

static __always_inline void
wrote(struct ssl *c, struct thread *t, __u64 n)
{
	struct ffs_tls_quiet *q;

	if (t->received && !(c->flags & SSL_EXACT))
		bind(c, t, 1);
	if (c->flags & SSL_IGNORED) {
	} else if (!(c->flags & SSL_BOUND)) {
		if (c->flags & SSL_READY)
			count(FFS_COUNT_tls_unbound);
	} else {
		q = bpf_map_lookup_elem(&quiet, &c->conn);
		if (q && q->nothing)
			c->flags |= SSL_IGNORED;
		else if (!q || !q->body || q->received != c->received)
			tell(c, t, FFS_TLS_SENT, n, 0);
	}
	c->sent += n;
}

static __always_inline void
read(struct ssl *c, struct thread *t, __u64 n)
{
	struct ffs_tls_quiet *q;
	__u32 reading;

	if (t->received && !(c->flags & SSL_EXACT))
		bind(c, t, 1);
	else if (!(c->flags & SSL_BOUND))
		bind(c, t, 0);
	if (!(c->flags & SSL_IGNORED) && c->flags & SSL_BOUND) {
		q = bpf_map_lookup_elem(&quiet, &c->conn);
		reading = q && q->sent == c->sent && q->until;
		if (!reading || c->received + n >= q->until) {
			t->ns = bpf_ktime_get_ns();
			tell(c, t, FFS_TLS_RECEIVED, n, reading);
		}
	}
	c->received += n;
}

/* --- OpenSSL's functions --- */

static __always_inline int
enter(struct pt_regs *ctx, __u32 call)
{
	struct thread *t = thread(BPF_LOCAL_STORAGE_GET_F_CREATE);
	struct ssl_id id;
	struct ssl *c;

	if (!t) {
		count(FFS_COUNT_tls_lost);
		return 0;
	}
	if (call == FFS_TLS_FREE) {
		id = (struct ssl_id){ .ssl = PT_REGS_PARM1(ctx), .pid = bpf_get_current_pid_tgid() >> 32 };
		c = bpf_map_lookup_elem(&ssls, &id);
		if (!c)
			return 0;
		t->ns = bpf_ktime_get_ns();
		if (c->flags & SSL_BOUND && !(c->flags & SSL_IGNORED))
			tell(c, t, FFS_TLS_END, 0, 1);
		bpf_map_delete_elem(&ssls, &id);
		return 0;
	}
	t->ssl = PT_REGS_PARM1(ctx);
	t->buf = PT_REGS_PARM2(ctx);
	t->n_at = PT_REGS_PARM4(ctx);
	t->ns = bpf_ktime_get_ns();
	t->call = call;
	t->before = t->received;
	t->received = 0;
	return 0;
}

static __always_inline int
leave(struct pt_regs *ctx, __u32 call)
{
	__u64 pid = bpf_get_current_pid_tgid() >> 32, n;
	struct thread *t = thread(0);
	int rc = PT_REGS_RC(ctx);
	struct ssl *c;

	/* Another: TLS inside TLS, whose outer one is not followed. */
	if (!t || t->call != call)
		return 0;
	t->call = FFS_TLS_NONE;
	if (call == FFS_TLS_HANDSHAKE || rc <= 0) {
		c = ssl_find(t, pid);
		if (c && call == FFS_TLS_HANDSHAKE)
			handshake(c, t, rc == 1);
		else if (c)
			waits(c, t);
		t->received = 0;
		return 0;
	}
	n = rc;
	if ((call == FFS_TLS_WRITE_EX || call == FFS_TLS_READ_EX) &&
	    bpf_probe_read_user(&n, sizeof(n), (const void *)t->n_at))
		return 0;
	c = n && n < 1ull << 31 ? ssl_find(t, pid) : NULL;
	if (!c)
		return 0;
	if (call == FFS_TLS_WRITE || call == FFS_TLS_WRITE_EX)
		wrote(c, t, n);
	else
		read(c, t, n);
	c->flags |= SSL_FIRM;
	t->received = 0;
	return 0;
}

SEC("uprobe")
int
ffs_tls_call(struct pt_regs *ctx)
{
	__u32 call = bpf_get_attach_cookie(ctx);

	return call & FFS_TLS_LEAVE ? leave(ctx, call & ~FFS_TLS_LEAVE) : enter(ctx, call);
}

char LICENSE[] SEC("license") = "Dual MIT/GPL";
