#include "common/store.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "common/keypath.h"
#include "common/range.h"

#define TMP ".ffs.tmp"

/* A bucket, a slash, a key's path. */
#define PATH_CAP (64 + 1 + FFS_KEYPATH_MAX)

struct ffs_store {
	int root, tmp;
	bool sync;
	uint64_t tag; /* makes names of temporaries unlike those of earlier runs */
	atomic_uint_fast64_t seq;
	pthread_mutex_t lock; /* whoever changes names holds it: conditions are atomic */
};

/* Open below dirfd; no link and no ".." leads out (openat2(2), Linux 5.6). */
static int
open_beneath(int dirfd, const char *path, int flags)
{
	struct open_how how = {
		.flags = (uint64_t)(flags | O_CLOEXEC | O_NOFOLLOW),
		.resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS,
	};
	long fd;

	do
		fd = syscall(SYS_openat2, dirfd, path, &how, sizeof(how));
	while (fd < 0 && (errno == EINTR || errno == EAGAIN));
	return fd < 0 ? -errno : (int)fd;
}

/* An absent path, whatever the reason: a missing directory, a file in the way, a link. */
static bool
absent(int rc)
{
	return rc == -ENOENT || rc == -ENOTDIR || rc == -ELOOP || rc == -EXDEV;
}

int
ffs_store_sync(struct ffs_store *s, int fd)
{
	return s->sync && fsync(fd) ? -errno : 0;
}

int
ffs_store_opendir(struct ffs_store *s, const char *path)
{
	return open_beneath(s->root, *path ? path : ".", O_RDONLY | O_DIRECTORY);
}

/* --- life --- */

static int
make_dir(int at, const char *name)
{
	int fd;

	if (mkdirat(at, name, 0777) && errno != EEXIST)
		return -errno;
	fd = openat(at, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return fd < 0 ? -errno : fd;
}

/* mkdir -p */
static int
make_path(const char *dir)
{
	char *path = strdup(dir), *p;
	int fd;

	if (!path)
		return -ENOMEM;
	for (p = path + 1; *path && (p = strchr(p, '/')); p++) {
		*p = '\0';
		if (mkdir(path, 0777) && errno != EEXIST) {
			free(path);
			return -errno;
		}
		*p = '/';
	}
	free(path);
	fd = make_dir(AT_FDCWD, dir);
	return fd;
}

static int
sweep(int tmp)
{
	int fd = openat(tmp, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *d = fd < 0 ? NULL : fdopendir(fd);
	struct dirent *e;

	if (!d) {
		int rc = -errno;

		if (fd >= 0)
			close(fd);
		return rc;
	}
	while ((e = readdir(d)))
		if (strcmp(e->d_name, ".") && strcmp(e->d_name, ".."))
			unlinkat(tmp, e->d_name, 0);
	closedir(d);
	return 0;
}

static int
probe_xattr(int fd)
{
	if (fsetxattr(fd, "user.ffs.probe", "1", 1, 0))
		return errno == EPERM || errno == ENOTSUP ? -EOPNOTSUPP : -errno;
	fremovexattr(fd, "user.ffs.probe");
	return 0;
}

int
ffs_store_open(struct ffs_store **out, const char *dir, bool sync)
{
	struct ffs_store *s = calloc(1, sizeof(*s));
	int rc;

	*out = NULL;
	if (!s)
		return -ENOMEM;
	s->tmp = -1;
	s->sync = sync;
	pthread_mutex_init(&s->lock, NULL);
	rc = s->root = make_path(dir);
	if (rc < 0)
		goto out;
	if (flock(s->root, LOCK_EX | LOCK_NB)) {
		rc = errno == EWOULDBLOCK ? -EBUSY : -errno;
		goto out;
	}
	rc = s->tmp = make_dir(s->root, TMP);
	if (rc < 0)
		goto out;
	rc = probe_xattr(s->tmp);
	if (rc)
		goto out;
	rc = sweep(s->tmp);
	if (rc)
		goto out;
	if (getrandom(&s->tag, sizeof(s->tag), 0) != sizeof(s->tag)) {
		rc = -EIO;
		goto out;
	}
	rc = make_dir(s->root, FFS_STORE_UPLOADS);
	if (rc < 0)
		goto out;
	close(rc);
	rc = ffs_store_sync(s, s->root);
out:
	if (rc)
		ffs_store_close(s);
	else
		*out = s;
	return rc;
}

void
ffs_store_close(struct ffs_store *s)
{
	if (!s)
		return;
	if (s->tmp >= 0)
		close(s->tmp);
	if (s->root >= 0)
		close(s->root);
	pthread_mutex_destroy(&s->lock);
	free(s);
}

/* --- buckets --- */

int
ffs_store_bucket_make(struct ffs_store *s, const char *bucket)
{
	if (!ffs_keypath_bucket_ok(bucket))
		return -EINVAL;
	if (mkdirat(s->root, bucket, 0777))
		return -errno;
	return ffs_store_sync(s, s->root);
}

/* Remove directories that hold no file: a crash may leave some, and no listing shows them. */
static void
prune(int dirfd, const char *name)
{
	int fd = openat(dirfd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	DIR *d = fd < 0 ? NULL : fdopendir(fd);
	struct dirent *e;

	if (!d) {
		if (fd >= 0)
			close(fd);
		return;
	}
	while ((e = readdir(d))) {
		if (!strcmp(e->d_name, ".") || !strcmp(e->d_name, ".."))
			continue;
		if (e->d_type != DT_DIR && e->d_type != DT_UNKNOWN)
			break; /* not empty: no need to look on */
		prune(fd, e->d_name);
		if (unlinkat(fd, e->d_name, AT_REMOVEDIR))
			break;
	}
	closedir(d);
}

int
ffs_store_bucket_remove(struct ffs_store *s, const char *bucket)
{
	int rc = 0;

	if (!ffs_keypath_bucket_ok(bucket))
		return -ENODEV;
	pthread_mutex_lock(&s->lock);
	if (unlinkat(s->root, bucket, AT_REMOVEDIR)) {
		rc = errno == ENOENT ? -ENODEV : -errno;
		if (rc == -ENOTEMPTY) {
			prune(s->root, bucket);
			rc = unlinkat(s->root, bucket, AT_REMOVEDIR) ? -errno : 0;
		}
	}
	pthread_mutex_unlock(&s->lock);
	return rc ? rc : ffs_store_sync(s, s->root);
}

int
ffs_store_bucket_stat(struct ffs_store *s, const char *bucket, time_t *made)
{
	struct stat st;

	if (!ffs_keypath_bucket_ok(bucket))
		return -ENODEV;
	if (fstatat(s->root, bucket, &st, AT_SYMLINK_NOFOLLOW))
		return errno == ENOENT ? -ENODEV : -errno;
	if (!S_ISDIR(st.st_mode))
		return -ENODEV;
	if (made)
		*made = st.st_mtime;
	return 0;
}

/* --- reading --- */

static int
object_path(char path[PATH_CAP], const char *bucket, const char *key)
{
	size_t n = strlen(bucket);

	if (!ffs_keypath_bucket_ok(bucket))
		return -ENODEV;
	memcpy(path, bucket, n);
	path[n++] = '/';
	return ffs_keypath_encode(path + n, key);
}

int
ffs_store_describe(int fd, struct ffs_object *o)
{
	char stamp[48], want[48];
	struct stat st;

	if (fstat(fd, &st))
		return -errno;
	if (S_ISDIR(st.st_mode))
		return -EISDIR;
	if (!S_ISREG(st.st_mode))
		return -ENOENT;
	o->size = (uint64_t)st.st_size;
	o->mtime = st.st_mtime;
	o->etag[0] = '\0';
	ffs_objmeta_load(&o->meta, fd);
	snprintf(want, sizeof(want), "%jx %jx", (uintmax_t)st.st_size, (uintmax_t)st.st_mtime);
	if (ffs_objmeta_get(&o->meta, FFS_OBJMETA_STAMP, stamp, sizeof(stamp)) &&
	    !strcmp(stamp, want))
		ffs_objmeta_get(&o->meta, FFS_OBJMETA_ETAG, o->etag, sizeof(o->etag));
	if (!o->etag[0]) {
		/* Put here, or edited, by hand: the '-' tells clients that it is no MD5. */
		ffs_objmeta_init(&o->meta);
		snprintf(o->etag, sizeof(o->etag), "%jx%08lx%jx-0", (uintmax_t)st.st_mtime,
		    (unsigned long)st.st_mtim.tv_nsec, (uintmax_t)st.st_size ^ st.st_ino << 20);
	}
	return 0;
}

/* Open the file at a path as an object.  -EISDIR where a directory is there. */
static int
get_at(struct ffs_store *s, const char *path, struct ffs_object *o)
{
	int rc, fd = open_beneath(s->root, path, O_RDONLY | O_NONBLOCK | O_NOCTTY);

	if (fd < 0)
		return absent(fd) ? -ENOENT : fd;
	rc = ffs_store_describe(fd, o);
	if (rc)
		close(fd);
	else
		o->fd = fd;
	return rc;
}

int
ffs_store_get(struct ffs_store *s, const char *bucket, const char *key, struct ffs_object *o)
{
	char path[PATH_CAP];
	int rc, turn;
	size_t n;

	o->fd = -1;
	rc = object_path(path, bucket, key);
	if (rc)
		return rc;
	/* It may be stepping aside or back at this moment: at its path, aside, at its path. */
	n = strlen(path);
	for (turn = 0; turn < 3; turn++) {
		path[n] = turn == 1 ? '%' : '\0';
		path[n + 1] = '\0';
		rc = get_at(s, path, o);
		if (rc != -ENOENT && rc != -EISDIR)
			return rc;
	}
	rc = ffs_store_bucket_stat(s, bucket, NULL);
	return rc ? rc : -ENOENT;
}

/* --- writing --- */

int
ffs_blob_open(struct ffs_blob *b, struct ffs_store *s)
{
	b->store = s;
	b->len = 0;
	snprintf(b->name, sizeof(b->name), "%016jx.%jx", (uintmax_t)s->tag,
	    (uintmax_t)atomic_fetch_add(&s->seq, 1));
	b->fd = openat(s->tmp, b->name, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
	return b->fd < 0 ? -errno : 0;
}

int
ffs_blob_write(struct ffs_blob *b, const void *p, size_t n)
{
	const char *from = p;
	ssize_t w;

	while (n) {
		w = pwrite(b->fd, from, n, (off_t)b->len);
		if (w < 0) {
			if (errno == EINTR)
				continue;
			return -errno;
		}
		from += w;
		n -= (size_t)w;
		b->len += (uint64_t)w;
	}
	return 0;
}

int
ffs_blob_copy(struct ffs_blob *b, int fd, uint64_t off, uint64_t n)
{
	loff_t from = (loff_t)off, to = (loff_t)b->len;
	ssize_t w;

	while (n) {
		w = copy_file_range(fd, &from, b->fd, &to, n < 1u << 30 ? n : 1u << 30, 0);
		if (w < 0 && errno == EINTR)
			continue;
		if (w <= 0)
			return w ? -errno : -EIO;
		n -= (uint64_t)w;
	}
	b->len = (uint64_t)to;
	return 0;
}

void
ffs_blob_discard(struct ffs_blob *b)
{
	if (b->fd < 0)
		return;
	close(b->fd);
	b->fd = -1;
	if (b->name[0])
		unlinkat(b->store->tmp, b->name, 0);
}

/* Before a blob gets its name: metadata on it, and all of it on the disk. */
static int
seal(struct ffs_store *s, struct ffs_blob *b, struct ffs_objmeta *meta)
{
	char stamp[48];
	struct stat st;
	int rc;

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
		b->name[0] = '\0';
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
	int rc, fd = open_beneath(dirfd, name, O_RDONLY | O_DIRECTORY);

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
	return rc ? rc : open_beneath(dirfd, name, O_RDONLY | O_DIRECTORY);
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
	fd = open_beneath(s->root, path, O_RDONLY | O_DIRECTORY);
	if (fd >= 0 || !absent(fd))
		return fd;
	fd = dup(s->root);
	while (fd >= 0 && p) {
		next = strchr(p, '/');
		if (next)
			*next++ = '\0';
		sub = enter(s, fd, p, make && p != path);
		close(fd);
		if (sub < 0 && absent(sub))
			sub = p == path ? -ENODEV : -ENOENT;
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
	b->name[0] = '\0';
	return 0;
}

int
ffs_store_put(struct ffs_store *s, const char *bucket, const char *key, struct ffs_blob *b,
    struct ffs_objmeta *meta, const struct ffs_store_cond *cond)
{
	char path[PATH_CAP];
	const char *base;
	int dirfd = -1, rc;

	rc = object_path(path, bucket, key);
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
			return open_beneath(s->root, path, O_RDONLY | O_DIRECTORY);
		*base++ = '\0';
		fd = open_beneath(s->root, path, O_RDONLY | O_DIRECTORY);
		if (fd < 0)
			return fd;
		if (unlinkat(fd, base, AT_REMOVEDIR)) {
			close(fd);
			base[-1] = '/';
			return open_beneath(s->root, path, O_RDONLY | O_DIRECTORY);
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
ffs_store_delete(
    struct ffs_store *s, const char *bucket, const char *key, const struct ffs_store_cond *cond)
{
	char path[PATH_CAP];
	int fd, rc;

	rc = object_path(path, bucket, key);
	if (rc)
		return rc;
	pthread_mutex_lock(&s->lock);
	rc = check_cond(s, bucket, key, cond);
	fd = rc ? rc : delete_locked(s, path);
	pthread_mutex_unlock(&s->lock);
	if (fd < 0)
		return fd;
	rc = ffs_store_sync(s, fd);
	close(fd);
	return rc;
}
