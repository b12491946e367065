#ifndef FFS_SERVED_H
#define FFS_SERVED_H

#include <stdbool.h>
#include <stdint.h>

#include "common/cache/cache.h"

/*
 * Who was served from where: DIR/served, mmapped like the readers' table, written by the gateway
 * (and whoever else answers from the cache), read by ffs-hotmon --live, ffs-cache --stat and
 * /metrics.  Relaxed atomics, no lock: a lost slot is a lost statistic.
 */
enum ffs_served_from {
	FFS_SERVED_ORIGIN,
	FFS_SERVED_CHECKED, /* cache, on the origin's 304 */
	FFS_SERVED_CACHE,   /* cache alone */
	FFS_SERVED_STALE,   /* cache, the origin being away */
	FFS_SERVED_N
};

struct ffs_served;

struct ffs_served_count {
	uint64_t requests[FFS_SERVED_N], bytes[FFS_SERVED_N];
};

/* NULL with errno. */
struct ffs_served *ffs_served_open(const char *dir, bool writable);
void ffs_served_close(struct ffs_served *s);

/* n NULL: no object (listings, writes); comm NULL or "": unknown program. */
void ffs_served_note(struct ffs_served *s, const struct ffs_cache_name *n, const char *comm,
    uint32_t uid, enum ffs_served_from from, uint64_t bytes, uint64_t us);

/* All; one object's (-ENOENT); each program's. */
void ffs_served_totals(const struct ffs_served *s, struct ffs_served_count *c);
int ffs_served_object(
    const struct ffs_served *s, const struct ffs_cache_name *n, struct ffs_served_count *c);
int ffs_served_programs(const struct ffs_served *s,
    int (*each)(void *arg, const char *comm, uint32_t uid, const struct ffs_served_count *c),
    void *arg);

#endif
