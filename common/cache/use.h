#ifndef FFS_USE_H
#define FFS_USE_H

#include <stdbool.h>
#include <stdint.h>

#include "common/cache/cache.h"
#include "common/cache/served.h"

/* How a program that reads objects uses the cache: what --cache, --max-age and --verify say. */

enum ffs_use_mode {
	FFS_USE_AUTO,    /* read what is there; filling is ffs-cache's */
	FFS_USE_FILL,    /* and keep what had to be read from a store */
	FFS_USE_ONLY,    /* no network at all */
	FFS_USE_BYPASS,  /* neither */
	FFS_USE_REFRESH, /* read everything from the stores, and keep that */
};

enum ffs_use_verify {
	FFS_USE_VERIFY_ONCE, /* in full, at the first hit since it was filled or the machine started
	                      */
	FFS_USE_VERIFY_FULL, /* in full, every time */
	FFS_USE_VERIFY_SAMPLE, /* as once, and one in FFS_USE_SAMPLE of the other hits, by chance */
	FFS_USE_VERIFY_NEVER,
};
#define FFS_USE_SAMPLE 16

struct ffs_use {
	enum ffs_use_mode mode;
	enum ffs_use_verify verify;
	uint64_t max_age_ms;     /* what a store confirmed so long ago needs no new confirmation */
	struct ffs_cache *cache; /* NULL: there is none, or it is of no use */
	const char *endpoint;    /* of the names in it */
	char *trouble;           /* why there is none, a line for the user; or NULL */
	struct ffs_served *served;  /* NULL: nothing is noted */
	char comm[FFS_SERVED_COMM]; /* this program */
};

/* Those options for the table of getopt_long(3), by these values. */
enum ffs_use_opt {
	FFS_USE_OPT_CACHE = 0x1100,
	FFS_USE_OPT_MAX_AGE,
	FFS_USE_OPT_VERIFY,
};

/* Take the option with this value.  0; -ENOENT: it is none of them; -EINVAL: a bad value, and *want
 * is a static text. */
int ffs_use_opt(struct ffs_use *u, int opt, const char *arg, const char **want);

/*
 * Open the cache as the mode wants it: with FILL and REFRESH it is made where it is missing.
 * endpoint (borrowed) is the first node's.  Returns 0, also where there is none and AUTO or BYPASS
 * do without; else -errno and u->trouble.  ffs_use_close() frees the members.
 */
int ffs_use_open(struct ffs_use *u, const char *endpoint);
void ffs_use_close(struct ffs_use *u);

/* Whether cached objects are read, and whether what came from a store is kept. */
bool ffs_use_looks(const struct ffs_use *u);
bool ffs_use_keeps(const struct ffs_use *u);

/* Note a read for statistics: where it was served from, of so many bytes in so many microseconds.
 */
void ffs_use_note(const struct ffs_use *u, const struct ffs_cache_name *n,
    enum ffs_served_from from, uint64_t bytes, uint64_t us);

/* An object's name in the cache.  bucket and key are borrowed. */
struct ffs_cache_name ffs_use_name(const struct ffs_use *u, const char *bucket, const char *key);

/* Does what the cache has need no store to confirm that it is still the current version. */
bool ffs_use_fresh(const struct ffs_use *u, const struct ffs_cache_hit *hit);

/* Shall the bytes of this hit be read and compared before they are given out. */
bool ffs_use_verifies(const struct ffs_use *u, const struct ffs_cache_hit *hit);

#endif
