#ifndef FFS_HIT_H
#define FFS_HIT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <time.h>

#include "common/cache/use.h"
#include "common/dataset/manifest.h"

/* An object that the cache has: an open file with its plain bytes.  Shared by count. */
struct ffs_hit {
	unsigned refs;
	const struct ffs_use *use;
	struct ffs_cache_name name; /* borrowed from the source and its manifest */
	struct ffs_cache_hit entry;
	struct ffs_object object; /* what is in the file, as if a store had it like that */
	bool fresh;               /* no store has to be asked whether this is the current version */
	bool asked;               /* one has just said so (304) */
	bool unchecked;           /* ffs_hit_check() has to say first that its bytes are right */
	uint64_t us;              /* what finding, checking and reading it took so far */
	/* Of an ffs_checker: */
	struct ffs_hit *next;
	void *arg;
	int rc; /* of ffs_hit_compare() */
	/* Of the check: */
	struct timespec mtime; /* when it began */
	uint64_t at;
	uint32_t crc;
	char *buf;
};

/*
 * Look for an object: for a chunk's (or its message) with the length and checksum of the
 * manifest and any of its ETags, or, where it has no copies yet, for whatever version there is of a
 * bare one.  Returns 0 with a count of *out; -ENOENT, also for whatever is wrong with the cache.
 */
int ffs_hit_find(const struct ffs_use *u, const char *bucket, const struct ffs_object *o, bool bare,
    struct ffs_hit **out);

/* Drops one count; the last closes the file.  NULL is fine. */
void ffs_hit_put(struct ffs_hit *h);

/*
 * Compare some more of the bytes, where h->unchecked.  0 when that is done; -EAGAIN: call again, so
 * that other things get their turn; -EBADMSG: they are wrong, and the entry was removed; -errno.
 */
int ffs_hit_check(struct ffs_hit *h);

/* The same in two steps: all of the reading, for any thread, and what follows from it. */
void ffs_hit_compare(struct ffs_hit *h);
int ffs_hit_settle(struct ffs_hit *h);

/* Read [off, off + n), all of it.  0; -EBADMSG where the file has become shorter; -errno. */
int ffs_hit_read(struct ffs_hit *h, uint64_t off, char *p, size_t n);

/* The entry is not what it should be: count that, and remove it. */
void ffs_hit_damaged(struct ffs_hit *h);

/*
 * Start keeping an object that comes from a store with this ETag, asked at since (time(2)); a bare
 * one needs no checksum.  As ffs_cache_fill_begin().
 */
int ffs_hit_keep(const struct ffs_use *u, const char *bucket, const struct ffs_object *o, bool bare,
    const char *etag, int64_t since, struct ffs_cache_fill **fill, enum ffs_cache_refusal *refused);

/* So many bytes of it were used, in us microseconds beside h->us. */
void ffs_hit_note(const struct ffs_hit *h, uint64_t bytes, uint64_t us);

#endif
