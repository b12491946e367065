#ifndef FFS_OUTPUT_H
#define FFS_OUTPUT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/cache/cache.h"
#include "common/get/cut.h"

/*
 * Writes verified bytes in order.  Where somebody reads them (a pipe, a
 * terminal, a socket) a thread does, so that a slow reader of ours never stalls
 * a connection to a store; it shares nothing with its maker but the queue of
 * parts on the way there and the one on the way back.  Files are written at once.
 */
struct ffs_output;

/* Some bytes of one object.  The maker's again when ffs_output_pop() gives it back. */
struct ffs_part {
	struct ffs_part *next;
	const char *p;
	uint64_t n;
	/* Instead of p: n bytes of this file, from off on, whose rows are all wanted. */
	const struct ffs_cache_hit *file;
	uint64_t off;
	bool calm; /* its maker has nothing else to do meanwhile */
	/* The output's: what moving them took, but for waiting; and 0 or why they were not. */
	uint64_t us;
	int rc;
	bool first, last;    /* of its object; both where it comes in one piece */
	const char *dataset; /* for messages, with the number of the line that asked, or 0 */
	uint64_t line;
	/* Set in an object's first part: */
	struct ffs_cut_spec cut; /* which rows of it to write */
	size_t header_bytes;     /* it starts with a header row that long */
	bool header_known;       /* the header is that of an earlier object */
	const char *name;        /* below the directory, where there is one */
	/* Instead of bytes: the object that was begun will not be finished. */
	bool broken;
};

struct ffs_output_opts {
	int fd;          /* where to write, not closed; -1 with dir */
	const char *dir; /* NULL, or one file for each object below it */
	bool link;       /* make those that come from files other names of these, if possible */
	bool sync;       /* fsync those files */
	bool may_block; /* a part that says so may be written by its maker, who waits for the reader
	                 */
	/* Called in the thread when a part is ready for ffs_output_pop() and its maker waits. */
	void (*wake)(void *arg);
	void *arg;
};

/* NULL with errno. */
struct ffs_output *ffs_output_new(const struct ffs_output_opts *o);

/* Hand a part over.  Waits for no reader, but for a calm part's. */
void ffs_output_push(struct ffs_output *out, struct ffs_part *part);

/*
 * The parts that are done with, a list by next, or NULL.  With wait set the next
 * one calls wake().
 */
struct ffs_part *ffs_output_pop(struct ffs_output *out, bool wait);

/*
 * 0, or the -errno that ended writing (-EPIPE: nobody reads any more; -EBADMSG:
 * the bytes are not what their manifest says); later parts are only given back.
 * *detail (may be NULL) says more, or is "", good until ffs_output_free().
 */
int ffs_output_error(struct ffs_output *out, const char **detail);

/* Bytes written so far. */
uint64_t ffs_output_bytes(struct ffs_output *out);

/* Nothing more will be pushed: the thread ends when all is written. */
void ffs_output_end(struct ffs_output *out);

/* Wait so long for that.  -EAGAIN: not yet; else as ffs_output_error(). */
int ffs_output_join(struct ffs_output *out, unsigned ms);

/* End the thread after a write in progress; what is not written yet is forgotten. */
void ffs_output_stop(struct ffs_output *out);

/* Stops it first.  Parts that were not popped are the maker's still.  NULL is fine. */
void ffs_output_free(struct ffs_output *out);

#endif
