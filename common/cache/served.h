#ifndef FFS_SERVED_H
#define FFS_SERVED_H

#include <stdbool.h>
#include <stdint.h>

#include "common/cache/cache.h"

/*
 * Who was served from where: DIR/served, mmapped like the readers' table, written by the gateway
 * and by ffs-get, read by ffs-hotmon --live, ffs-cache --stat and /metrics.  Relaxed atomics, no
 * lock: a lost slot is a lost statistic.  A handle belongs to one thread at a time; several of a
 * process are as good as several processes.
 */
enum ffs_served_from {
	FFS_SERVED_ORIGIN,
	FFS_SERVED_CHECKED, /* cache, on the origin's 304 */
	FFS_SERVED_CACHE,   /* cache alone */
	FFS_SERVED_STALE,   /* cache, the origin being away */
	FFS_SERVED_N
};

/* "origin", "revalidated", "cache", "stale": as all output calls them. */
const char *ffs_served_name(enum ffs_served_from from);

struct ffs_served;

struct ffs_served_count {
	uint64_t requests[FFS_SERVED_N], bytes[FFS_SERVED_N];
	uint64_t us[FFS_SERVED_N]; /* of all requests together; not of single objects */
	int64_t last_us;           /* the last one, CLOCK_REALTIME; 0 never */
};

enum { FFS_SERVED_COMM = 16 }; /* bytes of a program's name, as the kernel's comm */

/* dir: of the cache, which is there.  NULL with errno; ENOENT: nobody has noted anything. */
struct ffs_served *ffs_served_open(const char *dir, bool writable);
void ffs_served_close(struct ffs_served *s);

/* Is it still the file in the directory. */
bool ffs_served_current(const struct ffs_served *s);

/*
 * A request has been answered: so many bytes of body in so many microseconds.  n NULL: no object
 * (listings, writes); comm NULL or "": unknown program; uid (uint32_t)-1: unknown.  s NULL: nothing
 * is noted.
 */
void ffs_served_note(struct ffs_served *s, const struct ffs_cache_name *n, const char *comm,
    uint32_t uid, enum ffs_served_from from, uint64_t bytes, uint64_t us);

/* All; one object's (-ENOENT). */
void ffs_served_totals(const struct ffs_served *s, struct ffs_served_count *c);
int ffs_served_object(
    const struct ffs_served *s, const struct ffs_cache_name *n, struct ffs_served_count *c);

/* Each program's, in no order, at most FFS_SERVED_PROGRAMS.  comm is as hostile as any program's
 * name.  each() returns 0 to go on, else that is the result. */
enum { FFS_SERVED_PROGRAMS = 512 };
int ffs_served_programs(const struct ffs_served *s,
    int (*each)(void *arg, const char *comm, uint32_t uid, const struct ffs_served_count *c),
    void *arg);

/* Back to nothing. */
void ffs_served_reset(struct ffs_served *s);

#endif
