#include "common/screen/live.h"

#include <curses.h>
#include <errno.h>
#include <inttypes.h>
#include <locale.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "common/base/clock.h"
#include "common/base/opt.h"
#include "common/base/process.h"
#include "common/screen/draw.h"
#include "common/screen/feed.h"
#include "common/screen/line.h"
#include "common/screen/livedataset.h"
#include "common/screen/terminal.h"
#include "common/watch/halves.h"

#define SCREEN_MS 500
#define LINE_MS 1000
#define NOTICE_MS 15000
#define WAIT_MS 250 /* a signal just before poll(2) waits no longer */

struct live {
	const struct ffs_session *s;
	struct ffs_feed feed;
	struct ffs_model model;
	struct ffs_view view;
	struct ffs_draw draw;
	bool lines, json;
	unsigned interval_ms;
	int64_t next_ms; /* when the next snapshot is due */
	FILE *in;        /* keys */
	SCREEN *screen;
	bool quit;
	char watched[512]; /* for the header */
	int sig;           /* what ends it */
	char *notice;      /* what the other half has said last, */
	int64_t notice_ms; /* and until when it is shown */
	char *interfaces;  /* the same of these */
};

/* What the half that is root has to say. */
static int
hear(struct live *live)
{
	struct ffs_halves_msg m;
	int rc = ffs_halves_recv(live->s->fd, &m, 0);
	char **keep;

	if (rc == -EPIPE)
		return -ESHUTDOWN;
	if (rc)
		return rc == -EAGAIN || rc == -EINTR ? 0 : rc;
	if (m.type == FFS_HALVES_STOP)
		live->sig = m.rc;
	if (live->lines && (m.type == FFS_HALVES_NOTE || m.type == FFS_HALVES_DETAIL))
		live->s->note(live->s->arg, m.type == FFS_HALVES_DETAIL, m.text);
	keep = m.type == FFS_HALVES_NOTE    ? &live->notice
	       : m.type == FFS_HALVES_READY ? &live->interfaces
	                                    : NULL;
	if (keep) {
		free(*keep);
		*keep = strdup(m.text);
		if (keep == &live->notice)
			live->notice_ms = ffs_clock_ms() + NOTICE_MS;
	}
	return 0;
}

/* Ctrl-\, which ends other tools at once, must not leave a screen behind. */
static volatile sig_atomic_t stop;

static void
on_quit(int sig)
{
	stop = sig;
}

/* Has somebody told it to end. */
static bool
ended(struct live *live)
{
	if (!live->sig)
		live->sig = stop ? stop : *ffs_process_stop();
	return live->quit || live->sig;
}

/* Wait for keys on in (-1: none), for the other half, for the next snapshot, or for a signal. */
static int
wait_for(struct live *live, int in)
{
	struct pollfd fds[] = { { .fd = in, .events = POLLIN },
		{ .fd = live->s->fd, .events = POLLIN } };
	int64_t ms = live->next_ms - ffs_clock_ms();

	ms = ms < 0 ? 0 : ms < WAIT_MS ? ms : WAIT_MS;
	if (poll(fds, 2, (int)ms) < 0)
		return errno == EINTR ? 0 : -errno;
	if (fds[0].revents & (POLLHUP | POLLERR | POLLNVAL))
		live->quit = true; /* nobody sits there any more */
	return fds[1].revents ? hear(live) : 0;
}

/* Take a snapshot if it is time to, keeping the beat where one was late. */
static int
snapshot(struct live *live, bool *taken)
{
	int64_t now = ffs_clock_ms();

	*taken = now >= live->next_ms;
	if (!*taken)
		return 0;
	live->next_ms += live->interval_ms;
	if (live->next_ms <= now)
		live->next_ms = now + live->interval_ms;
	return ffs_feed_read(&live->feed, &live->model);
}

/* --- lines --- */

static int
print_line(struct live *live)
{
	struct ffs_buf b = FFS_BUF_INIT;
	int rc;

	(live->json ? ffs_line_json : ffs_line_add)(
	    &b, &live->model, live->interval_ms, time(NULL));
	rc = ffs_buf_error(&b);
	if (!rc && (fwrite(b.p, 1, b.len, stdout) != b.len || fflush(stdout)))
		rc = errno ? -errno : -EIO;
	ffs_buf_release(&b);
	return rc;
}

static int
run_lines(struct live *live)
{
	bool taken, first = true;
	int rc = 0;

	while (!rc && !ended(live)) {
		rc = snapshot(live, &taken);
		/* The first has nothing to compare with. */
		if (!rc && taken && !first)
			rc = print_line(live);
		first = first && !taken;
		if (!rc)
			rc = wait_for(live, -1);
	}
	return rc;
}

/* --- the screen --- */

static void
scroll_by(struct ffs_view *v, long n)
{
	if (n < 0)
		v->scroll = v->scroll > (size_t)-n ? v->scroll - (size_t)-n : 0;
	else
		v->scroll += (size_t)n; /* drawing bounds it */
}

static void
scroll_key(struct ffs_view *v, int key)
{
	long page = v->page > 1 ? (long)v->page - 1 : 1;

	if (key == KEY_UP || key == KEY_DOWN)
		scroll_by(v, key == KEY_UP ? -1 : 1);
	else if (key == KEY_PPAGE || key == KEY_NPAGE)
		scroll_by(v, key == KEY_PPAGE ? -page : page);
	else if (key == KEY_HOME)
		v->scroll = 0;
	else if (key == KEY_END)
		v->scroll = SIZE_MAX;
}

static void
on_key(struct live *live, int key)
{
	static const char sorts[] = "rbhlna"; /* in the order of enum ffs_model_sort */
	struct ffs_view *v = &live->view;
	const char *sort = key > 0 && key < 0x80 ? strchr(sorts, key) : NULL;

	if (key == 'q') {
		live->quit = true;
	} else if (v->box && key != KEY_RESIZE) {
		v->box = FFS_VIEW_NO_BOX;
	} else if (key == 'p' || key == ' ') {
		v->paused = !v->paused;
	} else if (key == '?') {
		v->box = FFS_VIEW_HELP;
	} else if (key == 'c') {
		v->box = FFS_VIEW_COUNTERS;
	} else if (key == 'w') {
		v->programs = !v->programs;
		v->scroll = 0;
	} else if (sort) {
		v->sort = (enum ffs_model_sort)(sort - sorts);
		v->programs = false;
		v->scroll = 0;
	} else {
		scroll_key(v, key);
	}
}

/* What the header says of the programs. */
static void
tell_watched(struct live *live)
{
	const struct ffs_meta *meta = &live->feed.maps.loaded;
	char *w = live->watched;
	size_t n = sizeof(live->watched);

	if (live->s->watched)
		snprintf(w, n, "port %s", live->s->watched);
	else if (meta->pid)
		snprintf(w, n, "what ffs-hotmon %" PRIu32 " has loaded", meta->pid);
	else
		snprintf(w, n, "what ffs-hotmon --pin has left");
}

static int
draw(struct live *live)
{
	struct ffs_view *v = &live->view;
	int rc;

	tell_watched(live);
	v->watched = live->watched;
	v->interfaces = live->interfaces ? live->interfaces : live->s->interfaces;
	v->notice = live->feed.gone                    ? live->feed.gone
	            : ffs_clock_ms() < live->notice_ms ? live->notice
	                                               : NULL;
	v->no_cache = live->feed.no_cache;
	rc = ffs_draw(&live->draw, &live->model, v);
	if (!rc && refresh() == ERR)
		rc = -EIO;
	return rc;
}

static int
run_screen(struct live *live)
{
	bool taken, redraw = true;
	int key, rc = 0;

	while (!rc && !ended(live)) {
		taken = false;
		if (!live->view.paused)
			rc = snapshot(live, &taken);
		else if (ffs_clock_ms() >= live->next_ms)
			live->next_ms = ffs_clock_ms() + live->interval_ms;
		if (!rc && (taken || redraw))
			rc = draw(live);
		redraw = false;
		if (!rc)
			rc = wait_for(live, fileno(live->in));
		while (!rc && !live->quit && (key = getch()) != ERR) {
			on_key(live, key);
			redraw = true;
		}
	}
	return rc;
}

/* The terminal becomes a screen.  0; -EOPNOTSUPP where it cannot. */
static int
open_screen(struct live *live)
{
	live->in = isatty(STDIN_FILENO) ? stdin : fopen("/dev/tty", "re");
	if (!live->in)
		return -errno;
	if (ffs_terminal_draws())
		live->screen = newterm(NULL, stdout, live->in);
	if (!live->screen)
		return -EOPNOTSUPP;
	cbreak();
	noecho();
	nonl();
	intrflush(stdscr, FALSE);
	keypad(stdscr, TRUE);
	nodelay(stdscr, TRUE);
	set_escdelay(25);
	curs_set(0);
	ffs_draw_init(&live->draw);
	return 0;
}

static void
close_screen(struct live *live)
{
	if (live->screen) {
		endwin();
		delscreen(live->screen);
	}
	if (live->in && live->in != stdin)
		fclose(live->in);
	ffs_draw_release(&live->draw);
}

static int
screen(struct live *live, char **why)
{
	struct sigaction sa = { .sa_handler = on_quit }, was;
	int rc;

	setlocale(LC_CTYPE, "");
	sigaction(SIGQUIT, &sa, &was);
	rc = open_screen(live);
	if (!rc)
		rc = run_screen(live);
	close_screen(live);
	sigaction(SIGQUIT, &was, NULL);
	if (rc == -ENXIO)
		*why = strdup("there is no terminal to read keys from: try --live=line");
	if (rc == -EOPNOTSUPP && asprintf(why,
				     "nothing can be drawn on a terminal of the type '%s': try "
				     "--live=line",
				     ffs_opt_env("TERM") ? ffs_opt_env("TERM") : "") < 0)
		*why = NULL;
	return rc;
}

int
ffs_live_run(const struct ffs_session *s, const struct ffs_live_opts *o, int *sig, char **why)
{
	const char *primary = s->nodes.v[0].ep.url;
	struct live live = {
		.s = s,
		.feed = { .addresses = &s->addresses, .primary = primary },
		.view = { .shared = s->fd < 0 },
		.lines = o->mode == FFS_LIVE_LINE || o->json || !isatty(STDOUT_FILENO),
		.json = o->json,
	};
	int rc;

	*why = NULL;
	live.interval_ms = o->interval_ms ? o->interval_ms : live.lines ? LINE_MS : SCREEN_MS;
	live.view.interval_ms = live.interval_ms;
	rc = ffs_feed_open(&live.feed);
	if (rc) {
		*why = live.feed.gone;
		live.feed.gone = NULL;
	}
	if (!rc && o->dataset)
		rc = ffs_live_dataset_read(&live.model, o->dataset, primary, why);
	live.next_ms = ffs_clock_ms();
	if (!rc)
		rc = live.lines ? run_lines(&live) : screen(&live, why);
	if (rc && !*why && asprintf(why, "cannot go on: %s", strerror(-rc)) < 0)
		*why = NULL;
	*sig = live.sig;
	ffs_feed_release(&live.feed);
	ffs_model_release(&live.model);
	free(live.notice);
	free(live.interfaces);
	return rc;
}
