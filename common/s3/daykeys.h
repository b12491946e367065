#ifndef FFS_DAYKEYS_H
#define FFS_DAYKEYS_H

#include "common/s3/sigv4.h"

/*
 * The signing keys of one secret for the days and regions that are in use: each takes four HMACs,
 * more than all the rest of checking a request.  Safe from several threads.
 */
struct ffs_daykeys;

/* The secret is copied.  NULL with errno. */
struct ffs_daykeys *ffs_daykeys_new(const char *secret_key);
void ffs_daykeys_free(struct ffs_daykeys *k);

/* That of the claim's day and region, for S3.  0 or -EIO. */
int ffs_daykeys_get(struct ffs_daykeys *k, const struct ffs_sigv4_claim *c, unsigned char key[32]);

#endif
