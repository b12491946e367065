#include "common/gate/origin.h"

#include <errno.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>

#include "common/gate/originimpl.h"

enum {
	READS = 8, /* of the scratch's size, before others have their turn */
	DRAIN_MAX = 65536,
	INTERIM_MAX = 64,
};

static void pump(struct ffs_origin *o);

static struct ffs_loop *
loop_of(const struct ffs_origin *o)
{
	return o->at->all->o.loop;
}

/* --- ends --- */

/* The exchange is over; the connection is kept where it may be. */
static void
finish(struct ffs_origin *o, int rc, const char *why, bool keep)
{
	const struct ffs_origin_ops *ops = o->ops;
	void *arg = o->arg;

	o->ops = NULL;
	free(o->request);
	o->request = NULL;
	ffs_buf_release(&o->in);
	ffs_loop_cancel(loop_of(o), &o->soon);
	if (keep) {
		o->inside = false;
		ffs_origin_put(o);
	}
	if (ops)
		ops->end(arg, rc, why);
	if (!keep)
		ffs_origin_free(o);
}

void
ffs_origin_fail(struct ffs_origin *o, int rc, const char *why)
{
	finish(o, rc, why ? why : strerror(-rc), false);
}

/* The connection ended, or its bytes make no sense.  One that had been idle may have been closed as
 * the request was under way: that is nobody's fault, and it is repeated on a fresh one. */
static void
lost(struct ffs_origin *o, int rc, const char *why)
{
	struct iovec v = { o->request, o->request_n };

	if (!o->reused || o->heard || o->passed || !o->request || rc == -EBADMSG) {
		ffs_origin_fail(o, rc, why);
		return;
	}
	ffs_count_add(&o->at->all->o.count->origin_retries, 1);
	ffs_origin_disconnect(o);
	ffs_loop_cancel(loop_of(o), &o->soon);
	o->wire.can_read = o->wire.can_write = o->wire.ends = false;
	o->reused = o->broken = o->inside = false;
	o->tried = 0;
	o->moved = ffs_loop_now(loop_of(o));
	rc = ffs_wire_send(&o->wire, &v, 1);
	free(o->request);
	o->request = NULL;
	if (!rc)
		rc = ffs_origin_connect(o);
	if (rc)
		ffs_origin_fail(o, rc, NULL);
}

/* --- the answer --- */

/* All of it is there. */
static void
whole(struct ffs_origin *o, bool more)
{
	if (o->ops)
		o->ops->flush(o->arg);
	finish(o, 0, NULL, o->keep && o->sent && !more && !o->broken && !o->wire.rest_n);
}

/* The head at p: how much of it was taken; 0, it is not all there; -EBADMSG. */
static int
take_head(struct ffs_origin *o, const char *p, size_t n)
{
	struct ffs_head *h = &o->at->all->head;
	int len = ffs_head_answer(h, p, n, o->to_head);

	if (len <= 0)
		return len ? -EBADMSG : 0;
	o->headed = h->status >= 200;
	/* Nobody asked for another protocol, or for interim answers without end. */
	if (h->status == 101 || (!o->headed && o->interim++ == INTERIM_MAX))
		return -EBADMSG;
	if (o->headed) {
		ffs_frame_init(&o->frame, h);
		o->keep = h->keep_alive;
		free(o->request);
		o->request = NULL;
	}
	if (o->ops)
		o->ops->head(o->arg, h);
	return len;
}

static int
take_heads(struct ffs_origin *o, const char *p, size_t n, size_t *used)
{
	int len;

	*used = 0;
	while (o->ops && !o->headed) {
		len = take_head(o, p + *used, n - *used);
		if (len < 0)
			return len;
		if (!len)
			break;
		*used += (size_t)len;
	}
	return 0;
}

/* Bytes that came.  True: go on reading; false: o is not what it was. */
static bool
take(struct ffs_origin *o, const char *p, size_t n)
{
	struct ffs_buf before = o->in;
	size_t used = 0, body = 0;
	int rc = 0;

	o->heard = true;
	if (!o->headed && before.len) {
		o->in = (struct ffs_buf)FFS_BUF_INIT;
		ffs_buf_add(&before, p, n);
		p = before.p;
		n = before.len;
		rc = ffs_buf_error(&before) ? -EBADMSG : 0;
	}
	if (!rc && !o->headed)
		rc = take_heads(o, p, n, &used);
	if (!rc && o->ops && !o->headed)
		ffs_buf_add(&o->in, p + used, n - used);
	if (!rc && o->ops && o->headed && (used < n || o->frame.done)) {
		rc = ffs_frame_feed(&o->frame, p + used, n - used, &body);
		if (!rc && body)
			o->paused |= !o->ops->body(o->arg, p + used, body);
	}
	if (before.p != o->in.p)
		ffs_buf_release(&before);
	if (rc) {
		lost(o, rc, "what it answered is no HTTP");
		return false;
	}
	if (!o->ops) {
		ffs_origin_free(o);
		return false;
	}
	if (o->headed && o->frame.done) {
		whole(o, used + body < n);
		return false;
	}
	return true;
}

/* The connection's end. */
static void
ended(struct ffs_origin *o, int rc)
{
	if (!rc && o->headed && o->frame.body == FFS_HEAD_CLOSE) {
		o->keep = false;
		whole(o, false);
		return;
	}
	lost(o, rc ? rc : -ECONNRESET, rc ? NULL : "it closed the connection");
}

static void
read_answer(struct ffs_origin *o)
{
	char *p = ffs_loop_scratch(loop_of(o));
	unsigned reads = 0;
	ssize_t n;

	while (o->wire.can_read && !o->paused) {
		if (reads++ == READS) {
			ffs_loop_soon(loop_of(o), &o->soon);
			break;
		}
		n = ffs_wire_read(&o->wire, p, FFS_LOOP_SCRATCH);
		if (n == -EAGAIN)
			break;
		o->moved = ffs_loop_now(loop_of(o));
		if (n <= 0) {
			ended(o, (int)n);
			return;
		}
		if (!take(o, p, (size_t)n))
			return;
	}
	o->inside = false;
	if (reads && o->ops)
		o->ops->flush(o->arg);
	if (!o->ops)
		ffs_origin_free(o);
}

/* --- the request --- */

/* What is kept goes out.  An origin that takes no more may still have answered. */
static void
write_request(struct ffs_origin *o)
{
	bool had = ffs_wire_full(&o->wire);
	int rc = o->broken ? 0 : ffs_wire_flush(&o->wire);

	if (rc && rc != -EAGAIN) {
		o->broken = true;
		o->wire.can_read = true;
	}
	if (!had || rc == -EAGAIN)
		return;
	o->moved = ffs_loop_now(loop_of(o));
	if (o->full && o->ops && o->ops->room) {
		o->full = false;
		o->ops->room(o->arg);
	}
}

/* Do what can be done; o may be gone behind it. */
static void
pump(struct ffs_origin *o)
{
	int rc = o->failed;

	if (!rc && o->state == FFS_ORIGIN_CONNECTING && !o->wire.can_write)
		return;
	if (!rc && o->state != FFS_ORIGIN_OPEN)
		rc = o->state == FFS_ORIGIN_LOOKING ? ffs_origin_connect(o)
		                                    : ffs_origin_connecting(o);
	if (rc == -EAGAIN || (!rc && o->state != FFS_ORIGIN_OPEN))
		return;
	if (rc) {
		ffs_count_add(&o->at->all->o.count->origin_connections_failed, 1);
		ffs_origin_fail(o, rc, o->why);
		return;
	}
	o->inside = true;
	write_request(o);
	if (!o->ops) {
		ffs_origin_free(o);
		return;
	}
	read_answer(o);
}

void
ffs_origin_ready(struct ffs_loop_fd *s, uint32_t events)
{
	struct ffs_origin *o = (struct ffs_origin *)((char *)s - offsetof(struct ffs_origin, s));
	bool in = events & (EPOLLIN | EPOLLRDHUP | EPOLLHUP | EPOLLERR);

	if (o->idle) {
		/* It closed, or says what nobody asked for. */
		if (in)
			ffs_origin_free(o);
		return;
	}
	if (in || o->wire.tls)
		o->wire.can_read = true;
	if (events & (EPOLLRDHUP | EPOLLHUP | EPOLLERR))
		o->wire.ends = true;
	if ((events & (EPOLLOUT | EPOLLHUP | EPOLLERR)) || o->wire.tls)
		o->wire.can_write = true;
	pump(o);
}

void
ffs_origin_soon(struct ffs_loop_call *c)
{
	pump((struct ffs_origin *)((char *)c - offsetof(struct ffs_origin, soon)));
}

void
ffs_origin_known(void *site)
{
	struct ffs_origin_site *p = site;
	struct ffs_origin *o;

	for (o = p->busy; o; o = o->next)
		if (o->state == FFS_ORIGIN_LOOKING)
			ffs_loop_soon(loop_of(o), &o->soon);
}

static int
copy_request(struct ffs_origin *o, const struct ffs_origin_request *q)
{
	unsigned i;
	char *p;

	o->request_n = 0;
	for (i = 0; i < q->nhead; i++)
		o->request_n += q->head[i].iov_len;
	p = o->request = malloc(o->request_n);
	if (!p)
		return -ENOMEM;
	for (i = 0; i < q->nhead; i++)
		p = mempcpy(p, q->head[i].iov_base, q->head[i].iov_len);
	return 0;
}

static void
carry(struct ffs_origin *o, const struct ffs_door_caller *who)
{
	static const struct ffs_door_caller nobody = { .uid = (uint32_t)-1 };

	if (!who)
		who = &nobody;
	if (o->reused && who->uid == o->who.uid && !strcmp(who->comm, o->who.comm))
		return;
	o->who = *who;
	if (o->told)
		ffs_door_carries(o->at->all->o.door, o->wire.fd, &o->who);
}

struct ffs_origin *
ffs_origin_begin(struct ffs_origins *os, const struct ffs_origin_request *q,
    const struct ffs_origin_ops *ops, void *arg)
{
	struct ffs_origin_site *p = ffs_origin_site(os, &q->to);
	struct ffs_origin *o = p ? ffs_origin_take(p, q->body || !q->repeatable) : NULL;

	if (!o) {
		errno = ENOMEM;
		return NULL;
	}
	o->ops = ops;
	o->arg = arg;
	o->frame = (struct ffs_frame){ 0 };
	o->to_head = q->to_head;
	o->sent = !q->body;
	o->passed = o->heard = o->headed = o->keep = o->paused = o->full = o->broken = false;
	o->failed = 0;
	o->why = NULL;
	o->tried = o->interim = 0;
	o->moved = ffs_loop_now(os->o.loop);
	carry(o, q->who);
	if (o->reused && q->repeatable)
		o->failed = copy_request(o, q);
	if (!o->failed)
		o->failed = ffs_wire_send(&o->wire, q->head, q->nhead);
	if (o->failed && o->reused) {
		/* Its end is to be read. */
		o->broken = o->wire.can_read = true;
		o->failed = 0;
		ffs_loop_soon(os->o.loop, &o->soon);
	}
	if (!o->failed && o->wire.fd < 0)
		o->failed = ffs_origin_connect(o);
	if (o->failed)
		ffs_loop_soon(os->o.loop, &o->soon);
	return o;
}

bool
ffs_origin_send(struct ffs_origin *o, const void *p, size_t n)
{
	struct iovec v = { (void *)(uintptr_t)p, n };
	int rc;

	o->passed = true;
	if (o->broken)
		return true;
	o->moved = ffs_loop_now(loop_of(o));
	rc = ffs_wire_send(&o->wire, &v, 1);
	if (rc) {
		o->broken = o->wire.can_read = true;
		ffs_loop_soon(loop_of(o), &o->soon);
	}
	o->full = ffs_wire_full(&o->wire) && !o->broken;
	return !o->full;
}

void
ffs_origin_sent(struct ffs_origin *o)
{
	o->sent = true;
	o->moved = ffs_loop_now(loop_of(o));
}

void
ffs_origin_resume(struct ffs_origin *o)
{
	o->paused = false;
	o->moved = ffs_loop_now(loop_of(o));
	ffs_loop_soon(loop_of(o), &o->soon);
}

void
ffs_origin_give(struct ffs_origin *o, const struct ffs_origin_ops *ops, void *arg)
{
	o->ops = ops;
	o->arg = arg;
}

void
ffs_origin_abort(struct ffs_origin *o)
{
	o->ops = NULL;
	if (!o->inside)
		ffs_origin_free(o);
}

/* --- an answer that is of no interest --- */

static void
ignore_head(void *arg, const struct ffs_head *h)
{
	(void)arg;
	(void)h;
}

static bool
ignore_body(void *arg, const char *p, size_t n)
{
	(void)arg;
	(void)p;
	(void)n;
	return true;
}

static void
ignore_flush(void *arg)
{
	(void)arg;
}

static void
ignore_end(void *arg, int rc, const char *why)
{
	(void)arg;
	(void)rc;
	(void)why;
}

void
ffs_origin_discard(struct ffs_origin *o)
{
	static const struct ffs_origin_ops ignore = { ignore_head, ignore_body, ignore_flush, NULL,
		ignore_end };

	if (o->headed && o->sent && o->keep &&
	    (o->frame.done || (o->frame.body == FFS_HEAD_LENGTH && o->frame.left <= DRAIN_MAX)))
		ffs_origin_give(o, &ignore, NULL);
	else
		ffs_origin_abort(o);
}

/* --- time --- */

/* How long it may be as it is, in ms; 0: no bound, it is for others to go on. */
static int64_t
patience(const struct ffs_origin *o)
{
	const struct ffs_times *t = o->at->all->o.times;

	if (o->idle)
		return t->keep;
	if (o->state != FFS_ORIGIN_OPEN)
		return t->connect;
	if (ffs_wire_full(&o->wire))
		return t->stall;
	if (!o->headed)
		return o->sent ? t->answer : 0;
	return o->paused ? 0 : t->stall;
}

static void
expire(struct ffs_origin *o)
{
	int rc = o->state != FFS_ORIGIN_OPEN || o->headed ? -ETIMEDOUT : -ETIME;

	if (o->idle)
		ffs_origin_free(o);
	else if (o->state != FFS_ORIGIN_CONNECTING || ffs_origin_elsewhere(o))
		ffs_origin_fail(o, rc, NULL);
}

/* Another address may be there where one is silent. */
static void
hurry(struct ffs_origin *o, int64_t now)
{
	int rc;

	if (o->idle || o->state != FFS_ORIGIN_CONNECTING || o->tried >= o->at->site.n ||
	    now - o->moved < FFS_ORIGIN_LATE_MS)
		return;
	rc = ffs_origin_elsewhere(o);
	if (rc)
		ffs_origin_fail(o, rc, NULL);
}

void
ffs_origins_tick(struct ffs_origins *os)
{
	int64_t now = ffs_loop_now(os->o.loop), bound;
	struct ffs_origin_site *p;
	struct ffs_origin *o;
	int i;

	/* Who ends may have been the last reader of what another brings, which ends with him. */
	for (p = os->first; p; p = p->next)
		for (i = 0; i < 2; i++)
			for (o = i ? p->busy : p->idle; o; o = os->next) {
				os->next = o->next;
				bound = patience(o);
				if (bound && now - o->moved > bound)
					expire(o);
				else
					hurry(o, now);
			}
}
