#include <errno.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/uio.h>

#include "common/base/clock.h"
#include "common/gate/clientimpl.h"
#include "common/gate/feedflight.h"

enum { NOTE_MS = 10000 };

/* --- answers of our own --- */

static void
answer_error(struct ffs_client *c, struct ffs_pass_error e)
{
	struct ffs_client_request *q = c->q;
	struct iovec v;

	q->keep = q->keep && q->body.done && !c->all->stopping;
	if (!q->keep)
		e.add = "Connection: close\r\n";
	e.to_head = q->to_head;
	q->status = e.status;
	q->own = true;
	ffs_buf_reset(&q->out);
	ffs_pass_error(&q->out, &e);
	v = (struct iovec){ q->out.p, q->out.len };
	if (ffs_buf_error(&q->out) || ffs_wire_send(&c->wire, &v, 1))
		q->cut = true;
	ffs_client_done(c);
}

void
ffs_client_refuse(struct ffs_client *c, int rc)
{
	if (!c->q) {
		c->q = calloc(1, sizeof(*c->q));
		if (!c->q) {
			c->in.err = -ENOMEM; /* whoever is reading closes it */
			return;
		}
		c->q->t0 = ffs_clock_us();
		c->all->active++;
		ffs_count_add(&c->all->count->requests_active, 1);
	}
	c->q->keep = false;
	answer_error(c, ffs_pass_refused(rc));
}

/* --- the origin's answer --- */

/* The connection ends where the request's body is not all here, or only that tells the answer's
 * end. */
static const char *
connection(struct ffs_client *c, const struct ffs_head *h)
{
	struct ffs_client_request *q = c->q;

	if (!q->body.done || h->body == FFS_HEAD_CLOSE || c->all->stopping ||
	    (!q->minor && h->body == FFS_HEAD_CHUNKED))
		q->keep = false;
	if (!q->keep)
		return "Connection: close\r\n";
	return q->minor ? "" : "Connection: keep-alive\r\n";
}

/* An origin's interim answer. */
static void
relay_interim(struct ffs_client *c, const struct ffs_head *h)
{
	struct ffs_buf b = FFS_BUF_INIT;
	struct iovec v;

	if (!c->q->minor)
		return;
	ffs_pass_head(&b, h, "");
	v = (struct iovec){ b.p, b.len };
	if (ffs_buf_error(&b) || ffs_wire_send(&c->wire, &v, 1))
		c->q->cut = true;
	ffs_buf_release(&b);
}

static enum ffs_turn_way
ask_turn(struct ffs_client_request *q, const struct ffs_head *h)
{
	enum ffs_turn_way way = FFS_TURN_PASS;

	if (!q->turned)
		return way;
	if (h->status >= 500)
		way = ffs_turn_failed(&q->turn, h->status);
	return way == FFS_TURN_PASS ? ffs_turn_answer(&q->turn, h) : way;
}

static void
on_head(void *arg, const struct ffs_head *h)
{
	struct ffs_client *c = arg;
	struct ffs_client_request *q = c->q;
	struct ffs_origin *o = q->o;
	enum ffs_turn_way way;

	c->moved = ffs_loop_now(c->all->loop);
	if (h->status < 200) {
		relay_interim(c, h);
		return;
	}
	way = ask_turn(q, h);
	if (way == FFS_TURN_KEEP && ffs_feed(o, q->turn.flight))
		way = FFS_TURN_PASS;
	if (way == FFS_TURN_KEEP)
		ffs_pass_head(&q->turn.reply.head, h, connection(c, h));
	if (way == FFS_TURN_PASS) {
		q->stage = FFS_CLIENT_RELAYING;
		q->status = h->status;
		ffs_pass_head(&q->out, h, connection(c, h));
		return;
	}
	q->o = NULL;
	if (way != FFS_TURN_KEEP)
		ffs_origin_discard(o);
	ffs_client_go(c, way, NULL);
}

/* To the client, its head first where that is not out.  False: no more for now, or he is gone. */
static bool
relay(struct ffs_client *c, const char *p, size_t n)
{
	struct ffs_client_request *q = c->q;
	struct iovec v[2] = { { q->out.p, q->out.len }, { (void *)(uintptr_t)p, n } };

	if (ffs_buf_error(&q->out) || ffs_wire_send(&c->wire, v, 2)) {
		ffs_client_close(c);
		return false;
	}
	if (q->out.p)
		ffs_buf_release(&q->out);
	q->bytes += n;
	c->moved = ffs_loop_now(c->all->loop);
	q->stalled = ffs_wire_full(&c->wire);
	return !q->stalled;
}

static bool
on_body(void *arg, const char *p, size_t n)
{
	return relay(arg, p, n);
}

static void
on_flush(void *arg)
{
	struct ffs_client *c = arg;

	if (c->q->cut)
		ffs_client_close(c);
	else if (c->q->out.len)
		relay(c, NULL, 0);
}

static void
on_room(void *arg)
{
	struct ffs_client *c = arg;

	c->q->held = false;
	c->moved = ffs_loop_now(c->all->loop);
	ffs_client_soon(c);
}

static void
on_end(void *arg, int rc, const char *why)
{
	struct ffs_client *c = arg;
	struct ffs_client_request *q = c->q;

	q->o = NULL;
	q->held = false;
	if (!rc) {
		ffs_client_done(c);
		return;
	}
	if (q->status && (q->bytes || !q->out.len)) {
		/* He must see that it is not all. */
		ffs_client_close(c);
		return;
	}
	if (c->all->trouble)
		c->all->trouble(c->all->arg, rc, why);
	if (q->turned && ffs_turn_failed(&q->turn, 0) == FFS_TURN_SERVE)
		ffs_client_reply(c);
	else
		answer_error(c, ffs_pass_unreached(rc));
}

/* --- the request --- */

static bool
repeatable(const struct ffs_head *h)
{
	static const char *const yes[] = { "GET", "HEAD", "PUT", "DELETE", "OPTIONS" };
	size_t i;

	for (i = 0; i < sizeof(yes) / sizeof(yes[0]); i++)
		if (ffs_span_is(&h->method, yes[i]))
			return true;
	return false;
}

/* It goes to the origin, with what the turn adds. */
static void
ask(struct ffs_client *c, const struct ffs_head *h)
{
	static const struct ffs_origin_ops ops = { on_head, on_body, on_flush, on_room, on_end };
	struct ffs_client_request *q = c->q;
	struct ffs_buf b = FFS_BUF_INIT;
	struct ffs_origin_request r = { .nhead = 1,
		.to = { .exact = c->who.redirected, .addr = c->who.meant },
		.to_head = q->to_head,
		.body = !q->body.done,
		.who = &c->who };
	struct iovec v;

	if (!h) {
		h = &c->all->head;
		ffs_head_request(&c->all->head, q->head.p, q->head.len);
	}
	r.repeatable = repeatable(h);
	q->stage = FFS_CLIENT_ASKING;
	if (q->turned)
		ffs_turn_sent(&q->turn);
	ffs_pass_head(&b, h, q->turned ? q->turn.add : "");
	v = (struct iovec){ b.p, b.len };
	r.head = &v;
	q->o = ffs_buf_error(&b) ? NULL : ffs_origin_begin(c->all->origins, &r, &ops, c);
	ffs_buf_release(&b);
	if (!q->o)
		answer_error(c, ffs_pass_unreached(-ENOMEM));
}

/* There is more of his flight, or it is what he waits for. */
void
ffs_client_wake(struct ffs_turn *t)
{
	struct ffs_client_request *q =
	    (struct ffs_client_request *)((char *)t - offsetof(struct ffs_client_request, turn));

	q->woken = true;
	ffs_client_soon(q->client);
}

void
ffs_client_go(struct ffs_client *c, enum ffs_turn_way way, const struct ffs_head *h)
{
	switch (way) {
	case FFS_TURN_REPEAT:
		c->q->turn.add[0] = '\0';
		ask(c, NULL);
		break;
	case FFS_TURN_PASS:
		/* Who has come together with him shares his answer. */
		c->q->later = c->q->turn.leads && !c->q->gathered;
		if (!c->q->later) {
			ask(c, h);
			break;
		}
		c->q->gathered = true;
		c->q->stage = FFS_CLIENT_ASKING;
		ffs_client_soon(c);
		break;
	case FFS_TURN_KEEP:
	case FFS_TURN_SERVE:
		ffs_client_reply(c);
		break;
	case FFS_TURN_WAIT:
		c->q->stage = FFS_CLIENT_WAITING;
		c->q->waits = ffs_loop_now(c->all->loop);
		break;
	case FFS_TURN_CHECK:
		ffs_client_check(c);
		break;
	}
}

static enum ffs_turn_way
begin_turn(struct ffs_client *c, const struct ffs_head *h)
{
	struct ffs_client_request *q = c->q;
	const char *endpoint =
	    c->all->endpoint(c->all->arg, c->who.redirected ? &c->who.meant : NULL);
	enum ffs_turn_way way;

	if (!endpoint)
		return FFS_TURN_PASS;
	way = ffs_turn_begin(&q->turn, c->all->turns, h, endpoint, c->all->hosts, time(NULL));
	q->turned = true;
	q->turn.comm = c->who.comm;
	q->turn.uid = c->who.uid;
	return way;
}

/* Whoever wonders about the store's 403 is told, now and then. */
static void
note_as_it_came(struct ffs_clients *all, const char *why)
{
	int64_t now = ffs_loop_now(all->loop);
	char text[256];

	if (!why || !all->turns->note || (all->noted && now - all->noted < NOTE_MS))
		return;
	all->noted = now;
	snprintf(text, sizeof(text), "a request goes to the store as it came: %s", why);
	all->turns->note(all->turns->arg, true, text);
}

/*
 * Whoever came to us by our own name is with an origin that wants to hear its own: from here on the
 * request is one for that, where it may be.  A redirected one is already.
 */
static int
sign_anew(struct ffs_client *c)
{
	struct ffs_head *h = &c->all->head;
	struct ffs_buf b = FFS_BUF_INIT;
	int rc;

	if (!c->all->resign || c->who.redirected)
		return 0;
	rc = ffs_resign_head(c->all->resign, &b, h, time(NULL));
	if (!rc) {
		rc = ffs_head_request(h, b.p, b.len);
		ffs_buf_release(&c->q->head);
		c->q->head = b;
		return rc > 0 ? 0 : rc ? rc : -EMSGSIZE;
	}
	ffs_buf_release(&b);
	if (rc == -ENOSYS || rc == -ENOMEM)
		return rc;
	note_as_it_came(c->all, ffs_resign_why(rc));
	return 0;
}

void
ffs_client_begin(struct ffs_client *c, const struct ffs_head *h)
{
	struct ffs_client_request *q = c->q = calloc(1, sizeof(*q));
	int rc = 0;

	if (!q) {
		ffs_client_refuse(c, -ENOMEM);
		return;
	}
	c->all->active++;
	ffs_count_add(&c->all->count->requests_active, 1);
	q->client = c;
	q->t0 = ffs_clock_us();
	q->minor = h->minor;
	q->method_n = (unsigned)h->method.n;
	q->keep = h->keep_alive;
	q->to_head = ffs_span_is(&h->method, "HEAD");
	ffs_frame_init(&q->body, h);
	c->moved = ffs_loop_now(c->all->loop);
	ffs_buf_add(&q->head, h->all.p, h->all.n);
	if (ffs_buf_error(&q->head))
		rc = -ENOMEM;
	if (!rc && c->all->must)
		rc = ffs_vouch_check(c->all->must, h, time(NULL));
	if (!rc)
		rc = sign_anew(c);
	if (rc)
		answer_error(
		    c, rc == -EOPNOTSUPP ? ffs_pass_refused(-EINVAL) : ffs_pass_refused(rc));
	else
		ffs_client_go(c, begin_turn(c, h), h);
}

int
ffs_client_feed(struct ffs_client *c, const char *p, size_t n, size_t *used)
{
	struct ffs_client_request *q = c->q;
	int rc;

	*used = 0;
	if (q->stage == FFS_CLIENT_WAITING || q->stage == FFS_CLIENT_CHECKING)
		return 0; /* nobody is there yet to have it */
	rc = ffs_frame_feed(&q->body, p, n, used);
	if (rc)
		return rc;
	ffs_count_add(&c->all->count->received, (int64_t)*used);
	if (q->o && *used && !ffs_origin_send(q->o, p, *used))
		q->held = true;
	if (q->o && q->body.done)
		ffs_origin_sent(q->o);
	return 0;
}

void
ffs_client_end(struct ffs_client *c, bool ok)
{
	struct ffs_client_request *q = c->q;
	uint64_t us = ffs_clock_us() - q->t0;
	unsigned from = q->own ? (unsigned)FFS_COUNT_OWN : (unsigned)q->turn.from;

	c->q = NULL;
	c->all->active--;
	ffs_count_add(&c->all->count->requests_active, -1);
	ffs_count_request(
	    c->all->count, from, q->head.p ? q->head.p : "", q->method_n, q->status, q->bytes, us);
	if (q->turned)
		ffs_turn_end(&q->turn, q->bytes, us, ok);
	ffs_buf_release(&q->head);
	ffs_buf_release(&q->out);
	free(q);
}
