#ifndef FFS_RECENT_H
#define FFS_RECENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/get/block.h"

/*
 * Objects that were read not long ago, for readers that take many small windows:
 * their bytes while there is room, and for much longer where their rows
 * are, with a checksum for every few rows.  By that a window is later fetched, and checked,
 * without the rest of its object.
 */
struct ffs_recent;

/* Whole rows, about 8 KiB of them; they end where the next ones start. */
struct ffs_recent_rows {
	uint32_t off, row, crc32c;
};

/* One object.  What is not said to be the caller's is only to be read. */
struct ffs_recent_entry {
	struct ffs_block *block;      /* plain bytes, NULL where they had to go */
	struct ffs_recent_rows *rows; /* nrows, and one behind them that ends the last; or NULL */
	size_t nrows;
	unsigned users; /* the caller's: while not 0 the entry stays */
	bool coming;    /* the caller's: its bytes have been asked for */
	/* Its own. */
	struct ffs_recent_entry *chain, *newer, *older;
	uint64_t hash;
	char *id;
};

/* Blocks come from b; of their bytes up to max are kept.  NULL with errno. */
struct ffs_recent *ffs_recent_new(struct ffs_blocks *b, size_t max);
void ffs_recent_free(struct ffs_recent *r);

/* The entry of an object, made if need be and now the most recent.  NULL with errno. */
struct ffs_recent_entry *ffs_recent_get(
    struct ffs_recent *r, const char *bucket, const char *key, const char *etag);

/*
 * These are the entry's bytes: a count of block is taken, and where their rows
 * are is found out, from header_bytes on, with delim between columns.  Returns 0 or -ENOMEM.
 * Bytes that are not CSV are kept without rows.
 */
int ffs_recent_fill(struct ffs_recent *r, struct ffs_recent_entry *e, struct ffs_block *block,
    size_t header_bytes, char delim);

/* Give back the oldest bytes that nobody uses, until n more fit below the blocks' bound. */
void ffs_recent_make_room(struct ffs_recent *r, size_t n);

/*
 * The runs of rows [*first, *end) that hold the rows from first_row to last_row;
 * false where rows are not known or not that many.
 */
bool ffs_recent_find(const struct ffs_recent_entry *e, uint64_t first_row, uint64_t last_row,
    size_t *first, size_t *end);

/* Are the n bytes at p those of the runs [first, end). */
bool ffs_recent_check(
    const struct ffs_recent_entry *e, size_t first, size_t end, const char *p, size_t n);

#endif
