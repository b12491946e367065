#ifndef FFS_S3BODY_H
#define FFS_S3BODY_H

#include "common/node/request.h"
#include "common/s3/sigv4.h"

/*
 * The body of a request on its way in: chunk framing taken off, checksums
 * computed, bytes put where the operation wants them.
 */

/*
 * Before the body.  claim and key are those of the signature, NULL where the
 * request is not signed.  Needs q->op.
 */
enum ffs_fault ffs_s3body_begin(
    struct ffs_request *q, const struct ffs_sigv4_claim *claim, const unsigned char *key);

/* Some bytes, as they came. */
enum ffs_fault ffs_s3body_feed(struct ffs_request *q, const void *p, size_t n);

/*
 * All of it is there: length and every checksum that the client sent, in headers or
 * trailer, must be right.  Afterwards q->digest has the sums.
 */
enum ffs_fault ffs_s3body_finish(struct ffs_request *q);

/* The checksum that the client sent for the body, base64; sets *which.  NULL: none. */
const char *ffs_s3body_checksum(const struct ffs_request *q, enum ffs_sum *which);

#endif
