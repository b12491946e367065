/* SPDX-License-Identifier: MIT */
#ifndef FFS_TLS_ABI_H
#define FFS_TLS_ABI_H

#include <linux/types.h>

/*
 * What the programs at OpenSSL's functions (tls.bpf.c) tell, and what takes it apart (tls.bpf.h).
 * The former may not touch the map of objects, which has a lock, so each call of interest becomes a
 * record of a ring, and root's half of ffs-hotmon has the kernel run the latter for it, as if the
 * record were a packet.
 */

/* Which function; FFS_TLS_LEAVE is added where it returns. */
enum ffs_tls_call {
	FFS_TLS_NONE,
	FFS_TLS_WRITE,
	FFS_TLS_READ,
	FFS_TLS_WRITE_EX,
	FFS_TLS_READ_EX,
	FFS_TLS_HANDSHAKE,
	FFS_TLS_FREE,
	FFS_TLS_CALLS,
};
#define FFS_TLS_LEAVE 16

enum ffs_tls_type {
	FFS_TLS_SENT = 1, /* by the program */
	FFS_TLS_RECEIVED,
	FFS_TLS_END,
};

enum ffs_tls_flag {
	FFS_TLS_MIDSTREAM = 1, /* its handshake was not seen */
};

/* test_run of kernels before 6.19 takes less than a page, all in all. */
#define FFS_TLS_DATA 3456

struct ffs_tls_record {
	__u8 ether[12]; /* test_run wants a frame: 0 */
	__u16 proto;    /* 0 */
	__u16 port;     /* the server's, in host order */
	__u64 conn;     /* its number */
	__u64 ns;       /* CLOCK_MONOTONIC: the call, of what was received its return */
	__u64 sent;     /* bytes before these */
	__u64 received;
	__u64 cookie; /* of the socket */
	__u8 server[16];
	__u32 type;
	__u32 flags;
	__u32 n;    /* bytes of the call */
	__u32 have; /* of them, in data */
	__u32 uid;
	__u32 pad;
	char comm[16];
};

/* What need not be told of a connection, as long as it is where it was: bytes that were sent, and
 * received. */
struct ffs_tls_quiet {
	__u64 sent, received;
	__u64 until;   /* received: nothing is of interest before this */
	__u32 body;    /* what is sent is, until an answer comes */
	__u32 nothing; /* is of interest, ever */
};

_Static_assert(sizeof(struct ffs_tls_record) == 112, "shared layout");
_Static_assert(sizeof(struct ffs_tls_quiet) == 32, "shared layout");

#endif
