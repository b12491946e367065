#ifndef FFS_AUTH_H
#define FFS_AUTH_H

#include "common/node/request.h"
#include "common/s3/sigv4.h"

/*
 * Who may ask: Signature Version 4 in headers or query, checked against the
 * store's own key pair.  Safe from several threads.
 */
struct ffs_auth;

/* NULL with errno. */
struct ffs_auth *ffs_auth_new(const char *access_key, const char *secret_key);
void ffs_auth_free(struct ffs_auth *a);

/* Check a request.  On success claim and key are those of its signature. */
enum ffs_fault ffs_auth_check(struct ffs_auth *a, struct ffs_request *q,
    struct ffs_sigv4_claim *claim, unsigned char key[32]);

#endif
