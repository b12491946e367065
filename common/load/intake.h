#ifndef FFS_INTAKE_H
#define FFS_INTAKE_H

#include <openssl/md5.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/dataset/manifest.h"
#include "common/load/tarin.h"

/*
 * The chunks of a stream, read ahead by a thread of its own: checked against
 * their CRC32C while they are read, and, on all cores where any of it is
 * wanted, counted, compressed and hashed.  They are handed out in the stream's order.
 * Memory is bounded: FFS_INTAKE_BYTES, or one chunk if that is larger.
 */
struct ffs_intake;

#define FFS_INTAKE_CHUNK_MAX ((uint64_t)1 << 30) /* larger ones are refused */
#define FFS_INTAKE_BYTES ((size_t)256 << 20)
#define FFS_INTAKE_RUN 64 /* chunks in a row on a node where the input's length is unknown */

enum ffs_intake_kind {
	FFS_INTAKE_CHUNK,
	FFS_INTAKE_MESSAGE,
	FFS_INTAKE_END,   /* the dataset has no more chunks */
	FFS_INTAKE_ERROR, /* the stream ends here; rc and error say why */
};

struct ffs_intake_item {
	enum ffs_intake_kind kind;
	size_t set;       /* the dataset's number in the stream, from 0 */
	char *dataset;    /* its name */
	char *path;       /* of the entry, for messages */
	size_t index;     /* of the chunk in its dataset; of an end how many there were */
	size_t node;      /* where it goes */
	unsigned char *p; /* what is to be stored */
	size_t n;
	enum ffs_encoding encoding;
	uint64_t plain_bytes;
	uint32_t crc32c, plain_crc32c;
	unsigned have; /* enum ffs_tarin_attr */
	uint64_t first_row, rows, columns, header_bytes, time_col, input_bytes;
	char delimiter;
	char time_first[65], time_last[65];
	bool open_end; /* the last row has no line end */
	bool has_md5;
	unsigned char md5[MD5_DIGEST_LENGTH];
	int rc; /* with FFS_INTAKE_ERROR */
	char error[600];

	/* the intake's own */
	struct ffs_intake_item *next;
	size_t cap;
	bool ready;
};

struct ffs_intake_opts {
	size_t depth;          /* chunks read ahead, those that are handed out included */
	int level;             /* of zstd; 0: store as they are */
	const double *weights; /* shares of the nodes */
	size_t nodes;
	void (*wake)(void *arg); /* called by other threads when there is something to take */
	void *arg;
};

/* Start to read t, which must outlive it.  NULL with errno. */
struct ffs_intake *ffs_intake_new(struct ffs_tarin *t, const struct ffs_intake_opts *o);

/* Ends the threads; the owner of t must have made cancel_fd readable.  All items are gone then. */
void ffs_intake_free(struct ffs_intake *in);

/*
 * The next item, or NULL where none is ready.  *end is set behind the last.  Give it
 * back with ffs_intake_put().
 */
struct ffs_intake_item *ffs_intake_take(struct ffs_intake *in, bool *end);
void ffs_intake_put(struct ffs_intake *in, struct ffs_intake_item *i);

/* From now on chunks come with their MD5. */
void ffs_intake_want_md5(struct ffs_intake *in);

#endif
