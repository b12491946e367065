#include "common/watch/session.h"

#include <arpa/inet.h>
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/base/buf.h"
#include "common/base/clock.h"
#include "common/base/process.h"
#include "common/base/why.h"
#include "common/watch/halves.h"
#include "common/watch/redirect.h"
#include "common/watch/targets.h"

#define STATS_MS 2000
#define AGAIN_MS 10000

static void __attribute__((format(printf, 3, 4)))
note(const struct ffs_session *s, bool detail, const char *fmt, ...)
{
	char text[1024];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	s->note(s->arg, detail, text);
}

int
ffs_session_begin(struct ffs_session *s, int fd, char **why)
{
	struct ffs_config_opts config = { 0 };
	char *text = NULL;
	int rc = ffs_halves_drop();

	s->fd = fd;
	s->maps = FFS_MAPS_NONE;
	if (rc)
		return ffs_why(why, rc, "cannot become the invoking user: %s", strerror(-rc));
	rc = ffs_nodes_load(&s->nodes, &config, &text);
	if (rc && !text)
		return ffs_why(why, rc, "cannot find the configuration (no home directory?): %s",
		    strerror(-rc));
	if (rc && why)
		*why = text;
	else
		free(text);
	return rc;
}

/* What root's half says before all is attached. */
static int
await_ready(struct ffs_session *s, char **why)
{
	struct ffs_halves_msg m;
	int rc;

	for (;;) {
		rc = ffs_halves_recv(s->fd, &m, -1);
		if (rc == -EINTR || (!rc && m.type == FFS_HALVES_STOP))
			continue;
		if (rc)
			return ffs_why(why, rc, "the half of ffs-hotmon that is root has ended: %s",
			    strerror(-rc));
		if (m.type == FFS_HALVES_READY) {
			note(s, true, "attached to %s", m.text);
			s->interfaces = strdup(m.text);
			return s->interfaces ? 0 : -ENOMEM;
		}
		if (m.type == FFS_HALVES_FAILED) {
			if (why)
				*why = strdup(m.text);
			return -m.rc;
		}
		s->note(s->arg, m.type != FFS_HALVES_NOTE, m.text);
	}
}

/* Does the URL name its host, rather than say where it is. */
static bool
is_name(const char *url)
{
	char *host = NULL;
	unsigned char any[16];
	uint16_t port;
	bool tls, name;

	if (ffs_targets_split(url, &host, &port, &tls))
		return false;
	name = !tls && strcasecmp(host, "localhost") && inet_pton(AF_INET, host, any) != 1 &&
	       inet_pton(AF_INET6, host, any) != 1;
	free(host);
	return name;
}

static int
look_up(struct ffs_session *s, char **why)
{
	int rc = s->addresses.n ? 0 : ffs_addresses_init(&s->addresses, &s->nodes);

	return rc ? ffs_why(why, rc, "cannot look up the endpoints: %s", strerror(-rc)) : 0;
}

/* Find the stores whose clients are redirected, and tell of them. */
static int
find_stores(struct ffs_session *s, struct ffs_load_targets *t, const struct ffs_load_redirect *r,
    char **why)
{
	struct ffs_buf b = FFS_BUF_INIT;
	int rc = look_up(s, why);
	size_t i, left;

	if (rc)
		return rc;
	for (i = 0; i < s->nodes.n; i++)
		if (!strncmp(s->nodes.v[i].ep.url, "https:", 6))
			note(s, true, "TLS cannot be redirected: %s", s->nodes.v[i].ep.url);
	left = ffs_redirect_stores(t, &s->addresses);
	if (left)
		note(s, false, "too many stores: %zu addresses of them are not redirected", left);
	ffs_redirect_text(&b, r, t);
	rc = ffs_buf_error(&b);
	if (!rc && t->stores_n)
		note(s, true, "while the gateway (ffs-cache --serve) is there, it gets %s", b.p);
	else if (!rc)
		note(s, false,
		    "nothing is redirected: no configured endpoint with plain HTTP and a port that "
		    "is watched has an address");
	ffs_buf_release(&b);
	for (i = 0; !rc && i < s->nodes.n; i++)
		if (!s->redirected && is_name(s->nodes.v[i].ep.url)) {
			s->redirected = malloc(sizeof(*t));
			if (!s->redirected)
				return -ENOMEM;
			*s->redirected = *t;
		}
	return rc;
}

/* By a process of its own, for the name service may take its time. */
static void
look_again(struct ffs_session *s)
{
	struct ffs_halves_msg m = { .type = FFS_HALVES_STORES };
	struct ffs_addresses now;

	if (!s->redirected || ffs_clock_ms() < s->again_ms ||
	    (s->looker > 0 && !waitpid(s->looker, NULL, WNOHANG)))
		return;
	s->again_ms = ffs_clock_ms() + AGAIN_MS;
	s->looker = fork();
	if (s->looker)
		return;
	m.targets = *s->redirected;
	if (!ffs_addresses_init(&now, &s->nodes)) {
		ffs_redirect_stores(&m.targets, &now);
		ffs_halves_send(s->fd, &m);
	}
	ffs_process_die(SIGKILL); /* nothing of this one's is to be flushed or told */
}

int
ffs_session_load(struct ffs_session *s, const struct ffs_loadopt *o, char **why)
{
	const struct ffs_load_redirect *r = &o->watch.load.redirect;
	struct ffs_halves_msg m = { .type = FFS_HALVES_TARGETS };
	struct ffs_buf told = FFS_BUF_INIT, not_told = FFS_BUF_INIT;
	int rc;

	ffs_buf_adds(&not_told, "");
	rc = ffs_targets_find(&m.targets, &s->nodes, o->ports, o->tls, &told, &not_told);
	s->watched = ffs_buf_detach(&told);
	s->not_watched = ffs_buf_detach(&not_told);
	if (!rc && (!s->watched || !s->not_watched))
		rc = -ENOMEM;
	if (rc)
		return ffs_why(
		    why, rc, "cannot tell the ports of the endpoints: %s", strerror(-rc));
	note(s, false, "watching port %s", s->watched);
	/* Who names ports knows what is watched. */
	if (*s->not_watched)
		note(s, o->ports, "TLS is watched with --tls only: %s", s->not_watched);
	if (getuid())
		note(s, true, "runs as uid %u, home '%s'", (unsigned)getuid(),
		    getenv("HOME") ? getenv("HOME") : "");
	rc = r->on ? find_stores(s, &m.targets, r, why) : 0;
	if (rc)
		return rc;
	rc = ffs_halves_send(s->fd, &m);
	return rc ? ffs_why(
			why, rc, "the half of ffs-hotmon that is root has ended: %s", strerror(-rc))
	          : await_ready(s, why);
}

int
ffs_session_open(struct ffs_session *s, char **why)
{
	int rc = look_up(s, why);

	return rc ? rc : ffs_maps_open(&s->maps, NULL, why);
}

void
ffs_session_release(struct ffs_session *s)
{
	if (s->fd >= 0)
		close(s->fd);
	s->fd = -1;
	if (s->looker > 0) {
		kill(s->looker, SIGKILL);
		waitpid(s->looker, NULL, 0);
	}
	s->looker = 0;
	free(s->redirected);
	s->redirected = NULL;
	ffs_maps_release(&s->maps);
	ffs_addresses_release(&s->addresses);
	ffs_nodes_release(&s->nodes);
	free(s->watched);
	free(s->not_watched);
	free(s->interfaces);
	s->watched = s->not_watched = s->interfaces = NULL;
}

int
ffs_session_wait(struct ffs_session *s, int ms)
{
	struct ffs_halves_msg m;
	int rc;

	if (s->fd < 0) {
		poll(NULL, 0, ms);
		return *ffs_process_stop() || ffs_maps_current(&s->maps, NULL) ? *ffs_process_stop()
		                                                               : -EPIPE;
	}
	look_again(s);
	rc = ffs_halves_recv(s->fd, &m, ms);
	if (*ffs_process_stop() || rc == -EPIPE)
		return *ffs_process_stop() ? *ffs_process_stop() : rc;
	if (!rc && m.type == FFS_HALVES_STOP)
		return m.rc;
	if (!rc && (m.type == FFS_HALVES_NOTE || m.type == FFS_HALVES_DETAIL))
		s->note(s->arg, m.type == FFS_HALVES_DETAIL, m.text);
	return 0;
}

int
ffs_session_stats(const struct ffs_session *s, struct ffs_load_stats v[FFS_LOAD_PROGS])
{
	struct ffs_halves_msg m;
	int rc = ffs_halves_say(s->fd, FFS_HALVES_STATS, 0, NULL);

	while (!rc) {
		rc = ffs_halves_recv(s->fd, &m, STATS_MS);
		if (rc || m.type != FFS_HALVES_STATS)
			continue;
		memcpy(v, m.stats, sizeof(m.stats));
		return m.rc;
	}
	return rc;
}
