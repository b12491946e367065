#ifndef FFS_LINE_H
#define FFS_LINE_H

#include <time.h>

#include "common/base/buf.h"
#include "common/screen/model.h"

/*
 * The last ms milliseconds as one line of NAME=VALUE words, for logs: no value has a space in it,
 * names stay, new ones come at the end.
 */
void ffs_line_add(struct ffs_buf *b, const struct ffs_model *m, unsigned ms, time_t now);

/* The same as one line of JSON, with each program. */
void ffs_line_json(struct ffs_buf *b, const struct ffs_model *m, unsigned ms, time_t now);

#endif
