#include "common/base/outfile.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "common/base/buf.h"

enum {
	ID_BYTES = 8,
	NAME_KEPT = 200, /* of a long name, so that the hidden one stays below NAME_MAX */
};

static const char xattr_id[] = "user.ffs.id";
static const char suffix[] = ".ffs-part";

static char *
hash(const char *identity)
{
	struct ffs_buf b = FFS_BUF_INIT;
	unsigned char md[EVP_MAX_MD_SIZE];

	if (!EVP_Digest(identity, strlen(identity), md, NULL, EVP_sha256(), NULL))
		return NULL;
	ffs_buf_addhex(&b, md, ID_BYTES);
	return ffs_buf_detach(&b);
}

/* The target behind symbolic links, so that the rename does not replace a link. */
static char *
resolve(const char *path, bool *special)
{
	struct stat st;

	*special = !stat(path, &st) && !S_ISREG(st.st_mode);
	if (*special || lstat(path, &st) || !S_ISLNK(st.st_mode))
		return strdup(path);
	return realpath(path, NULL);
}

/* "DIR/.NAME." of "DIR/NAME". */
static int
hidden(struct ffs_buf *b, const char *path)
{
	const char *slash = strrchr(path, '/'), *name = slash ? slash + 1 : path;

	ffs_buf_reset(b);
	ffs_buf_add(b, path, (size_t)(name - path));
	ffs_buf_addf(b, ".%.*s.", NAME_KEPT, name);
	return ffs_buf_error(b);
}

static int
open_fresh(struct ffs_outfile *f, struct ffs_buf *name)
{
	unsigned char rnd[ID_BYTES];
	size_t n = name->len;
	int tries;

	for (tries = 0; tries < 100; tries++) {
		if (getrandom(rnd, sizeof(rnd), 0) != (ssize_t)sizeof(rnd))
			return -errno;
		name->len = n;
		ffs_buf_addhex(name, rnd, sizeof(rnd));
		if (ffs_buf_error(name))
			return -ENOMEM;
		f->fd = open(name->p, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
		if (f->fd >= 0 || errno != EEXIST)
			break;
	}
	return f->fd < 0 ? -errno : 0;
}

/* Remove what runs with another identity left behind. */
static void
remove_others(const char *prefix, const char *mine)
{
	const char *slash = strrchr(prefix, '/'), *name = slash ? slash + 1 : prefix;
	char *dir = slash ? strndup(prefix, (size_t)(slash - prefix) + 1) : strdup(".");
	size_t n = strlen(name), want = n + (size_t)2 * ID_BYTES + sizeof(suffix) - 1;
	struct dirent *e;
	DIR *d = dir ? opendir(dir) : NULL;

	while (d && (e = readdir(d)))
		if (strlen(e->d_name) == want && !strncmp(e->d_name, name, n) &&
		    !strcmp(e->d_name + want - (sizeof(suffix) - 1), suffix) &&
		    strcmp(e->d_name, strrchr(mine, '/') ? strrchr(mine, '/') + 1 : mine))
			unlinkat(dirfd(d), e->d_name, 0);
	if (d)
		closedir(d);
	free(dir);
}

static int
open_part(struct ffs_outfile *f, struct ffs_buf *name)
{
	char *prefix = strdup(name->p);
	struct stat st;
	int rc = prefix ? 0 : -ENOMEM;

	ffs_buf_addf(name, "%s%s", f->id, suffix);
	if (!rc)
		rc = ffs_buf_error(name);
	if (rc)
		goto out;
	remove_others(prefix, name->p);
	f->fd = open(name->p, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0666);
	if (f->fd < 0 || fstat(f->fd, &st) < 0)
		rc = -errno;
	else if (!S_ISREG(st.st_mode))
		rc = -EEXIST;
	else if (flock(f->fd, LOCK_EX | LOCK_NB) < 0)
		rc = errno == EWOULDBLOCK ? -EBUSY : -errno;
	else
		f->size = (uint64_t)st.st_size;
out:
	free(prefix);
	return rc;
}

int
ffs_outfile_open(struct ffs_outfile *f, const char *path, const char *identity)
{
	struct ffs_buf name = FFS_BUF_INIT;
	bool special;
	int rc = 0;

	f->path = resolve(path, &special);
	if (!f->path)
		return -errno;
	if (special) {
		f->fd = open(path, O_WRONLY | O_CLOEXEC);
		rc = f->fd < 0 ? -errno : 0;
		goto out;
	}
	f->id = identity ? hash(identity) : NULL;
	rc = identity && !f->id ? -ENOMEM : hidden(&name, f->path);
	if (!rc)
		rc = f->id ? open_part(f, &name) : open_fresh(f, &name);
	if (!rc)
		f->tmp = ffs_buf_detach(&name);
out:
	ffs_buf_release(&name);
	if (rc)
		ffs_outfile_abandon(f, true);
	return rc;
}

bool
ffs_outfile_complete(const char *path, const char *identity, uint64_t size)
{
	char have[2 * ID_BYTES + 1] = "", *want = hash(identity);
	struct stat st;
	bool same;

	same = want && getxattr(path, xattr_id, have, sizeof(have) - 1) == 2 * ID_BYTES &&
	       !strcmp(have, want) && !stat(path, &st) && (uint64_t)st.st_size == size;
	free(want);
	return same;
}

/* The name of path, in its directory.  0 or -errno. */
static int
sync_name(const char *path)
{
	const char *slash = strrchr(path, '/');
	char *dir = slash ? strndup(path, (size_t)(slash - path) + 1) : strdup(".");
	int fd, rc = 0;

	if (!dir)
		return -ENOMEM;
	fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0 || fsync(fd) < 0)
		rc = -errno;
	if (fd >= 0)
		close(fd);
	free(dir);
	return rc;
}

int
ffs_outfile_commit(struct ffs_outfile *f, bool sync)
{
	int rc = 0;

	/* A hint for ffs_outfile_complete() only: filesystems without attributes do without. */
	if (f->tmp && f->id)
		(void)fsetxattr(f->fd, xattr_id, f->id, strlen(f->id), 0);
	if (f->tmp && sync && fsync(f->fd) < 0)
		rc = -errno;
	if (!rc && f->tmp && rename(f->tmp, f->path) < 0)
		rc = -errno;
	if (!rc && f->tmp && sync)
		rc = sync_name(f->path);
	if (close(f->fd) < 0 && !rc)
		rc = -errno;
	f->fd = -1;
	if (!rc) {
		free(f->tmp);
		f->tmp = NULL;
	}
	ffs_outfile_abandon(f, false);
	return rc;
}

void
ffs_outfile_abandon(struct ffs_outfile *f, bool keep)
{
	if (f->tmp && !(keep && f->id))
		unlink(f->tmp);
	if (f->fd >= 0)
		close(f->fd);
	free(f->path);
	free(f->tmp);
	free(f->id);
	*f = (struct ffs_outfile)FFS_OUTFILE_INIT;
}

int
ffs_outfile_mkdirs(const char *path, size_t *made)
{
	char *p = strdup(path), *slash;
	int rc = p ? 0 : -ENOMEM;
	size_t first = 0;

	for (slash = p; !rc && (slash = strchr(slash + 1, '/')); *slash = '/') {
		*slash = '\0';
		if (!mkdir(p, 0777))
			first = first ? first : (size_t)(slash - p);
		else if (errno != EEXIST)
			rc = -errno;
	}
	free(p);
	if (made)
		*made = first;
	return rc;
}

void
ffs_outfile_rmdirs(char *path, size_t made)
{
	char *slash;

	while (made && (slash = strrchr(path, '/')) && (size_t)(slash - path) >= made) {
		*slash = '\0';
		if (rmdir(path) && errno != ENOENT)
			return;
	}
}
