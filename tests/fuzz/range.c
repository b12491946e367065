/* Range and condition headers, HTTP dates: a range is never outside of its object. */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/range.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct ffs_range_cond c = { 0 };
	uint64_t total, first = 0, len = 0;
	char text[FFS_RANGE_DATE], *s;
	time_t t, again;
	int rc;

	if (size < sizeof(total))
		return 0;
	memcpy(&total, data, sizeof(total));
	size -= sizeof(total);
	s = malloc(size + 1);
	if (!s)
		return 0;
	memcpy(s, data + sizeof(total), size);
	s[size] = '\0';
	rc = ffs_range_parse(s, total, &first, &len);
	if (rc == 1 && (!len || first >= total || len > total - first))
		abort();
	c.if_match = c.if_modified_since = s;
	ffs_range_cond(&c, "0123", (time_t)total);
	c.if_none_match = c.if_unmodified_since = s;
	ffs_range_cond(&c, "0123", (time_t)total);
	ffs_range_if_range(s, "0123", (time_t)total);
	if (!ffs_range_parse_date(s, &t) && t >= 0 && t < 253402300799) {
		ffs_range_date(text, t);
		if (ffs_range_parse_date(text, &again) || again != t)
			abort();
	}
	free(s);
	return 0;
}
