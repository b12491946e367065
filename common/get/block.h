#ifndef FFS_BLOCK_H
#define FFS_BLOCK_H

#include <stdbool.h>
#include <stddef.h>

/*
 * Buffers of a bounded total.  Freed ones are kept for the next taker: a fresh
 * buffer costs a page fault every 4 KiB, more than checking what is put into it.
 *
 * For one thread, which never waits: why common/load/pool.h is another kind is said there.
 */
struct ffs_block {
	struct ffs_block *next; /* among the free ones */
	unsigned refs;
	size_t cap, len;
	char *p;
};

struct ffs_blocks {
	size_t max;  /* of used + spare */
	size_t used; /* bytes of those taken */
	size_t spare;
	struct ffs_block *free;
};

/* Would a block of n bytes fit below max. */
bool ffs_blocks_fit(const struct ffs_blocks *b, size_t n);

/*
 * A block with room for n bytes, refs 1, len 0; beyond max too: who may ask
 * is the caller's to decide.  NULL with errno.
 */
struct ffs_block *ffs_blocks_take(struct ffs_blocks *b, size_t n);

/* Drops one count; the last gives the block back.  NULL is fine. */
void ffs_blocks_put(struct ffs_blocks *b, struct ffs_block *block);

void ffs_blocks_release(struct ffs_blocks *b);

#endif
