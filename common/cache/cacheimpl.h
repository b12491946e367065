#ifndef FFS_CACHEIMPL_H
#define FFS_CACHEIMPL_H

#include <openssl/evp.h>
#include <sys/stat.h>
#include <sys/types.h>

#include "common/cache/attr.h"
#include "common/cache/cache.h"
#include "common/cache/table.h"

/* What the sources of the cache share (cache.c, fill.c, room.c, evict.c, survey.c). */

enum {
	FFS_ID_BYTES = 16, /* of the SHA-256 of a name: endpoint, NUL, bucket, NUL, key */
	FFS_ID_HEX = 2 * FFS_ID_BYTES,
};

/* A name's file: "ab/HASH", a control object's "control/HASH"; ".HASH" there while it is filled. */
struct ffs_cache_id {
	unsigned char b[FFS_ID_BYTES];
	uint64_t tag;   /* in the readers' table */
	unsigned shard; /* of data */
};
enum { FFS_PATH_MAX = 8 + 1 + FFS_ID_HEX + 1 };

struct ffs_evictor;
struct ffs_pinned;

struct ffs_cache_entries {
	uint64_t n, bytes;
};

struct ffs_cache {
	char *path;
	int dirfd;   /* of path, */
	int datafd;  /* of path/v1, -1: nothing was kept yet */
	int lockfd;  /* of path/lock, -1 not opened yet */
	bool locked; /* this one follows and evicts (ffs_cache_lock) */
	bool writable;
	enum ffs_cache_refusal closed; /* why it is not */
	bool own;                      /* we are root and what we make is for somebody else: */
	uid_t uid;
	gid_t gid;
	char boot[40];
	EVP_MD *md;
	EVP_MD_CTX *mdctx;
	uint64_t clock; /* what time it is, for tests; 0: what the clock says */
	struct ffs_table table;
	struct ffs_evictor *evictor;
	struct ffs_pinned *pins;
};

void ffs_cache_id_make(
    EVP_MD_CTX *ctx, const EVP_MD *type, const struct ffs_cache_name *n, struct ffs_cache_id *id);
void ffs_cache_id(struct ffs_cache *c, const struct ffs_cache_name *n, struct ffs_cache_id *id);
/* Of a file's name, the 32 digits; false where it is none. */
bool ffs_cache_id_named(const char *hex, struct ffs_cache_id *id);
void ffs_cache_id_path(
    const struct ffs_cache_id *id, bool control, bool tmp, char out[FFS_PATH_MAX]);
/* "ab" or "control". */
void ffs_cache_shard_name(unsigned shard, char out[8]);

/* path/v1, made where it is missing and make says so.  Its descriptor or -errno. */
int ffs_cache_data(struct ffs_cache *c, bool make);
/* The directory of a shard, made where it is missing.  0 or -errno. */
int ffs_cache_shard_make(struct ffs_cache *c, unsigned shard);
/* What root makes in somebody's cache is his.  0 or -errno. */
int ffs_cache_give(struct ffs_cache *c, int fd);

uint64_t ffs_cache_now_us(const struct ffs_cache *c); /* CLOCK_REALTIME */

/* Unlink an entry, if st is given only while it is that file, and take it off the counts.  0,
 * -ENOENT, -errno. */
int ffs_cache_unlink(struct ffs_cache *c, unsigned shard, const char *path, const struct stat *st);

/* Fill a hit from an open file of the entry at path.  0, -ENOENT for anything that is not whole. */
int ffs_cache_hit_open(
    struct ffs_cache *c, const char *path, struct ffs_cache_hit *hit, struct ffs_attr *a);

/* Remove a dead filler's file, and what he had reserved.  0; -EBUSY, he lives; -ENOENT; -errno. */
int ffs_cache_sweep(struct ffs_cache *c, const char *tmp, unsigned shard);

/* --- room.c --- */

/* What a file system has, as statvfs(3) says it. */
struct ffs_disk {
	uint64_t bytes, bytes_free, inodes, inodes_free; /* inodes 0: it knows no bound (btrfs) */
};

/* What of ours must go before more may come: none where there is room. */
struct ffs_shortage {
	uint64_t bytes, entries;
	bool in_vain;               /* all of ours would not do: */
	enum ffs_cache_refusal why; /* disk or inodes */
};
void ffs_cache_shortage(const struct ffs_cache_limits *l, const struct ffs_disk *d,
    const struct ffs_cache_entries *used, const struct ffs_cache_entries *more,
    struct ffs_shortage *s);

/* The same for this cache, now. */
void ffs_cache_short(struct ffs_cache *c, uint64_t bytes, uint64_t entries, struct ffs_shortage *s);

/* Reads of an object that are closer together than any pass over the whole cache could be are
 * parts of one: programs that go through the data side by side make nothing hot. */
void ffs_cache_set_burst(struct ffs_cache *c);

/* --- evict.c --- */

void ffs_evictor_free(struct ffs_evictor *e);

/*
 * Make room for bytes in one more entry, by those last read before before_us (0: none may go).  0
 * there is room; else -ENOSPC and why not.
 */
int ffs_cache_make_room(
    struct ffs_cache *c, uint64_t bytes, uint64_t before_us, enum ffs_cache_refusal *why);
/* The same among the control objects, where the oldest go. */
int ffs_cache_control_room(struct ffs_cache *c, uint64_t bytes, enum ffs_cache_refusal *why);

/* An entry that this process has just put in place. */
void ffs_evictor_add(struct ffs_cache *c, const struct ffs_cache_id *id, const struct stat *st);

/* --- scan.c --- */

/* What a scan sees of an entry: the file's name and stat(2), no more. */
struct ffs_scan_entry {
	struct ffs_cache_id id;
	uint64_t mtime_ns, size;
};

/*
 * Each entry of a shard; removes what dead fillers left, and corrects the shard's counts where
 * nobody changes them meanwhile.  each() returns 0 to go on.  That, 0 or -errno.
 */
int ffs_cache_scan(struct ffs_cache *c, unsigned shard,
    int (*each)(void *arg, const struct ffs_scan_entry *e), void *arg);

#endif
