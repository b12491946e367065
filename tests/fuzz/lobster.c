/* Names of files: what is understood is clean, whatever the template. */
#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/dtime.h"
#include "common/split/lobster.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	struct ffs_buf b = FFS_BUF_INIT;
	struct ffs_dtime t, again;
	struct ffs_lobster l;
	char *s = strndup((const char *)p, n);
	int rc;

	if (!s)
		abort();
	if (!ffs_lobster_parse(&l, s)) {
		if (ffs_lobster_expand(&l, "{ticker}", &b) || strcmp(b.p, l.ticker) ||
		    b.p[strcspn(b.p, "/_@* ")])
			abort();
		ffs_buf_reset(&b);
		rc = ffs_lobster_expand(&l, s, &b);
		if (rc && rc != -EINVAL)
			abort();
	}
	/* A time parses the same as a time of day, which also has colons. */
	if (!ffs_dtime_parse(s, strlen(s), &t) &&
	    (ffs_dtime_parse_clock(s, strlen(s), &again) || ffs_dtime_cmp(&t, &again)))
		abort();
	ffs_dtime_parse_clock(s, strlen(s), &t);
	ffs_buf_release(&b);
	free(s);
	return 0;
}
