#include "common/split/chunkout.h"

#include <archive.h>
#include <archive_entry.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "common/base/outfile.h"

/* 1980-01-01: the same bytes on every run, and no tool calls it implausibly old. */
#define MTIME 315532800
#define TAR_BLOCK 512
#define PIPE_BYTES (1 << 20) /* the kernel's limit for users without privilege */

struct ffs_chunkout {
	int fd;            /* the stream, or the directory of the dataset being built (-1: none) */
	int rc;            /* of on_write() */
	struct archive *a; /* NULL: files */
	struct archive_entry *e;
	bool finished, broken; /* broken: what libarchive still has to say is dropped */
	char *dir;
	char *dataset;
	char *temp, *target; /* paths of the dataset being built */
	size_t made;         /* directories that temp is in, see ffs_outfile_mkdirs() */
};

static int
write_all(int fd, const char *p, size_t n)
{
	struct pollfd pfd = { .fd = fd, .events = POLLOUT };
	ssize_t put;

	for (; n; p += put, n -= (size_t)put) {
		put = write(fd, p, n);
		if (put < 0) {
			if (errno == EAGAIN)
				poll(&pfd, 1, -1); /* someone left O_NONBLOCK on a pipe */
			else if (errno != EINTR)
				return -errno;
			put = 0;
		}
	}
	return 0;
}

/*
 * libarchive is never told of an error: it would not free all it has then.  After
 * one, and after a broken end, the rest of what it says goes nowhere.
 */
static la_ssize_t
on_write(struct archive *a, void *arg, const void *p, size_t n)
{
	struct ffs_chunkout *o = arg;

	(void)a;
	if (!o->rc && !o->broken)
		o->rc = write_all(o->fd, p, n);
	return (la_ssize_t)n;
}

struct ffs_chunkout *
ffs_chunkout_new_tar(int fd)
{
	struct ffs_chunkout *o = calloc(1, sizeof(*o));

	if (!o)
		return NULL;
	o->fd = fd;
	o->a = archive_write_new();
	o->e = archive_entry_new();
	if (!o->a || !o->e)
		goto fail;
	/*
	 * GNU tar warns of LIBARCHIVE.xattr headers.  No blocking: a chunk goes
	 * from our buffer to the pipe without a copy.
	 */
	if (archive_write_set_format_pax(o->a) != ARCHIVE_OK ||
	    archive_write_set_format_option(o->a, "pax", "xattrheader", "SCHILY") != ARCHIVE_OK ||
	    archive_write_set_bytes_per_block(o->a, 0) != ARCHIVE_OK ||
	    archive_write_open(o->a, o, NULL, on_write, NULL) != ARCHIVE_OK)
		goto fail;
	/* Where it is a pipe: fewer switches between us and ffs-load. */
	fcntl(fd, F_SETPIPE_SZ, PIPE_BYTES);
	return o;
fail:
	o->finished = true;
	ffs_chunkout_free(o);
	errno = ENOMEM;
	return NULL;
}

struct ffs_chunkout *
ffs_chunkout_new_dir(const char *dir)
{
	struct ffs_chunkout *o = calloc(1, sizeof(*o));

	if (!o)
		return NULL;
	o->fd = -1;
	o->dir = strdup(dir);
	if (!o->dir) {
		free(o);
		return NULL;
	}
	return o;
}

/* Forget the dataset being built; its files go too unless they were renamed into place. */
static void
drop(struct ffs_chunkout *o)
{
	struct dirent *d;
	DIR *dir;

	if (o->fd >= 0) {
		dir = fdopendir(o->fd);
		while (dir && (d = readdir(dir)))
			unlinkat(dirfd(dir), d->d_name, 0);
		if (dir)
			closedir(dir);
		else
			close(o->fd);
		rmdir(o->temp);
	}
	o->fd = -1;
	if (o->temp) /* after an end they are not empty */
		ffs_outfile_rmdirs(o->temp, o->made);
	free(o->temp);
	free(o->target);
	o->temp = o->target = NULL;
}

/*
 * Readers of tar take a stream that just stops for one that ends.  A block that is
 * no header stops GNU tar, half a block behind it libarchive.
 */
static void
break_stream(struct ffs_chunkout *o)
{
	static const char text[] = "\nThis archive is not complete: ffs-split failed.\n";
	char block[TAR_BLOCK + TAR_BLOCK / 2];

	memset(block, '\n', sizeof(block));
	memcpy(block, text, sizeof(text) - 1);
	on_write(o->a, o, block, sizeof(block));
	o->broken = true;
}

void
ffs_chunkout_free(struct ffs_chunkout *o)
{
	if (!o)
		return;
	if (!o->dir) {
		if (o->a && !o->finished)
			break_stream(o);
		archive_write_free(o->a);
		archive_entry_free(o->e);
	} else {
		drop(o);
	}
	free(o->dir);
	free(o->dataset);
	free(o);
}

/* Only rename() can tell without a race; this spares the user the work before it. */
static bool
is_taken(const char *path)
{
	DIR *dir = opendir(path);
	struct dirent *d;
	struct stat st;
	bool taken = !dir && errno == ENOTDIR && !lstat(path, &st);

	while (dir && !taken && (d = readdir(dir)))
		taken = strcmp(d->d_name, ".") && strcmp(d->d_name, "..");
	if (dir)
		closedir(dir);
	return taken;
}

static int
begin_dir(struct ffs_chunkout *o)
{
	const char *slash = strrchr(o->dataset, '/');
	int stem = slash ? (int)(slash + 1 - o->dataset) : 0;
	mode_t mask;
	int rc;

	if (asprintf(&o->target, "%s/%s", o->dir, o->dataset) < 0) {
		o->target = NULL;
		return -ENOMEM;
	}
	if (asprintf(&o->temp, "%s/%.*s.%s.XXXXXX", o->dir, stem, o->dataset, o->dataset + stem) <
	    0) {
		o->temp = NULL;
		return -ENOMEM;
	}
	o->made = 0;
	if (is_taken(o->target))
		return -EEXIST;
	rc = ffs_outfile_mkdirs(o->temp, &o->made);
	if (rc)
		return rc;
	if (!mkdtemp(o->temp))
		return -errno;
	o->fd = open(o->temp, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (o->fd < 0) {
		rc = -errno;
		rmdir(o->temp);
		return rc;
	}
	mask = umask(0);
	umask(mask);
	return fchmod(o->fd, 0777 & ~mask) ? -errno : 0;
}

int
ffs_chunkout_begin(struct ffs_chunkout *o, const char *dataset)
{
	free(o->dataset);
	o->dataset = strdup(dataset);
	if (!o->dataset)
		return -ENOMEM;
	return o->dir ? begin_dir(o) : 0;
}

static int
put_tar(struct ffs_chunkout *o, const char *name, const struct ffs_chunkout_attr *attrs,
    size_t nattrs, const struct iovec *parts, size_t nparts)
{
	char path[512], attr[64];
	la_int64_t size = 0;
	size_t i;

	archive_entry_clear(o->e);
	snprintf(path, sizeof(path), "%s/%s", o->dataset, name);
	for (i = 0; i < nparts; i++)
		size += (la_int64_t)parts[i].iov_len;
	archive_entry_set_pathname(o->e, path);
	archive_entry_set_size(o->e, size);
	archive_entry_set_filetype(o->e, AE_IFREG);
	archive_entry_set_perm(o->e, 0644);
	archive_entry_set_mtime(o->e, MTIME, 0);
	for (i = 0; i < nattrs; i++) {
		snprintf(attr, sizeof(attr), "user.ffs.%s", attrs[i].name);
		archive_entry_xattr_add_entry(o->e, attr, attrs[i].value, strlen(attrs[i].value));
	}
	if (archive_write_header(o->a, o->e) < ARCHIVE_WARN)
		return -EIO;
	for (i = 0; i < nparts && !o->rc; i++)
		if (archive_write_data(o->a, parts[i].iov_base, parts[i].iov_len) !=
		    (la_ssize_t)parts[i].iov_len)
			return -EIO;
	if (archive_write_finish_entry(o->a) < ARCHIVE_WARN)
		return -EIO;
	return o->rc;
}

static int
put_file(struct ffs_chunkout *o, const char *name, const struct ffs_chunkout_attr *attrs,
    size_t nattrs, const struct iovec *parts, size_t nparts)
{
	int fd, rc = 0;
	char attr[64];
	size_t i;

	fd = openat(o->fd, name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
	if (fd < 0)
		return -errno;
	for (i = 0; !rc && i < nparts; i++)
		rc = write_all(fd, parts[i].iov_base, parts[i].iov_len);
	for (i = 0; !rc && i < nattrs; i++) {
		snprintf(attr, sizeof(attr), "user.ffs.%s", attrs[i].name);
		if (fsetxattr(fd, attr, attrs[i].value, strlen(attrs[i].value), 0))
			break; /* a filesystem without them: the files are as good */
	}
	if (close(fd) && !rc)
		rc = -errno;
	return rc;
}

int
ffs_chunkout_put(struct ffs_chunkout *o, const char *name, const struct ffs_chunkout_attr *attrs,
    size_t nattrs, const struct iovec *parts, size_t nparts)
{
	return (o->dir ? put_file : put_tar)(o, name, attrs, nattrs, parts, nparts);
}

int
ffs_chunkout_end(struct ffs_chunkout *o)
{
	int rc = 0;

	if (!o->dir)
		return 0;
	if (rename(o->temp, o->target)) {
		rc = errno == ENOTEMPTY || errno == ENOTDIR ? -EEXIST : -errno;
	} else {
		close(o->fd);
		o->fd = -1;
	}
	drop(o);
	return rc;
}

int
ffs_chunkout_finish(struct ffs_chunkout *o)
{
	o->finished = true;
	if (!o->dir && archive_write_close(o->a) != ARCHIVE_OK)
		return -EIO;
	return o->rc;
}
