#ifndef FFS_READER_H
#define FFS_READER_H

#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/cache/use.h"
#include "common/dataset/catalog.h"
#include "common/get/cut.h"
#include "common/get/output.h"
#include "common/s3/stores.h"

/*
 * The read-ahead engine: asks for objects, in order, from several stores at
 * once, checks them, and hands their bytes in order to an ffs_output.  What
 * it holds in memory is bounded whatever the number and size of the objects.
 *
 * Objects up to 16 MiB are checked before a byte of them goes out; larger ones
 * are read in ranges, and checked while they go out.
 */

#define FFS_READER_WHOLE_MAX ((uint64_t)16 << 20)

/* One object to give out, or some rows of it. */
struct ffs_piece {
	struct ffs_source *src; /* a count that the reader drops */
	struct ffs_chunk *chunk;
	struct ffs_object *object; /* chunk's data or its message */
	struct ffs_cut_spec cut;
	size_t header_bytes; /* the object starts with a header row */
	bool header_known;   /* the output has that already */
	bool scan;           /* cut's times are in chunk's message: its column 1 */
	bool bare;           /* no checksum is known; without copies, size and ETag neither */
	uint64_t offset;     /* bare: where to begin */
	char *file;          /* where the output has a directory: the name, the reader frees it */
	uint64_t line;       /* of the request, for messages; 0: none */
	bool mark;           /* no object at all: an empty line */
};

/* How reading an object went. */
struct ffs_reader_event {
	const struct ffs_piece *piece;
	const struct ffs_object *object;
	uint64_t bytes;              /* that travelled */
	uint64_t first_us, total_us; /* of the request; for one in ranges from the first's start */
	const char *node;            /* name; NULL: it was in the cache or still in memory */
	bool hit;                    /* it was in the cache */
};

struct ffs_reader_opts {
	struct ffs_stores *stores;
	const struct ffs_use *use; /* of the cache; NULL: of none */
	bool link;                 /* give out whole objects as files of the cache, if possible */
	unsigned jobs;             /* requests in flight */
	size_t keep;               /* bytes for objects that may be asked for again; 0: none are */
	/* The next piece: 1, 0 at the end, -EAGAIN where in_fd has to be readable first, -errno. */
	int (*next)(void *next_arg, struct ffs_piece *piece);
	void *next_arg;
	int in_fd;
	/* An object was read, or came from memory; may be NULL. */
	void (*event)(void *arg, const struct ffs_reader_event *e);
	/* An object failed; true: go on with the others. */
	bool (*failed)(void *arg, const struct ffs_piece *piece, const struct ffs_object *object,
	    int rc, const char *error);
	/* An object was to be kept in the cache, and why it was not; may be NULL. */
	void (*unkept)(void *arg, const struct ffs_piece *piece, const struct ffs_object *object,
	    const char *why);
	/* Now and then, and at least ten times a second while something moves; may be NULL. */
	void (*tick)(void *arg);
	void *arg;
	const volatile sig_atomic_t *stop;
};

/* NULL with errno. */
struct ffs_reader *ffs_reader_new(const struct ffs_reader_opts *o);

/* For ffs_output_opts.wake, the reader as its argument. */
void ffs_reader_wake(void *reader);

/*
 * Read until next() ends, a failure ends it, or *stop; everything is written
 * then, and out's thread has ended, except after *stop.  Returns 0; -errno of next();
 * -errno of the output, which knows more; -ECANCELED after a failure; -EINTR after *stop.
 */
int ffs_reader_run(struct ffs_reader *r, struct ffs_output *out);

/* Before the output is freed. */
void ffs_reader_free(struct ffs_reader *r);

#endif
