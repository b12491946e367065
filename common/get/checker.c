#include "common/get/checker.h"

#include <pthread.h>
#include <signal.h>
#include <stdlib.h>

struct ffs_checker {
	void (*wake)(void *arg);
	void *arg;
	pthread_t thread;
	bool started;
	pthread_mutex_t lock;
	pthread_cond_t more, less; /* something waits or it ends; something is done */
	/* Under the lock: */
	struct ffs_hit *waiting, **tail, *running, *done;
	bool ending;
};

static struct ffs_hit *
take(struct ffs_checker *c)
{
	struct ffs_hit *h = c->waiting;

	if (h)
		c->waiting = h->next;
	if (!c->waiting)
		c->tail = &c->waiting;
	return h;
}

static void
put_done(struct ffs_checker *c, struct ffs_hit *h)
{
	h->next = c->done;
	c->done = h;
}

static void *
run(void *arg)
{
	struct ffs_checker *c = arg;
	struct ffs_hit *h;

	pthread_mutex_lock(&c->lock);
	while (!c->ending) {
		h = take(c);
		if (!h) {
			pthread_cond_wait(&c->more, &c->lock);
			continue;
		}
		c->running = h;
		pthread_mutex_unlock(&c->lock);
		ffs_hit_compare(h);
		pthread_mutex_lock(&c->lock);
		c->running = NULL;
		put_done(c, h);
		pthread_cond_signal(&c->less);
		c->wake(c->arg);
	}
	pthread_mutex_unlock(&c->lock);
	return NULL;
}

struct ffs_checker *
ffs_checker_new(void (*wake)(void *arg), void *arg)
{
	struct ffs_checker *c = calloc(1, sizeof(*c));

	if (!c)
		return NULL;
	c->wake = wake;
	c->arg = arg;
	c->tail = &c->waiting;
	pthread_mutex_init(&c->lock, NULL);
	pthread_cond_init(&c->more, NULL);
	pthread_cond_init(&c->less, NULL);
	return c;
}

void
ffs_checker_free(struct ffs_checker *c)
{
	if (!c)
		return;
	if (c->started) {
		pthread_mutex_lock(&c->lock);
		c->ending = true;
		pthread_cond_signal(&c->more);
		pthread_mutex_unlock(&c->lock);
		pthread_join(c->thread, NULL);
	}
	pthread_cond_destroy(&c->more);
	pthread_cond_destroy(&c->less);
	pthread_mutex_destroy(&c->lock);
	free(c);
}

/* Without it the maker does everything. */
static void
start(struct ffs_checker *c)
{
	sigset_t all, old;

	/* Signals are the main thread's. */
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &old);
	c->started = !pthread_create(&c->thread, NULL, run, c);
	pthread_sigmask(SIG_SETMASK, &old, NULL);
}

void
ffs_checker_push(struct ffs_checker *c, struct ffs_hit *h)
{
	bool two;

	h->next = NULL;
	pthread_mutex_lock(&c->lock);
	two = c->waiting != NULL;
	*c->tail = h;
	c->tail = &h->next;
	pthread_cond_signal(&c->more);
	pthread_mutex_unlock(&c->lock);
	if (two && !c->started)
		start(c);
}

bool
ffs_checker_help(struct ffs_checker *c)
{
	struct ffs_hit *h;

	pthread_mutex_lock(&c->lock);
	h = take(c);
	pthread_mutex_unlock(&c->lock);
	if (!h)
		return false;
	ffs_hit_compare(h);
	pthread_mutex_lock(&c->lock);
	put_done(c, h);
	pthread_mutex_unlock(&c->lock);
	return true;
}

struct ffs_hit *
ffs_checker_pop(struct ffs_checker *c)
{
	struct ffs_hit *h;

	pthread_mutex_lock(&c->lock);
	h = c->done;
	if (h)
		c->done = h->next;
	pthread_mutex_unlock(&c->lock);
	return h;
}

/* Take h out of a list. */
static void
unlink_hit(struct ffs_hit **at, const struct ffs_hit *h)
{
	while (*at && *at != h)
		at = &(*at)->next;
	if (*at)
		*at = h->next;
}

void
ffs_checker_cancel(struct ffs_checker *c, struct ffs_hit *h)
{
	pthread_mutex_lock(&c->lock);
	while (c->running == h)
		pthread_cond_wait(&c->less, &c->lock);
	unlink_hit(&c->waiting, h);
	unlink_hit(&c->done, h);
	for (c->tail = &c->waiting; *c->tail; c->tail = &(*c->tail)->next)
		;
	pthread_mutex_unlock(&c->lock);
}
