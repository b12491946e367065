/* What is drawn, in sizes and locales, read back from the screen's memory. */
#include "common/screen/draw.h"

#include <curses.h>
#include <locale.h>
#include <stdlib.h>

#include "tests/unit/check.h"
#include "tests/unit/model.h"

static struct ffs_view view;

static void
is_cached(void *arg, const struct ffs_cache_name *n, struct ffs_model_kept *k)
{
	(void)arg;
	k->cached = strcmp(n->key, "lobster/1/00010.csv") < 0;
	k->hits = k->cached ? 12345 : 0;
}

/* A screen that nobody sees, of this terminal type. */
static SCREEN *
open_screen(const char *term, FILE *null, struct ffs_draw *d)
{
	SCREEN *s = newterm(term, null, null);

	if (s)
		ffs_draw_init(d);
	else
		CHECK(false, "no terminal type %s", term);
	return s;
}

/* All lines, with an end of line behind each. */
static char *
drawn(struct ffs_draw *d, const struct ffs_model *m, int lines, int cols)
{
	static char text[400 * 1300];
	size_t n = 0;
	int y;

	resizeterm(lines, cols);
	CHECK(!ffs_draw(d, m, &view), "draw");
	for (y = 0; y < lines; y++) {
		mvinnstr(y, 0, text + n, 1200);
		n += strlen(text + n);
		text[n++] = '\n';
	}
	text[n] = '\0';
	return text;
}

#define HAS(text, what) CHECK(strstr(text, what), "no '%s' in\n%s", what, text)
#define HAS_NOT(text, what) CHECK(!strstr(text, what), "'%s' in\n%s", what, text)

static void
fill(struct ffs_model *m)
{
	struct ffs_series_at at = { .ns = 1 };
	unsigned i;

	m->meta = (struct ffs_meta){ .threshold = 2, .tune = 1, .delack_err = -22 };
	m->counters[FFS_COUNT_reads] = 184;
	m->counters[FFS_COUNT_hot] = 92;
	m->counters[FFS_COUNT_tuned] = 12;
	m->counters[FFS_COUNT_nodelay_ok] = 12;
	m->counters[FFS_COUNT_delack_refused] = 12;
	m->have_cache = true;
	m->cache.hits = 920;
	m->cache.entries = 10;
	m->cache.bytes = 12000000;
	ffs_model_begin(m, 5000000000);
	for (i = 0; i < 92; i++)
		object_see_nth(m, i, 1 + i % 3);
	ffs_model_end(m, true, is_cached, NULL);
	for (i = 0; i < 200; i++) {
		at.ns += 500000000;
		at.reads += 10;
		at.origin[20] += i < 180;
		at.hits += 100;
		at.hit[4] += i > 170;
		ffs_series_add(&m->series, &at);
	}
}

static void
contents(struct ffs_draw *d, struct ffs_model *m)
{
	char *t;

	view = (struct ffs_view){ .watched = "port 9000 (AWS_ENDPOINT_URL)", .interval_ms = 500 };
	t = drawn(d, m, 24, 80);
	HAS(t, "port 9000 (AWS_ENDPOINT_URL)");
	HAS(t, "tuned 12: NODELAY ok, delayed ACK refused (EINVAL)");
	HAS(t, "92 objects in key order");
	HAS(t, "cached 10");
	HAS(t,
	    "\u2588\u2588\u2588\u2588\u2588\u2588\u2588\u2588\u2588\u2588\u2588\u2588\u2588\u2588"
	    "\u2588\u2588\u2588\u2588\u2588\u2588\u2593\u2593\u2593\u2593\u2591\u2591");
	HAS(t, "184 reads, 92 HOT");
	HAS(t, "920 hits, 10 entries, 12.0 MB");
	HAS(t, "no losses");
	if (!strcmp(d->signs->origin[1], "\u2824"))
		HAS(t, "\u2824\u2824");
	HAS(t, "hit 3");
	HAS(t, "objects by reads");
	HAS(t, "1000 python3");
	HAS(t, "q quit");
	HAS_NOT(t, "PAUSED");
	view.paused = true;
	view.sort = FFS_MODEL_NAME;
	view.scroll = SIZE_MAX;
	m->counters[FFS_COUNT_ring_full] = 3;
	m->counters[FFS_COUNT_midstream] = 1;
	t = drawn(d, m, 24, 80);
	HAS(t, "PAUSED");
	HAS(t, "objects by name");
	HAS(t, "losses: ring_full 3 midstream 1");
	HAS(t, "00091.csv");
	HAS(t, "of 92");
	m->counters[FFS_COUNT_ring_full] = m->counters[FFS_COUNT_midstream] = 0;
	view.box = FFS_VIEW_HELP;
	HAS(drawn(d, m, 24, 80), "keys and signs");
	view.box = FFS_VIEW_COUNTERS;
	HAS(drawn(d, m, 24, 80), "ring_full");
	HAS(drawn(d, m, 60, 200), "events lost: the ring was full");
	view.box = FFS_VIEW_NO_BOX;
	view.notice = "nothing watches";
	m->have_cache = false;
	view.no_cache = "no cache in '/x'";
	t = drawn(d, m, 60, 200);
	HAS(t, "nothing watches");
	HAS(t, "no cache in '/x'");
	HAS(t, "127.0.0.1:9000");
	view.scroll = 0;
	t = drawn(d, m, 60, 200);
	HAS(t, " 12345 ");
	HAS_NOT(drawn(d, m, 60, 99), " 12345 ");
	m->have_cache = true;
	HAS(drawn(d, m, 7, 80), "too small");
	drawn(d, m, 1, 1);
}

/* Every size, with names that want to break out: each line is as wide as the screen. */
static void
sizes(struct ffs_draw *d)
{
	static const char evil[] =
	    "a\033[2J\n\xff\xe2\x80\xae\0\xcc\x81\xe6\xbc\xa2\xf0\x9f\x98\x80";
	struct ffs_model m = { 0 };
	char key[FFS_KEY_MAX];
	int lines, cols, y;
	cchar_t c[2];
	unsigned i;

	fill(&m);
	ffs_model_begin(&m, 6000000000);
	object_see(&m, 500, 99, evil, sizeof(evil) - 1);
	memset(key, '\xe6', sizeof(key));
	object_see(&m, 501, 98, key, sizeof(key));
	for (i = 0; i + 3 <= sizeof(key); i += 3)
		memcpy(key + i, "\xe6\xbc\xa2", 3);
	object_see(&m, 502, 97, key, sizeof(key))->uid = UINT32_MAX;
	ffs_model_end(&m, true, is_cached, NULL);
	view = (struct ffs_view){ .watched = evil, .interfaces = evil, .interval_ms = 500 };
	for (lines = 1; lines < 70; lines += 1 + lines / 12)
		for (cols = 1; cols < 220; cols += 1 + cols / 12) {
			view.box = (enum ffs_view_box)((lines + cols) % 3);
			drawn(d, &m, lines, cols);
			for (y = 0; y < lines; y++) {
				mvin_wchnstr(y, cols - 1, c, 1);
				CHECK(c[0].chars[0] >= 0x20, "%dx%d, line %d: %x", cols, lines, y,
				    (unsigned)c[0].chars[0]);
			}
		}
	view.box = FFS_VIEW_NO_BOX;
	HAS(drawn(d, &m, 24, 80), "ffs/a?[2J????");
	ffs_model_begin(&m, 7000000000);
	for (i = 0; i < 6000; i++)
		object_see_nth(&m, i, 1);
	ffs_model_end(&m, true, is_cached, NULL);
	HAS(drawn(d, &m, 24, 80), " 6000 objects, 11 a cell ");
	ffs_model_release(&m);
}

int
main(void)
{
	static const char *const terms[] = { "xterm-256color", "screen", "linux", "vt100" };
	FILE *null = fopen("/dev/null", "r+");
	struct ffs_model m = { 0 };
	struct ffs_draw d;
	SCREEN *s;
	char *t;
	size_t i;

	unsetenv("NO_COLOR");
	unsetenv("TERM");
	CHECK(setlocale(LC_CTYPE, "C.UTF-8"), "no locale C.UTF-8");
	fill(&m);
	for (i = 0; i < COUNT(terms); i++) {
		s = open_screen(terms[i], null, &d);
		if (!s)
			return failed;
		contents(&d, &m);
		if (!i)
			sizes(&d);
		CHECK(has_colors() == (i < 3), "%s", terms[i]);
		ffs_draw_release(&d);
		endwin();
		delscreen(s);
	}
	/* The console's font has no braille; without UTF-8 there is ASCII only. */
	setenv("TERM", "linux", 1);
	s = open_screen("linux", null, &d);
	view = (struct ffs_view){ .watched = "port 9000", .interval_ms = 500 };
	t = drawn(&d, &m, 24, 80);
	HAS_NOT(t, "\u2824");
	HAS(t, "\u2588\u2588");
	ffs_draw_release(&d);
	endwin();
	delscreen(s);
	setlocale(LC_CTYPE, "C");
	s = open_screen("xterm", null, &d);
	for (t = drawn(&d, &m, 24, 80); *t; t++)
		if (*t & 0x80) {
			CHECK(false, "not ASCII: %s", t);
			break;
		}
	HAS(drawn(&d, &m, 24, 80), "####################****oo");
	ffs_draw_release(&d);
	endwin();
	delscreen(s);
	ffs_model_release(&m);
	fclose(null);
	return failed;
}
