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
const volatile __u8 host_ids[FFS_HOSTS_MAX][16]; /* of those that speak TLS: see watch.h; 0: none */
const volatile __u64 threshold = 2;
const volatile __u64 rearm_ns = 30ull * 1000 * 1000 * 1000;
const volatile __u64 window_ns;
const volatile __u64 seed;
const volatile __u32 redirect;                    /* connections to stores go to the gateway */
const volatile __u32 uids[FFS_UIDS_MAX], uids_n;  /* whose; 0: everybody's */
const volatile __u64 exclude[FFS_EXCLUDE_MAX][2]; /* but for programs of these names */
const volatile __u32 exclude_n;
const volatile __u32 knows_mptcp; /* the kernel can say which sockets are MPTCP's */

#define WINDOW 4096 /* of a head, at most */

/* A connection by its ends, IPv4 as v4-mapped; ports in host order.  server: where a store
 * listens. */
struct conn_key {
	__u8 client[16], server[16];
	__u16 client_port, server_port;
	__u32 tls; /* 1: seen by --tls, and client is its number */
};

enum conn_flag {
	CONN_MIDSTREAM = 1 << 0, /* its first packet was not seen */
	CONN_REQ_SEQ = 1 << 1,   /* req_next is known */
	CONN_KNOWN = 1 << 2,     /* who sends was looked up: the next two, uid, comm */
	CONN_LOCAL = 1 << 3,     /* a socket of this host sends the requests */
	CONN_SELF = 1 << 4,      /* the cache's */
	CONN_IGNORED = 1 << 5,   /* TLS, HTTP/2 */
	CONN_BUCKET = 1 << 6,    /* it deletes objects of a bucket */
	CONN_DEAD = 1 << 7,      /* reset: what comes still is of no interest */
	CONN_BAD = 1 << 8,       /* a request that is none was counted */
	CONN_BODY = 1 << 9,      /* what the client sends is a body, until the answer */
	CONN_PIPELINED = 1 << 10, /* answers cannot be told apart */
	CONN_PART = 1 << 11,     /* the answer is a 206 */
	CONN_NO_LENGTH = 1 << 12, /* the answer's end is the connection's, or the next request */
	CONN_FIN_CLIENT = 1 << 13,
	CONN_FIN_SERVER = 1 << 14,
	CONN_PIECE = 1 << 15,     /* pieces has the beginning of a head */
	CONN_XDP = 1 << 17,       /* seen as it arrives: requests only */
	CONN_RELAY = 1 << 16,     /* the gateway's, with requests of others: now of uid, comm */
};

/* What the open request is, and how far its answer. */
enum open {
	OPEN_NONE,
	OPEN_QUIET, /* one that is not followed */
	OPEN_READ,
	OPEN_HEAD,
	OPEN_WRITE,
	OPEN_READING, /* OPEN_READ, and the head of its answer was seen */
};

struct conn {
	struct ffs_object_id id;
	__u64 req_ns, first_ns; /* request; first byte of the answer */
	__u64 got, left;        /* bytes of the body: seen, to come */
	__u64 size;             /* of the whole object, 0 unknown */
	__u32 req_next;         /* behind what the client has sent */
	__u32 resp_next;        /* where the answer's next head begins */
	__u32 resp_high;        /* behind what the server has sent */
	__u32 flags;
	__u32 open;
	__u32 uid;
	char comm[FFS_COMM_LEN];
};

struct comm {
	char name[FFS_COMM_LEN];
};

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

/* Names of what is being written, for the second INVALIDATE. */
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 2048);
	__type(key, struct conn_key);
	__type(value, struct ffs_object_name);
} writes SEC(".maps");

/* A head's beginning, until the rest has come. */
struct piece {
	__u64 n;
	__u8 in[WINDOW];
};

struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 512);
	__type(key, struct conn_key);
	__type(value, struct piece);
} pieces SEC(".maps");

/*
 * Where a head is read and taken apart.  Programs of TC run with softirqs off, so nothing else
 * uses a processor's copy meanwhile.
 */
struct scratch {
	struct ffs_event event;
	__u8 slack[32];           /* words are written whole */
	__u64 n;                  /* bytes in in: with it a struct piece */
	__u8 in[2 * WINDOW + 64]; /* zeroed for some words behind what was read */
	__u32 i;        /* how far read */
	__u32 o;        /* how far written, into event.text */
	__u32 limit;    /* of o */
	__u32 zero;     /* always 0, which the verifier must not know: see head.bpf.h */
	__s32 stopped;  /* by which byte, or enum stopped */
	__u64 stop;     /* besides blanks: a byte, eight times */
	__u32 query;    /* enum query */
	__u32 version;  /* where its value is, 0 none */
	__u32 fresh;    /* at a parameter's first byte */
	__u32 endpoint; /* 1 and which of hosts Host names, 0 none */
	__u32 length, range, host, end; /* what head_scan() found where, 0 not */
};

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct scratch);
} scratches SEC(".maps");

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

/* Who has read how much: of programs that are many, the last ones. */
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 4096);
	__type(key, struct ffs_reader_id);
	__type(value, struct ffs_reader_stat);
} readers SEC(".maps");

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

/* Where the gateway listens, which it says itself. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct ffs_gate_entry);
} gate SEC(".maps");

/* Its socket that ends with it. */
struct {
	__uint(type, BPF_MAP_TYPE_SK_STORAGE);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, int);
	__type(value, __u32);
} life SEC(".maps");

/* Its sockets to stores, and whose requests they carry now. */
struct {
	__uint(type, BPF_MAP_TYPE_SK_STORAGE);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, int);
	__type(value, struct ffs_relay);
} relays SEC(".maps");

/* Stores whose clients are redirected to it. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, FFS_STORES_MAX);
	__type(key, struct ffs_end);
	__type(value, __u32);
} stores SEC(".maps");

/* Processes that are stores themselves: what they say to each other is not for the gateway. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, FFS_SERVERS_MAX);
	__type(key, __u32);
	__type(value, __u32);
} servers SEC(".maps");

/* A client's socket that goes to the gateway. */
struct meant {
	struct ffs_end gate;
	struct ffs_caller caller;
};

struct {
	__uint(type, BPF_MAP_TYPE_SK_STORAGE);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, int);
	__type(value, struct meant);
} meants SEC(".maps");

/* The same for the gateway, which takes out what it has read.  LRU: it may not come to that.  Those
 * who came by themselves are apart, for nobody needs leave to be one of them, and they must not push
 * out whom another meant. */
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 8192);
	__type(key, struct ffs_caller_key);
	__type(value, struct ffs_caller);
} callers SEC(".maps"), visitors SEC(".maps");

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
count_n(__u32 which, __u64 by)
{
	__u64 *n = bpf_map_lookup_elem(&counters, &which);

	if (n)
		*n += by;
}

/* By a program of TC: softirqs are off, so nobody interrupts. */
static __always_inline void
count(__u32 which)
{
	count_n(which, 1);
}

/* By any other: a softirq may come between. */
static __always_inline void
count_atomic(__u32 which)
{
	__u64 *n = bpf_map_lookup_elem(&counters, &which);

	if (n)
		__sync_fetch_and_add(n, 1);
}

/*
 * A place in the scratch's in or text that the verifier believes: it forgets what was checked
 * where clang keeps a copy.  All of these places are inside the scratch.
 */
static __always_inline __u32
in_at(__u32 i)
{
	asm volatile("" : "+r"(i));
	return i & (WINDOW - 1);
}

static __always_inline __u32
text_at(__u32 o)
{
	asm volatile("" : "+r"(o));
	return o & 2047;
}

static __always_inline struct scratch *
scratch(void)
{
	return bpf_map_lookup_elem(&scratches, &(__u32){ 0 });
}

static __always_inline int
port_is_watched(__u16 port)
{
	return ports[port >> 3] >> (port & 7) & 1;
}

static __always_inline struct ffs_gate_entry *
gate_entry(void)
{
	return bpf_map_lookup_elem(&gate, &(__u32){ 0 });
}

static __always_inline int
same_end(const struct ffs_end *a, const struct ffs_end *b)
{
	const __u32 *x = (const __u32 *)a->addr, *y = (const __u32 *)b->addr;

	return a->port == b->port && x[3] == y[3] && x[2] == y[2] && x[1] == y[1] && x[0] == y[0];
}

#endif
