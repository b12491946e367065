#ifndef FFS_OUTFILE_H
#define FFS_OUTFILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * A file that appears complete or not at all: it is written under a hidden name
 * beside its target and renamed.  A target that is there and no regular file (a FIFO,
 * /dev/null) is written as it is.
 */
struct ffs_outfile {
	int fd;        /* -1: not open */
	uint64_t size; /* bytes already there: a part that is resumed */
	char *path;    /* the target, symbolic links resolved */
	char *tmp;     /* the hidden name, NULL where the target is written itself */
	char *id;      /* of resumable ones */
};

#define FFS_OUTFILE_INIT                                                                           \
	{                                                                                          \
		.fd = -1                                                                           \
	}

/*
 * Start a file, at *f that is FFS_OUTFILE_INIT.  identity NULL: a fresh file
 * under a random name.  Otherwise it says of which bytes exactly the file will consist (URL and
 * ETag), and the hidden name is made from it: a part that an earlier run left
 * is opened with its size, parts with another identity are removed, and
 * -EBUSY says that another process is writing this one.  Returns 0 or -errno.
 */
int ffs_outfile_open(struct ffs_outfile *f, const char *path, const char *identity);

/*
 * Is the file at path already complete: did ffs_outfile_commit() put it there
 * for this identity, and has it still this size.
 */
bool ffs_outfile_complete(const char *path, const char *identity, uint64_t size);

/*
 * Finish: rename and close; with sync the bytes are on the disk before that, and the name after it.
 * On error the file is abandoned.  0 or -errno.
 */
int ffs_outfile_commit(struct ffs_outfile *f, bool sync);

/* Give up: close; unlink unless keep and it is resumable.  Fine on a file that is not open. */
void ffs_outfile_abandon(struct ffs_outfile *f, bool keep);

/*
 * Make the directories that path lies in.  *made (may be NULL) is how long the path of the first
 * is that was not there, 0: all were.  Returns 0 or -errno, after which some may have been made.
 */
int ffs_outfile_mkdirs(const char *path, size_t *made);

/* Remove them again, those that are empty.  Cuts path. */
void ffs_outfile_rmdirs(char *path, size_t made);

#endif
