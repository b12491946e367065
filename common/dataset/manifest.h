#ifndef FFS_MANIFEST_H
#define FFS_MANIFEST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/base/buf.h"

#define FFS_MANIFEST_MAX ((size_t)256 << 20) /* bytes of JSON; 10^6 chunks are some 220 MB */
#define FFS_DATASET_NAME_MAX 200

/*
 * The manifest of a dataset (design.md): which chunks, where, how long, which
 * checksums.  Publishing it is the commit.
 */

enum ffs_encoding {
	FFS_ENCODING_IDENTITY,
	FFS_ENCODING_ZSTD,
};

/* One stored object and its copies. */
struct ffs_object {
	char *key;
	enum ffs_encoding encoding;
	uint64_t bytes, plain_bytes; /* stored; of the CSV (equal for identity) */
	uint32_t crc32c, plain_crc32c;
	char **nodes;  /* names; NULL in a message, which lives on its data's nodes */
	char **etags;  /* one a node, without quotes */
	size_t copies; /* how many nodes and etags */
};

struct ffs_chunk {
	struct ffs_object data;
	struct ffs_object message; /* key NULL where there is none: in all chunks or in no chunk */
	uint64_t first_row, rows;  /* rows of data; the header row is not counted */
	char *time_first,
	    *time_last; /* the input's own decimal strings; NULL: in all chunks or none */
};

struct ffs_manifest {
	char *dataset;
	uint64_t generation;
	uint64_t rows, columns;
	uint64_t bytes;        /* of the CSV as ffs-get gives it: one header, no messages */
	uint64_t chunk_rows;   /* of a full chunk, 0 where they were cut by size */
	bool header;           /* every chunk starts with the same header row */
	uint64_t header_bytes; /* its length, line end included */
	unsigned time_col; /* column of data with the times, from 1; 0: they are in the message */
	char delimiter;    /* between the columns of data; messages have commas */
	struct ffs_chunk *chunks;
	size_t nchunks;
};

/*
 * Parse hostile JSON: sizes bounded, every member's type and range checked,
 * rows contiguous from 0 (no chunk without rows unless it is the only one), keys directly below
 * "DATASET/GEN/", times in order, rows and bytes the sums of the chunks'.  Returns 0;
 * -EBADMSG where it is not a manifest; -EPROTONOSUPPORT for a version or an encoding that this
 * program does not know; -ENOMEM.  On error *detail (may be NULL) is a static text.
 * ffs_manifest_release() frees the members.
 */
int ffs_manifest_parse(struct ffs_manifest *m, const char *json, size_t n, const char **detail);

/* Append the manifest as JSON, one chunk a line.  Returns 0 or -ENOMEM. */
int ffs_manifest_format(const struct ffs_manifest *m, struct ffs_buf *out);

void ffs_manifest_release(struct ffs_manifest *m);
void ffs_object_release(struct ffs_object *o);
void ffs_chunk_release(struct ffs_chunk *c);

/*
 * Is this a name for a dataset: 1 to 200 bytes, '/'-separated parts of
 * [A-Za-z0-9._=+-] and any UTF-8 letter, no part empty, "." or "..", none starting
 * with '.', and no '@' or glob character.  No part but the first is digits alone, and none is
 * "manifest.json": "a/1" would share its keys with generation 1 of "a".
 */
bool ffs_dataset_name_ok(const char *name);

/* "DATASET/manifest.json".  NULL with errno; free it. */
char *ffs_manifest_key(const char *dataset);

/* "DATASET/GEN/manifest.json": the copy that DATASET@GEN reads.  NULL with errno; free it. */
char *ffs_manifest_key_at(const char *dataset, uint64_t generation);

/* Is an object of this key no data: a manifest, a claim of a generation, or below ".ffs/". */
bool ffs_manifest_is_control(const char *key);

/* The chunk that holds row, or nchunks. */
size_t ffs_manifest_find_row(const struct ffs_manifest *m, uint64_t row);

#endif
