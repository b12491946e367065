/*
 * lobster-gen: make a pair of files like LOBSTER's, a message file and the order book after each
 * message, with the statistics of a real one (tests/lobster-gen.bats has the figures).
 *
 * A book of single orders, first in first out at each price.  What happens next is drawn from the
 * shares and distributions of AAPL, 2012-06-21, 09:30 to 10:30.  Only integers, comparisons and
 * uncontractable floating point decide, so that one seed gives the same bytes on any machine.
 */
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <limits.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/base/exit.h"
#include "common/base/opt.h"
#include "testdata/lobster-book.h"

#define TICK 100         /* one cent, in prices of 1/10000 dollar */
#define NS 1000000000LL  /* ns in a second */
#define EMPTY 9999999999 /* the price of a level that no order is at */
#define START_S 34200    /* 09:30 */
#define DEPTH 50         /* levels of the book that was measured */
#define FULL_DAY 250000  /* rows */
#define PS_SHARE .0003   /* of the times have 12 decimals */
#define OUT_SIZE (1 << 20)

enum event_type { SUBMIT = 1, CANCEL, DELETE, EXECUTE, HIDDEN };

struct event {
	enum event_type type;
	uint64_t id;
	int64_t size, price;
	enum side_id side;
	size_t rank; /* of its level, the best is 0 */
};

struct out {
	char tmp[PATH_MAX], path[PATH_MAX];
	FILE *f;
};

static volatile sig_atomic_t stop;

struct opts {
	uint64_t rows, levels, seed;
	const char *ticker, *date, *dir;
};

struct gen {
	struct opts opts;
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
	int64_t pace = g->opts.rows > FULL_DAY ? (int64_t)g->opts.rows : FULL_DAY;
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
gen_init(struct gen *g, const struct opts *o)
{
	*g = (struct gen){ .opts = *o, .next_id = 16113575, .now = START_S * NS + 4241176 };
	g->rng = o->seed * 0x9E3779B97F4A7C15ULL + 1;
	if (g->rng == 0)
		g->rng = 1;
	g->depth = o->levels > DEPTH ? o->levels : DEPTH;
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

/* ---- output ---- */

static char *
put_int(char *p, int64_t n)
{
	char digits[20];
	uint64_t u = n < 0 ? -(uint64_t)n : (uint64_t)n;
	int i = 0;

	if (n < 0)
		*p++ = '-';
	do {
		digits[i++] = (char)('0' + u % 10);
		u /= 10;
	} while (u);
	while (i)
		*p++ = digits[--i];
	return p;
}

/* Seconds with 9 decimals, 12 where there are ps, without the zeros at the end. */
static char *
put_time(char *p, int64_t ns, unsigned int ps)
{
	uint64_t frac = (uint64_t)(ns % NS) * 1000 + ps, unit = 100000000000;

	p = put_int(p, ns / NS);
	if (frac)
		*p++ = '.';
	for (; frac; unit /= 10) {
		*p++ = (char)('0' + frac / unit);
		frac %= unit;
	}
	return p;
}

static void
out_open(struct out *o, const char *dir, const char *what)
{
	int n = snprintf(o->tmp, sizeof(o->tmp), "%s/.lobster-gen-%s.XXXXXX", dir, what), fd;

	if (n < 0 || (size_t)n >= sizeof(o->tmp))
		errx(FFS_EXIT_FAIL, "'%s': name too long", dir);
	fd = mkostemp(o->tmp, O_CLOEXEC);
	if (fd < 0)
		err(FFS_EXIT_FAIL, "cannot make a file in '%s'", dir);
	o->f = fdopen(fd, "w");
	if (!o->f || setvbuf(o->f, NULL, _IOFBF, OUT_SIZE))
		err(FFS_EXIT_FAIL, "cannot write '%s'", o->tmp);
}

static const char *
level_text(struct level *l)
{
	char *p = l->text;

	if (l->text_len)
		return l->text;
	p = put_int(p, l->price);
	*p++ = ',';
	p = put_int(p, l->size);
	*p++ = ',';
	l->text_len = (unsigned int)(p - l->text);
	return l->text;
}

/* line has room for it: see run(). */
static size_t
put_row(char *line, const struct book *b, size_t levels)
{
	static const char empty[2][TEXT_SIZE] = { "9999999999,0,", "-9999999999,0," };
	char *p = line;

	for (size_t j = 0; j < levels; j++) {
		for (int id = ASK; id <= BID; id++) {
			const struct side *s = &b->side[id];

			/* A copy of known size is one instruction; what is too much is written
			 * over. */
			if (j < s->n) {
				struct level *l = s->at[s->n - 1 - j];

				memcpy(p, level_text(l), TEXT_SIZE);
				p += l->text_len;
			} else {
				memcpy(p, empty[id], TEXT_SIZE);
				p += id == ASK ? 13 : 14;
			}
		}
	}
	p[-1] = '\n';
	return (size_t)(p - line);
}

static size_t
put_message(char *line, const struct gen *g, const struct event *ev)
{
	const int64_t fields[] = { ev->type, (int64_t)ev->id, ev->size, ev->price,
		ev->side == BID ? 1 : -1 };
	char *p = put_time(line, g->now, g->ps);

	for (size_t i = 0; i < COUNT(fields); i++) {
		*p++ = ',';
		p = put_int(p, fields[i]);
	}
	*p++ = '\n';
	return (size_t)(p - line);
}

/* Events below the levels asked for change nothing that is written: LOBSTER leaves them out. */
static bool
generate(struct gen *g, FILE *book, FILE *message, char *line)
{
	const struct opts *o = &g->opts;
	struct event ev;

	for (uint64_t n = 0, rows = 0; rows < o->rows && !stop; n++) {
		if (n % 400 == 0)
			g->drift = (uniform(g) - .5) * .5;
		step(g, &ev);
		if (ev.rank >= o->levels)
			continue;
		fwrite(line, put_row(line, &g->book, o->levels), 1, book);
		fwrite(line, put_message(line, g, &ev), 1, message);
		if (ferror(book) || ferror(message))
			break;
		rows++;
	}
	return !stop;
}

/* The name of LOBSTER's form: the time it ends is the next full hour of trading. */
static bool
out_publish(struct out *out, const struct gen *g, const char *what)
{
	const struct opts *o = &g->opts;
	int64_t hours = (g->now / NS - START_S) / 3600 + 1;
	mode_t mask = umask(0);
	int n;

	umask(mask);
	n = snprintf(out->path, sizeof(out->path), "%s%s%s_%s_%d_%lld_%s_%ju.csv",
	    o->dir ? o->dir : "", o->dir ? "/" : "", o->ticker, o->date, START_S * 1000,
	    (START_S + hours * 3600LL) * 1000, what, (uintmax_t)o->levels);
	if (n < 0 || (size_t)n >= sizeof(out->path)) {
		warnx("'%s': name too long", o->dir);
		return false;
	}
	if (ferror(out->f) || fflush(out->f) || fchmod(fileno(out->f), 0666 & ~mask) ||
	    rename(out->tmp, out->path)) {
		warn("cannot make '%s'", out->path);
		return false;
	}
	out->tmp[0] = '\0';
	return true;
}

static void
out_close(struct out *out)
{
	if (out->tmp[0])
		unlink(out->tmp);
	fclose(out->f);
}

static int
run(const struct opts *o)
{
	struct out book = { 0 }, message = { 0 };
	char *line = xrealloc(NULL, 2 * o->levels + 8, TEXT_SIZE);
	struct gen g;
	bool ok;

	gen_init(&g, o);
	out_open(&book, o->dir ? o->dir : ".", "orderbook");
	out_open(&message, o->dir ? o->dir : ".", "message");
	ok = generate(&g, book.f, message.f, line) && out_publish(&message, &g, "message") &&
	     out_publish(&book, &g, "orderbook");
	if (ok)
		printf("%s\n%s\n", book.path, message.path);
	out_close(&message);
	out_close(&book);
	book_release(&g.book);
	free(line);
	return ok ? FFS_EXIT_OK : FFS_EXIT_FAIL;
}

static void
on_signal(int sig)
{
	stop = sig;
}

static void
usage(FILE *f)
{
	fputs("usage: lobster-gen [-h] [-r rows] [-l levels] [-s seed] [-t ticker] [-d date] [-C "
	      "dir]\n"
	      "Makes a LOBSTER order book and its message file, and prints their names.\n"
	      "  -r rows    1000\n"
	      "  -l levels  10\n"
	      "  -s seed    1\n"
	      "  -t ticker  DEMO\n"
	      "  -d date    2012-06-21\n"
	      "  -C dir     where to (the current directory)\n",
	    f);
}

static uint64_t
number(const char *what, const char *s, uint64_t lo, uint64_t hi)
{
	uint64_t n = 0;
	int rc = ffs_opt_uint(s, lo, hi, &n);

	if (rc)
		errx(FFS_EXIT_USAGE, "bad %s '%s': %s", what, s, strerror(-rc));
	return n;
}

static void
check_names(const struct opts *o)
{
	size_t n = strlen(o->ticker);

	if (n == 0 || n > 32 || strspn(o->ticker, "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-") != n)
		errx(FFS_EXIT_USAGE, "bad ticker '%s'", o->ticker);
	n = 0;
	for (const char *p = "dddd-dd-dd"; *p; p++, n++)
		if (*p == 'd' ? o->date[n] < '0' || o->date[n] > '9' : o->date[n] != *p)
			errx(FFS_EXIT_USAGE, "bad date '%s'", o->date);
	if (o->date[n])
		errx(FFS_EXIT_USAGE, "bad date '%s'", o->date);
}

int
main(int argc, char **argv)
{
	struct opts o = {
		.rows = 1000, .levels = 10, .seed = 1, .ticker = "DEMO", .date = "2012-06-21"
	};
	struct sigaction sa = { .sa_handler = on_signal, .sa_flags = (int)SA_RESETHAND };
	int ch, rc;

	while ((ch = getopt(argc, argv, "C:d:hl:r:s:t:")) != -1) {
		switch (ch) {
		case 'C':
			o.dir = optarg;
			break;
		case 'd':
			o.date = optarg;
			break;
		case 'h':
			usage(stdout);
			return ffs_exit_flush(FFS_EXIT_OK);
		case 'l':
			o.levels = number("levels", optarg, 1, 1000);
			break;
		case 'r':
			o.rows = number("rows", optarg, 0, 100000000);
			break;
		case 's':
			o.seed = number("seed", optarg, 0, UINT64_MAX);
			break;
		case 't':
			o.ticker = optarg;
			break;
		default:
			usage(stderr);
			return FFS_EXIT_USAGE;
		}
	}
	if (optind < argc) {
		usage(stderr);
		return FFS_EXIT_USAGE;
	}
	check_names(&o);
	sigaction(SIGINT, &sa, NULL);
	sigaction(SIGTERM, &sa, NULL);
	rc = run(&o);
	if (stop)
		raise(stop);
	return ffs_exit_flush(rc);
}
