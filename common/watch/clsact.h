#ifndef FFS_CLSACT_H
#define FFS_CLSACT_H

#include <stdbool.h>

/*
 * Attaching by a filter of a clsact qdisc, for kernels without TCX (before 6.6).  Unlike a link it
 * outlives its process, so dir (of the pins) remembers which qdiscs we made.
 */

/*
 * Put the program on an interface's egress and, where both, ingress.  A filter of ours that is
 * there is replaced; anybody else's stay.  0 or -errno.
 */
int ffs_clsact_attach(const char *dir, int ifindex, bool both, int prog_fd);

/*
 * Remove our filters from an interface, those of an instance that was killed too, and the qdisc if
 * we made it and nobody else uses it.  How many filters there were, or -errno.
 */
int ffs_clsact_detach(const char *dir, int ifindex);

/* The interface is gone, and its qdisc with it: another one may get its number. */
void ffs_clsact_forget(const char *dir, int ifindex);

#endif
