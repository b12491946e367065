#include "common/node/serve.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/random.h>
#include <unistd.h>

#include "common/node/auth.h"
#include "common/base/json.h"
#include "common/base/loopback.h"
#include "common/node/peers.h"
#include "common/node/s3body.h"
#include "common/node/op.h"

#define LOOPS_MAX 16
#define WORKERS 16                    /* they wait for the disk, mostly together */
#define CONNECTION_MEMORY (64 * 1024) /* heads and the read buffer of an upload */
#define IDLE_SECONDS 60
#define DRAIN_MAX (16u << 20) /* of a body that nobody wants, read so that the client hears why */
#define SMALL 32768           /* bytes that go out faster from memory than by sendfile */
#define TARGET_MAX 32768

struct ffs_serve {
	struct ffs_store *store;
	struct ffs_auth *auth; /* NULL: anonymous */
	struct ffs_jobs *jobs;
	struct ffs_peers peers;
	struct MHD_Daemon *daemon;
	unsigned max_connections;
	int log_fd;
	uint64_t tag;
	atomic_uint_fast64_t seq;
	atomic_uint active;
	atomic_bool stopping;
};

enum stage { STAGE_HEAD, STAGE_BODY, STAGE_JOB, STAGE_ANSWER };

/* An answer to HEAD, and a 304, tell of a body that does not follow (RFC 9110, 8.6). */
static bool
bodyless(const struct ffs_request *q)
{
	return q->head || q->status == 304;
}

/* --- one line of the log --- */

static const struct sockaddr *
peer(struct MHD_Connection *conn)
{
	const union MHD_ConnectionInfo *info =
	    MHD_get_connection_info(conn, MHD_CONNECTION_INFO_CLIENT_ADDRESS);

	return info ? info->client_addr : NULL;
}

static void
peer_name(const struct ffs_request *q, char *out, size_t n)
{
	const struct sockaddr *sa = peer(q->conn);
	char ip[INET6_ADDRSTRLEN] = "";

	if (sa && sa->sa_family == AF_INET) {
		const struct sockaddr_in *in = (const struct sockaddr_in *)sa;

		inet_ntop(AF_INET, &in->sin_addr, ip, sizeof(ip));
		snprintf(out, n, "%s:%u", ip, ntohs(in->sin_port));
	} else if (sa && sa->sa_family == AF_INET6) {
		const struct sockaddr_in6 *in = (const struct sockaddr_in6 *)sa;

		inet_ntop(AF_INET6, &in->sin6_addr, ip, sizeof(ip));
		snprintf(out, n, "[%s]:%u", ip, ntohs(in->sin6_port));
	} else {
		snprintf(out, n, "?");
	}
}

static void
log_request(const struct ffs_request *q, bool whole)
{
	struct ffs_json j = FFS_JSON_INIT;
	char peer[INET6_ADDRSTRLEN + 10], when[40];
	struct timespec now, wall;
	struct tm tm;
	ssize_t n;

	clock_gettime(CLOCK_MONOTONIC, &now);
	clock_gettime(CLOCK_REALTIME, &wall);
	gmtime_r(&wall.tv_sec, &tm);
	n = (ssize_t)strftime(when, sizeof(when), "%Y-%m-%dT%H:%M:%S", &tm);
	snprintf(when + n, sizeof(when) - (size_t)n, ".%06ldZ", wall.tv_nsec / 1000);
	peer_name(q, peer, sizeof(peer));
	ffs_json_open(&j);
	ffs_json_str(&j, "time", when);
	ffs_json_str(&j, "peer", peer);
	ffs_json_str(&j, "verb", q->method ? q->method : "");
	ffs_json_str(&j, "op", q->op ? q->op->name : NULL);
	ffs_json_str(&j, "bucket", q->bucket);
	ffs_json_str(&j, "key", q->key);
	ffs_json_uint(&j, "status", q->stage == STAGE_ANSWER ? q->status : 0);
	ffs_json_str(&j, "error", q->fault ? ffs_fault_code(q->fault) : NULL);
	ffs_json_uint(&j, "bytes", q->fd >= 0 || !bodyless(q) ? q->len : 0);
	ffs_json_uint(&j, "received_bytes", q->received);
	ffs_json_uint(&j, "us",
	    (uint64_t)((now.tv_sec - q->start.tv_sec) * 1000000 +
		       (now.tv_nsec - q->start.tv_nsec) / 1000));
	ffs_json_bool(&j, "complete", whole);
	ffs_json_str(&j, "request_id", q->request_id);
	ffs_json_close(&j);
	ffs_buf_addc(&j.buf, '\n');
	if (!ffs_buf_error(&j.buf)) {
		/* One write a line: lines of other threads and processes stay whole. */
		n = write(q->serve->log_fd, j.buf.p, j.buf.len);
		(void)n;
	}
	ffs_json_release(&j);
}

/* --- the answer --- */

/* A small range is read into q->out: head and body go out in one segment, by one call. */
static int
read_small(struct ffs_request *q)
{
	char *p = ffs_buf_reserve(&q->out, q->len);
	ssize_t n;

	if (!p)
		return -ENOMEM;
	n = pread(q->fd, p, q->len, (off_t)q->off);
	if (n != (ssize_t)q->len)
		return -EIO;
	q->out.len = q->len;
	close(q->fd);
	q->fd = -1;
	return 0;
}

/* A file's range, or the bytes in q->out, which go with the response. */
static struct MHD_Response *
make_response(struct ffs_request *q)
{
	struct MHD_Response *r;
	char *p;
	int rc;

	if (q->fd >= 0 && q->len <= SMALL && !bodyless(q)) {
		rc = read_small(q);
		if (rc)
			return NULL;
	}
	if (q->fd >= 0) {
		r = MHD_create_response_from_fd_at_offset64(q->len, q->fd, q->off);
		if (r)
			q->fd = -1;
		return r;
	}
	q->len = q->out.len;
	if (!q->len)
		return MHD_create_response_from_buffer(0, NULL, MHD_RESPMEM_PERSISTENT);
	p = ffs_buf_detach(&q->out);
	r = p ? MHD_create_response_from_buffer(q->len, p, MHD_RESPMEM_MUST_FREE) : NULL;
	if (!r)
		free(p);
	return r;
}

/* From when all of a request is in, or is answered without, to the end of the answer. */
static void
set_answering(struct ffs_request *q, bool yes)
{
	if (q->peer)
		atomic_store(&q->peer->answering, yes);
}

/* No further request on this connection: we end, or others wait for their turn to have one. */
static bool
last_one(struct ffs_serve *s)
{
	return atomic_load(&s->stopping) || atomic_load(&s->peers.n) >= s->max_connections;
}

static enum MHD_Result
answer(struct ffs_request *q)
{
	struct MHD_Response *r;
	enum MHD_Result ok;
	size_t i;
	const char *name;

	if (!q->fault && (ffs_buf_error(&q->out) || ffs_buf_error(&q->fields)))
		q->fault = FFS_FAULT_INTERNAL;
	if (q->fault) {
		q->status = ffs_fault_status(q->fault);
		if (q->fd >= 0)
			close(q->fd);
		q->fd = -1;
		ffs_buf_reset(&q->out);
		if (!q->head && strcmp(q->method, "GET")) /* fields of what was not kept */
			ffs_buf_reset(&q->fields);
		ffs_request_reply(q, "Content-Type", "application/xml");
		ffs_request_error_body(q);
	} else if (!q->status) {
		q->status = 200;
	}
	set_answering(q, true);
	r = make_response(q);
	if (!r)
		return MHD_NO;
	for (i = 0; i < q->fields.len;) {
		name = q->fields.p + i;
		i += strlen(name) + 1;
		MHD_add_response_header(r, name, q->fields.p + i);
		i += strlen(q->fields.p + i) + 1;
	}
	MHD_add_response_header(r, "Server", "ffs-node");
	MHD_add_response_header(r, "x-amz-request-id", q->request_id);
	if (last_one(q->serve))
		MHD_add_response_header(r, "Connection", "close");
	q->stage = STAGE_ANSWER;
	ok = MHD_queue_response(q->conn, q->status, r);
	MHD_destroy_response(r);
	return ok;
}

/* --- stages of a request --- */

static void
run_job(struct ffs_job *job)
{
	struct ffs_request *q = (void *)((char *)job - offsetof(struct ffs_request, job));

	q->fault = q->op->run(q);
	MHD_resume_connection(q->conn);
}

/* The whole body is in. */
static enum MHD_Result
finish(struct ffs_request *q)
{
	set_answering(q, true);
	if (!q->fault && q->op)
		q->fault = ffs_s3body_finish(q);
	if (q->fault || !q->op)
		return answer(q);
	if (q->op->quick) {
		q->fault = q->op->run(q);
		return answer(q);
	}
	q->stage = STAGE_JOB;
	MHD_suspend_connection(q->conn);
	q->job.run = run_job;
	ffs_jobs_add(q->serve->jobs, &q->job);
	return MHD_YES;
}

static enum ffs_fault
healthz(struct ffs_request *q)
{
	ffs_request_reply(q, "Content-Type", "text/plain");
	ffs_buf_adds(&q->out, "ok\n");
	return FFS_FAULT_NONE;
}

/* From the head alone: who asks for what, and where the body will go. */
static enum ffs_fault
begin(struct ffs_request *q)
{
	struct ffs_sigv4_claim claim;
	unsigned char key[32];
	enum ffs_fault f;
	bool with_claim = q->serve->auth;

	if (!q->target)
		return FFS_FAULT_INVALID_URI;
	f = ffs_request_parse(q);
	if (f)
		return f;
	if (!strcmp(q->path, "/healthz") && (q->head || !strcmp(q->method, "GET")))
		return healthz(q);
	if (with_claim) {
		f = ffs_auth_check(q->serve->auth, q, &claim, key);
		if (f)
			return f;
	}
	f = ffs_op_find(q);
	if (!f)
		f = ffs_s3body_begin(q, with_claim ? &claim : NULL, key);
	if (!f && q->op->begin)
		f = q->op->begin(q);
	return f;
}

struct framing {
	unsigned lengths, codings;
	bool bad;
};

static enum MHD_Result
see_field(void *arg, enum MHD_ValueKind kind, const char *name, const char *value)
{
	struct framing *f = arg;
	size_t n = strlen(name);

	(void)kind;
	f->bad |= !n || name[n - 1] == ' ' || name[n - 1] == '\t';
	if (!strcasecmp(name, "content-length"))
		f->lengths++;
	if (!strcasecmp(name, "transfer-encoding")) {
		f->codings++;
		f->bad |= !value || strcasecmp(value, "chunked");
	}
	return MHD_YES;
}

/*
 * Whether there is one way only to tell where the request ends.  libmicrohttpd takes more
 * than that, and a proxy that reads them differently could be made to pass on a request
 * that it has not seen (RFC 9112, 5.1, 6.1 and 6.3).
 */
static bool
well_framed(const struct ffs_request *q)
{
	struct framing f = { .bad = false };

	MHD_get_connection_values(q->conn, MHD_HEADER_KIND, see_field, &f);
	return !f.bad && f.lengths + f.codings <= 1;
}

static enum MHD_Result
on_head(struct ffs_request *q, const char *method)
{
	const char *length, *coding;
	bool body;

	q->method = method;
	q->head = !strcmp(method, "HEAD");
	q->local = ffs_loopback_is(peer(q->conn));
	if (!well_framed(q)) {
		q->fault = ffs_request_fault(
		    q, FFS_FAULT_INVALID_REQUEST, "The length of the request is ambiguous.");
		return answer(q); /* which closes the connection */
	}
	q->fault = begin(q);
	length = ffs_request_field(q, "content-length");
	coding = ffs_request_field(q, "transfer-encoding");
	body = coding || (length && strcmp(length, "0"));
	q->stage = STAGE_BODY;
	/* libmicrohttpd takes an answer given here for an early one and closes the connection. */
	if (!body || !q->fault)
		return MHD_YES;
	/*
	 * Refused, with a body to come.  A client that waits for "100 Continue" hears so
	 * before it sends; another would get a reset while it sends, and not hear it at
	 * all, if the connection were closed on it: so take in what it sends, if it is not
	 * too much.
	 */
	q->sink = FFS_SINK_DROP;
	if (ffs_request_field(q, "expect") || coding || strlen(length) > 8 ||
	    strtoul(length, NULL, 10) > DRAIN_MAX)
		return answer(q);
	return MHD_YES;
}

static enum MHD_Result
on_request(void *arg, struct MHD_Connection *conn, const char *url, const char *method,
    const char *version, const char *data, size_t *n, void **state)
{
	struct ffs_request *q = *state;

	(void)arg;
	(void)url;
	(void)version;
	if (!q)
		return MHD_NO;
	q->conn = conn;
	switch (q->stage) {
	case STAGE_HEAD:
		return on_head(q, method);
	case STAGE_BODY:
		if (!*n)
			return finish(q);
		if (!q->fault) {
			q->fault = ffs_s3body_feed(q, data, *n);
			if (q->fault)
				q->sink = FFS_SINK_DROP;
		}
		*n = 0;
		return MHD_YES;
	case STAGE_JOB:
		return answer(q);
	default:
		return MHD_NO;
	}
}

/* The request target as it came: the decoded URL of libmicrohttpd ends at a %00. */
static void *
on_target(void *arg, const char *target, struct MHD_Connection *conn)
{
	const union MHD_ConnectionInfo *info =
	    MHD_get_connection_info(conn, MHD_CONNECTION_INFO_SOCKET_CONTEXT);
	struct ffs_serve *s = arg;
	struct ffs_request *q = calloc(1, sizeof(*q));

	if (!q)
		return NULL;
	q->peer = info ? info->socket_context : NULL;
	q->serve = s;
	q->store = s->store;
	q->conn = conn;
	q->fd = -1;
	q->blob.fd = -1;
	clock_gettime(CLOCK_MONOTONIC, &q->start);
	snprintf(q->request_id, sizeof(q->request_id), "%016jX",
	    (uintmax_t)(s->tag ^ atomic_fetch_add(&s->seq, 1)));
	if (strlen(target) <= TARGET_MAX)
		q->target = strdup(target);
	atomic_fetch_add(&s->active, 1);
	return q;
}

static void
on_completed(
    void *arg, struct MHD_Connection *conn, void **state, enum MHD_RequestTerminationCode how)
{
	struct ffs_serve *s = arg;
	struct ffs_request *q = *state;

	(void)conn;
	if (!q)
		return;
	if (s->log_fd >= 0)
		log_request(q, how == MHD_REQUEST_TERMINATED_COMPLETED_OK);
	set_answering(q, false);
	ffs_request_free(q);
	*state = NULL;
	atomic_fetch_sub(&s->active, 1);
}

static void
on_connection(
    void *arg, struct MHD_Connection *conn, void **state, enum MHD_ConnectionNotificationCode what)
{
	const union MHD_ConnectionInfo *info;
	struct ffs_serve *s = arg;

	if (what != MHD_CONNECTION_NOTIFY_STARTED) {
		ffs_peers_remove(&s->peers, *state);
		return;
	}
	info = MHD_get_connection_info(conn, MHD_CONNECTION_INFO_CONNECTION_FD);
	if (!info)
		return;
	*state = ffs_peers_add(&s->peers, info->connect_fd);
	if (ffs_loopback_is(peer(conn)))
		ffs_loopback_tune(info->connect_fd);
}

static void
quiet(void *arg, const char *fmt, va_list ap)
{
	(void)arg;
	(void)fmt;
	(void)ap;
}

/* --- life --- */

/* A loop for each processor, two at least, so that one that waits for a disk is not all. */
static unsigned
count_loops(unsigned max_connections)
{
	long n = sysconf(_SC_NPROCESSORS_ONLN);

	n = n < 2 ? 2 : n > LOOPS_MAX ? LOOPS_MAX : n;
	return (unsigned)n < max_connections ? (unsigned)n : max_connections;
}

static struct MHD_Daemon *
start_daemon(struct ffs_serve *s, const struct ffs_serve_opts *o)
{
	return MHD_start_daemon(MHD_USE_EPOLL_INTERNAL_THREAD | MHD_ALLOW_SUSPEND_RESUME |
				    MHD_USE_TURBO | MHD_USE_ERROR_LOG,
	    0, NULL, NULL, on_request, s, MHD_OPTION_EXTERNAL_LOGGER, quiet, NULL,
	    MHD_OPTION_LISTEN_SOCKET, o->listen_fd, MHD_OPTION_THREAD_POOL_SIZE,
	    count_loops(o->max_connections), MHD_OPTION_CONNECTION_LIMIT, o->max_connections,
	    MHD_OPTION_CONNECTION_TIMEOUT, (unsigned)IDLE_SECONDS,
	    MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)CONNECTION_MEMORY,
	    MHD_OPTION_NOTIFY_CONNECTION, on_connection, s, MHD_OPTION_URI_LOG_CALLBACK, on_target,
	    s, MHD_OPTION_NOTIFY_COMPLETED, on_completed, s, MHD_OPTION_END);
}

struct ffs_serve *
ffs_serve_start(const struct ffs_serve_opts *o)
{
	struct ffs_serve *s = calloc(1, sizeof(*s));
	int err;

	if (!s)
		return NULL;
	s->store = o->store;
	s->log_fd = o->log_fd;
	s->max_connections = o->max_connections;
	ffs_peers_init(&s->peers);
	if (getrandom(&s->tag, sizeof(s->tag), 0) != sizeof(s->tag))
		goto fail;
	if (o->access_key) {
		s->auth = ffs_auth_new(o->access_key, o->secret_key);
		if (!s->auth)
			goto fail;
	}
	s->jobs = ffs_jobs_new(WORKERS);
	if (!s->jobs)
		goto fail;
	s->daemon = start_daemon(s, o);
	if (s->daemon)
		return s;
fail:
	err = errno ? errno : EIO;
	ffs_jobs_free(s->jobs);
	ffs_auth_free(s->auth);
	ffs_peers_release(&s->peers);
	free(s);
	errno = err;
	return NULL;
}

void
ffs_serve_sweep(struct ffs_serve *s)
{
	ffs_peers_sweep(&s->peers);
}

unsigned
ffs_serve_stop(struct ffs_serve *s, unsigned timeout_ms)
{
	struct timespec tick = { .tv_nsec = 5000000 };
	unsigned left, waited = 0;
	int fd;

	if (!s)
		return 0;
	atomic_store(&s->stopping, true);
	fd = MHD_quiesce_daemon(s->daemon);
	while ((left = atomic_load(&s->active)) && waited < timeout_ms) {
		if (waited % 100 == 0)
			ffs_serve_sweep(s);
		nanosleep(&tick, NULL);
		waited += 5;
	}
	/* No connection may be suspended when the daemon stops, but one that is still here may
	 * end its body until then, and wants its job done. */
	ffs_jobs_stop(s->jobs);
	MHD_stop_daemon(s->daemon);
	ffs_jobs_free(s->jobs);
	if (fd >= 0)
		close(fd);
	ffs_auth_free(s->auth);
	ffs_peers_release(&s->peers);
	free(s);
	return left;
}
