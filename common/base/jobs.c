#include "common/base/jobs.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>

struct ffs_jobs {
	pthread_mutex_t lock;
	pthread_cond_t more;
	struct ffs_job *first, **last;
	bool stop;
	unsigned n;
	pthread_t threads[];
};

static void *
work(void *arg)
{
	struct ffs_jobs *q = arg;
	struct ffs_job *j;

	for (;;) {
		pthread_mutex_lock(&q->lock);
		while (!q->first && !q->stop)
			pthread_cond_wait(&q->more, &q->lock);
		j = q->first;
		if (j) {
			q->first = j->next;
			if (!q->first)
				q->last = &q->first;
		}
		pthread_mutex_unlock(&q->lock);
		if (!j)
			return NULL;
		j->run(j);
	}
}

struct ffs_jobs *
ffs_jobs_new(unsigned threads)
{
	struct ffs_jobs *q = calloc(1, sizeof(*q) + threads * sizeof(q->threads[0]));
	sigset_t all, old;
	int rc = 0;

	if (!q)
		return NULL;
	q->last = &q->first;
	pthread_mutex_init(&q->lock, NULL);
	pthread_cond_init(&q->more, NULL);
	/* Signals are for the main thread. */
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &old);
	while (q->n < threads && !(rc = pthread_create(&q->threads[q->n], NULL, work, q)))
		q->n++;
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	if (rc) {
		ffs_jobs_free(q);
		errno = rc;
		return NULL;
	}
	return q;
}

void
ffs_jobs_stop(struct ffs_jobs *q)
{
	pthread_mutex_lock(&q->lock);
	q->stop = true;
	pthread_cond_broadcast(&q->more);
	pthread_mutex_unlock(&q->lock);
	for (; q->n; q->n--)
		pthread_join(q->threads[q->n - 1], NULL);
}

void
ffs_jobs_free(struct ffs_jobs *q)
{
	if (!q)
		return;
	ffs_jobs_stop(q);
	pthread_cond_destroy(&q->more);
	pthread_mutex_destroy(&q->lock);
	free(q);
}

void
ffs_jobs_add(struct ffs_jobs *q, struct ffs_job *j)
{
	bool stop;

	j->next = NULL;
	pthread_mutex_lock(&q->lock);
	stop = q->stop;
	if (!stop) {
		*q->last = j;
		q->last = &j->next;
		pthread_cond_signal(&q->more);
	}
	pthread_mutex_unlock(&q->lock);
	if (stop)
		j->run(j);
}
