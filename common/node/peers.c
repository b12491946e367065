#include "common/node/peers.h"

#include <stdbool.h>
#include <stdlib.h>
#include <sys/socket.h>

void
ffs_peers_init(struct ffs_peers *ps)
{
	pthread_mutex_init(&ps->lock, NULL);
	ps->first = NULL;
	atomic_init(&ps->n, 0);
}

void
ffs_peers_release(struct ffs_peers *ps)
{
	pthread_mutex_destroy(&ps->lock);
}

struct ffs_peer *
ffs_peers_add(struct ffs_peers *ps, int fd)
{
	struct ffs_peer *p = calloc(1, sizeof(*p));

	if (!p)
		return NULL;
	p->fd = fd;
	pthread_mutex_lock(&ps->lock);
	p->next = ps->first;
	p->link = &ps->first;
	if (p->next)
		p->next->link = &p->next;
	ps->first = p;
	atomic_fetch_add(&ps->n, 1);
	pthread_mutex_unlock(&ps->lock);
	return p;
}

void
ffs_peers_remove(struct ffs_peers *ps, struct ffs_peer *p)
{
	if (!p)
		return;
	pthread_mutex_lock(&ps->lock);
	*p->link = p->next;
	if (p->next)
		p->next->link = p->link;
	atomic_fetch_sub(&ps->n, 1);
	pthread_mutex_unlock(&ps->lock);
	free(p);
}

/* Whether the peer has ended and everything that it sent was read. */
static bool
ended(int fd)
{
	char c;

	return !recv(fd, &c, 1, MSG_PEEK | MSG_DONTWAIT);
}

void
ffs_peers_sweep(struct ffs_peers *ps)
{
	struct ffs_peer *p;

	pthread_mutex_lock(&ps->lock);
	/* Shutting down what has ended already changes nothing but that epoll reports it again. */
	for (p = ps->first; p; p = p->next)
		if (!atomic_load(&p->answering) && ended(p->fd))
			shutdown(p->fd, SHUT_RD);
	pthread_mutex_unlock(&ps->lock);
}
