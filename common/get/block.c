#include "common/get/block.h"

#include <errno.h>
#include <stdlib.h>

enum {
	SMALLEST = 64 * 1024,
};

/* A quarter of a power of two: neighbours in size share blocks, at a cost below a quarter. */
static size_t
round_up(size_t n)
{
	size_t step = SMALLEST / 4;

	if (n <= SMALLEST)
		return SMALLEST;
	while (step * 8 < n)
		step *= 2;
	return (n + step - 1) / step * step;
}

bool
ffs_blocks_fit(const struct ffs_blocks *b, size_t n)
{
	return b->used + round_up(n) <= b->max;
}

static void
drop(struct ffs_blocks *b, struct ffs_block **at)
{
	struct ffs_block *block = *at;

	*at = block->next;
	b->spare -= block->cap;
	free(block->p);
	free(block);
}

struct ffs_block *
ffs_blocks_take(struct ffs_blocks *b, size_t n)
{
	struct ffs_block **at, *block;

	n = round_up(n);
	/* The last one given back is the warmest. */
	for (at = &b->free; (block = *at); at = &block->next)
		if (block->cap == n) {
			*at = block->next;
			b->spare -= block->cap;
			goto out;
		}
	while (b->free && b->used + b->spare + n > b->max)
		drop(b, &b->free);
	block = calloc(1, sizeof(*block));
	if (!block)
		return NULL;
	block->p = malloc(n);
	if (!block->p) {
		free(block);
		errno = ENOMEM;
		return NULL;
	}
	block->cap = n;
out:
	block->next = NULL;
	block->refs = 1;
	block->len = 0;
	b->used += block->cap;
	return block;
}

void
ffs_blocks_put(struct ffs_blocks *b, struct ffs_block *block)
{
	if (!block || --block->refs)
		return;
	b->used -= block->cap;
	b->spare += block->cap;
	block->next = b->free;
	b->free = block;
	if (b->used + b->spare > b->max)
		drop(b, &b->free);
}

void
ffs_blocks_release(struct ffs_blocks *b)
{
	while (b->free)
		drop(b, &b->free);
}
