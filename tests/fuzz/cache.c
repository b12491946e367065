/* What a cache's directory holds, as anybody may have left it: attributes, pins, the table. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "common/cache/attr.h"
#include "common/cache/pinned.h"
#include "common/cache/table.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

static void
fuzz_attr(const char *p, size_t n)
{
	char text[FFS_ATTR_MAX];
	struct ffs_attr a;
	struct ffs_cache_name name = { a.endpoint, a.bucket, a.key };

	if (ffs_attr_parse(p, n, &a))
		return;
	/* What is taken has one spelling and can be a name. */
	if (ffs_attr_format(&a, text) != (int)n || memcmp(text, p, n) || ffs_attr_name_ok(&name) ||
	    !ffs_attr_is(&a, &name))
		abort();
}

static void
fuzz_pins(const char *p, size_t n)
{
	struct ffs_pinned *pins = ffs_pinned_new();
	size_t i;

	if (!pins)
		return;
	if (!ffs_pinned_parse(pins, p, n))
		for (i = 0; i < pins->n; i++)
			if (!ffs_pinned_hold(
				pins, pins->v[i].endpoint, pins->v[i].bucket, pins->v[i].prefix))
				abort();
	ffs_pinned_free(pins);
}

/* A table of 64 slots, its bytes the input over and over. */
static void
fuzz_table(const uint8_t *p, size_t n)
{
	enum { SLOTS = 64, LEN = FFS_TABLE_HEADER + SLOTS * sizeof(struct ffs_table_slot) };
	struct ffs_table t = { .len = LEN, .writable = true };
	struct ffs_cache_noted noted;
	uint64_t entries, bytes, tag;
	unsigned char *m = aligned_alloc(64, LEN);
	size_t i;

	for (i = 0; m && n && i < LEN; i++)
		m[i] = p[i % n];
	if (m && n) {
		t.h = (struct ffs_table_header *)m;
		t.slots = (struct ffs_table_slot *)(m + FFS_TABLE_HEADER);
		(void)ffs_table_ok(t.h, LEN);
		ffs_table_used(&t, &entries, &bytes);
		for (i = 0; i < 64; i++) {
			tag = i * 0x9e3779b97f4a7c15u | 2;
			ffs_table_note(&t, tag, i << (i % 60), i & 1, i, i << (i % 64));
			(void)ffs_table_noted(&t, tag, &noted);
			ffs_table_count(&t, (unsigned)i % FFS_SHARDS, 1, -(int64_t)i);
		}
		ffs_table_reset(&t);
		if (!ffs_table_noted(&t, 2, &noted))
			abort();
	}
	free(m);
}

int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	if (!n)
		return 0;
	switch (*p) {
	case 'a':
		fuzz_attr((const char *)p + 1, n - 1);
		break;
	case 'p':
		fuzz_pins((const char *)p + 1, n - 1);
		break;
	case 't':
		fuzz_table(p + 1, n - 1);
		break;
	}
	return 0;
}
