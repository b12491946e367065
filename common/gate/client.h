#ifndef FFS_CLIENT_H
#define FFS_CLIENT_H

#include <stdbool.h>
#include <stdint.h>

#include "common/gate/count.h"
#include "common/gate/door.h"
#include "common/gate/head.h"
#include "common/gate/loop.h"
#include "common/gate/origin.h"
#include "common/gate/resign.h"
#include "common/gate/times.h"
#include "common/gate/turn.h"

/*
 * A client's connection, its requests one after another.  For each:
 *
 *	the head is there          ffs_turn_begin()
 *	  PASS                     ffs_origin_begin(), the body if any behind it
 *	    1xx                    to the client
 *	    the answer's head      ffs_turn_answer()
 *	      PASS                 the answer to the client
 *	      KEEP                 it feeds t->flight; t->reply to the client
 *	      SERVE                t->reply to the client; the origin is rid of
 *	      REPEAT               once more, without t->add
 *	    it failed, or a 5xx    ffs_turn_failed(): SERVE, else what is wrong
 *	  SERVE                    t->reply: head and file, by sendfile(2)
 *	  WAIT                     until t->flight says so, ffs_turn_again()
 *	  CHECK                    ffs_turn_check() in a thread, ffs_turn_again()
 *	the answer is with him     ffs_turn_end()
 *
 * What he sends behind a request stays in the socket until its answer is out.  An idle connection
 * holds no buffer.
 */
struct ffs_client;

struct ffs_clients {
	struct ffs_loop *loop;
	struct ffs_origins *origins;
	struct ffs_turns *turns;
	struct ffs_door *door;  /* may be NULL */
	struct ffs_vouch *must; /* whose signature each request must bear; NULL: anybody's */
	const struct ffs_resign *resign; /* for an origin that wants its own name; NULL: any does */
	const struct ffs_times *times;
	struct ffs_count *count;
	/* The store's URL in names of the cache, and the names of the store and of ours (ask.h),
	 * for a client meant for that address (NULL: the gate's own origin); NULL: an unknown one.
	 */
	const char *(*endpoint)(void *arg, const struct sockaddr_storage *meant);
	const char *const *hosts;
	void (*gone)(void *arg); /* a connection has ended */
	/* An origin was not there, or broke off: for the user.  May be NULL. */
	void (*trouble)(void *arg, int rc, const char *why);
	void *arg;
	bool stopping; /* each ends with its request */
	int64_t noted; /* when it was last said that a request is not signed anew */
	unsigned n, active;
	struct ffs_client *first;
	struct ffs_head head; /* the one at hand: they are large */
};

/* Serve an accepted, non-blocking socket, which is given away.  0 or -errno. */
int ffs_client_new(struct ffs_clients *all, int fd);
/* Of ffs_turns: a flight has something for a request of a client's. */
void ffs_client_wake(struct ffs_turn *t);
/* Now and then: what took too long ends.  And all of them, at once; or the idle ones. */
void ffs_clients_tick(struct ffs_clients *all);
void ffs_clients_end(struct ffs_clients *all, bool idle_only);

#endif
