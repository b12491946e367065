#ifndef FFS_MAPS_H
#define FFS_MAPS_H

#include <stdbool.h>
#include <stdint.h>

#include "bpf/watch.h"

/*
 * The pinned maps of the kernel programs, as those see them who only look: needs no privilege but
 * the right to read the pins, which belong to the invoking user's group.
 */
struct ffs_maps {
	int objects, names, counters, latency, readers, meta; /* descriptors, read only */
	struct ffs_meta loaded;                               /* as it was when opened */
};

#define FFS_MAPS_NONE                                                                              \
	((struct ffs_maps){ .objects = -1,                                                         \
	    .names = -1,                                                                           \
	    .counters = -1,                                                                        \
	    .latency = -1,                                                                         \
	    .readers = -1,                                                                         \
	    .meta = -1 })

/* Where the pins are: $FFS_BPF_DIR, else /run/ffs/bpf, and the ABI's "v1" below.  NULL with errno;
 * free it. */
char *ffs_maps_dir(void);

/*
 * Open the pins below dir (NULL: ffs_maps_dir()).  Returns 0 or -errno: -ENOENT nothing is pinned;
 * -EACCES they are another user's; -ESTALE programs that left them are gone; *why (free it; may be
 * NULL) is a line for the user that says what to start.
 */
int ffs_maps_open(struct ffs_maps *m, const char *dir, char **why);
void ffs_maps_release(struct ffs_maps *m);

/* Are these still the maps that are pinned below dir, and is somebody there to serve them. */
bool ffs_maps_current(const struct ffs_maps *m, const char *dir);

/* What the map meta says now: the programs note there what the kernel refused.  0 or -errno. */
int ffs_maps_meta(const struct ffs_maps *m, struct ffs_meta *now);

/* One object: what the kernel counted, and its name's parts, NUL-terminated (keys may hold NUL:
 * key_len counts). */
struct ffs_maps_object {
	struct ffs_object_id id;
	struct ffs_object_stat stat;
	char bucket[FFS_BUCKET_MAX + 1];
	char key[FFS_KEY_MAX + 1];
	char version[FFS_VERSION_MAX + 1]; /* "" the current one */
	uint16_t key_len;
};

/*
 * Every object, in no order.  Some may come twice or not at all where the kernel adds or removes
 * while this runs.  each() returns 0 to go on, else the walk ends with that value.  Returns that, 0
 * or -errno.
 */
int ffs_maps_each(
    const struct ffs_maps *m, int (*each)(void *arg, const struct ffs_maps_object *o), void *arg);

/* The same without the names, at a third of the cost: for who knows them already. */
int ffs_maps_stats(const struct ffs_maps *m,
    int (*each)(void *arg, const struct ffs_object_id *id, const struct ffs_object_stat *s),
    void *arg);

/* One object by its id; -ENOENT. */
int ffs_maps_object(
    const struct ffs_maps *m, const struct ffs_object_id *id, struct ffs_maps_object *o);

/* Every program that has read from a store; as ffs_maps_each().  comm is NUL-terminated. */
int ffs_maps_readers(const struct ffs_maps *m,
    int (*each)(void *arg, const struct ffs_reader_id *id, const struct ffs_reader_stat *s),
    void *arg);

/* All counters, summed over processors.  0 or -errno. */
int ffs_maps_counters(const struct ffs_maps *m, uint64_t v[FFS_COUNTERS_N]);

/* The names of counters as FFS_COUNTERS gives them, their meaning, and whether they count losses.
 */
const char *ffs_maps_counter_name(enum ffs_counter c);
const char *ffs_maps_counter_text(enum ffs_counter c);
bool ffs_maps_counter_loss(enum ffs_counter c);

/* The histogram of all reads' latencies.  0 or -errno. */
int ffs_maps_latency(const struct ffs_maps *m, uint64_t v[FFS_LAT_BUCKETS]);

/* Where bucket i begins, in microseconds; and which quantile q (0 to 1) of a histogram lies where,
 * interpolated inside its bucket.  0 for an empty one. */
uint64_t ffs_maps_bucket_us(unsigned i);
uint64_t ffs_maps_quantile_us(const uint64_t *v, double q);
uint64_t ffs_maps_quantile32_us(const uint32_t *v, double q);

#endif
