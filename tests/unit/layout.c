/* Where things are on a screen: the heatmap's cells, the chart's scale, the sections. */
#include "common/screen/layout.h"

#include "common/screen/chart.h"
#include "tests/unit/check.h"

static void
heat(void)
{
	static const struct {
		size_t n;
		unsigned lines, cols;
		size_t per_cell, cells;
		unsigned want_lines, per_line, width;
	} t[] = {
		{ 0, 5, 70, 1, 0, 0, 0, 0 },
		{ 1, 5, 70, 1, 1, 1, 35, 2 },
		{ 35, 5, 70, 1, 35, 1, 35, 2 },
		{ 92, 5, 70, 1, 92, 4, 30, 2 },   /* thirty a line: easy to count */
		{ 175, 5, 70, 1, 175, 5, 35, 2 }, /* no room for that */
		{ 176, 5, 70, 1, 176, 3, 70, 1 },
		{ 350, 5, 70, 1, 350, 5, 70, 1 },
		{ 351, 5, 70, 2, 176, 3, 70, 1 },
		{ 65536, 20, 190, 18, 3641, 20, 190, 1 },
		{ 1000000, 1, 1, 1000000, 1, 1, 1, 1 },
		{ 10, 0, 70, 1, 0, 0, 0, 0 },
		{ 10, 5, 1, 2, 5, 5, 1, 1 },
	};
	struct ffs_heat h;
	size_t i;

	for (i = 0; i < COUNT(t); i++) {
		ffs_heat_layout(&h, t[i].n, t[i].lines, t[i].cols);
		CHECK(h.per_cell == t[i].per_cell && h.cells == t[i].cells &&
			  h.lines == t[i].want_lines && h.per_line == t[i].per_line &&
			  h.width == t[i].width,
		    "%zu: %zu a cell, %zu cells, %u lines of %u, %u wide", i, h.per_cell, h.cells,
		    h.lines, h.per_line, h.width);
	}
	/* Every object has its cell, and every cell its place. */
	for (i = 1; i < 5000; i += 7) {
		ffs_heat_layout(&h, i, 6, 71);
		CHECK(
		    h.cells * h.per_cell >= i && (h.cells - 1) * h.per_cell < i, "%zu objects", i);
		CHECK(h.lines <= 6 && h.per_line * h.width <= 71, "%zu objects", i);
		CHECK((size_t)h.lines * h.per_line >= h.cells, "%zu objects", i);
	}
}

static void
most(void)
{
	CHECK(ffs_heat_most((size_t[]){ 1, 0, 0, 0 }) == FFS_HEAT_COLD, "one cold");
	CHECK(ffs_heat_most((size_t[]){ 5, 4, 3, 6 }) == FFS_HEAT_CACHED, "most are cached");
	CHECK(ffs_heat_most((size_t[]){ 5, 5, 5, 5 }) == FFS_HEAT_HOT, "as many of each");
	CHECK(ffs_heat_most((size_t[]){ 5, 5, 0, 5 }) == FFS_HEAT_WARM, "no hot one");
}

static void
chart(void)
{
	static const struct {
		uint64_t lo_us, hi_us;
		int lo, hi;
	} t[] = { { 0, 0, 1, 4 }, { 35, 58200, 1, 5 }, { 1, 1, 0, 1 }, { 10, 10, 1, 2 },
		{ 100, 1000, 2, 3 }, { 100, 1001, 2, 4 }, { 99, 99, 1, 2 }, { 0, 500, 2, 3 },
		{ 1, UINT64_MAX, 0, 9 }, { UINT64_MAX, UINT64_MAX, 8, 9 } };
	struct ffs_chart c;
	unsigned last, step;
	uint64_t us;
	size_t i;

	for (i = 0; i < COUNT(t); i++) {
		ffs_chart_scale(&c, 4, t[i].lo_us, t[i].hi_us);
		CHECK(c.lo == t[i].lo && c.hi == t[i].hi, "%zu: 10^%d to 10^%d", i, c.lo, c.hi);
	}
	ffs_chart_scale(&c, 4, 10, 100000);
	CHECK(ffs_chart_step(&c, 0) == 0 && ffs_chart_step(&c, 10) == 0, "the bottom");
	CHECK(ffs_chart_step(&c, 100000) == 15 && ffs_chart_step(&c, UINT64_MAX) == 15, "the top");
	CHECK(ffs_chart_line(&c, 0) == 3 && ffs_chart_line(&c, 15) == 0, "lines");
	CHECK(ffs_chart_label_us(&c, 0) == 100000, "label at the top");
	CHECK(ffs_chart_label_us(&c, 3) == 10, "label at the bottom");
	/* A factor is a distance, wherever it is. */
	CHECK(ffs_chart_step(&c, 1000) == 8, "the middle: %u", ffs_chart_step(&c, 1000));
	for (last = 0, us = 1; us < 10000000; us += us / 7 + 1, last = step) {
		step = ffs_chart_step(&c, us);
		CHECK(step >= last && step < 16, "%u after %u", step, last);
	}
	ffs_chart_scale(&c, 12, 20, 80);
	CHECK(ffs_chart_label_us(&c, 11) == 10 && ffs_chart_label_us(&c, 0) == 100, "the ends");
	CHECK(ffs_chart_label_us(&c, ffs_chart_line(&c, ffs_chart_step(&c, 50))) == 50, "50 us");
	CHECK(ffs_chart_label_us(&c, ffs_chart_line(&c, ffs_chart_step(&c, 20))) == 20, "20 us");
	for (i = 1; i < 20; i++) {
		ffs_chart_scale(&c, (unsigned)i, 3, 70000);
		CHECK(ffs_chart_label_us(&c, (unsigned)i - 1) == 1, "%zu lines", i);
		CHECK(i == 1 || ffs_chart_label_us(&c, 0) == 100000, "%zu lines", i);
	}
}

/* Sections are inside the screen and do not overlap; what was left out was less important. */
static void
sections(void)
{
	static const size_t objects[] = { 0, 1, 92, 1000, 65536 };
	unsigned lines, cols, y, i;
	struct ffs_layout l;
	size_t n;

	for (n = 0; n < COUNT(objects); n++)
		for (lines = 1; lines < 120; lines++)
			for (cols = 1; cols < 300; cols += 13) {
				ffs_layout_make(&l, lines, cols, objects[n]);
				if (lines < FFS_LAYOUT_LINES || cols < FFS_LAYOUT_COLS) {
					CHECK(l.small, "%ux%u", cols, lines);
					continue;
				}
				const struct ffs_layout_part *p[] = { &l.head, &l.heat, &l.chart,
					&l.rates, &l.losses, &l.list, &l.keys };

				for (y = i = 0; i < COUNT(p); i++) {
					CHECK(p[i]->y >= y && p[i]->y + p[i]->n <= lines,
					    "%ux%u: section %u at %u, %u lines", cols, lines, i,
					    p[i]->y, p[i]->n);
					y = p[i]->y + p[i]->n;
				}
				CHECK(l.head.n && l.keys.n && l.heat.n >= 2, "%ux%u", cols, lines);
				CHECK(l.cells.lines < l.heat.n, "%ux%u", cols, lines);
				CHECK(!l.chart.n || l.list.n, "%ux%u: a chart, but no list", cols,
				    lines);
			}
	ffs_layout_make(&l, 24, 80, 92);
	CHECK(l.chart.n >= 4 && l.list.n >= 6 && l.rates.n == 2 && l.losses.n == 1 &&
		  l.head.n == 2 && l.heat.n == 5,
	    "80x24: chart %u, list %u, heat %u", l.chart.n, l.list.n, l.heat.n);
	ffs_layout_make(&l, 60, 200, 92);
	CHECK(l.chart.n >= 10 && l.list.n >= 30, "200x60: chart %u, list %u", l.chart.n, l.list.n);
}

int
main(void)
{
	heat();
	most();
	chart();
	sections();
	return failed;
}
