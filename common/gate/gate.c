#include "common/gate/gate.h"

#include <errno.h>
#include <pthread.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "common/base/loopback.h"
#include "common/base/place.h"
#include "common/gate/client.h"
#include "common/gate/metrics.h"
#include "common/gate/known.h"

enum {
	LISTENERS = 2,
	ACCEPTS = 64, /* before others have their turn */
	SPARE = 64,   /* descriptors that are no client's */
	CLIENTS_MAX = 65536,
	BUSY_MS = 2000,     /* the port of one that was killed is free so soon */
	TROUBLE_MS = 10000, /* of an origin is told so often */
};

struct listener {
	struct ffs_loop_fd s;
	struct ffs_gate *gate;
	struct ffs_place place;
	bool on; /* in the loop */
};

struct ffs_gate {
	struct ffs_gate_opts o;
	char *dir; /* of the cache; NULL: none */
	struct ffs_loop *loop;
	struct listener listeners[LISTENERS];
	unsigned n;
	bool open; /* beyond loopback */
	struct ffs_known *known;
	struct ffs_origins *origins;
	struct ffs_flights *flights;
	struct ffs_vouch *vouch;
	struct ffs_resign *resign; /* NULL: the origin takes any name */
	struct ffs_served *served;
	struct ffs_door *door;
	struct ffs_metrics *metrics;
	struct ffs_turns turns;
	struct ffs_parts *parts;
	struct ffs_clients clients;
	struct ffs_count count;
	struct ffs_loop_call flown; /* a flight's thread has ended something */
	int posted;
	unsigned max;
	bool paused; /* nobody is accepted for now */
	int64_t ticked, beaten, told;
	pthread_t thread;
	bool threaded;
	int rc;
};

static void
note(struct ffs_gate *g, bool detail, const char *text)
{
	if (g->o.note)
		g->o.note(g->o.arg, detail, text);
}

/* --- accepting --- */

static void
listen_on(struct ffs_gate *g, bool on)
{
	struct listener *l;
	int fd;

	/* To wait here for another to go is no better than a store that is asked at once. */
	if (!on && g->door)
		ffs_door_rest(g->door);
	for (l = g->listeners; l < g->listeners + g->n; l++) {
		fd = l->s.fd;
		if (l->on == on)
			continue;
		l->on = on && !ffs_loop_add(g->loop, &l->s, true);
		if (!on)
			ffs_loop_remove(g->loop, &l->s);
		l->s.fd = fd;
	}
	g->paused = !on;
}

/* One more client.  False: nobody waits, or none can be taken for now. */
static bool
accept_one(struct ffs_gate *g, struct listener *l)
{
	int fd = accept4(l->s.fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC), rc;

	if (fd < 0 && (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM)) {
		/* Until somebody goes, or the next tick: the queue is the kernel's. */
		if (!ffs_origins_yield(g->origins))
			listen_on(g, false);
		return false;
	}
	if (fd < 0)
		return errno == ECONNABORTED || errno == EINTR;
	rc = ffs_client_new(&g->clients, fd);
	if (rc)
		close(fd);
	if (rc)
		ffs_count_add(&g->count.client_connections_refused, 1);
	if (g->clients.n >= g->max)
		listen_on(g, false);
	return !g->paused;
}

static void
accept_ready(struct ffs_loop_fd *s, uint32_t events)
{
	struct listener *l = (struct listener *)s;
	int i;

	(void)events;
	for (i = 0; i < ACCEPTS && accept_one(l->gate, l); i++)
		;
}

static void
client_gone(void *arg)
{
	struct ffs_gate *g = arg;

	if (g->paused && !g->clients.stopping && g->clients.n < g->max)
		listen_on(g, true);
}

/* --- what clients ask of it --- */

static const char *
endpoint_of(void *arg, const struct sockaddr_storage *meant)
{
	struct ffs_gate *g = arg;

	return ffs_known_name(g->known, meant);
}

static void
trouble(void *arg, int rc, const char *why)
{
	struct ffs_gate *g = arg;
	int64_t now = ffs_loop_now(g->loop);
	char text[512];

	if (rc == -ETIME || rc == -ECONNRESET)
		return; /* one request's; the client is told */
	if (g->told && now - g->told < TROUBLE_MS)
		return;
	g->told = now;
	snprintf(text, sizeof(text), "cannot reach the store: %s", why ? why : strerror(-rc));
	note(g, false, text);
}

static void
flights_ready(void *arg)
{
	struct ffs_gate *g = arg;

	if (!__atomic_exchange_n(&g->posted, 1, __ATOMIC_ACQ_REL))
		ffs_loop_post(g->loop, &g->flown);
}

static void
flights_flown(struct ffs_loop_call *c)
{
	struct ffs_gate *g = (struct ffs_gate *)((char *)c - offsetof(struct ffs_gate, flown));

	__atomic_store_n(&g->posted, 0, __ATOMIC_RELEASE);
	if (g->flights)
		ffs_flights_step(g->flights);
}

/* --- its life --- */

static int
say(char **why, int rc, const char *what, const char *detail)
{
	if (!*why && asprintf(why, "%s: %s", what, detail) < 0)
		*why = NULL;
	return rc;
}

/* As many descriptors as may be had, and the clients that they do for. */
static void
set_max(struct ffs_gate *g)
{
	struct rlimit r;
	rlim_t n;

	if (getrlimit(RLIMIT_NOFILE, &r)) {
		g->max = 256;
		return;
	}
	n = r.rlim_max;
	if (r.rlim_cur < n) {
		r.rlim_cur = n;
		if (setrlimit(RLIMIT_NOFILE, &r))
			getrlimit(RLIMIT_NOFILE, &r);
	}
	/* A third is for connections to origins and for files: few clients want both at once. */
	n = r.rlim_cur > SPARE ? (r.rlim_cur - SPARE) / 3 * 2 : 1;
	g->max = n > CLIENTS_MAX ? CLIENTS_MAX : n ? (unsigned)n : 1;
	if (g->o.max_clients && g->o.max_clients < g->max)
		g->max = g->o.max_clients;
}

static int
listen_at(struct ffs_gate *g, const char *text, char **why)
{
	const struct timespec moment = { .tv_nsec = 20000000 };
	struct listener *l = &g->listeners[g->n];
	char detail[256];
	int fd, waited = 0;

	if (ffs_place_parse(&l->place, text, detail, sizeof(detail)))
		return say(why, -EINVAL, "cannot listen", detail);
	g->open |= !l->place.loopback;
	while ((fd = ffs_place_listen(&l->place)) == -EADDRINUSE && waited < BUSY_MS) {
		nanosleep(&moment, NULL);
		waited += 20;
	}
	if (fd < 0) {
		snprintf(detail, sizeof(detail), "cannot listen on '%s'", text);
		return say(why, fd, detail, strerror(-fd));
	}
	/* Accepted ones have it from there. */
	if (l->place.loopback)
		ffs_loopback_tune(fd);
	l->s = (struct ffs_loop_fd){ accept_ready, fd };
	l->gate = g;
	g->n++;
	return 0;
}

static int
listen_all(struct ffs_gate *g, char **why)
{
	char *none = NULL;
	int rc = listen_at(g, g->o.listen ? g->o.listen : "127.0.0.1:9009", why);

	if (!rc && !g->o.listen) {
		/* A machine may be without IPv6. */
		rc = listen_at(g, "[::1]:9009", &none);
		if (rc == -EADDRINUSE)
			return say(why, rc, "cannot listen on '[::1]:9009'", strerror(-rc));
		free(none);
		rc = 0;
	}
	if (!rc && g->open && (!g->o.origin->access_key || !g->o.origin->secret_key))
		return say(why, -EPERM, "beyond loopback each request must be signed",
		    "there are no credentials to check it with");
	return rc;
}

static int
open_door(struct ffs_gate *g)
{
	int fds[LISTENERS];
	unsigned i;

	for (i = 0; i < g->n; i++)
		fds[i] = g->listeners[i].s.fd;
	g->door = ffs_door_new(g->o.pins, fds, g->n);
	return g->door ? 0 : -errno;
}

static int
open_cache(struct ffs_gate *g)
{
	if (!g->o.cache)
		return 0;
	/* Statistics: without them where they cannot be had. */
	g->served = ffs_served_open(ffs_cache_path(g->o.cache), true);
	if (!ffs_cache_writable(g->o.cache))
		return 0;
	g->flights = ffs_flights_new(g->o.cache, &g->count, flights_ready, g);
	return g->flights ? 0 : -errno;
}

static void
close_cache(struct ffs_gate *g)
{
	ffs_flights_free(g->flights);
	ffs_served_close(g->served);
	ffs_cache_free(g->o.cache);
	g->flights = NULL;
	g->served = NULL;
	g->o.cache = NULL;
}

static int
open_origins(struct ffs_gate *g, char **why)
{
	struct ffs_origins_opts o = { .loop = g->loop,
		.url = g->o.origin->url,
		.door = g->door,
		.times = g->o.times,
		.count = &g->count };

	g->origins = ffs_origins_new(&o, why);
	if (!g->origins)
		return -errno;
	g->known = ffs_known_new(g->loop, g->o.origin, g->o.nodes);
	return g->known ? 0 : -ENOMEM;
}

static void
set_turns(struct ffs_gate *g)
{
	g->turns = (struct ffs_turns){ .cache = g->o.cache,
		.flights = g->flights,
		.vouch = g->vouch,
		.vouched = ffs_known_name(g->known, NULL),
		.served = g->served,
		.max_age_ms = g->o.max_age_ms,
		.stale_ms = g->o.stale_ms,
		.keep_all = g->o.keep_all,
		.keep_second = g->o.keep_second,
		.allow = g->o.allow,
		.deny = g->o.deny,
		.parts = g->parts,
		.wake = ffs_client_wake,
		.note = g->o.note,
		.arg = g->o.arg };
}

static void
wire_up(struct ffs_gate *g)
{
	set_turns(g);
	g->clients = (struct ffs_clients){ .loop = g->loop,
		.origins = g->origins,
		.turns = &g->turns,
		.door = g->door,
		.must = g->open ? g->vouch : NULL,
		.resign = g->resign,
		.times = g->o.times,
		.count = &g->count,
		.endpoint = endpoint_of,
		.hosts = ffs_known_hosts(g->known),
		.gone = client_gone,
		.trouble = trouble,
		.arg = g };
	g->flown.run = flights_flown;
}

static int
open_metrics(struct ffs_gate *g, char **why)
{
	struct ffs_metrics_opts o = {
		.listen = g->o.metrics, .count = &g->count, .cache = g->dir, .pins = g->o.pins
	};

	if (!g->o.metrics)
		return 0;
	ffs_count_beat(&g->count, true);
	g->metrics = ffs_metrics_new(&o, why);
	return g->metrics ? 0 : -errno;
}

struct ffs_gate *
ffs_gate_new(const struct ffs_gate_opts *o, char **why)
{
	static const struct ffs_times times = FFS_TIMES_INIT;
	struct ffs_gate *g = calloc(1, sizeof(*g));
	unsigned i;
	int rc;

	*why = NULL;
	if (!g || (o->cache && !(g->dir = strdup(ffs_cache_path(o->cache))))) {
		ffs_cache_free(o->cache);
		free(g);
		return NULL;
	}
	g->o = *o;
	if (!o->times)
		g->o.times = &times;
	set_max(g);
	g->loop = ffs_loop_new();
	rc = g->loop ? listen_all(g, why) : -errno;
	for (i = 0; !rc && i < g->n; i++)
		if (ffs_known_own(g->o.origin->url, &g->listeners[i].place))
			rc = say(
			    why, -EINVAL, "the origin is this gateway itself", g->o.origin->url);
	if (!rc)
		rc = open_door(g);
	if (!rc) {
		g->vouch = ffs_vouch_new(g->o.origin);
		rc = g->vouch ? open_cache(g) : -errno;
	}
	if (!rc && o->wanted) {
		g->parts = ffs_parts_new(o->wanted, o->keep_all);
		rc = g->parts ? 0 : -ENOMEM;
	}
	if (!rc)
		rc = open_origins(g, why);
	if (!rc)
		rc = ffs_resign_new(&g->resign, g->vouch, g->o.origin, g->o.resign, why);
	if (!rc) {
		wire_up(g);
		rc = open_metrics(g, why);
	}
	if (rc) {
		ffs_gate_free(g);
		errno = -rc;
		return NULL;
	}
	/* Who comes as soon as he can is known, too. */
	ffs_count_set(&g->count.redirect, ffs_door_beat(g->door));
	return g;
}

static void
stop_listening(struct ffs_gate *g)
{
	unsigned i;

	if (g->loop)
		listen_on(g, false);
	for (i = 0; i < g->n; i++)
		close(g->listeners[i].s.fd);
	g->n = 0;
}

void
ffs_gate_free(struct ffs_gate *g)
{
	if (!g)
		return;
	ffs_metrics_free(g->metrics);
	if (g->clients.loop) {
		g->clients.stopping = true;
		ffs_clients_end(&g->clients, false);
	}
	if (g->door)
		ffs_door_withdraw(g->door);
	stop_listening(g);
	ffs_known_free(g->known);
	ffs_origins_free(g->origins);
	ffs_door_free(g->door);
	/* What threads do for those who have gone has still to end. */
	ffs_flights_free(g->flights);
	g->flights = NULL;
	g->turns.flights = NULL;
	ffs_loop_free(g->loop);
	close_cache(g);
	ffs_parts_free(g->parts);
	ffs_resign_free(g->resign);
	ffs_vouch_free(g->vouch);
	free(g->dir);
	free(g);
}

const char *
ffs_gate_url(const struct ffs_gate *g)
{
	return g->listeners[0].place.url;
}

const char *
ffs_gate_metrics(const struct ffs_gate *g)
{
	return g->metrics ? ffs_metrics_url(g->metrics) : NULL;
}

/* --- serving --- */

/* Somebody has removed the cache: a new one, when no request uses the old one any more. */
static void
renew_cache(struct ffs_gate *g)
{
	struct ffs_cache *fresh;

	if (g->clients.active || ffs_count_get(&g->count.flights_active) ||
	    !ffs_cache_writable(g->o.cache) || ffs_cache_current(g->o.cache))
		return;
	fresh = ffs_cache_open(g->dir, true, NULL);
	if (!fresh)
		return;
	close_cache(g);
	g->o.cache = fresh;
	(void)open_cache(g); /* without flights nothing is kept while it streams */
	set_turns(g);
}

static void
tick(struct ffs_gate *g)
{
	int64_t now = ffs_loop_now(g->loop);

	if (now - g->beaten >= FFS_DOOR_MS) {
		g->beaten = now;
		ffs_count_set(&g->count.redirect, !g->paused && g->door && ffs_door_beat(g->door));
		ffs_count_beat(&g->count, !g->clients.stopping);
		if (g->o.cache)
			renew_cache(g);
	}
	if (now - g->ticked < FFS_LOOP_TICK_MS)
		return;
	g->ticked = now;
	ffs_clients_tick(&g->clients);
	ffs_origins_tick(g->origins);
	if (ffs_count_get(&g->count.redirect))
		ffs_known_tick(g->known);
	client_gone(g);
}

/* New connections go elsewhere; who came before is served. */
static void
begin_stop(struct ffs_gate *g)
{
	unsigned i;

	if (g->door)
		ffs_door_withdraw(g->door);
	for (i = 0; i < g->n; i++)
		while (g->clients.n < g->max && accept_one(g, &g->listeners[i]))
			;
	g->clients.stopping = true;
	stop_listening(g);
	ffs_clients_end(&g->clients, true);
}

int
ffs_gate_run(struct ffs_gate *g)
{
	int64_t stopped;
	int rc = 0;

	listen_on(g, true);
	while (!rc && !*g->o.stop) {
		rc = ffs_loop_turn(g->loop);
		tick(g);
	}
	begin_stop(g);
	stopped = ffs_loop_now(g->loop);
	while (!rc && g->clients.n && ffs_loop_now(g->loop) - stopped < g->o.times->stop) {
		rc = ffs_loop_turn(g->loop);
		tick(g);
	}
	return rc;
}

static void *
run_thread(void *arg)
{
	struct ffs_gate *g = arg;

	g->rc = ffs_gate_run(g);
	return NULL;
}

int
ffs_gate_start(struct ffs_gate *g)
{
	sigset_t all, old;
	int rc;

	/* Signals are for the main thread. */
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &old);
	rc = -pthread_create(&g->thread, NULL, run_thread, g);
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	g->threaded = !rc;
	return rc;
}

int
ffs_gate_join(struct ffs_gate *g)
{
	if (g->threaded)
		pthread_join(g->thread, NULL);
	g->threaded = false;
	return g->rc;
}
