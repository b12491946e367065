#ifndef FFS_POOL_H
#define FFS_POOL_H

#include <stdbool.h>
#include <stddef.h>

/*
 * Buffers for chunks, used again and again by several threads: fresh memory
 * costs a page fault for every 4 KB.
 *
 * Not common/get/block.h: the thread that reads the input has to wait here for what the
 * workers and the sender give back, and a buffer has one owner; there, one thread may not wait
 * but asks whether there is room, and counts who still holds a block.  One that did both would
 * lock what needs no lock, and count what needs no count.
 */
struct ffs_pool;

/* limit: bytes that may be in use at once.  NULL with errno. */
struct ffs_pool *ffs_pool_new(size_t limit);

/* All buffers must be back. */
void ffs_pool_free(struct ffs_pool *p);

/*
 * Memory for n bytes; *cap is how many there are.  With wait set it waits
 * for its share of the limit, or to be the only one; without, it exceeds the limit.  NULL
 * with errno: ENOMEM, or ECANCELED after ffs_pool_stop().
 */
unsigned char *ffs_pool_get(struct ffs_pool *p, size_t n, size_t *cap, bool wait);

/* Give back what ffs_pool_get() gave; NULL is fine. */
void ffs_pool_put(struct ffs_pool *p, unsigned char *buf, size_t cap);

/* Ends all waiting, now and later. */
void ffs_pool_stop(struct ffs_pool *p);

#endif
