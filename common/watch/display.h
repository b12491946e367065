#ifndef FFS_DISPLAY_H
#define FFS_DISPLAY_H

#include <stdbool.h>
#include <stdio.h>

#include "common/watch/session.h"

/* What ffs-hotmon prints, to f: lines for a terminal, or JSON. */

/* All objects, the most read first; then the programs (stats; NULL: not), then counters (with
 * json).  Losses are noted. 0 or -errno. */
int ffs_display_table(
    struct ffs_session *s, FILE *f, bool json, const struct ffs_load_stats *stats);

/* What becomes hot, until *stop: what ffs_session_wait() said; then, with stats, the programs.  0
 * or -errno. */
int ffs_display_hot(struct ffs_session *s, FILE *f, bool json, bool stats, int *stop);

#endif
