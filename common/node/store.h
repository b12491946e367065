#ifndef FFS_STORE_H
#define FFS_STORE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <time.h>

#include "common/node/blob.h"
#include "common/node/objmeta.h"

/*
 * Buckets and objects as plain files: DIR/BUCKET/KEY (common/node/keypath.h).  An
 * object appears complete or not at all, and a call that returns 0 has made its
 * change durable.  All calls are safe from several threads.
 *
 * Errors of all of them: -ENODEV no such bucket, -ENOENT no such key, -ENAMETOOLONG and
 * -EINVAL from ffs_keypath_encode(), -ENOSPC, -EIO and the like from the file system.
 */
struct ffs_store;

/*
 * Open a directory, which is made where it is missing, for this process alone.  sync false leaves
 * durability to the kernel: for tests.  Temporaries of a process that was killed are
 * removed.  Returns 0; -EBUSY where another process has it; -EOPNOTSUPP where
 * its file system has no user extended attributes; -ENOSYS where the kernel has no
 * openat2(2) (before Linux 5.6); -errno.
 */
int ffs_store_open(struct ffs_store **s, const char *dir, bool sync);
void ffs_store_close(struct ffs_store *s);

/* --- buckets --- */

/* 0, or -EEXIST, -EINVAL for a bad name. */
int ffs_store_bucket_make(struct ffs_store *s, const char *bucket);

/* 0, or -ENOTEMPTY. */
int ffs_store_bucket_remove(struct ffs_store *s, const char *bucket);

/* 0 and when it was made (made may be NULL), or -ENODEV. */
int ffs_store_bucket_stat(struct ffs_store *s, const char *bucket, time_t *made);

/* --- reading --- */

struct ffs_object {
	int fd; /* open for reading; the caller closes it, or -1 */
	uint64_t size;
	time_t mtime;
	char etag[80]; /* without quotes */
	struct ffs_objmeta meta;
};

/* Open the current version of an object.  o->fd is -1 on error. */
int ffs_store_get(struct ffs_store *s, const char *bucket, const char *key, struct ffs_object *o);

/* --- writing --- */

/*
 * A new, empty blob for an object of about so many bytes: -ENOSPC where they
 * cannot fit, so that a client hears so before it has sent them.
 */
int ffs_store_blob(struct ffs_store *s, struct ffs_blob *b, uint64_t bytes);

/* Condition of a write, evaluated in one step with it. */
struct ffs_store_cond {
	bool if_absent;       /* If-None-Match: * */
	const char *if_match; /* If-Match, a list of ETags, or NULL */
};

/*
 * Give a blob its key.  The size and time of the file are added to meta.  Whether
 * it worked or not, the blob is gone after it.  0; -ESTALE where the condition
 * does not hold (-ENOENT for If-Match without an object); -E2BIG for metadata
 * that the file system cannot hold.  cond may be NULL.
 */
int ffs_store_put(struct ffs_store *s, const char *bucket, const char *key, struct ffs_blob *b,
    struct ffs_objmeta *meta, const struct ffs_store_cond *cond);

/*
 * Remove an object and the directories that it leaves empty.  -ENOENT where there
 * is none.  With pending (start with -1) the directory is left to be synced later:
 * by the next call for another directory, or by ffs_store_settle().
 */
int ffs_store_delete(struct ffs_store *s, const char *bucket, const char *key,
    const struct ffs_store_cond *cond, int *pending);
int ffs_store_settle(struct ffs_store *s, int *pending);

/* --- for common/node/listing.c and common/node/multipart.c --- */

/* A directory below DIR, opened without following links; path "" is DIR.  fd or -errno. */
int ffs_store_opendir(struct ffs_store *s, const char *path);

/* The open file fd as an object, which closes it: size, times, metadata, ETag.  Closed on error. */
int ffs_store_take(int fd, struct ffs_object *o);

/* Give a blob a name in directory dirfd, with meta; the blob is gone after it.  Durable. */
int ffs_store_place(
    struct ffs_store *s, struct ffs_blob *b, struct ffs_objmeta *meta, int dirfd, const char *name);

/* Remove a directory below DIR that holds files only, in one step as others see it. */
int ffs_store_drop(struct ffs_store *s, const char *path);

/* fsync of a file or directory, unless the store was opened without. */
int ffs_store_sync(struct ffs_store *s, int fd);

#define FFS_STORE_TMP ".ffs.tmp" /* emptied at start, two levels deep */
#define FFS_STORE_UPLOADS ".ffs.uploads"

#endif
