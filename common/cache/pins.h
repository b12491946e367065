#ifndef FFS_PINS_H
#define FFS_PINS_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/stat.h>

#include "common/cache/cache.h"

/*
 * What is never evicted: DIR/pins, a line "ENDPOINT BUCKET PREFIX" each, and every key that begins
 * with PREFIX.  It is replaced by rename, and read again when that is seen.
 */
enum {
	FFS_PINS_MAX = 4096,          /* lines */
	FFS_PINS_BYTES = 1024 * 1024, /* of the file */
};

struct ffs_pin {
	char *endpoint, *bucket, *prefix; /* one allocation, endpoint's */
};

struct ffs_pins {
	struct ffs_pin *v;
	size_t n;
	struct stat read; /* of the file that was read; all 0: there was none */
};

struct ffs_pins *ffs_pins_new(void);
void ffs_pins_free(struct ffs_pins *p);

/* Read them where the file is another than last time; 1 then, 0, -errno. */
int ffs_pins_refresh(struct ffs_pins *p, int dirfd);

/* The file's text: lines that are none are left out.  0 or -ENOMEM. */
int ffs_pins_parse(struct ffs_pins *p, const char *text, size_t n);

/* Is n pinned. */
bool ffs_pins_hold(
    const struct ffs_pins *p, const char *endpoint, const char *bucket, const char *key);

/* Put a pin on or take it off: 0; -ENOENT there was none to take; -EINVAL; -ENOSPC; -errno. */
int ffs_pins_set(struct ffs_pins *p, int dirfd, const struct ffs_cache_name *prefix, bool on);

#endif
