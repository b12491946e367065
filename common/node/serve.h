#ifndef FFS_SERVE_H
#define FFS_SERVE_H

#include <stdbool.h>

#include "common/node/store.h"

/*
 * The S3 server over a store: libmicrohttpd on epoll threads, which also take the bodies in
 * and send files out; whatever waits for the disk runs on threads of its own.
 */
struct ffs_serve;

struct ffs_serve_opts {
	struct ffs_store *store;
	int listen_fd;                       /* bound and listening; given away */
	const char *access_key, *secret_key; /* NULL: anybody may do anything */
	unsigned max_connections;
	int log_fd; /* a JSON line a request is appended here; -1: none */
};

/* NULL with errno.  Serves from then on. */
struct ffs_serve *ffs_serve_start(const struct ffs_serve_opts *o);

/* Close the connections whose peer has gone: to be called every second or so. */
void ffs_serve_sweep(struct ffs_serve *s);

/*
 * Accept nothing more, wait at most timeout_ms for the requests in flight, and end. A request
 * that is not whole and whose peer has gone is not waited for. Returns how many were cut off.
 */
unsigned ffs_serve_stop(struct ffs_serve *s, unsigned timeout_ms);

#endif
