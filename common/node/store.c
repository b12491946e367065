#include "common/node/store.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "common/node/keypath.h"
#include "common/node/storeimpl.h"

int
ffs_store_beneath(int dirfd, const char *path, int flags)
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

bool
ffs_store_absent(int rc)
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
	return ffs_store_beneath(s->root, *path ? path : ".", O_RDONLY | O_DIRECTORY);
}

/* --- life --- */

static int
make_dir(int at, const char *name, mode_t mode)
{
	int fd;

	if (mkdirat(at, name, mode) && errno != EEXIST)
		return -errno;
	fd = openat(at, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return fd < 0 ? -errno : fd;
}

/* mkdir -p; the last directory is for its owner, as keys and signatures say. */
static int
make_path(const char *dir)
{
	char *path = strdup(dir), *p;

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
	return make_dir(AT_FDCWD, dir, 0700);
}

int
ffs_store_sweep(int at, const char *name, int depth)
{
	int fd = openat(at, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	DIR *d = fd < 0 ? NULL : fdopendir(fd);
	struct dirent *e;
	int rc;

	if (!d) {
		rc = -errno;
		if (fd >= 0)
			close(fd);
		return rc;
	}
	while ((e = readdir(d))) {
		if (!strcmp(e->d_name, ".") || !strcmp(e->d_name, ".."))
			continue;
		if (!unlinkat(fd, e->d_name, 0) || errno != EISDIR || !depth)
			continue;
		ffs_store_sweep(fd, e->d_name, depth - 1);
		unlinkat(fd, e->d_name, AT_REMOVEDIR);
	}
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
	rc = s->tmp = make_dir(s->root, FFS_STORE_TMP, 0777);
	if (rc < 0)
		goto out;
	rc = ffs_store_beneath(s->root, ".", O_RDONLY | O_DIRECTORY);
	if (rc < 0)
		goto out;
	close(rc);
	rc = probe_xattr(s->tmp);
	if (rc)
		goto out;
	rc = ffs_store_sweep(s->root, FFS_STORE_TMP, 1);
	if (rc)
		goto out;
	if (getrandom(&s->tag, sizeof(s->tag), 0) != sizeof(s->tag)) {
		rc = -EIO;
		goto out;
	}
	rc = make_dir(s->root, FFS_STORE_UPLOADS, 0777);
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

int
ffs_store_path(char path[FFS_STORE_PATH], const char *bucket, const char *key)
{
	size_t n = strlen(bucket);

	if (!ffs_keypath_bucket_ok(bucket))
		return -ENODEV;
	memcpy(path, bucket, n);
	path[n++] = '/';
	return ffs_keypath_encode(path + n, key);
}

static int
describe(int fd, struct ffs_object *o)
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

int
ffs_store_take(int fd, struct ffs_object *o)
{
	int rc = describe(fd, o);

	o->fd = rc ? -1 : fd;
	if (rc)
		close(fd);
	return rc;
}

/* Open the file at a path as an object.  -EISDIR where a directory is there. */
static int
get_at(struct ffs_store *s, const char *path, struct ffs_object *o)
{
	int fd = ffs_store_beneath(s->root, path, O_RDONLY | O_NONBLOCK | O_NOCTTY);

	if (fd < 0)
		return ffs_store_absent(fd) ? -ENOENT : fd;
	return ffs_store_take(fd, o);
}

int
ffs_store_get(struct ffs_store *s, const char *bucket, const char *key, struct ffs_object *o)
{
	char path[FFS_STORE_PATH];
	int rc, turn;
	size_t n;

	o->fd = -1;
	rc = ffs_store_path(path, bucket, key);
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
