#ifndef FFS_HEAT_H
#define FFS_HEAT_H

#include <stddef.h>

/* How far an object has come; the order is that of a read after the other. */
enum ffs_heat_state {
	FFS_HEAT_COLD,   /* not read */
	FFS_HEAT_WARM,   /* read, below the threshold */
	FFS_HEAT_HOT,    /* at the threshold: the kernel has said so */
	FFS_HEAT_CACHED, /* in the cache */
	FFS_HEAT_STATES
};

/* "cold", "warm", "hot", "cached" */
const char *ffs_heat_name(enum ffs_heat_state s);

/*
 * Where the cells of a heatmap are: object i, in its order, is in cell i / per_cell; cells fill
 * lines of per_line, each cell width columns wide.
 */
struct ffs_heat {
	size_t n;        /* objects */
	size_t per_cell; /* objects that a cell stands for */
	size_t cells;
	unsigned lines, per_line, width;
};

/*
 * Lay n objects out in at most lines x cols characters, in as few lines as look well: squares (two
 * columns) where there is room for all, else one column each, else several objects a cell.
 */
void ffs_heat_layout(struct ffs_heat *h, size_t n, unsigned lines, unsigned cols);

/* What a cell shows that stands for several: the state of most of them; of equal many, the
 * hotter. */
enum ffs_heat_state ffs_heat_most(const size_t count[FFS_HEAT_STATES]);

#endif
