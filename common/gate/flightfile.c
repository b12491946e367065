#include "common/gate/flightimpl.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/sendfile.h>
#include <sys/socket.h>

uint64_t
ffs_flight_have(const struct ffs_flight *f)
{
	return f->start + f->len;
}

void
ffs_flight_unkeep(struct ffs_flight *f)
{
	if (f->unkept)
		return;
	f->unkept = true;
	ffs_flight_unlist(f);
	/* What is in the file stays readable by its descriptor. */
	if (f->fill)
		ffs_hangar_add(f, FFS_HANGAR_ABORT);
	if (f->begun)
		ffs_count_add(&f->fs->count->flights_lost, 1);
}

void
ffs_flight_flush(struct ffs_flight *f)
{
	if (!f->fill || !f->len)
		return;
	if (ffs_cache_fill_through(f->fill, f->window + f->off, f->len)) {
		ffs_flight_unkeep(f);
		return;
	}
	f->filed = f->start += f->len;
	f->off = f->len = 0;
}

/* The first byte that somebody still wants. */
static uint64_t
wanted(const struct ffs_flight *f)
{
	const struct ffs_flight_reader *lists[] = { f->active, f->waiting, f->due }, *r;
	uint64_t at = ffs_flight_have(f);
	size_t i;

	for (i = 0; i < 3; i++)
		for (r = lists[i]; r; r = r->next)
			if (r->at < at)
				at = r->at;
	return at;
}

/* For one more piece, or all that may still come. */
static bool
has_room(const struct ffs_flight *f)
{
	return f->cap - f->len >= FFS_FLIGHT_PIECE || f->opts.size <= FFS_FLIGHT_WINDOW;
}

/* It has no file to grow, and will have none. */
static bool
is_window(const struct ffs_flight *f)
{
	return f->flies && !f->fill;
}

void
ffs_flight_advance(struct ffs_flight *f)
{
	uint64_t to;

	if (is_window(f) && (to = wanted(f)) > f->start) {
		f->off += to - f->start;
		f->len -= to - f->start;
		f->start = to;
		ffs_flight_unlist(f);
	}
	if (!f->paused || !f->source)
		return;
	if (!has_room(f))
		ffs_flight_flush(f);
	if (has_room(f)) {
		f->paused = false;
		f->source->resume(f->source);
	}
}

bool
ffs_flight_write(struct ffs_flight *f, const void *p, size_t n)
{
	bool go_on = true;

	/* More than was promised, or at a time: nobody reads it, and nothing is kept. */
	if (n > f->opts.size - ffs_flight_have(f) || n > f->cap - f->len) {
		ffs_flight_unkeep(f);
		return true;
	}
	f->held++;
	if (n > f->cap - f->len - f->off) {
		memmove(f->window, f->window + f->off, f->len);
		f->off = 0;
	}
	memcpy(f->window + f->off + f->len, p, n);
	f->len += n;
	f->paused = false;
	/* Readers may make room, this very moment. */
	ffs_flight_wake(f, false);
	if (!has_room(f))
		ffs_flight_flush(f);
	if (f->source)
		go_on = !(f->paused = !has_room(f));
	f->held--;
	ffs_flight_settle(f);
	return go_on;
}

static ssize_t
send_window(struct ffs_flight *f, struct ffs_flight_reader *r, int sock, size_t n)
{
	size_t skip = (size_t)(r->at - f->start);
	ssize_t sent;

	if (n > f->len - skip)
		n = f->len - skip;
	do
		sent = send(sock, f->window + f->off + skip, n, MSG_NOSIGNAL | MSG_DONTWAIT);
	while (sent < 0 && errno == EINTR);
	return sent < 0 ? -errno : sent;
}

static ssize_t
send_file(struct ffs_flight *f, struct ffs_flight_reader *r, int sock, size_t n)
{
	off_t at = (off_t)r->at;
	ssize_t sent;

	if (n > f->filed - r->at)
		n = (size_t)(f->filed - r->at);
	do
		sent = sendfile(sock, f->fd, &at, n);
	while (sent < 0 && errno == EINTR);
	return sent < 0 ? -errno : sent ? sent : -EIO;
}

ssize_t
ffs_flight_send(struct ffs_flight_reader *r, int sock, size_t n)
{
	struct ffs_flight *f = r->flight;
	ssize_t sent;

	if (!f || r->at >= f->opts.size)
		return -EIO;
	if (r->at < f->filed)
		sent = send_file(f, r, sock, n);
	else if (r->at < f->start)
		return -EIO; /* it has gone by: cannot be */
	else if (r->at < ffs_flight_have(f))
		sent = send_window(f, r, sock, n);
	else
		return f->lost ? -EIO : ffs_flight_wait(r);
	if (sent <= 0)
		return sent;
	r->at += (uint64_t)sent;
	if (!r->served && r != f->leader)
		ffs_count_add(&f->fs->count->flights_joined, 1);
	r->served = true;
	ffs_flight_advance(f);
	return sent;
}
