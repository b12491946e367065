#ifndef FFS_BUF_H
#define FFS_BUF_H

#include <stddef.h>

/*
 * A growable string of bytes.  p[len] is always NUL once anything was added.
 * Running out of memory is sticky: later adds do nothing, and ffs_buf_error()
 * tells once at the end, so that builders need not test each call.
 */
struct ffs_buf {
	char *p;
	size_t len, cap;
	int err;
};

#define FFS_BUF_INIT                                                                               \
	{                                                                                          \
		0                                                                                  \
	}

/* Frees the bytes; the buffer may be used again. */
void ffs_buf_release(struct ffs_buf *b);

/* Forgets the bytes and any error, keeps the memory. */
void ffs_buf_reset(struct ffs_buf *b);

/* Room for n more bytes behind len and a NUL.  Returns where they start, or NULL (sticky). */
char *ffs_buf_reserve(struct ffs_buf *b, size_t n);

void ffs_buf_add(struct ffs_buf *b, const void *p, size_t n);
void ffs_buf_adds(struct ffs_buf *b, const char *s);
void ffs_buf_addc(struct ffs_buf *b, char c);
void ffs_buf_addf(struct ffs_buf *b, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* Lower-case hexadecimal of n bytes. */
void ffs_buf_addhex(struct ffs_buf *b, const void *p, size_t n);

/* 0, or -ENOMEM where an earlier call ran out of memory. */
int ffs_buf_error(const struct ffs_buf *b);

/* Hands the string over: the caller frees it, the buffer is empty.  NULL after an error. */
char *ffs_buf_detach(struct ffs_buf *b);

/* The three strings in one, the caller's to free.  NULL with ENOMEM. */
char *ffs_buf_concat(const char *a, const char *b, const char *c);

#endif
