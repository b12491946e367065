#include "common/load/pool.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>

enum { PAGE = 65536 };

/* A buffer that nobody uses starts with this. */
struct spare {
	struct spare *next;
	size_t cap;
};

struct ffs_pool {
	pthread_mutex_t lock;
	pthread_cond_t room;
	size_t limit;
	size_t used, bytes; /* buffers in use, and their size */
	struct spare *spare;
	bool stop;
};

struct ffs_pool *
ffs_pool_new(size_t limit)
{
	struct ffs_pool *p = calloc(1, sizeof(*p));

	if (!p)
		return NULL;
	p->limit = limit;
	pthread_mutex_init(&p->lock, NULL);
	pthread_cond_init(&p->room, NULL);
	return p;
}

static void
drop_spares(struct ffs_pool *p)
{
	struct spare *s;

	while ((s = p->spare)) {
		p->spare = s->next;
		free(s);
	}
}

void
ffs_pool_free(struct ffs_pool *p)
{
	if (!p)
		return;
	drop_spares(p);
	pthread_cond_destroy(&p->room);
	pthread_mutex_destroy(&p->lock);
	free(p);
}

unsigned char *
ffs_pool_get(struct ffs_pool *p, size_t n, size_t *cap, bool wait)
{
	struct spare **at, *s;

	/* chunks differ by a few percent: with some slack the next one finds this large enough */
	*cap = (n + n / 8 + PAGE) / PAGE * PAGE;
	pthread_mutex_lock(&p->lock);
	for (;;) {
		for (at = &p->spare; *at && (*at)->cap < n; at = &(*at)->next)
			;
		s = *at;
		if (s || (wait && p->stop))
			break;
		drop_spares(p);
		if (!wait || !p->used || p->bytes + *cap <= p->limit)
			break;
		pthread_cond_wait(&p->room, &p->lock);
	}
	if (s) {
		*at = s->next;
		*cap = s->cap;
	} else if (wait && p->stop) {
		errno = ECANCELED;
	} else {
		s = malloc(*cap);
	}
	if (s) {
		p->used++;
		p->bytes += *cap;
	}
	pthread_mutex_unlock(&p->lock);
	return (unsigned char *)s;
}

void
ffs_pool_put(struct ffs_pool *p, unsigned char *buf, size_t cap)
{
	struct spare *s = (struct spare *)(void *)buf;

	if (!buf)
		return;
	pthread_mutex_lock(&p->lock);
	p->used--;
	p->bytes -= cap;
	s->cap = cap;
	s->next = p->spare;
	p->spare = s;
	pthread_cond_signal(&p->room);
	pthread_mutex_unlock(&p->lock);
}

void
ffs_pool_stop(struct ffs_pool *p)
{
	pthread_mutex_lock(&p->lock);
	p->stop = true;
	pthread_cond_broadcast(&p->room);
	pthread_mutex_unlock(&p->lock);
}
