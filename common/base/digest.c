#include "common/base/digest.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include <isa-l/crc.h>
#include <openssl/evp.h>

#include "common/base/crc32c.h"

#define FILE_BLOCK (256 * 1024)

static const struct {
	const char *name;
	size_t size;
	const EVP_MD *(*md)(void);
} sums[FFS_SUM_N] = {
	[FFS_SUM_MD5] = { "md5", 16, EVP_md5 },
	[FFS_SUM_CRC32] = { "crc32", 4, NULL },
	[FFS_SUM_CRC32C] = { "crc32c", 4, NULL },
	[FFS_SUM_SHA1] = { "sha1", 20, EVP_sha1 },
	[FFS_SUM_SHA256] = { "sha256", 32, EVP_sha256 },
	[FFS_SUM_CRC64NVME] = { "crc64nvme", 8, NULL },
};

/*
 * CRC-64/NVME: polynomial 0xad93d23594c93659, reflected (NVM Express command set
 * specification, 5.2.1.3.4).  The isa-l of Debian 12 has not got it; four bits at a
 * time need no table that anybody has to check.
 */
static uint64_t
crc64nvme(uint64_t crc, const unsigned char *p, size_t n)
{
	uint64_t nibble[16], v;
	size_t i, k;

	for (i = 0; i < 16; i++) {
		for (v = i, k = 0; k < 4; k++)
			v = v & 1 ? v >> 1 ^ 0x9a6c9329ac4bc9b5 : v >> 1;
		nibble[i] = v;
	}
	crc = ~crc;
	for (i = 0; i < n; i++) {
		crc ^= p[i];
		crc = crc >> 4 ^ nibble[crc & 15];
		crc = crc >> 4 ^ nibble[crc & 15];
	}
	return ~crc;
}

int
ffs_digest_init(struct ffs_digest *d, unsigned want)
{
	size_t i;

	memset(d, 0, sizeof(*d));
	d->want = want;
	for (i = 0; i < FFS_SUM_N; i++) {
		if (!(want & 1u << i) || !sums[i].md)
			continue;
		d->md[i] = EVP_MD_CTX_new();
		if (!d->md[i])
			return -ENOMEM;
		if (EVP_DigestInit_ex(d->md[i], sums[i].md(), NULL) != 1)
			return -EIO;
	}
	return 0;
}

int
ffs_digest_update(struct ffs_digest *d, const void *p, size_t n)
{
	size_t i;

	for (i = 0; i < FFS_SUM_N; i++)
		if (d->md[i] && EVP_DigestUpdate(d->md[i], p, n) != 1)
			return -EIO;
	if (d->want & 1u << FFS_SUM_CRC32)
		d->crc[FFS_SUM_CRC32] = crc32_gzip_refl((uint32_t)d->crc[FFS_SUM_CRC32], p, n);
	if (d->want & 1u << FFS_SUM_CRC32C)
		d->crc[FFS_SUM_CRC32C] = ffs_crc32c((uint32_t)d->crc[FFS_SUM_CRC32C], p, n);
	if (d->want & 1u << FFS_SUM_CRC64NVME)
		d->crc[FFS_SUM_CRC64NVME] = crc64nvme(d->crc[FFS_SUM_CRC64NVME], p, n);
	return 0;
}

int
ffs_digest_finish(struct ffs_digest *d)
{
	size_t i, k;

	for (i = 0; i < FFS_SUM_N; i++) {
		if (!(d->want & 1u << i))
			continue;
		if (d->md[i] && EVP_DigestFinal_ex(d->md[i], d->sum[i], NULL) != 1)
			return -EIO;
		for (k = 0; !d->md[i] && k < sums[i].size; k++)
			d->sum[i][k] = (unsigned char)(d->crc[i] >> 8 * (sums[i].size - 1 - k));
	}
	return 0;
}

int
ffs_digest_file(struct ffs_digest *d, unsigned want, int fd, uint64_t n)
{
	char *buf = malloc(FILE_BLOCK);
	int rc = ffs_digest_init(d, want);
	uint64_t at = 0;
	ssize_t got;

	if (!buf)
		rc = -ENOMEM;
	while (!rc && at < n) {
		got = pread(fd, buf, n - at < FILE_BLOCK ? n - at : FILE_BLOCK, (off_t)at);
		if (got < 0 && errno == EINTR)
			continue;
		if (got <= 0)
			rc = got ? -errno : -EIO;
		else
			rc = ffs_digest_update(d, buf, (size_t)got);
		at += (uint64_t)got;
	}
	if (!rc)
		rc = ffs_digest_finish(d);
	free(buf);
	if (rc)
		ffs_digest_release(d);
	return rc;
}

void
ffs_digest_release(struct ffs_digest *d)
{
	size_t i;

	for (i = 0; i < FFS_SUM_N; i++) {
		EVP_MD_CTX_free(d->md[i]);
		d->md[i] = NULL;
	}
}

size_t
ffs_digest_size(enum ffs_sum s)
{
	return sums[s].size;
}

const char *
ffs_digest_name(enum ffs_sum s)
{
	return sums[s].name;
}

enum ffs_sum
ffs_digest_named(const char *name, size_t n)
{
	enum ffs_sum s;

	for (s = FFS_SUM_CRC32; s < FFS_SUM_N; s++)
		if (strlen(sums[s].name) == n && !strncasecmp(sums[s].name, name, n))
			break;
	return s;
}

void
ffs_digest_base64(const struct ffs_digest *d, enum ffs_sum s, char out[FFS_DIGEST_TEXT])
{
	EVP_EncodeBlock((unsigned char *)out, d->sum[s], (int)sums[s].size);
}

void
ffs_digest_hex(const struct ffs_digest *d, enum ffs_sum s, char out[FFS_DIGEST_TEXT])
{
	static const char digit[] = "0123456789abcdef";
	size_t i;

	for (i = 0; i < sums[s].size; i++) {
		out[2 * i] = digit[d->sum[s][i] >> 4];
		out[2 * i + 1] = digit[d->sum[s][i] & 15];
	}
	out[2 * i] = '\0';
}

int
ffs_digest_from_base64(enum ffs_sum s, const char *text, unsigned char out[32])
{
	size_t size = sums[s].size, n = (size + 2) / 3 * 4, pad = n / 4 * 3 - size;
	unsigned char raw[36];

	if (strlen(text) != n || EVP_DecodeBlock(raw, (const unsigned char *)text, (int)n) < 0)
		return -EINVAL;
	if (strcspn(text, "=") != n - pad)
		return -EINVAL;
	memcpy(out, raw, size);
	return 0;
}
