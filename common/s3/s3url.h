#ifndef FFS_S3URL_H
#define FFS_S3URL_H

#include <stdbool.h>

/* Does the word start with "s3://". */
bool ffs_s3url_is(const char *s);

/*
 * Split "s3://BUCKET/KEY": the key is everything behind the bucket's '/', as it
 * is, not decoded.  Sets *bucket and *key, the caller's to free.  Returns 0;
 * -EINVAL for anything else, a bucket's name that S3 does not allow, an empty key or one over
 * 1,024 bytes; -ENOMEM.
 */
int ffs_s3url_parse(const char *s, char **bucket, char **key);

#endif
