#ifndef FFS_SOURCESIMPL_H
#define FFS_SOURCESIMPL_H

#include <stdbool.h>
#include <stddef.h>

#include "common/split/input.h"
#include "common/split/lobster.h"
#include "common/split/sources.h"

/* What common/split/sources*.c share; nobody else includes this. */

/* A file, or a member of an archive, that may become a dataset. */
struct ffs_sources_part {
	size_t file;
	size_t ordinal; /* of the member */
	bool member;
	char *name; /* as the archive or the command line has it */
	bool lobster;
	struct ffs_lobster l;
	struct ffs_sources_part *partner; /* a book's message file */
	char *dataset;                    /* NULL: none of its own */
};

/* An input that is open, and may have another of its members asked for next. */
struct ffs_sources_cursor {
	size_t file;
	struct ffs_input *in;
	char *label;
};

struct ffs_sources {
	const char **files;
	size_t n; /* the message file of the options, if any, stands behind them */
	struct ffs_sources_opts o;
	struct ffs_input **kept; /* inputs that cannot be opened twice; one a file, or NULL */
	struct ffs_sources_part *parts;
	size_t nparts, cap;
	size_t nbooks;    /* parts before that of the message file */
	size_t count, at; /* datasets; next part to look at */
	const struct ffs_sources_part
	    *piped; /* last dataset, where its archive cannot be read twice */
	struct ffs_sources_cursor data, message;
	char *error;
};

/* Keep a line for the user, and return rc. */
int ffs_sources_fail(struct ffs_sources *s, int rc, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
int ffs_sources_fail_memory(struct ffs_sources *s);
int ffs_sources_fail_part(
    struct ffs_sources *s, int rc, const struct ffs_sources_part *p, const char *what);

/* Tell of a part that is not read.  0 or -ENOMEM. */
int ffs_sources_note(
    struct ffs_sources *s, const struct ffs_sources_part *p, bool failed, const char *what);

/* What to call it before the user, masked.  NULL without memory; free it. */
char *ffs_sources_label(const struct ffs_sources *s, const struct ffs_sources_part *p);

static inline bool
ffs_sources_is_message(const struct ffs_sources_part *p)
{
	return p->lobster && p->l.kind == FFS_LOBSTER_MESSAGE;
}

/* sourcesettle.c: all files are looked at: find pairs, give names.  0 or -errno with an error. */
int ffs_sources_settle(struct ffs_sources *s);

#endif
