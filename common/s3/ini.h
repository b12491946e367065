#ifndef FFS_INI_H
#define FFS_INI_H

#include <stdbool.h>
#include <stddef.h>

/*
 * INI files as the AWS tools write them: "[section]", "key = value", and, below
 * a key without a value, indented "key = value" lines of its own.  '#' and ';'
 * start a comment at the start of a line or behind white space.
 * https://docs.aws.amazon.com/sdkref/latest/guide/file-format.html
 */
struct ffs_ini_entry {
	const char *section; /* "" before the first one; spaces at its ends removed */
	const char *parent;  /* the key it is nested below, or NULL */
	const char *key;     /* NULL: the section's own line */
	const char *value;
};

/* A parsed file.  Strings live in text. */
struct ffs_ini {
	char *text;
	struct ffs_ini_entry *v;
	size_t n;
};

/*
 * Parse n bytes.  Returns 0; -EINVAL for a line that is none of these, longer
 * than 8 KiB or with a NUL byte, and sets *line (1-based; may be NULL); -EFBIG
 * beyond 1 MiB; -ENOMEM.  ffs_ini_release() frees the members, also after an error.
 */
int ffs_ini_parse(struct ffs_ini *ini, const char *text, size_t n, unsigned *line);

/* The same from a file; -errno of open and read. */
int ffs_ini_load(struct ffs_ini *ini, const char *path, unsigned *line);

void ffs_ini_release(struct ffs_ini *ini);

/* The last value of a key (any case), not empty, below parent (NULL: not nested), or NULL. */
const char *ffs_ini_get(
    const struct ffs_ini *ini, const char *section, const char *parent, const char *key);

bool ffs_ini_has(const struct ffs_ini *ini, const char *section);

/* Read a whole regular file of at most max bytes, NUL behind its end.  0, -EFBIG or -errno. */
int ffs_ini_slurp(const char *path, size_t max, char **text, size_t *n);

#endif
