#ifndef FFS_VOUCH_H
#define FFS_VOUCH_H

#include <time.h>

#include "common/gate/flight.h"
#include "common/gate/head.h"
#include "common/s3/config.h"

/*
 * Does a request prove that its sender has a key that the gateway's own user has: SigV4 in header
 * or query, verified here, inside its limits of time, over host and every x-amz-* field.  Signing
 * keys are kept for their day and region.
 */
struct ffs_vouch;

/* ep: whose credentials count; copied.  Without any nobody is proven.  NULL with errno. */
struct ffs_vouch *ffs_vouch_new(const struct ffs_endpoint *ep);
void ffs_vouch_free(struct ffs_vouch *v);

/*
 * 0: proven.  -ENOENT: unsigned; -ENOKEY: another's key, or another session; -EACCES, -ETIME,
 * -EKEYEXPIRED, -EINVAL, -EOPNOTSUPP as ffs_sigv4_verify() and ffs_sigv4_claim_parse(); -ENOMEM.
 * check: any request, by its head; what the body has to do with it is the origin's to say.
 * read: one that has no body, and is signed as such.
 */
int ffs_vouch_check(struct ffs_vouch *v, const struct ffs_head *h, time_t now);
int ffs_vouch_read(struct ffs_vouch *v, const struct ffs_head *h, time_t now);

/*
 * The signature that a request bears which is the same but for its host: 64 digits and a NUL.  As
 * check above, for only what is proven is signed; -ENOSYS: its body's chunks are signed too, each
 * over the signature before.
 */
int ffs_vouch_sign(
    struct ffs_vouch *v, const struct ffs_head *h, time_t now, const char *host, char out[65]);

/* Who may read a flight together with him; proven: what ffs_vouch_check() said is 0. */
void ffs_vouch_who(struct ffs_flight_who *who, const struct ffs_head *h, bool proven);

#endif
