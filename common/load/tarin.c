#include "common/load/tarin.h"

#include <archive.h>
#include <archive_entry.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "common/base/crc32c.h"
#include "common/base/csv.h"
#include "common/dataset/manifest.h"
#include "common/base/opt.h"

enum {
	BLOCK = 256 * 1024, /* a read; stays in the second-level cache until it is copied */
	PIPE = 1024 * 1024, /* the kernel's limit for users without privilege */
	TAR_RECORD = 512,
	PATH_LIMIT = 4096,
};

struct ffs_tarin {
	const char *const *files;
	size_t n, at; /* at: the next file to open */
	const char *name;
	int cancel_fd;
	struct archive *a; /* the input that is open, or NULL */
	int fd;
	const char *path; /* of the input, for messages */
	unsigned char *block;
	const char *hinted; /* the first file of the dataset, once its size is known */
	char *entry_path;   /* of the current entry, cut into dataset and name */
	char *shown;
	char error[512];
};

static int __attribute__((format(printf, 3, 4)))
fail(struct ffs_tarin *t, int rc, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(t->error, sizeof(t->error), fmt, ap);
	va_end(ap);
	return rc;
}

struct ffs_tarin *
ffs_tarin_new(const char *const *files, size_t n, const char *name, int cancel_fd)
{
	struct ffs_tarin *t = calloc(1, sizeof(*t));

	if (!t)
		return NULL;
	t->block = malloc(BLOCK);
	if (!t->block) {
		free(t);
		return NULL;
	}
	t->files = files;
	t->n = n;
	t->name = name;
	t->cancel_fd = cancel_fd;
	t->fd = -1;
	return t;
}

static void
close_input(struct ffs_tarin *t)
{
	archive_read_free(t->a);
	t->a = NULL;
	if (t->fd > STDIN_FILENO)
		close(t->fd);
	t->fd = -1;
}

void
ffs_tarin_free(struct ffs_tarin *t)
{
	if (!t)
		return;
	close_input(t);
	free(t->block);
	free(t->entry_path);
	free(t->shown);
	free(t);
}

const char *
ffs_tarin_error(const struct ffs_tarin *t)
{
	return t->error;
}

/* --- the bytes --- */

static ssize_t
read_block(struct archive *a, void *arg, const void **p)
{
	struct ffs_tarin *t = arg;
	struct pollfd fds[2] = { { .fd = t->fd, .events = POLLIN },
		{ .fd = t->cancel_fd, .events = POLLIN } };
	ssize_t n;

	for (;;) {
		if (t->cancel_fd >= 0 && poll(fds, 2, -1) < 0 && errno != EINTR)
			goto fail;
		if (t->cancel_fd >= 0 && fds[1].revents) {
			errno = ECANCELED;
			goto fail;
		}
		n = read(t->fd, t->block, BLOCK);
		if (n >= 0)
			break;
		if (errno != EINTR && errno != EAGAIN)
			goto fail;
	}
	*p = t->block;
	return n;
fail:
	archive_set_error(a, errno, "%s", strerror(errno));
	return -1;
}

/* The error that libarchive keeps: the system's own where there was one, else a bad stream. */
static int
archive_fail(struct ffs_tarin *t)
{
	const char *text = archive_error_string(t->a);
	int err = archive_errno(t->a);

	/* libarchive's own numbers are ARCHIVE_ERRNO_MISC (-1), EILSEQ and EINVAL */
	return fail(t, err <= 0 || err == EILSEQ ? -EINVAL : -err, "cannot read '%s': %s", t->path,
	    text ? text : "it is damaged or was cut off");
}

static int
open_archive(struct ffs_tarin *t)
{
	struct archive *a = archive_read_new();

	t->a = a;
	if (!a)
		return fail(t, -ENOMEM, "out of memory");
	/* a file that is no tar is one chunk: raw bids lowest */
	archive_read_support_format_tar(a);
	archive_read_support_format_raw(a);
	archive_read_support_format_empty(a);
	archive_read_support_filter_gzip(a);
	archive_read_support_filter_bzip2(a);
	archive_read_support_filter_xz(a);
	archive_read_support_filter_zstd(a);
	archive_read_set_format_option(a, "tar", "hdrcharset", "UTF-8");
	archive_read_set_format_option(a, "tar", "read_concatenated_archives", "1");
	if (archive_read_open(a, t, NULL, read_block, NULL) != ARCHIVE_OK)
		return archive_fail(t);
	return 0;
}

static int
open_input(struct ffs_tarin *t)
{
	const char *file = t->n ? t->files[t->at] : "-";
	struct stat st;

	t->at++;
	if (!strcmp(file, "-")) {
		t->fd = STDIN_FILENO;
		t->path = "stdin";
	} else {
		t->path = file;
		t->fd = open(file, O_RDONLY | O_CLOEXEC);
		if (t->fd < 0)
			return fail(t, -errno, "cannot open '%s': %s", file, strerror(errno));
	}
	if (fstat(t->fd, &st) < 0)
		return fail(t, -errno, "cannot open '%s': %s", t->path, strerror(errno));
	if (S_ISDIR(st.st_mode))
		return fail(t, -EISDIR, "'%s' is a directory: give its files", t->path);
	if (S_ISFIFO(st.st_mode))
		fcntl(t->fd, F_SETPIPE_SZ, PIPE);
	return open_archive(t);
}

/* --- names --- */

static bool
is_message(const char *name)
{
	static const char end[] = ".message.csv";
	size_t n = strlen(name);

	return n > sizeof(end) - 1 && !strcmp(name + n - (sizeof(end) - 1), end);
}

/* Cut the path into a dataset's name and a chunk's. */
static int
set_path(struct ffs_tarin *t, struct ffs_tarin_entry *e, const char *path)
{
	char *slash;

	if (!path || !*path || strlen(path) > PATH_LIMIT)
		return fail(t, -EINVAL, "'%s' has an entry without a usable name", t->path);
	free(t->entry_path);
	free(t->shown);
	t->shown = strdup(path);
	while (path[0] == '.' && path[1] == '/')
		path += 2 + strspn(path + 2, "/");
	t->entry_path = strdup(path);
	if (!t->entry_path || !t->shown)
		return fail(t, -ENOMEM, "out of memory");
	e->path = t->shown;
	slash = strrchr(t->entry_path, '/');
	if (slash)
		*slash = '\0';
	e->name = slash ? slash + 1 : t->entry_path;
	e->dataset = t->name ? t->name : slash ? t->entry_path : "";
	if (!*e->dataset)
		return fail(t, -EINVAL,
		    "'%s' does not name its dataset: give one with -n, or pack DATASET/%s", e->path,
		    e->name);
	if (!ffs_dataset_name_ok(e->dataset))
		return fail(t, -EINVAL, "'%s' is no name for a dataset%s", e->dataset,
		    t->name ? "" : ": give one with -n");
	if (!*e->name)
		return fail(t, -EINVAL, "'%s' is no file's name", e->path);
	e->message = is_message(e->name);
	return 0;
}

/* --- attributes --- */

static int
set_time(char out[65], const char *value)
{
	if (!*value || strlen(value) > 64)
		return -EINVAL;
	strcpy(out, value);
	return 0;
}

static int
set_delimiter(char *out, const char *value)
{
	if (!ffs_csv_delim_ok(value))
		return -EINVAL;
	*out = *value;
	return 0;
}

/* Take one "user.ffs.*"; others are none of ours. */
static int
set_attr(struct ffs_tarin *t, struct ffs_tarin_entry *e, const char *name, const void *p, size_t n)
{
	struct {
		const char *name;
		unsigned bit;
		uint64_t *out;
	} uints[] = { { "first_row", FFS_TARIN_FIRST_ROW, &e->first_row },
		{ "rows", FFS_TARIN_ROWS, &e->rows }, { "columns", FFS_TARIN_COLUMNS, &e->columns },
		{ "header_bytes", FFS_TARIN_HEADER_BYTES, &e->header_bytes },
		{ "time_col", FFS_TARIN_TIME_COL, &e->time_col },
		{ "input_bytes", FFS_TARIN_INPUT_BYTES, &e->input_bytes } };
	static const char prefix[] = "user.ffs.";
	char value[80];
	unsigned bit = 0;
	size_t i;
	int rc = 0;

	if (strncmp(name, prefix, sizeof(prefix) - 1))
		return 0;
	name += sizeof(prefix) - 1;
	if (n >= sizeof(value) || memchr(p, '\0', n))
		return fail(t, -EINVAL, "'%s': attribute %.40s is not text", e->path, name);
	memcpy(value, p, n);
	value[n] = '\0';
	for (i = 0; i < sizeof(uints) / sizeof(*uints); i++)
		if (!strcmp(name, uints[i].name)) {
			bit = uints[i].bit;
			rc = ffs_opt_uint(value, 0, INT64_MAX, uints[i].out);
		}
	if (!strcmp(name, "crc32c")) {
		bit = FFS_TARIN_CRC32C;
		rc = ffs_crc32c_from_hex(value, &e->crc32c);
	} else if (!strcmp(name, "time_first")) {
		bit = FFS_TARIN_TIME_FIRST;
		rc = set_time(e->time_first, value);
	} else if (!strcmp(name, "time_last")) {
		bit = FFS_TARIN_TIME_LAST;
		rc = set_time(e->time_last, value);
	} else if (!strcmp(name, "delimiter")) {
		rc = set_delimiter(&e->delimiter, value);
	}
	if (rc)
		return fail(t, -EINVAL, "'%s': attribute %s is '%s'", e->path, name, value);
	e->have |= bit;
	return 0;
}

static int
set_tar_attrs(struct ffs_tarin *t, struct ffs_tarin_entry *e, struct archive_entry *ae)
{
	const char *name;
	const void *p;
	size_t n;
	int rc = 0;

	archive_entry_xattr_reset(ae);
	while (!rc && archive_entry_xattr_next(ae, &name, &p, &n) == ARCHIVE_OK)
		rc = name && p ? set_attr(t, e, name, p, n) : 0;
	return rc;
}

/* The attributes that "ffs-split -C" left on a file, where the filesystem has any. */
static int
set_file_attrs(struct ffs_tarin *t, struct ffs_tarin_entry *e)
{
	static const char *const names[] = { "first_row", "rows", "columns", "header_bytes",
		"time_col", "delimiter", "input_bytes", "crc32c", "time_first", "time_last" };
	char full[40], value[80];
	size_t i;
	ssize_t n;
	int rc = 0;

	for (i = 0; i < sizeof(names) / sizeof(*names) && !rc; i++) {
		snprintf(full, sizeof(full), "user.ffs.%s", names[i]);
		n = fgetxattr(t->fd, full, value, sizeof(value));
		if (n >= 0)
			rc = set_attr(t, e, full, value, (size_t)n);
	}
	return rc;
}

/* --- entries --- */

/* libarchive says "end" both for the marker and for a stream that just stops between entries. */
static int
end_of_input(struct ffs_tarin *t, int64_t before)
{
	int64_t now = archive_filter_bytes(t->a, 0);

	before = (before + TAR_RECORD - 1) / TAR_RECORD * TAR_RECORD;
	if (archive_format(t->a) == ARCHIVE_FORMAT_EMPTY || !now)
		return fail(t, -EINVAL, "'%s' is empty", t->path);
	if ((archive_format(t->a) & ARCHIVE_FORMAT_BASE_MASK) == ARCHIVE_FORMAT_TAR &&
	    now - before < TAR_RECORD)
		return fail(
		    t, -EINVAL, "'%s' was cut off: it has no end-of-archive marker", t->path);
	return 0;
}

/* With a dataset's first file: how many bytes all of its files have. */
static void
add_hint(struct ffs_tarin *t, struct ffs_tarin_entry *e)
{
	const char *slash = strrchr(t->path, '/'), *file;
	size_t dir = slash ? (size_t)(slash - t->path) + 1 : 0, i;
	struct stat st;

	if (t->hinted &&
	    (t->name || (!strncmp(t->path, t->hinted, dir) && !strchr(t->hinted + dir, '/'))))
		return;
	t->hinted = t->path;
	if (e->have & FFS_TARIN_INPUT_BYTES)
		return;
	for (i = t->at - 1; i < t->n; i++) {
		file = t->files[i];
		if (!t->name && (strncmp(t->path, file, dir) || strchr(file + dir, '/')))
			break;
		if (!is_message(file) && stat(file, &st) == 0 && S_ISREG(st.st_mode))
			e->input_bytes += (uint64_t)st.st_size;
	}
	e->have |= FFS_TARIN_INPUT_BYTES;
}

/* A file that is no tar: one chunk with the file's own name. */
static int
next_file(struct ffs_tarin *t, struct ffs_tarin_entry *e)
{
	struct stat st;
	int rc;

	if (t->fd == STDIN_FILENO)
		return fail(t, -EINVAL, "stdin is not a tar stream");
	rc = set_path(t, e, t->path);
	if (!rc)
		rc = set_file_attrs(t, e);
	if (rc)
		return rc;
	add_hint(t, e);
	e->file = true;
	e->size = fstat(t->fd, &st) == 0 && st.st_size > 0 ? (uint64_t)st.st_size : 0;
	return 1;
}

/* 1: an entry; 0: nothing of interest, look again; -errno. */
static int
next_member(struct ffs_tarin *t, struct ffs_tarin_entry *e, struct archive_entry *ae)
{
	const char *path = archive_entry_pathname_utf8(ae);
	int rc;

	if (archive_format(t->a) == ARCHIVE_FORMAT_RAW)
		return next_file(t, e);
	if (archive_entry_filetype(ae) == AE_IFDIR)
		return 0;
	rc = set_path(t, e, path ? path : archive_entry_pathname(ae));
	if (rc)
		return rc;
	if (archive_entry_filetype(ae) != AE_IFREG || archive_entry_hardlink(ae))
		return fail(t, -EINVAL, "'%s' is not a plain file", e->path);
	if (archive_entry_size(ae) < 0)
		return fail(t, -EINVAL, "'%s' has no size", e->path);
	e->size = (uint64_t)archive_entry_size(ae);
	rc = set_tar_attrs(t, e, ae);
	return rc ? rc : 1;
}

int
ffs_tarin_next(struct ffs_tarin *t, struct ffs_tarin_entry *e)
{
	struct archive_entry *ae;
	int64_t before;
	int rc;

	for (;;) {
		memset(e, 0, sizeof(*e));
		e->delimiter = ',';
		if (!t->a) {
			if (t->at && t->at >= t->n)
				return 0;
			rc = open_input(t);
			if (rc)
				return rc;
		}
		before = archive_filter_bytes(t->a, 0);
		rc = archive_read_next_header(t->a, &ae);
		if (rc == ARCHIVE_EOF) {
			rc = end_of_input(t, before);
			if (rc)
				return rc;
			close_input(t);
		} else if (rc != ARCHIVE_RETRY) {
			rc = rc < ARCHIVE_WARN ? archive_fail(t) : next_member(t, e, ae);
			if (rc)
				return rc;
		}
	}
}

ssize_t
ffs_tarin_read(struct ffs_tarin *t, void *p, size_t n)
{
	ssize_t got = archive_read_data(t->a, p, n);

	return got < 0 ? archive_fail(t) : got;
}
