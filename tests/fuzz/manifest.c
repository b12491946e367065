/* Manifests: what is taken must come out of the writer as the same manifest. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "common/dataset/manifest.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

static void
check(const struct ffs_manifest *m)
{
	uint64_t rows = 0;
	size_t i;

	for (i = 0; i < m->nchunks; i++) {
		if (m->chunks[i].first_row != rows || strstr(m->chunks[i].data.key, "/../"))
			abort();
		rows += m->chunks[i].rows;
		if (m->chunks[i].rows && ffs_manifest_find_row(m, rows - 1) != i)
			abort();
	}
	if (rows != m->rows || ffs_manifest_find_row(m, rows) != m->nchunks)
		abort();
}

int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	struct ffs_buf first = FFS_BUF_INIT, second = FFS_BUF_INIT;
	struct ffs_manifest m, again;
	const char *detail = NULL;

	if (ffs_manifest_parse(&m, (const char *)p, n, &detail)) {
		if (!detail || m.chunks)
			abort();
		return 0;
	}
	check(&m);
	if (ffs_manifest_format(&m, &first) ||
	    ffs_manifest_parse(&again, first.p, first.len, &detail) ||
	    ffs_manifest_format(&again, &second) || first.len != second.len ||
	    memcmp(first.p, second.p, first.len))
		abort();
	ffs_manifest_release(&m);
	ffs_manifest_release(&again);
	ffs_buf_release(&first);
	ffs_buf_release(&second);
	return 0;
}
