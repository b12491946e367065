#ifndef FFS_CUT_H
#define FFS_CUT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/base/buf.h"
#include "common/base/csv.h"
#include "common/base/dtime.h"

/* Which rows of an object are wanted. */
struct ffs_cut_spec {
	bool whole;            /* all bytes; the members below do not count */
	uint64_t base;         /* number of the first row that will be fed */
	uint64_t first, last;  /* inclusive; UINT64_MAX: to the end; last < first: none */
	char delim;            /* between columns */
	unsigned time_col;     /* 0: any time; else the 1-based column of the time */
	bool has_from, has_to; /* rows with from <= t < to */
	struct ffs_dtime from, to;
};

/* Finds rows in a stream of CSV, by number and by a time that never runs backwards. */
struct ffs_cut {
	struct ffs_cut_spec spec;
	struct ffs_csv *csv;
	uint64_t row;            /* that the next byte starts or goes on with */
	uint64_t found, found_n; /* the first row given, and how many */
	bool over;               /* no later row is wanted */
	struct ffs_buf carry;    /* a row whose end has not come yet */
};

/* Ready for row spec->base.  Returns 0 or -ENOMEM.  ffs_cut_release() frees, also a zeroed one. */
int ffs_cut_init(struct ffs_cut *c, const struct ffs_cut_spec *spec);
void ffs_cut_release(struct ffs_cut *c);

/*
 * Take n more bytes; those wanted go to emit (NULL: rows are only found).
 * With eof these are the last ones.  Returns 0; -errno of emit; -EBADMSG where a wanted row
 * is missing, a time is none, a quote is never closed, or a row is over FFS_CSV_ROW_MAX; -ENOMEM.
 */
int ffs_cut_feed(struct ffs_cut *c, const char *p, size_t n, bool eof,
    int (*emit)(void *arg, const char *p, size_t n), void *arg);

#endif
