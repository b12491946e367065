/* SPDX-License-Identifier: MIT */
#ifndef FFS_WATCH_ABI_H
#define FFS_WATCH_ABI_H

#include <linux/types.h>

/*
 * What the kernel programs and user space share: keys and values of the maps,
 * events of the ring.  Any change of a layout or a meaning raises FFS_ABI, which is
 * also the name of the directory of the pins ("v1"), so that two versions never meet.
 */
#define FFS_ABI 1

#define FFS_KEY_MAX 1024    /* S3's bound for a key, decoded */
#define FFS_BUCKET_MAX 63   /* and for a bucket */
#define FFS_VERSION_MAX 128 /* versionId, longer ones are not followed */
#define FFS_TEXT_MAX 1216   /* bucket, '/', key, version */
#define FFS_COMM_LEN 16     /* TASK_COMM_LEN */

#define FFS_PORTS_BYTES 8192 /* one bit a port */
#define FFS_HOSTS_MAX 8      /* endpoints' host names, for virtual-hosted addressing */
#define FFS_HOST_LEN 128

/*
 * Latency buckets: log2 with four linear steps an octave, as HDR histograms have
 * them, from 16 us up.  Bucket i begins at (4 + i % 4) << (i / 4 + 2) us; the first also
 * holds everything below, the last everything above (1.8 s).
 */
#define FFS_LAT_BUCKETS 68

/* Which object: server's address (IPv4 as v4-mapped), port in host order, and a hash of its name
 * with a seed of each load.  len: of the name's text.
 *
 * Stores with TLS and a name have many addresses, and others every minute.  The Host of a request
 * that was seen by --tls says which store was meant: where it is a configured endpoint's, the
 * address is made of that name, see ffs_addresses_name(), in a network that leads nowhere. */
struct ffs_object_id {
	__u8 addr[16];
	__u16 port;
	__u16 len;
	__u32 tls; /* 1: asked for over TLS */
	__u64 hash;
};

/* text: bucket, '/', key (both decoded), version. */
struct ffs_object_name {
	__u16 bucket_len;
	__u16 key_len;
	__u16 version_len;
	__u16 pad;
	char text[FFS_TEXT_MAX];
};

/* What is known of an object; times are CLOCK_MONOTONIC. */
struct ffs_object_stat {
	__u64 reads;       /* whole ones: 200s, and 206s' bytes over the object's size */
	__u64 heat;        /* the same, since --window began */
	__u64 heat_ns;     /* when it began */
	__u64 bytes;       /* of bodies that were seen */
	__u64 part_bytes;  /* of those, in ranges and aborted transfers */
	__u64 size;        /* of the whole object, as last told; 0: unknown */
	__u64 first_ns;    /* first read */
	__u64 last_ns;     /* last read */
	__u64 interval_ns; /* between the last two */
	__u64 hot_ns;      /* when HOT was last sent; 0: never, or re-armed */
	__u64 hots;        /* how often it was sent */
	__u64 lat_sum_ns;  /* request to last byte, of lat_count responses */
	__u64 lat_count;
	__u64 lat_min_ns;
	__u64 lat_max_ns;
	__u64 ttfb_sum_ns; /* request to first byte, of the same */
	__u32 uid;         /* who read last; (__u32)-1: unknown */
#ifdef __bpf__
	struct bpf_spin_lock lock; /* of all of this, among the programs */
#else
	__u32 lock; /* reads as 0 */
#endif
	char comm[FFS_COMM_LEN]; /* "" unknown */
	__u32 lat[FFS_LAT_BUCKETS];
};

/* Redirecting to the gateway: whose connections, at most so many of each. */
#define FFS_UIDS_MAX 32
#define FFS_EXCLUDE_MAX 16
#define FFS_STORES_MAX 256
#define FFS_SERVERS_MAX 256

/* One end of a connection: address (IPv4 as v4-mapped) and port in host order. */
struct ffs_end {
	__u8 addr[16];
	__u16 port; /* 0: none */
	__u16 pad[3];
};

/*
 * The gateway's word that it lives and listens: until the deadline (CLOCK_MONOTONIC, 2 s ahead at
 * most), and as long as its UDP socket at 127.0.0.1:life_port is there, which it has entered in the
 * map life.
 */
struct ffs_gate_entry {
	__u64 deadline_ns;
	struct ffs_end v4, v6; /* where it listens */
	__u32 pid;
	__u16 life_port;
	__u16 pad;
};

/* A connection to the gateway, by its ends. */
struct ffs_caller_key {
	struct ffs_end client, gate;
};

struct ffs_caller {
	struct ffs_end meant; /* the store; port 0: it came to the gateway by itself */
	__u64 ns;             /* when it connected */
	__u32 uid;
	__u32 pad;
	char comm[FFS_COMM_LEN];
};

/* A connection of the gateway to a store: for whom. */
struct ffs_relay {
	__u32 uid; /* (__u32)-1: unknown */
	char comm[FFS_COMM_LEN];
};

/* A program that reads from stores, and what it has read from there. */
struct ffs_reader_id {
	__u32 uid; /* (__u32)-1: unknown */
	char comm[FFS_COMM_LEN];
};

struct ffs_reader_stat {
	__u64 reads; /* whole ones, as of objects */
	__u64 bytes;
	__u64 last_ns;
};

enum ffs_event_type {
	FFS_EVENT_HOT = 1,
	FFS_EVENT_INVALIDATE = 2,
};

enum ffs_event_flag {
	FFS_EVENT_DONE = 1,   /* INVALIDATE: the store has said 2xx; else the request was seen */
	FFS_EVENT_BUCKET = 2, /* INVALIDATE: any object of the bucket (POST ?delete) */
};

/* In the ring; only text_len bytes of text are sent. */
struct ffs_event {
	__u64 ns; /* CLOCK_MONOTONIC */
	__u32 type;
	__u32 flags;
	struct ffs_object_id id;
	/* HOT: */
	__u64 reads;
	__u64 size;
	__u64 interval_ns;
	__u64 lat_mean_ns;
	__u32 uid;
	__u32 pad;
	__u16 bucket_len; /* from here as in struct ffs_object_name */
	__u16 key_len;
	__u16 version_len;
	__u16 text_len;
	char text[FFS_TEXT_MAX];
};

/*
 * Counters: X(name, loss, what it counts).  loss: something was not understood or
 * could be missing because of it.  The order is the array's; new ones go to the end of their group.
 */
#define FFS_COUNTERS(X)                                                                            \
	X(packets, 0, "TCP segments of watched ports")                                             \
	X(requests, 0, "requests for objects")                                                     \
	X(requests_other, 0, "listings, sub-resources, and what is no S3")                         \
	X(requests_control, 0, "requests for manifests and below .ffs/")                           \
	X(requests_remote, 0, "requests that other hosts sent here")                               \
	X(requests_self, 0, "requests of the cache itself")                                        \
	X(responses, 0, "responses to requests for objects")                                       \
	X(responses_other, 0, "of them, neither 200 nor 206")                                      \
	X(reads, 0, "whole reads")                                                                 \
	X(read_bytes, 0, "bytes of objects")                                                       \
	X(hot, 0, "HOT events sent")                                                               \
	X(invalidate, 0, "INVALIDATE events sent")                                                 \
	X(retransmits, 0, "segments seen before")                                                  \
	X(aborted, 0, "transfers that ended early")                                                \
	X(conns, 0, "connections seen from their first packet")                                    \
	X(redirected, 0, "connections to stores that went to the gateway")                         \
	X(gate_away, 0, "those that did not, for it was not there")                                \
	X(tls_conns, 0, "connections whose TLS is seen from its beginning (--tls)")                \
	X(tuned, 0, "connections tuned")                                                           \
	X(nodelay_ok, 0, "TCP_NODELAY was set")                                                    \
	X(nodelay_refused, 0, "TCP_NODELAY was refused")                                           \
	X(delack_ok, 0, "the delayed-ACK cap was set")                                             \
	X(delack_refused, 0, "the delayed-ACK cap was refused")                                    \
	X(ring_full, 1, "events lost: the ring was full")                                          \
	X(objects_full, 1, "reads lost: the table of objects was full")                            \
	X(conns_full, 1, "requests lost: no room for the connection")                              \
	X(split_heads, 1, "request heads whose rest did not come")                                 \
	X(long_names, 1, "names longer than S3 allows")                                            \
	X(bad_requests, 1, "request lines that could not be understood")                           \
	X(bad_responses, 1, "response heads that could not be understood")                         \
	X(no_length, 1, "responses without Content-Length")                                        \
	X(midstream, 1, "connections seen from the middle")                                        \
	X(pipelined, 1, "requests before the answer to the one before")                            \
	X(orphans, 1, "responses to no request that was seen")                                     \
	X(tls, 1, "connections with TLS on a watched port")                                        \
	X(http2, 1, "connections with HTTP/2 on a watched port")                                   \
	X(tls_unbound, 1, "writes over TLS to a server that is not known")                         \
	X(tls_lost, 1, "calls of TLS that there was no room to tell of")                           \
	X(fragments, 1, "IP fragments and IPv6 extension headers")                                 \
	X(load_errors, 1, "packets whose bytes could not be read")

enum ffs_counter {
#define FFS_COUNTER_ENUM(name, loss, text) FFS_COUNT_##name,
	FFS_COUNTERS(FFS_COUNTER_ENUM)
#undef FFS_COUNTER_ENUM
	    FFS_COUNTERS_N
};

/* The one entry of the map meta: who loaded what, for those who share the pins.  It is pinned when
 * all is attached: who finds it finds all. */
struct ffs_meta {
	__u32 abi;
	__u32 pid;       /* of the loader; 0: all stays by itself (--pin) */
	__u64 loaded_ns; /* CLOCK_MONOTONIC: another value is another load */
	__u64 rearm_ns;
	__u64 window_ns; /* 0: counts do not decay */
	__u32 threshold;
	__u32 uid, gid; /* for whom */
	__u32 max_objects;
	__s32 nodelay_err; /* what the kernel last refused with, 0: nothing */
	__s32 delack_err;
	__u32 delack_us; /* the cap that it took, 0: none */
	__u32 tune;      /* sockops are attached */
	__u32 clsact;    /* by clsact, not TCX */
	__u32 redirect;  /* connections to stores go to the gateway, while it listens */
};

_Static_assert(sizeof(struct ffs_object_id) == 32, "shared layout");
_Static_assert(sizeof(struct ffs_object_name) == 8 + FFS_TEXT_MAX, "shared layout");
_Static_assert(
    sizeof(struct ffs_object_stat) == 16 * 8 + 8 + 16 + 4 * FFS_LAT_BUCKETS, "shared layout");
_Static_assert(sizeof(struct ffs_end) == 24, "shared layout");
_Static_assert(sizeof(struct ffs_gate_entry) == 64, "shared layout");
_Static_assert(sizeof(struct ffs_caller_key) == 48, "shared layout");
_Static_assert(sizeof(struct ffs_caller) == 56, "shared layout");
_Static_assert(sizeof(struct ffs_relay) == 20, "shared layout");
_Static_assert(sizeof(struct ffs_reader_id) == 20, "shared layout");
_Static_assert(sizeof(struct ffs_reader_stat) == 24, "shared layout");
_Static_assert(sizeof(struct ffs_event) == 96 + FFS_TEXT_MAX, "shared layout");
_Static_assert(sizeof(struct ffs_meta) == 72, "shared layout");

#endif
