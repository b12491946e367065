#include "common/gate/wire.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

ssize_t
ffs_wire_read(struct ffs_wire *w, void *p, size_t n)
{
	ssize_t got;

	if (w->tls) {
		got = ffs_tls_read(w->tls, p, n);
	} else {
		got = recv(w->fd, p, n, 0);
		if (got < 0)
			got = -errno;
	}
	/* Less than there was room for: all that had come (epoll(7)), but not what TLS holds, and
	 * not the end, of which the same event may have told. */
	if (got == -EAGAIN || (!w->tls && !w->ends && got > 0 && (size_t)got < n))
		w->can_read = false;
	return got;
}

static ssize_t
write_some(struct ffs_wire *w, struct iovec *v, unsigned n)
{
	struct msghdr m = { .msg_iov = v, .msg_iovlen = n };
	ssize_t put;

	if (w->tls)
		return ffs_tls_write(w->tls, v->iov_base, v->iov_len);
	put = sendmsg(w->fd, &m, MSG_NOSIGNAL | (w->more ? MSG_MORE : 0));
	return put < 0 ? -errno : put;
}

/* What is left of v after so many bytes went out: v is changed. */
static void
advance(struct iovec **v, unsigned *n, size_t put)
{
	while (*n && put >= (*v)->iov_len) {
		put -= (*v)->iov_len;
		(*v)++;
		(*n)--;
	}
	if (*n) {
		(*v)->iov_base = (char *)(*v)->iov_base + put;
		(*v)->iov_len -= put;
	}
}

static int
keep(struct ffs_wire *w, const struct iovec *v, unsigned n)
{
	size_t more = 0;
	unsigned i;
	char *p;

	for (i = 0; i < n; i++)
		more += v[i].iov_len;
	if (!more)
		return 0;
	if (w->rest_at) {
		memmove(w->rest, w->rest + w->rest_at, w->rest_n);
		w->rest_at = 0;
	}
	p = realloc(w->rest, w->rest_n + more);
	if (!p)
		return -ENOMEM;
	w->rest = p;
	for (i = 0; i < n; i++) {
		/* An answer's head that is out is nothing at no address. */
		if (v[i].iov_len)
			memcpy(p + w->rest_n, v[i].iov_base, v[i].iov_len);
		w->rest_n += v[i].iov_len;
	}
	return 0;
}

int
ffs_wire_send(struct ffs_wire *w, const struct iovec *v, unsigned n)
{
	struct iovec left[FFS_WIRE_PARTS], *at = left;
	ssize_t put;

	if (n > FFS_WIRE_PARTS)
		return -EINVAL;
	memcpy(left, v, n * sizeof(*v));
	while (n && !w->rest_n && w->can_write) {
		put = write_some(w, at, n);
		if (put == -EAGAIN)
			w->can_write = false;
		else if (put < 0)
			return (int)put;
		else
			advance(&at, &n, (size_t)put);
	}
	return keep(w, at, n);
}

int
ffs_wire_flush(struct ffs_wire *w)
{
	struct iovec v;
	ssize_t put;

	while (w->rest_n) {
		if (!w->can_write)
			return -EAGAIN;
		v = (struct iovec){ w->rest + w->rest_at, w->rest_n };
		put = write_some(w, &v, 1);
		if (put == -EAGAIN)
			w->can_write = false;
		else if (put < 0)
			return (int)put;
		else {
			w->rest_at += (size_t)put;
			w->rest_n -= (size_t)put;
		}
	}
	free(w->rest);
	w->rest = NULL;
	w->rest_at = 0;
	return 0;
}

void
ffs_wire_close(struct ffs_wire *w)
{
	ffs_tls_free(w->tls);
	w->tls = NULL;
	if (w->fd >= 0)
		close(w->fd);
	w->fd = -1;
	free(w->rest);
	w->rest = NULL;
	w->rest_at = w->rest_n = 0;
}
