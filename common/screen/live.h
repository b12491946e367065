#ifndef FFS_LIVE_H
#define FFS_LIVE_H

#include <stdbool.h>

#include "common/watch/session.h"

/* ffs-hotmon --live: what the pinned maps and the cache say, drawn again and again. */

enum ffs_live_mode {
	FFS_LIVE_NONE,
	FFS_LIVE_SCREEN, /* full screen; lines where standard output is no terminal */
	FFS_LIVE_LINE,   /* a line each interval */
};

struct ffs_live_opts {
	enum ffs_live_mode mode;
	unsigned interval_ms; /* 0: 500, and 1000 for lines */
	bool json;            /* lines, as JSON Lines */
	const char *dataset;  /* whose chunks are shown; NULL: all objects */
};

/* Is this what --dataset takes: "NAME", "NAME@GENERATION". */
bool ffs_live_dataset_ok(const char *s);

/*
 * Run until q, a signal (ffs_process_catch()) or the other half ends it; *sig is the signal by
 * which, or 0.  The terminal is left as it was found, whatever ends this process but a kill.
 * Writes to standard output.  Returns 0; -EPIPE when nobody reads that any more; -ESHUTDOWN: the
 * other half is gone; as ffs_maps_open(); -errno; *why (free it) is a line for the user, or NULL.
 */
int ffs_live_run(const struct ffs_session *s, const struct ffs_live_opts *o, int *sig, char **why);

#endif
