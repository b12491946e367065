#ifndef FFS_SENDFILE_H
#define FFS_SENDFILE_H

#include <stdint.h>

/*
 * Move [off, off + n) of the file in to out, without their going through this program where the
 * kernel can: splice(2) into a pipe, copy_file_range(2) where file systems share blocks,
 * sendfile(2) to what is no file.
 * *done counts the bytes while they go (atomically: others may look), *us the time
 * without what was spent waiting for a pipe's reader.  Returns 0; -ENODATA where in has become
 * shorter; -errno.
 */
int ffs_sendfile(int out, int in, uint64_t off, uint64_t n, uint64_t *done, uint64_t *us);

#endif
