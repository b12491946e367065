/* SPDX-License-Identifier: MIT */
#ifndef FFS_WHO_BPF_H
#define FFS_WHO_BPF_H

#ifndef SOCK_STREAM
#define SOCK_STREAM 1
#endif

/* Who connects to stores: the program's name, by the socket's cookie.  Nothing is changed. */
static __always_inline int
who(struct bpf_sock_addr *ctx)
{
	__u64 cookie;
	struct comm comm = { 0 };

	if (ctx->type != SOCK_STREAM || !port_is_watched(bpf_ntohs(ctx->user_port)))
		return 1;
	cookie = bpf_get_socket_cookie(ctx);
	if (!bpf_get_current_comm(comm.name, sizeof(comm.name)))
		bpf_map_update_elem(&comms, &cookie, &comm, BPF_ANY);
	return 1;
}

SEC("cgroup/connect4")
int
ffs_who4(struct bpf_sock_addr *ctx)
{
	return who(ctx);
}

SEC("cgroup/connect6")
int
ffs_who6(struct bpf_sock_addr *ctx)
{
	return who(ctx);
}

#endif
