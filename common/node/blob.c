#include "common/node/blob.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

int
ffs_blob_open(struct ffs_blob *b, int dirfd, const char *name)
{
	b->dirfd = dirfd;
	b->len = 0;
	b->pending = NULL;
	b->npending = 0;
	snprintf(b->name, sizeof(b->name), "%s", name);
	b->fd = openat(dirfd, name, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
	return b->fd < 0 ? -errno : 0;
}

static int
to_file(struct ffs_blob *b, const char *p, size_t n, uint64_t off)
{
	ssize_t w;

	while (n) {
		w = pwrite(b->fd, p, n, (off_t)off);
		if (w < 0) {
			if (errno == EINTR)
				continue;
			return -errno;
		}
		p += w;
		n -= (size_t)w;
		off += (uint64_t)w;
	}
	return 0;
}

int
ffs_blob_flush(struct ffs_blob *b)
{
	int rc = to_file(b, b->pending, b->npending, b->len - b->npending);

	if (!rc)
		b->npending = 0;
	return rc;
}

int
ffs_blob_write(struct ffs_blob *b, const void *p, size_t n)
{
	const char *from = p;
	size_t take;
	int rc;

	if (!b->pending)
		b->pending = malloc(FFS_BLOB_BLOCK);
	if (!b->pending)
		return -ENOMEM;
	while (n) {
		take = FFS_BLOB_BLOCK - b->len % FFS_BLOB_BLOCK;
		if (take > n)
			take = n;
		memcpy(b->pending + b->npending, from, take);
		b->npending += take;
		b->len += take;
		from += take;
		n -= take;
		rc = b->len % FFS_BLOB_BLOCK ? 0 : ffs_blob_flush(b);
		if (rc)
			return rc;
	}
	return 0;
}

int
ffs_blob_copy(struct ffs_blob *b, int fd, uint64_t off, uint64_t n)
{
	off_t from = (off_t)off, to = (off_t)b->len;
	ssize_t w;
	int rc = ffs_blob_flush(b);

	if (rc)
		return rc;
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
	free(b->pending);
	b->pending = NULL;
	close(b->fd);
	b->fd = -1;
	if (b->name[0])
		unlinkat(b->dirfd, b->name, 0);
}
