#include <curses.h>
#include <stdio.h>
#include <string.h>

#include "common/screen/chart.h"
#include "common/screen/drawimpl.h"
#include "common/screen/text.h"

#define AXIS 9   /* columns left of the chart: "100 us " and the axis */
#define NAMES 16 /* and right of it: "origin 99.9 ms" */

/* --- the heatmap --- */

static void
heat_title(const struct ffs_draw *d, const struct ffs_layout *l, const struct ffs_model *m)
{
	const struct ffs_heat *h = &l->cells;
	char n[16], title[320] = "";
	unsigned x, s, next;
	size_t len;

	ffs_text_count(n, sizeof(n), ffs_model_cells(m));
	if (m->dataset)
		ffs_text_fit(title, 160, m->dataset, strlen(m->dataset), l->cols / 3, d->utf8);
	len = strlen(title);
	snprintf(title + len, sizeof(title) - len, m->dataset ? ": %s chunks" : "%s objects", n);
	len = strlen(title);
	if (h->per_cell > 1)
		snprintf(title + len, sizeof(title) - len, ", %zu a cell", h->per_cell);
	else if (!m->dataset)
		snprintf(title + len, sizeof(title) - len, " in key order");
	x = ffs_draw_rule(d, l->heat.y, title) - 1;
	for (s = 0; s < FFS_HEAT_STATES; s++) {
		const char *sign = d->signs->heat[s], *twice = h->width == 2 ? sign : "";

		next = ffs_draw_item(d, l->heat.y, x, FFS_DRAW_PLAIN, "  %s%s %s %s", sign, twice,
		    ffs_heat_name(s), ffs_text_count(n, sizeof(n), m->states[s]));
		if (next < l->cols)
			ffs_draw_put(d, l->heat.y, x + 2, FFS_DRAW_COLD + s, "%s%s", sign, twice);
		x = next;
	}
	if (m->unasked) {
		next = ffs_draw_item(d, l->heat.y, x, FFS_DRAW_TITLE, "  %s to be looked up",
		    ffs_text_count(n, sizeof(n), m->unasked));
		x = next < l->cols ? next : x;
	}
	ffs_draw_put(d, l->heat.y, x, FFS_DRAW_PLAIN, " ");
}

/* What cell i shows. */
static enum ffs_heat_state
cell(const struct ffs_heat *h, const struct ffs_model *m, size_t i, bool *active)
{
	size_t count[FFS_HEAT_STATES] = { 0 }, at = i * h->per_cell, end = at + h->per_cell;
	bool one;

	*active = false;
	for (; at < end && at < h->n; at++) {
		count[ffs_model_cell(m, at, &one)]++;
		*active |= one;
	}
	return ffs_heat_most(count);
}

void
ffs_draw_heat(const struct ffs_draw *d, const struct ffs_layout *l, const struct ffs_model *m)
{
	const struct ffs_heat *h = &l->cells;
	enum ffs_heat_state s;
	unsigned x, y, w;
	bool active;
	size_t i;

	if (!l->heat.n)
		return;
	heat_title(d, l, m);
	if (!h->cells)
		ffs_draw_put(d, l->heat.y + 1, l->margin, FFS_DRAW_DIM, "nothing was read yet");
	for (i = 0; i < h->cells; i++) {
		y = l->heat.y + 1 + (unsigned)(i / h->per_line);
		x = l->margin + (unsigned)(i % h->per_line) * h->width;
		if (x == l->margin)
			ffs_draw_put(
			    d, y, 0, FFS_DRAW_DIM, "%*zu", (int)l->margin - 1, i * h->per_cell);
		s = cell(h, m, i, &active);
		attrset((attr_t)d->attr[FFS_DRAW_COLD + s] | (active ? A_BOLD : 0));
		for (w = 0; w < h->width; w++)
			mvaddstr((int)y, (int)(x + w), d->signs->heat[s]);
	}
	attrset(A_NORMAL);
}

/* --- the chart of latencies --- */

/* The newest value of a series, written beside its height. */
static unsigned
put_name(const struct ffs_draw *d, const struct ffs_layout *l, const struct ffs_chart *c,
    enum ffs_draw_role role, const char *name, uint64_t us, unsigned taken)
{
	unsigned line = ffs_chart_line(c, ffs_chart_step(c, us));
	char text[16];

	if (!us)
		return taken;
	if (line == taken)
		line = line ? line - 1 : line + 1;
	if (line < c->lines)
		ffs_draw_put(d, l->chart.y + 1 + line, l->cols - NAMES + 1, role, "%s %s", name,
		    ffs_text_us(text, sizeof(text), us));
	return line;
}

static void
put_axis(const struct ffs_draw *d, const struct ffs_layout *l, const struct ffs_chart *c)
{
	char text[16];
	unsigned i;
	uint64_t us;

	for (i = 0; i < c->lines; i++) {
		us = ffs_chart_label_us(c, i);
		if (us >= 1000000)
			snprintf(text, sizeof(text), "%u s", (unsigned)(us / 1000000));
		else if (us >= 1000)
			snprintf(text, sizeof(text), "%u ms", (unsigned)(us / 1000));
		else
			snprintf(text, sizeof(text), "%u us", (unsigned)us);
		ffs_draw_put(d, l->chart.y + 1 + i, 0, FFS_DRAW_DIM, "%*s %s", AXIS - 2,
		    us ? text : "", d->signs->axis);
	}
}

static void
put_dot(const struct ffs_draw *d, const struct ffs_layout *l, const struct ffs_chart *c, unsigned x,
    enum ffs_draw_role role, const char *const *signs, uint64_t us)
{
	unsigned step = ffs_chart_step(c, us);

	if (us)
		ffs_draw_put(d, l->chart.y + 1 + ffs_chart_line(c, step), x, role, "%s",
		    signs[step % FFS_CHART_STEPS]);
}

void
ffs_draw_chart(const struct ffs_draw *d, const struct ffs_layout *l, const struct ffs_model *m,
    const struct ffs_view *v)
{
	unsigned cols = l->cols - AXIS - NAMES, x, taken;
	uint64_t lo = 0, hi = 0, origin = 0, hit = 0;
	const struct ffs_series_sample *s;
	struct ffs_chart c;
	char title[80], span[16];
	size_t i;

	if (!l->chart.n)
		return;
	snprintf(title, sizeof(title), "latency of %s, medians of %.1f s",
	    ffs_text_age(span, sizeof(span), cols * (uint64_t)v->interval_ms / 1000),
	    v->interval_ms / 1000.0);
	x = ffs_draw_rule(d, l->chart.y, title) - 1;
	x = ffs_draw_put(d, l->chart.y, x, FFS_DRAW_HOT, "  %s", d->signs->origin[2]);
	x = ffs_draw_put(d, l->chart.y, x, FFS_DRAW_PLAIN, " stores (kernel)");
	x = ffs_draw_put(d, l->chart.y, x, FFS_DRAW_CACHED, "  %s", d->signs->hit[2]);
	ffs_draw_put(d, l->chart.y, x, FFS_DRAW_PLAIN, " hits (readers) ");
	for (i = 0; i < cols && (s = ffs_series_back(&m->series, i)); i++) {
		const uint64_t us[] = { s->origin_us, s->hit_us };

		for (x = 0; x < 2; x++) {
			if (us[x] && (!lo || us[x] < lo))
				lo = us[x];
			if (us[x] > hi)
				hi = us[x];
		}
		origin = origin ? origin : s->origin_us;
		hit = hit ? hit : s->hit_us;
	}
	ffs_chart_scale(&c, l->chart.n - 1, lo, hi);
	put_axis(d, l, &c);
	for (i = 0; i < cols && (s = ffs_series_back(&m->series, i)); i++) {
		x = AXIS + cols - 1 - (unsigned)i;
		put_dot(d, l, &c, x, FFS_DRAW_CACHED, d->signs->hit, s->hit_us);
		put_dot(d, l, &c, x, FFS_DRAW_HOT, d->signs->origin, s->origin_us);
	}
	taken = put_name(d, l, &c, FFS_DRAW_HOT, "store", origin, l->lines);
	put_name(d, l, &c, FFS_DRAW_CACHED, "hit", hit, taken);
}
