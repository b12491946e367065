#ifndef FFS_PACKER_H
#define FFS_PACKER_H

#include <stddef.h>
#include <stdint.h>

/* What one thread needs to look into chunks and to compress them. */
struct ffs_packer;

/* level is zstd's, 0 for none.  NULL with errno. */
struct ffs_packer *ffs_packer_new(int level);
void ffs_packer_free(struct ffs_packer *p);

/*
 * Count rows and columns, which all rows must have alike.  Returns 0; -EINVAL
 * with *row, from 1, where they have not; -EBADMSG for a quote that is never closed; -errno.
 */
int ffs_packer_count(struct ffs_packer *p, const void *csv, size_t n, char delim, uint64_t *rows,
    uint64_t *columns, uint64_t *row);

/*
 * Count the rows of a message file.  Its first column gives the times of the first and the last
 * row.  Returns 0; -ENODATA where not every row has a time; -EINVAL with *rows the one, from 1,
 * whose time is before that of the row above; -EBADMSG for a quote that is never closed; -errno.
 */
int ffs_packer_message(const void *csv, size_t n, uint64_t *rows, char first[65], char last[65]);

/* How many bytes ffs_packer_compress() may need for n. */
size_t ffs_packer_bound(size_t n);

/* One zstd frame with content size and checksum.  *out_len is room, then length.  Returns 0 or
 * -EIO. */
int ffs_packer_compress(struct ffs_packer *p, const void *in, size_t n, void *out, size_t *out_len);

/* MD5 into 16 bytes.  Returns 0, or -EIO where OpenSSL has none (FIPS). */
int ffs_packer_md5(unsigned char md5[16], const void *p, size_t n);

#endif
