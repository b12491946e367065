#include "common/gate/count.h"

#include <string.h>

#include "common/base/clock.h"

const uint64_t ffs_count_bounds[FFS_COUNT_LAT] = { 50, 100, 250, 500, 1000, 2500, 5000, 10000,
	25000, 50000, 100000, 250000, 1000000, 2500000, 10000000, 60000000 };

static enum ffs_count_method
method_of(const char *s, unsigned n)
{
	static const char *const names[] = { "GET", "HEAD", "PUT", "POST", "DELETE" };
	unsigned i;

	for (i = 0; i < FFS_COUNT_OTHER; i++)
		if (strlen(names[i]) == n && !memcmp(names[i], s, n))
			return (enum ffs_count_method)i;
	return FFS_COUNT_OTHER;
}

void
ffs_count_request(struct ffs_count *c, unsigned from, const char *method, unsigned n, int status,
    uint64_t bytes, uint64_t us)
{
	unsigned code = status >= 100 && status < 600 ? (unsigned)status / 100 : 5, i = 0;

	if (from >= FFS_COUNT_FROM_N)
		from = FFS_COUNT_OWN;
	while (i < FFS_COUNT_LAT && us > ffs_count_bounds[i])
		i++;
	ffs_count_add(&c->requests[from][method_of(method, n)][code], 1);
	ffs_count_add(&c->bytes[from], (int64_t)bytes);
	ffs_count_add(&c->lat[from][i], 1);
	ffs_count_add(&c->lat_us[from], (int64_t)us);
}

void
ffs_count_beat(struct ffs_count *c, bool accepts)
{
	ffs_count_set(&c->accepts, accepts);
	ffs_count_set(&c->beat_ms, (uint64_t)ffs_clock_ms());
}
