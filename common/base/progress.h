#ifndef FFS_PROGRESS_H
#define FFS_PROGRESS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

/* How far a transfer is: one line redrawn on a terminal, or a line every 2 s. */

enum ffs_progress_mode {
	FFS_PROGRESS_NONE,
	FFS_PROGRESS_LINE,
	FFS_PROGRESS_SCREEN,
};

struct ffs_progress {
	enum ffs_progress_mode mode;
	FILE *f;
	int64_t began, shown; /* ffs_clock_ms() */
	bool drawn;           /* a line is on the screen */
};

/* How far it is.  Totals are 0 where they are not known. */
struct ffs_progress_at {
	uint64_t chunks, total_chunks, bytes, total_bytes;
	uint64_t had; /* of bytes: there before it started, and so no part of the speed */
};

/*
 * What --progress takes: auto (the screen where there is one to draw on, else nothing), line, none.
 * Returns 0 or -EINVAL.
 */
int ffs_progress_parse(const char *s, bool screen, enum ffs_progress_mode *mode);

/* The clock starts; what there is to see goes to f. */
void ffs_progress_start(struct ffs_progress *p, enum ffs_progress_mode mode, FILE *f);

/* Write it, unless it is too early for another. */
void ffs_progress_draw(struct ffs_progress *p, const struct ffs_progress_at *at);

/* Take the line off the screen, where there is one, before another text. */
void ffs_progress_clear(struct ffs_progress *p);

#endif
