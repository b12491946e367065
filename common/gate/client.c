#include "common/gate/client.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#include "common/base/loopback.h"
#include "common/gate/clientimpl.h"

enum {
	READS = 8,             /* before others have their turn */
	DRAIN_MAX = 16u << 20, /* of what nobody wants, read so that the client hears why */
};

/* --- ends --- */

static void
release(struct ffs_client *c)
{
	ffs_buf_release(&c->in);
	free(c);
}

void
ffs_client_close(struct ffs_client *c)
{
	struct ffs_clients *all = c->all;

	if (c->dead)
		return;
	ffs_loop_cancel(all->loop, &c->soon);
	if (c->s.fd >= 0)
		ffs_loop_remove(all->loop, &c->s);
	ffs_wire_close(&c->wire);
	*c->prev = c->next;
	if (c->next)
		c->next->prev = c->prev;
	all->n--;
	ffs_count_add(&all->count->client_connections_active, -1);
	if (c->q && c->q->o)
		ffs_origin_abort(c->q->o);
	if (c->q)
		c->q->o = NULL;
	if (c->working) {
		c->dead = true; /* until that is done */
	} else {
		if (c->q)
			ffs_client_end(c, false);
		release(c);
	}
	all->gone(all->arg);
}

void
ffs_client_worked(struct ffs_loop_call *call)
{
	struct ffs_loop_work *w =
	    (struct ffs_loop_work *)((char *)call - offsetof(struct ffs_loop_work, done));
	struct ffs_client *c = (struct ffs_client *)((char *)w - offsetof(struct ffs_client, work));

	c->working = false;
	if (!c->dead) {
		if (c->q && c->q->stage == FFS_CLIENT_CHECKING)
			ffs_client_go(c, ffs_turn_again(&c->q->turn), NULL);
		ffs_client_soon(c);
		return;
	}
	if (c->q)
		ffs_client_end(c, false);
	release(c);
}

void
ffs_client_soon(struct ffs_client *c)
{
	ffs_loop_soon(c->all->loop, &c->soon);
}

/* Whoever still sends would have our answer thrown away by a reset: say that it is over, and read
 * on for a while. */
static void
linger(struct ffs_client *c)
{
	shutdown(c->wire.fd, SHUT_WR);
	c->lingering = true;
	c->moved = ffs_loop_now(c->all->loop);
	c->drained = 0;
	ffs_buf_release(&c->in);
	ffs_client_soon(c);
}

static void
drain(struct ffs_client *c)
{
	char *p = ffs_loop_scratch(c->all->loop);
	unsigned reads = 0;
	ssize_t n = 1;

	while (c->wire.can_read && n > 0 && reads++ < READS) {
		n = ffs_wire_read(&c->wire, p, FFS_LOOP_SCRATCH);
		c->drained += n > 0 ? (uint64_t)n : 0;
	}
	if (n == 0 || (n < 0 && n != -EAGAIN) || c->drained > DRAIN_MAX)
		ffs_client_close(c);
	else if (c->wire.can_read)
		ffs_client_soon(c);
}

/* The request's answer is out. */
static void
next(struct ffs_client *c)
{
	struct ffs_client_request *q = c->q;
	bool more = !q->body.done, keep = q->keep && !more && !c->all->stopping;

	if (q->cut) {
		ffs_client_close(c);
		return;
	}
	ffs_client_end(c, true);
	c->moved = ffs_loop_now(c->all->loop);
	if (!c->in.len)
		ffs_buf_release(&c->in);
	if (!keep && (more || c->in.len || c->wire.can_read))
		linger(c);
	else if (!keep)
		ffs_client_close(c);
	else if (c->in.len || c->wire.can_read)
		ffs_client_soon(c);
}

void
ffs_client_done(struct ffs_client *c)
{
	c->q->stage = FFS_CLIENT_DONE;
	ffs_client_soon(c);
}

/* --- what comes --- */

/* So many bytes at the start of c->in are used. */
static void
used_in(struct ffs_client *c, size_t n)
{
	c->in.len -= n;
	if (c->in.len)
		memmove(c->in.p, c->in.p + n, c->in.len);
	else
		ffs_buf_release(&c->in);
}

/* A body whose end cannot be told. */
static void
broken_body(struct ffs_client *c)
{
	struct ffs_client_request *q = c->q;

	if (q->o)
		ffs_origin_abort(q->o);
	q->o = NULL;
	q->keep = false;
	if (q->status)
		ffs_client_close(c);
	else
		ffs_client_refuse(c, -EBADMSG);
}

/* A head, perhaps, at p: true where it made a request; what is behind it is used or kept. */
static bool
take(struct ffs_client *c, const char *p, size_t n)
{
	struct ffs_head *h = &c->all->head;
	bool kept = p == c->in.p;
	size_t used = 0;
	int len = ffs_head_request(h, p, n);

	if (!len) {
		if (!c->in.len)
			c->since = ffs_loop_now(c->all->loop);
		if (!kept)
			ffs_buf_add(&c->in, p, n);
		return false;
	}
	if (len < 0) {
		ffs_client_refuse(c, len);
		return true;
	}
	ffs_client_begin(c, h);
	if (!c->q) /* no memory */
		return true;
	if (!c->q->body.done && ffs_client_feed(c, p + len, n - (size_t)len, &used))
		broken_body(c);
	used += (size_t)len;
	if (kept)
		used_in(c, used);
	else if (used < n)
		ffs_buf_add(&c->in, p + used, n - used);
	return true;
}

/* Between requests.  False: c is gone. */
static bool
receive_head(struct ffs_client *c)
{
	char *p = ffs_loop_scratch(c->all->loop);
	bool fresh = c->in.len > 0;
	ssize_t n;

	while (!c->q) {
		if (fresh && take(c, c->in.p, c->in.len))
			break;
		fresh = true;
		if (!c->wire.can_read)
			break;
		n = ffs_wire_read(&c->wire, p, FFS_LOOP_SCRATCH);
		if (n == -EAGAIN)
			break;
		if (n <= 0) {
			ffs_client_close(c);
			return false;
		}
		if (!c->in.len) {
			if (take(c, p, (size_t)n))
				break;
			fresh = false;
			continue;
		}
		ffs_buf_add(&c->in, p, (size_t)n);
	}
	if (ffs_buf_error(&c->in)) {
		ffs_client_close(c);
		return false;
	}
	return true;
}

/* Bytes of the body, from where they came: c->in or, what is not used going there, elsewhere.
 * False: c is gone. */
static bool
take_body(struct ffs_client *c, const char *p, size_t n)
{
	struct ffs_client_request *q = c->q;
	bool kept = p == c->in.p;
	size_t used;

	c->moved = ffs_loop_now(c->all->loop);
	if (ffs_client_feed(c, p, n, &used)) {
		if (q->status) {
			ffs_client_close(c);
			return false;
		}
		broken_body(c);
		return true;
	}
	if (kept)
		used_in(c, used);
	else if (used < n)
		ffs_buf_add(&c->in, p + used, n - used);
	return true;
}

/* More of the body.  False: c is gone. */
static bool
receive_body(struct ffs_client *c)
{
	char *p = ffs_loop_scratch(c->all->loop);
	struct ffs_client_request *q = c->q;
	unsigned reads = 0;
	ssize_t n;

	if (c->in.len && !q->held && !take_body(c, c->in.p, c->in.len))
		return false;
	while (q->stage <= FFS_CLIENT_RELAYING && !q->body.done && !q->held && c->wire.can_read) {
		if (reads++ == READS) {
			ffs_client_soon(c);
			break;
		}
		n = ffs_wire_read(&c->wire, p, FFS_LOOP_SCRATCH);
		if (n == -EAGAIN)
			break;
		if (n <= 0) {
			ffs_client_close(c);
			return false;
		}
		if (!take_body(c, p, (size_t)n))
			return false;
	}
	return true;
}

/* What is kept goes out, and who was told to wait may go on.  False: c is gone. */
static bool
flush(struct ffs_client *c)
{
	struct ffs_client_request *q = c->q;
	size_t before = c->wire.rest_n;
	int rc = ffs_wire_flush(&c->wire);

	if (rc && rc != -EAGAIN) {
		ffs_client_close(c);
		return false;
	}
	if (c->wire.rest_n != before)
		c->moved = ffs_loop_now(c->all->loop);
	if (!rc && q && q->stalled) {
		q->stalled = false;
		if (q->o)
			ffs_origin_resume(q->o);
	}
	return true;
}

void
ffs_client_pump(struct ffs_client *c)
{
	struct ffs_client_request *q;

	if (c->lingering) {
		drain(c);
		return;
	}
	if (!flush(c))
		return;
	q = c->q;
	if (q && q->later)
		ffs_client_go(c, FFS_TURN_PASS, NULL);
	else if (!q && !receive_head(c))
		return;
	q = c->q;
	if (q && q->stage == FFS_CLIENT_WAITING && q->woken) {
		q->woken = false;
		ffs_client_go(c, ffs_turn_again(&q->turn), NULL);
	}
	if (q && !q->body.done && q->stage <= FFS_CLIENT_RELAYING && !receive_body(c))
		return;
	if (q && (q->stage == FFS_CLIENT_REPLYING || q->stage == FFS_CLIENT_FLYING) &&
	    ffs_client_send(c)) {
		ffs_client_close(c);
		return;
	}
	if (q && q->stage == FFS_CLIENT_DONE && !ffs_wire_full(&c->wire))
		next(c);
}

static void
ready(struct ffs_loop_fd *s, uint32_t events)
{
	struct ffs_client *c = (struct ffs_client *)((char *)s - offsetof(struct ffs_client, s));
	bool waits;

	if (events & (EPOLLIN | EPOLLRDHUP | EPOLLHUP | EPOLLERR))
		c->wire.can_read = true;
	if (events & (EPOLLOUT | EPOLLHUP | EPOLLERR))
		c->wire.can_write = true;
	if (events & (EPOLLRDHUP | EPOLLHUP | EPOLLERR))
		c->hup = c->wire.ends = true;
	/* He who goes away ends what is done for him at the origin. */
	waits = c->q && c->q->stage <= FFS_CLIENT_CHECKING;
	if (c->q && ((events & (EPOLLHUP | EPOLLERR)) || (c->hup && waits))) {
		ffs_count_add(&c->all->count->client_aborts, 1);
		ffs_client_close(c);
		return;
	}
	ffs_client_pump(c);
}

static void
soon(struct ffs_loop_call *call)
{
	ffs_client_pump((struct ffs_client *)((char *)call - offsetof(struct ffs_client, soon)));
}

/* --- its life --- */

int
ffs_client_new(struct ffs_clients *all, int fd)
{
	struct ffs_client *c = calloc(1, sizeof(*c));
	int one = 1, rc;

	if (!c)
		return -ENOMEM;
	c->who = (struct ffs_door_caller){ .uid = (uint32_t)-1 };
	if (all->door && ffs_door_caller(all->door, fd, &c->who) == -ESTALE) {
		free(c);
		return -ESTALE;
	}
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	c->s = (struct ffs_loop_fd){ ready, fd };
	c->soon.run = soon;
	c->work.done.run = ffs_client_worked;
	c->all = all;
	c->wire = (struct ffs_wire){ .fd = fd, .can_write = true };
	c->moved = ffs_loop_now(all->loop);
	rc = ffs_loop_add(all->loop, &c->s, false);
	if (rc) {
		free(c);
		return rc;
	}
	c->next = all->first;
	c->prev = &all->first;
	if (c->next)
		c->next->prev = &c->next;
	all->first = c;
	all->n++;
	ffs_count_add(&all->count->client_connections, 1);
	ffs_count_add(&all->count->client_connections_active, 1);
	ffs_count_add(&all->count->client_connections_redirected, c->who.redirected);
	return 0;
}

/* Nothing has moved for too long: what then. */
static void
expire(struct ffs_client *c, int64_t now)
{
	const struct ffs_times *t = c->all->times;
	struct ffs_client_request *q = c->q;
	bool body = q && !q->body.done && !q->held && q->stage <= FFS_CLIENT_RELAYING;
	bool slow = q && (ffs_wire_full(&c->wire) || !c->wire.can_write);

	if (c->lingering) {
		if (now - c->moved > t->linger)
			ffs_client_close(c);
	} else if (q && q->stage == FFS_CLIENT_WAITING) {
		if (now - q->waits > FFS_TURN_WAIT_MS)
			ffs_client_wake(&q->turn);
	} else if (!q && c->in.len) {
		if (now - c->since > t->head)
			ffs_client_refuse(c, -ETIMEDOUT);
	} else if (!q) {
		if (now - c->moved > t->idle)
			ffs_client_close(c);
	} else if ((body || slow) && now - c->moved > t->stall) {
		if (slow || q->status) {
			ffs_client_close(c);
			return;
		}
		if (q->o)
			ffs_origin_abort(q->o);
		q->o = NULL;
		ffs_client_refuse(c, -ETIMEDOUT);
	}
}

void
ffs_clients_tick(struct ffs_clients *all)
{
	int64_t now = ffs_loop_now(all->loop);
	struct ffs_client *c, *after;

	for (c = all->first; c; c = after) {
		after = c->next;
		expire(c, now);
	}
}

void
ffs_clients_end(struct ffs_clients *all, bool idle_only)
{
	struct ffs_client *c, *after;

	for (c = all->first; c; c = after) {
		after = c->next;
		if (!idle_only || (!c->q && !c->in.len && !c->wire.can_read))
			ffs_client_close(c);
	}
}
