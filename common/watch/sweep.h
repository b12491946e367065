#ifndef FFS_SWEEP_H
#define FFS_SWEEP_H

#include <stdint.h>

/*
 * The tables of objects and names are no LRU: evicting in batches, as the kernel does, would forget
 * objects while they become hot.  Where more than 7/8 of max are taken, remove those that were read
 * least recently, down to 3/4.  How many were removed, or -errno.
 */
int ffs_sweep(int objects, int names, uint32_t max);

#endif
