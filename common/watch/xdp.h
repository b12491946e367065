#ifndef FFS_XDP_H
#define FFS_XDP_H

#include <stdbool.h>

/*
 * Attach the program prog to an interface at XDP: natively where its driver can, else generically
 * (*native tells which, and *instead why: -errno of the driver's refusal, 0).  A link's descriptor;
 * -EBUSY: others have a program there, which stays; -errno.
 */
int ffs_xdp_attach(int ifindex, int prog, bool *native, int *instead);

#endif
