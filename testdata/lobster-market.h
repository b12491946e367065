/*
 * What happens in the market: a book of single orders, first in first out at each price, and the
 * next event in it, drawn from the shares and distributions of AAPL, 2012-06-21, 09:30 to 10:30.
 * Only integers, comparisons and uncontractable floating point decide, so that one seed gives the
 * same events on any machine.  In a header like the book itself, for the compiler to see through.
 */
#ifndef FFS_TESTDATA_LOBSTER_MARKET_H
#define FFS_TESTDATA_LOBSTER_MARKET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "testdata/lobster-book.h"

#define TICK 100         /* one cent, in prices of 1/10000 dollar */
#define NS 1000000000LL  /* ns in a second */
#define EMPTY 9999999999 /* the price of a level that no order is at */
#define START_S 34200    /* 09:30 */
#define DEPTH 50         /* levels of the book that was measured */
#define FULL_DAY 250000  /* rows */
#define PS_SHARE .0003   /* of the times have 12 decimals */

enum event_type { SUBMIT = 1, CANCEL, DELETE, EXECUTE, HIDDEN };

struct event {
	enum event_type type;
	uint64_t id;
	int64_t size, price;
	enum side_id side;
	size_t rank; /* of its level, the best is 0 */
};

struct gen {
	uint64_t rows; /* to be made in all */
	struct book book;
	uint64_t rng;
	uint64_t next_id;
	int64_t now; /* ns after midnight */
	unsigned int ps;
	double drift;
	size_t depth; /* levels a side that are kept alive, at least those to be written */
};

/* A piecewise linear distribution: the value at each cumulated share. */
struct point {
	double p, value;
};

/*
 * log2 of the ns to the next event; 6.4 % follow at the same time.  A tenth less than measured,
 * for straight lines between the points lie above the curve: 91,997 rows are just under an hour.
 */
static const struct point gap_log2[] = { { .064, 0 }, { .1, 11.237 }, { .25, 15.241 },
	{ .5, 18.659 }, { .75, 22.717 }, { .9, 26.465 }, { .95, 27.688 }, { .99, 29.117 },
	{ .999, 30.308 }, { 1, 31.332 } };

/* log2 of the ns that an order lives. */
static const struct point life_log2[] = { { 0, 18.195 }, { .05, 19.78 }, { .1, 21.31 },
	{ .25, 25.384 }, { .5, 28.475 }, { .75, 31.154 }, { .9, 33.383 }, { .95, 34.175 },
	{ .99, 36.73 }, { 1, 41.863 } };

/* Cents behind the best price of its own side at which an order comes; below 0 it improves. */
static const struct point distance[] = { { 0, -14 }, { .017, -12 }, { .046, -7 }, { .071, -4 },
	{ .109, -3 }, { .139, -2 }, { .209, -1 }, { .288, 0 }, { .342, 1 }, { .383, 2 },
	{ .415, 3 }, { .454, 5 }, { .501, 7 }, { .575, 10 }, { .628, 12 }, { .690, 15 },
	{ .722, 20 }, { .80, 45 }, { .9, 110 }, { .97, 180 }, { 1, 260 } };

/* Order sizes seen most, by cumulated share; the rest is spread out. */
static const struct point sizes[] = { { .5275, 100 }, { .6388, 18 }, { .7115, 200 }, { .7470, 22 },
	{ .7764, 1000 }, { .8013, 19 }, { .8197, 20 }, { .8381, 1 }, { .8543, 23 }, { .8682, 10 },
	{ .8821, 8 }, { .8950, 17 }, { .9025, 25 }, { .9088, 6 }, { .9140, 12 }, { .9188, 50 },
	{ .9235, 2 }, { .9276, 16 }, { .9317, 21 }, { .9357, 14 } };

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

/* ---- chance ---- */

/* xorshift64*: uniform in [0, 1), 53 bits. */
static double
uniform(struct gen *g)
{
	g->rng ^= g->rng >> 12;
	g->rng ^= g->rng << 25;
	g->rng ^= g->rng >> 27;
	return (double)((g->rng * 0x2545F4914F6CDD1DULL) >> 11) / 9007199254740992.0;
}

/* Never a product and then a sum, which a compiler may fuse to one rounding or not. */
static double
inverse(const struct point *t, size_t n, double p)
{
	for (size_t i = 1; i < n; i++)
		if (p <= t[i].p)
			return t[i - 1].value + (t[i].value - t[i - 1].value) * (p - t[i - 1].p) /
			                            (t[i].p - t[i - 1].p);
	return t[n - 1].value;
}

/*
 * 2^x for 0 <= x < 62 by a cubic in integers of 1/2^32: the last bit of libm's result is not the
 * same on every machine.
 */
static int64_t
exp2_int(double x)
{
	uint64_t q = (uint64_t)(x * 4294967296.0), f = q & 0xffffffff, whole = q >> 32, y;

	y = 968944622 + ((335866442 * f) >> 32);
	y = 2990156232 + ((y * f) >> 32);
	y = 4294967296 + ((y * f) >> 32);
	return (int64_t)(whole >= 32 ? y << (whole - 32) : y >> (32 - whole));
}

static int64_t
draw_size(struct gen *g)
{
	double u = uniform(g), v;

	for (size_t i = 0; i < COUNT(sizes); i++)
		if (u <= sizes[i].p)
			return (int64_t)sizes[i].value;
	v = uniform(g);
	return 1 + (int64_t)(500 * v * v * v);
}

/* An order far from the market is left alone for longer. */
static int64_t
draw_life(struct gen *g, int cents)
{
	double u = uniform(g);

	if (cents <= 3)
		u = u * .85;
	else if (cents <= 20)
		u = (u * 16 + 3) / 20; /* a product with 16 is exact: fused or not, the same */
	else
		u = (u + 1) / 2;
	return exp2_int(inverse(life_log2, COUNT(life_log2), u));
}

/* ---- events ---- */

static enum side_id
draw_side(struct gen *g, double bid_share)
{
	return uniform(g) < bid_share ? BID : ASK;
}

static int64_t
toward_market(enum side_id id, int64_t cents)
{
	return (id == BID ? cents : -cents) * TICK;
}

static int64_t
spread(const struct book *b)
{
	return best(b, ASK)->price - best(b, BID)->price;
}

/* The book does not show it: the row is repeated. */
static bool
hidden(struct gen *g, struct event *ev)
{
	enum side_id id = draw_side(g, .5);
	int64_t size = draw_size(g), cents = (int64_t)(uniform(g) * 6);

	*ev = (struct event){ HIDDEN, 0, size < 100 ? size : 100,
		best(&g->book, id)->price + toward_market(id, cents), id, 0 };
	return true;
}

static bool
cancel(struct gen *g, struct event *ev)
{
	enum side_id id = draw_side(g, .4);
	const struct side *s = &g->book.side[id];
	size_t rank = (size_t)(uniform(g) * 5);
	struct level *l = s->at[rank < s->n ? s->n - 1 - rank : 0];
	struct order *o = l->last;

	if (o->size < 2)
		return false;
	*ev = (struct event){ CANCEL, o->id, o->size / 2, l->price, id, level_rank(&g->book, l) };
	order_reduce(&g->book, o, ev->size);
	return true;
}

static bool
execute(struct gen *g, struct event *ev)
{
	enum side_id id = draw_side(g, .47 + g->drift);
	struct order *o = best(&g->book, id)->first;
	int64_t size = o->size;

	if (uniform(g) < .35 && size > 1) {
		size = (int64_t)((double)size * uniform(g));
		size = size ? size : 1;
	}
	*ev = (struct event){ EXECUTE, o->id, size, o->level->price, id, 0 };
	order_reduce(&g->book, o, size);
	return true;
}

/* The order whose time comes first, of those near enough to the market to be watched. */
static struct order *
expired(struct gen *g)
{
	struct book *b = &g->book;
	struct order *o = NULL, *skipped = NULL;

	while (b->heap_n) {
		o = b->heap[0];
		if (level_rank(b, o->level) < g->depth)
			break;
		heap_remove(b, o);
		o->skipped = skipped;
		skipped = o;
		o = NULL;
	}
	while (skipped) {
		skipped->expires = g->now + 10 * NS;
		heap_push(b, skipped);
		skipped = skipped->skipped;
	}
	return o;
}

static bool delete (struct gen *g, struct event *ev)
{
	struct order *o = NULL;

	/* Where the spread is tight the newest improver leaves first. */
	if (spread(&g->book) < 15 * TICK && uniform(g) < .5)
		o = best(&g->book, draw_side(g, .5 + g->drift))->last;
	if (!o)
		o = expired(g);
	if (!o)
		return false;
	*ev = (struct event){ DELETE, o->id, o->size, o->level->price, o->level->side,
		level_rank(&g->book, o->level) };
	order_reduce(&g->book, o, ev->size);
	return true;
}

/* Cents behind the best price of its own side; what would improve a tight spread seldom comes. */
static int
draw_distance(struct gen *g)
{
	double value = inverse(distance, COUNT(distance), uniform(g)), wide;
	int64_t gap = spread(&g->book);
	int cents = value < 0 ? -(int)-value - (value != (int)value) : (int)value;

	wide = (double)gap / (20 * TICK);
	if (cents < 0 && uniform(g) > wide * wide)
		cents = 1 + (int)(15 * uniform(g));
	if (gap > 26 * TICK && uniform(g) < .45)
		cents = -1 - (int)((double)(gap / TICK - 19) * uniform(g));
	if (cents == 0 && uniform(g) < .3)
		cents = 1 + (int)(6 * uniform(g));
	return cents;
}

static void
submit(struct gen *g, enum side_id id, struct event *ev)
{
	enum side_id other = id == BID ? ASK : BID;
	const struct side *s = &g->book.side[id];
	int cents = draw_distance(g);
	int64_t price, limit, life, size;

	price = best(&g->book, id)->price;
	/* A deeper book than the one measured reaches further out. */
	if (cents > 20 && g->depth > DEPTH)
		price -= toward_market(id, 20 + (cents - 20) * (int64_t)g->depth / DEPTH);
	else
		price -= toward_market(id, cents);
	limit = best(&g->book, other)->price - toward_market(id, 1);
	if (key_of(id, price) > key_of(id, limit))
		price = limit;
	/* Some go where others are already. */
	if (cents > 0 && uniform(g) < .3) {
		size_t i = side_find(s, id, price);

		price = s->at[i < s->n ? i : s->n - 1]->price;
	}
	if (price < TICK)
		price = TICK;
	life = draw_life(g, cents);
	size = draw_size(g);
	order_add(&g->book, id, price, size, g->next_id, g->now + life);
	*ev = (struct event){ SUBMIT, g->next_id, size, price, id,
		level_rank(&g->book, level_at(&g->book, id, price)) };
}

/* One event in the book.  A side that runs short of levels gets new ones before anything else. */
static void
step(struct gen *g, struct event *ev)
{
	const struct side *side = g->book.side;
	bool low[2] = { side[ASK].n < g->depth + 2, side[BID].n < g->depth + 2 };
	bool full = side[ASK].n > g->depth + 8 || side[BID].n > g->depth + 8;
	/* More rows than a day of this stock has: the same day, busier. */
	int64_t pace = g->rows > FULL_DAY ? (int64_t)g->rows : FULL_DAY;
	double gap = uniform(g), u;
	bool done = false;

	if (gap > gap_log2[0].p) {
		g->now += exp2_int(inverse(gap_log2, COUNT(gap_log2), gap)) * FULL_DAY / pace;
		g->ps = uniform(g) < PS_SHARE ? 1 + (unsigned int)(999 * uniform(g)) : 0;
	}
	g->next_id += 1 + (uint64_t)exp2_int(12.551 * uniform(g));
	u = uniform(g);
	if (u < .0239)
		done = hidden(g, ev);
	else if (u < .0290)
		done = cancel(g, ev);
	else if (u < .0732 && !low[ASK] && !low[BID])
		done = execute(g, ev);
	else if ((u < .5189 || full) && !low[ASK] && !low[BID])
		done = delete (g, ev);
	if (!done)
		submit(g, low[BID] ? BID : low[ASK] ? ASK : draw_side(g, .4915), ev);
}

static void
gen_init(struct gen *g, uint64_t rows, uint64_t levels, uint64_t seed)
{
	*g = (struct gen){ .rows = rows, .next_id = 16113575, .now = START_S * NS + 4241176 };
	g->rng = seed * 0x9E3779B97F4A7C15ULL + 1;
	if (g->rng == 0)
		g->rng = 1;
	g->depth = levels > DEPTH ? levels : DEPTH;
	for (int id = BID; id >= ASK; id--) {
		int64_t price = 5856000 - toward_market((enum side_id)id, 9);

		for (size_t i = 0; i < g->depth + 10; i++) {
			double u = uniform(g);
			int64_t life = i > 8 ? 100000 * NS : (int64_t)(60e9 * uniform(g));

			order_add(&g->book, (enum side_id)id, price, draw_size(g),
			    g->next_id - 1 - 2 * i - (id == BID), g->now + life);
			price -= toward_market((enum side_id)id, 1 + (int64_t)(9 * u * u * u));
		}
	}
}

#endif
