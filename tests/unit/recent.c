/* Recently read objects: row positions are right, wrong bytes are seen, memory is bounded. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/get/recent.h"
#include "tests/unit/check.h"

/* rows rows of random lengths behind a header of 4 bytes; where they start goes to starts. */
static struct ffs_block *
make(struct ffs_blocks *b, size_t rows, size_t *starts)
{
	struct ffs_block *block = ffs_blocks_take(b, rows * 700 + 4);
	size_t i, n;

	if (!block)
		exit(1);
	memcpy(block->p, "a,b\n", 4);
	block->len = 4;
	for (i = 0; i < rows; i++) {
		starts[i] = block->len;
		n = 6 + (size_t)random() % 600;
		memset(block->p + block->len, 'x', n);
		memcpy(block->p + block->len, "\"1\n\",", 5);
		block->p[block->len + n - 1] = '\n';
		block->len += n;
	}
	starts[rows] = block->len;
	return block;
}

static void
test_rows(void)
{
	struct ffs_blocks b = { .max = 1 << 20 };
	struct ffs_recent *r = ffs_recent_new(&b, 1 << 20);
	struct ffs_recent_entry *e = r ? ffs_recent_get(r, "b", "k", "e") : NULL;
	size_t starts[501], run, runs, first, last, len, at;
	struct ffs_block *block = make(&b, 500, starts);
	int i;

	if (!e || ffs_recent_fill(r, e, block, 4, ','))
		exit(1);
	CHECK(e->nrows > 5 && e->nrows < 500, "the number of runs is odd");
	CHECK(e->rows[e->nrows].row == 500 && e->rows[e->nrows].off == block->len,
	    "the end is not the end");
	for (i = 0; i < 2000; i++) {
		first = (size_t)random() % 500;
		last = first + (size_t)random() % (500 - first);
		if (!ffs_recent_find(e, first, last, &run, &runs)) {
			CHECK(false, "rows are not found");
			break;
		}
		CHECK(e->rows[run].row <= first && e->rows[run].off == starts[e->rows[run].row] &&
			  e->rows[runs].row > last &&
			  e->rows[runs].off == starts[e->rows[runs].row],
		    "runs are not where rows are");
		len = e->rows[runs].off - e->rows[run].off;
		CHECK(len <= starts[last + 1] - starts[first] + 2 * (8192 + 700),
		    "runs are too long");
		CHECK(ffs_recent_check(e, run, runs, block->p + e->rows[run].off, len),
		    "right bytes are refused");
		CHECK(!ffs_recent_check(e, run, runs, block->p + e->rows[run].off, len - 1),
		    "a short answer is taken");
		at = e->rows[run].off + (size_t)random() % len;
		block->p[at] ^= 1;
		CHECK(!ffs_recent_check(e, run, runs, block->p + e->rows[run].off, len),
		    "a wrong bit is taken");
		block->p[at] ^= 1;
	}
	CHECK(!ffs_recent_find(e, 0, 500, &run, &runs), "a row that is not there is found");
	CHECK(!ffs_recent_find(e, 3, 2, &run, &runs), "no rows are found");
	CHECK(ffs_recent_get(r, "b", "k", "e") == e, "an entry is forgotten");
	CHECK(ffs_recent_get(r, "b", "k", "f") != e, "another ETag is the same object");
	CHECK(ffs_recent_get(r, "c", "k", "e") != e, "another bucket is the same object");
	ffs_blocks_put(&b, block);
	ffs_recent_free(r);
	ffs_blocks_release(&b);
	CHECK(!b.used && !b.spare, "blocks are lost");
}

/* Bytes go when there is no room, the oldest first, but not what is in use. */
static void
test_room(void)
{
	enum { N = 10, SIZE = 128 * 1024 };
	struct ffs_blocks b = { .max = 8 * SIZE };
	struct ffs_recent *r = ffs_recent_new(&b, 4 * SIZE);
	struct ffs_recent_entry *e[N];
	struct ffs_block *block;
	char key[16];
	int i;

	for (i = 0; r && i < N; i++) {
		snprintf(key, sizeof(key), "k%d", i);
		e[i] = ffs_recent_get(r, "b", key, "e");
		block = ffs_blocks_take(&b, SIZE);
		if (!e[i] || !block)
			exit(1);
		memset(block->p, 'x', SIZE);
		block->len = SIZE;
		e[i]->users = i == 1;
		if (ffs_recent_fill(r, e[i], block, 0, ','))
			exit(1);
		ffs_blocks_put(&b, block);
	}
	CHECK(e[1]->block && e[9]->block && e[8]->block && e[7]->block, "the newest are gone");
	CHECK(!e[0]->block && !e[2]->block && !e[6]->block, "the oldest are there");
	CHECK(b.used == 4 * SIZE, "more is held than may be");
	ffs_recent_make_room(r, 6 * SIZE);
	CHECK(ffs_blocks_fit(&b, 6 * SIZE) && e[1]->block && !e[7]->block, "no room was made");
	e[1]->users = 0;
	CHECK(ffs_recent_get(r, "b", "k0", "e") == e[0] && e[0]->nrows, "rows are forgotten");
	ffs_recent_free(r);
	ffs_blocks_release(&b);
	CHECK(!b.used && !b.spare, "blocks are lost");
}

int
main(void)
{
	srandom(3);
	test_rows();
	test_room();
	return failed;
}
