#ifndef FFS_ANSWER_H
#define FFS_ANSWER_H

#include <stdbool.h>
#include <stdint.h>
#include <time.h>

#include "common/base/buf.h"
#include "common/cache/kept.h"
#include "common/gate/head.h"

/*
 * The head of an answer from the cache: the fields with which the origin gave the object, in its
 * order, with what belongs to this one answer in their places.
 */
struct ffs_answer {
	const struct ffs_kept *kept;
	const struct ffs_head *fresh; /* the origin's 304: Date, request ids and the like are its;
	                                 NULL: made here */
	time_t now;
	uint64_t size;       /* of the object */
	bool part;           /* 206: */
	uint64_t first, len; /* of it; without part: 0 and size */
	bool checksums;      /* the client asked for them */
	unsigned minor;      /* of the client's HTTP/1.minor, and */
	bool keep_alive;     /* whether its connection stays */
};

/* Status line to empty line, into out (ffs_buf_error() tells). */
void ffs_answer_head(struct ffs_buf *out, const struct ffs_answer *a);

/*
 * A Range field's one range, where all stores read it alike: "bytes=A-B", "A-" or "-N" with at
 * least a byte of it in the object.  False for all others, also those that ask for several: the
 * origin says what they mean.
 */
bool ffs_answer_range(const char *text, uint64_t size, uint64_t *first, uint64_t *len);

/*
 * What part of the object a 206 is, by its Content-Range, "bytes A-B/SIZE"; its length is that of
 * its body.  False where it does not say.
 */
struct ffs_answer_part {
	uint64_t first, len, size;
};
bool ffs_answer_part(const struct ffs_head *answer, struct ffs_answer_part *p);

/* Is text one strong tag, "ETAG" in quotes, and this one. */
bool ffs_answer_is_etag(const char *text, size_t n, const char *etag);

/* What is kept of an origin's 200 (k->bad where it cannot be), asked for with checksums or without,
 * or of the 206 of a range that is the whole object: its checksums, if any, may be of a part, and
 * are left out.  And its ETag without quotes ("" where there is no strong one). */
void ffs_answer_keep(struct ffs_kept *k, const struct ffs_head *answer, bool checksums);
void ffs_answer_etag(const struct ffs_head *answer, char etag[128]);

#endif
