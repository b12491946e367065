#ifndef FFS_ORIGINIMPL_H
#define FFS_ORIGINIMPL_H

#include "common/base/buf.h"
#include "common/gate/frame.h"
#include "common/gate/origin.h"
#include "common/gate/site.h"
#include "common/gate/wire.h"

/* What origin.c (exchanges) and originpool.c (connections) share. */

/* An origin, its connections that are idle (the one used last first) and those that are not. */
struct ffs_origin_site {
	struct ffs_site site;
	struct ffs_origins *all;
	struct ffs_origin_site *next;
	struct ffs_origin *idle, *busy;
};

struct ffs_origins {
	struct ffs_origins_opts o;
	struct ffs_tls_roots *roots;   /* NULL: no https */
	struct ffs_origin_site *first; /* the gate's own */
	unsigned nidle;
	struct ffs_origin *next; /* whom tick() looks at next: one that has gone is skipped */
	struct ffs_head head;    /* the one at hand */
};

enum ffs_origin_state {
	FFS_ORIGIN_LOOKING, /* for the address */
	FFS_ORIGIN_CONNECTING,
	FFS_ORIGIN_SHAKING, /* TLS */
	FFS_ORIGIN_OPEN,
};

/* A connection that is being made, to an address that has been silent for a while: others are tried
 * beside it, and the first that is there counts (as in RFC 8305). */
struct ffs_origin_late {
	struct ffs_loop_fd s;
	struct ffs_origin *o;
	struct ffs_origin_late *next;
	unsigned index;
	bool told;
};

/* A connection, and the exchange that it carries: that may be moved to a fresh socket. */
struct ffs_origin {
	struct ffs_loop_fd s;
	struct ffs_loop_call soon;
	struct ffs_wire wire;
	struct ffs_origin_site *at;
	struct ffs_origin *next, **prev; /* in at's lists */
	enum ffs_origin_state state;
	unsigned tried, first, index; /* addresses: how many, from which on, which now */
	struct ffs_origin_late *late;
	bool idle, told;
	int64_t moved; /* when something last did */
	struct ffs_door_caller who;
	/* the exchange */
	const struct ffs_origin_ops *ops; /* NULL: there is none, or it was aborted */
	void *arg;
	char *request; /* its head, to repeat it; NULL where that must not be */
	size_t request_n;
	struct ffs_buf in; /* a part of an answer's head */
	struct ffs_frame frame;
	unsigned interim; /* 1xx */
	int failed;       /* with that, which soon() tells */
	const char *why;
	bool inside; /* of pump(): it ends what is to end */
	bool to_head, sent, passed, reused, heard, headed, keep, paused, full, broken;
};

/* --- originpool.c --- */

/* Connect o, from the next address on that was not tried.  0: under way; -errno: none is left. */
int ffs_origin_connect(struct ffs_origin *o);
/* It takes long: the same with what is left of them, beside those that were tried. */
enum { FFS_ORIGIN_LATE_MS = 250 };
int ffs_origin_elsewhere(struct ffs_origin *o);
/* Something has come for a connection that is not open yet.  0: it is; -EAGAIN; -errno and o->why.
 */
int ffs_origin_connecting(struct ffs_origin *o);
void ffs_origin_disconnect(struct ffs_origin *o);

/* An idle one, taken out of the pool, or a new one without a socket; NULL: no memory.  fresh: only
 * one used lately. */
struct ffs_origin *ffs_origin_take(struct ffs_origin_site *p, bool fresh);
/* Back into it, or freed. */
void ffs_origin_put(struct ffs_origin *o);
void ffs_origin_free(struct ffs_origin *o);

/* The site of an address, made where it is new. */
struct ffs_origin_site *ffs_origin_site(struct ffs_origins *os, const struct ffs_origin_to *to);
void ffs_origin_site_free(struct ffs_origin_site *p);

/* --- origin.c --- */

void ffs_origin_ready(struct ffs_loop_fd *s, uint32_t events);
void ffs_origin_soon(struct ffs_loop_call *c);
void ffs_origin_known(void *site);
/* It is over. */
void ffs_origin_fail(struct ffs_origin *o, int rc, const char *why);

#endif
