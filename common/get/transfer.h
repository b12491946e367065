#ifndef FFS_TRANSFER_H
#define FFS_TRANSFER_H

#include <signal.h>
#include <stdbool.h>
#include <stdint.h>

#include "common/base/exit.h"
#include "common/get/plan.h"
#include "common/get/reader.h"

/* A plan, a reader and an output put together: from stores to a descriptor, a file or many. */
struct ffs_transfer {
	struct ffs_stores *stores;
	struct ffs_plan *plan;
	unsigned jobs;
	size_t keep;      /* as in ffs_reader_opts */
	int in_fd;        /* where the plan's lines come from */
	const char *path; /* a file, complete or not at all; NULL: to fd, or into dir */
	const char *dir;
	int fd;
	bool resume; /* go on with path's part, and leave one behind; see ffs_plan_identify() */
	bool sync;   /* what was written survives a power failure */
	void (*event)(void *arg, const struct ffs_reader_event *e);
	bool (*failed)(void *arg, const struct ffs_piece *piece, const struct ffs_object *object,
	    int rc, const char *error);
	/* At least ten times a second; bytes: of the output, resumed ones included.  May be NULL.
	 */
	void (*tick)(void *arg, uint64_t bytes);
	void *arg;
	const volatile sig_atomic_t *stop;
	/* The outcome. */
	bool complete;        /* resume: there was nothing to do */
	enum ffs_exit status; /* of a failure of the output, with */
	char error[512];      /* what happened */
};

/*
 * Returns 0; -ECANCELED where a callback, here or of the plan, has told the failure;
 * -EPIPE where nobody reads fd any more; -EINTR after *stop, when the plan may still be in use and
 * only the end of the process is left to do; any other -errno with t->status and t->error.
 */
int ffs_transfer_run(struct ffs_transfer *t);

#endif
