#ifndef FFS_KNOWN_H
#define FFS_KNOWN_H

#include <stdbool.h>
#include <sys/socket.h>

#include "common/base/place.h"
#include "common/gate/loop.h"
#include "common/s3/config.h"
#include "common/s3/nodes.h"

/*
 * The stores that clients may mean: the gate's own origin and the nodes, whose addresses are looked
 * up now and then.  By an address, what names in the cache call its store.
 */
struct ffs_known;

/* nodes may be NULL; both live longer.  NULL: no memory. */
struct ffs_known *ffs_known_new(
    struct ffs_loop *loop, const struct ffs_endpoint *origin, const struct ffs_nodes *nodes);
void ffs_known_free(struct ffs_known *s);
/* While connections are redirected, now and then: look up what is due. */
void ffs_known_tick(struct ffs_known *s);

/* For the store at that address, or the origin (NULL).  NULL: it is none of them. */
const char *ffs_known_name(const struct ffs_known *s, const struct sockaddr_storage *meant);

/* All their hosts, as ask.h wants them. */
const char *const *ffs_known_hosts(const struct ffs_known *s);

/* Is url, by any address of its host, this place.  Its name is looked up, which may take a while,
 * only where the port is ours. */
bool ffs_known_own(const char *url, const struct ffs_place *place);

#endif
