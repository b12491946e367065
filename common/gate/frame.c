#include "common/gate/frame.h"

#include <errno.h>

/* Of a chunked body, what comes next. */
enum state {
	SIZE,      /* a digit of a chunk's size */
	EXTENSION, /* behind it, to the CR */
	SIZE_LF,
	DATA,
	DATA_CR,
	DATA_LF,
	TRAILER, /* the start of a line: a field's name or the CR of the empty line */
	FIELD,   /* inside of a field, to its CR */
	FIELD_LF,
	LAST_LF,
};

void
ffs_frame_init(struct ffs_frame *f, const struct ffs_head *h)
{
	*f = (struct ffs_frame){ .body = h->body };
	if (h->body == FFS_HEAD_LENGTH)
		f->left = h->length;
	f->done = h->body == FFS_HEAD_NONE;
}

static int
digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c |= 0x20;
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static int
feed_size(struct ffs_frame *f, char c)
{
	int d = digit(c);

	if (d >= 0) {
		if (f->left >> 59)
			return -EBADMSG;
		f->left = f->left << 4 | (unsigned)d;
		/* Zeros without end are no number either. */
		return ++f->digits > 16 ? -EBADMSG : 0;
	}
	if (!f->digits)
		return -EBADMSG;
	f->line = f->digits;
	f->state = c == '\r' ? SIZE_LF : EXTENSION;
	return c == '\r' || c == ';' ? 0 : -EBADMSG;
}

/* Extensions and trailers: any text on one line. */
static int
feed_text(struct ffs_frame *f, char c, unsigned *count, unsigned max, enum state cr)
{
	if (++*count > max)
		return -EBADMSG;
	if (c == '\r')
		f->state = cr;
	else if (((unsigned char)c < 0x20 && c != '\t') || c == 0x7f)
		return -EBADMSG;
	return 0;
}

/* A line feed, then a state. */
static int
feed_lf(struct ffs_frame *f, char c, enum state next)
{
	f->state = next;
	return c == '\n' ? 0 : -EBADMSG;
}

static int
feed_byte(struct ffs_frame *f, char c)
{
	switch ((enum state)f->state) {
	case SIZE:
		return feed_size(f, c);
	case EXTENSION:
		return feed_text(f, c, &f->line, FFS_FRAME_LINE, SIZE_LF);
	case SIZE_LF:
		f->digits = 0;
		return feed_lf(f, c, f->left ? DATA : TRAILER);
	case DATA_CR:
		f->state = DATA_LF;
		return c == '\r' ? 0 : -EBADMSG;
	case DATA_LF:
		return feed_lf(f, c, SIZE);
	case TRAILER:
		f->state = FIELD;
		if (c == ' ' || c == '\t' || c == ':')
			return -EBADMSG;
		return feed_text(f, c, &f->trailers, FFS_FRAME_TRAILERS, LAST_LF);
	case FIELD:
		return feed_text(f, c, &f->trailers, FFS_FRAME_TRAILERS, FIELD_LF);
	case FIELD_LF:
		return feed_lf(f, c, TRAILER);
	case LAST_LF:
		f->done = true;
		return c == '\n' ? 0 : -EBADMSG;
	case DATA:
		break;
	}
	return -EBADMSG;
}

int
ffs_frame_feed(struct ffs_frame *f, const char *p, size_t n, size_t *used)
{
	size_t i = 0, k;
	int rc = 0;

	if (f->body == FFS_HEAD_CLOSE || f->done) {
		*used = f->done ? 0 : n;
		return 0;
	}
	if (f->body == FFS_HEAD_LENGTH) {
		*used = f->left < n ? (size_t)f->left : n;
		f->left -= *used;
		f->done = !f->left;
		return 0;
	}
	while (!rc && i < n && !f->done) {
		if (f->state != DATA) {
			rc = feed_byte(f, p[i++]);
			continue;
		}
		k = f->left < n - i ? (size_t)f->left : n - i;
		i += k;
		f->left -= k;
		if (!f->left)
			f->state = DATA_CR;
	}
	*used = i;
	return rc;
}
