#ifndef FFS_STOREIMPL_H
#define FFS_STOREIMPL_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "common/node/keypath.h"

/* What common/node/store.c (reading) and common/node/storewrite.c (changing) share. */

#define FFS_STORE_PATH (64 + 1 + FFS_KEYPATH_MAX) /* a bucket, a slash, a key's path */

struct ffs_store {
	int root, tmp;
	bool sync;
	uint64_t tag; /* makes names of temporaries unlike those of earlier runs */
	atomic_uint_fast64_t seq;
	pthread_mutex_t lock; /* whoever changes names holds it: conditions are atomic */
};

/* Open below dirfd; no link and no ".." leads out (openat2(2), Linux 5.6).  fd or -errno. */
int ffs_store_beneath(int dirfd, const char *path, int flags);

/* -errno of an absent path, whatever the reason: no directory, a file in the way, a link. */
bool ffs_store_absent(int rc);

/* "BUCKET/KEY'S/PATH".  -ENODEV for what is no bucket's name, or ffs_keypath_encode()'s error. */
int ffs_store_path(char path[FFS_STORE_PATH], const char *bucket, const char *key);

/* Remove what is in a directory, and in directories in it down to depth. */
int ffs_store_sweep(int at, const char *name, int depth);

#endif
