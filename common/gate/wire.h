#ifndef FFS_WIRE_H
#define FFS_WIRE_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>
#include <sys/uio.h>

#include "common/gate/tls.h"

/*
 * A connection's bytes: a non-blocking socket, plain or TLS, and what it has not taken yet.  What
 * is read lies in the loop's scratch, so that a connection holds memory only while its peer is
 * slower than the other one, and then no more than what was read at once.
 */
enum { FFS_WIRE_PARTS = 64 };

struct ffs_wire {
	int fd;
	struct ffs_tls *tls;      /* NULL: plain */
	bool can_read, can_write; /* not known to be otherwise */
	bool ends;                /* the end has come behind what is still to be read */
	bool more;                /* what is sent is not the end: MSG_MORE */
	char *rest;               /* what was given to send and not taken yet */
	size_t rest_at, rest_n;
};

/* Up to n bytes.  0 end; -EAGAIN; -errno. */
ssize_t ffs_wire_read(struct ffs_wire *w, void *p, size_t n);

/* Send all of it, and keep (copy) what does not go at once behind what is kept already.  0 or
 * -errno: the peer is gone. */
int ffs_wire_send(struct ffs_wire *w, const struct iovec *v, unsigned n);
/* What is kept, again.  0: all is out; -EAGAIN; -errno. */
int ffs_wire_flush(struct ffs_wire *w);
static inline bool
ffs_wire_full(const struct ffs_wire *w)
{
	return w->rest_n > 0;
}

/* Closes it, and forgets what is kept. */
void ffs_wire_close(struct ffs_wire *w);

#endif
