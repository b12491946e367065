#ifndef FFS_SHOW_H
#define FFS_SHOW_H

#include "common/base/buf.h"
#include "common/base/json.h"
#include "common/dataset/manifest.h"
#include "common/get/reader.h"

/* What the tools say about datasets, chunks and requests, as one JSON object each. */

void ffs_show_dataset(struct ffs_json *j, const char *bucket, const struct ffs_manifest *m);

/* Chunk i; url says where what was asked for of it can be fetched. */
void ffs_show_chunk(struct ffs_json *j, const char *bucket, const struct ffs_manifest *m, size_t i,
    const char *url);

void ffs_show_event(struct ffs_json *j, const struct ffs_reader_event *e);

/* The same as a line of text: key, bytes, ms to the first byte, ms in all, where from. */
void ffs_show_event_text(struct ffs_buf *b, const struct ffs_reader_event *e);

/* "identity", "zstd", or "mixed". */
const char *ffs_show_encoding(const struct ffs_manifest *m);

#endif
