#include "common/cache/pinned.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include "common/base/buf.h"
#include "common/cache/attr.h"

static const char name[] = "pins", name_tmp[] = "pins.new";

struct ffs_pinned *
ffs_pinned_new(void)
{
	return calloc(1, sizeof(struct ffs_pinned));
}

static void
forget(struct ffs_pinned *p)
{
	size_t i;

	for (i = 0; i < p->n; i++)
		free(p->v[i].endpoint);
	p->n = 0;
}

void
ffs_pinned_free(struct ffs_pinned *p)
{
	if (!p)
		return;
	forget(p);
	free(p->v);
	free(p);
}

/* Keeps line, and cuts it.  0, -EINVAL where it is no pin, -ENOMEM. */
static int
add(struct ffs_pinned *p, char *line)
{
	char *bucket = strchr(line, ' '), *prefix = bucket ? strchr(bucket + 1, ' ') : NULL;
	struct ffs_cache_name n = { .endpoint = line };
	struct ffs_pin *v;

	if (!prefix)
		return -EINVAL;
	*bucket = *prefix = '\0';
	n.bucket = bucket + 1;
	n.key = prefix + 1;
	if (ffs_attr_name_ok(&n))
		return -EINVAL;
	if (!(p->n & (p->n - 1))) {
		v = reallocarray(p->v, p->n ? 2 * p->n : 1, sizeof(*v));
		if (!v)
			return -ENOMEM;
		p->v = v;
	}
	p->v[p->n++] = (struct ffs_pin){ line, bucket + 1, prefix + 1 };
	return 0;
}

int
ffs_pinned_parse(struct ffs_pinned *p, const char *text, size_t n)
{
	const char *end;
	char *line;
	size_t len;
	int rc = 0;

	forget(p);
	for (; n && p->n < FFS_PINNED_MAX && rc != -ENOMEM; text += len, n -= len) {
		end = memchr(text, '\n', n);
		if (!end)
			break;
		len = (size_t)(end - text) + 1;
		if (memchr(text, '\0', len))
			continue;
		line = strndup(text, len - 1);
		rc = line ? add(p, line) : -ENOMEM;
		if (rc)
			free(line);
	}
	return rc == -ENOMEM ? rc : 0;
}

static int
load(struct ffs_pinned *p, int fd, const struct stat *st)
{
	size_t n = (size_t)st->st_size, got = 0;
	char *text = malloc(n + 1);
	ssize_t r = 1;
	int rc;

	if (!text)
		return -ENOMEM;
	while (got < n && (r = read(fd, text + got, n - got)) > 0)
		got += (size_t)r;
	rc = r < 0 ? -errno : ffs_pinned_parse(p, text, got);
	if (!rc)
		p->read = *st;
	free(text);
	return rc ? rc : 1;
}

int
ffs_pinned_refresh(struct ffs_pinned *p, int dirfd)
{
	struct stat st;
	int fd, rc, had = p->read.st_ino != 0;

	if (fstatat(dirfd, name, &st, AT_SYMLINK_NOFOLLOW)) {
		if (errno != ENOENT)
			return -errno;
		forget(p);
		memset(&p->read, 0, sizeof(p->read));
		return had;
	}
	if (had && st.st_ino == p->read.st_ino && st.st_size == p->read.st_size &&
	    st.st_mtim.tv_sec == p->read.st_mtim.tv_sec &&
	    st.st_mtim.tv_nsec == p->read.st_mtim.tv_nsec)
		return 0;
	fd = openat(dirfd, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	rc = fstat(fd, &st)                                          ? -errno
	     : !S_ISREG(st.st_mode) || st.st_size > FFS_PINNED_BYTES ? -EFBIG
	                                                             : 0;
	if (!rc)
		rc = load(p, fd, &st);
	close(fd);
	return rc;
}

bool
ffs_pinned_hold(
    const struct ffs_pinned *p, const char *endpoint, const char *bucket, const char *key)
{
	size_t i;

	for (i = 0; i < p->n; i++)
		if (!strncmp(key, p->v[i].prefix, strlen(p->v[i].prefix)) &&
		    !strcmp(bucket, p->v[i].bucket) && !strcmp(endpoint, p->v[i].endpoint))
			return true;
	return false;
}

/* Write all of p's. */
static int
save(const struct ffs_pinned *p, int dirfd)
{
	struct ffs_buf b = FFS_BUF_INIT;
	struct stat st;
	size_t i;
	int fd, rc;

	for (i = 0; i < p->n; i++)
		ffs_buf_addf(&b, "%s %s %s\n", p->v[i].endpoint, p->v[i].bucket, p->v[i].prefix);
	rc = ffs_buf_error(&b);
	if (!rc && b.len > FFS_PINNED_BYTES)
		rc = -ENOSPC;
	if (rc)
		goto out;
	unlinkat(dirfd, name_tmp, 0);
	fd = openat(dirfd, name_tmp, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (fd < 0) {
		rc = -errno;
		goto out;
	}
	if (b.len && write(fd, b.p, b.len) != (ssize_t)b.len)
		rc = -ENOSPC;
	else if (!geteuid() && (fstat(dirfd, &st) || fchown(fd, st.st_uid, st.st_gid)))
		rc = -errno;
	/* Small, and what a user asked to keep: on the disk before it replaces the one before. */
	else if (fsync(fd) || renameat(dirfd, name_tmp, dirfd, name))
		rc = -errno;
	close(fd);
	if (rc)
		unlinkat(dirfd, name_tmp, 0);
out:
	ffs_buf_release(&b);
	return rc;
}

static int
put_on(struct ffs_pinned *p, const struct ffs_cache_name *n)
{
	struct ffs_buf b = FFS_BUF_INIT;
	char *line;
	int rc;

	if (p->n >= FFS_PINNED_MAX)
		return -ENOSPC;
	ffs_buf_addf(&b, "%s %s %s", n->endpoint, n->bucket, n->key);
	line = ffs_buf_detach(&b);
	rc = line ? add(p, line) : -ENOMEM;
	if (rc)
		free(line);
	return rc;
}

int
ffs_pinned_set(struct ffs_pinned *p, int dirfd, const struct ffs_cache_name *n, bool on)
{
	size_t i;
	int rc;

	/* A line has no line ends. */
	if (ffs_attr_name_ok(n) || strchr(n->key, '\n'))
		return -EINVAL;
	if (flock(dirfd, LOCK_EX))
		return -errno;
	rc = ffs_pinned_refresh(p, dirfd);
	if (rc < 0)
		goto out;
	for (i = 0; i < p->n; i++)
		if (!strcmp(p->v[i].prefix, n->key) && !strcmp(p->v[i].bucket, n->bucket) &&
		    !strcmp(p->v[i].endpoint, n->endpoint))
			break;
	rc = 0;
	if (on && i == p->n) {
		rc = put_on(p, n);
	} else if (on) {
		goto out;
	} else if (i == p->n) {
		rc = -ENOENT;
	} else {
		free(p->v[i].endpoint);
		p->v[i] = p->v[--p->n];
	}
	if (!rc)
		rc = save(p, dirfd);
	/* What is in the file counts. */
	memset(&p->read, 0, sizeof(p->read));
	if (ffs_pinned_refresh(p, dirfd) < 0 && !rc)
		rc = -EIO;
out:
	flock(dirfd, LOCK_UN);
	return rc;
}
