#ifndef FFS_DRAW_H
#define FFS_DRAW_H

#include <stdbool.h>
#include <stddef.h>

#include "common/screen/model.h"

/*
 * The screen, with ncurses, on stdscr: it draws what the model and the view say and keeps nothing
 * but how this terminal can show it.
 */

/* What a piece of text is for: one attribute each. */
enum ffs_draw_role {
	FFS_DRAW_PLAIN,
	FFS_DRAW_DIM,
	FFS_DRAW_TITLE,
	FFS_DRAW_HEAD,
	FFS_DRAW_COLD, /* the states, in the order of enum ffs_heat_state */
	FFS_DRAW_WARM,
	FFS_DRAW_HOT,
	FFS_DRAW_CACHED,
	FFS_DRAW_GOOD,
	FFS_DRAW_BAD,
	FFS_DRAW_ROLES
};

/* Signs of a terminal. */
struct ffs_draw_signs {
	const char *heat[FFS_HEAT_STATES];
	const char *origin[4], *hit[4]; /* of the chart, from the lowest step of a line */
	const char *rule, *axis, *dot;
};

struct ffs_draw {
	bool utf8;
	const struct ffs_draw_signs *signs;
	unsigned long attr[FFS_DRAW_ROLES]; /* attr_t */
	const struct ffs_model_row **sorted;
	size_t sorted_cap;
};

enum ffs_view_box {
	FFS_VIEW_NO_BOX,
	FFS_VIEW_HELP,
	FFS_VIEW_COUNTERS,
};

/* What the user chose, and what the header says. */
struct ffs_view {
	const char *watched;    /* ports and where they came from */
	const char *interfaces; /* NULL: not known */
	bool shared;            /* another process loaded the programs */
	const char *notice;     /* in place of them, NULL: nothing to notice */
	const char *no_cache;   /* why there is none */
	unsigned interval_ms;
	enum ffs_model_sort sort;
	bool programs; /* they are the list, not the objects */
	size_t scroll; /* of the list; drawing bounds it */
	size_t page;   /* out: lines of the list */
	bool paused;
	enum ffs_view_box box;
};

/* After newterm(3): colours and signs as locale, terminal and $NO_COLOR allow. */
void ffs_draw_init(struct ffs_draw *d);
void ffs_draw_release(struct ffs_draw *d);

/* Draw all of it; the caller refreshes.  0 or -ENOMEM. */
int ffs_draw(struct ffs_draw *d, const struct ffs_model *m, struct ffs_view *v);

#endif
