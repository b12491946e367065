#ifndef FFS_PINNED_H
#define FFS_PINNED_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/stat.h>

#include "common/cache/cache.h"

/*
 * What is never evicted: DIR/pins, a line "ENDPOINT BUCKET PREFIX" each, and every key that begins
 * with PREFIX.  It is replaced by rename, and read again when that is seen.
 */
enum {
	FFS_PINNED_MAX = 4096,          /* lines */
	FFS_PINNED_BYTES = 1024 * 1024, /* of the file */
};

struct ffs_pin {
	char *endpoint, *bucket, *prefix; /* one allocation, endpoint's */
};

struct ffs_pinned {
	struct ffs_pin *v;
	size_t n;
	struct stat read; /* of the file that was read; all 0: there was none */
};

struct ffs_pinned *ffs_pinned_new(void);
void ffs_pinned_free(struct ffs_pinned *p);

/* Read them where the file is another than last time; 1 then, 0, -errno. */
int ffs_pinned_refresh(struct ffs_pinned *p, int dirfd);

/* The file's text: lines that are none are left out.  0 or -ENOMEM. */
int ffs_pinned_parse(struct ffs_pinned *p, const char *text, size_t n);

/* Is n pinned. */
bool ffs_pinned_hold(
    const struct ffs_pinned *p, const char *endpoint, const char *bucket, const char *key);

/* Put a pin on or take it off: 0; -ENOENT there was none to take; -EINVAL; -ENOSPC; -errno. */
int ffs_pinned_set(struct ffs_pinned *p, int dirfd, const struct ffs_cache_name *prefix, bool on);

#endif
