#ifndef FFS_EXCHANGE_H
#define FFS_EXCHANGE_H

#include <curl/curl.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/s3/http.h"

/*
 * One HTTP request and its response on a pool: what common/s3/s3.c is built on.
 * No retries and no S3 here.  Callbacks run inside ffs_http_run(); they may
 * start, pause and drop exchanges, this one too, but not free the pool.
 */
enum ffs_exchange_state {
	FFS_EXCHANGE_IDLE,
	FFS_EXCHANGE_READY,   /* waits for a connection */
	FFS_EXCHANGE_RUNNING, /* with libcurl */
	FFS_EXCHANGE_WAITING, /* for its time */
};

struct ffs_httpline; /* an easy handle */

struct ffs_exchange {
	/* The caller's; must not change between start and done. */
	const char *method, *url;
	struct curl_slist *fields;
	const void *body;
	size_t body_len;
	bool direct;      /* never through a proxy */
	unsigned *active; /* counts the exchanges with this host that are with libcurl */

	/* A response field.  A new status line (after a 100) is told as an empty name. */
	void (*field)(struct ffs_exchange *x, const char *name, const char *value);
	/* Bytes of the body: 0, -errno to end it, FFS_EXCHANGE_PAUSE: keep them until resumed. */
	int (*data)(struct ffs_exchange *x, const void *p, size_t n);
	/* The end: 0 when a whole response came, else -errno and a text. */
	void (*done)(struct ffs_exchange *x, int rc, const char *why);
	/* Its time has come (ffs_exchange_later). */
	void (*wake)(struct ffs_exchange *x);

	/* Results. */
	int status;
	uint64_t first_byte_us, total_us;
	unsigned connects;

	/* http.c's own. */
	enum ffs_exchange_state state;
	struct ffs_exchange *next, *prev;
	struct ffs_httpline *line;
	uint64_t due_us, sent_us;
};

#define FFS_EXCHANGE_PAUSE 1

/* Begin: at once where a connection is free, else when one is.  Nothing is called before the next
 * ffs_http_run(). */
void ffs_exchange_start(struct ffs_http *h, struct ffs_exchange *x);

/* Call x->wake() after so many milliseconds.  Counts as in flight. */
void ffs_exchange_later(struct ffs_http *h, struct ffs_exchange *x, unsigned ms);

/* Forget it, in any state: no callback comes any more, and body is not read again. */
void ffs_exchange_drop(struct ffs_http *h, struct ffs_exchange *x);

/* Go on after FFS_EXCHANGE_PAUSE. */
void ffs_exchange_resume(struct ffs_http *h, struct ffs_exchange *x);

#endif
