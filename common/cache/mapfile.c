#include "common/cache/mapfile.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

static int
map(struct ffs_mapfile *m, int fd, const struct ffs_mapfile_kind *k, bool writable)
{
	char header[FFS_MAPFILE_HEAD];
	struct stat st;
	void *p;

	if (fstat(fd, &st) < 0)
		return -errno;
	if (!S_ISREG(st.st_mode) || pread(fd, header, k->header, 0) != (ssize_t)k->header ||
	    !k->ok(header, (uint64_t)st.st_size))
		return -EBADMSG;
	p = mmap(
	    NULL, (size_t)st.st_size, PROT_READ | (writable ? PROT_WRITE : 0), MAP_SHARED, fd, 0);
	if (p == MAP_FAILED)
		return -errno;
	*m = (struct ffs_mapfile){ p, (size_t)st.st_size, writable, st.st_ino };
	return 0;
}

/* A small disk gets a small file: at most 1/256 of it. */
static uint64_t
room_for(int dirfd)
{
	struct statvfs v;

	return fstatvfs(dirfd, &v) ? UINT64_MAX : (uint64_t)v.f_blocks * v.f_frsize / 256;
}

static int
make(int dirfd, const struct ffs_mapfile_kind *k, bool empty)
{
	_Alignas(16) char header[FFS_MAPFILE_HEAD] = { 0 };
	off_t len = (off_t)k->make(header, room_for(dirfd), empty);
	int fd, rc = 0, flags = FS_NOCOW_FL;
	struct stat st;

	unlinkat(dirfd, k->tmp, 0);
	fd = openat(dirfd, k->tmp, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (fd < 0)
		return -errno;
	/* btrfs: else each page that is written again needs a new block, which may not be there. */
	(void)ioctl(fd, FS_IOC_SETFLAGS, &flags);
	if (!geteuid() && (fstat(dirfd, &st) || fchown(fd, st.st_uid, st.st_gid)))
		rc = -errno;
	if (!rc)
		rc = -posix_fallocate(fd, 0, len);
	if (!rc && pwrite(fd, header, k->header, 0) != (ssize_t)k->header)
		rc = -EIO;
	if (!rc && renameat(dirfd, k->tmp, dirfd, k->name))
		rc = -errno;
	if (rc)
		unlinkat(dirfd, k->tmp, 0);
	close(fd);
	return rc;
}

static int
open_it(struct ffs_mapfile *m, int dirfd, const struct ffs_mapfile_kind *k, bool writable)
{
	int fd = openat(
	    dirfd, k->name, (writable ? O_RDWR : O_RDONLY) | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	int rc = fd < 0 ? -errno : map(m, fd, k, writable);

	if (fd >= 0)
		close(fd);
	return rc;
}

int
ffs_mapfile_open(
    struct ffs_mapfile *m, int dirfd, const struct ffs_mapfile_kind *k, bool writable, bool empty)
{
	int rc;

	memset(m, 0, sizeof(*m));
	rc = open_it(m, dirfd, k, writable);
	if (!writable || (rc != -ENOENT && rc != -EBADMSG && rc != -ELOOP))
		return rc;
	/* One at a time: somebody may have made it meanwhile. */
	if (flock(dirfd, LOCK_EX))
		return -errno;
	rc = open_it(m, dirfd, k, true);
	if (rc) {
		rc = make(dirfd, k, empty);
		if (!rc)
			rc = open_it(m, dirfd, k, true);
	}
	flock(dirfd, LOCK_UN);
	return rc;
}

bool
ffs_mapfile_current(const struct ffs_mapfile *m, int dirfd, const struct ffs_mapfile_kind *k)
{
	struct stat st;

	return !m->p || (!fstatat(dirfd, k->name, &st, AT_SYMLINK_NOFOLLOW) && st.st_ino == m->ino);
}

void
ffs_mapfile_close(struct ffs_mapfile *m)
{
	if (m->p)
		munmap(m->p, m->len);
	memset(m, 0, sizeof(*m));
}
