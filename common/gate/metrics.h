#ifndef FFS_METRICS_H
#define FFS_METRICS_H

#include <stdbool.h>
#include <stdint.h>

#include "common/base/buf.h"
#include "common/gate/count.h"

/*
 * /metrics in Prometheus' text format 0.0.4 and /healthz, by libmicrohttpd in a thread of its own,
 * so that they answer also when the loop does not.
 */
struct ffs_metrics;

struct ffs_metrics_opts {
	const char *listen;            /* "127.0.0.1:9010", "[::1]:0" */
	const struct ffs_count *count; /* of the gateway */
	const char *cache;             /* the cache's directory, NULL: none */
	const char *pins;              /* of ffs-hotmon's maps, NULL: ffs_maps_dir() */
};

/* Listen and answer.  o's strings and count live longer.  NULL with errno: EINVAL, EADDRINUSE,
 * EADDRNOTAVAIL, EACCES; *why (free it) is a line for the user. */
struct ffs_metrics *ffs_metrics_new(const struct ffs_metrics_opts *o, char **why);
void ffs_metrics_free(struct ffs_metrics *m);

/* "http://127.0.0.1:9010" */
const char *ffs_metrics_url(const struct ffs_metrics *m);

/* What /metrics answers now, and /healthz: NULL well, else what is wrong. */
void ffs_metrics_text(struct ffs_buf *b, const struct ffs_metrics_opts *o);
const char *ffs_metrics_ill(const struct ffs_count *c, uint64_t now_ms);

#endif
