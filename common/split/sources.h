#ifndef FFS_SOURCES_H
#define FFS_SOURCES_H

#include <stdbool.h>
#include <stddef.h>

#include "common/split/split.h"

/*
 * Which datasets a list of files holds: finds the members of archives, pairs
 * LOBSTER's order books with their message files, gives each dataset its
 * name, and opens them one after the other.
 */
struct ffs_sources;

struct ffs_sources_opts {
	const char *name; /* dataset, or a template of ffs_lobster_expand(); NULL: from the input */
	const char *member;  /* glob for members of archives, NULL: all */
	const char *message; /* message file for the one order book, NULL: none */
	/* A line for stderr: a member that is skipped.  failed: that should not have been. */
	void (*note)(void *arg, const char *line, bool failed);
	void *arg;
};

/*
 * Look at all files ("-" is stdin; the strings must outlive it) and settle the datasets, without
 * reading more of them than that takes.  NULL with errno where memory is short.
 * Else *rc is 0, or ffs_sources_error() tells: -EINVAL where another command
 * line would help, -ENODATA where nothing is left to split, -errno of reading.
 */
struct ffs_sources *ffs_sources_new(
    const char *const *files, size_t n, const struct ffs_sources_opts *o, int *rc);
void ffs_sources_free(struct ffs_sources *s);

/* How many datasets there are. */
size_t ffs_sources_count(const struct ffs_sources *s);

/*
 * The next dataset, open, in the order of the input; good until the next call.
 * Call only after the last one was read to its end.  job->stop is kept.  Returns
 * 1, 0 behind the last, or -errno.
 */
int ffs_sources_next(struct ffs_sources *s, struct ffs_split_job *job);

/* What is wrong, a line for the user, or NULL. */
const char *ffs_sources_error(const struct ffs_sources *s);

#endif
