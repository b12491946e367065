#ifndef FFS_LAYOUT_H
#define FFS_LAYOUT_H

#include <stdbool.h>
#include <stddef.h>

#include "common/screen/heat.h"

#define FFS_LAYOUT_COLS 40 /* below these there is no screen */
#define FFS_LAYOUT_LINES 8

/* A section: where it begins, and its lines with its title; none where it has been left out. */
struct ffs_layout_part {
	unsigned y, n;
};

/* What has room on a terminal of this size, from top to bottom. */
struct ffs_layout {
	unsigned lines, cols;
	bool small; /* too small for anything */
	struct ffs_layout_part head, heat, chart, rates, losses, list, keys;
	unsigned margin;       /* columns left of the heatmap, for numbers */
	struct ffs_heat cells; /* of the heatmap */
};

/* For so many objects in the heatmap. */
void ffs_layout_make(struct ffs_layout *l, unsigned lines, unsigned cols, size_t objects);

#endif
