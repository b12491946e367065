#ifndef FFS_COUNT_H
#define FFS_COUNT_H

#include <stdbool.h>
#include <stdint.h>

#include "common/cache/served.h"

/*
 * What the gateway has done since it began: the loop's thread counts, /metrics reads (metrics.h).
 * All zeroes is the beginning.  Relaxed atomics: each number is right, two of them need not be of
 * one moment.
 */
enum {
	FFS_COUNT_OWN = FFS_SERVED_N, /* the gateway itself answered: an error, 100 aside */
	FFS_COUNT_FROM_N,
	FFS_COUNT_LAT = 16, /* bounds of the histogram, and "+Inf" after them */
};

enum ffs_count_method {
	FFS_COUNT_GET,
	FFS_COUNT_HEAD,
	FFS_COUNT_PUT,
	FFS_COUNT_POST,
	FFS_COUNT_DELETE,
	FFS_COUNT_OTHER,
	FFS_COUNT_METHODS
};

/* One number each, as X(name, what /metrics says of it); "now" are gauges. */
#define FFS_COUNT_TOTALS(X)                                                                        \
	X(client_connections, "Connections of clients that were accepted.")                        \
	X(client_connections_refused, "Connections of clients closed at once: too many.")          \
	X(client_connections_redirected, "Of these, sent here by the kernel's redirect.")          \
	X(client_aborts, "Answers that a client did not wait for.")                                \
	X(origin_connections, "Connections that were opened to origins.")                          \
	X(origin_connections_reused, "Requests sent over a connection kept from before.")          \
	X(origin_connections_failed, "Origins that could not be reached.")                         \
	X(origin_retries, "Requests repeated because a kept connection had died.")                 \
	X(flights, "Objects that were kept while they streamed.")                                  \
	X(flights_joined, "Requests that were served by the flight of another.")                   \
	X(flights_lost, "Flights that went on without being kept (full disk, abort).")             \
	X(invalidations, "Entries dropped because of a write that passed.")                        \
	X(damaged, "Entries whose bytes were wrong.")

#define FFS_COUNT_NOWS(X)                                                                          \
	X(client_connections_active, "Connections of clients now.")                                \
	X(origin_connections_active, "Connections to origins now, idle ones too.")                 \
	X(requests_active, "Requests under way.")                                                  \
	X(flights_active, "Objects on their way into the cache.")                                  \
	X(redirect, "1 while the kernel sends connections here.")

struct ffs_count {
#define FFS_COUNT_MEMBER(name, text) uint64_t name;
	FFS_COUNT_TOTALS(FFS_COUNT_MEMBER)
	FFS_COUNT_NOWS(FFS_COUNT_MEMBER)
#undef FFS_COUNT_MEMBER
	/* by ffs_count_request(): codes 1xx to 5xx */
	uint64_t requests[FFS_COUNT_FROM_N][FFS_COUNT_METHODS][6];
	uint64_t bytes[FFS_COUNT_FROM_N]; /* of bodies, to clients */
	uint64_t received;                /* of bodies, from clients: ffs_count_add() */
	uint64_t lat[FFS_COUNT_FROM_N][FFS_COUNT_LAT + 1], lat_us[FFS_COUNT_FROM_N];
	uint64_t beat_ms; /* CLOCK_MONOTONIC, by ffs_count_beat() */
	uint64_t accepts; /* 1: it takes new connections */
};

static inline uint64_t
ffs_count_get(const uint64_t *p)
{
	return __atomic_load_n(p, __ATOMIC_RELAXED);
}

static inline void
ffs_count_set(uint64_t *p, uint64_t v)
{
	__atomic_store_n(p, v, __ATOMIC_RELAXED);
}

/* -1 for a gauge that falls. */
static inline void
ffs_count_add(uint64_t *p, int64_t v)
{
	__atomic_fetch_add(p, (uint64_t)v, __ATOMIC_RELAXED);
}

/*
 * An answer has been given, or given up: from is an enum ffs_served_from or FFS_COUNT_OWN; method
 * as the client wrote it, of n bytes; status as he got it (0: none, counted as 5xx); bytes of its
 * body; us from the request's first byte to the answer's last.
 */
void ffs_count_request(struct ffs_count *c, unsigned from, const char *method, unsigned n,
    int status, uint64_t bytes, uint64_t us);

/* The histogram's bounds, in microseconds. */
extern const uint64_t ffs_count_bounds[FFS_COUNT_LAT];

/* The loop is alive: at least once a second.  accepts: it takes new connections. */
void ffs_count_beat(struct ffs_count *c, bool accepts);
#define FFS_COUNT_BEAT_MS 5000 /* so long after the last one /healthz says 503 */

#endif
