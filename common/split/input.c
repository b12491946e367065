#include "common/split/input.h"

#include <archive.h>
#include <archive_entry.h>
#include <errno.h>
#include <fcntl.h>
#include <isa-l/crc.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
	HEAD = 512,         /* one tar header: what sniffing needs at most */
	BLOCK = 256 * 1024, /* what libarchive is given at a time */
};

struct ffs_input {
	const char *path;
	int fd;
	bool seekable, members;
	off_t base, pos;    /* seekable: where the input starts, and the next byte from there */
	uint64_t file_size; /* seekable: from base on */
	uint64_t size;      /* of the member, 0 where it is not known */
	unsigned char head[HEAD]; /* not seekable: bytes that sniffing took */
	size_t head_len, head_at;
	struct archive *a;
	unsigned char *block;
	struct archive_entry *held; /* first entry: read to learn the format, not yet asked for */
	bool ended;                 /* there was not even that */
	size_t next;                /* ordinal of the regular file that comes next */
	bool gzip;                  /* one compressed file: see check_gzip() */
	unsigned char tail[8];      /* the last bytes libarchive was given */
	uint32_t crc, length;       /* of what it made of them, as gzip counts */
	char error[256];
};

static int
fail(struct ffs_input *in, int rc, const char *what)
{
	/* of libarchive's texts some end with a line end */
	snprintf(in->error, sizeof(in->error), "%.*s", (int)strcspn(what, "\n"), what);
	return rc;
}

static int
fail_errno(struct ffs_input *in)
{
	int rc = -errno;

	return fail(in, rc, strerror(-rc));
}

/* libarchive's errno is our own callback's or EILSEQ and friends: never a sign of a missing file.
 */
static int
fail_archive(struct ffs_input *in)
{
	const char *text = archive_error_string(in->a);

	if (archive_errno(in->a) == EINTR)
		return -EINTR;
	return fail(
	    in, archive_errno(in->a) == ENOMEM ? -ENOMEM : -EIO, text ? text : "not readable");
}

struct ffs_input *
ffs_input_new(const char *path)
{
	struct ffs_input *in = calloc(1, sizeof(*in));

	if (!in)
		return NULL;
	in->path = path;
	in->fd = -1;
	return in;
}

void
ffs_input_free(struct ffs_input *in)
{
	if (!in)
		return;
	archive_read_free(in->a);
	free(in->block);
	if (in->fd >= 0)
		close(in->fd);
	free(in);
}

/* Bytes of the file itself. */
static ssize_t
read_raw(struct ffs_input *in, void *p, size_t n)
{
	struct pollfd pfd = { .fd = in->fd, .events = POLLIN };
	ssize_t got;

	if (in->head_at < in->head_len) {
		if (n > in->head_len - in->head_at)
			n = in->head_len - in->head_at;
		memcpy(p, in->head + in->head_at, n);
		in->head_at += n;
		return (ssize_t)n;
	}
	for (;;) {
		got = in->seekable ? pread(in->fd, p, n, in->base + in->pos) : read(in->fd, p, n);
		if (got >= 0)
			break;
		if (errno != EAGAIN)
			return -errno;
		poll(&pfd, 1, -1); /* someone left O_NONBLOCK on a pipe */
	}
	in->pos += got;
	return got;
}

static void
keep_tail(struct ffs_input *in, ssize_t n)
{
	size_t keep = sizeof(in->tail);

	if (n >= (ssize_t)keep) {
		memcpy(in->tail, in->block + n - keep, keep);
	} else if (n > 0) {
		memmove(in->tail, in->tail + n, keep - (size_t)n);
		memcpy(in->tail + keep - n, in->block, (size_t)n);
	}
}

static uint32_t
le32(const unsigned char *p)
{
	return p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
}

/*
 * libarchive 3.6 does not look at the CRC and the length that end a gzip member (RFC
 * 1952, 2.3.1).  Where the length is that of the whole output, the file was one
 * member, or the others were empty, and the CRC must be right too.
 */
static int
check_gzip(struct ffs_input *in)
{
	if (le32(in->tail + 4) != in->length || le32(in->tail) == in->crc)
		return 0;
	return fail(in, -EIO, "gzip's checksum does not match");
}

static la_ssize_t
on_read(struct archive *a, void *arg, const void **p)
{
	struct ffs_input *in = arg;
	ssize_t got = read_raw(in, in->block, BLOCK);

	*p = in->block;
	keep_tail(in, got);
	if (got < 0) {
		archive_set_error(a, (int)-got, "%s", strerror((int)-got));
		return -1;
	}
	return got;
}

static la_int64_t
on_seek(struct archive *a, void *arg, la_int64_t off, int whence)
{
	struct ffs_input *in = arg;
	la_int64_t from = whence == SEEK_SET   ? 0
	                  : whence == SEEK_CUR ? in->pos
	                                       : (la_int64_t)in->file_size;

	(void)a;
	if (__builtin_add_overflow(from, off, &from) || from < 0)
		return ARCHIVE_FATAL;
	in->pos = from;
	return from;
}

static la_int64_t
on_skip(struct archive *a, void *arg, la_int64_t n)
{
	struct ffs_input *in = arg;

	(void)a;
	if (!in->seekable || n > (la_int64_t)in->file_size - in->pos)
		return 0; /* libarchive reads on instead */
	in->pos += n;
	return n;
}

/*
 * Only filters that run in this process: libarchive's "all" starts programs for
 * some, and its "all" formats take a CSV for mtree.
 */
static int
open_archive(struct ffs_input *in)
{
	struct archive_entry *e;
	int rc;

	in->a = archive_read_new();
	if (!in->a)
		return fail(in, -ENOMEM, strerror(ENOMEM));
	archive_read_support_filter_gzip(in->a);
	archive_read_support_filter_bzip2(in->a);
	archive_read_support_filter_xz(in->a);
	archive_read_support_filter_zstd(in->a);
	archive_read_support_filter_lz4(in->a);
	archive_read_support_format_zip(in->a);
	archive_read_support_format_7zip(in->a);
	archive_read_support_format_tar(in->a);
	archive_read_support_format_empty(in->a);
	archive_read_support_format_raw(in->a);
	archive_read_set_read_callback(in->a, on_read);
	archive_read_set_skip_callback(in->a, on_skip);
	if (in->seekable)
		archive_read_set_seek_callback(in->a, on_seek);
	archive_read_set_callback_data(in->a, in);
	if (archive_read_open1(in->a) != ARCHIVE_OK)
		return fail_archive(in);
	in->next = 0;
	rc = archive_read_next_header(in->a, &e);
	if (rc < ARCHIVE_WARN)
		return fail_archive(in);
	in->ended = rc == ARCHIVE_EOF;
	in->held = in->ended ? NULL : e;
	rc = archive_format(in->a);
	in->members = rc != ARCHIVE_FORMAT_RAW && rc != ARCHIVE_FORMAT_EMPTY;
	in->gzip = !in->members && archive_filter_code(in->a, 0) == ARCHIVE_FILTER_GZIP;
	return 0;
}

enum kind { PLAIN, PACKED, SEVENZIP };

static enum kind
sniff(const unsigned char *p, size_t n)
{
	static const struct {
		size_t at, len;
		const char *magic;
		enum kind kind;
	} known[] = {
		{ 0, 3, "\x1f\x8b\x08", PACKED }, /* gzip */
		{ 0, 3, "BZh", PACKED },          /* and a block's magic, below */
		{ 0, 6,
		    "\xfd"
		    "7zXZ\0",
		    PACKED },                         /* xz */
		{ 0, 4, "\x28\xb5\x2f\xfd", PACKED }, /* zstd */
		{ 0, 4, "\x04\x22\x4d\x18", PACKED }, /* lz4 */
		{ 0, 4, "PK\3\4", PACKED },           /* zip */
		{ 0, 4, "PK\5\6", PACKED },           /* zip without members */
		{ 0, 6, "7z\xbc\xaf\x27\x1c", SEVENZIP },
		{ 257, 5, "ustar", PACKED }, /* tar since POSIX.1-1988 */
	};
	size_t i;

	for (i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
		if (n < known[i].at + known[i].len ||
		    memcmp(p + known[i].at, known[i].magic, known[i].len))
			continue;
		if (p[0] == 'B' && !known[i].at && (n < 5 || (p[4] != 0x31 && p[4] != 0x17)))
			continue;
		return known[i].kind;
	}
	return PLAIN;
}

static int
read_head(struct ffs_input *in)
{
	ssize_t got = 1;

	while (got > 0 && in->head_len < HEAD) {
		in->head_at = in->head_len; /* nothing to give back yet */
		got = read_raw(in, in->head + in->head_len, HEAD - in->head_len);
		if (got < 0)
			return fail(in, (int)got, strerror((int)-got));
		in->head_len += (size_t)got;
	}
	in->head_at = 0;
	return 0;
}

int
ffs_input_open(struct ffs_input *in)
{
	enum kind kind;
	struct stat st;
	int rc;

	in->fd = strcmp(in->path, "-") ? open(in->path, O_RDONLY | O_CLOEXEC)
	                               : fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 3);
	if (in->fd < 0 || fstat(in->fd, &st))
		return fail_errno(in);
	if (S_ISREG(st.st_mode)) {
		in->base = lseek(in->fd, 0, SEEK_CUR);
		in->seekable = in->base >= 0;
		if (in->seekable && st.st_size > in->base)
			in->file_size = (uint64_t)(st.st_size - in->base);
		posix_fadvise(in->fd, 0, 0, POSIX_FADV_SEQUENTIAL);
	}
	rc = read_head(in);
	if (rc)
		return rc;
	kind = sniff(in->head, in->head_len);
	if (in->seekable) {
		in->head_len = 0;
		in->pos = 0;
	}
	if (kind == PLAIN)
		return 0;
	if (kind == SEVENZIP && !in->seekable)
		return fail(in, -ESPIPE, "7z needs a seekable file, not a pipe");
	in->block = malloc(BLOCK);
	if (!in->block)
		return fail(in, -ENOMEM, strerror(ENOMEM));
	return open_archive(in);
}

bool
ffs_input_is_archive(const struct ffs_input *in)
{
	return in->members;
}

bool
ffs_input_is_seekable(const struct ffs_input *in)
{
	return in->seekable;
}

int
ffs_input_next(struct ffs_input *in, const char **name)
{
	struct archive_entry *e;
	int rc;

	while (!in->ended) {
		e = in->held;
		in->held = NULL;
		if (!e) {
			rc = archive_read_next_header(in->a, &e);
			if (rc == ARCHIVE_EOF)
				break;
			if (rc < ARCHIVE_WARN)
				return fail_archive(in);
		}
		if (archive_entry_filetype(e) != AE_IFREG || archive_entry_hardlink(e))
			continue;
		in->next++;
		in->size = archive_entry_size_is_set(e) ? (uint64_t)archive_entry_size(e) : 0;
		*name = archive_entry_pathname_utf8(e);
		if (!*name)
			*name = archive_entry_pathname(e);
		if (!*name)
			*name = "?"; /* in no character set we know */
		return 1;
	}
	in->ended = true;
	return 0;
}

int
ffs_input_goto(struct ffs_input *in, size_t ordinal)
{
	const char *name;
	int rc = 1;

	if (ordinal < in->next) {
		if (!in->seekable)
			return fail(in, -ESPIPE, "needs a seekable file, not a pipe");
		archive_read_free(in->a);
		in->a = NULL;
		in->pos = 0;
		rc = open_archive(in);
		if (rc)
			return rc;
		rc = 1;
	}
	while (rc > 0 && in->next <= ordinal)
		rc = ffs_input_next(in, &name);
	if (!rc)
		return fail(in, -ENOENT, "the archive changed while it was read");
	return rc < 0 ? rc : 0;
}

ssize_t
ffs_input_read(struct ffs_input *in, void *p, size_t n)
{
	la_ssize_t got;

	if (!in->a) {
		got = read_raw(in, p, n);
		return got < 0 ? fail(in, (int)got, strerror((int)-got)) : got;
	}
	if (in->ended)
		return 0;
	do
		got = archive_read_data(in->a, p, n);
	while (got == ARCHIVE_RETRY);
	if (got < 0)
		return fail_archive(in);
	if (!in->gzip)
		return got;
	if (!got)
		return check_gzip(in);
	in->crc = crc32_gzip_refl(in->crc, p, (uint64_t)got);
	in->length += (uint32_t)got;
	return got;
}

uint64_t
ffs_input_size(const struct ffs_input *in)
{
	return in->a ? in->size : in->file_size;
}

const char *
ffs_input_error(const struct ffs_input *in)
{
	return in->error;
}
