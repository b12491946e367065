#ifndef FFS_FRAME_H
#define FFS_FRAME_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/gate/head.h"

/*
 * Where a message's body ends, while it passes by unchanged.  Chunked ones are read as strictly as
 * heads (RFC 9112, 7.1): no bare LF, no blanks, bounded extensions and trailers.
 */
struct ffs_frame {
	enum ffs_head_body body;
	uint64_t left; /* of it, or of the chunk */
	bool done;     /* never of FFS_HEAD_CLOSE: the end of the connection is its end */
	/* frame.c's */
	unsigned state, digits, line, trailers;
};

enum {
	FFS_FRAME_LINE = 4096,      /* of a chunk's size with its extensions */
	FFS_FRAME_TRAILERS = 16384, /* all of them */
};

void ffs_frame_init(struct ffs_frame *f, const struct ffs_head *h);

/* The next n bytes that came: *used of them are the body's.  0, or -EBADMSG. */
int ffs_frame_feed(struct ffs_frame *f, const char *p, size_t n, size_t *used);

#endif
