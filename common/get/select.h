#ifndef FFS_SELECT_H
#define FFS_SELECT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/base/dtime.h"
#include "common/dataset/manifest.h"

/*
 * Which part of which datasets is to be read.  Chunks, rows and times narrow
 * each other: what is read is in all that were given.
 */
struct ffs_select {
	char *name;          /* dataset, or a pattern with *, ? or [ */
	uint64_t generation; /* 0: the published one */
	bool by_chunks, by_rows;
	uint64_t chunk_first, chunk_last; /* from 0, inclusive; UINT64_MAX: to the end */
	uint64_t row_first, row_last;
	bool has_from, has_to;
	struct ffs_dtime from, to; /* rows with from <= t < to */
	bool message;              /* the message file instead of the data */
};

/* A chunk's share of a selection. */
struct ffs_slice {
	bool whole;           /* the object as it is */
	uint64_t first, last; /* rows of the chunk, from 0, inclusive; last < first: none */
	bool by_time;         /* and of those only the ones inside the selection's times */
};

/*
 * Set s->name and s->generation from "DATASET", "DATASET@GEN" or a pattern.
 * Returns 0, -EINVAL or -ENOMEM.  ffs_select_release() frees the name.
 */
int ffs_select_parse_name(struct ffs_select *s, const char *arg);

/* "A-B", "A" or "A-".  Return 0 or -EINVAL. */
int ffs_select_parse_chunks(struct ffs_select *s, const char *arg);
int ffs_select_parse_rows(struct ffs_select *s, const char *arg);

/* "A..B", "A.." or "..B", each a number or a time of day.  Returns 0 or -EINVAL. */
int ffs_select_parse_time(struct ffs_select *s, const char *arg);

/* These three as options for the table of getopt_long(3), by these values. */
enum ffs_select_opt {
	FFS_SELECT_OPT_CHUNKS = 0x1200,
	FFS_SELECT_OPT_ROWS,
	FFS_SELECT_OPT_TIME,
};

/* Take the option with this value.  0; -ENOENT: it is none of them; -EINVAL: a bad value, and *want
 * is a static text. */
int ffs_select_opt(struct ffs_select *s, int opt, const char *arg, const char **want);

/*
 * One line of ffs-get --batch, cut in place at its blanks: "DATASET", then any
 * of "chunks A-B", "rows A-B", "time A..B" once each, and "message".  s holds the
 * defaults; its name must be NULL.  Returns 0; -ENOMEM; -EINVAL with *detail,
 * a static text.
 */
int ffs_select_parse_line(struct ffs_select *s, char *line, const char **detail);

void ffs_select_release(struct ffs_select *s);

/* Does this name need a listing: does it hold *, ? or [. */
bool ffs_select_is_pattern(const char *name);

/*
 * The chunks [*first, *end) that hold any of it; none gives *first == *end.
 * Returns 0; -ENODATA where times or messages are asked of a dataset without;
 * -ERANGE for rows or chunks that it does not have.  On error *detail is a static text.
 */
int ffs_select_span(const struct ffs_select *s, const struct ffs_manifest *m, size_t *first,
    size_t *end, const char **detail);

/* What to take of chunk i of that span. */
void ffs_select_slice(
    const struct ffs_select *s, const struct ffs_manifest *m, size_t i, struct ffs_slice *out);

#endif
