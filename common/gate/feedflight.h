#ifndef FFS_FEEDFLIGHT_H
#define FFS_FEEDFLIGHT_H

#include "common/gate/flight.h"
#include "common/gate/origin.h"

/*
 * An origin's answer, from behind its head on, becomes a flight's: its receiver from now on, until
 * the answer ends or nobody reads the flight any more, whatever becomes of the client who asked.
 * 0, or -ENOMEM: nothing was done.
 */
int ffs_feed(struct ffs_origin *o, struct ffs_flight *f);

#endif
