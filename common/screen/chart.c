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

/* The highest value that is a power of ten times one of these, in this line; or 0. */
static uint64_t
find_label(const struct ffs_chart *c, unsigned line, const unsigned *times, unsigned n)
{
	unsigned i;
	int d;

	for (d = c->hi; d >= c->lo; d--)
		for (i = 0; i < n; i++)
			if (power(d) * times[i] <= power(c->hi) &&
			    ffs_chart_line(c, ffs_chart_step(c, power(d) * times[i])) == line)
				return power(d) * times[i];
	return 0;
}

uint64_t
ffs_chart_label_us(const struct ffs_chart *c, unsigned line)
{
	static const unsigned times[] = { 5, 2, 1 };

	uint64_t us;

	/* The bottom in any case, where several decades share it. */
	if (line == c->lines - 1)
		return power(c->lo);
	us = find_label(c, line, times + 2, 1);
	if (!us && c->lines / (unsigned)(c->hi - c->lo) >= 5)
		us = find_label(c, line, times, 2);
	return us;
}
