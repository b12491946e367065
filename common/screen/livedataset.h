#ifndef FFS_LIVEDATASET_H
#define FFS_LIVEDATASET_H

#include "common/screen/model.h"

/*
 * Read the manifest of "NAME" or "NAME@GENERATION" and let the model look at its chunks, which the
 * cache keeps under the endpoint primary.  0 or -errno, then *why (free it) is a line for the user.
 */
int ffs_live_dataset_read(
    struct ffs_model *m, const char *dataset, const char *primary, char **why);

#endif
