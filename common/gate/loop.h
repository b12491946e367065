#ifndef FFS_LOOP_H
#define FFS_LOOP_H

#include <stdbool.h>
#include <stdint.h>

#include "common/base/jobs.h"

/*
 * One thread's epoll, edge-triggered: a socket is entered once, for everything, so that no request
 * costs an epoll_ctl(2).  Whoever stops reading or writing before EAGAIN remembers that himself and
 * comes back by ffs_loop_soon().
 */
struct ffs_loop;

/* A descriptor in the loop: a member of what it belongs to.  Events as epoll(7)'s. */
struct ffs_loop_fd {
	void (*ready)(struct ffs_loop_fd *s, uint32_t events);
	int fd; /* -1: none */
};

/* Something to be called once, later: a member, too.  Zeroed but for run. */
struct ffs_loop_call {
	void (*run)(struct ffs_loop_call *c);
	struct ffs_loop_call *next, **prev; /* the loop's; prev NULL: does not wait */
};

/* Work that blocks: work() runs in a thread, then done.run() in the loop. */
struct ffs_loop_work {
	void (*work)(struct ffs_loop_work *w);
	struct ffs_loop_call done;
	struct ffs_job job; /* the loop's, as the rest */
	struct ffs_loop *loop;
};

enum {
	FFS_LOOP_SCRATCH = 65536, /* bytes of ffs_loop_scratch() */
	FFS_LOOP_TICK_MS = 250,
};

/* NULL with errno. */
struct ffs_loop *ffs_loop_new(void);
/* Waits for work that runs, and calls what was posted: whoever has work there is still there, or
 * has seen to that. */
void ffs_loop_free(struct ffs_loop *l);

/* Enter s->fd; level: told of EPOLLIN as long as there is something (listeners), not once.  0 or
 * -errno. */
int ffs_loop_add(struct ffs_loop *l, struct ffs_loop_fd *s, bool level);
/* Take it out; the caller closes it then, and may free s: what had come for it is forgotten. */
void ffs_loop_remove(struct ffs_loop *l, struct ffs_loop_fd *s);

/* Call c after the events at hand; where it waits already nothing is done.  And no longer. */
void ffs_loop_soon(struct ffs_loop *l, struct ffs_loop_call *c);
void ffs_loop_cancel(struct ffs_loop *l, struct ffs_loop_call *c);

/* The same from any thread. */
void ffs_loop_post(struct ffs_loop *l, struct ffs_loop_call *c);
void ffs_loop_work(struct ffs_loop *l, struct ffs_loop_work *w);

/* CLOCK_MONOTONIC in ms when the events at hand came. */
int64_t ffs_loop_now(const struct ffs_loop *l);

/* Room that is anybody's until he returns to the loop: what is to stay is copied. */
char *ffs_loop_scratch(struct ffs_loop *l);

/* Wait for events and serve them, once; at most FFS_LOOP_TICK_MS.  0 or -errno. */
int ffs_loop_turn(struct ffs_loop *l);

#endif
