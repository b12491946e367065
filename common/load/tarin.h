#ifndef FFS_TARIN_H
#define FFS_TARIN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/*
 * What ffs-load reads: a tar stream of chunks in order (design.md, "The tar
 * stream"; pax, ustar and GNU tar, plain or gz, bz2, xz, zst), or chunks that are
 * files of their own.  Everything in it is hostile.
 */
struct ffs_tarin;

/* Which of an entry's attributes (user.ffs.*) are there. */
enum ffs_tarin_attr {
	FFS_TARIN_FIRST_ROW = 1,
	FFS_TARIN_ROWS = 2,
	FFS_TARIN_COLUMNS = 4,
	FFS_TARIN_HEADER_BYTES = 8,
	FFS_TARIN_TIME_COL = 16,
	FFS_TARIN_INPUT_BYTES = 32, /* of the dataset's whole CSV; a hint, on its first chunk */
	FFS_TARIN_CRC32C = 64,
	FFS_TARIN_TIME_FIRST = 128,
	FFS_TARIN_TIME_LAST = 256,
};

/* A chunk, or a chunk's message.  Good until the next call. */
struct ffs_tarin_entry {
	const char *path;    /* as the archive or the command line has it */
	const char *dataset; /* a legal name */
	const char *name;    /* the path's last part */
	bool message;        /* "X.message.csv", behind its "X.csv" */
	bool file;           /* a file of its own: its place is where the user named it */
	uint64_t size;       /* bytes; of a compressed file a guess */
	unsigned have;       /* enum ffs_tarin_attr */
	uint64_t first_row, rows, columns, header_bytes, time_col, input_bytes;
	uint32_t crc32c;
	char delimiter; /* ',' without an attribute */
	char time_first[65], time_last[65];
};

/*
 * Read the files in turn, or stdin where there are none ("-" is stdin too).
 * The strings must outlive it.  name (or NULL) replaces every dataset's name.
 * A byte that can be read from cancel_fd (-1: none) ends a wait for input with
 * -ECANCELED.  NULL with errno.
 */
struct ffs_tarin *ffs_tarin_new(
    const char *const *files, size_t n, const char *name, int cancel_fd);
void ffs_tarin_free(struct ffs_tarin *t);

/*
 * The next entry, directories skipped; archives one behind the other are one
 * stream.  Returns 1; 0 behind the last, once its end-of-archive marker was seen;
 * -EINVAL for what is no such stream, -errno.
 */
int ffs_tarin_next(struct ffs_tarin *t, struct ffs_tarin_entry *e);

/* Bytes of the entry: fills p unless the entry ends.  Returns how many, 0 at its end, or -errno. */
ssize_t ffs_tarin_read(struct ffs_tarin *t, void *p, size_t n);

/* What was wrong, a line for the user. */
const char *ffs_tarin_error(const struct ffs_tarin *t);

#endif
