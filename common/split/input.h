#ifndef FFS_INPUT_H
#define FFS_INPUT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/*
 * Bytes to read, wherever they are: a file or stdin; plain, compressed (gz, bz2, xz,
 * zst, lz4) or members of an archive (zip, 7z, tar, also compressed).  The first
 * bytes decide which, never the name.  What begins like none of these is
 * plain and read without libarchive, so no CSV is ever taken for something else.
 */
struct ffs_input;

/* path must outlive it; "-" is stdin.  NULL with errno. */
struct ffs_input *ffs_input_new(const char *path);
void ffs_input_free(struct ffs_input *in);

/* Open and look at the first bytes.  Returns 0 or -errno (ffs_input_error() tells). */
int ffs_input_open(struct ffs_input *in);

/* After open: an archive whose members are to be asked for? */
bool ffs_input_is_archive(const struct ffs_input *in);

/* After open: can it be read a second time? */
bool ffs_input_is_seekable(const struct ffs_input *in);

/*
 * Go to the archive's next regular file.  Returns 1 and its name as it stands in the
 * archive (hostile, good until the next call), 0 behind the last, or -errno.
 */
int ffs_input_next(struct ffs_input *in, const char **name);

/*
 * Go to the start of the regular file number ordinal, from 0.  Forward is cheap;
 * backward starts again and needs a seekable input (-ESPIPE).  Returns 0, -ENOENT, -errno.
 */
int ffs_input_goto(struct ffs_input *in, size_t ordinal);

/* Bytes of the file or member: up to n; 0 at its end; -errno; -EINTR where a signal came. */
ssize_t ffs_input_read(struct ffs_input *in, void *p, size_t n);

/* Its size where that is known beforehand, else 0. */
uint64_t ffs_input_size(const struct ffs_input *in);

/* What went wrong, without the file's name. */
const char *ffs_input_error(const struct ffs_input *in);

#endif
