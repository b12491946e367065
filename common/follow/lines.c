#include "common/follow/lines.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define LINE_MAX_BYTES (64 * 1024)

struct ffs_lines {
	struct ffs_http *http;
	int fd;
	bool always; /* a regular file: nothing to wait for */
	bool ready, eof;
	bool skipping; /* the rest of a line that is too long */
	uint64_t number;
	size_t at, len; /* what is not given out yet */
	char buf[LINE_MAX_BYTES];
};

struct ffs_lines *
ffs_lines_new(struct ffs_http *http, int fd)
{
	struct ffs_lines *l = calloc(1, sizeof(*l));

	if (!l)
		return NULL;
	l->http = http;
	l->fd = fd;
	return l;
}

void
ffs_lines_free(struct ffs_lines *l)
{
	if (!l)
		return;
	ffs_http_watch(l->http, -1, NULL, NULL);
	free(l);
}

/* Once: whoever reads asks again, and meanwhile other waits are not disturbed. */
static void
on_ready(void *arg)
{
	struct ffs_lines *l = arg;

	l->ready = true;
	ffs_http_watch(l->http, -1, NULL, NULL);
}

/* More bytes behind those that are there.  0; -EAGAIN; -errno. */
static int
more(struct ffs_lines *l)
{
	ssize_t n;
	int rc;

	if (!l->ready && !l->always) {
		rc = ffs_http_watch(l->http, l->fd, on_ready, l);
		if (rc != -EPERM)
			return rc ? rc : -EAGAIN;
		l->always = true; /* epoll(7) takes no regular files */
	}
	memmove(l->buf, l->buf + l->at, l->len);
	l->at = 0;
	n = read(l->fd, l->buf + l->len, sizeof(l->buf) - l->len);
	if (n < 0)
		return errno == EINTR ? -EAGAIN : -errno;
	l->ready = false;
	l->eof = !n;
	l->len += (size_t)n;
	return 0;
}

int
ffs_lines_next(struct ffs_lines *l, const char **line, size_t *n)
{
	const char *end;
	int rc;

again:
	for (;;) {
		end = memchr(l->buf + l->at, '\n', l->len);
		if (end || (l->eof && l->len) || l->len == sizeof(l->buf))
			break;
		if (l->eof)
			return 0;
		rc = more(l);
		if (rc)
			return rc;
	}
	*line = l->buf + l->at;
	*n = end ? (size_t)(end - *line) : l->len;
	l->at += *n + (end != NULL);
	l->len -= *n + (end != NULL);
	if (l->skipping) {
		l->skipping = !end && !l->eof;
		goto again;
	}
	l->number++;
	l->skipping = !end && !l->eof;
	return l->skipping ? -EFBIG : 1;
}

uint64_t
ffs_lines_number(const struct ffs_lines *l)
{
	return l->number;
}
