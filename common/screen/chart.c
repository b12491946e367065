#include "common/screen/chart.h"

#include <math.h>

#define DECADES_MAX 9 /* 10^9 us: nobody waits longer */

static uint64_t
power(int n)
{
	uint64_t v = 1;

	while (n-- > 0)
		v *= 10;
	return v;
}

void
ffs_chart_scale(struct ffs_chart *c, unsigned lines, uint64_t min_us, uint64_t max_us)
{
	c->lines = lines ? lines : 1;
	c->lo = 1;
	c->hi = 4;
	if (!max_us)
		return;
	if (!min_us || min_us > max_us)
		min_us = max_us;
	for (c->lo = 0; c->lo < DECADES_MAX - 1 && power(c->lo + 1) <= min_us; c->lo++)
		;
	for (c->hi = c->lo + 1; c->hi < DECADES_MAX && power(c->hi) < max_us; c->hi++)
		;
}

unsigned
ffs_chart_step(const struct ffs_chart *c, uint64_t us)
{
	unsigned top = c->lines * FFS_CHART_STEPS - 1;
	double at;

	if (us <= power(c->lo))
		return 0;
	at = (log10((double)us) - c->lo) / (c->hi - c->lo) * top;
	return at >= top ? top : (unsigned)(at + 0.5);
}

unsigned
ffs_chart_line(const struct ffs_chart *c, unsigned step)
{
	return c->lines - 1 - step / FFS_CHART_STEPS;
}

uint64_t
ffs_chart_label_us(const struct ffs_chart *c, unsigned line)
{
	int d;

	/* Where several decades share a line, the highest; the ends of the scale always. */
	for (d = c->hi; d >= c->lo; d--)
		if (ffs_chart_line(c, ffs_chart_step(c, power(d))) == line)
			return power(line == c->lines - 1 ? c->lo : d);
	return 0;
}
