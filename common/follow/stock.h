#ifndef FFS_STOCK_H
#define FFS_STOCK_H

#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include "common/base/buf.h"
#include "common/base/exit.h"
#include "common/cache/cache.h"

/* What is in a cache, and how it has done, for people and for programs. */
struct ffs_stock {
	struct ffs_cache *cache;
	bool json;
	FILE *out;
	const char *endpoint, *bucket; /* of datasets to pin */
	const volatile sig_atomic_t *stop;
	/* Something that cannot be done; the rest goes on. */
	void (*failed)(void *arg, enum ffs_exit status, const char *text);
	void *arg;
};

enum ffs_stock_mode {
	FFS_STOCK_LIST,  /* a line for each entry that any glob (ffs_cache_meant()) means, or all */
	FFS_STOCK_STAT,  /* counts, limits, and hits' latency */
	FFS_STOCK_PIN,   /* keep these datasets; without names: a line for each pin */
	FFS_STOCK_UNPIN, /* and no longer */
	FFS_STOCK_EVICT, /* remove what any glob means */
	FFS_STOCK_VERIFY, /* read everything, remove what is wrong (failed(), FFS_EXIT_INTEGRITY) */
	FFS_STOCK_CLEAR,  /* remove everything */
};

/* Do that.  0, what went wrong given to failed(); -EINTR with *stop set; -errno of out. */
int ffs_stock_run(
    const struct ffs_stock *s, enum ffs_stock_mode mode, char *const *names, size_t n);

/* FFS_STOCK_STAT. */
int ffs_stock_stat(const struct ffs_stock *s);

/* An object's URL, path style, percent-encoded: what ffs_wish_parse() reads. */
void ffs_stock_url(struct ffs_buf *b, const char *endpoint, const char *bucket, const char *key);

#endif
