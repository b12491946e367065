#ifndef FFS_DRAFT_H
#define FFS_DRAFT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/base/dtime.h"
#include "common/load/intake.h"
#include "common/dataset/manifest.h"

/* A manifest while its chunks come in. */
struct ffs_draft {
	struct ffs_manifest m;
	size_t cap;
	struct ffs_dtime last; /* time of the last row so far */
	bool open_end;         /* which has no line end: it has to be the very last */
	char error[640];       /* what does not fit, a line for the user */
};

/* Returns 0 or -ENOMEM; release it in any case. */
int ffs_draft_init(struct ffs_draft *d, const char *dataset, uint64_t generation);
void ffs_draft_release(struct ffs_draft *d);

/*
 * Add a chunk, or the message of the chunk before, that goes to this node; its ETag
 * (etags[0]) stays NULL.  Returns 0; -EINVAL where it does not fit those before: columns, header,
 * rows, times; -ENOMEM.
 */
int ffs_draft_add(struct ffs_draft *d, const struct ffs_intake_item *i, const char *node);

/* All chunks are there: do they make one dataset?  Returns 0 or -EINVAL. */
int ffs_draft_end(struct ffs_draft *d);

#endif
