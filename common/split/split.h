#ifndef FFS_SPLIT_H
#define FFS_SPLIT_H

#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/split/chunkout.h"
#include "common/split/input.h"

/*
 * Cuts one CSV, and the LOBSTER message file beside it, into chunks of whole
 * rows.  Memory: one chunk of each, plus what ffs_input needs to unpack.
 */
struct ffs_split_opts {
	uint64_t rows; /* a chunk, at most; 0: see below */
	uint64_t size; /* bytes of a chunk, at most, unless one row is longer; 0: no limit */
	bool header;   /* the first row is one: every chunk begins with it */
	bool ragged;   /* rows may differ in their columns, blank lines included */
	char delim;
	unsigned time_col; /* column with the times, from 1, or 0 */
};

/*
 * With neither rows nor size a chunk has 1,000 rows.  Where the first 1,000 take
 * less than 1 MiB it is as many thousands as reach that, and so are all chunks
 * after it: rows a chunk are the same in the whole dataset.
 */
#define FFS_SPLIT_ROWS 1000
#define FFS_SPLIT_BYTES ((size_t)1 << 20)

/* No chunk may be larger: it is in memory, here and in ffs-load. */
#define FFS_SPLIT_CHUNK_MAX ((uint64_t)1 << 30)

struct ffs_split_input {
	struct ffs_input *in; /* open, at its first byte */
	const char *label;    /* for messages, fit to be printed */
};

struct ffs_split_job {
	const char *dataset;
	struct ffs_split_input book;
	struct ffs_split_input message;    /* in NULL: none */
	unsigned level;                    /* of the order book, as its name has it; 0: not known */
	const volatile sig_atomic_t *stop; /* -EINTR soon after it is set; may be NULL */
};

struct ffs_split_stats {
	uint64_t rows, chunks, bytes, columns; /* bytes of the input */
};

/*
 * Cut and write one dataset, from ffs_chunkout_begin() to _end().  Adds to *st.
 * Returns 0; -EINVAL for an input that is not as it should be; -ENODATA for one
 * without rows; -EINTR; -EEXIST, -ENOSPC, -EPIPE and others of reading and writing.  On error the
 * n bytes at text hold a line for the user.
 */
int ffs_split_run(const struct ffs_split_job *job, const struct ffs_split_opts *o,
    struct ffs_chunkout *out, struct ffs_split_stats *st, char *text, size_t n);

#endif
