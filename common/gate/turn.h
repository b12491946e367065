#ifndef FFS_TURN_H
#define FFS_TURN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <time.h>

#include "common/base/buf.h"
#include "common/cache/cache.h"
#include "common/cache/kept.h"
#include "common/cache/served.h"
#include "common/gate/ask.h"
#include "common/gate/flight.h"
#include "common/gate/parts.h"
#include "common/gate/vouch.h"

/*
 * One request's use of the cache, without any socket: client.c asks what to do, and does it.
 */

struct ffs_turn;

/* What all turns share. */
struct ffs_turns {
	struct ffs_cache *cache; /* NULL: everything passes */
	struct ffs_flights *flights;
	struct ffs_vouch *vouch; /* whose key proves who reads at this endpoint, as names of the */
	const char *vouched;     /* cache call it: at another store it may be worth nothing */
	struct ffs_served *served; /* NULL: nobody counts */
	uint64_t max_age_ms, stale_ms;
	bool keep_all, keep_second;
	const char *const *allow, *const *deny; /* as for ffs_cache_wanted() */
	struct ffs_parts *parts; /* what is read of objects; NULL: nobody fetches them */
	/* Where a flight has more for a turn, or what it waits for: ffs_flight_send() or
	 * ffs_turn_again(). */
	void (*wake)(struct ffs_turn *t);
	void (*note)(void *arg, bool detail, const char *text); /* a line for the user; or NULL */
	void *arg;
	/* turnkeep.c's */
	time_t noted;
	/* When objects were last written through here, by a hash of their keys; and a bucket. */
	time_t wrote[1024], wrote_bucket;
};

enum ffs_turn_way {
	FFS_TURN_PASS,   /* the request goes to the origin with t->add, its answer to the client */
	FFS_TURN_KEEP,   /* at an answer: its head passes, its body goes into t->flight (ffs_feed())
	                    and from there to the client by t->reply */
	FFS_TURN_SERVE,  /* t->reply is the answer; what the origin still sends is of no interest */
	FFS_TURN_WAIT,   /* until wake(), or for FFS_TURN_WAIT_MS: then ffs_turn_again() */
	FFS_TURN_CHECK,  /* read the file first (ffs_turn_check(), in a thread): then
	                    ffs_turn_again() */
	FFS_TURN_REPEAT, /* at an answer, a 304: it is of no use.  The request goes to the origin
	                    once more, as the client sent it */
};

enum { FFS_TURN_WAIT_MS = 5000 };

struct ffs_reply {
	struct ffs_buf head;       /* status line to empty line */
	int fd;                    /* the body, -1 none; the turn closes it */
	uint64_t at, left;         /* of it */
	struct ffs_flight *flight; /* the body comes from there, by ffs_flight_send() of t->reader;
	                              NULL: from fd */
};

struct ffs_turn {
	struct ffs_turns *all;
	struct ffs_ask ask;
	char add[160]; /* fields to add to the request ("If-None-Match: \"...\"\r\n") or "" */
	struct ffs_cache_hit hit; /* what was found; fd -1 none */
	struct ffs_reply reply;
	struct ffs_flight *flight; /* which reader has joined */
	struct ffs_flight_reader reader;
	enum ffs_served_from from;
	bool proven; /* the client's own signature was checked here */
	/* Who asks, for statistics: set after ffs_turn_begin() where it is known. */
	const char *comm; /* the caller's; NULL: unknown */
	uint32_t uid;
	/* turn.c's and turnkeep.c's own */
	struct ffs_flight_who who;
	bool leads;                 /* flight is for this request's answer */
	bool waited;                /* for a flight that was none */
	struct ffs_cache_name name; /* in the cache; key NULL: no object */
	struct ffs_kept *kept;      /* of hit */
	unsigned minor;             /* the request's HTTP/1.minor */
	bool keep_alive;            /* the client's connection stays */
	bool written;               /* a write, which the origin has not refused */
	bool good; /* hit is an answer to this request if it is the current version */
	uint64_t
	    whole;  /* the size of the object of which the origin gives a part, 0: it does not */
	time_t now; /* of begin */
	int checked;
};

/* A request has come.  Returns PASS, SERVE, WAIT or CHECK.  endpoint: the store's in the cache's
 * names, which outlives t; hosts as in ask.h. */
enum ffs_turn_way ffs_turn_begin(struct ffs_turn *t, struct ffs_turns *all,
    const struct ffs_head *request, const char *endpoint, const char *const *hosts, time_t now);

/* The request goes to the origin, now. */
void ffs_turn_sent(struct ffs_turn *t);

/* The head of the origin's (last, not 1xx) answer has come.  A way. */
enum ffs_turn_way ffs_turn_answer(struct ffs_turn *t, const struct ffs_head *answer);

/* The origin cannot be reached, or ended before a head; or a 5xx (status).  SERVE with
 * --stale-if-error, else PASS: what is wrong goes to the client. */
enum ffs_turn_way ffs_turn_failed(struct ffs_turn *t, int status);

/* What was waited for, or checked, is done. */
enum ffs_turn_way ffs_turn_again(struct ffs_turn *t);
void ffs_turn_check(struct ffs_turn *t); /* blocks */

/* The answer is with the client: so many bytes of body, so long after the request; ok: all of it.
 * Notes it, and releases what t holds. */
void ffs_turn_end(struct ffs_turn *t, uint64_t bytes, uint64_t us, bool ok);

#endif
