/* SPDX-License-Identifier: MIT */
#ifndef FFS_MAPS_BPF_H
#define FFS_MAPS_BPF_H

/*
 * The one set of maps that all programs share.  They are one object (watch.bpf.c), loaded in one
 * go: programs loaded apart would each get maps of their own and see nothing.
 */

/* Set before load. */
const volatile __u8 ports[FFS_PORTS_BYTES];                 /* bit set: a store listens there */
const volatile char hosts[FFS_HOSTS_MAX][FFS_HOST_LEN];     /* lower case, NUL-padded */
const volatile __u32 hosts_n;
const volatile __u64 threshold = 2;
const volatile __u64 rearm_ns = 30ull * 1000 * 1000 * 1000;
const volatile __u64 window_ns;
const volatile __u64 seed;

/* LRU: a connection whose end was never seen must not stay. */
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 32768);
	__type(key, struct conn_key);
	__type(value, struct conn);
} conns SEC(".maps");

/* No LRU: what is full is counted, and swept by user space. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(max_entries, 65536);
	__type(key, struct ffs_object_id);
	__type(value, struct ffs_object_stat);
} objects SEC(".maps");

/* Apart from objects, so that the path of every read touches little memory. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(max_entries, 65536);
	__type(key, struct ffs_object_id);
	__type(value, struct ffs_object_name);
} names SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, FFS_COUNTERS_N);
	__type(key, __u32);
	__type(value, __u64);
} counters SEC(".maps");

/* Latencies of all reads. */
struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, FFS_LAT_BUCKETS);
	__type(key, __u32);
	__type(value, __u64);
} latency SEC(".maps");

/* Cookies of sockets whose requests are the cache's own: ffs-cache writes them. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 4096);
	__type(key, __u64);
	__type(value, __u32);
} self SEC(".maps");

/* Who connected: socket cookie to the program's name. */
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 16384);
	__type(key, __u64);
	__type(value, struct comm);
} comms SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct ffs_meta);
} meta SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 1 << 20);
} events SEC(".maps");

static __always_inline void
count(__u32 which)
{
	__u64 *n = bpf_map_lookup_elem(&counters, &which);

	if (n)
		(*n)++;
}

static __always_inline int
port_is_watched(__u16 port)
{
	return ports[port >> 3] >> (port & 7) & 1;
}

#endif
