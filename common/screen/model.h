#ifndef FFS_MODEL_H
#define FFS_MODEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "bpf/watch.h"
#include "common/cache/cache.h"
#include "common/cache/served.h"
#include "common/screen/heat.h"
#include "common/screen/programs.h"
#include "common/screen/series.h"

/*
 * What is known of the objects at one time: rows as the kernel counts them, chunks of a dataset
 * where one is looked at, and the states of both.  It reads nothing itself: ffs_feed_read() fills
 * it.
 */

/* What the cache and its readers know of an object. */
struct ffs_model_kept {
	bool asked;                  /* this is known */
	bool cached;                 /* a file of it is there */
	uint64_t hits, hit_us;       /* how often it was read from there, and the mean latency */
	uint64_t from[FFS_SERVED_N]; /* requests for it, by where they were served from */
};

/* One object of the kernel's table. */
struct ffs_model_row {
	struct ffs_object_id id;
	char *bucket, *key; /* one allocation, bucket's; key may hold NUL: */
	size_t key_len;
	bool version;         /* a version of its own, which is never cached */
	const char *endpoint; /* not its own; NULL: no store that is configured */
	size_t chunk;         /* index in chunks, or SIZE_MAX */

	uint64_t reads, heat, heat_ns, bytes, hots, hot_ns, last_ns;
	uint64_t lat_sum_ns, lat_count;
	uint64_t p50_us, p99_us;
	uint32_t uid;
	const char *user; /* its name, not the row's; NULL: it has none */
	char comm[FFS_COMM_LEN + 1];
	enum ffs_heat_state state;
	struct ffs_model_kept kept;
	bool active; /* read since the snapshot before, from a store or from the cache */
	unsigned seen;
	size_t at; /* its place in rows */
};

/* One chunk of the dataset. */
struct ffs_model_chunk {
	char *key;
	enum ffs_heat_state state;
	struct ffs_model_kept kept;
	bool active;
};

enum ffs_model_sort {
	FFS_MODEL_READS,
	FFS_MODEL_BYTES,
	FFS_MODEL_HITS,
	FFS_MODEL_LATENCY,
	FFS_MODEL_NAME,
	FFS_MODEL_AGE,
};

struct ffs_model {
	struct ffs_model_row **rows; /* in key order: bucket, key, server */
	size_t nrows, cap;
	uint32_t *index; /* of rows by id, open addressing; 0 empty, else row + 1 */
	size_t index_n;
	bool reorder; /* rows came or went */
	size_t check_at,
	    check_left; /* whose file in the cache is looked at next, how many are to be */

	char *dataset; /* what is looked at, for a title; NULL: all rows */
	char *chunk_bucket, *chunk_endpoint;
	struct ffs_model_chunk *chunks; /* in the dataset's order */
	size_t nchunks;
	uint32_t *chunk_index; /* by key, as index */
	size_t chunk_index_n;

	size_t unasked;                 /* cells of which it is not known yet if they are cached */
	size_t states[FFS_HEAT_STATES]; /* of chunks where there is a dataset, else of rows */
	uint64_t lat_sum_ns, lat_count; /* of all rows */
	uint64_t now_ns;
	unsigned turn; /* how many snapshots */

	bool gone; /* the programs are not there now: these are their last counts */
	struct ffs_meta meta;
	uint64_t counters[FFS_COUNTERS_N];
	bool have_cache;
	struct ffs_cache_totals cache;
	struct ffs_served_count served; /* of all programs */
	struct ffs_programs programs;
	struct ffs_series series;
};

/* All zeroes is an empty model. */
void ffs_model_release(struct ffs_model *m);

/* Forget objects and history (another load of the programs), but not the dataset. */
void ffs_model_reset(struct ffs_model *m);

/* Look at these chunks; all is copied.  endpoint: under which the cache keeps them.  0 or -ENOMEM.
 */
int ffs_model_dataset(struct ffs_model *m, const char *title, const char *endpoint,
    const char *bucket, const char *const *keys, size_t n);

/* A snapshot begins, at this CLOCK_MONOTONIC. */
void ffs_model_begin(struct ffs_model *m, uint64_t now_ns);

/*
 * An object with its counts, each once or more often; its name is needed where *fresh says so.
 * Returns its row, which is the model's, or NULL without memory.
 */
struct ffs_model_row *ffs_model_see(struct ffs_model *m, const struct ffs_object_id *id,
    const struct ffs_object_stat *stat, bool *fresh);

/* The name of a fresh row.  endpoint must outlive the model.  Returns 0 or -ENOMEM. */
int ffs_model_name(struct ffs_model *m, struct ffs_model_row *row, const char *endpoint,
    const char *bucket, const char *key, size_t key_len, bool version);

/*
 * The snapshot is complete: objects that were not seen in this nor in the last one go, and states
 * follow.  changed: something has happened in the cache, so it is asked about every object, of very
 * many about some each time; else about a few, because files can be removed by anybody.  Returns 0
 * or -ENOMEM.
 */
typedef void ffs_model_ask(void *arg, const struct ffs_cache_name *n, struct ffs_model_kept *k);
int ffs_model_end(struct ffs_model *m, bool changed, ffs_model_ask *ask, void *arg);

/* Cells of the heatmap, in its order: how many, and one of them. */
size_t ffs_model_cells(const struct ffs_model *m);
enum ffs_heat_state ffs_model_cell(const struct ffs_model *m, size_t i, bool *active);

/* Rows by a key, the greatest first (names: the first), into out, which has room for m->nrows. */
void ffs_model_sorted(
    const struct ffs_model *m, enum ffs_model_sort by, const struct ffs_model_row **out);

/* The sum of the counters that count losses. */
uint64_t ffs_model_losses(const struct ffs_model *m);

#endif
