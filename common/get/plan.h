#ifndef FFS_PLAN_H
#define FFS_PLAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/base/exit.h"
#include "common/get/reader.h"
#include "common/get/select.h"

/*
 * What ffs-get was asked for, piece by piece: finds the datasets, reads their
 * manifests when their turn comes, and makes pieces for an ffs_reader.
 */
struct ffs_plan;

struct ffs_plan_opts {
	struct ffs_stores *stores;
	const struct ffs_use *use; /* of the cache; NULL: of none */
	const char *bucket;
	const struct ffs_select *select; /* applied to all, its name does not count */
	char *const *args;               /* nargs of them, each ffs_plan_arg_ok() */
	size_t nargs;
	int batch_fd; /* selections come from here, one a line; -1: from args */
	bool files;   /* every piece has a file name */
	/* Something failed before it could be read.  true: go on with the next. */
	bool (*failed)(void *arg, enum ffs_exit status, const char *text);
	/* The manifest is a copy; may be NULL. */
	void (*warn)(void *arg, const char *text);
	void *arg;
};

/* Is it a dataset's name, DATASET@GEN, a pattern, or s3://BUCKET/KEY. */
bool ffs_plan_arg_ok(const char *arg);

/* NULL with errno. */
struct ffs_plan *ffs_plan_new(const struct ffs_plan_opts *o);
void ffs_plan_free(struct ffs_plan *p);

/* For ffs_reader_opts.next, the plan as its argument.  -ECANCELED after failed() said so. */
int ffs_plan_next(void *plan, struct ffs_piece *piece);

/*
 * For resuming: find the dataset or object now that the plan's only argument, which is no pattern,
 * names.  *identity (free it) says which bytes the plan stands for; *size is how many, UINT64_MAX
 * where only reading tells.  Returns 0 or -errno, -ECANCELED after failed().
 */
int ffs_plan_identify(struct ffs_plan *p, char **identity, uint64_t *size);

/*
 * Leave out what [0, have) of the output holds already, by whole chunks: *chunks of them.  Returns
 * where the output goes on, at most have.
 */
uint64_t ffs_plan_skip(struct ffs_plan *p, uint64_t have, uint64_t *chunks);

/*
 * How much the dataset or object that is being read gives: bytes, 0 where only reading tells,
 * and *chunks.
 */
uint64_t ffs_plan_total(const struct ffs_plan *p, size_t *chunks);

#endif
