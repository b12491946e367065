#ifndef FFS_FILLERIMPL_H
#define FFS_FILLERIMPL_H

#include <sys/queue.h>
#include <zstd.h>

#include "common/cache/kept.h"
#include "common/follow/filler.h"

/* What common/follow/fill*.c share; nobody else includes this. */

#define FFS_FILLER_BUCKETS 8192
#define FFS_FILLER_REST_MS 20 /* before room is asked for again, */
#define FFS_FILLER_RESTS 150  /* so often */

TAILQ_HEAD(ffs_fill_list, ffs_fill);

/* One wish, from the queue to its event. */
struct ffs_fill {
	struct ffs_filler *f;
	TAILQ_ENTRY(ffs_fill) entry;
	struct ffs_fill_list *list;      /* that it is in */
	struct ffs_fill *chain;          /* of the table */
	struct ffs_filler_want w;        /* strings and a count of src are its own */
	const struct ffs_object *object; /* of src; NULL: nobody knows what its bytes must be */
	size_t first, tried, copies;     /* of the copies: where it begins, how many were asked */
	unsigned rests;
	uint64_t due_us; /* when it has rested */
	bool again;      /* wrong bytes were asked for once more */

	/* The request that is running. */
	size_t node;
	struct ffs_s3 *s3;
	uint64_t id, began_us;
	struct ffs_cache_fill *fill;
	struct ffs_kept *head;    /* the answer's; NULL: no request yet, or of decoded bytes */
	struct ffs_cache_hit hit; /* an entry that may still be right; fd -1: none */
	bool renew;               /* which is asked for anew all the same */
	ZSTD_DCtx *zstd;
	bool whole; /* the decoder stands behind the end of a frame */
	uint64_t plain;
	bool paused;
	bool changed; /* it was written meanwhile */
	int rc;       /* our own reason to end it, with why */
	bool refused, counted;
	enum ffs_cache_refusal why;
	char text[640];
};

struct ffs_filler {
	struct ffs_filler_opts o;
	struct ffs_shelf *shelf;
	unsigned long arrived;
	/* hot and later: to be looked at; waiting: for a manifest; resting: till there is room;
	 * running: a request. */
	struct ffs_fill_list hot, later, waiting, resting, running;
	unsigned nrunning;
	size_t left;
	struct ffs_fill *table[FFS_FILLER_BUCKETS];
	int64_t tokens; /* bytes that may come now */
	uint64_t filled_us;
	char *plain; /* room for decoded bytes */
	bool closing;
};

/* filljob.c: start what is next to do for it; it may be gone then. */
void ffs_fill_start(struct ffs_fill *j);

/* filler.c: */
void ffs_fill_enter(struct ffs_fill *j, struct ffs_fill_list *l);
void ffs_fill_free(struct ffs_fill *j);
/* May n more bytes come now?  If so they are taken from the budget. */
bool ffs_filler_take(struct ffs_filler *f, size_t n);

/* filljob.c: the end; says so and frees it. */
void ffs_fill_end(struct ffs_fill *j, enum ffs_filler_outcome outcome, int rc);
/* The same, refused for this reason. */
void ffs_fill_refuse(struct ffs_fill *j, enum ffs_cache_refusal why, int rc);

#endif
