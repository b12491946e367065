#include "common/get/show.h"

#include <inttypes.h>
#include <stdio.h>

static const char *const encodings[] = { "identity", "zstd" };

const char *
ffs_show_encoding(const struct ffs_manifest *m)
{
	size_t i;

	for (i = 1; i < m->nchunks; i++)
		if (m->chunks[i].data.encoding != m->chunks[0].data.encoding)
			return "mixed";
	return encodings[m->nchunks ? m->chunks[0].data.encoding : FFS_ENCODING_IDENTITY];
}

void
ffs_show_dataset(struct ffs_json *j, const char *bucket, const struct ffs_manifest *m)
{
	const char delimiter[] = { m->delimiter, '\0' };
	uint64_t stored = 0, messages = 0;
	size_t i;

	for (i = 0; i < m->nchunks; i++) {
		stored += m->chunks[i].data.bytes + m->chunks[i].message.bytes;
		messages += m->chunks[i].message.plain_bytes;
	}
	ffs_json_open(j);
	ffs_json_str(j, "dataset", m->dataset);
	ffs_json_str(j, "bucket", bucket);
	ffs_json_uint(j, "generation", m->generation);
	ffs_json_uint(j, "rows", m->rows);
	ffs_json_uint(j, "columns", m->columns);
	ffs_json_uint(j, "chunks", m->nchunks);
	ffs_json_uint(j, "chunk_rows", m->chunk_rows);
	ffs_json_uint(j, "bytes", m->bytes);
	ffs_json_uint(j, "message_bytes", messages);
	ffs_json_uint(j, "stored_bytes", stored);
	ffs_json_str(j, "encoding", ffs_show_encoding(m));
	ffs_json_bool(j, "header", m->header);
	if (m->header)
		ffs_json_uint(j, "header_bytes", m->header_bytes);
	if (m->time_col)
		ffs_json_uint(j, "time_col", m->time_col);
	if (m->delimiter != ',')
		ffs_json_str(j, "delimiter", delimiter);
	ffs_json_str(j, "time_first", m->nchunks ? m->chunks[0].time_first : NULL);
	ffs_json_str(j, "time_last", m->nchunks ? m->chunks[m->nchunks - 1].time_last : NULL);
	ffs_json_close(j);
}

static void
show_object(struct ffs_json *j, const char *bucket, const struct ffs_object *o)
{
	char crc[9];

	ffs_json_str(j, "bucket", bucket);
	ffs_json_str(j, "key", o->key);
	ffs_json_uint(j, "bytes", o->bytes);
	snprintf(crc, sizeof(crc), "%08x", o->crc32c);
	ffs_json_str(j, "crc32c", crc);
	ffs_json_str(j, "encoding", encodings[o->encoding]);
	ffs_json_uint(j, "plain_bytes", o->plain_bytes);
	snprintf(crc, sizeof(crc), "%08x", o->plain_crc32c);
	ffs_json_str(j, "plain_crc32c", crc);
	ffs_json_strs(j, "etags", (const char *const *)o->etags, o->copies);
}

void
ffs_show_chunk(
    struct ffs_json *j, const char *bucket, const struct ffs_manifest *m, size_t i, const char *url)
{
	const struct ffs_chunk *c = &m->chunks[i];

	ffs_json_open(j);
	ffs_json_str(j, "dataset", m->dataset);
	ffs_json_uint(j, "generation", m->generation);
	ffs_json_uint(j, "chunk", i);
	ffs_json_uint(j, "first_row", c->first_row);
	ffs_json_uint(j, "rows", c->rows);
	ffs_json_str(j, "time_first", c->time_first);
	ffs_json_str(j, "time_last", c->time_last);
	show_object(j, bucket, &c->data);
	ffs_json_strs(j, "nodes", (const char *const *)c->data.nodes, c->data.copies);
	ffs_json_str(j, "url", url);
	if (c->message.key) {
		ffs_json_open_in(j, "message");
		show_object(j, bucket, &c->message);
		ffs_json_close(j);
	}
	ffs_json_close(j);
}

static const char *
source_of(const struct ffs_reader_event *e)
{
	return e->hit ? "hit" : e->node ? "origin" : "memory";
}

void
ffs_show_event_text(struct ffs_buf *b, const struct ffs_reader_event *e)
{
	ffs_buf_addf(b, "%s\t%" PRIu64 "\t%.3f\t%.3f\t%s%s%s", e->object->key, e->bytes,
	    (double)e->first_us / 1000, (double)e->total_us / 1000, source_of(e),
	    e->node ? " " : "", e->node ? e->node : "");
}

void
ffs_show_event(struct ffs_json *j, const struct ffs_reader_event *e)
{
	ffs_json_open(j);
	ffs_json_str(j, "bucket", e->piece->src->bucket);
	ffs_json_str(j, "key", e->object->key);
	ffs_json_uint(j, "bytes", e->bytes);
	ffs_json_fixed(j, "first_byte_ms", (double)e->first_us / 1000, 3);
	ffs_json_fixed(j, "total_ms", (double)e->total_us / 1000, 3);
	ffs_json_str(j, "source", source_of(e));
	if (e->node)
		ffs_json_str(j, "node", e->node);
	if (e->piece->line)
		ffs_json_uint(j, "line", e->piece->line);
	ffs_json_close(j);
}
