#ifndef FFS_PINS_H
#define FFS_PINS_H

#include <stdbool.h>

#include "bpf/watch.h"

/*
 * The directory of the pins: the maps by their names in bpf/maps.bpf.h, and directories, since a
 * bpffs holds nothing else: of links and programs, two to lock, and one that remembers which clsact
 * qdiscs we made.
 */
#define FFS_PINS_LINKS "links"       /* of programs that stay by themselves */
#define FFS_PINS_PROGRAMS "programs" /* all, root's */
#define FFS_PINS_LOADER "loader" /* flock: one loader; root's, so that nobody else can hold it */
#define FFS_PINS_CONSUMER "consumer" /* flock: one reader of the ring; the invoking user's */
#define FFS_PINS_CLSACT "clsact"     /* a directory for each qdisc of ours, named by ifindex */

/* DIR/NAME (dir NULL: ffs_maps_dir()).  NULL with errno; free it. */
char *ffs_pins_path(const char *dir, const char *name);

/* Open a pinned map (read only where write is false).  The descriptor or -errno. */
int ffs_pins_map(const char *dir, const char *name, bool write);

/* Does somebody still serve the pins whose meta says this: a loader that lives, or pinned programs.
 */
bool ffs_pins_served(const char *dir, const struct ffs_meta *m);

#endif
