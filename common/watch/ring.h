#ifndef FFS_RING_H
#define FFS_RING_H

#include <stdint.h>

#include "bpf/watch.h"

/* The ring of HOT and INVALIDATE events, for its one consumer.  It belongs to the invoking user. */
struct ffs_ring;

/*
 * Open the pinned ring below dir (NULL: ffs_maps_dir()) and lock it; what lies in it from before is
 * delivered too, with its time.  NULL with errno: EBUSY another consumer has it; ENOENT, EACCES as
 * ffs_maps_open() says; *why (free it; may be NULL) is a line for the user.
 */
struct ffs_ring *ffs_ring_open(
    const char *dir, void (*event)(void *arg, const struct ffs_event *e), void *arg, char **why);
void ffs_ring_free(struct ffs_ring *r);

/* Readable (POLLIN) when events are there. */
int ffs_ring_fd(const struct ffs_ring *r);

/* Deliver what is there, waiting at most ms (-1: for ever).  Events were copied out and
 * checked: lengths are within bounds.  Returns how many, or -errno. */
int ffs_ring_poll(struct ffs_ring *r, int ms);

#endif
