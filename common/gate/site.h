#ifndef FFS_SITE_H
#define FFS_SITE_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>

#include "common/gate/loop.h"

/*
 * Where an origin is: the addresses of its URL's host, looked up by a thread, and again after a
 * while.  Those before stay good until then.
 */
enum { FFS_SITE_ADDRESSES = 16, FFS_SITE_AGE_MS = 60000, FFS_SITE_AGAIN_MS = 2000 };

struct ffs_site {
	bool https;
	char host[256]; /* without brackets */
	char port[6];
	struct sockaddr_storage v[FFS_SITE_ADDRESSES];
	unsigned n;
	unsigned good; /* the one that was reached last */
	bool looking;
	int rc; /* of the last look-up: 0, -EHOSTUNREACH */
	/* Called when a look-up has ended. */
	void (*known)(void *arg);
	void *arg;
	/* site.c's */
	bool fixed;
	int64_t at;
	struct ffs_loop *loop;
	struct lookup *lookup;
};

/* url as ffs_endpoint_url() spells it.  0, -EINVAL. */
int ffs_site_init(struct ffs_site *p, struct ffs_loop *loop, const char *url);
/* Its addresses, waiting for them: for before there is a loop. */
void ffs_site_look(struct ffs_site *p);
/* One address. */
void ffs_site_exact(struct ffs_site *p, struct ffs_loop *loop, const struct sockaddr_storage *addr);
void ffs_site_release(struct ffs_site *p);

/* It is needed: have it looked up where that is due.  True: addresses are there. */
bool ffs_site_want(struct ffs_site *p);

/* Are two the same address and port; v4-mapped ones are those that they map. */
bool ffs_site_same(const struct sockaddr_storage *a, const struct sockaddr_storage *b);
socklen_t ffs_site_len(const struct sockaddr_storage *a);

#endif
