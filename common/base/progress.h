#ifndef FFS_PROGRESS_H
#define FFS_PROGRESS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* How far a transfer is: one line redrawn on a terminal, or a line every 2 s. */

enum ffs_progress_mode {
	FFS_PROGRESS_NONE,
	FFS_PROGRESS_LINE,
	FFS_PROGRESS_SCREEN,
};

struct ffs_progress {
	enum ffs_progress_mode mode;
	int64_t began, shown; /* ffs_clock_ms() */
	bool drawn;           /* a line is on the screen */
};

/* What --progress takes: auto (the screen where fd is a terminal, else nothing), line, none.
 * Returns 0 or -EINVAL. */
int ffs_progress_parse(const char *s, int fd, enum ffs_progress_mode *mode);

void ffs_progress_start(struct ffs_progress *p, enum ffs_progress_mode mode);

/*
 * The text to be written now, or NULL while it is too early for another.
 * Totals may be 0: unknown.
 */
const char *ffs_progress_text(struct ffs_progress *p, uint64_t chunks, uint64_t total_chunks,
    uint64_t bytes, uint64_t total_bytes, char *buf, size_t n);

/* What takes the line off the screen before another text, "" where there is none. */
const char *ffs_progress_clear(struct ffs_progress *p);

#endif
