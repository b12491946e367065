#ifndef FFS_SESSION_H
#define FFS_SESSION_H

#include <stdbool.h>
#include <sys/types.h>

#include "common/s3/nodes.h"
#include "common/watch/addresses.h"
#include "common/watch/load.h"
#include "common/watch/loadopt.h"
#include "common/watch/maps.h"

/*
 * The half of ffs-hotmon that talks to the user, or all of one that only looks: the configuration,
 * the maps, and the line to root's half.
 */
struct ffs_session {
	int fd;            /* to root's half; -1: another process has loaded the programs */
	char *watched;     /* ports, and where each came from; NULL where another has loaded */
	char *not_watched; /* endpoints with TLS; "" none */
	char *interfaces;  /* NULL where another has loaded */
	struct ffs_nodes nodes;
	struct ffs_addresses addresses;
	struct ffs_maps maps;
	struct ffs_load_targets *redirected; /* by names, to be looked up again; or NULL */
	int64_t again_ms;                    /* when */
	pid_t looker;                        /* the process that does, 0: none */
	/* A line for the user; detail: one that matters to few. */
	void (*note)(void *arg, bool detail, const char *text);
	void *arg;
};

/* All of these: 0 or -errno, with *why (free it; may be NULL) a line for the user. */

/* Become the invoking user for ever, and read the configuration.  Sets fd: note and arg are the
 * caller's to set before. */
int ffs_session_begin(struct ffs_session *s, int fd, char **why);
/* Tell root's half what to watch and whom to redirect, and wait until it is attached. */
int ffs_session_load(struct ffs_session *s, const struct ffs_loadopt *o, char **why);
/* Open the maps, and look up the endpoints' addresses. */
int ffs_session_open(struct ffs_session *s, char **why);
void ffs_session_release(struct ffs_session *s);

/*
 * Wait so many milliseconds, listening to root's half.  0; the signal that this process, or root's
 * half, was told to end by; -EPIPE: whoever has loaded the programs is gone.
 */
int ffs_session_wait(struct ffs_session *s, int ms);

/* What the programs cost, from root's half.  0 or -errno. */
int ffs_session_stats(const struct ffs_session *s, struct ffs_load_stats v[FFS_LOAD_PROGS]);

#endif
