#ifndef FFS_WARM_H
#define FFS_WARM_H

#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/base/exit.h"
#include "common/base/progress.h"
#include "common/follow/filler.h"

/*
 * Fills what is named: by arguments, and by lines on a descriptor, as they come.
 */
struct ffs_warm {
	struct ffs_filler_opts fill; /* event and arg are what is told of fills; may be NULL */
	char *const *args; /* nargs of them: as ffs_wish_parse() takes them, "-" for the lines */
	size_t nargs;
	int fd; /* where the lines are */
	/* Something that cannot be had, or a bad line; the rest goes on. */
	void (*failed)(void *arg, enum ffs_exit status, const char *text);
	struct ffs_progress *progress; /* started */
	const volatile sig_atomic_t *stop;
	/* The outcome. */
	uint64_t filled, present, bytes;
	uint64_t unwanted; /* by --allow and --deny: that is no failure */
};

/* Returns 0, also where something failed; -EINTR after *stop; -errno. */
int ffs_warm_run(struct ffs_warm *w);

#endif
