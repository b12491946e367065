/* SPDX-License-Identifier: MIT */
#ifndef FFS_TUNE_BPF_H
#define FFS_TUNE_BPF_H

/*
 * Connections to stores and to the gateway, and of theirs: no Nagle, and no long wait for an ACK to
 * ride on data.  What this kernel refuses is counted; meta says why.
 */
#ifndef SOL_TCP
#define SOL_TCP 6
#endif

/* The shortest cap that the kernel takes: two ticks, which are 2, 8 or 20 ms. */
static __always_inline int
tune_delack(struct bpf_sock_ops *skops, struct ffs_meta *m)
{
	static const int caps[] = { 2000, 8000, 20000 };
	int us = m->delack_us, err = 0;
	__u32 i;

	if (us)
		return bpf_setsockopt(skops, SOL_TCP, TCP_BPF_DELACK_MAX, &us, sizeof(us));
	for (i = 0; i < sizeof(caps) / sizeof(caps[0]); i++) {
		us = caps[i];
		err = bpf_setsockopt(skops, SOL_TCP, TCP_BPF_DELACK_MAX, &us, sizeof(us));
		if (!err) {
			m->delack_us = us;
			return 0;
		}
	}
	return err;
}

static __always_inline int
is_tuned(__u16 port)
{
	const struct ffs_gate_entry *g;

	if (port_is_watched(port))
		return 1;
	g = gate_entry();
	return g && port && (port == g->v4.port || port == g->v6.port);
}

SEC("sockops")
int
ffs_tune(struct bpf_sock_ops *skops)
{
	struct ffs_meta *m;
	int one = 1, err;

	if (skops->op == BPF_SOCK_OPS_TCP_CONNECT_CB) {
		calls(skops);
		return 1;
	}
	if (skops->op != BPF_SOCK_OPS_ACTIVE_ESTABLISHED_CB &&
	    skops->op != BPF_SOCK_OPS_PASSIVE_ESTABLISHED_CB)
		return 1;
	if (!is_tuned(skops->local_port) && !is_tuned(bpf_ntohl(skops->remote_port)))
		return 1;
	m = bpf_map_lookup_elem(&meta, &(__u32){ 0 });
	if (!m)
		return 1;
	count_atomic(FFS_COUNT_tuned);
	err = bpf_setsockopt(skops, SOL_TCP, TCP_NODELAY, &one, sizeof(one));
	count_atomic(err ? FFS_COUNT_nodelay_refused : FFS_COUNT_nodelay_ok);
	if (err)
		m->nodelay_err = err;
	err = tune_delack(skops, m);
	count_atomic(err ? FFS_COUNT_delack_refused : FFS_COUNT_delack_ok);
	if (err)
		m->delack_err = err;
	return 1;
}

#endif
