#ifndef FFS_SWEEP_H
#define FFS_SWEEP_H

#include <signal.h>
#include <stddef.h>
#include <stdint.h>

#include "common/s3/stores.h"

/* An object to be removed. */
struct ffs_sweep_item {
	size_t node;
	char *key; /* the list's */
	uint64_t size;
};

struct ffs_sweep {
	struct ffs_sweep_item *v;
	size_t n, cap;
};

/* Add a copy of key.  Returns 0 or -ENOMEM. */
int ffs_sweep_add(struct ffs_sweep *s, size_t node, const char *key, uint64_t size);
void ffs_sweep_release(struct ffs_sweep *s);

struct ffs_sweep_opts {
	const char *bucket;
	int64_t deadline_ms;               /* by ffs_clock_ms(); 0: none */
	const volatile sig_atomic_t *stop; /* or NULL */
	void (*each)(void *arg, const struct ffs_sweep_item *i, int rc); /* or NULL */
	void *arg;
};

/*
 * Delete them all, many at a time; one that is not there is fine.  Returns 0 or
 * the first -errno (-ETIMEDOUT past the deadline, -EINTR when stopped); *left is how many may still
 * be there, error a line for the user about the first failure.
 */
int ffs_sweep_run(struct ffs_sweep *s, struct ffs_stores *st, const struct ffs_sweep_opts *o,
    size_t *left, char *error, size_t error_len);

#endif
