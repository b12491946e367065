#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <time.h>
#include <unistd.h>

#include "common/base/crc32c.h"
#include "common/cache/cacheimpl.h"
#include "common/cache/kept.h"

/*
 * A fill: bytes go to ".HASH" beside the entry's place, locked as long as its filler lives, and are
 * renamed there.  The lock makes fills of one object single in the machine, and tells a dead
 * filler's file from a live one's.  Nothing is synced: after a crash an entry may be short or
 * wrong, which its size, checksum and the boot id of "verified" are there to find.
 */
struct ffs_cache_fill {
	struct ffs_cache *c;
	struct ffs_cache_id id;
	struct ffs_attr attr;
	bool has_crc, checked, control;
	uint32_t want;
	uint64_t written;
	char *gathered; /* bytes that are not written yet: ngathered, room for GATHER */
	size_t ngathered;
	struct ffs_kept *head; /* NULL: none */
	int fd;
	int rc; /* of a write that failed */
	char tmp[FFS_PATH_MAX], path[FFS_PATH_MAX];
};

/*
 * Bytes come from connections in pieces of 16 KiB.  Written as they come the page cache would keep
 * them in folios as small, and reading them back takes half as long again.
 */
enum { GATHER = 1 << 20 };

static unsigned
shard_of(const struct ffs_cache_fill *f)
{
	return f->control ? FFS_SHARD_CONTROL : f->id.shard;
}

/* Is fd what is at path. */
static bool
is_at(int datafd, const char *path, int fd)
{
	struct stat a, b;

	return !fstatat(datafd, path, &a, AT_SYMLINK_NOFOLLOW) && !fstat(fd, &b) &&
	       a.st_ino == b.st_ino && a.st_dev == b.st_dev;
}

/*
 * The temporary, new and locked.  -EBUSY: another fill's.  A file is only ours when it was locked
 * while it was still at its name, because a cleaner may take it between open and lock.
 */
static int
open_tmp(struct ffs_cache *c, const char *tmp, unsigned shard)
{
	int datafd = ffs_cache_data(c, true), fd, tries, rc;

	for (tries = 0; datafd >= 0 && tries < 20; tries++) {
		fd = openat(datafd, tmp, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
		if (fd >= 0) {
			if (!flock(fd, LOCK_EX | LOCK_NB) && is_at(datafd, tmp, fd))
				return fd;
			close(fd);
			continue;
		}
		if (errno == ENOENT) {
			rc = ffs_cache_shard_make(c, shard);
			if (rc)
				return rc;
			continue;
		}
		if (errno != EEXIST)
			return -errno;
		rc = ffs_cache_sweep(c, tmp, shard);
		if (rc && rc != -ENOENT)
			return rc;
	}
	return datafd < 0 ? datafd : -EBUSY;
}

int
ffs_cache_sweep(struct ffs_cache *c, const char *tmp, unsigned shard)
{
	int datafd = ffs_cache_data(c, false), rc = 0;
	int fd =
	    datafd < 0 ? -1 : openat(datafd, tmp, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	struct stat st;

	if (fd < 0)
		return datafd < 0 ? datafd : -errno;
	if (flock(fd, LOCK_EX | LOCK_NB) || fstat(fd, &st)) {
		rc = errno == EWOULDBLOCK ? -EBUSY : -errno;
	} else if (is_at(datafd, tmp, fd)) {
		if (unlinkat(datafd, tmp, 0))
			rc = -errno;
		else if (shard != FFS_SHARD_CONTROL)
			/* its size is what he had reserved */
			ffs_table_count(&c->table, shard, -1, -(int64_t)st.st_size);
	}
	close(fd);
	return rc;
}

static int
refuse(struct ffs_cache *c, enum ffs_cache_refusal why, enum ffs_cache_refusal *refused)
{
	ffs_cache_refuse(c, why);
	*refused = why;
	return -ENOSPC;
}

/* Why it cannot be kept whatever goes, FFS_CACHE_REFUSALS_N: it can. */
static enum ffs_cache_refusal
hopeless(struct ffs_cache *c, const struct ffs_cache_fill_opts *o)
{
	struct ffs_cache_limits l;

	if (!c->writable)
		return c->closed;
	ffs_cache_limits_get(c, &l);
	return o->size > l.size ? FFS_CACHE_REFUSED_large : FFS_CACHE_REFUSALS_N;
}

/* What was last read before that goes for it (evict.c).  0: nothing, it was read once only. */
static uint64_t
goes_before(struct ffs_cache *c, const struct ffs_cache_id *id, const struct ffs_cache_fill_opts *o)
{
	uint64_t now = ffs_cache_now_us(c), back = 0, mark, interval;
	struct ffs_table_slot *s;

	if (o->asked_us) {
		back = o->asked_us;
	} else if (o->interval_us > ffs_table_get(&c->table.h->burst)) {
		back = o->interval_us / 2 * 3 + o->ago_us;
	} else if ((s = ffs_table_slot(&c->table, id->tag, false))) {
		mark = ffs_table_get(&s->mark);
		interval = ffs_table_get(&s->interval);
		/* counted from its last read, not from now */
		back = interval ? interval / 2 * 3 + (now > mark ? now - mark : 0) : 0;
	}
	return back && back < now ? now - back : 0;
}

static void
unreserve(struct ffs_cache_fill *f)
{
	if (!f->control)
		ffs_table_count(&f->c->table, f->id.shard, -1, -(int64_t)f->attr.size);
}

/* Counted from here on, so that fills that run at once do not all see the same room. */
static int
reserve(struct ffs_cache_fill *f, enum ffs_cache_refusal *why)
{
	struct ffs_shortage s;

	if (f->control)
		return 0;
	ffs_table_count(&f->c->table, f->id.shard, 1, (int64_t)f->attr.size);
	ffs_cache_short(f->c, 0, 0, &s);
	if (!s.bytes && !s.entries)
		return 0;
	unreserve(f);
	*why = FFS_CACHE_REFUSED_busy;
	return -ENOSPC;
}

static int
begin(struct ffs_cache_fill *f, const struct ffs_cache_fill_opts *o, enum ffs_cache_refusal *why)
{
	struct ffs_cache *c = f->c;
	struct ffs_shortage s;
	int rc;

	rc = f->control ? ffs_cache_control_room(c, o->size, why)
	                : ffs_cache_make_room(c, o->size, goes_before(c, &f->id, o), why);
	if (rc)
		return rc;
	f->fd = open_tmp(c, f->tmp, shard_of(f));
	if (f->fd < 0) {
		ffs_cache_short(c, 0, 1, &s);
		*why = f->fd == -EBUSY ? FFS_CACHE_REFUSED_busy
		       : s.entries     ? FFS_CACHE_REFUSED_inodes
		                       : FFS_CACHE_REFUSED_disk;
		return f->fd == -EBUSY || f->fd == -EDQUOT ? -ENOSPC : f->fd;
	}
	rc = ffs_cache_give(c, f->fd);
	if (!rc)
		rc = reserve(f, why);
	if (rc)
		goto undo;
	/* The disk's room too, before the first byte; some file systems cannot.  Either way the
	 * file's size says what was reserved, should we be killed. */
	if (o->size && fallocate(f->fd, 0, 0, (off_t)o->size) &&
	    (errno == ENOSPC || errno == EDQUOT || ftruncate(f->fd, (off_t)o->size))) {
		unreserve(f);
		*why = FFS_CACHE_REFUSED_disk;
		rc = -ENOSPC;
		goto undo;
	}
	return 0;
undo:
	unlinkat(ffs_cache_data(c, false), f->tmp, 0);
	close(f->fd);
	return rc;
}

static int
fill_init(
    struct ffs_cache_fill *f, const struct ffs_cache_name *n, const struct ffs_cache_fill_opts *o)
{
	if (ffs_attr_name_ok(n) || ffs_attr_etag_ok(o->etag) || (o->checked && !o->has_crc) ||
	    o->size > INT64_MAX)
		return -EINVAL;
	f->attr.size = o->size;
	f->attr.decoded = o->decoded;
	f->attr.filled = o->since ? o->since : (int64_t)time(NULL);
	strcpy(f->attr.etag, o->etag);
	strcpy(f->attr.endpoint, n->endpoint);
	strcpy(f->attr.bucket, n->bucket);
	strcpy(f->attr.key, n->key);
	f->has_crc = o->has_crc;
	f->checked = o->checked;
	f->want = o->crc32c;
	f->control = o->control;
	ffs_cache_id(f->c, n, &f->id);
	ffs_cache_id_path(&f->id, f->control, true, f->tmp);
	ffs_cache_id_path(&f->id, f->control, false, f->path);
	return 0;
}

int
ffs_cache_fill_begin(struct ffs_cache *c, const struct ffs_cache_name *n,
    const struct ffs_cache_fill_opts *o, struct ffs_cache_fill **out,
    enum ffs_cache_refusal *refused)
{
	struct ffs_cache_fill *f;
	enum ffs_cache_refusal why = hopeless(c, o);
	int rc;

	*out = NULL;
	if (why != FFS_CACHE_REFUSALS_N)
		return refuse(c, why, refused);
	f = calloc(1, sizeof(*f));
	if (!f)
		return -ENOMEM;
	f->c = c;
	rc = fill_init(f, n, o);
	if (!rc)
		rc = begin(f, o, &why);
	if (!rc) {
		*out = f;
		return 0;
	}
	free(f);
	return rc == -ENOSPC ? refuse(c, why, refused) : rc;
}

static int
write_out(struct ffs_cache_fill *f, const char *p, size_t n)
{
	ssize_t w;

	while (n) {
		w = write(f->fd, p, n);
		if (w < 0 && errno == EINTR)
			continue;
		if (w <= 0) {
			f->rc = w ? -errno : -EIO;
			if (f->rc == -ENOSPC || f->rc == -EDQUOT)
				ffs_cache_refuse(f->c, FFS_CACHE_REFUSED_disk);
			return f->rc;
		}
		p += w;
		n -= (size_t)w;
	}
	return 0;
}

static int
write_gathered(struct ffs_cache_fill *f)
{
	size_t n = f->ngathered;

	f->ngathered = 0;
	return write_out(f, f->gathered, n);
}

/* Bytes that are to be written: no more than were promised. */
static int
take(struct ffs_cache_fill *f, const void *p, size_t n)
{
	if (f->rc)
		return f->rc;
	if (n > f->attr.size - f->written) {
		ffs_cache_refuse(f->c, FFS_CACHE_REFUSED_wrong);
		return f->rc = -EBADMSG;
	}
	if (!f->checked)
		f->attr.crc32c = ffs_crc32c(f->attr.crc32c, p, n);
	f->written += n;
	return 0;
}

int
ffs_cache_fill_through(struct ffs_cache_fill *f, const void *p, size_t n)
{
	int rc = take(f, p, n);

	return rc ? rc : write_out(f, p, n);
}

int
ffs_cache_fill_fd(const struct ffs_cache_fill *f)
{
	return f->fd;
}

int
ffs_cache_fill_write(struct ffs_cache_fill *f, const void *p, size_t n)
{
	const char *at = p;
	size_t part;
	int rc = take(f, p, n);

	if (rc)
		return rc;
	/* All of it at once, or no memory to gather it in. */
	if (!f->gathered && (n >= GATHER || n == f->attr.size || !(f->gathered = malloc(GATHER))))
		return write_out(f, at, n);
	while (n && !rc) {
		part = n < GATHER - f->ngathered ? n : GATHER - f->ngathered;
		memcpy(f->gathered + f->ngathered, at, part);
		f->ngathered += part;
		at += part;
		n -= part;
		if (f->ngathered == GATHER)
			rc = write_gathered(f);
	}
	return rc;
}

void
ffs_cache_fill_head(struct ffs_cache_fill *f, const struct ffs_kept *head)
{
	/* Of decoded bytes it says nothing. */
	if (f->attr.decoded || (!f->head && !(f->head = malloc(sizeof(*head)))))
		return;
	*f->head = *head;
}

/* Say what it is, and put it in its place. */
static int
settle(struct ffs_cache_fill *f)
{
	struct ffs_cache *c = f->c;
	char text[FFS_ATTR_MAX];
	struct stat old, st;
	struct ffs_table_slot *slot;
	bool had;
	int n, datafd = ffs_cache_data(c, false);

	if (datafd < 0)
		return datafd;
	n = ffs_attr_format(&f->attr, text);
	if (n < 0)
		return n;
	if (fsetxattr(f->fd, FFS_ATTR_OBJECT, text, (size_t)n, 0))
		return -errno;
	/* The last that may need room, which ext4 has little of: it is as good an entry without. */
	if (f->head)
		(void)ffs_kept_write(f->fd, f->head, f->attr.etag);
	if (fchmod(f->fd, 0444) || fstat(f->fd, &st))
		return -errno;
	had = !fstatat(datafd, f->path, &old, AT_SYMLINK_NOFOLLOW);
	slot = ffs_table_slot(&c->table, f->id.tag, false);
	if (slot)
		__atomic_store_n(&slot->visited, 0, __ATOMIC_RELAXED);
	if (renameat(datafd, f->tmp, datafd, f->path))
		return -errno;
	if (had)
		ffs_table_count(&c->table, shard_of(f), -1, -(int64_t)old.st_size);
	if (f->control)
		ffs_table_count(&c->table, FFS_SHARD_CONTROL, 1, (int64_t)f->attr.size);
	else
		ffs_evictor_add(c, &f->id, &st);
	ffs_table_add(&c->table.h->fills, 1);
	ffs_table_add(&c->table.h->fill_bytes, f->attr.size);
	return 0;
}

static void
release(struct ffs_cache_fill *f)
{
	close(f->fd);
	free(f->gathered);
	free(f->head);
	free(f);
}

int
ffs_cache_fill_commit(struct ffs_cache_fill *f)
{
	int rc = f->rc ? f->rc : write_gathered(f);

	if (!rc && f->checked)
		f->attr.crc32c = f->want;
	if (!rc && (f->written != f->attr.size || (f->has_crc && f->attr.crc32c != f->want))) {
		ffs_cache_refuse(f->c, FFS_CACHE_REFUSED_wrong);
		rc = -EBADMSG;
	}
	if (!rc) {
		rc = settle(f);
		if (rc == -ENOSPC || rc == -EDQUOT)
			ffs_cache_refuse(f->c, FFS_CACHE_REFUSED_disk);
	}
	if (rc) {
		f->rc = rc;
		ffs_cache_fill_abort(f);
		return rc;
	}
	release(f);
	return 0;
}

void
ffs_cache_fill_abort(struct ffs_cache_fill *f)
{
	int datafd;

	if (!f)
		return;
	datafd = ffs_cache_data(f->c, false);
	unreserve(f);
	if (datafd >= 0 && is_at(datafd, f->tmp, f->fd))
		unlinkat(datafd, f->tmp, 0);
	release(f);
}
