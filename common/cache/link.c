#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/base/buf.h"
#include "common/cache/cacheimpl.h"

/* ".NAME.RANDOM" beside name. */
static char *
hidden(const char *name)
{
	const char *slash = strrchr(name, '/'), *base = slash ? slash + 1 : name;
	struct ffs_buf b = FFS_BUF_INIT;
	unsigned char rnd[8];

	if (getrandom(rnd, sizeof(rnd), 0) != (ssize_t)sizeof(rnd))
		return NULL;
	ffs_buf_add(&b, name, (size_t)(base - name));
	ffs_buf_addf(&b, ".%.200s.", base);
	ffs_buf_addhex(&b, rnd, sizeof(rnd));
	return ffs_buf_detach(&b);
}

/* All bytes of from, in the file system where it can (reflinks), else by copying. */
static int
copy_bytes(int from, int to, uint64_t size)
{
	enum { STEP = 256 * 1024 };
	off_t at = 0, out = 0;
	char *p = NULL;
	ssize_t n = 1, put;
	int rc = 0;

	while ((uint64_t)at < size &&
	       (n = copy_file_range(from, &at, to, &out, size - (uint64_t)at, 0)) > 0)
		;
	if ((uint64_t)at >= size)
		return 0;
	p = malloc(STEP);
	if (!p)
		return -ENOMEM;
	while (!rc && (uint64_t)at < size) {
		n = pread(from, p, STEP, at);
		put = n > 0 ? pwrite(to, p, (size_t)n, at) : n;
		if (put <= 0 || put < n)
			rc = put < 0 ? -errno : n ? -ENOSPC : -EBADMSG;
		at += n;
	}
	free(p);
	return rc;
}

static int
copy(const struct ffs_cache_hit *hit, int dirfd, const char *tmp)
{
	int fd = openat(dirfd, tmp, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666), rc;

	if (fd < 0)
		return -errno;
	rc = copy_bytes(hit->fd, fd, hit->size);
	if (close(fd) && !rc)
		rc = -errno;
	if (rc)
		unlinkat(dirfd, tmp, 0);
	return rc;
}

int
ffs_cache_link(const struct ffs_cache_hit *hit, int dirfd, const char *name, bool *linked)
{
	char self[40], *tmp = hidden(name);
	bool is_link;
	int rc = 0;

	if (!tmp)
		return -ENOMEM;
	/* AT_EMPTY_PATH would need a capability. */
	snprintf(self, sizeof(self), "/proc/self/fd/%d", hit->fd);
	is_link = !linkat(AT_FDCWD, self, dirfd, tmp, AT_SYMLINK_FOLLOW);
	/* Another file system, one without links, an entry evicted meanwhile, another's file. */
	if (!is_link)
		rc = copy(hit, dirfd, tmp);
	if (!rc && renameat(dirfd, tmp, dirfd, name))
		rc = -errno;
	/* Also after success: a rename onto another link of the same file leaves both. */
	unlinkat(dirfd, tmp, 0);
	free(tmp);
	if (linked)
		*linked = is_link;
	return rc;
}
