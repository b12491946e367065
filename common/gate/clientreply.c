#include <errno.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/sendfile.h>
#include <sys/uio.h>
#include <unistd.h>

#include "common/gate/clientimpl.h"

enum {
	WINDOW = 512 << 10, /* of a file, before others have their turn */
	SMALL = 32768,      /* bytes that go out faster from memory than by sendfile(2) */
	PIECE = 256 << 10,  /* read by a thread at once */
};

static struct ffs_client *
of_work(struct ffs_loop_work *w)
{
	return (struct ffs_client *)((char *)w - offsetof(struct ffs_client, work));
}

/* --- what blocks --- */

static void
start_work(struct ffs_client *c, void (*work)(struct ffs_loop_work *w))
{
	c->working = true;
	c->work.work = work;
	ffs_loop_work(c->all->loop, &c->work);
}

static void
check_work(struct ffs_loop_work *w)
{
	ffs_turn_check(&of_work(w)->q->turn);
}

void
ffs_client_check(struct ffs_client *c)
{
	c->q->stage = FFS_CLIENT_CHECKING;
	start_work(c, check_work);
}

/* Have the next window of the file in memory: a thread waits for the disk. */
static void
fetch_work(struct ffs_loop_work *w)
{
	struct ffs_client_request *q = of_work(w)->q;
	uint64_t at = q->turn.reply.at;
	char *p = malloc(PIECE);
	ssize_t n = 1;

	while (p && n > 0 && at < q->resident) {
		n = pread(q->turn.reply.fd, p, PIECE, (off_t)at);
		at += n > 0 ? (uint64_t)n : 0;
	}
	free(p);
}

/* Is this byte of the file in memory. */
static bool
in_memory(int fd, uint64_t at)
{
	char byte;
	struct iovec v = { &byte, 1 };

	return preadv2(fd, &v, 1, (off_t)at, RWF_NOWAIT) >= 0 || errno != EAGAIN;
}

/* Of the next n bytes the last is looked at, and of all the first: files are written, read and
 * evicted from memory in runs.  False: a thread fetches them. */
static bool
at_hand(struct ffs_client *c, uint64_t n)
{
	struct ffs_client_request *q = c->q;
	const struct ffs_reply *r = &q->turn.reply;
	bool first = !q->resident;

	if (r->at + n <= q->resident)
		return true;
	q->resident = r->at + n;
	if ((!first || in_memory(r->fd, r->at)) && in_memory(r->fd, r->at + n - 1))
		return true;
	start_work(c, fetch_work);
	return false;
}

/* --- files --- */

/* Head and body by one call; 1: it is for sendfile(2). */
static int
send_small(struct ffs_client *c)
{
	struct ffs_reply *r = &c->q->turn.reply;
	char bytes[SMALL];
	struct iovec v[2] = { { bytes, r->left } };
	ssize_t n = preadv2(r->fd, v, 1, (off_t)r->at, RWF_NOWAIT);
	int rc;

	if (n != (ssize_t)r->left)
		return 1;
	v[1] = v[0];
	v[0] = (struct iovec){ r->head.p, r->head.len };
	rc = ffs_wire_send(&c->wire, v, 2);
	ffs_buf_release(&r->head);
	c->q->bytes += r->left;
	r->left = 0;
	return rc;
}

static int
send_head(struct ffs_client *c)
{
	struct ffs_reply *r = &c->q->turn.reply;
	struct iovec v = { r->head.p, r->head.len };
	int rc;

	if (!r->head.len)
		return 0;
	if (ffs_buf_error(&r->head))
		return -ENOMEM;
	if (r->fd >= 0 && r->left && r->left <= SMALL) {
		rc = send_small(c);
		if (rc <= 0)
			return rc;
	}
	c->wire.more = r->left > 0 && !r->flight;
	rc = ffs_wire_send(&c->wire, &v, 1);
	c->wire.more = false;
	ffs_buf_release(&r->head);
	return rc;
}

static int
send_file(struct ffs_client *c)
{
	struct ffs_reply *r = &c->q->turn.reply;
	uint64_t window = WINDOW;
	off_t at;
	ssize_t n;

	while (r->left && c->wire.can_write && window) {
		n = (ssize_t)(r->left < window ? r->left : window);
		if (!at_hand(c, (uint64_t)n))
			return 0;
		at = (off_t)r->at;
		n = sendfile(c->wire.fd, r->fd, &at, (size_t)n);
		if (n < 0 && errno == EAGAIN) {
			c->wire.can_write = false;
			break;
		}
		if (n <= 0)
			return n ? -errno : -EIO; /* somebody has cut it short */
		r->at += (uint64_t)n;
		r->left -= (uint64_t)n;
		window -= (uint64_t)n;
		c->q->bytes += (uint64_t)n;
		c->moved = ffs_loop_now(c->all->loop);
	}
	return 0;
}

static int
send_flight(struct ffs_client *c)
{
	struct ffs_reply *r = &c->q->turn.reply;
	uint64_t window = WINDOW;
	ssize_t n;

	while (r->left && c->wire.can_write && window) {
		n = ffs_flight_send(
		    &c->q->turn.reader, c->wire.fd, (size_t)(r->left < window ? r->left : window));
		if (n == -EAGAIN)
			c->wire.can_write = false;
		if (n == -EAGAIN || n == -ENODATA)
			return 0;
		if (n < 0)
			return (int)n;
		r->left -= (uint64_t)n;
		window -= (uint64_t)n;
		c->q->bytes += (uint64_t)n;
		c->moved = ffs_loop_now(c->all->loop);
	}
	if (r->left && c->wire.can_write)
		ffs_client_soon(c);
	return 0;
}

int
ffs_client_send(struct ffs_client *c)
{
	struct ffs_client_request *q = c->q;
	int rc = 0;

	if (c->working)
		return 0;
	if (q->turn.reply.head.len)
		rc = send_head(c);
	if (rc || ffs_wire_full(&c->wire))
		return rc;
	rc = q->stage == FFS_CLIENT_FLYING ? send_flight(c) : send_file(c);
	if (rc || c->working)
		return rc;
	if (!q->turn.reply.left)
		q->stage = FFS_CLIENT_DONE;
	else if (q->stage == FFS_CLIENT_REPLYING && c->wire.can_write)
		ffs_client_soon(c);
	return 0;
}

/* The status in a reply's head. */
static int
status_of(const struct ffs_buf *b)
{
	return b->len > 12 ? (b->p[9] - '0') * 100 + (b->p[10] - '0') * 10 + (b->p[11] - '0') : 0;
}

void
ffs_client_reply(struct ffs_client *c)
{
	struct ffs_client_request *q = c->q;
	const struct ffs_reply *r = &q->turn.reply;

	q->stage = r->flight ? FFS_CLIENT_FLYING : FFS_CLIENT_REPLYING;
	q->status = status_of(&r->head);
	q->resident = 0;
	ffs_client_soon(c);
}
