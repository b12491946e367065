#include "common/s3/http.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "common/s3/curl.h"
#include "common/s3/httpline.h"
#include "common/base/clock.h"
#include "common/base/opt.h"

#define IDLE_CONNECTIONS 256L
#define TICK_US 200000   /* how often time-outs are looked for */
#define ABSENT_US 50000u /* of the time between two runs so much counts for time-outs */

struct list {
	struct ffs_exchange *first, *last;
	unsigned n;
};

struct ffs_http {
	CURLM *multi; /* NULL until something is asked for */
	int epoll, event;
	struct ffs_http_opts o; /* none of the numbers 0 */
	int watched;
	void (*ready)(void *arg);
	void *ready_arg;
	bool in_curl;
	struct list fresh, running, waiting;
	struct ffs_httpline *idle, *dead;
	uint64_t curl_due_us; /* libcurl's own timer, UINT64_MAX without */
	/*
	 * Time-outs count the time spent polling, not the caller's: "ffs-get | less" may stand
	 * still for an hour without a store being at fault.
	 */
	uint64_t polled_us, left_us, ticked_us;
	const volatile sig_atomic_t *stop;
};

/* --- lists --- */

static struct list *
list_of(struct ffs_http *h, const struct ffs_exchange *x)
{
	switch (x->state) {
	case FFS_EXCHANGE_READY:
		return &h->fresh;
	case FFS_EXCHANGE_RUNNING:
		return &h->running;
	case FFS_EXCHANGE_WAITING:
		return &h->waiting;
	default:
		return NULL;
	}
}

/* Move x to the end of the list of a state. */
static void
enter(struct ffs_http *h, struct ffs_exchange *x, enum ffs_exchange_state state)
{
	struct list *l = list_of(h, x);

	if (l) {
		*(x->prev ? &x->prev->next : &l->first) = x->next;
		*(x->next ? &x->next->prev : &l->last) = x->prev;
		l->n--;
	}
	x->state = state;
	x->next = x->prev = NULL;
	l = list_of(h, x);
	if (!l)
		return;
	x->prev = l->last;
	*(l->last ? &l->last->next : &l->first) = x;
	l->last = x;
	l->n++;
}

static int
on_socket(CURL *easy, curl_socket_t fd, int what, void *arg, void *known)
{
	struct ffs_http *h = arg;
	struct epoll_event e = { .data.fd = fd };

	(void)easy;
	if (what == CURL_POLL_REMOVE) {
		epoll_ctl(h->epoll, EPOLL_CTL_DEL, fd, NULL);
		return 0;
	}
	if (what & CURL_POLL_IN)
		e.events |= EPOLLIN;
	if (what & CURL_POLL_OUT)
		e.events |= EPOLLOUT;
	if (epoll_ctl(h->epoll, known ? EPOLL_CTL_MOD : EPOLL_CTL_ADD, fd, &e))
		return -1;
	curl_multi_assign(h->multi, fd, h);
	return 0;
}

static int
on_timer(CURLM *multi, long ms, void *arg)
{
	struct ffs_http *h = arg;

	(void)multi;
	h->curl_due_us = ms < 0 ? UINT64_MAX : ffs_clock_us() + (uint64_t)ms * 1000;
	return 0;
}

static struct ffs_httpline *
line_take(struct ffs_http *h)
{
	struct ffs_httpline *line = h->idle;

	if (line)
		h->idle = line->next;
	else
		line = ffs_httpline_new(&h->o);
	if (line)
		line->moved_us = h->polled_us;
	return line;
}

/* Take a handle from libcurl; its exchange, if any, is out of RUNNING already. */
static void
line_return(struct ffs_http *h, struct ffs_httpline *line)
{
	curl_multi_remove_handle(h->multi, line->easy);
	/* It points at the exchange's memory. */
	curl_easy_setopt(line->easy, CURLOPT_HTTPHEADER, NULL);
	line->next = h->idle;
	h->idle = line;
}

/* Part an exchange from its handle.  libcurl forbids removal inside its callbacks. */
static void
detach(struct ffs_http *h, struct ffs_exchange *x)
{
	struct ffs_httpline *line = x->line;

	if (!line)
		return;
	x->line = NULL;
	line->x = NULL;
	if (x->state == FFS_EXCHANGE_RUNNING)
		--*x->active;
	if (h->in_curl) {
		line->next = h->dead;
		h->dead = line;
	} else {
		line_return(h, line);
	}
}

static void
finish(struct ffs_http *h, struct ffs_exchange *x, int rc, const char *why)
{
	char text[CURL_ERROR_SIZE];

	/* The handle, and why with it, may be in use again before done() returns. */
	snprintf(text, sizeof(text), "%s", why);
	x->total_us = ffs_clock_us() - x->sent_us;
	detach(h, x);
	enter(h, x, FFS_EXCHANGE_IDLE);
	x->done(x, rc, text);
}

/* --- exchanges --- */

void
ffs_exchange_start(struct ffs_http *h, struct ffs_exchange *x)
{
	x->status = 0;
	x->first_byte_us = x->total_us = 0;
	x->connects = 0;
	enter(h, x, FFS_EXCHANGE_READY);
}

void
ffs_exchange_later(struct ffs_http *h, struct ffs_exchange *x, unsigned ms)
{
	x->due_us = ffs_clock_us() + (uint64_t)ms * 1000;
	enter(h, x, FFS_EXCHANGE_WAITING);
}

void
ffs_exchange_drop(struct ffs_http *h, struct ffs_exchange *x)
{
	detach(h, x);
	enter(h, x, FFS_EXCHANGE_IDLE);
}

void
ffs_exchange_resume(struct ffs_http *h, struct ffs_exchange *x)
{
	(void)h;
	if (x->line)
		x->line->resume = true;
}

/* --- the loop --- */

static unsigned
reap(struct ffs_http *h)
{
	struct ffs_httpline *line;
	struct ffs_exchange *x;
	const char *why;
	unsigned n = 0;
	CURLcode code;
	CURLMsg *m;
	long v;
	int left, rc;

	while ((line = h->dead)) {
		h->dead = line->next;
		line_return(h, line);
	}
	while (h->multi && (m = curl_multi_info_read(h->multi, &left))) {
		if (m->msg != CURLMSG_DONE)
			continue;
		code = m->data.result;
		curl_easy_getinfo(m->easy_handle, CURLINFO_PRIVATE, &line);
		x = line->x;
		if (!x)
			continue;
		v = 0;
		curl_easy_getinfo(line->easy, CURLINFO_RESPONSE_CODE, &v);
		x->status = (int)v;
		v = 0;
		curl_easy_getinfo(line->easy, CURLINFO_NUM_CONNECTS, &v);
		x->connects = (unsigned)v;
		rc = line->rc ? line->rc : ffs_httpline_errno(line, code);
		why = line->error[0] ? line->error : curl_easy_strerror(code);
		finish(h, x, rc, line->rc ? strerrordesc_np(-rc) : why);
		n++;
	}
	return n;
}

/* libcurl's part of the pool, when it is first needed. */
static int
make_multi(struct ffs_http *h)
{
	if (h->multi)
		return 0;
	if (!ffs_curl_load())
		return -ELIBACC;
	if (curl_global_init(CURL_GLOBAL_DEFAULT))
		return -ENOMEM;
	h->multi = curl_multi_init();
	if (h->multi && !curl_multi_setopt(h->multi, CURLMOPT_SOCKETFUNCTION, on_socket) &&
	    !curl_multi_setopt(h->multi, CURLMOPT_SOCKETDATA, h) &&
	    !curl_multi_setopt(h->multi, CURLMOPT_TIMERFUNCTION, on_timer) &&
	    !curl_multi_setopt(h->multi, CURLMOPT_TIMERDATA, h) &&
	    !curl_multi_setopt(h->multi, CURLMOPT_MAXCONNECTS, IDLE_CONNECTIONS))
		return 0;
	if (h->multi)
		curl_multi_cleanup(h->multi);
	h->multi = NULL;
	curl_global_cleanup();
	return -ENOMEM;
}

/* Give READY exchanges to libcurl, in their order, as far as their hosts have room. */
static unsigned
start_ready(struct ffs_http *h)
{
	struct ffs_exchange *x = h->fresh.first, *next, *last = h->fresh.last;
	struct ffs_httpline *line;
	unsigned n = 0;
	int rc;

	for (; x; x = next) {
		/* done() below may add to the list, and what it adds waits for the next turn. */
		next = x == last ? NULL : x->next;
		if (*x->active >= h->o.max_connections)
			continue;
		rc = make_multi(h);
		line = rc ? NULL : line_take(h);
		if (!rc)
			rc = line ? ffs_httpline_aim(line, x) : -ENOMEM;
		x->sent_us = ffs_clock_us();
		if (!rc && curl_multi_add_handle(h->multi, line->easy))
			rc = -ENOMEM;
		n++;
		if (rc) {
			finish(h, x, rc, strerrordesc_np(-rc));
			return n;
		}
		++*x->active;
		enter(h, x, FFS_EXCHANGE_RUNNING);
	}
	return n;
}

static void
resume_paused(struct ffs_http *h)
{
	unsigned left = h->running.n; /* a callback may pause and resume again */
	struct ffs_httpline *line;
	struct ffs_exchange *x;

again:
	for (x = h->running.first; x && left; x = x->next) {
		line = x->line;
		if (!line->resume)
			continue;
		line->resume = line->paused = false;
		line->moved_us = h->polled_us;
		/* Delivers what it kept: the callback runs here, and may change the list. */
		h->in_curl = true;
		curl_easy_pause(line->easy, CURLPAUSE_CONT);
		h->in_curl = false;
		left--;
		goto again;
	}
}

/* WAITING ones whose time has come. */
static unsigned
wake_due(struct ffs_http *h, uint64_t now)
{
	struct ffs_exchange *x;
	unsigned n = 0;

again:
	for (x = h->waiting.first; x; x = x->next) {
		if (x->due_us > now)
			continue;
		enter(h, x, FFS_EXCHANGE_IDLE);
		x->wake(x);
		n++;
		goto again;
	}
	return n;
}

/* End what has not moved for too long. */
static void
check_stalls(struct ffs_http *h)
{
	struct ffs_httpline *line;
	struct ffs_exchange *x;
	curl_off_t up, down, began;
	uint64_t progress, limit;
	char why[96];

	if (h->polled_us - h->ticked_us < TICK_US)
		return;
	h->ticked_us = h->polled_us;
again:
	for (x = h->running.first; x; x = x->next) {
		line = x->line;
		up = down = began = 0;
		curl_easy_getinfo(line->easy, CURLINFO_SIZE_UPLOAD_T, &up);
		curl_easy_getinfo(line->easy, CURLINFO_SIZE_DOWNLOAD_T, &down);
		curl_easy_getinfo(line->easy, CURLINFO_PRETRANSFER_TIME_T, &began);
		progress = (uint64_t)up + (uint64_t)down + (uint64_t) !!began + !!x->first_byte_us;
		if (line->paused || progress != line->progress) {
			line->progress = progress;
			line->moved_us = h->polled_us;
			continue;
		}
		limit = began ? h->o.stall_ms : h->o.connect_ms;
		if (h->polled_us - line->moved_us < limit * 1000)
			continue;
		snprintf(why, sizeof(why), "%s for %.1f s",
		    began ? "nothing came or went" : "no connection", (double)limit / 1000);
		finish(h, x, -ETIMEDOUT, why);
		goto again;
	}
}

/* How long a wait may be, in ms. */
static int
wait_ms(const struct ffs_http *h, int timeout_ms, uint64_t now)
{
	uint64_t due = now + (uint64_t)timeout_ms * 1000;
	const struct ffs_exchange *x;

	if (h->running.n && due > now + TICK_US)
		due = now + TICK_US;
	if (due > h->curl_due_us)
		due = h->curl_due_us;
	for (x = h->waiting.first; x; x = x->next)
		if (due > x->due_us)
			due = x->due_us;
	return due <= now ? 0 : (int)((due - now + 999) / 1000);
}

static void
act(struct ffs_http *h, curl_socket_t fd, int bits)
{
	int running;

	h->in_curl = true;
	curl_multi_socket_action(h->multi, fd, bits, &running);
	h->in_curl = false;
}

/* Wait for sockets and timers once and let libcurl work.  Returns what was done, or -errno. */
static int
poll_once(struct ffs_http *h, int timeout_ms)
{
	struct epoll_event ev[64];
	uint64_t before = ffs_clock_us(), drain, now;
	int n = epoll_wait(h->epoll, ev, 64, wait_ms(h, timeout_ms, before)), i, bits;

	if (n < 0) {
		if (errno != EINTR)
			return -errno;
		n = 0; /* the caller looks at its flag */
	}
	now = ffs_clock_us();
	h->polled_us += now - before;
	for (i = 0; i < n; i++) {
		if (ev[i].data.fd == h->event) {
			if (read(h->event, &drain, sizeof(drain)) < 0 && errno != EAGAIN)
				return -errno;
			continue;
		}
		if (ev[i].data.fd == h->watched) {
			h->ready(h->ready_arg);
			continue;
		}
		bits = (ev[i].events & EPOLLIN ? CURL_CSELECT_IN : 0) |
		       (ev[i].events & EPOLLOUT ? CURL_CSELECT_OUT : 0) |
		       (ev[i].events & (EPOLLERR | EPOLLHUP) ? CURL_CSELECT_ERR : 0);
		act(h, ev[i].data.fd, bits);
	}
	if (h->curl_due_us <= now) {
		h->curl_due_us = UINT64_MAX;
		act(h, CURL_SOCKET_TIMEOUT, 0);
	}
	return (int)reap(h) + (int)wake_due(h, now) + n;
}

int
ffs_http_run(struct ffs_http *h, int timeout_ms)
{
	uint64_t now = ffs_clock_us(), away = now - h->left_us;
	int rc = 0;

	if (h->in_curl)
		return -EDEADLK;
	h->polled_us += away < ABSENT_US ? away : ABSENT_US;
	resume_paused(h);
	/* What is new goes out before the wait, and what that brings ends it. */
	if (start_ready(h) || h->dead)
		rc = poll_once(h, 0);
	if (!rc && (h->running.n || h->waiting.n || h->fresh.n || h->watched >= 0))
		rc = poll_once(h, timeout_ms < 0 ? 0 : timeout_ms);
	if (rc >= 0) {
		check_stalls(h);
		start_ready(h);
	}
	h->left_us = ffs_clock_us();
	return rc < 0 ? rc : (int)(h->running.n + h->waiting.n + h->fresh.n);
}

int
ffs_http_watch(struct ffs_http *h, int fd, void (*ready)(void *arg), void *arg)
{
	struct epoll_event e = { .events = EPOLLIN, .data.fd = fd };

	if (h->watched >= 0)
		epoll_ctl(h->epoll, EPOLL_CTL_DEL, h->watched, NULL);
	h->watched = -1;
	if (fd >= 0 && epoll_ctl(h->epoll, EPOLL_CTL_ADD, fd, &e))
		return -errno;
	h->watched = fd;
	h->ready = ready;
	h->ready_arg = arg;
	return 0;
}

void
ffs_http_stop_on(struct ffs_http *h, const volatile sig_atomic_t *stop)
{
	h->stop = stop;
}

bool
ffs_http_stopped(const struct ffs_http *h)
{
	return h->stop && *h->stop;
}

void
ffs_http_wakeup(struct ffs_http *h)
{
	uint64_t one = 1;

	/* Full only where it is to wake anyway. */
	if (write(h->event, &one, sizeof(one)) < 0)
		return;
}

/* --- the pool --- */

static unsigned
option(unsigned set, const char *var, unsigned fallback)
{
	const char *s = getenv(var);
	uint64_t ms;

	if (set)
		return set;
	return s && !ffs_opt_duration(s, 1, FFS_HTTP_TIMEOUT_MAX, &ms) ? (unsigned)ms : fallback;
}

struct ffs_http *
ffs_http_new(const struct ffs_http_opts *o)
{
	static const struct ffs_http_opts none;
	struct epoll_event e = { .events = EPOLLIN };
	struct ffs_http *h = calloc(1, sizeof(*h));

	if (!o)
		o = &none;
	if (!h)
		return NULL;
	h->o = *o;
	h->watched = -1;
	h->o.max_connections = o->max_connections ? o->max_connections : 64;
	h->o.connect_ms = option(o->connect_ms, "FFS_CONNECT_TIMEOUT", 5000);
	h->o.stall_ms = option(o->stall_ms, "FFS_STALL_TIMEOUT", 30000);
	h->curl_due_us = UINT64_MAX;
	h->left_us = ffs_clock_us();
	h->epoll = epoll_create1(EPOLL_CLOEXEC);
	h->event = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	e.data.fd = h->event;
	if (h->epoll < 0 || h->event < 0 || epoll_ctl(h->epoll, EPOLL_CTL_ADD, h->event, &e))
		goto fail;
	return h;
fail:
	ffs_http_free(h);
	return NULL;
}

void
ffs_http_free(struct ffs_http *h)
{
	struct ffs_httpline *line;
	int saved = errno;

	if (!h)
		return;
	reap(h);
	while ((line = h->idle)) {
		h->idle = line->next;
		ffs_httpline_free(line);
	}
	if (h->multi) {
		curl_multi_cleanup(h->multi);
		curl_global_cleanup();
	}
	if (h->epoll >= 0)
		close(h->epoll);
	if (h->event >= 0)
		close(h->event);
	free(h);
	errno = saved;
}
