#include "common/node/store.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "common/node/keypath.h"
#include "common/base/range.h"
#include "common/node/storeimpl.h"

#define ROOM_MIN (1u << 20) /* less is simply tried */

int
ffs_store_blob(struct ffs_store *s, struct ffs_blob *b, uint64_t bytes)
{
	struct statvfs vfs;
	char name[40];
	int rc;

	if (bytes > ROOM_MIN && !fstatvfs(s->tmp, &vfs) && bytes / vfs.f_frsize > vfs.f_bfree)
		return -ENOSPC;
	snprintf(name, sizeof(name), "%016jx.%jx", (uintmax_t)s->tag,
	    (uintmax_t)atomic_fetch_add(&s->seq, 1));
	rc = ffs_blob_open(b, s->tmp, name);
	return rc == -ENOENT ? -EIO : rc; /* somebody removed .ffs.tmp: no fault of the request */
}

/* Before a blob gets its name: metadata on it, and all of it on the disk. */
static int
seal(struct ffs_store *s, struct ffs_blob *b, struct ffs_objmeta *meta)
{
	char stamp[48];
	struct stat st;
	int rc = ffs_blob_flush(b);

	if (rc)
		return rc;
	if (fstat(b->fd, &st))
		return -errno;
	snprintf(stamp, sizeof(stamp), "%jx %jx", (uintmax_t)st.st_size, (uintmax_t)st.st_mtime);
	rc = ffs_objmeta_set(meta, FFS_OBJMETA_STAMP, stamp);
	if (!rc)
		rc = ffs_objmeta_save(meta, b->fd);
	return rc ? rc : ffs_store_sync(s, b->fd);
}

int
ffs_store_place(
    struct ffs_store *s, struct ffs_blob *b, struct ffs_objmeta *meta, int dirfd, const char *name)
{
	int rc = seal(s, b, meta);

	if (!rc && renameat(s->tmp, b->name, dirfd, name))
		rc = -errno;
	if (!rc) {
		ffs_blob_placed(b);
		rc = ffs_store_sync(s, dirfd);
	}
	ffs_blob_discard(b);
	return rc;
}

/* "name%", where the object steps aside to. */
static void
aside_of(char out[NAME_MAX + 2], const char *name)
{
	size_t n = strnlen(name, NAME_MAX);

	memcpy(out, name, n);
	out[n] = '%';
	out[n + 1] = '\0';
}

/* One directory of a path, made if it is missing; a file in its way steps aside. */
static int
enter(struct ffs_store *s, int dirfd, const char *name, bool make)
{
	char aside[NAME_MAX + 2];
	int rc, fd = ffs_store_beneath(dirfd, name, O_RDONLY | O_DIRECTORY);

	if (fd >= 0 || !make || (fd != -ENOENT && fd != -ENOTDIR))
		return fd;
	if (fd == -ENOTDIR) {
		aside_of(aside, name);
		if (renameat(dirfd, name, dirfd, aside))
			return -errno;
	}
	if (mkdirat(dirfd, name, 0777))
		return -errno;
	rc = ffs_store_sync(s, dirfd);
	return rc ? rc : ffs_store_beneath(dirfd, name, O_RDONLY | O_DIRECTORY);
}

/*
 * The directory of a path (with the lock held); *base is its last component.
 * The first component, the bucket, is never made.
 */
static int
open_parent(struct ffs_store *s, char *path, bool make, const char **base)
{
	char *slash = strrchr(path, '/'), *p = path, *next;
	int fd, sub;

	*base = slash + 1;
	*slash = '\0';
	fd = ffs_store_beneath(s->root, path, O_RDONLY | O_DIRECTORY);
	if (fd >= 0 || !ffs_store_absent(fd))
		return fd;
	fd = dup(s->root);
	while (fd >= 0 && p) {
		next = strchr(p, '/');
		if (next)
			*next++ = '\0';
		sub = enter(s, fd, p, make && p != path);
		close(fd);
		if (sub < 0 && ffs_store_absent(sub))
			sub = p == path ? -ENODEV
			      : make    ? -EINVAL
			                : -ENOENT; /* a link in the way */
		fd = sub;
		p = next;
	}
	return fd;
}

/* With the lock held. */
static int
check_cond(
    struct ffs_store *s, const char *bucket, const char *key, const struct ffs_store_cond *cond)
{
	struct ffs_object o;
	int rc;

	if (!cond || (!cond->if_absent && !cond->if_match))
		return 0;
	rc = ffs_store_get(s, bucket, key, &o);
	if (rc == -ENOENT)
		return cond->if_match ? -ENOENT : 0;
	if (rc)
		return rc;
	close(o.fd);
	if (cond->if_absent || !ffs_range_etag_in(cond->if_match, o.etag))
		return -ESTALE;
	return 0;
}

/* Rename a sealed blob to base in its directory, or aside where a directory has the name. */
static int
settle(struct ffs_store *s, struct ffs_blob *b, int dirfd, const char *base)
{
	char aside[NAME_MAX + 2];

	aside_of(aside, base);
	if (!renameat(s->tmp, b->name, dirfd, base)) {
		unlinkat(dirfd, aside, 0); /* one that a crash left beside it */
	} else {
		if (errno != EISDIR && errno != ENOTEMPTY && errno != EEXIST)
			return -errno;
		if (renameat(s->tmp, b->name, dirfd, aside))
			return -errno;
	}
	ffs_blob_placed(b);
	return 0;
}

int
ffs_store_put(struct ffs_store *s, const char *bucket, const char *key, struct ffs_blob *b,
    struct ffs_objmeta *meta, const struct ffs_store_cond *cond)
{
	char path[FFS_STORE_PATH];
	const char *base;
	int dirfd = -1, rc;

	rc = ffs_store_path(path, bucket, key);
	if (!rc)
		rc = seal(s, b, meta);
	if (rc)
		goto out;
	pthread_mutex_lock(&s->lock);
	rc = check_cond(s, bucket, key, cond);
	if (!rc) {
		dirfd = open_parent(s, path, true, &base);
		rc = dirfd < 0 ? dirfd : settle(s, b, dirfd, base);
	}
	pthread_mutex_unlock(&s->lock);
	if (!rc)
		rc = ffs_store_sync(s, dirfd);
out:
	if (dirfd >= 0)
		close(dirfd);
	ffs_blob_discard(b);
	return rc;
}

/*
 * Remove the directories of an object that went, up to the bucket, while they are
 * empty; an object that had stepped aside for one comes back.  path is "BUCKET/a/b"
 * and is cut.  Returns the innermost directory that is left, or -errno.
 */
static int
tidy(struct ffs_store *s, char *path)
{
	char aside[NAME_MAX + 2], *base;
	int fd;

	for (;;) {
		base = strrchr(path, '/');
		if (!base)
			return ffs_store_beneath(s->root, path, O_RDONLY | O_DIRECTORY);
		*base++ = '\0';
		fd = ffs_store_beneath(s->root, path, O_RDONLY | O_DIRECTORY);
		if (fd < 0)
			return fd;
		if (unlinkat(fd, base, AT_REMOVEDIR)) {
			close(fd);
			base[-1] = '/';
			return ffs_store_beneath(s->root, path, O_RDONLY | O_DIRECTORY);
		}
		aside_of(aside, base);
		if (!renameat(fd, aside, fd, base))
			return fd;
		close(fd);
	}
}

/* With the lock held: the name is gone, and its directories are tidy.  fd to sync, or -errno. */
static int
delete_locked(struct ffs_store *s, char *path)
{
	char aside[NAME_MAX + 2];
	const char *base;
	int fd = open_parent(s, path, false, &base), n = 0;

	if (fd < 0)
		return fd;
	aside_of(aside, base);
	if (!unlinkat(fd, base, 0))
		n++;
	else if (errno != ENOENT && errno != EISDIR) {
		n = -errno;
		close(fd);
		return n;
	}
	if (!unlinkat(fd, aside, 0))
		n++;
	close(fd);
	return n ? tidy(s, path) : -ENOENT;
}

int
ffs_store_settle(struct ffs_store *s, int *pending)
{
	int rc = 0;

	if (*pending >= 0) {
		rc = ffs_store_sync(s, *pending);
		close(*pending);
	}
	*pending = -1;
	return rc;
}

/* Leave a directory for later, and settle the one before unless it is the same. */
static int
postpone(struct ffs_store *s, int fd, int *pending)
{
	struct stat a, b;
	int rc = 0;

	if (*pending >= 0 && !fstat(fd, &a) && !fstat(*pending, &b) && a.st_ino == b.st_ino &&
	    a.st_dev == b.st_dev)
		close(fd);
	else {
		rc = ffs_store_settle(s, pending);
		*pending = fd;
	}
	return rc;
}

int
ffs_store_delete(struct ffs_store *s, const char *bucket, const char *key,
    const struct ffs_store_cond *cond, int *pending)
{
	char path[FFS_STORE_PATH];
	int fd, rc, own = -1;

	rc = ffs_store_path(path, bucket, key);
	if (rc)
		return rc;
	pthread_mutex_lock(&s->lock);
	rc = check_cond(s, bucket, key, cond);
	fd = rc ? rc : delete_locked(s, path);
	pthread_mutex_unlock(&s->lock);
	if (fd < 0)
		return fd;
	rc = postpone(s, fd, pending ? pending : &own);
	return rc || pending ? rc : ffs_store_settle(s, &own);
}

int
ffs_store_drop(struct ffs_store *s, const char *path)
{
	char name[40];

	snprintf(name, sizeof(name), "%016jx.%jx", (uintmax_t)s->tag,
	    (uintmax_t)atomic_fetch_add(&s->seq, 1));
	if (renameat(s->root, path, s->tmp, name))
		return -errno;
	ffs_store_sweep(s->tmp, name, 0);
	return unlinkat(s->tmp, name, AT_REMOVEDIR) ? -errno : 0;
}
