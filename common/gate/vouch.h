#ifndef FFS_VOUCH_H
#define FFS_VOUCH_H

#include <time.h>

#include "common/gate/head.h"
#include "common/s3/config.h"

/*
 * Does a request prove that its sender has a key that the gateway's own user has: SigV4 in header
 * or query, verified here, inside its limits of time.  Signing keys are kept for their day.
 */
struct ffs_vouch;

/* ep: whose credentials count; borrowed.  NULL with errno. */
struct ffs_vouch *ffs_vouch_new(const struct ffs_endpoint *ep);
void ffs_vouch_free(struct ffs_vouch *v);

/* 0: proven.  -ENOENT: unsigned; -ENOKEY: another's key; -EACCES, -ETIME, -EKEYEXPIRED, -EINVAL as
 * ffs_sigv4_verify(). */
int ffs_vouch_check(struct ffs_vouch *v, const struct ffs_head *h, time_t now);

#endif
