#include "common/load/upload.h"

#include <inttypes.h>
#include <stdio.h>

void
ffs_upload_show_chunk(struct ffs_json *j, const struct ffs_upload_chunk *c)
{
	char crc[9];

	snprintf(crc, sizeof(crc), "%08" PRIx32, c->crc32c);
	ffs_json_open(j);
	ffs_json_str(j, "type", c->message ? "message" : "chunk");
	ffs_json_str(j, "dataset", c->dataset);
	ffs_json_str(j, "key", c->key);
	ffs_json_str(j, "node", c->node);
	ffs_json_uint(j, "bytes", c->bytes);
	ffs_json_uint(j, "rows", c->rows);
	ffs_json_str(j, "crc32c", crc);
	ffs_json_str(j, "etag", c->etag);
	ffs_json_fixed(j, "ms", (double)c->us / 1000, 3);
	ffs_json_uint(j, "attempts", c->attempts);
	ffs_json_bool(j, "reused", c->reused);
	ffs_json_close(j);
}

void
ffs_upload_show_dataset(struct ffs_json *j, const struct ffs_upload_dataset *d)
{
	ffs_json_open(j);
	ffs_json_str(j, "type", "dataset");
	ffs_json_str(j, "dataset", d->name);
	ffs_json_uint(j, "generation", d->generation);
	ffs_json_uint(j, "chunks", d->chunks);
	ffs_json_uint(j, "rows", d->rows);
	ffs_json_uint(j, "columns", d->columns);
	ffs_json_uint(j, "bytes", d->bytes);
	ffs_json_uint(j, "stored_bytes", d->stored);
	ffs_json_uint(j, "reused", d->reused);
	ffs_json_int(j, "ms", d->ms);
	ffs_json_close(j);
}

const char *
ffs_upload_show_summary(const struct ffs_upload_dataset *d, char *buf, size_t n)
{
	double seconds = (double)(d->ms ? d->ms : 1) / 1000, mb = (double)d->bytes / 1e6;
	char stored[64] = "", reused[64] = "";

	if (d->compressed)
		snprintf(stored, sizeof(stored), ", stored as %.1f MB", (double)d->stored / 1e6);
	if (d->reused)
		snprintf(reused, sizeof(reused), ", %" PRIu64 " objects were there", d->reused);
	snprintf(buf, n,
	    "%s: %" PRIu64 " chunk%s, %" PRIu64 " row%s, %.1f MB in %.2f s (%.1f MB/s)%s%s, "
	    "generation %" PRIu64,
	    d->name, d->chunks, d->chunks == 1 ? "" : "s", d->rows, d->rows == 1 ? "" : "s", mb,
	    seconds, mb / seconds, stored, reused, d->generation);
	return buf;
}
