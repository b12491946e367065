#ifndef FFS_UPLOAD_H
#define FFS_UPLOAD_H

#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/dataset/dataset.h"
#include "common/base/json.h"
#include "common/base/progress.h"
#include "common/dataset/manifest.h"
#include "common/s3/stores.h"
#include "common/load/tarin.h"

/*
 * Uploads the datasets of a stream: each is claimed when its first chunk is
 * there and published when its last one is safe.
 */

/* One object that is safe, for --json. */
struct ffs_upload_chunk {
	const char *dataset, *key, *node, *etag;
	uint64_t bytes, rows; /* stored; 0 rows in a message */
	uint32_t crc32c;
	bool message, reused;
	uint64_t us;
	unsigned attempts;
};

/* A dataset that was published, or, with reused, that was there already. */
struct ffs_upload_dataset {
	const char *name;
	uint64_t generation, chunks, rows, columns, bytes;
	uint64_t stored; /* bytes of all its objects, messages too */
	uint64_t reused; /* objects that did not have to be sent */
	bool compressed;
	int64_t ms;
};

struct ffs_upload_opts {
	const char *bucket;
	unsigned jobs;  /* requests in flight */
	int level;      /* of zstd, 0: none */
	unsigned flags; /* enum ffs_dataset_flags */
	bool keep;      /* what was uploaded by a load that fails */
	const volatile sig_atomic_t *stop;
	/* Any of them may be NULL. */
	void (*chunk)(void *arg, const struct ffs_upload_chunk *c);
	void (*dataset)(void *arg, const struct ffs_upload_dataset *d);
	/* What is safe, in bytes of CSV, at least 5 times a second. */
	void (*tick)(void *arg, const struct ffs_progress_at *at);
	void (*warn)(void *arg, const char *text);
	void *arg;
};

/*
 * Upload all of t.  cancel_fd is the writing end of t's pipe.  Returns 0, or -errno with a line
 * for the user in error: -EINTR after *stop; -EEXIST where a dataset exists.  What was
 * uploaded of a dataset that could not be published is gone then, or a warning
 * says what is left.
 */
int ffs_upload_run(struct ffs_stores *st, struct ffs_tarin *t, int cancel_fd,
    const struct ffs_upload_opts *o, char *error, size_t error_len);

/* One JSON object for a line of --json. */
void ffs_upload_show_chunk(struct ffs_json *j, const struct ffs_upload_chunk *c);
void ffs_upload_show_dataset(struct ffs_json *j, const struct ffs_upload_dataset *d);

/* A line for the user, without its end: "lobster: 92 chunks, ...".  Into buf. */
const char *ffs_upload_show_summary(const struct ffs_upload_dataset *d, char *buf, size_t n);

#endif
