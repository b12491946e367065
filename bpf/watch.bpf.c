/* SPDX-License-Identifier: MIT */
/*
 * All kernel programs, one object: see maps.bpf.h for why.  Each is in a file of its own.
 */
#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/in.h>
#include <linux/ip.h>
#include <linux/ipv6.h>
#include <linux/pkt_cls.h>
#include <linux/tcp.h>

#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

#include "bpf/watch.h"

struct conn_key {
	__u8 client[16], server[16];
	__u16 client_port, server_port;
	__u32 pad;
};

struct conn {
	__u64 req_ns;
};

struct comm {
	char name[FFS_COMM_LEN];
};

#include "bpf/maps.bpf.h"

SEC("tc")
int
ffs_traffic(struct __sk_buff *skb)
{
	(void)skb;
	count(FFS_COUNT_packets);
	bpf_map_lookup_elem(&conns, &(struct conn_key){ 0 });
	bpf_map_lookup_elem(&objects, &(struct ffs_object_id){ 0 });
	bpf_map_lookup_elem(&names, &(struct ffs_object_id){ 0 });
	bpf_map_lookup_elem(&latency, &(__u32){ 0 });
	bpf_map_lookup_elem(&meta, &(__u32){ 0 });
	return TC_ACT_UNSPEC;
}

SEC("sockops")
int
ffs_tune(struct bpf_sock_ops *skops)
{
	(void)skops;
	return 1;
}

SEC("cgroup/connect4")
int
ffs_who4(struct bpf_sock_addr *ctx)
{
	(void)ctx;
	return 1;
}

SEC("cgroup/connect6")
int
ffs_who6(struct bpf_sock_addr *ctx)
{
	(void)ctx;
	return 1;
}

char LICENSE[] SEC("license") = "Dual MIT/GPL";
