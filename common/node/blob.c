#include "common/node/blob.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

int
ffs_blob_open(struct ffs_blob *b, int dirfd, const char *name)
{
	b->dirfd = dirfd;
	b->len = 0;
	snprintf(b->name, sizeof(b->name), "%s", name);
	b->fd = openat(dirfd, name, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
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
	off_t from = (off_t)off, to = (off_t)b->len;
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
ffs_blob_placed(struct ffs_blob *b)
{
	b->name[0] = '\0';
}

void
ffs_blob_discard(struct ffs_blob *b)
{
	if (b->fd < 0)
		return;
	close(b->fd);
	b->fd = -1;
	if (b->name[0])
		unlinkat(b->dirfd, b->name, 0);
}
