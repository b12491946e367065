#ifndef FFS_READERIMPL_H
#define FFS_READERIMPL_H

#include "common/get/block.h"
#include "common/get/fetch.h"
#include "common/get/flow.h"
#include "common/get/reader.h"
#include "common/get/recent.h"

/*
 * Inside the reader: reader.c asks for objects, readergive.c gives them out in order.
 */

enum {
	RANGE = 8 << 20,
	MEMORY = 40 << 20,  /* all buffers together */
	JOBS_QUEUED = 1024, /* small answers in order, waiting for a slow one */
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
	bool memory;      /* nothing was asked of a store */
	bool follows;     /* the bytes come with an earlier job */
	size_t run, runs; /* only these runs of rows are in block, from run to runs */
	struct ffs_fetch f;
};

struct ffs_reader_part {
	struct ffs_part pub;
	struct ffs_block *block;
	struct ffs_reader_piece *pc;
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

/* Report a failure, which ends the piece. */
void ffs_reader_fail(struct ffs_reader_job *j, int rc, const char *error);

/* Which runs of rows, [*run, *runs), of the job's object hold what is wanted of it, if known. */
bool ffs_reader_find_runs(const struct ffs_reader_job *j, size_t *run, size_t *runs);

uint64_t ffs_reader_now_us(void);

#endif
