#ifndef FFS_DIGEST_H
#define FFS_DIGEST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * The checksums that S3 knows, several at once over one stream.
 * https://docs.aws.amazon.com/AmazonS3/latest/userguide/checking-object-integrity.html
 */
enum ffs_sum {
	FFS_SUM_MD5,
	FFS_SUM_CRC32,
	FFS_SUM_CRC32C,
	FFS_SUM_SHA1,
	FFS_SUM_SHA256,
	FFS_SUM_CRC64NVME,
	FFS_SUM_N
};

struct ffs_digest {
	unsigned want;                    /* bits 1 << enum ffs_sum */
	void *md[FFS_SUM_N];              /* OpenSSL's contexts */
	uint64_t crc[FFS_SUM_N];          /* running CRCs */
	unsigned char sum[FFS_SUM_N][32]; /* after ffs_digest_finish(), most significant first */
};

/* Start the sums in want.  Returns 0, -ENOMEM or -EIO.  Release also after an error. */
int ffs_digest_init(struct ffs_digest *d, unsigned want);
int ffs_digest_update(struct ffs_digest *d, const void *p, size_t n);
int ffs_digest_finish(struct ffs_digest *d);

/* The sums in want over n bytes of a file from its start, finished.  Released on error. */
int ffs_digest_file(struct ffs_digest *d, unsigned want, int fd, uint64_t n);
void ffs_digest_release(struct ffs_digest *d);

/* Bytes of a sum: 4 to 32. */
size_t ffs_digest_size(enum ffs_sum s);

/* "crc32c" as in x-amz-checksum-crc32c, and back in any case (FFS_SUM_N: unknown; MD5 is). */
const char *ffs_digest_name(enum ffs_sum s);
enum ffs_sum ffs_digest_named(const char *name, size_t n);

#define FFS_DIGEST_TEXT 65

/* A finished sum as base64 or as lower-case hex. */
void ffs_digest_base64(const struct ffs_digest *d, enum ffs_sum s, char out[FFS_DIGEST_TEXT]);
void ffs_digest_hex(const struct ffs_digest *d, enum ffs_sum s, char out[FFS_DIGEST_TEXT]);

/* Decode the base64 of a sum.  Returns 0, or -EINVAL where it is not exactly one. */
int ffs_digest_from_base64(enum ffs_sum s, const char *text, unsigned char out[32]);

#endif
