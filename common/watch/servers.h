#ifndef FFS_SERVERS_H
#define FFS_SERVERS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "bpf/watch.h"

/*
 * Which processes of this machine and network namespace are stores: they listen at the port of one.
 * What they ask each other is not for the gateway.  Needs root, to look into others.
 */
struct ffs_servers {
	uint32_t pids[FFS_SERVERS_MAX];
	size_t n;
	uint64_t sockets; /* which they listen with, as a sum of hashes */
	int64_t scan_ms;  /* when it is worth to look at all processes again */
};

/* Look again; cheap where nothing has changed.  1: they are others now; 0; -errno. */
int ffs_servers_find(struct ffs_servers *s, const struct ffs_end *stores, size_t n);

#endif
