#include "common/load/packer.h"

#include <errno.h>
#include <openssl/evp.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zstd.h>

#include "common/base/csv.h"
#include "common/base/dtime.h"

struct ffs_packer {
	ZSTD_CCtx *z;
};

struct ffs_packer *
ffs_packer_new(int level)
{
	struct ffs_packer *p = calloc(1, sizeof(*p));

	if (!p || !level)
		return p;
	p->z = ZSTD_createCCtx();
	if (!p->z || ZSTD_isError(ZSTD_CCtx_setParameter(p->z, ZSTD_c_compressionLevel, level)) ||
	    ZSTD_isError(ZSTD_CCtx_setParameter(p->z, ZSTD_c_checksumFlag, 1))) {
		ffs_packer_free(p);
		errno = ENOMEM;
		return NULL;
	}
	return p;
}

void
ffs_packer_free(struct ffs_packer *p)
{
	if (!p)
		return;
	ZSTD_freeCCtx(p->z);
	free(p);
}

int
ffs_packer_count(struct ffs_packer *p, const void *csv, size_t n, char delim, uint64_t *rows,
    uint64_t *columns, uint64_t *row)
{
	struct ffs_csv *c = ffs_csv_new(delim, 0);
	struct ffs_csv_row r;
	size_t at = 0;
	int rc;

	(void)p;
	*rows = 0;
	*columns = 0;
	if (!c)
		return -errno;
	while ((rc = ffs_csv_next(c, (const char *)csv + at, n - at, true, &r)) > 0) {
		if (!*rows)
			*columns = r.columns;
		*row = ++*rows;
		if (r.columns != *columns || !r.columns) {
			rc = -EINVAL;
			break;
		}
		at += r.len;
	}
	ffs_csv_free(c);
	return rc;
}

int
ffs_packer_message(const void *csv, size_t n, uint64_t *rows, char first[65], char last[65])
{
	struct ffs_csv *c = ffs_csv_new(',', 1);
	struct ffs_dtime before, t;
	struct ffs_csv_row r;
	bool timed = true;
	size_t at = 0;
	int rc;

	*rows = 0;
	first[0] = last[0] = '\0';
	if (!c)
		return -errno;
	while ((rc = ffs_csv_next(c, (const char *)csv + at, n - at, true, &r)) > 0) {
		++*rows;
		at += r.len;
		timed = timed && r.field && !ffs_dtime_parse(r.field, r.field_len, &t);
		if (!timed)
			continue;
		if (*rows > 1 && ffs_dtime_cmp(&before, &t) > 0) {
			rc = -EINVAL;
			break;
		}
		before = t;
		snprintf(last, 65, "%.*s", (int)r.field_len, r.field);
		if (!*first)
			memcpy(first, last, 65);
	}
	ffs_csv_free(c);
	return rc || (timed && *rows) ? rc : -ENODATA;
}

size_t
ffs_packer_bound(size_t n)
{
	return ZSTD_compressBound(n);
}

int
ffs_packer_compress(struct ffs_packer *p, const void *in, size_t n, void *out, size_t *out_len)
{
	size_t len = ZSTD_compress2(p->z, out, *out_len, in, n);

	if (ZSTD_isError(len))
		return -EIO;
	*out_len = len;
	return 0;
}

int
ffs_packer_md5(unsigned char md5[16], const void *p, size_t n)
{
	unsigned len = 16;

	return EVP_Digest(p, n, md5, &len, EVP_md5(), NULL) == 1 ? 0 : -EIO;
}
