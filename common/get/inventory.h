#ifndef FFS_INVENTORY_H
#define FFS_INVENTORY_H

#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include "common/base/exit.h"
#include "common/get/select.h"
#include "common/s3/stores.h"

/* What there is, a line each: datasets, or the chunks of one. */
struct ffs_inventory {
	struct ffs_stores *stores;
	const char *bucket;
	const struct ffs_select *select; /* which chunks; its name does not count */
	bool json;
	unsigned presign; /* URLs that are valid for so many seconds; 0: s3:// */
	FILE *out;
	/* Something cannot be listed; the rest goes on whatever it returns. */
	bool (*failed)(void *arg, enum ffs_exit status, const char *text);
	void *arg;
	const volatile sig_atomic_t *stop;
};

/*
 * Without names all datasets; for a pattern those that match; for another name the chunks of
 * that dataset.  Returns 0, -errno where out cannot be written, or -EINVAL for a bad name
 * (ffs_plan_arg_ok()).
 */
int ffs_inventory_list(const struct ffs_inventory *inv, char *const *names, size_t n);

#endif
