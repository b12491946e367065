#ifndef FFS_FOLLOW_H
#define FFS_FOLLOW_H

#include <signal.h>
#include <stdbool.h>
#include <stdint.h>

#include "common/follow/filler.h"
#include "common/follow/own.h"

/*
 * The kernel's trigger: HOT events fill the cache, INVALIDATE events drop from it.
 */
struct ffs_follow;

struct ffs_follow_opts {
	struct ffs_filler_opts fill; /* its event and arg are what is told of fills */
	struct ffs_own *own;         /* the sockets of the stores' pool */
	const char *dir;             /* of the pins, NULL: ffs_maps_dir() */
	/* Entries were dropped because somebody wrote; key NULL: the bucket's, so many. */
	void (*dropped)(void *arg, const char *bucket, const char *key, int64_t entries);
	/* A line for the user: the kernel's side has gone, or is back. */
	void (*note)(void *arg, const char *text);
	const volatile sig_atomic_t *stop;
};

/* What it has seen. */
struct ffs_follow_stats {
	uint64_t hot, invalidate, walks, fills, fill_bytes;
	uint64_t p50_us, p99_us; /* from HOT to the file; 0: of none */
};

/* NULL with errno: ENOENT, ESTALE, EACCES, EPROTONOSUPPORT no maps, EBUSY another one follows;
 * *why (free it) is a line for the user or NULL. */
struct ffs_follow *ffs_follow_new(const struct ffs_follow_opts *o, char **why);

/* Abandons what is running; before the stores are released. */
void ffs_follow_free(struct ffs_follow *f);

/* Follow until *stop.  0; -ESTALE: the cache was removed, open it anew; -errno. */
int ffs_follow_run(struct ffs_follow *f);

void ffs_follow_stats(const struct ffs_follow *f, struct ffs_follow_stats *s);

#endif
