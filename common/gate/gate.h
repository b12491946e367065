#ifndef FFS_GATE_H
#define FFS_GATE_H

#include <signal.h>
#include <stdbool.h>
#include <stdint.h>

#include "common/cache/cache.h"
#include "common/cache/wanted.h"
#include "common/gate/times.h"
#include "common/s3/config.h"
#include "common/s3/nodes.h"

/*
 * The gateway: an S3 endpoint on this machine that answers reads of cached objects from the cache
 * and passes everything else through to the origin, byte for byte (design.md, "The gateway").
 *
 * One thread and its epoll move all bytes (loop.h); what blocks (a large file's check, a fill's
 * end, a look-up of names) runs in ffs_jobs and comes back by the loop's eventfd.  So nothing below
 * needs a lock.  The rooms, from the socket inwards:
 *
 *	head.h    a message's head, taken apart; strict, because two readings of it are an attack
 *	frame.h   where a message's body ends
 *	pass.h    heads as they are passed on; errors of ours
 *	wire.h    a socket, plain or TLS (tls.h), and what it has not taken yet
 *	client.h  a client's connection: requests one after another
 *	origin.h  requests to origins over connections that are used again; site.h: where those are
 *	known.h   which store an address is
 *	ask.h     is this request a read of an object, and of which; written.h: or what else may
 *	          it write; path.h: where names are in a request
 *	turn.h    one request's use of the cache: pass, ask with If-None-Match, serve
 *	flight.h  an object on its way into the cache, read by many while it grows
 *	parts.h   what is read in parts, and is to be fetched whole
 *	vouch.h   does the client's own signature prove who he is
 *	resign.h  requests signed anew, for an origin that wants its own name in them
 *	door.h    what the kernel's redirect knows: the origin meant, who asks, that we live
 *	count.h   what was done; metrics.h says it
 */
struct ffs_gate;

struct ffs_gate_opts {
	const char *listen;                /* ADDR:PORT, NULL: 127.0.0.1:9009 and [::1]:9009 */
	const char *metrics;               /* ADDR:PORT of /metrics and /healthz, NULL: none */
	const struct ffs_endpoint *origin; /* where requests go that were not redirected; its
	                                      credentials are those that clients can prove */
	const struct ffs_nodes *nodes;     /* other stores, which are redirected to us too */
	struct ffs_cache *cache;           /* the gate's own from now on, also where it fails; NULL:
	                                      pass everything */
	bool resign;   /* the origin wants its own name in requests, as AWS always does: those that
	                  are signed with its credentials for ours are signed anew (resign.h) */
	bool keep_all; /* --admit all: keep what misses while it streams */
	bool keep_second; /* without the kernel's events: keep it at its second read */
	const char *const *allow, *const *deny; /* what may be kept: as for ffs_cache_wanted() */
	struct ffs_wanted *wanted;     /* what is read in parts goes there; NULL: nobody fetches */
	uint64_t max_age_ms;           /* 0: the origin is asked each time */
	uint64_t stale_ms;             /* --stale-if-error, 0: never */
	unsigned max_clients;          /* connections, 0: what RLIMIT_NOFILE allows */
	const struct ffs_times *times; /* NULL: as they should be */
	const char *pins;              /* of ffs-hotmon's maps, NULL: ffs_maps_dir() */
	void (*note)(void *arg, bool detail, const char *text); /* a line for the user */
	void *arg;
	const volatile sig_atomic_t *stop;
};

/* Listen.  o is copied, what it points to lives longer.  NULL with errno: EADDRINUSE; EPERM beyond
 * loopback without credentials to check; *why (free it) is a line for the user. */
struct ffs_gate *ffs_gate_new(const struct ffs_gate_opts *o, char **why);
void ffs_gate_free(struct ffs_gate *g);

/* Serve until *stop: then no new connections, and requests that run have 10 s to end.  0 or
 * -errno. */
int ffs_gate_run(struct ffs_gate *g);

/* The same in a thread, and its end.  0 or -errno. */
int ffs_gate_start(struct ffs_gate *g);
int ffs_gate_join(struct ffs_gate *g);

/* Where it is, "http://127.0.0.1:9009". */
const char *ffs_gate_url(const struct ffs_gate *g);
/* And of its metrics; NULL: none. */
const char *ffs_gate_metrics(const struct ffs_gate *g);

#endif
