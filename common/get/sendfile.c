#include "common/get/sendfile.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <poll.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <unistd.h>

#include "common/base/clock.h"

enum {
	BUFFER = 256 << 10,
	STEP = 1 << 30, /* of one call */
};

/* Ways to move bytes, the cheapest first; one that the descriptors do not allow is not tried again.
 */
enum way {
	SPLICE,
	COPY_RANGE,
	SENDFILE,
	THROUGH_MEMORY,
};

/* File systems where copy_file_range(2) copies nothing, or on the server. */
static bool
shares_blocks(const struct statfs *fs)
{
	return fs->f_type == BTRFS_SUPER_MAGIC || fs->f_type == XFS_SUPER_MAGIC ||
	       fs->f_type == NFS_SUPER_MAGIC;
}

static enum way
first_way(int out)
{
	struct statfs fs;
	struct stat st;

	if (fstat(out, &st) < 0)
		return THROUGH_MEMORY;
	if (S_ISFIFO(st.st_mode))
		return SPLICE;
	if (!S_ISREG(st.st_mode))
		return SENDFILE;
	/* Elsewhere the kernel copies page by page: write(2) of large pieces is faster by a tenth.
	 */
	return !fstatfs(out, &fs) && shares_blocks(&fs) ? COPY_RANGE : THROUGH_MEMORY;
}

static ssize_t
through_memory(int out, int in, off_t *off, size_t n, char **buf)
{
	ssize_t got, put;

	if (!*buf && !(*buf = malloc(BUFFER))) {
		errno = ENOMEM;
		return -1;
	}
	got = pread(in, *buf, n < BUFFER ? n : BUFFER, *off);
	if (got <= 0)
		return got;
	put = write(out, *buf, (size_t)got);
	if (put > 0)
		*off += put;
	return put;
}

static ssize_t
move(enum way way, int out, int in, off_t *off, size_t n, char **buf)
{
	switch (way) {
	case SPLICE:
		/* Of the pipe: whoever waits for its reader, waits outside. */
		return splice(in, off, out, NULL, n, SPLICE_F_MOVE | SPLICE_F_NONBLOCK);
	case COPY_RANGE:
		return copy_file_range(in, off, out, NULL, n, 0);
	case SENDFILE:
		return sendfile(out, in, off, n);
	case THROUGH_MEMORY:
		break;
	}
	return through_memory(out, in, off, n, buf);
}

/* Is that what a way says that cannot be gone here: between these file systems, to O_APPEND. */
static bool
no_way(int err)
{
	return err == EINVAL || err == ENOSYS || err == EXDEV || err == EOPNOTSUPP ||
	       err == EBADF || err == EPERM;
}

int
ffs_sendfile(int out, int in, uint64_t off, uint64_t n, uint64_t *done, uint64_t *us)
{
	enum way way = first_way(out);
	uint64_t start = ffs_clock_us();
	off_t at = (off_t)off;
	char *buf = NULL;
	ssize_t got;
	int rc = 0;

	while (n && !rc) {
		got = move(way, out, in, &at, n < STEP ? (size_t)n : STEP, &buf);
		if (got > 0) {
			n -= (uint64_t)got;
			__atomic_add_fetch(done, (uint64_t)got, __ATOMIC_RELAXED);
		} else if (!got) {
			rc = -ENODATA;
		} else if (errno == EAGAIN) {
			*us += ffs_clock_us() - start;
			poll(&(struct pollfd){ .fd = out, .events = POLLOUT }, 1, -1);
			start = ffs_clock_us();
		} else if (way != THROUGH_MEMORY && no_way(errno)) {
			way = THROUGH_MEMORY;
		} else if (errno != EINTR) {
			rc = -errno;
		}
	}
	*us += ffs_clock_us() - start;
	free(buf);
	return rc;
}
