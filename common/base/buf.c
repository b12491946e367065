#include "common/base/buf.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void
ffs_buf_release(struct ffs_buf *b)
{
	free(b->p);
	*b = (struct ffs_buf)FFS_BUF_INIT;
}

void
ffs_buf_reset(struct ffs_buf *b)
{
	b->len = 0;
	b->err = 0;
	if (b->p)
		b->p[0] = '\0';
}

char *
ffs_buf_reserve(struct ffs_buf *b, size_t n)
{
	size_t need, cap;
	char *p;

	if (b->err)
		return NULL;
	if (__builtin_add_overflow(b->len, n, &need) || __builtin_add_overflow(need, 1, &need))
		goto fail;
	if (need > b->cap) {
		cap = b->cap < 64 ? 64 : b->cap;
		while (cap < need)
			if (__builtin_mul_overflow(cap, 2, &cap))
				goto fail;
		p = realloc(b->p, cap);
		if (!p)
			goto fail;
		b->p = p;
		b->cap = cap;
	}
	return b->p + b->len;
fail:
	b->err = -ENOMEM;
	return NULL;
}

void
ffs_buf_add(struct ffs_buf *b, const void *p, size_t n)
{
	char *to = ffs_buf_reserve(b, n);

	if (!to)
		return;
	if (n)
		memcpy(to, p, n);
	to[n] = '\0';
	b->len += n;
}

void
ffs_buf_adds(struct ffs_buf *b, const char *s)
{
	ffs_buf_add(b, s, strlen(s));
}

void
ffs_buf_addc(struct ffs_buf *b, char c)
{
	ffs_buf_add(b, &c, 1);
}

void
ffs_buf_addf(struct ffs_buf *b, const char *fmt, ...)
{
	va_list ap, again;
	char *to;
	int n;

	va_start(ap, fmt);
	va_copy(again, ap);
	n = vsnprintf(NULL, 0, fmt, ap);
	va_end(ap);
	to = n < 0 ? NULL : ffs_buf_reserve(b, (size_t)n);
	if (to) {
		vsnprintf(to, (size_t)n + 1, fmt, again);
		b->len += (size_t)n;
	} else if (!b->err) {
		b->err = -ENOMEM;
	}
	va_end(again);
}

void
ffs_buf_addhex(struct ffs_buf *b, const void *p, size_t n)
{
	static const char digit[] = "0123456789abcdef";
	const unsigned char *from = p;
	char *to = n > ((size_t)-1) / 2 ? NULL : ffs_buf_reserve(b, 2 * n);
	size_t i;

	if (!to)
		return;
	for (i = 0; i < n; i++) {
		to[2 * i] = digit[from[i] >> 4];
		to[2 * i + 1] = digit[from[i] & 15];
	}
	to[2 * n] = '\0';
	b->len += 2 * n;
}

int
ffs_buf_error(const struct ffs_buf *b)
{
	return b->err;
}

char *
ffs_buf_detach(struct ffs_buf *b)
{
	char *p;

	if (!b->err && !b->p)
		ffs_buf_add(b, "", 0);
	p = b->err ? NULL : b->p;
	if (b->err)
		free(b->p);
	*b = (struct ffs_buf)FFS_BUF_INIT;
	return p;
}

char *
ffs_buf_concat(const char *a, const char *b, const char *c)
{
	struct ffs_buf s = FFS_BUF_INIT;
	char *p;

	ffs_buf_adds(&s, a);
	ffs_buf_adds(&s, b);
	ffs_buf_adds(&s, c);
	p = ffs_buf_detach(&s);
	if (!p)
		errno = ENOMEM;
	return p;
}
