#ifndef FFS_OWN_H
#define FFS_OWN_H

#include <stddef.h>

/*
 * The sockets of a pool of connections, which the kernel's programs are told not to count: ours are
 * no reads that anybody else makes.  Its functions are for the hooks of ffs_http_opts.
 */
struct ffs_own {
	int self; /* the pinned map, -1: none */
	int *fds;
	size_t n, cap;
};

#define FFS_OWN_INIT                                                                               \
	{                                                                                          \
		.self = -1                                                                         \
	}

/* After the pool. */
void ffs_own_release(struct ffs_own *o);

/*
 * Open the map below dir (NULL: ffs_maps_dir()), now or again because there is another one, and
 * enter all sockets that are open.  0; -errno, then nobody is told.
 */
int ffs_own_open(struct ffs_own *o, const char *dir);

void ffs_own_opened(void *own, int fd);
void ffs_own_closing(void *own, int fd);

#endif
