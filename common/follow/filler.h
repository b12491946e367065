#ifndef FFS_FILLER_H
#define FFS_FILLER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/cache/cache.h"
#include "common/follow/fillopts.h"
#include "common/follow/shelf.h"
#include "common/s3/stores.h"

/*
 * Brings objects from the stores into the cache: each once at a time, a bounded number and rate at
 * once.  What a dataset's manifest names is checked against that, and kept plain where it is
 * stored compressed; anything else is checked against the store's checksum and length.  Bytes and
 * ETag of an entry always come from one response.
 */
struct ffs_filler;

enum ffs_filler_outcome {
	FFS_FILLER_FILLED,
	FFS_FILLER_PRESENT, /* it was there, and is what the store has */
	FFS_FILLER_REFUSED, /* and counted: see why */
};

struct ffs_filler_event {
	enum ffs_filler_outcome outcome;
	enum ffs_cache_refusal why;
	const struct ffs_node *node; /* whose store gave it, or was asked */
	const char *bucket, *key;
	uint64_t bytes;   /* that were kept */
	uint64_t us;      /* from the request to the file */
	uint64_t hot_us;  /* from the HOT event to the file; 0: there was none */
	int rc;           /* refused: -errno, 0 where it is only not wanted; */
	const char *text; /* and a line for the user, never NULL */
	void *tag;        /* of the wish */
};

struct ffs_filler_opts {
	struct ffs_stores *stores;
	struct ffs_cache *cache;
	const struct ffs_fillopts *how;
	uint64_t asked_us; /* CLOCK_MONOTONIC, when somebody asked for all this by name; 0: nobody
	                      did */
	/* What has become of a wish; may add others. */
	void (*event)(void *arg, const struct ffs_filler_event *e);
	void *arg;
};

/* o is copied, what it points to lives longer.  NULL with errno. */
struct ffs_filler *ffs_filler_new(const struct ffs_filler_opts *o);
/* Abandons what is running, without events; before the stores are released. */
void ffs_filler_free(struct ffs_filler *f);

/* What is to be in the cache.  Strings are copied. */
struct ffs_filler_want {
	size_t node; /* whose store is asked first; SIZE_MAX: any that has it */
	const char *bucket, *key;
	uint64_t size;          /* as far as is known, 0: not */
	uint64_t hot_ns;        /* CLOCK_MONOTONIC of its HOT event, 0: none */
	uint64_t interval_us;   /* between its last two reads, 0: unknown, */
	uint64_t read_ns;       /* of which the last was then, CLOCK_MONOTONIC */
	bool hot;               /* somebody reads it: goes first, and --readahead goes on from it */
	bool keep;              /* an entry that is there is right, whatever its ETag: ask nobody */
	struct ffs_source *src; /* where it is known already: the dataset, and in it */
	size_t chunk;
	bool message;
	void *tag;
};

/* Returns 0; 1 where it is being done, or was refused at once (an event said why); -errno. */
int ffs_filler_add(struct ffs_filler *f, const struct ffs_filler_want *w);

/* It was written: abandon its fill, or all of a bucket for key NULL (refused as changed). */
void ffs_filler_changed(struct ffs_filler *f, const char *bucket, const char *key);

/* Work, waiting at most so long for something to happen.  How many wishes are left, or -errno. */
int ffs_filler_run(struct ffs_filler *f, int timeout_ms);

/* Wishes that are not done.  They take memory: whoever can come back later stops at so many. */
#define FFS_FILLER_MANY 8192
size_t ffs_filler_left(const struct ffs_filler *f);

/* The name by which the cache knows an object, whichever node has it. */
struct ffs_cache_name ffs_filler_name(
    const struct ffs_stores *st, const char *bucket, const char *key);

#endif
