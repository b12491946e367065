#ifndef FFS_PLACE_H
#define FFS_PLACE_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/socket.h>

/* An address to listen on, and what clients on this machine call it. */
struct ffs_place {
	struct sockaddr_storage sa;
	socklen_t len;
	bool loopback;
	char url[80]; /* "http://127.0.0.1:9000"; of one that means all addresses, loopback's */
};

/* "127.0.0.1:9000", "[::1]:9000", "localhost:9000".  0; -EINVAL with what is wrong in why. */
int ffs_place_parse(struct ffs_place *p, const char *text, char *why, size_t n);

/* Listen there, without blocking; port 0 becomes the one that it is.  A descriptor or -errno. */
int ffs_place_listen(struct ffs_place *p);

#endif
