#ifndef FFS_JSON_H
#define FFS_JSON_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "common/base/buf.h"

/*
 * The one writer of JSON Lines (RFC 8259): one object a line, every string
 * escaped.  Control bytes become \u00XX; bytes that are not UTF-8 become
 * U+FFFD, and the whole string is repeated in hexadecimal as NAME_hex.
 *
 *	struct ffs_json j = FFS_JSON_INIT;
 *	ffs_json_open(&j);
 *	ffs_json_str(&j, "key", key);
 *	ffs_json_uint(&j, "bytes", n);
 *	ffs_json_close(&j);
 *	rc = ffs_json_print(&j, stdout);
 *	ffs_json_release(&j);
 */
struct ffs_json {
	struct ffs_buf buf;
	bool comma;
};

#define FFS_JSON_INIT                                                                              \
	{                                                                                          \
		.buf = FFS_BUF_INIT                                                                \
	}

/* Start an object: at the top, or with a name inside another. */
void ffs_json_open(struct ffs_json *j);
void ffs_json_open_in(struct ffs_json *j, const char *name);

/* End the innermost object. */
void ffs_json_close(struct ffs_json *j);

/* An array of objects: each one is begun by ffs_json_open_next(). */
void ffs_json_list(struct ffs_json *j, const char *name);
void ffs_json_open_next(struct ffs_json *j);
void ffs_json_list_end(struct ffs_json *j);

/* A string member; NULL gives null. */
void ffs_json_str(struct ffs_json *j, const char *name, const char *s);
void ffs_json_uint(struct ffs_json *j, const char *name, uint64_t n);
void ffs_json_int(struct ffs_json *j, const char *name, int64_t n);
void ffs_json_bool(struct ffs_json *j, const char *name, bool yes);

/* A number with this many decimals; not finite gives null. */
void ffs_json_fixed(struct ffs_json *j, const char *name, double v, int decimals);

/* An array of strings. */
void ffs_json_strs(struct ffs_json *j, const char *name, const char *const *v, size_t n);

/* Add s as a quoted, escaped JSON string, nothing else.  Returns true if all of it was UTF-8. */
bool ffs_json_quote(struct ffs_buf *b, const char *s, size_t n);

/*
 * Write the line and its newline in one fwrite and empty the writer.  Returns
 * 0, -ENOMEM from an earlier call, or -errno of the stream.
 */
int ffs_json_print(struct ffs_json *j, FILE *f);

void ffs_json_release(struct ffs_json *j);

#endif
