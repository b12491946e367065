#include "common/get/flow.h"

#include <errno.h>
#include <string.h>
#include <zstd.h>
#include <zstd_errors.h>

#include "common/base/crc32c.h"

enum {
	STEP = 1 << 20, /* decoded bytes go out in blocks of this */
};

void
ffs_flow_init(struct ffs_flow *f, const struct ffs_object *object, bool unchecked)
{
	f->object = object;
	f->unchecked = unchecked;
	f->crc = f->plain_crc = 0;
	f->plain = 0;
	f->zstd = NULL;
	f->at = f->begun = 0;
}

void
ffs_flow_release(struct ffs_flow *f)
{
	ZSTD_freeDCtx(f->zstd);
	f->zstd = NULL;
}

static int
decode(struct ffs_flow *f, const struct ffs_block *block, bool last)
{
	ZSTD_inBuffer in = { block->p, block->len, f->at };
	struct ffs_block *plain;
	ZSTD_outBuffer out;
	size_t left;
	int rc;

	if (!f->zstd && !(f->zstd = ZSTD_createDCtx()))
		return -ENOMEM;
	do {
		plain = f->room(f->arg, STEP);
		if (!plain)
			return -errno;
		out = (ZSTD_outBuffer){ plain->p, STEP, 0 };
		left = ZSTD_decompressStream(f->zstd, &out, &in);
		f->at = in.pos;
		plain->len = out.pos;
		f->plain += out.pos;
		f->plain_crc = ffs_crc32c(f->plain_crc, plain->p, out.pos);
		rc = f->give(f->arg, plain, false);
		/* The manifest's length is what bounds a stream that would go on for ever. */
		if (!rc && (ZSTD_isError(left) || f->plain > f->object->plain_bytes))
			rc = -EBADMSG;
	} while (!rc && (in.pos < in.size || out.pos == out.size));
	if (!rc && last &&
	    (left || f->plain != f->object->plain_bytes || f->plain_crc != f->object->plain_crc32c))
		rc = -EBADMSG;
	return rc;
}

int
ffs_flow_feed(struct ffs_flow *f, struct ffs_block **block, bool last)
{
	struct ffs_block *whole = *block;
	int rc;

	if (!f->begun && !f->unchecked)
		f->crc = ffs_crc32c(f->crc, whole->p, whole->len);
	f->begun = 1;
	if (last && !f->unchecked && f->crc != f->object->crc32c)
		return -EBADMSG;
	if (f->object->encoding == FFS_ENCODING_ZSTD) {
		rc = decode(f, whole, last);
		if (!rc && last)
			rc = f->give(f->arg, NULL, true);
		if (rc)
			return rc;
	} else {
		*block = NULL;
		rc = f->give(f->arg, whole, last);
	}
	f->at = f->begun = 0;
	return rc;
}

int
ffs_flow_decode(
    const struct ffs_object *object, const struct ffs_block *block, struct ffs_block *plain)
{
	size_t n = ZSTD_decompress(plain->p, object->plain_bytes, block->p, block->len);

	if (ZSTD_isError(n))
		return ZSTD_getErrorCode(n) == ZSTD_error_memory_allocation ? -ENOMEM : -EBADMSG;
	if (n != object->plain_bytes || ffs_crc32c(0, plain->p, n) != object->plain_crc32c)
		return -EBADMSG;
	plain->len = n;
	return 0;
}
