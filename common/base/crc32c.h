#ifndef FFS_CRC32C_H
#define FFS_CRC32C_H

#include <stddef.h>
#include <stdint.h>

/*
 * CRC-32C (Castagnoli, RFC 3720 appendix B.4) of n more bytes, continuing from
 * crc; start with 0.  The CRC of "123456789" is 0xe3069283.
 */
uint32_t ffs_crc32c(uint32_t crc, const void *p, size_t n);

/*
 * S3's form, as in x-amz-checksum-crc32c: base64 of the four bytes, most
 * significant first.  Writes 8 characters and a NUL.
 */
void ffs_crc32c_base64(uint32_t crc, char out[9]);

/* Parses that form.  Returns 0, or -EINVAL. */
int ffs_crc32c_from_base64(const char *s, uint32_t *crc);

/* The manifest's form: 8 lower-case hexadecimal digits.  Returns 0, or -EINVAL. */
int ffs_crc32c_from_hex(const char *s, uint32_t *crc);

#endif
