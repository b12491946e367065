#ifndef FFS_LINES_H
#define FFS_LINES_H

#include <stddef.h>
#include <stdint.h>

#include "common/s3/http.h"

/* The lines of a descriptor, as they come, beside the transfers of a pool. */
struct ffs_lines;

/* NULL with errno. */
struct ffs_lines *ffs_lines_new(struct ffs_http *http, int fd);
void ffs_lines_free(struct ffs_lines *l);

/*
 * The next line, without its end, good until the next call.  Returns 1; 0 at the end; -EAGAIN:
 * none yet, and ffs_http_run() waits for more; -EFBIG for one over 64 KiB, which is left out;
 * -errno.
 */
int ffs_lines_next(struct ffs_lines *l, const char **line, size_t *n);

/* The number of that line, from 1. */
uint64_t ffs_lines_number(const struct ffs_lines *l);

#endif
