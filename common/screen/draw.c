#include "common/screen/drawimpl.h"

#include <curses.h>
#include <langinfo.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "common/base/opt.h"
#include "common/screen/text.h"
#include "common/watch/maps.h"

static const struct ffs_draw_signs signs_utf8 = {
	.heat = { "\u00b7", "\u2591", "\u2593", "\u2588" },
	.origin = { "\u28c0", "\u2824", "\u2812", "\u2809" },
	.hit = { "\u2584", "\u2584", "\u2580", "\u2580" },
	.rule = "\u2500",
	.axis = "\u2524",
	.dot = "\u00b7",
};

/* The console's font has what PCs had. */
static const struct ffs_draw_signs signs_console = {
	.heat = { "\u00b7", "\u2591", "\u2593", "\u2588" },
	.origin = { ".", ".", "\u00b0", "\u00b0" },
	.hit = { "\u2584", "\u2584", "\u2580", "\u2580" },
	.rule = "\u2500",
	.axis = "\u2524",
	.dot = "\u00b7",
};

static const struct ffs_draw_signs signs_ascii = {
	.heat = { ".", "o", "*", "#" },
	.origin = { "o", "o", "o", "o" },
	.hit = { "=", "=", "=", "=" },
	.rule = "-",
	.axis = "|",
	.dot = "-",
};

void
ffs_draw_init(struct ffs_draw *d)
{
	/* Of 256 those that can be read on dark and on light, and by who cannot tell red from
	 * green. */
	static const short rich[FFS_DRAW_ROLES] = { -1, 244, 68, -1, 242, 178, 203, 38, 71, 203 };
	static const short plain[FFS_DRAW_ROLES] = { -1, -1, COLOR_CYAN, -1, -1, COLOR_YELLOW,
		COLOR_RED, COLOR_CYAN, COLOR_GREEN, COLOR_RED };
	const char *term = ffs_opt_env("TERM");
	bool colour = has_colors() && !ffs_opt_env("NO_COLOR"), many;
	short fg, i;

	*d = (struct ffs_draw){ .utf8 = !strcmp(nl_langinfo(CODESET), "UTF-8") };
	d->signs = !d->utf8                             ? &signs_ascii
	           : term && !strncmp(term, "linux", 5) ? &signs_console
	                                                : &signs_utf8;
	d->attr[FFS_DRAW_DIM] = d->attr[FFS_DRAW_COLD] = A_DIM;
	d->attr[FFS_DRAW_TITLE] = d->attr[FFS_DRAW_BAD] = A_BOLD;
	d->attr[FFS_DRAW_HEAD] = A_BOLD;
	if (!colour || start_color() == ERR)
		return;
	many = COLORS >= 256;
	if (use_default_colors() == ERR)
		return;
	for (i = 0; i < FFS_DRAW_ROLES; i++) {
		fg = many ? rich[i] : plain[i];
		if (fg < 0 || init_pair((short)(i + 1), fg, -1) == ERR)
			continue;
		if (many && i != FFS_DRAW_BAD)
			d->attr[i] = A_NORMAL;
		d->attr[i] |= COLOR_PAIR(i + 1);
	}
}

void
ffs_draw_release(struct ffs_draw *d)
{
	free(d->sorted);
	d->sorted = NULL;
	d->sorted_cap = 0;
}

static unsigned
put_text(const struct ffs_draw *d, unsigned y, unsigned x, enum ffs_draw_role role, char *text)
{
	unsigned cols = (unsigned)COLS;
	size_t n;

	if (x >= cols)
		return cols;
	n = ffs_text_clip(text, cols - x);
	attrset((attr_t)d->attr[role]);
	mvaddnstr((int)y, (int)x, text, (int)n);
	attrset(A_NORMAL);
	while (n--)
		x += (text[n] & 0xc0) != 0x80;
	return x;
}

unsigned
ffs_draw_put(
    const struct ffs_draw *d, unsigned y, unsigned x, enum ffs_draw_role role, const char *fmt, ...)
{
	char text[1024];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	return put_text(d, y, x, role, text);
}

unsigned
ffs_draw_item(
    const struct ffs_draw *d, unsigned y, unsigned x, enum ffs_draw_role role, const char *fmt, ...)
{
	char text[1024];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	if (x >= (unsigned)COLS || text[ffs_text_clip(text, (unsigned)COLS - x)])
		return (unsigned)COLS;
	return put_text(d, y, x, role, text);
}

unsigned
ffs_draw_name(const struct ffs_draw *d, unsigned y, unsigned x, unsigned cols,
    enum ffs_draw_role role, const char *s, size_t len)
{
	char text[4096];
	unsigned w;

	if (x >= (unsigned)COLS)
		return (unsigned)COLS;
	if (cols > (unsigned)COLS - x)
		cols = (unsigned)COLS - x;
	w = ffs_text_fit(text, sizeof(text), s, len, cols, d->utf8);
	attrset((attr_t)d->attr[role]);
	mvaddstr((int)y, (int)x, text);
	attrset(A_NORMAL);
	return x + w;
}

unsigned
ffs_draw_rule(const struct ffs_draw *d, unsigned y, const char *title)
{
	unsigned x;

	for (x = 0; x < (unsigned)COLS; x++)
		ffs_draw_put(d, y, x, FFS_DRAW_DIM, "%s", d->signs->rule);
	return ffs_draw_put(d, y, 1, FFS_DRAW_TITLE, " %s ", title);
}

/* --- header and footer --- */

/* What came of a setting: taken, or refused and with which error. */
static unsigned
put_tried(
    const struct ffs_draw *d, unsigned y, unsigned x, const char *what, uint64_t refused, int err)
{
	const char *name = strerrorname_np(err < 0 ? -err : err);

	x = ffs_draw_item(d, y, x, FFS_DRAW_DIM, "%s %s", what, refused ? "refused" : "ok");
	if (refused && err && name)
		x = ffs_draw_item(d, y, x, FFS_DRAW_DIM, " (%s)", name);
	return x;
}

static void
put_tuned(const struct ffs_draw *d, unsigned y, unsigned x, const struct ffs_model *m)
{
	const uint64_t *c = m->counters;
	char n[16];

	if (!m->meta.tune || !c[FFS_COUNT_tuned]) {
		ffs_draw_item(d, y, x, FFS_DRAW_DIM, "%s",
		    m->meta.tune ? "no connection tuned yet" : "connections are not tuned");
		return;
	}
	x = ffs_draw_item(
	    d, y, x, FFS_DRAW_DIM, "tuned %s", ffs_text_count(n, sizeof(n), c[FFS_COUNT_tuned]));
	x = put_tried(d, y, x, ": NODELAY", c[FFS_COUNT_nodelay_refused], m->meta.nodelay_err);
	put_tried(d, y, x, ", delayed ACK", c[FFS_COUNT_delack_refused], m->meta.delack_err);
}

static void
draw_head(const struct ffs_draw *d, const struct ffs_layout *l, const struct ffs_model *m,
    const struct ffs_view *v)
{
	char clock[32], age[16];
	unsigned x, right = l->cols;
	struct timespec now, mono;
	time_t since;
	uint64_t up =
	    m->now_ns > m->meta.loaded_ns ? (m->now_ns - m->meta.loaded_ns) / 1000000000 : 0;
	struct tm tm;

	if (!l->head.n)
		return;
	if (v->paused) {
		right = l->cols - 7;
		ffs_draw_put(d, 0, right, FFS_DRAW_BAD, "PAUSED");
	}
	x = ffs_draw_put(d, 0, 0, FFS_DRAW_HEAD, "ffs-hotmon ");
	if (v->notice)
		ffs_draw_name(d, 0, x, right - x, FFS_DRAW_BAD, v->notice, strlen(v->notice));
	else
		ffs_draw_name(d, 0, x, right > x ? right - x - 1 : 0, FFS_DRAW_PLAIN, v->watched,
		    strlen(v->watched));
	if (l->head.n < 2)
		return;
	clock_gettime(CLOCK_REALTIME, &now);
	clock_gettime(CLOCK_MONOTONIC, &mono);
	since = now.tv_sec - mono.tv_sec - (now.tv_nsec < mono.tv_nsec) +
	        (time_t)(m->meta.loaded_ns / 1000000000);
	if (!localtime_r(&since, &tm) ||
	    !strftime(clock, sizeof(clock), up < 86400 ? "%H:%M:%S" : "%Y-%m-%d %H:%M", &tm))
		clock[0] = '\0';
	x = ffs_draw_put(d, 1, 0, FFS_DRAW_DIM, "since %s (%s)%s ", clock,
	    ffs_text_age(age, sizeof(age), up), v->shared ? ", shared" : "");
	if (v->interfaces && *v->interfaces) {
		x = ffs_draw_put(d, 1, x, FFS_DRAW_DIM, "%s ", d->signs->dot);
		x = ffs_draw_name(
		    d, 1, x, l->cols / 4, FFS_DRAW_DIM, v->interfaces, strlen(v->interfaces));
		x++;
	}
	x = ffs_draw_put(d, 1, x, FFS_DRAW_DIM, "%s ", d->signs->dot);
	put_tuned(d, 1, x, m);
}

static void
draw_keys(const struct ffs_draw *d, const struct ffs_layout *l)
{
	static const char *const keys[] = { "q", "quit", "p", "pause", "r", "reads", "b", "bytes",
		"h", "hits", "l", "time", "n", "name", "a", "age", "w", "who", "c", "counts", "?",
		"help" };
	unsigned i, x = 0;

	for (i = 0; l->keys.n && i < sizeof(keys) / sizeof(*keys); i += 2) {
		x = ffs_draw_item(d, l->keys.y, x, FFS_DRAW_HEAD, "%s", keys[i]);
		x = ffs_draw_item(d, l->keys.y, x, FFS_DRAW_DIM, " %s ", keys[i + 1]);
	}
}

/* --- rates, totals, losses --- */

/* Where the next of a line's figures goes, behind a comma but for the first. */
struct figures {
	const struct ffs_draw *d;
	unsigned y, x;
	bool some;
};

/* Add one if it has room, and then those behind it. */
static void
add_figure(struct figures *f, const char *before, const char *figure, const char *after)
{
	f->x = ffs_draw_item(f->d, f->y, f->x, FFS_DRAW_PLAIN, "%s%s%s%s", f->some ? ", " : "",
	    before, figure, after);
	f->some = true;
}

static void
add_count(struct figures *f, uint64_t v, const char *what)
{
	char n[16];

	add_figure(f, "", ffs_text_count(n, sizeof(n), v), what);
}

static void
add_us(struct figures *f, const char *what, uint64_t us)
{
	char n[16];

	add_figure(f, what, ffs_text_us(n, sizeof(n), us), "");
}

static void
add_bytes(struct figures *f, uint64_t bytes)
{
	char n[16];

	add_figure(f, "", ffs_text_bytes(n, sizeof(n), bytes), "");
}

static struct figures
begin_figures(const struct ffs_draw *d, unsigned y, enum ffs_draw_role role, const char *name,
    const char *source)
{
	struct figures f = { .d = d, .y = y };

	f.x = ffs_draw_put(d, y, 0, role, "%s", name);
	f.x = ffs_draw_put(d, y, f.x, FFS_DRAW_DIM, " (%s) ", source);
	return f;
}

static void
add_rates(struct figures *f, double each, const char *what, double bytes)
{
	char a[16], b[16];

	f->x = ffs_draw_put(f->d, f->y, f->x, FFS_DRAW_PLAIN, "%7s %s %8s/s  ",
	    ffs_text_rate(a, sizeof(a), each), what, ffs_text_bytes(b, sizeof(b), (uint64_t)bytes));
}

static void
draw_stores(const struct ffs_draw *d, unsigned y, const struct ffs_model *m,
    const struct ffs_series_rates *r)
{
	struct figures f = begin_figures(d, y, FFS_DRAW_HOT, "stores", "kernel");
	const uint64_t *c = m->counters, *lat = m->series.last.origin;

	add_rates(&f, r->reads, "reads/s", r->read_bytes);
	add_count(&f, c[FFS_COUNT_reads], " reads");
	add_count(&f, c[FFS_COUNT_hot], " HOT");
	add_us(&f, "mean ", m->lat_count ? m->lat_sum_ns / m->lat_count / 1000 : 0);
	add_us(&f, "p50 ", ffs_maps_quantile_us(lat, 0.5));
	add_us(&f, "p99 ", ffs_maps_quantile_us(lat, 0.99));
	add_bytes(&f, c[FFS_COUNT_read_bytes]);
}

static void
draw_cache(const struct ffs_draw *d, unsigned y, const struct ffs_model *m,
    const struct ffs_view *v, const struct ffs_series_rates *r)
{
	struct figures f = begin_figures(d, y, FFS_DRAW_CACHED, "cache", "readers");
	const struct ffs_cache_totals *t = &m->cache;
	uint64_t refused = 0;
	unsigned i;

	if (!m->have_cache) {
		ffs_draw_put(d, y, f.x, FFS_DRAW_DIM, "%s", v->no_cache ? v->no_cache : "none");
		return;
	}
	for (i = 0; i < FFS_CACHE_REFUSALS_N; i++)
		refused += t->refused[i];
	add_rates(&f, r->hits, "hits/s ", r->hit_bytes);
	add_count(&f, t->hits, " hits");
	add_count(&f, t->entries, " entries");
	add_bytes(&f, t->bytes);
	add_us(&f, "p50 ", ffs_maps_quantile_us(t->lat, 0.5));
	add_us(&f, "p99 ", ffs_maps_quantile_us(t->lat, 0.99));
	add_count(&f, t->misses, " misses");
	add_count(&f, t->fills, " fills");
	add_count(&f, t->evictions, " evictions");
	add_count(&f, refused, " refused");
	add_count(&f, t->damaged, " damaged");
}

static void
draw_losses(const struct ffs_draw *d, unsigned y, const struct ffs_model *m)
{
	unsigned i, x, left = 0;
	char n[16], text[80];

	if (!ffs_model_losses(m)) {
		ffs_draw_put(d, y, 0, FFS_DRAW_GOOD, "no losses");
		return;
	}
	x = ffs_draw_put(d, y, 0, FFS_DRAW_BAD, "losses:");
	for (i = 0; i < FFS_COUNTERS_N; i++) {
		if (!ffs_maps_counter_loss(i) || !m->counters[i])
			continue;
		snprintf(text, sizeof(text), " %s %s", ffs_maps_counter_name(i),
		    ffs_text_count(n, sizeof(n), m->counters[i]));
		/* Room for "+99 (c)" stays. */
		if (left || x + strlen(text) + 8 > (unsigned)COLS)
			left++;
		else
			x = ffs_draw_put(d, y, x, FFS_DRAW_BAD, "%s", text);
	}
	if (left)
		ffs_draw_put(d, y, x, FFS_DRAW_BAD, " +%u (c)", left);
}

int
ffs_draw(struct ffs_draw *d, const struct ffs_model *m, struct ffs_view *v)
{
	struct ffs_series_rates r;
	struct ffs_layout l;
	int rc;

	erase();
	ffs_layout_make(&l, (unsigned)LINES, (unsigned)COLS, ffs_model_cells(m));
	if (l.small) {
		ffs_draw_put(d, 0, 0, FFS_DRAW_PLAIN, "%dx%d is too small:", COLS, LINES);
		if (LINES > 1)
			ffs_draw_put(d, 1, 0, FFS_DRAW_PLAIN, "%dx%d needed, q quits",
			    FFS_LAYOUT_COLS, FFS_LAYOUT_LINES);
		return 0;
	}
	draw_head(d, &l, m, v);
	ffs_draw_heat(d, &l, m);
	ffs_draw_chart(d, &l, m, v);
	if (l.rates.n) {
		ffs_series_rates(&m->series, 2000, &r);
		draw_stores(d, l.rates.y, m, &r);
		draw_cache(d, l.rates.y + 1, m, v, &r);
	}
	if (l.losses.n)
		draw_losses(d, l.losses.y, m);
	rc = ffs_draw_list(d, &l, m, v);
	draw_keys(d, &l);
	if (v->box)
		ffs_draw_box(d, &l, m, v);
	return rc;
}
