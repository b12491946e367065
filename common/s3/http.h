#ifndef FFS_HTTP_H
#define FFS_HTTP_H

#include <signal.h>
#include <stdbool.h>

/*
 * One pool of HTTP connections (a libcurl multi handle) for all stores that a
 * thread talks to.  Requests are made through common/s3/s3.h.
 */
struct ffs_http;

#define FFS_HTTP_TIMEOUT_MAX 86400000 /* ms, of the two variables below */

struct ffs_http_opts {
	unsigned max_connections; /* per host, 0: 64 */
	unsigned connect_ms;      /* 0: FFS_CONNECT_TIMEOUT, else 5000 */
	unsigned stall_ms; /* no byte for so long is a time-out; 0: FFS_STALL_TIMEOUT, else 30000 */
	bool verbose;      /* libcurl's own trace on stderr, without credentials */
	/* Told of each socket before it is connected, and before it is closed; may be NULL. */
	void (*opened)(void *arg, int fd);
	void (*closing)(void *arg, int fd);
	void *socket_arg;
};

/* NULL with errno.  o may be NULL. */
struct ffs_http *ffs_http_new(const struct ffs_http_opts *o);

/* All stores on it must be freed first. */
void ffs_http_free(struct ffs_http *h);

/*
 * Move all transfers on, call their callbacks, and wait at most timeout_ms for
 * something to happen (0: do not wait).  Returns how many requests are in flight,
 * those waiting for a retry included, or -errno.
 */
int ffs_http_run(struct ffs_http *h, int timeout_ms);

/*
 * Another descriptor that ffs_http_run() waits for from now on, whether requests are in flight or
 * not: as often as it is readable ready() is called, which may start requests, and the wait ends.
 * One at a time; fd -1: none any more (before it is closed).  Returns 0 or -errno.
 */
int ffs_http_watch(struct ffs_http *h, int fd, void (*ready)(void *arg), void *arg);

/*
 * From now on what waits for one request (ffs_s3_perform(), _get(), _list()) ends with -EINTR
 * soon after *stop is set.  NULL: never, as at first.
 */
void ffs_http_stop_on(struct ffs_http *h, const volatile sig_atomic_t *stop);
bool ffs_http_stopped(const struct ffs_http *h);

/* Ends a wait in ffs_http_run(); the only call that is safe from another thread or a signal
 * handler's flag loop. */
void ffs_http_wakeup(struct ffs_http *h);

#endif
