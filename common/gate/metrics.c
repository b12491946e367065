#include "common/gate/metrics.h"

#include <errno.h>
#include <microhttpd.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/base/clock.h"
#include "common/base/place.h"

enum { CONNECTIONS = 16, IDLE_SECONDS = 10, MEMORY = 16384 };

struct ffs_metrics {
	struct ffs_metrics_opts o;
	struct ffs_place place;
	struct MHD_Daemon *daemon;
};

const char *
ffs_metrics_ill(const struct ffs_count *c, uint64_t now_ms)
{
	uint64_t beat = ffs_count_get(&c->beat_ms);

	if (!beat)
		return "it has not begun yet\n";
	if (now_ms > beat && now_ms - beat > FFS_COUNT_BEAT_MS)
		return "it does not move\n";
	return ffs_count_get(&c->accepts) ? NULL : "it takes no new connections\n";
}

/* --- answers --- */

static enum MHD_Result
answer(struct MHD_Connection *conn, unsigned status, const char *type, struct ffs_buf *b)
{
	struct MHD_Response *r;
	enum MHD_Result ok;
	size_t n = b->len;
	char *p = ffs_buf_detach(b);

	r = p ? MHD_create_response_from_buffer(n, p, MHD_RESPMEM_MUST_FREE) : NULL;
	if (!r) {
		free(p);
		return MHD_NO;
	}
	MHD_add_response_header(r, "Content-Type", type);
	MHD_add_response_header(r, "Cache-Control", "no-store");
	if (status == MHD_HTTP_METHOD_NOT_ALLOWED)
		MHD_add_response_header(r, "Allow", "GET, HEAD");
	ok = MHD_queue_response(conn, status, r);
	MHD_destroy_response(r);
	return ok;
}

static enum MHD_Result
on_request(void *arg, struct MHD_Connection *conn, const char *url, const char *method,
    const char *version, const char *data, size_t *n, void **state)
{
	static const char plain[] = "text/plain; charset=utf-8";
	struct ffs_metrics *m = arg;
	struct ffs_buf b = FFS_BUF_INIT;
	const char *ill;

	(void)version;
	(void)data;
	if (*n) { /* nobody wants a body */
		*n = 0;
		return MHD_YES;
	}
	if (!*state) { /* the head; an answer to it now would close the connection */
		*state = m;
		return MHD_YES;
	}
	if (strcmp(method, "GET") && strcmp(method, "HEAD")) {
		ffs_buf_adds(&b, "GET or HEAD\n");
		return answer(conn, MHD_HTTP_METHOD_NOT_ALLOWED, plain, &b);
	}
	if (!strcmp(url, "/metrics")) {
		ffs_metrics_text(&b, &m->o);
		return answer(conn, MHD_HTTP_OK, "text/plain; version=0.0.4; charset=utf-8", &b);
	}
	if (!strcmp(url, "/healthz")) {
		ill = ffs_metrics_ill(m->o.count, (uint64_t)ffs_clock_ms());
		ffs_buf_adds(&b, ill ? ill : "ok\n");
		return answer(conn, ill ? MHD_HTTP_SERVICE_UNAVAILABLE : MHD_HTTP_OK, plain, &b);
	}
	ffs_buf_adds(&b, "here are /metrics and /healthz\n");
	return answer(conn, MHD_HTTP_NOT_FOUND, plain, &b);
}

static void
quiet(void *arg, const char *fmt, va_list ap)
{
	(void)arg;
	(void)fmt;
	(void)ap;
}

/* --- life --- */

/* Its thread takes no signals: they are for the loop, which has to wake up by them. */
static struct MHD_Daemon *
start(struct ffs_metrics *m, int fd)
{
	struct MHD_Daemon *d;
	sigset_t all, before;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	d = MHD_start_daemon(MHD_USE_EPOLL_INTERNAL_THREAD | MHD_USE_ERROR_LOG, 0, NULL, NULL,
	    on_request, m, MHD_OPTION_EXTERNAL_LOGGER, quiet, NULL, MHD_OPTION_LISTEN_SOCKET, fd,
	    MHD_OPTION_CONNECTION_LIMIT, (unsigned)CONNECTIONS, MHD_OPTION_CONNECTION_TIMEOUT,
	    (unsigned)IDLE_SECONDS, MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)MEMORY,
	    MHD_OPTION_END);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	return d;
}

struct ffs_metrics *
ffs_metrics_new(const struct ffs_metrics_opts *o, char **why)
{
	struct ffs_metrics *m = calloc(1, sizeof(*m));
	char line[640] = "";
	int fd, rc;

	*why = NULL;
	if (!m)
		return NULL;
	m->o = *o;
	rc = ffs_place_parse(&m->place, o->listen, line, sizeof(line));
	fd = rc ? rc : ffs_place_listen(&m->place);
	if (!rc && fd < 0)
		snprintf(line, sizeof(line), "cannot listen on '%s': %s", o->listen, strerror(-fd));
	rc = fd < 0 ? fd : 0;
	if (!rc) {
		m->daemon = start(m, fd);
		if (!m->daemon) {
			rc = errno ? -errno : -EIO;
			close(fd);
		}
	}
	if (!rc)
		return m;
	*why = *line ? strdup(line) : NULL;
	free(m);
	errno = -rc;
	return NULL;
}

void
ffs_metrics_free(struct ffs_metrics *m)
{
	if (!m)
		return;
	MHD_stop_daemon(m->daemon);
	free(m);
}

const char *
ffs_metrics_url(const struct ffs_metrics *m)
{
	return m->place.url;
}
