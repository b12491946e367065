/* Numbers of the command line. */
#include "common/base/opt.h"

#include <errno.h>
#include <inttypes.h>

#include "tests/unit/check.h"

struct test {
	const char *s;
	int rc;
	uint64_t want;
};

static void
check(const char *what, int (*parse)(const char *, uint64_t, uint64_t, uint64_t *),
    const struct test *v, uint64_t lo, uint64_t hi)
{
	uint64_t n;
	int rc;

	for (; v->s; v++) {
		n = 12345;
		rc = parse(v->s, lo, hi, &n);
		CHECK(rc == v->rc && n == (rc ? 12345 : v->want), "%s '%s': %d %" PRIu64, what,
		    v->s, rc, n);
	}
}

int
main(void)
{
	static const struct test uints[] = { { "0", -ERANGE, 0 }, { "1", 0, 1 }, { "10", 0, 10 },
		{ "11", -ERANGE, 0 }, { "007", 0, 7 }, { "", -EINVAL, 0 }, { "-1", -EINVAL, 0 },
		{ "+1", -EINVAL, 0 }, { " 1", -EINVAL, 0 }, { "1 ", -EINVAL, 0 },
		{ "0x1", -EINVAL, 0 }, { "1.0", -EINVAL, 0 },
		{ "99999999999999999999999", -ERANGE, 0 }, { NULL, 0, 0 } };
	static const struct test sizes[] = { { "1", 0, 1 }, { "1k", 0, 1024 }, { "1K", 0, 1024 },
		{ "3m", 0, 3 << 20 }, { "2G", 0, 2ull << 30 }, { "16383t", 0, 16383ull << 40 },
		{ "16777216t", -ERANGE, 0 }, { "18446744073709551615", 0, UINT64_MAX },
		{ "18446744073709551616", -ERANGE, 0 }, { "1kb", -EINVAL, 0 }, { "k", -EINVAL, 0 },
		{ "1 k", -EINVAL, 0 }, { "1x", -EINVAL, 0 }, { "-1k", -EINVAL, 0 },
		{ NULL, 0, 0 } };
	static const struct test rates[] = { { "1", 0, 1 }, { "20m", 0, 20 << 20 },
		{ "170mbit", 0, 21250000 }, { "8Kbit", 0, 1000 }, { "8bit", 0, 1 },
		{ "7bit", -ERANGE, 0 }, { "1mbits", -EINVAL, 0 }, { "bit", -EINVAL, 0 },
		{ "20000000tbit", -ERANGE, 0 }, { NULL, 0, 0 } };
	static const struct test durations[] = { { "1", 0, 1000 }, { "0.5", 0, 500 },
		{ "500ms", 0, 500 }, { "60s", 0, 60000 }, { "5m", 0, 300000 }, { "2H", 0, 7200000 },
		{ "0.0005", 0, 0 }, { "1.5m", 0, 90000 }, { "1.", -EINVAL, 0 },
		{ ".5", -EINVAL, 0 }, { "1d", -EINVAL, 0 }, { "1e3", -EINVAL, 0 },
		{ "", -EINVAL, 0 }, { "99999999999999999h", -ERANGE, 0 }, { NULL, 0, 0 } };
	static const struct {
		const char *s;
		int rc;
		uint64_t first, last;
	} ranges[] = { { "0-45", 0, 0, 45 }, { "7", 0, 7, 7 }, { "3-", 0, 3, UINT64_MAX },
		{ "5-5", 0, 5, 5 }, { "5-4", -ERANGE, 0, 0 }, { "-4", -EINVAL, 0, 0 },
		{ "1-2-3", -EINVAL, 0, 0 }, { "a-b", -EINVAL, 0, 0 }, { "1,2", -EINVAL, 0, 0 },
		{ "", -EINVAL, 0, 0 }, { "1- 2", -EINVAL, 0, 0 },
		{ "0-18446744073709551615", -ERANGE, 0, 0 } };
	uint64_t a, b;
	size_t i;
	int rc;

	check("uint", ffs_opt_uint, uints, 1, 10);
	check("size", ffs_opt_size, sizes, 1, UINT64_MAX);
	check("rate", ffs_opt_rate, rates, 1, UINT64_MAX);
	check("duration", ffs_opt_duration, durations, 0, UINT64_MAX);
	for (i = 0; i < COUNT(ranges); i++) {
		a = b = 0;
		rc = ffs_opt_range(ranges[i].s, &a, &b);
		CHECK(rc == ranges[i].rc && a == ranges[i].first && b == ranges[i].last,
		    "'%s': %d %" PRIu64 " %" PRIu64, ranges[i].s, rc, a, b);
	}
	return failed;
}
