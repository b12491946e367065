#ifndef FFS_PATH_H
#define FFS_PATH_H

#include <stdbool.h>
#include <stddef.h>

#include "common/gate/head.h"

/* Where a request's bucket and key are: in its path, or the bucket in its host. */

/* A Host field without the port and a dot at the end; is that an IP address? */
struct ffs_span ffs_path_host(const struct ffs_span *field);
bool ffs_path_is_address(const struct ffs_span *host);

/* A path, decoded, without its first slash.  NULL; *rc -EINVAL: it cannot be a name in the cache;
 * -ENOMEM. */
char *ffs_path_decode(const struct ffs_span *path, int *rc);

/* The same as who tidies up reads it: without empty and "." segments, ".." taking away the one
 * before.  NULL: no memory. */
char *ffs_path_tidy(const char *text);

/*
 * Bucket, and key where there is one (else NULL), of a decoded path; n > 0: the bucket is the first
 * n bytes of a host.  0; -EINVAL: no names in the cache; -ENOMEM.  The caller frees them.
 */
int ffs_path_names(const char *text, const char *host, size_t n, char **bucket, char **key);

#endif
