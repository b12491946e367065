#ifndef FFS_BLOB_H
#define FFS_BLOB_H

#include <stddef.h>
#include <stdint.h>

/*
 * Bytes on their way into a store: a temporary file without a place yet.  They go to the file in
 * aligned blocks, so that the page cache keeps it in large folios: sending 1.2 MB from those takes
 * two thirds of the time that it takes from what 20 KB pieces leave behind.
 */
#define FFS_BLOB_BLOCK (128 * 1024)

struct ffs_blob {
	int fd;    /* -1: none */
	int dirfd; /* where its name is; the store's */
	char name[40];
	uint64_t len;
	char *pending; /* of len, the bytes that are not in the file yet; NULL: none ever were */
	size_t npending;
};

/* A blob that is none, to be passed to ffs_blob_discard() without harm. */
#define FFS_BLOB_INIT                                                                              \
	{                                                                                          \
		.fd = -1                                                                           \
	}

/* Make it under a new name.  All return 0 or -errno. */
int ffs_blob_open(struct ffs_blob *b, int dirfd, const char *name);
int ffs_blob_write(struct ffs_blob *b, const void *p, size_t n);

/* What was written is in the file from then on. */
int ffs_blob_flush(struct ffs_blob *b);

/* Append n bytes of another file from off on, by reflink or copy in the kernel where it can. */
int ffs_blob_copy(struct ffs_blob *b, int fd, uint64_t off, uint64_t n);

/* It was renamed to its place: ffs_blob_discard() only closes it from now on. */
void ffs_blob_placed(struct ffs_blob *b);

/* Close, and remove it from where it was made. */
void ffs_blob_discard(struct ffs_blob *b);

#endif
