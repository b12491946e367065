#ifndef FFS_OBJMETA_H
#define FFS_OBJMETA_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <time.h>

#include "common/base/digest.h"

/*
 * What is known of an object besides its bytes, as our store keeps it in the
 * extended attribute user.ffs.meta of the object's file: lines of a tag and a
 * value.  One attribute, set before the file gets its name, so that bytes and
 * facts cannot part.
 */

#define FFS_OBJMETA_XATTR "user.ffs.meta"
#define FFS_OBJMETA_MAX 3800      /* ext4 keeps all attributes of a file in one block of 4 KiB */
#define FFS_OBJMETA_USER_MAX 2048 /* S3's limit on x-amz-meta-*: names and values together */

/* Tags that are not headers of the request; the others are in ffs_objmeta_header(). */
#define FFS_OBJMETA_ETAG 'e'
#define FFS_OBJMETA_STAMP 's' /* size and mtime (seconds): tells a file edited by hand */
#define FFS_OBJMETA_USER 'u'  /* "name:value" of x-amz-meta-name */
#define FFS_OBJMETA_SUM '0'   /* '0' + enum ffs_sum: a checksum, base64 */
#define FFS_OBJMETA_SUM_TYPE 'k'

struct ffs_objmeta {
	size_t len;
	char text[FFS_OBJMETA_MAX + 1];
};

void ffs_objmeta_init(struct ffs_objmeta *m);

/* Add a value of n bytes.  Returns 0; -E2BIG where it does not fit, -EINVAL for a line break. */
int ffs_objmeta_add(struct ffs_objmeta *m, char tag, const char *value, size_t n);

/* Replace the value of a tag, or add it. */
int ffs_objmeta_set(struct ffs_objmeta *m, char tag, const char *value);

/*
 * Step through: start with *pos = 0.  False at the end.  The value is not
 * terminated.
 */
bool ffs_objmeta_next(
    const struct ffs_objmeta *m, size_t *pos, char *tag, const char **value, size_t *n);

/* Copy the value of a tag to out, cut to fit.  False, and "", where there is none. */
bool ffs_objmeta_get(const struct ffs_objmeta *m, char tag, char *out, size_t cap);

/* The response header of a tag ("content-type"), or NULL for one that is no plain header. */
const char *ffs_objmeta_header(char tag);

/* The tag of a request header that is kept, in any case, or 0. */
char ffs_objmeta_tag(const char *header);

/* Read it from an open file.  Returns 0; -ENODATA where there is none; -errno. */
int ffs_objmeta_load(struct ffs_objmeta *m, int fd);

/* Write it to an open file.  Returns 0; -E2BIG where the file system cannot hold it; -errno. */
int ffs_objmeta_save(const struct ffs_objmeta *m, int fd);

#endif
