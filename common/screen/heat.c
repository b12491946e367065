#include "common/screen/heat.h"

#define ROUND                                                                                      \
	10 /* cells a line are a multiple of it where there is room: numbers are easy to find */

const char *
ffs_heat_name(enum ffs_heat_state s)
{
	static const char *const names[] = { "cold", "warm", "hot", "cached" };

	return names[s];
}

static size_t
up(size_t n, size_t by)
{
	return n / by + (n % by != 0);
}

/* All cells in so many columns each, if they fit. */
static int
try(struct ffs_heat *h, unsigned lines, unsigned cols, unsigned width)
{
	unsigned per_line = cols / width, even = per_line - per_line % ROUND;

	if (!per_line || up(h->cells, per_line) > lines)
		return 0;
	if (even >= 2 * ROUND && h->cells > per_line && up(h->cells, even) <= lines)
		per_line = even;
	h->width = width;
	h->per_line = per_line;
	h->lines = (unsigned)up(h->cells, per_line);
	return 1;
}

void
ffs_heat_layout(struct ffs_heat *h, size_t n, unsigned lines, unsigned cols)
{
	*h = (struct ffs_heat){ .n = n, .per_cell = 1, .cells = n };
	if (!n || !lines || !cols) {
		h->cells = 0;
		return;
	}
	if (try(h, lines, cols, 2) || try(h, lines, cols, 1))
		return;
	h->per_cell = up(n, (size_t)lines * cols);
	h->cells = up(n, h->per_cell);
	try(h, lines, cols, 1);
}

enum ffs_heat_state
ffs_heat_most(const size_t count[FFS_HEAT_STATES])
{
	/* Hot is what the reader of a heatmap looks for; cached is settled. */
	static const enum ffs_heat_state order[] = { FFS_HEAT_HOT, FFS_HEAT_WARM, FFS_HEAT_CACHED,
		FFS_HEAT_COLD };
	enum ffs_heat_state most = order[0];
	unsigned i;

	for (i = 1; i < FFS_HEAT_STATES; i++)
		if (count[order[i]] > count[most])
			most = order[i];
	return most;
}
