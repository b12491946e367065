#ifndef FFS_PEERS_H
#define FFS_PEERS_H

#include <pthread.h>
#include <stdatomic.h>

/*
 * The connections that are open, to find those whose peer has gone.  libmicrohttpd asks epoll
 * for edges and takes a short read for the last one: where the end of a connection comes
 * together with the last data it does not see it before the connection has been idle for too
 * long.
 */
struct ffs_peers {
	pthread_mutex_t lock;
	struct ffs_peer *first;
	atomic_uint n;
};

struct ffs_peer {
	int fd;
	atomic_bool answering; /* its request is in: it may have ended and still wait for us */
	struct ffs_peer *next, **link;
};

void ffs_peers_init(struct ffs_peers *ps);

/* All of them must have been removed. */
void ffs_peers_release(struct ffs_peers *ps);

/* Add a connected socket.  NULL with errno. */
struct ffs_peer *ffs_peers_add(struct ffs_peers *ps, int fd);

/* Before its socket is closed.  NULL is legal. */
void ffs_peers_remove(struct ffs_peers *ps, struct ffs_peer *p);

/* Make the reader look at every connection that can only be closed: to be called now and then. */
void ffs_peers_sweep(struct ffs_peers *ps);

#endif
