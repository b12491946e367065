#ifndef FFS_KEPT_H
#define FFS_KEPT_H

#include <stdbool.h>
#include <stddef.h>

#include "common/cache/cache.h"

/*
 * The head with which a store gave an entry's bytes, so that the gateway can give them in the same
 * words: an extended attribute of the entry, text for getfattr(1).
 *
 *	1 checksums=1
 *	Content-Length:
 *	Content-Type: text/csv
 *	ETag: "d41d8cd98f00b204e9800998ecf8427e"
 *	Date:
 *
 * Fields are in the store's order.  Of those that belong to one answer only (Date, request ids, the
 * length) the place is kept, without a value.  What speaks of one connection is left out.
 *
 * Not every head can be kept: one of a part, or of bytes that another request would not get
 * (Set-Cookie, Vary by anything that matters, a weak ETag, a customer's key or one of KMS, whose
 * permission a 304 does not tell).  Then the first line stands alone, and the gateway takes the
 * entry for a miss, as it does with one that has no such attribute.
 */
#define FFS_ATTR_HEAD "user.ffs.head"

enum { FFS_KEPT_MAX = 3072 }; /* bytes of the text; ext4 has a block for all attributes of a file */

struct ffs_kept {
	bool checksums; /* it was asked for with x-amz-checksum-mode: ENABLED */
	bool bad;       /* there is something that cannot be kept */
	size_t len;
	char text[FFS_KEPT_MAX + 1];
};

/* --- made, by whoever has the answer's fields --- */

/* checksums: how it was asked for. */
void ffs_kept_begin(struct ffs_kept *k, bool checksums);
/* The answer's next field; blanks around the value do not count. */
void ffs_kept_add(
    struct ffs_kept *k, const char *name, size_t nname, const char *value, size_t nvalue);
/* Is it one that is worth keeping, of an object with this ETag (without quotes). */
bool ffs_kept_ok(const struct ffs_kept *k, const char *etag);

/* Write it as the attribute of an entry with this ETag; where it is not ok, that there is none.  0
 * or -errno. */
int ffs_kept_write(int fd, const struct ffs_kept *k, const char *etag);

/* --- read --- */

/* That of an open hit.  0; -ENOENT without one; -EBADMSG: nothing that ffs_kept_add() makes, or of
 * another ETag; -errno. */
int ffs_kept_read(const struct ffs_cache_hit *hit, struct ffs_kept *k);

/* Has it been asked for with checksums and all: asking again would bring no better head. */
bool ffs_kept_tried(const struct ffs_cache_hit *hit);

/* The same of a text. */
int ffs_kept_parse(const char *p, size_t n, struct ffs_kept *k);

/* What of a field counts. */
enum ffs_kept_class {
	FFS_KEPT_VALUE, /* kept */
	FFS_KEPT_PLACE, /* its place: each answer has its own */
	FFS_KEPT_GONE,  /* of the connection */
	FFS_KEPT_BAD,   /* the head cannot be kept */
};
enum ffs_kept_class ffs_kept_class(
    const char *name, size_t nname, const char *value, size_t nvalue);

/* Is it a checksum field, which only those get who ask. */
bool ffs_kept_is_checksum(const char *name, size_t nname);

/* A field of it. */
struct ffs_kept_field {
	const char *name, *value;
	size_t nname, nvalue;
};
/* The next one, *at from 0 on.  False: that was all. */
bool ffs_kept_next(const struct ffs_kept *k, size_t *at, struct ffs_kept_field *f);

#endif
