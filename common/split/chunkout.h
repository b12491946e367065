#ifndef FFS_CHUNKOUT_H
#define FFS_CHUNKOUT_H

#include <stddef.h>
#include <sys/uio.h>

/*
 * Where chunks go: a pax tar stream (design.md, "The tar stream"), or files in
 * a directory.  Both carry the same attributes, user.ffs.*.
 *
 * An error must not look like an end.  A tar stream that is freed without
 * ffs_chunkout_finish() gets no end-of-archive marker but a broken block, which
 * readers of tar complain about.  A dataset in a directory is built under a
 * hidden name and appears in one rename, or not at all.
 */
struct ffs_chunkout;

struct ffs_chunkout_attr {
	const char *name; /* without "user.ffs." */
	const char *value;
};

/* A tar stream into fd, which stays the caller's.  NULL with errno. */
struct ffs_chunkout *ffs_chunkout_new_tar(int fd);

/* Files below dir, which is made where it is missing.  NULL with errno. */
struct ffs_chunkout *ffs_chunkout_new_dir(const char *dir);

/* Drops what was not finished, and the directories that were made for it. */
void ffs_chunkout_free(struct ffs_chunkout *o);

/*
 * Begin a dataset, put its chunks in order, end it.  name is a file name
 * ("00042.csv"); the parts are its bytes.  Each returns 0 or -errno; -EEXIST from
 * begin: the directory has such a dataset.
 */
int ffs_chunkout_begin(struct ffs_chunkout *o, const char *dataset);
int ffs_chunkout_put(struct ffs_chunkout *o, const char *name,
    const struct ffs_chunkout_attr *attrs, size_t nattrs, const struct iovec *parts, size_t nparts);
int ffs_chunkout_end(struct ffs_chunkout *o);

/* All datasets are done: the end-of-archive marker.  Returns 0 or -errno. */
int ffs_chunkout_finish(struct ffs_chunkout *o);

#endif
