#ifndef FFS_READERIMPL_H
#define FFS_READERIMPL_H

#include "common/get/block.h"
#include "common/get/checker.h"
#include "common/get/fetch.h"
#include "common/get/flow.h"
#include "common/get/hit.h"
#include "common/get/reader.h"
#include "common/get/recent.h"

/*
 * Inside the reader: reader.c asks for objects, readercache.c asks the cache first and keeps in it
 * what came from elsewhere, readergive.c gives them out in order.
 */

enum {
	RANGE = 8 << 20,
	MEMORY = 40 << 20,  /* all buffers together */
	JOBS_QUEUED = 1024, /* small answers in order, waiting for a slow one */
	OPEN_MAX_HITS = 64, /* files of the cache */
	WAIT_MS = 100,
};

/* A piece in work, shared by its jobs and the parts that are being written. */
struct ffs_reader_piece {
	struct ffs_piece p;
	struct ffs_reader *r;
	unsigned refs;
	/* What is still to be asked for. */
	bool scanning; /* its message, for the times */
	bool probing;  /* size and ETag are on their way */
	uint64_t next;
	/* Of the cache: */
	const struct ffs_object *asked; /* it has been asked for this one: here it is, or NULL */
	struct ffs_hit *hit;
	bool refill;                 /* what it had was wrong: it gets what is right */
	struct ffs_cache_fill *fill; /* of a large object */
	bool aside;                  /* which is not given out before it is there, to be linked */
	/* What is being given out, in order. */
	bool failed, begun;
	bool unscanned; /* which rows it is about is not known yet */
	struct ffs_cut scan;
	struct ffs_flow flow;
	uint64_t sent_us, first_us; /* of a large object's first request */
};

/* One object or a range of it: a request, or bytes that are still in memory. */
struct ffs_reader_job {
	struct ffs_reader_job *next;
	struct ffs_reader_piece *pc;
	struct ffs_object *object;
	bool scan;        /* rows of a message are looked for, nothing is given out */
	bool whole, last; /* of the object */
	bool done;
	struct ffs_block *block, *plain;
	/* With ffs_reader_opts.keep: */
	struct ffs_recent_entry *entry;
	bool memory;         /* nothing was asked of a store */
	bool follows;        /* the bytes come with an earlier job */
	struct ffs_hit *hit; /* it comes from the cache */
	bool send;           /* all of it from there, unchanged: it needs no block */
	bool checking;       /* r->checker has it */
	bool nothing;        /* there is nothing to give out: it only asked for news */
	size_t run, runs;    /* only these runs of rows are in block, from run to runs */
	struct ffs_fetch f;
};

struct ffs_reader_part {
	struct ffs_part pub;
	struct ffs_block *block;
	struct ffs_reader_piece *pc;
	struct ffs_hit *hit; /* with pub.file */
	bool news;           /* that it was there has not been told yet */
	const struct ffs_object *object;
};

struct ffs_reader {
	struct ffs_reader_opts o;
	struct ffs_output *out;
	int event; /* the output has given something back */
	struct ffs_blocks blocks;
	struct ffs_recent *recent;    /* NULL: nothing is kept */
	struct ffs_reader_piece *cur; /* whose jobs are being made */
	struct ffs_reader_job *head, **tail;
	struct ffs_reader_job *unstarted; /* the first in the queue that was not sent */
	size_t queued, flight, ready, parts;
	size_t open;                 /* files of the cache that jobs and parts hold */
	struct ffs_checker *checker; /* of small ones; NULL: not yet needed */
	size_t checks;               /* that it has */
	bool busy; /* one of them is being checked, which goes on in the next turn */
	bool ended, hungry, starved; /* no more pieces; no line yet; no memory */
	int rc;                      /* ended by a failure */
	int end_rc;                  /* of next(), for when all before it is written */
};

/* Drops one count; the last frees.  NULL is fine. */
void ffs_reader_piece_put(struct ffs_reader_piece *pc);

/*
 * Hand the job's bytes to the output, or look for rows in them.  0; -EAGAIN:
 * again when memory came back; a failure was reported and ends the piece.
 */
int ffs_reader_give(struct ffs_reader_job *j);

/* Ask a store for a job that is in the queue. */
void ffs_reader_restart(struct ffs_reader_job *j);

/* Report a failure, which ends the piece. */
void ffs_reader_fail(struct ffs_reader_job *j, int rc, const char *error);

/* Was a part that comes from a file written: say so. */
void ffs_reader_sent(const struct ffs_reader_part *part);

/* Keep the job's block, and where its rows are, for those who may ask for it again. */
int ffs_reader_remember(struct ffs_reader_job *j);

/* Which runs of rows, [*run, *runs), of the job's object hold what is wanted of it, if known. */
bool ffs_reader_find_runs(const struct ffs_reader_job *j, size_t *run, size_t *runs);

/* --- readercache.c --- */

/*
 * Whether the job's bytes are in the cache, and which they are then.  0; -EAGAIN: later, for
 * there are some to be checked first.
 */
int ffs_reader_look(struct ffs_reader_job *j);

/* Take what was compared meanwhile; with help compare one, if there is.  Was there anything. */
bool ffs_reader_checked(struct ffs_reader *r, bool help);

/* A job is given up: so is comparing its hit. */
void ffs_reader_uncheck(struct ffs_reader_job *j);

/* Take or drop a job's count of a hit. */
void ffs_reader_hold(struct ffs_reader_job *j, struct ffs_hit *h);
void ffs_reader_drop(struct ffs_reader *r, struct ffs_hit *h);

/*
 * Read the job's bytes from the cache: 0, and it is done, j->f.rc says how; -ENOMEM; -ESTALE: they
 * are not right any more, the store has to be asked.
 */
int ffs_reader_read(struct ffs_reader_job *j);

/* What the store said to a question for a newer version than the cache's. */
void ffs_reader_news(struct ffs_reader_job *j);

/* Room for the head of the job's answer, where that will be kept; NULL: it will not. */
struct ffs_kept *ffs_reader_head(const struct ffs_reader_job *j);

/* Keep the job's whole, plain object, or, piece by piece and in order, a large one. */
void ffs_reader_keep(struct ffs_reader_job *j);
void ffs_reader_keep_begin(struct ffs_reader_job *j);
bool ffs_reader_kept(struct ffs_reader_job *j); /* and may be linked now: the job's hit is set */
void ffs_reader_keep_more(struct ffs_reader_piece *pc, const struct ffs_block *block, bool last);

#endif
