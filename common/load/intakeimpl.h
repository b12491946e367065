#ifndef FFS_INTAKEIMPL_H
#define FFS_INTAKEIMPL_H

#include <pthread.h>
#include <stdatomic.h>

#include "common/load/intake.h"
#include "common/load/pool.h"

/* What intake.c (reading and handing out) and intakework.c (the workers) share. */

enum { FFS_INTAKE_WORKERS = 64 };

/* The dataset the reader is in. */
struct reading {
	char *dataset; /* NULL before the first */
	char *last;    /* name of the chunk before */
	size_t set, chunks;
	uint64_t bytes; /* of its chunks so far */
	uint64_t total; /* of all, 0 unknown */
	size_t node;    /* of the last chunk */
	bool message;   /* the last entry was one */
	bool computed;  /* the last chunk came without attributes */
};

struct ffs_intake {
	struct ffs_tarin *t;
	struct ffs_intake_opts o;
	double weight_sum;
	struct reading now;
	struct ffs_pool *pool;
	void *seen; /* names of the datasets that ended, a tree (tsearch(3)) */

	pthread_t reader, worker[FFS_INTAKE_WORKERS];
	size_t workers, workers_wanted;
	bool reading; /* the reader was started */

	/* what the threads share */
	pthread_mutex_t lock;
	pthread_cond_t room; /* something was put back, or it is over */
	pthread_cond_t work; /* there is something to prepare, or it is over */
	struct ffs_intake_item *head, *tail;
	struct ffs_intake_item *todo; /* the first that no worker has taken yet */
	size_t items;                 /* chunks that are alive */
	bool stop, end;
	atomic_bool want_md5;
};

/* Turn an item into an error.  Returns rc. */
int ffs_intake_fail(struct ffs_intake_item *i, int rc, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

/* Is there anything to be done with this item before it is handed out? */
bool ffs_intake_has_work(const struct ffs_intake *in, const struct ffs_intake_item *i);

/* Start the workers, unless they run already.  Returns 0 or -errno. */
int ffs_intake_start_workers(struct ffs_intake *in);

#endif
