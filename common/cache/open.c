#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "common/base/opt.h"
#include "common/base/outfile.h"
#include "common/base/userdirs.h"
#include "common/cache/cacheimpl.h"
#include "common/cache/pinned.h"

static const char data_dir[] = "v1";

char *
ffs_cache_dir(void)
{
	const char *set = ffs_opt_env("FFS_CACHE");

	return set ? strdup(set) : ffs_userdirs_cache(NULL);
}

/* --- directories --- */

int
ffs_cache_give(struct ffs_cache *c, int fd)
{
	return c->own && fchown(fd, c->uid, c->gid) ? -errno : 0;
}

/* A directory below another; made, it belongs to whom the cache does.  Descriptor or -errno. */
static int
subdir(struct ffs_cache *c, int at, const char *name, bool make)
{
	int made = make ? mkdirat(at, name, 0700) : -1, fd;

	if (make && made && errno != EEXIST)
		return -errno;
	fd = openat(at, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0)
		return errno == ENOTDIR || errno == ELOOP ? -ENOENT : -errno;
	if (!made && ffs_cache_give(c, fd)) {
		close(fd);
		return -EACCES;
	}
	return fd;
}

int
ffs_cache_data(struct ffs_cache *c, bool make)
{
	int fd;

	if (c->datafd < 0) {
		fd = subdir(c, c->dirfd, data_dir, make && c->writable);
		if (fd < 0)
			return fd;
		c->datafd = fd;
	}
	return c->datafd;
}

int
ffs_cache_shard_make(struct ffs_cache *c, unsigned shard)
{
	int datafd = ffs_cache_data(c, true), fd;
	char name[8];

	if (datafd < 0)
		return datafd;
	ffs_cache_shard_name(shard, name);
	fd = subdir(c, datafd, name, true);
	if (fd >= 0)
		close(fd);
	return fd < 0 ? fd : 0;
}

/* No shard yet: then there is no entry. */
static bool
is_empty(struct ffs_cache *c)
{
	int datafd = ffs_cache_data(c, false);
	int fd = datafd < 0 ? -1 : openat(datafd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *d = fd < 0 ? NULL : fdopendir(fd);
	struct dirent *e;
	bool empty = true;

	if (!d) {
		if (fd >= 0)
			close(fd);
		return datafd == -ENOENT;
	}
	while (empty && (e = readdir(d)))
		empty = *e->d_name == '.';
	closedir(d);
	return empty;
}

/* DIR and what it lies in; under sudo they are the invoking user's.  0 or -errno. */
static int
make_dir(const char *dir)
{
	size_t made = 0, i, n = strlen(dir);
	char *p = strdup(dir);
	uid_t uid;
	gid_t gid;
	int rc;

	if (!p)
		return -ENOMEM;
	while (n > 1 && p[n - 1] == '/')
		p[--n] = '\0';
	rc = ffs_outfile_mkdirs(p, &made);
	if (!rc && mkdir(p, 0700))
		rc = errno == EEXIST ? 0 : -errno;
	else if (!rc && !made)
		made = n;
	for (i = made; !rc && i && i <= n && ffs_userdirs_sudo(&uid, &gid); i++)
		if (i == n || p[i] == '/') {
			p[i] = '\0';
			if (lchown(p, uid, gid))
				rc = -errno;
			p[i] = i == n ? '\0' : '/';
		}
	free(p);
	return rc;
}

/* --- opening --- */

static void
read_boot_id(struct ffs_cache *c)
{
	int fd = open("/proc/sys/kernel/random/boot_id", O_RDONLY | O_CLOEXEC);
	ssize_t n = fd < 0 ? 0 : read(fd, c->boot, sizeof(c->boot) - 1);

	if (fd >= 0)
		close(fd);
	c->boot[n > 0 ? n : 0] = '\0';
	c->boot[strspn(c->boot, "0123456789abcdef-")] = '\0';
}

/* User xattrs there: 0 or -EOPNOTSUPP. */
static int
probe_xattrs(struct ffs_cache *c, bool mark)
{
	static const char attr[] = "user.ffs.cache";
	char v[8];

	if (fgetxattr(c->dirfd, attr, v, sizeof(v)) >= 0)
		return 0;
	if (errno == ENODATA && mark && c->writable && !fsetxattr(c->dirfd, attr, "1", 1, 0))
		return 0;
	return errno == EOPNOTSUPP ? -EOPNOTSUPP : 0;
}

static int
open_dir(struct ffs_cache *c, bool create, const char **what)
{
	struct stat st;
	int rc;

	*what = "cannot open the cache";
	c->dirfd = open(c->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (c->dirfd < 0 && errno == ENOENT && create) {
		*what = "cannot make the cache";
		rc = make_dir(c->path);
		if (rc)
			return rc;
		c->dirfd = open(c->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	}
	if (c->dirfd < 0 || fstat(c->dirfd, &st))
		return -errno;
	c->own = !geteuid() && st.st_uid;
	c->uid = st.st_uid;
	c->gid = st.st_gid;
	c->writable = !faccessat(c->dirfd, ".", W_OK | X_OK, AT_EACCESS);
	rc = probe_xattrs(c, create);
	if (rc) {
		*what = "its file system has no user extended attributes: cannot use as a cache";
		return rc;
	}
	*what = "there is no cache in";
	rc = ffs_cache_data(c, create && c->writable);
	return rc < 0 && (!create || c->writable) ? rc : 0;
}

static int
open_rest(struct ffs_cache *c, const char **what)
{
	int rc;

	read_boot_id(c);
	c->md = EVP_MD_fetch(NULL, "SHA256", NULL);
	c->mdctx = EVP_MD_CTX_new();
	c->pins = ffs_pinned_new();
	*what = "cannot use the cache";
	if (!c->md || !c->mdctx || !c->pins)
		return -ENOMEM;
	rc = ffs_table_open(&c->table, c->dirfd, c->writable, is_empty(c));
	/* Without a table there are no limits: nothing is kept then. */
	if (rc)
		c->writable = false;
	c->closed =
	    rc == -ENOSPC || rc == -EDQUOT ? FFS_CACHE_REFUSED_disk : FFS_CACHE_REFUSED_readonly;
	return 0;
}

struct ffs_cache *
ffs_cache_open(const char *dir, bool create, char **why)
{
	struct ffs_cache *c = calloc(1, sizeof(*c));
	const char *what = "cannot find the cache";
	int rc = -ENOMEM;

	if (why)
		*why = NULL;
	if (!c)
		goto out;
	c->dirfd = c->datafd = c->lockfd = -1;
	errno = ENOMEM;
	c->path = dir ? strdup(dir) : ffs_cache_dir();
	if (!c->path) {
		rc = -errno;
		goto out;
	}
	rc = open_dir(c, create, &what);
	if (!rc)
		rc = open_rest(c, &what);
out:
	if (!rc)
		return c;
	if (why &&
	    asprintf(why, "%s '%s': %s", what, c && c->path ? c->path : "?", strerror(-rc)) < 0)
		*why = NULL;
	ffs_cache_free(c);
	errno = -rc;
	return NULL;
}

const char *
ffs_cache_path(const struct ffs_cache *c)
{
	return c->path;
}

bool
ffs_cache_writable(const struct ffs_cache *c)
{
	return c->writable;
}

static bool
is_at(int at, const char *name, int fd)
{
	struct stat a, b;

	return !fstatat(at, name, &a, 0) && !fstat(fd, &b) && a.st_ino == b.st_ino &&
	       a.st_dev == b.st_dev;
}

bool
ffs_cache_current(const struct ffs_cache *c)
{
	return is_at(AT_FDCWD, c->path, c->dirfd) &&
	       (c->datafd < 0 || is_at(c->dirfd, data_dir, c->datafd)) &&
	       ffs_table_current(&c->table, c->dirfd);
}

void
ffs_cache_free(struct ffs_cache *c)
{
	if (!c)
		return;
	ffs_evictor_free(c->evictor);
	ffs_pinned_free(c->pins);
	ffs_table_close(&c->table);
	EVP_MD_CTX_free(c->mdctx);
	EVP_MD_free(c->md);
	if (c->lockfd >= 0)
		close(c->lockfd);
	if (c->datafd >= 0)
		close(c->datafd);
	if (c->dirfd >= 0)
		close(c->dirfd);
	free(c->path);
	free(c);
}
