#ifndef FFS_CHART_H
#define FFS_CHART_H

#include <stdint.h>

#define FFS_CHART_STEPS 4 /* heights that a line of text can tell apart */

/* A logarithmic scale of whole decades over so many lines of text. */
struct ffs_chart {
	unsigned lines;
	int lo, hi; /* powers of ten, in microseconds: 0 is 1 us, 3 is 1 ms */
};

/* A scale that holds min to max (0: there is nothing yet, which is a scale too). */
void ffs_chart_scale(struct ffs_chart *c, unsigned lines, uint64_t min_us, uint64_t max_us);

/* Which step a value is at, from 0 at the bottom to lines * STEPS - 1. */
unsigned ffs_chart_step(const struct ffs_chart *c, uint64_t us);

/* The line, from 0 at the top, that a step is in. */
unsigned ffs_chart_line(const struct ffs_chart *c, unsigned step);

/* The value that is written beside a line, or 0 where none is. */
uint64_t ffs_chart_label_us(const struct ffs_chart *c, unsigned line);

#endif
