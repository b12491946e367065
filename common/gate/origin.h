#ifndef FFS_ORIGIN_H
#define FFS_ORIGIN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>
#include <sys/uio.h>

#include "common/gate/count.h"
#include "common/gate/door.h"
#include "common/gate/head.h"
#include "common/gate/loop.h"
#include "common/gate/times.h"

/*
 * Requests to origins, over connections that are kept and used again, one request at a time on
 * each.  A request that finds such a connection dead before a byte of an answer came, and of which
 * no body was sent, is repeated once on a fresh one.
 *
 *	client.c                                  origin.c
 *	ffs_origin_begin(head) ----------------->
 *	ffs_origin_send(body) ------------------>
 *	                        <---- ops->room() more body may be given
 *	                        <---- ops->head() each 1xx, then the answer's
 *	                        <---- ops->body() as it comes, framing and all
 *	                        <---- ops->flush() that was all for now
 *	ffs_origin_resume() --->      where body() had said false
 *	                        <---- ops->end()  and the exchange is over
 *
 * The receiver of the answer may be changed in head() (ffs_origin_give()): a client that keeps what
 * misses gives it to a flight.
 */
struct ffs_origins;
struct ffs_origin;

/* Where to: an exact address (a redirected client's), or the gate's own origin. */
struct ffs_origin_to {
	bool exact;
	struct sockaddr_storage addr;
};

/* The receiver.  None is called from inside of begin, send or resume, but from the loop; inside of
 * each of them ffs_origin_abort() may be called. */
struct ffs_origin_ops {
	/* h lives until it returns.  h->status under 200: others follow.  */
	void (*head)(void *arg, const struct ffs_head *h);
	/* Bytes of the body as they came; chunked: with its framing.  All of it is taken; false: no
	 * more until ffs_origin_resume(). */
	bool (*body)(void *arg, const char *p, size_t n);
	void (*flush)(void *arg);
	/* May be NULL where no body is sent. */
	void (*room)(void *arg);
	/* 0: all of the answer has come.  Else none, or not all of it: -ECONNREFUSED and what else
	 * connect(2) says, -EHOSTUNREACH no such name, -ETIMEDOUT, -ETIME no answer in time,
	 * -ECONNRESET, -EBADMSG it is no HTTP, -EKEYREJECTED not the one it should be, -EMFILE.
	 * why: in words.  The exchange is no more. */
	void (*end)(void *arg, int rc, const char *why);
};

struct ffs_origins_opts {
	struct ffs_loop *loop;
	const char *url; /* of the gate's own origin, as ffs_endpoint_url() spells it */
	struct ffs_door *door;
	const struct ffs_times *times;
	struct ffs_count *count;
};

/* NULL with errno; *why as ffs_gate_new()'s. */
struct ffs_origins *ffs_origins_new(const struct ffs_origins_opts *o, char **why);
void ffs_origins_free(struct ffs_origins *os); /* after all exchanges */
/* Now and then (FFS_LOOP_TICK_MS): what took too long ends. */
void ffs_origins_tick(struct ffs_origins *os);
/* No new connections: give one that is idle up, to have its descriptor.  False: there is none. */
bool ffs_origins_yield(struct ffs_origins *os);

/*
 * Send a request: head (copied) as it goes out, to_head where it is a HEAD; body: some follows,
 * until ffs_origin_sent(); repeatable: an origin that has taken it twice has done no more than
 * once.  who: see door.h, may be NULL.  NULL with errno; else an end() will come.
 */
struct ffs_origin_request {
	struct ffs_origin_to to;
	const struct iovec *head;
	unsigned nhead;
	bool to_head, body, repeatable;
	const struct ffs_door_caller *who;
};
struct ffs_origin *ffs_origin_begin(struct ffs_origins *os, const struct ffs_origin_request *q,
    const struct ffs_origin_ops *ops, void *arg);

/* The next bytes of the body, at most FFS_LOOP_SCRATCH; all are taken.  False: no more until
 * room(). */
bool ffs_origin_send(struct ffs_origin *o, const void *p, size_t n);
void ffs_origin_sent(struct ffs_origin *o); /* that was all of it */
void ffs_origin_resume(struct ffs_origin *o);
/* Another receiver from now on. */
void ffs_origin_give(struct ffs_origin *o, const struct ffs_origin_ops *ops, void *arg);
/* Of no interest any more: no end() comes.  The connection ends, or with discard() stays where
 * little of the answer is left. */
void ffs_origin_abort(struct ffs_origin *o);
void ffs_origin_discard(struct ffs_origin *o);

#endif
