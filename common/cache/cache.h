#ifndef FFS_CACHE_H
#define FFS_CACHE_H

#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * The cache: a directory of plain files with xattrs, one an object (design.md, "The cache").  Any
 * number of processes read and fill it at once, without a daemon.
 *
 *	DIR/v1/ab/HASH      an entry: the bytes as they are; attr.h is what it says of itself
 *	DIR/v1/control/HASH a manifest
 *	DIR/v1/ab/.HASH     one that is being filled, locked by its filler
 *	DIR/table           what readers note, limits, counts (table.h)
 *	DIR/pins            what is never evicted (pinned.h)
 *	DIR/lock            held by whoever evicts
 *
 * HASH is half of the SHA-256 of endpoint, bucket and key; "ab" its first byte.
 *
 * Nothing is synced: an entry is right because its size and checksum say so.  "Verified" holds for
 * this boot and this mtime only, so that the first hit after a crash reads all of it.  Entries are
 * read-only files: who has been given a hard link to one cannot write into it by accident, and
 * where he does so all the same its mtime makes the next reader compare.  Who may write to the
 * directory is trusted.
 *
 * A handle belongs to one thread at a time; several handles of a process are as good as several
 * processes.
 */
struct ffs_cache;

/* An object's name.  endpoint: its store's URL as ffs_endpoint_url() spells it; for every node of
 * the node list the first one's, because copies are one object. */
struct ffs_cache_name {
	const char *endpoint, *bucket, *key;
};

/* $FFS_CACHE, else $XDG_CACHE_HOME/ffs, else ~/.cache/ffs; under sudo the invoking user's.  NULL
 * with errno; free it.  A name's endpoint and bucket have no spaces or control bytes (EINVAL). */
char *ffs_cache_dir(void);

/*
 * Open the cache at dir (NULL: ffs_cache_dir()), made (0700) where it is missing and create says
 * so.  NULL with errno; *why (free it; may be NULL) is a line for the user: ENOENT no cache there;
 * EOPNOTSUPP its file system has no user xattrs; EROFS, EACCES.  One that cannot be written is
 * opened for reading.
 */
struct ffs_cache *ffs_cache_open(const char *dir, bool create, char **why);
void ffs_cache_free(struct ffs_cache *c);

/* The directory it was opened by; may it be filled; is it still what is at that path (a long-lived
 * process opens it anew where not: somebody has removed it). */
const char *ffs_cache_path(const struct ffs_cache *c);
bool ffs_cache_writable(const struct ffs_cache *c);
bool ffs_cache_current(const struct ffs_cache *c);

/* --- reading --- */

struct ffs_cache_hit {
	int fd; /* open for reading, the caller closes it */
	uint64_t size;
	bool has_crc; /* CRC32C of these (plain) bytes */
	uint32_t crc32c;
	char etag[128];    /* of the object at the store, without quotes */
	int64_t filled;    /* time(2) when the store was asked for it */
	int64_t validated; /* time(2) when a store last said that this ETag is the current one */
	bool verified;     /* read in full and found right since the machine started */
	bool decoded; /* the plain bytes of a zstd chunk: not what the store gives by that key */
};

/*
 * Look an object up.  etag NULL: any.  Returns 0; -ENOENT where it is not there, has another ETag,
 * or misses what it should have (size, xattrs); -errno.
 * A hit is not noted by this: see ffs_cache_note_hit().  hit->fd is -1 unless it is one.
 */
int ffs_cache_find(struct ffs_cache *c, const struct ffs_cache_name *n, const char *etag,
    struct ffs_cache_hit *hit);

/* Read all of it and compare size and CRC32C; right ones are marked verified.  0, -EBADMSG, -errno.
 */
int ffs_cache_check(struct ffs_cache *c, struct ffs_cache_hit *hit);

/* Has somebody done that since it was found.  This and ffs_cache_check() use nothing of the handle
 * that changes: any thread may call them. */
bool ffs_cache_is_verified(struct ffs_cache *c, struct ffs_cache_hit *hit);

/* Mark verified what the caller has itself read in full and compared. */
void ffs_cache_verified(struct ffs_cache *c, const struct ffs_cache_hit *hit);

/* Wrong bytes: count them, and remove the entry if it is still this file. */
void ffs_cache_damaged(
    struct ffs_cache *c, const struct ffs_cache_name *n, const struct ffs_cache_hit *hit);

/* A store has just said (304, or a manifest named it) that hit's ETag is still the current one. */
void ffs_cache_validated(struct ffs_cache *c, const struct ffs_cache_hit *hit);

/*
 * Put the hit's file at name below dirfd (AT_FDCWD), in the place of what is there: a hard link, or
 * a copy where that cannot be (*linked tells; may be NULL).  Eviction takes nothing from it.  Check
 * the hit before.  0 or -errno.
 */
int ffs_cache_link(const struct ffs_cache_hit *hit, int dirfd, const char *name, bool *linked);

/* Note a read in the readers' table: a hit of so many bytes that took us microseconds, or a miss.
 */
void ffs_cache_note_hit(
    struct ffs_cache *c, const struct ffs_cache_name *n, uint64_t bytes, uint64_t us);
void ffs_cache_note_miss(struct ffs_cache *c, const struct ffs_cache_name *n);

/* --- filling --- */

/* Why an object was not kept; counted in the table by these. */
#define FFS_CACHE_REFUSALS(X)                                                                      \
	X(large, "larger than the cache")                                                          \
	X(busy, "another fill of it is running")                                                   \
	X(recent, "the cache is full of what was read more recently")                              \
	X(pinned, "what is left is pinned")                                                        \
	X(disk, "the disk is nearly full")                                                         \
	X(inodes, "the file system is nearly out of inodes")                                       \
	X(readonly, "the directory cannot be written")                                             \
	X(denied, "not wanted by --allow or --deny")                                               \
	X(unknown, "its endpoint is not configured")                                               \
	X(version, "it is a version of its own, or its name cannot be known")                      \
	X(control, "it is a control object")                                                       \
	X(stale, "the event was too old")                                                          \
	X(wrong, "its bytes were not what was promised")                                           \
	X(failed, "the store did not give it")                                                     \
	X(changed, "it was written while it was fetched")

enum ffs_cache_refusal {
#define FFS_CACHE_REFUSAL_ENUM(name, text) FFS_CACHE_REFUSED_##name,
	FFS_CACHE_REFUSALS(FFS_CACHE_REFUSAL_ENUM)
#undef FFS_CACHE_REFUSAL_ENUM
	    FFS_CACHE_REFUSALS_N
};
const char *ffs_cache_refusal_name(enum ffs_cache_refusal r);
const char *ffs_cache_refusal_text(enum ffs_cache_refusal r);
void ffs_cache_refuse(struct ffs_cache *c, enum ffs_cache_refusal r); /* count one */

struct ffs_cache_fill_opts {
	const char *etag; /* of the object at the store, without quotes */
	uint64_t size;    /* of the (plain) bytes to come */
	bool has_crc;     /* commit compares with it; else it is computed and kept */
	uint32_t crc32c;
	/*
	 * A full cache makes room only by entries idle for longer than the object's own last
	 * interval between two reads, so that data larger than the cache does not flush it.  0:
	 * from the readers' table; where that knows one read only, nothing goes (refused, recent).
	 */
	uint64_t interval_us; /* between the object's last two reads, of which */
	uint64_t ago_us;      /* the last was so long ago (an event's age) */
	uint64_t asked_us;    /* instead: somebody asked for it by name, by a command that began so
	                         long ago; all goes that was neither read nor filled since */
	int64_t since;        /* time(2) when the store was asked for it; 0: now */
	bool checked; /* the caller has compared the bytes: commit computes nothing, and has_crc */
	bool control; /* a manifest: kept beside the data, not counted as data */
	bool decoded; /* the plain bytes of a zstd chunk, whose ETag is of what the store has */
};

/*
 * Start keeping an object: makes room (evicting what the rule allows) and opens a temporary file.
 * Returns 0; -ENOSPC with *refused, already counted; -errno.
 */
struct ffs_cache_fill;
int ffs_cache_fill_begin(struct ffs_cache *c, const struct ffs_cache_name *n,
    const struct ffs_cache_fill_opts *o, struct ffs_cache_fill **f,
    enum ffs_cache_refusal *refused);
/* The next bytes, in order.  0 or -errno, after which only abort is left. */
int ffs_cache_fill_write(struct ffs_cache_fill *f, const void *p, size_t n);
/* The same into the file at once, for who gathers them himself, and reads the file while it grows:
 * its descriptor, which is gone with the fill. */
int ffs_cache_fill_through(struct ffs_cache_fill *f, const void *p, size_t n);
int ffs_cache_fill_fd(const struct ffs_cache_fill *f);
/* The head that the bytes came with (kept.h), before commit; copied.  Where there is no room for it
 * the entry is kept without. */
struct ffs_kept;
void ffs_cache_fill_head(struct ffs_cache_fill *f, const struct ffs_kept *head);
/* Checks size and checksum, and puts the entry in its place (xattrs, rename); frees f.  0;
 * -EBADMSG; -errno: nothing is left behind. */
int ffs_cache_fill_commit(struct ffs_cache_fill *f);
void ffs_cache_fill_abort(struct ffs_cache_fill *f);

/* --- keeping it small --- */

struct ffs_cache_limits {
	uint64_t size;        /* bytes of data, and */
	uint64_t entries;     /* so many files; 0: no bound but the disk's */
	unsigned min_free_pc; /* of the disk's bytes and inodes stay free */
};
#define FFS_CACHE_SIZE_DEFAULT ((uint64_t)20 << 30)
#define FFS_CACHE_MIN_FREE_DEFAULT 10

/* Limits are kept in the cache's table, so that fillers of any process obey those last set. */
void ffs_cache_limits_get(struct ffs_cache *c, struct ffs_cache_limits *l);
int ffs_cache_limits_set(struct ffs_cache *c, const struct ffs_cache_limits *l);

/* Remove an entry whatever its version (INVALIDATE).  0, -ENOENT, -errno. */
int ffs_cache_drop(struct ffs_cache *c, const struct ffs_cache_name *n);
/* Remove every entry of a bucket.  How many, or -errno. */
int64_t ffs_cache_drop_bucket(struct ffs_cache *c, const char *endpoint, const char *bucket);

/* Is it there, by its name's file alone: one access(2). */
bool ffs_cache_has(struct ffs_cache *c, const struct ffs_cache_name *n);

/*
 * Following and evicting are one process's at a time: ffs-cache takes that for as long as it
 * follows (until ffs_cache_free()), a filler that meets a full cache for a moment, which this waits
 * for.  0; -EBUSY, another follows; -errno.
 */
int ffs_cache_lock(struct ffs_cache *c);

/*
 * A small step (milliseconds) of what the holder of the lock does for all: to know the entries, to
 * remove what dead fillers left, to keep within limits that were lowered or a disk that others
 * filled, and to make room for fills of others, who are refused (busy) as long as there is none.
 * 1: call again at once; 0: in a while (a second); -errno.
 */
int ffs_cache_tick(struct ffs_cache *c);

/* --- what is in it --- */

struct ffs_cache_entry {
	char *endpoint, *bucket, *key, *etag; /* the callee's */
	uint64_t size;
	bool has_crc;
	uint32_t crc32c;
	int64_t filled;
	bool verified, pinned, decoded;
	bool control;             /* a manifest: not part of the totals */
	uint64_t hits, hit_bytes; /* from the readers' table, since it was last lost */
	int64_t last_read;        /* time(2); 0 never */
};
/* Every entry, in no order; each() returns 0 to go on, else that is the result.  Or -errno. */
int ffs_cache_each(
    struct ffs_cache *c, int (*each)(void *arg, const struct ffs_cache_entry *e), void *arg);

/* Totals of the readers' table since the cache was made. */
struct ffs_cache_totals {
	uint64_t hits, misses, hit_bytes, fills, fill_bytes, evictions, damaged;
	uint64_t entries, bytes; /* now, with those that are being filled */
	uint64_t refused[FFS_CACHE_REFUSALS_N];
	uint64_t lat[68]; /* hits' latencies in the buckets of bpf/watch.h */
};
void ffs_cache_totals(struct ffs_cache *c, struct ffs_cache_totals *t);

/* What readers noted about one object.  0 or -ENOENT. */
struct ffs_cache_noted {
	uint64_t hits, misses, bytes, lat_mean_us;
	int64_t last_read_us; /* CLOCK_REALTIME */
	uint64_t interval_us; /* between the last two reads, hits and misses */
};
int ffs_cache_noted(
    struct ffs_cache *c, const struct ffs_cache_name *n, struct ffs_cache_noted *noted);

/* --- maintenance --- */

/* Keep every object of a bucket whose key begins with prefix ("DATASET/"), or no longer.  0;
 * -ENOENT it was not pinned; -EINVAL; -errno. */
int ffs_cache_pin(
    struct ffs_cache *c, const char *endpoint, const char *bucket, const char *prefix, bool on);
/* Each pin; its key is the prefix.  each() as above. */
int ffs_cache_pins_each(
    struct ffs_cache *c, int (*each)(void *arg, const struct ffs_cache_name *prefix), void *arg);

/* Does glob mean this object: "BUCKET/KEY" (a * matches slashes too), a dataset's name, or without
 * a slash the first part of keys. */
bool ffs_cache_meant(const char *glob, const char *bucket, const char *key);
/* Is it among what is to be kept: meant by one of allow, and by none of deny (both NULL-ended;
 * NULL: no such list). */
bool ffs_cache_wanted(
    const char *const *allow, const char *const *deny, const char *bucket, const char *key);

/* Remove what glob means.  Pinned ones stay and are counted.  How many went, or -errno. */
int64_t ffs_cache_evict(struct ffs_cache *c, const char *glob, int64_t *pinned);

/* Read everything and remove what is wrong, which is given to wrong() (may be NULL; names are ""
 * where the entry does not tell).  0, -EINTR with *stop (may be NULL) set, -errno. */
struct ffs_cache_verify {
	uint64_t entries, bytes;
	uint64_t wrong;
	uint64_t left;   /* of them, those that could not be removed */
	uint64_t unread; /* could not be read: no right to, or no memory */
};
int ffs_cache_verify_all(struct ffs_cache *c, struct ffs_cache_verify *v,
    void (*wrong)(void *arg, const struct ffs_cache_entry *e), void *arg,
    const volatile sig_atomic_t *stop);

/* Remove every entry, pinned ones too, and the counters; limits and pins stay.  How many went, or
 * -errno. */
int64_t ffs_cache_clear(struct ffs_cache *c);

#endif
