#ifndef FFS_ERRAND_H
#define FFS_ERRAND_H

#include <signal.h>

#include "common/cache/wanted.h"
#include "common/follow/filler.h"
#include "common/follow/own.h"

/*
 * The gateway's trigger, where there is none of the kernel's: what its clients read in parts is
 * fetched whole, by a GET of our own.
 */
struct ffs_errand;

struct ffs_errand_opts {
	struct ffs_filler_opts fill;
	struct ffs_wanted *wanted;
	const struct ffs_config_opts *config;
	const char *origin;  /* another store than the list's, NULL: none */
	struct ffs_own *own; /* the sockets of its pool */
	/* A line for the user who wants to know all. */
	void (*note)(void *arg, const char *text);
	void *arg;
	const volatile sig_atomic_t *stop;
};

/* What o points to lives longer.  NULL with errno. */
struct ffs_errand *ffs_errand_new(const struct ffs_errand_opts *o);
/* Abandons what is running. */
void ffs_errand_free(struct ffs_errand *f);

/* Fetch for so long, or until *stop.  0; -ESTALE: the cache was removed, open it anew; -errno. */
int ffs_errand_run(struct ffs_errand *f, int timeout_ms);

#endif
