#ifndef FFS_SERIES_H
#define FFS_SERIES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "bpf/watch.h"

#define FFS_SERIES_MAX 1024 /* samples that are remembered */

/* All counts that only grow, at one time. */
struct ffs_series_at {
	uint64_t ns;                      /* CLOCK_MONOTONIC */
	uint64_t reads, read_bytes;       /* from stores, as the kernel counts */
	uint64_t hits, misses, hit_bytes; /* from the cache, as its readers note */
	uint64_t origin[FFS_LAT_BUCKETS]; /* latencies of those reads */
	uint64_t hit[FFS_LAT_BUCKETS];    /* and of those hits */
};

/* What happened between two of them. */
struct ffs_series_sample {
	uint64_t ns, dt_ns; /* its end, how long */
	uint64_t reads, read_bytes, hits, misses, hit_bytes;
	uint64_t origin_us, hit_us; /* medians; 0: there was none */
};

/* The last samples.  All zeroes is an empty one. */
struct ffs_series {
	struct ffs_series_sample v[FFS_SERIES_MAX];
	size_t n, next; /* how many, and where the next goes */
	bool begun;
	struct ffs_series_at last;
};

/* Take the difference to the last.  Counts that went back (another load, a new cache) begin anew.
 */
void ffs_series_add(struct ffs_series *s, const struct ffs_series_at *at);

/* The sample that is this many back, 0 the newest; NULL where there is none. */
const struct ffs_series_sample *ffs_series_back(const struct ffs_series *s, size_t back);

/* A second's worth, over the last samples that make up ms milliseconds. */
struct ffs_series_rates {
	double reads, read_bytes, hits, misses, hit_bytes;
};
void ffs_series_rates(const struct ffs_series *s, unsigned ms, struct ffs_series_rates *r);

#endif
