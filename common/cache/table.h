#ifndef FFS_TABLE_H
#define FFS_TABLE_H

#include <stdbool.h>
#include <stdint.h>

#include "common/cache/cache.h"
#include "common/cache/mapfile.h"

/*
 * The readers' table: DIR/table, mmapped by every process that uses the cache.  All is written by
 * relaxed atomic operations without any lock, so a slot may be lost or mixed up between two
 * processes: that is a wrong statistic, never a wrong byte.
 */
enum {
	FFS_TABLE_VERSION = 2,
	FFS_TABLE_HEADER = 8192, /* bytes */
	FFS_TABLE_WAYS = 8,      /* slots an object can be in */
	FFS_TABLE_SLOTS = 1 << 18,
	FFS_TABLE_SLOTS_MIN = 1 << 10,
	FFS_TABLE_LAT = 68,
	FFS_TABLE_REFUSALS = 32,
	FFS_SHARDS = 256,
	FFS_SHARD_CONTROL = FFS_SHARDS, /* where control objects are */
};

struct ffs_table_slot {
	uint64_t tag;      /* of the name's hash; 0 free */
	uint64_t last;     /* last read; all times are CLOCK_REALTIME in microseconds */
	uint64_t mark;     /* last read but for those that belong to it (burst) */
	uint64_t interval; /* between the last two marks, 0 unknown */
	uint64_t hits;
	uint64_t bytes;
	uint64_t lat_sum; /* of hits, microseconds */
	uint32_t misses;
	uint32_t visited; /* SIEVE's bit */
};

struct ffs_table_header {
	char magic[8];
	uint32_t version, header_size;
	uint64_t slots;
	/* limits */
	uint64_t size, entries, min_free_pc;
	/* counters since the table was made */
	uint64_t hits, misses, hit_bytes, fills, fill_bytes, evictions, damaged;
	uint64_t refused[FFS_TABLE_REFUSALS];
	uint64_t lat[FFS_TABLE_LAT];
	/* eviction (evict.c) */
	uint64_t known;       /* the shards' counts are no guess */
	uint64_t burst;       /* reads of an object so close together are one */
	uint64_t hand;        /* SIEVE's: the mtime, in ns, of the entry it stands at */
	uint64_t turned;      /* how many it evicted since it began at the oldest */
	uint64_t oldest;      /* no entry that may go was last read before this */
	uint64_t want_bytes;  /* others ask the evictor for so much room, */
	uint64_t want_before; /* by what was last read before this */
	struct ffs_table_shard {
		uint64_t entries, bytes; /* what is there and what is being filled */
	} shards[FFS_SHARDS + 1];
};

struct ffs_table {
	struct ffs_table_header *h; /* NULL: none */
	struct ffs_table_slot *slots;
	size_t len;
	bool writable;
	struct ffs_mapfile file;
};

/* Is this the start of a table, whose file has that size. */
bool ffs_table_ok(const struct ffs_table_header *h, uint64_t file_size);

/*
 * Map DIR/table; where it is missing, damaged or another version's and dir may be written, a fresh
 * one takes its place.  empty: the cache has no entries yet.  0, or -errno: without a table then.
 */
int ffs_table_open(struct ffs_table *t, int dirfd, bool writable, bool empty);
void ffs_table_close(struct ffs_table *t);

/* Is it still the file at its name. */
bool ffs_table_current(const struct ffs_table *t, int dirfd);

/* The slot of a tag, or NULL; with make another may lose his. */
struct ffs_table_slot *ffs_table_slot(struct ffs_table *t, uint64_t tag, bool make);

/* A read of an object at now; hit: us and bytes count. */
void ffs_table_note(
    struct ffs_table *t, uint64_t tag, uint64_t now, bool hit, uint64_t bytes, uint64_t us);

/* What was noted of a tag.  0 or -ENOENT. */
int ffs_table_noted(struct ffs_table *t, uint64_t tag, struct ffs_cache_noted *noted);

/* Which of the 68 latency buckets us is in. */
unsigned ffs_table_bucket(uint64_t us);

/* All data: entries and bytes of the shards. */
void ffs_table_used(const struct ffs_table *t, uint64_t *entries, uint64_t *bytes);
/* Add to a shard; -1 takes one away. */
void ffs_table_count(struct ffs_table *t, unsigned shard, int64_t entries, int64_t bytes);

/* Counters, the histogram and slots back to nothing. */
void ffs_table_reset(struct ffs_table *t);

static inline uint64_t
ffs_table_get(const uint64_t *p)
{
	return __atomic_load_n(p, __ATOMIC_RELAXED);
}

static inline void
ffs_table_set(uint64_t *p, uint64_t v)
{
	__atomic_store_n(p, v, __ATOMIC_RELAXED);
}

static inline void
ffs_table_add(uint64_t *p, uint64_t v)
{
	__atomic_fetch_add(p, v, __ATOMIC_RELAXED);
}

_Static_assert(sizeof(struct ffs_table_slot) == 64, "one cache line");
_Static_assert(sizeof(struct ffs_table_header) <= FFS_TABLE_HEADER, "room for the header");
_Static_assert((int)FFS_CACHE_REFUSALS_N <= (int)FFS_TABLE_REFUSALS, "room for refusals");

#endif
