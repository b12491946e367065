#ifndef FFS_CSV_H
#define FFS_CSV_H

#include <stdbool.h>
#include <stddef.h>

/*
 * Cuts CSV into rows and counts their columns.  What a row is, libcsv decides:
 *
 * - A row ends at LF, CR or CR LF outside quotes, or at the end of the input.
 * - A quote opens a quoted field only at the field's start (spaces and tabs
 *   before it do not count); inside, delimiters and line ends are text.
 * - A row of nothing but spaces and tabs is blank.  libcsv would hide it; here
 *   it is a row of 0 columns, so that every byte belongs to a row.
 * - A byte-order mark before the first row is not part of its first field.
 * - A quote that is open where the input ends is an error; libcsv would let it pass.
 *
 * Rows without a quote never see libcsv: they take a vectorised path that
 * cuts and counts the same (tests/unit/csv.c and tests/fuzz/csv.c compare).
 */
struct ffs_csv;

/* No row may be longer, so that a quote which is never closed cannot eat all memory. */
#define FFS_CSV_ROW_MAX ((size_t)64 << 20)

struct ffs_csv_row {
	size_t len;        /* in bytes, line end included */
	size_t columns;    /* 0: blank */
	size_t lines;      /* line ends in it, CR LF is one: what line numbers advance by */
	const char *field; /* the wanted column without spaces around it, good until the next call;
	                      NULL where the row has none or it is longer than a number would be */
	size_t field_len;
};

/* Is this text a delimiter that datasets may have: one ASCII character, no quote, CR or LF? */
bool ffs_csv_delim_ok(const char *s);

/*
 * delim is any byte but a quote, CR and LF.  column is the one whose text is
 * wanted in each row, from 1, or 0.  NULL with errno.
 */
struct ffs_csv *ffs_csv_new(char delim, unsigned column);
void ffs_csv_free(struct ffs_csv *c);

/*
 * The row at the start of the n bytes at p; eof tells that nothing follows
 * them.  Returns 1 and fills *row; 0 where more bytes are needed: call again
 * with the same bytes (elsewhere if need be) and more behind them (at eof 0 is the end,
 * n is 0 then); -EFBIG for a row over FFS_CSV_ROW_MAX; -EBADMSG for a quote
 * that is open at eof, with row->lines the lines before the one it is on;
 * -ENOMEM.  After an error only ffs_csv_free() is of use.
 */
int ffs_csv_next(struct ffs_csv *c, const char *p, size_t n, bool eof, struct ffs_csv_row *row);

/* Tests only: every row goes through libcsv. */
void ffs_csv_slow(struct ffs_csv *c);

#endif
