#ifndef FFS_AWSCHUNKED_H
#define FFS_AWSCHUNKED_H

#include <stddef.h>
#include <stdint.h>

#include "common/s3/sigv4.h"

/*
 * Decoder of the aws-chunked content coding, in which today's clients send
 * every upload: sizes, optionally a signature a chunk, and checksums behind the
 * last one.
 * https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-streaming-trailers.html
 */
struct ffs_awschunked;

struct ffs_awschunked_opts {
	uint64_t length; /* of the decoded body, from x-amz-decoded-content-length */
	/* The one field that its trailer may have, from x-amz-trailer; NULL: none. */
	const char *trailer;
	/* Chunks are signed: the claim of the request and its signing key; NULL: they are not. */
	const struct ffs_sigv4_claim *claim;
	const unsigned char *key;
};

/* What is needed of o is copied.  NULL with errno. */
struct ffs_awschunked *ffs_awschunked_new(const struct ffs_awschunked_opts *o);
void ffs_awschunked_free(struct ffs_awschunked *c);

/*
 * Decode n more bytes; data() gets what was inside.  Returns 0; -EPROTO for
 * malformed framing or more bytes than announced; -ENOMSG for a trailer other than the
 * announced one; -EACCES for a wrong signature; data()'s value where it is not 0; -errno.
 * After an error it is of no more use.
 */
int ffs_awschunked_feed(struct ffs_awschunked *c, const void *p, size_t n,
    int (*data)(void *arg, const void *p, size_t n), void *arg);

/* After the last byte: 0, or -EPROTO where something is missing. */
int ffs_awschunked_end(const struct ffs_awschunked *c);

/* The value of the trailer's field; NULL where it has not come. */
const char *ffs_awschunked_trailer(const struct ffs_awschunked *c);

#endif
