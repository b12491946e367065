#ifndef FFS_RESIGN_H
#define FFS_RESIGN_H

#include <stdbool.h>
#include <time.h>

#include "common/base/buf.h"
#include "common/gate/head.h"
#include "common/gate/vouch.h"
#include "common/s3/config.h"

/*
 * A client that knows us by our address signs that: Host is part of what is signed.  Most stores
 * take any Host.  For one that answers only to its own name (AWS, a store behind a proxy that goes
 * by names) the request gets that name and the signature that the client himself would have made
 * with it: by the same key, of the same time, region, fields and payload, in the same place, header
 * or query.  Nothing else of it changes.
 *
 * Only what is proven by vouch.h is signed, so nobody is given more than he can have done himself.
 */
struct ffs_resign;

/*
 * For the origin ep, whose credentials v has; v lives longer.  *r: NULL where that takes any name,
 * as all but AWS do where nobody asked, or where there are no credentials for AWS.  0;
 * -EPERM: asked, and there are no credentials, *why (free it) is a line for the user; -ENOMEM.
 */
int ffs_resign_new(struct ffs_resign **r, struct ffs_vouch *v, const struct ffs_endpoint *ep,
    bool asked, char **why);
void ffs_resign_free(struct ffs_resign *r);

/*
 * Append the head, signed anew, to out.  0; -EALREADY: it has the origin's name; -EXDEV: its Host
 * is neither an address nor a name of the store (ask.h), so perhaps a bucket's; what
 * ffs_vouch_sign() says.  But for -ENOSYS and -ENOMEM it can go on as it is, and the origin says
 * what it thinks.
 */
int ffs_resign_head(
    const struct ffs_resign *r, struct ffs_buf *out, const struct ffs_head *h, time_t now);

/* In words, why it was not; NULL: it need not be. */
const char *ffs_resign_why(int rc);

#endif
