/*
 * A line of ffs-get --batch and the CSV that it is answered from: a selection stays inside its
 * dataset, and what is cut out does not depend on how the bytes come.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "common/get/cut.h"
#include "common/get/select.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int
emit(void *arg, const char *p, size_t n)
{
	ffs_buf_add(arg, p, n);
	return 0;
}

static int
cut(const struct ffs_cut_spec *spec, const char *p, size_t n, size_t block, struct ffs_buf *out)
{
	size_t at = 0, len;
	struct ffs_cut c;
	int rc = ffs_cut_init(&c, spec);

	do {
		len = n - at < block ? n - at : block;
		if (!rc)
			rc = ffs_cut_feed(&c, p + at, len, at + len == n, emit, out);
		at += len;
	} while (!rc && at < n);
	ffs_cut_release(&c);
	return rc;
}

static void
try_cut(const struct ffs_select *s, const struct ffs_slice *slice, const char *p, size_t n)
{
	struct ffs_cut_spec spec = { .delim = ',', .first = slice->first, .last = slice->last };
	struct ffs_buf whole = FFS_BUF_INIT, parts = FFS_BUF_INIT;
	int a, b;

	if (slice->by_time) {
		spec.time_col = 1 + s->message;
		spec.has_from = s->has_from;
		spec.has_to = s->has_to;
		spec.from = s->from;
		spec.to = s->to;
	}
	a = cut(&spec, p, n, n + 1, &whole);
	b = cut(&spec, p, n, 1 + n % 7, &parts);
	if (a != b ||
	    (!a && (whole.len != parts.len || (whole.len && memcmp(whole.p, parts.p, whole.len)))))
		abort();
	ffs_buf_release(&whole);
	ffs_buf_release(&parts);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static char t0[] = "1", t1[] = "2", t2[] = "34200.5", key[] = "k";
	struct ffs_chunk chunks[] = {
		{ .rows = 3, .time_first = t0, .time_last = t1, .message.key = key },
		{ .first_row = 3,
		    .rows = 4,
		    .time_first = t1,
		    .time_last = t2,
		    .message.key = key },
	};
	struct ffs_manifest m = { .chunks = chunks, .nchunks = 2, .rows = 7 };
	const uint8_t *nl = memchr(data, '\n', size);
	struct ffs_select s = { 0 };
	struct ffs_slice slice;
	const char *detail;
	size_t i, end, used;
	char *line;

	if (!nl)
		return 0;
	used = (size_t)(nl - data);
	line = strndup((const char *)data, used);
	if (!line)
		return 0;
	if (!ffs_select_parse_line(&s, line, &detail) &&
	    !ffs_select_span(&s, &m, &i, &end, &detail)) {
		if (i > end || end > m.nchunks)
			abort();
		for (; i < end; i++) {
			ffs_select_slice(&s, &m, i, &slice);
			if (slice.first > slice.last || slice.last >= chunks[i].rows)
				abort();
			try_cut(&s, &slice, (const char *)nl + 1, size - used - 1);
		}
	}
	ffs_select_release(&s);
	free(line);
	return 0;
}
