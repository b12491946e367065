#ifndef FFS_ATTR_H
#define FFS_ATTR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/cache/cache.h"

/*
 * What an entry says of itself: one extended attribute, user.ffs.object, so that a hit reads it by
 * one call and a fill writes it by one (each costs a transaction of the file system).  Text, for
 * getfattr(1):
 *
 *	size=1203411 crc32c=8f3a2b1c filled=1763722800 decoded=0 etag=d41d8cd98f00b204
 *	endpoint=http://127.0.0.1:9000 bucket=ffs key=lobster/1/00000.csv
 *
 * on one line, exactly in this order, the key to the end of it.
 */
#define FFS_ATTR_OBJECT "user.ffs.object"
/* Boot id and the file's mtime at which all of it was read and found right. */
#define FFS_ATTR_VERIFIED "user.ffs.verified"
/* time(2) of the store's word that the ETag is the current one, where later than filled. */
#define FFS_ATTR_VALIDATED "user.ffs.validated"

enum {
	FFS_ATTR_KEY_MAX = 1024,
	FFS_ATTR_MAX = 2048, /* bytes of the text */
	FFS_ETAG_MAX = 127,
	FFS_ENDPOINT_MAX = 512,
	FFS_BUCKETNAME_MAX = 255,
};

struct ffs_attr {
	uint64_t size;
	uint32_t crc32c;
	int64_t filled;
	bool decoded;
	char etag[FFS_ETAG_MAX + 1];
	char endpoint[FFS_ENDPOINT_MAX + 1];
	char bucket[FFS_BUCKETNAME_MAX + 1];
	char key[FFS_ATTR_KEY_MAX + 1];
};

/* Can this be an entry's name: -EINVAL where a part is empty, too long, or has spaces or control
 * bytes where none may be. */
int ffs_attr_name_ok(const struct ffs_cache_name *n);
int ffs_attr_etag_ok(const char *etag);

/* The text of a; its length, or -EINVAL. */
int ffs_attr_format(const struct ffs_attr *a, char out[FFS_ATTR_MAX]);

/* Back: 0, or -EBADMSG for anything that ffs_attr_format() does not write. */
int ffs_attr_parse(const char *p, size_t n, struct ffs_attr *a);

bool ffs_attr_is(const struct ffs_attr *a, const struct ffs_cache_name *n);

/* Read and parse that of an open file.  0; -EBADMSG; -ENOENT without; -errno. */
int ffs_attr_read(int fd, struct ffs_attr *a);

#endif
