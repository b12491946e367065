#include "common/screen/layout.h"

#define HEAT_MAX_SHARE 3 /* of the lines at most a third */
#define CHART_MAX 14

/* Take n lines if they are left. */
static bool
take(unsigned *left, struct ffs_layout_part *p, unsigned n)
{
	if (*left < n)
		return false;
	*left -= n;
	p->n += n;
	return true;
}

static unsigned
digits(size_t n)
{
	unsigned d = 1;

	while (n >= 10) {
		n /= 10;
		d++;
	}
	return d;
}

/* The heatmap's lines: what it needs, its share at most; min are there already. */
static void
grow_heat(struct ffs_layout *l, unsigned *left, size_t cells)
{
	unsigned most = l->lines / HEAT_MAX_SHARE;

	if (!l->heat.n)
		return;
	ffs_heat_layout(&l->cells, cells, most > 2 ? most : 2, l->cols - l->margin - 1);
	while (l->heat.n - 1 < l->cells.lines && take(left, &l->heat, 1))
		;
	ffs_heat_layout(&l->cells, cells, l->heat.n - 1, l->cols - l->margin - 1);
	while (l->heat.n - 1 > l->cells.lines && l->heat.n > 2) {
		l->heat.n--;
		(*left)++;
	}
}

void
ffs_layout_make(struct ffs_layout *l, unsigned lines, unsigned cols, size_t objects)
{
	struct ffs_layout_part *const order[] = { &l->head, &l->heat, &l->chart, &l->rates,
		&l->losses, &l->list, &l->keys };
	unsigned left = lines, y = 0, i, want;

	*l = (struct ffs_layout){ .lines = lines, .cols = cols };
	if (lines < FFS_LAYOUT_LINES || cols < FFS_LAYOUT_COLS) {
		l->small = true;
		return;
	}
	l->margin = digits(objects ? objects - 1 : 0) + 2;
	/* What matters most comes first; the others have what it leaves. */
	take(&left, &l->head, 1);
	take(&left, &l->keys, 1);
	take(&left, &l->heat, 2);
	take(&left, &l->rates, 2);
	take(&left, &l->losses, 1);
	take(&left, &l->list, 3);
	take(&left, &l->head, 1);
	take(&left, &l->chart, 4);
	grow_heat(l, &left, objects);
	if (l->list.n)
		while (l->list.n < 6 && take(&left, &l->list, 1))
			;
	/* The chart and the list share the rest, but the chart is not to be a wall. */
	if (l->chart.n) {
		want = lines / 4 < CHART_MAX ? lines / 4 : CHART_MAX;
		while (l->chart.n < want && take(&left, &l->chart, 1))
			;
	}
	if (l->list.n)
		take(&left, &l->list, left);
	else
		take(&left, &l->heat, left);
	for (i = 0; i < sizeof(order) / sizeof(*order); i++) {
		order[i]->y = y;
		y += order[i]->n;
	}
	l->keys.y = lines - 1;
}
