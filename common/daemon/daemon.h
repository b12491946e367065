#ifndef FFS_DAEMON_H
#define FFS_DAEMON_H

#include <signal.h>
#include <stdbool.h>

#include "common/base/exit.h"
#include "common/follow/follow.h"
#include "common/follow/tell.h"
#include "common/gate/gateopt.h"

/*
 * What ffs-cache does until it is told to end: it follows the kernel where ffs-hotmon is, now or
 * later, and serves programs beside it or alone; alone it fetches what they read in parts.
 */
struct ffs_daemon {
	const struct ffs_config_opts *config;
	const struct ffs_gateopt *gate;
	struct ffs_filler_opts fill;     /* its cache may be another behind renew() */
	struct ffs_own *own;             /* of the sockets of its stores */
	struct ffs_tell *tell;           /* what is said on stdout, and */
	void (*told)(void *arg, int rc); /* whether that could be said */
	void (*note)(void *arg, bool detail, const char *text);
	void (*failed)(
	    void *arg, enum ffs_exit status, const char *text); /* sees that *stop is set */
	struct ffs_cache *(*renew)(void *arg);                  /* it was removed: a new one */
	void *arg;
	const volatile sig_atomic_t *stop;
};

/* Until *stop. */
void ffs_daemon_run(const struct ffs_daemon *d);

#endif
