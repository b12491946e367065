#ifndef FFS_FLIGHTIMPL_H
#define FFS_FLIGHTIMPL_H

#include <pthread.h>

#include "common/base/jobs.h"
#include "common/gate/flight.h"

/*
 * What the sources of flights share: flight.c is who flies, who reads and who waits; flightfile.c
 * the bytes, in the file and in memory; hangar.c what the other thread does.
 */

enum ffs_hangar_work {
	FFS_HANGAR_OPEN,   /* ffs_cache_fill_begin() */
	FFS_HANGAR_COMMIT, /* what it is goes with it */
	FFS_HANGAR_ABORT,
	FFS_HANGAR_DROP, /* the entry that was put in place */
};

struct ffs_flight {
	struct ffs_flights *fs;
	struct ffs_flight *next, **prev; /* among those that can be found; prev NULL: not one */
	struct ffs_cache_name name;      /* behind the struct */
	struct ffs_flight_who who;
	struct ffs_flight_source *source;
	unsigned held; /* by callers up the stack */

	/* Readers: those that have something to do, that wait for more, and that are being woken.
	 */
	struct ffs_flight_reader *active, *waiting, *due, *leader;

	/* Who asks the origin for those like him; how many have, and which last got a 304. */
	struct ffs_flight_reader *asker;
	uint64_t asked, told, led; /* led: the leader, 0: before anybody could join */

	bool answered; /* there is an answer, perhaps none to keep */
	bool begun;    /* its head is known: */
	bool flies;    /* the cache has said yes, or no (alone) */
	bool alone;    /* from the beginning, it is only the leader's */
	bool ended;    /* all bytes are there */
	bool lost;     /* or never will be */
	bool spoiled;  /* another version is being written */
	bool paused;   /* the source waits for room */
	struct ffs_cache_fill_opts opts;
	char etag[128];
	struct ffs_kept kept;
	int64_t since;

	/* Bytes [0, filed) are in the file, [start, start + len) in memory. */
	struct ffs_cache_fill *fill; /* NULL: not kept, or not yet */
	bool unkept;                 /* it will not be */
	int fd;                      /* to read the file by, -1 without */
	uint64_t filed, start;
	char *window;
	size_t cap, off, len;

	/* The other thread has it: hands off what is below, and off fd. */
	bool busy;
	struct ffs_job job;
	enum ffs_hangar_work work;
	struct ffs_cache_fill *worked;
	int rc;
	struct ffs_flight *landed;
};

enum { FFS_FLIGHT_CHAINS = 256 };

struct ffs_flights {
	struct ffs_jobs *jobs;
	struct ffs_cache *cache; /* the other thread's handle, */
	unsigned fills;          /* in which it has so many open */
	struct ffs_count *count, own;
	void (*ready)(void *arg);
	void *arg;
	pthread_mutex_t lock;
	struct ffs_flight *landed, **last; /* what the other thread has done */
	struct ffs_flight *chains[FFS_FLIGHT_CHAINS];
};

/* --- flight.c --- */

/* Others cannot find it any more. */
void ffs_flight_unlist(struct ffs_flight *f);
/* He is woken when there is more.  -ENODATA. */
int ffs_flight_wait(struct ffs_flight_reader *r);
/* All is there: put it in its place. */
void ffs_flight_commit(struct ffs_flight *f);
/* There is more to read, or (all) another state. */
void ffs_flight_wake(struct ffs_flight *f, bool all);
/* Freed, if nobody has to do with it any more. */
void ffs_flight_settle(struct ffs_flight *f);

/* --- flightfile.c --- */

/* What is in memory goes to the file, if there is one. */
void ffs_flight_flush(struct ffs_flight *f);
/* It will not be kept. */
void ffs_flight_unkeep(struct ffs_flight *f);
/* Forget what all have read; the source goes on where there is room. */
void ffs_flight_advance(struct ffs_flight *f);

/* --- hangar.c --- */

void ffs_hangar_add(struct ffs_flight *f, enum ffs_hangar_work work);

#endif
