#ifndef FFS_TRANSFER_H
#define FFS_TRANSFER_H

#include <signal.h>
#include <stdbool.h>
#include <stdint.h>

#include "common/base/exit.h"
#include "common/base/progress.h"
#include "common/get/plan.h"
#include "common/get/reader.h"

/* A plan, a reader and an output put together: from stores to a descriptor, a file or many. */
struct ffs_transfer {
	struct ffs_stores *stores;
	const struct ffs_use *use; /* of the cache; NULL: of none */
	/* What is read, as in ffs_plan_opts. */
	const char *bucket;
	const struct ffs_select *select;
	char *const *args;
	size_t nargs;
	int batch_fd;
	/* How, as in ffs_reader_opts. */
	unsigned jobs;
	size_t keep;
	/* Where to. */
	const char *path; /* a file, complete or not at all; NULL: to fd, or into dir */
	const char *dir;
	bool link; /* its files are the cache's, under other names, if possible */
	int fd;
	bool
	    resume; /* go on with path's part, and leave one behind; for one argument, no pattern */
	bool sync;  /* what was written survives a power failure */
	void (*event)(void *arg, const struct ffs_reader_event *e);
	/* As in ffs_plan_opts, for what fails later, too. */
	bool (*failed)(void *arg, enum ffs_exit status, const char *text);
	void (*warn)(void *arg, const char *text);
	/* At least ten times a second; bytes are of the output, resumed ones included. */
	void (*tick)(void *arg, const struct ffs_progress_at *at); /* may be NULL */
	void *arg;
	const volatile sig_atomic_t *stop;
	/* The outcome. */
	bool complete;        /* resume: there was nothing to do */
	enum ffs_exit status; /* of a failure of the output, with */
	char error[512];      /* what happened */
};

/*
 * Returns 0; -ECANCELED after failed(); -EPIPE where nobody reads fd any more; -EINTR after
 * *stop, when only the end of the process is left to do: a write may hang for ever; any other
 * -errno with t->status and t->error.
 */
int ffs_transfer_run(struct ffs_transfer *t);

#endif
