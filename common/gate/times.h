#ifndef FFS_TIMES_H
#define FFS_TIMES_H

#include <stdint.h>

/* How long the gateway waits, in ms, before it gives somebody up. */
struct ffs_times {
	int64_t head;    /* from a request's first byte to the end of its head */
	int64_t idle;    /* a client's connection between requests */
	int64_t stall;   /* nothing moves, in either direction */
	int64_t connect; /* to an origin, TLS included */
	int64_t answer;  /* an origin's, from the end of the request to the head */
	int64_t keep;    /* an idle connection to an origin */
	int64_t fresh;   /* of it: what must not be repeated goes by one used so lately */
	int64_t linger;  /* of a client that still sends what nobody wants */
	int64_t stop;    /* requests that run, when told to end */
};

#define FFS_TIMES_INIT                                                                             \
	{                                                                                          \
		.head = 30000, .idle = 75000, .stall = 60000, .connect = 5000, .answer = 300000,   \
		.keep = 30000, .fresh = 2000, .linger = 5000, .stop = 10000                        \
	}

/* Change some by a text as $FFS_GATE_TIMES has it: "head=1s,stall=500ms".  0; -EINVAL. */
int ffs_times_parse(struct ffs_times *t, const char *text);

#endif
