#ifndef FFS_LINKS_H
#define FFS_LINKS_H

#include <net/if.h>
#include <stdbool.h>

/* A network interface of this namespace. */
struct ffs_link {
	int index;
	unsigned flags; /* IFF_UP and so on */
	unsigned type;  /* ARPHRD_ETHER and so on */
	char name[IF_NAMESIZE];
};

/*
 * Watches interfaces come, go and change by rtnetlink.  Returns a descriptor that is readable when
 * something is to be told, or -errno; close it.
 */
int ffs_links_open(void);

/* Ask for all that are there: ffs_links_read() tells of each.  0 or -errno. */
int ffs_links_ask(int fd);

/*
 * Tell what is to be read, without waiting.  gone: it is no more.  Returns 0 or -errno; what was
 * lost where too much happened at once is asked for again.
 */
int ffs_links_read(
    int fd, void (*each)(void *arg, const struct ffs_link *link, bool gone), void *arg);

#endif
