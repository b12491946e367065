/*
 * Who asks, from a request's head as it came: nobody is proven who does not know the key, whatever
 * he writes.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "common/gate/vouch.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	static struct ffs_vouch *v;
	static char secret[33];
	struct ffs_endpoint ep = { .access_key = (char *)(size_t) "AKIAIOSFODNN7EXAMPLE",
		.secret_key = secret };
	struct ffs_flight_who who;
	struct ffs_head h;
	time_t t;

	if (!v) {
		/* One that no input can have been made for. */
		for (t = 0; t < 32; t++)
			secret[t] = (char)('a' + (((uintptr_t)&who >> t) ^ (uintptr_t)t * 7) % 26);
		v = ffs_vouch_new(&ep);
	}
	if (!v || ffs_head_request(&h, (const char *)p, n) <= 0)
		return 0;
	t = 1369353600; /* of the examples in the corpus */
	if (!ffs_vouch_check(v, &h, t) || !ffs_vouch_read(v, &h, t))
		abort();
	ffs_vouch_who(&who, &h, false);
	if (who.kind == FFS_FLIGHT_PROVEN ||
	    (who.kind == FFS_FLIGHT_PRESIGNED && strlen(who.request) != 64))
		abort();
	ffs_vouch_who(&who, &h, true);
	if (who.kind != FFS_FLIGHT_PROVEN)
		abort();
	return 0;
}
