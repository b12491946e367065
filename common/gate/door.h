#ifndef FFS_DOOR_H
#define FFS_DOOR_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>

#include "bpf/watch.h"

/*
 * Between the gateway and the kernel's redirect (bpf/redirect.bpf.h): says that we live, and learns
 * from the kernel whom a connection was meant for.  Works without any of it, too: then nobody is
 * redirected.  For one thread.
 */
struct ffs_door;

/* listeners: our listening sockets, to which the kernel may send connections; they stay the
 * caller's.  dir: of the pins, NULL: ffs_maps_dir().  NULL with errno only for lack of memory. */
struct ffs_door *ffs_door_new(const char *dir, const int *listeners, unsigned n);

/*
 * From here on new connections go to the stores; to be called before the listeners are closed.
 * Those that are on their way here are accepted or reset within FFS_LINGER_MS, and so long the
 * port is not free, after a kill -9 too: who starts waits for it a little.
 */
void ffs_door_withdraw(struct ffs_door *d);
/* Until the next beat, for there is no room for more. */
void ffs_door_rest(struct ffs_door *d);
/* As withdraw, and waits for that. */
void ffs_door_free(struct ffs_door *d);

/* Every half second: the entry is good for another two; pins that were made anew are opened.  True
 * where redirects are on. */
#define FFS_DOOR_MS 500
bool ffs_door_beat(struct ffs_door *d);

struct ffs_door_caller {
	bool redirected;
	struct sockaddr_storage meant; /* the store's address, where redirected */
	uint32_t uid;                  /* (uint32_t)-1: unknown */
	char comm[FFS_COMM_LEN];       /* "": unknown */
};

/*
 * Who is at the other end of an accepted connection; once.  0; -ENOENT: nothing is known, which is
 * the rule for clients that the programs do not see: the request is for the origin of the
 * configuration; -ESTALE: whom it meant cannot be known, for it is reset, or what is known may be
 * of another connection that had the same ends: close it.  c is filled in any case.
 */
int ffs_door_caller(struct ffs_door *d, int fd, struct ffs_door_caller *c);

/* A socket of ours to an origin, before it connects: it is not redirected, and what it carries is
 * counted as read by c (NULL: nobody in particular).  And when it is closed. */
void ffs_door_opened(struct ffs_door *d, int fd, const struct ffs_door_caller *c);
void ffs_door_closing(struct ffs_door *d, int fd);
/* It now carries requests of c: before they are sent. */
void ffs_door_carries(struct ffs_door *d, int fd, const struct ffs_door_caller *c);

#endif
