#ifndef FFS_UPLOADIMPL_H
#define FFS_UPLOADIMPL_H

#include "common/load/draft.h"
#include "common/load/upload.h"

/* What upload.c (datasets, the loop) and uploadobject.c (one object) share. */

/* A dataset between its first chunk and its manifest. */
struct load {
	struct load *next;
	size_t set;
	struct ffs_dataset ds;
	struct ffs_draft draft; /* or, where compare, what --resume found published */
	size_t expected;        /* chunks, once ended */
	bool ended, compare;
	size_t pending; /* objects in flight */
	uint64_t stored, reused, hint;
	int64_t began;
};

/* An object in flight. */
struct job {
	struct upload *u;
	struct load *load;
	struct ffs_intake_item *item;
	struct job *prev, *next;
	uint64_t id;
	bool head;   /* asking whether it is there already */
	bool repair; /* the store had it wrong: delete, then send once more */
	bool again;  /* this is that once */
	uint64_t us;
	unsigned attempts;
	char etag[128];
};

struct upload {
	struct ffs_stores *st;
	const struct ffs_upload_opts *o;
	struct ffs_intake *in;
	struct load *loads;
	struct job *jobs;
	size_t in_flight;
	struct ffs_progress_at at;
	struct ffs_intake_item *bad; /* where the stream ends with an error */
	int64_t ticked;
	int rc; /* the first error */
	char *error;
	size_t error_len;
};

/* Keep the first error.  Returns rc. */
int ffs_upload_fail(struct upload *u, int rc, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
int ffs_upload_no_memory(struct upload *u);

/* An object is safe: sum it up and tell.  c has what the request knows. */
void ffs_upload_safe(struct upload *u, struct load *l, const struct ffs_intake_item *i,
    const struct ffs_object *o, struct ffs_upload_chunk *c);

/* Send an object that has its place in the draft; takes the item over unless it fails. */
int ffs_upload_start(struct upload *u, struct load *l, struct ffs_intake_item *i);

#endif
