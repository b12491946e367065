#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "common/screen/drawimpl.h"
#include "common/watch/maps.h"

/* A box in the middle of the screen, n lines of text and a title; where its text begins. */
static unsigned
open_box(const struct ffs_draw *d, const struct ffs_layout *l, const char *title, unsigned cols,
    unsigned n, unsigned *y)
{
	unsigned w = cols + 4 < l->cols ? cols + 4 : l->cols,
		 h = n + 3 < l->lines ? n + 3 : l->lines;
	unsigned x = (l->cols - w) / 2, i, j;

	*y = (l->lines - h) / 2;
	for (i = 0; i < h; i++) {
		ffs_draw_put(d, *y + i, x, FFS_DRAW_PLAIN, "%*s", (int)w, "");
		if (!i || i == h - 1)
			for (j = 0; j < w; j++)
				ffs_draw_put(d, *y + i, x + j, FFS_DRAW_DIM, "%s", d->signs->rule);
	}
	ffs_draw_put(d, *y, x + 1, FFS_DRAW_TITLE, " %s ", title);
	*y += 1;
	return x + 2;
}

static void
draw_help(const struct ffs_draw *d, const struct ffs_layout *l, const struct ffs_model *m)
{
	static const char *const keys[] = { "q         quit", "p, space  pause and go on",
		"r b h     order by reads, bytes, hits",
		"l n a     order by latency (median), name, age",
		"w         who: programs instead of objects, and back",
		"arrows    scroll the list; Page Up, Page Down, Home, End",
		"c         all counters of the kernel programs",
		"?         this; any key closes it" };
	static const char *const states[] = { "not read", "read, fewer times than the threshold",
		"read as often as the threshold says", "kept in the cache" };
	const unsigned nkeys = sizeof(keys) / sizeof(*keys);
	unsigned i, x, y, x1;

	x = open_box(d, l, "keys and signs", 70, nkeys + FFS_HEAT_STATES + 8, &y);
	for (i = 0; i < nkeys; i++)
		ffs_draw_put(d, y++, x, FFS_DRAW_PLAIN, "%s", keys[i]);
	y++;
	for (i = 0; i < FFS_HEAT_STATES; i++) {
		x1 = ffs_draw_put(d, y, x, FFS_DRAW_COLD + i, "%s%s %-8s", d->signs->heat[i],
		    d->signs->heat[i], ffs_heat_name(i));
		x1 = ffs_draw_put(d, y, x1, FFS_DRAW_PLAIN, "%s", states[i]);
		if (i == FFS_HEAT_HOT)
			ffs_draw_put(d, y, x1, FFS_DRAW_PLAIN, " (%" PRIu32 ")", m->meta.threshold);
		y++;
	}
	y++;
	ffs_draw_put(d, y++, x, FFS_DRAW_PLAIN,
	    "stores (kernel): counted by the kernel programs, packet by packet.");
	ffs_draw_put(d, y++, x, FFS_DRAW_PLAIN,
	    "cache (readers): noted by those who read from the cache, because");
	ffs_draw_put(d, y++, x, FFS_DRAW_PLAIN,
	    "a hit sends no packet, so the kernel programs cannot see it.");
	ffs_draw_put(d, y++, x, FFS_DRAW_PLAIN,
	    "ORIGIN, 304, CACHE, STALE: requests at the gateway and of ffs-get, by");
	ffs_draw_put(d, y++, x, FFS_DRAW_PLAIN,
	    "where they were served from: a store; the cache on its word (304); the");
	ffs_draw_put(d, y++, x, FFS_DRAW_PLAIN,
	    "cache alone (--max-age); the cache because the store was away.");
}

/* In two columns where they are too many for one, with what they mean where there is room. */
static void
draw_counters(const struct ffs_draw *d, const struct ffs_layout *l, const struct ffs_model *m)
{
	unsigned i, x, y, lines = FFS_COUNTERS_N, cols = 1, width = 76;

	if (lines + 3 > l->lines) {
		lines = (FFS_COUNTERS_N + 1) / 2;
		cols = 2;
		width = 34;
	}
	x = open_box(d, l, "counters of the kernel programs", width * cols, lines, &y);
	for (i = 0; i < FFS_COUNTERS_N; i++) {
		bool loss = ffs_maps_counter_loss(i) && m->counters[i];
		unsigned at = x + i / lines * (width + 2), line = y + i % lines;

		if (line + 1 >= l->lines)
			continue;
		ffs_draw_put(d, line, at, loss ? FFS_DRAW_BAD : FFS_DRAW_PLAIN, "%-16s %12" PRIu64,
		    ffs_maps_counter_name(i), m->counters[i]);
		if (cols == 1)
			ffs_draw_put(
			    d, line, at + 31, FFS_DRAW_DIM, "%.45s", ffs_maps_counter_text(i));
	}
}

void
ffs_draw_box(const struct ffs_draw *d, const struct ffs_layout *l, const struct ffs_model *m,
    const struct ffs_view *v)
{
	if (v->box == FFS_VIEW_HELP)
		draw_help(d, l, m);
	else if (v->box == FFS_VIEW_COUNTERS)
		draw_counters(d, l, m);
}
