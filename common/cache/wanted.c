#include "common/cache/wanted.h"

#include <errno.h>
#include <pthread.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

struct ffs_wanted {
	pthread_mutex_t lock;
	struct ffs_wanted_item *first, **last;
	unsigned n;
	int fd;
};

struct ffs_wanted *
ffs_wanted_new(void)
{
	struct ffs_wanted *w = calloc(1, sizeof(*w));

	if (!w)
		return NULL;
	w->last = &w->first;
	w->fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (w->fd < 0) {
		free(w);
		return NULL;
	}
	pthread_mutex_init(&w->lock, NULL);
	return w;
}

void
ffs_wanted_free(struct ffs_wanted *w)
{
	struct ffs_wanted_item *i;

	if (!w)
		return;
	while ((i = ffs_wanted_take(w)))
		free(i);
	pthread_mutex_destroy(&w->lock);
	close(w->fd);
	free(w);
}

void
ffs_wanted_add(struct ffs_wanted *w, const struct ffs_cache_name *n)
{
	size_t ne = strlen(n->endpoint) + 1, nb = strlen(n->bucket) + 1, nk = strlen(n->key) + 1;
	struct ffs_wanted_item *i = malloc(sizeof(*i) + ne + nb + nk);
	char *p;

	if (!i)
		return;
	p = (char *)(i + 1);
	i->next = NULL;
	i->name.endpoint = memcpy(p, n->endpoint, ne);
	i->name.bucket = memcpy(p + ne, n->bucket, nb);
	i->name.key = memcpy(p + ne + nb, n->key, nk);
	pthread_mutex_lock(&w->lock);
	if (w->n < FFS_WANTED_MAX) {
		*w->last = i;
		w->last = &i->next;
		w->n++;
		(void)eventfd_write(w->fd, 1);
		i = NULL;
	}
	pthread_mutex_unlock(&w->lock);
	free(i);
}

struct ffs_wanted_item *
ffs_wanted_take(struct ffs_wanted *w)
{
	struct ffs_wanted_item *i;
	eventfd_t n;

	pthread_mutex_lock(&w->lock);
	i = w->first;
	if (i) {
		w->n--;
		w->first = i->next;
		if (!w->first)
			w->last = &w->first;
	} else {
		(void)eventfd_read(w->fd, &n);
	}
	pthread_mutex_unlock(&w->lock);
	return i;
}

int
ffs_wanted_fd(const struct ffs_wanted *w)
{
	return w->fd;
}
