#ifndef FFS_JOBS_H
#define FFS_JOBS_H

/*
 * Threads for work that blocks (fsync, long listings), so that an event loop
 * need not.  A job is part of what it works on: adding one cannot fail.
 */
struct ffs_jobs;

struct ffs_job {
	void (*run)(struct ffs_job *j);
	struct ffs_job *next;
};

/* NULL with errno. */
struct ffs_jobs *ffs_jobs_new(unsigned threads);

/* Runs what was added, then ends the threads.  What is added later runs in the adding thread. */
void ffs_jobs_stop(struct ffs_jobs *q);

/* Stops it, too. */
void ffs_jobs_free(struct ffs_jobs *q);

void ffs_jobs_add(struct ffs_jobs *q, struct ffs_job *j);

#endif
