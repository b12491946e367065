#include "common/gate/loop.h"

#include <errno.h>
#include <pthread.h>
#include <stddef.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "common/base/clock.h"

enum {
	EVENTS = 256, /* taken at once */
	THREADS = 4,  /* they wait for disks and names */
};

struct ffs_loop {
	int epoll;
	struct ffs_loop_fd bell; /* an eventfd: others have posted something */
	struct ffs_jobs *jobs;
	int64_t now;
	struct ffs_loop_call *first, **last; /* soon */
	pthread_mutex_t lock;
	struct ffs_loop_call *posted; /* by others, the last one first */
	struct epoll_event events[EVENTS];
	int nevents, at; /* those being served */
	char scratch[FFS_LOOP_SCRATCH];
};

static void
ring_bell(struct ffs_loop *l)
{
	uint64_t one = 1;
	ssize_t n = write(l->bell.fd, &one, sizeof(one));

	(void)n; /* full: it rings already */
}

static void
take_posted(struct ffs_loop_fd *s, uint32_t events)
{
	struct ffs_loop *l = (struct ffs_loop *)((char *)s - offsetof(struct ffs_loop, bell));
	struct ffs_loop_call *c, *next, *order = NULL;
	uint64_t n;
	ssize_t got = read(s->fd, &n, sizeof(n));

	(void)events;
	(void)got;
	pthread_mutex_lock(&l->lock);
	c = l->posted;
	l->posted = NULL;
	pthread_mutex_unlock(&l->lock);
	for (; c; c = next) {
		next = c->next;
		c->next = order;
		order = c;
	}
	for (c = order; c; c = next) {
		next = c->next;
		c->next = NULL;
		c->run(c);
	}
}

struct ffs_loop *
ffs_loop_new(void)
{
	struct ffs_loop *l = calloc(1, sizeof(*l));
	int rc = 0;

	if (!l)
		return NULL;
	pthread_mutex_init(&l->lock, NULL);
	l->last = &l->first;
	l->now = ffs_clock_ms();
	l->bell.ready = take_posted;
	l->bell.fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	l->epoll = epoll_create1(EPOLL_CLOEXEC);
	if (l->epoll < 0 || l->bell.fd < 0)
		rc = -errno;
	if (!rc)
		rc = ffs_loop_add(l, &l->bell, true);
	if (!rc) {
		l->jobs = ffs_jobs_new(THREADS);
		rc = l->jobs ? 0 : -errno;
	}
	if (rc) {
		ffs_loop_free(l);
		errno = -rc;
		return NULL;
	}
	return l;
}

void
ffs_loop_free(struct ffs_loop *l)
{
	if (!l)
		return;
	ffs_jobs_free(l->jobs);
	if (l->bell.fd >= 0)
		take_posted(&l->bell, EPOLLIN);
	if (l->epoll >= 0)
		close(l->epoll);
	if (l->bell.fd >= 0)
		close(l->bell.fd);
	pthread_mutex_destroy(&l->lock);
	free(l);
}

int
ffs_loop_add(struct ffs_loop *l, struct ffs_loop_fd *s, bool level)
{
	struct epoll_event e = { .events = EPOLLIN, .data.ptr = s };

	if (!level)
		e.events = EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET;
	return epoll_ctl(l->epoll, EPOLL_CTL_ADD, s->fd, &e) ? -errno : 0;
}

void
ffs_loop_remove(struct ffs_loop *l, struct ffs_loop_fd *s)
{
	int i;

	epoll_ctl(l->epoll, EPOLL_CTL_DEL, s->fd, NULL);
	for (i = l->at + 1; i < l->nevents; i++)
		if (l->events[i].data.ptr == s)
			l->events[i].data.ptr = NULL;
	s->fd = -1;
}

void
ffs_loop_soon(struct ffs_loop *l, struct ffs_loop_call *c)
{
	if (c->prev)
		return;
	c->next = NULL;
	c->prev = l->last;
	*l->last = c;
	l->last = &c->next;
}

void
ffs_loop_cancel(struct ffs_loop *l, struct ffs_loop_call *c)
{
	if (!c->prev)
		return;
	*c->prev = c->next;
	if (c->next)
		c->next->prev = c->prev;
	else
		l->last = c->prev;
	c->prev = NULL;
	c->next = NULL;
}

void
ffs_loop_post(struct ffs_loop *l, struct ffs_loop_call *c)
{
	pthread_mutex_lock(&l->lock);
	c->next = l->posted;
	l->posted = c;
	pthread_mutex_unlock(&l->lock);
	ring_bell(l);
}

static void
run_job(struct ffs_job *j)
{
	struct ffs_loop_work *w =
	    (struct ffs_loop_work *)((char *)j - offsetof(struct ffs_loop_work, job));

	w->work(w);
	ffs_loop_post(w->loop, &w->done);
}

void
ffs_loop_work(struct ffs_loop *l, struct ffs_loop_work *w)
{
	w->loop = l;
	w->job.run = run_job;
	ffs_jobs_add(l->jobs, &w->job);
}

int64_t
ffs_loop_now(const struct ffs_loop *l)
{
	return l->now;
}

char *
ffs_loop_scratch(struct ffs_loop *l)
{
	return l->scratch;
}

/* Those that wait now; what they add waits for the next turn, behind the sockets. */
static void
run_soon(struct ffs_loop *l)
{
	struct ffs_loop_call end = { 0 }, *c;

	if (!l->first)
		return;
	ffs_loop_soon(l, &end);
	while ((c = l->first) != &end) {
		ffs_loop_cancel(l, c);
		c->run(c);
	}
	ffs_loop_cancel(l, &end);
}

int
ffs_loop_turn(struct ffs_loop *l)
{
	struct ffs_loop_fd *s;
	int n = epoll_wait(l->epoll, l->events, EVENTS, l->first ? 0 : FFS_LOOP_TICK_MS);

	if (n < 0 && errno != EINTR)
		return -errno;
	l->now = ffs_clock_ms();
	l->nevents = n < 0 ? 0 : n;
	for (l->at = 0; l->at < l->nevents; l->at++) {
		s = l->events[l->at].data.ptr;
		if (s && s->fd >= 0)
			s->ready(s, l->events[l->at].events);
	}
	l->nevents = l->at = 0;
	run_soon(l);
	return 0;
}
