/* Decimal times and times of day. */
#include "common/base/dtime.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "tests/unit/check.h"

static void
check(int (*parse)(const char *, size_t, struct ffs_dtime *), const char *s, int rc, int64_t sec,
    uint64_t frac)
{
	struct ffs_dtime t = { 0 };
	int got = parse(s, strlen(s), &t);

	CHECK(got == rc && t.sec == sec && t.frac == frac, "'%s': %d %" PRId64 " %" PRIu64, s, got,
	    t.sec, t.frac);
}

static void
decimal(const char *s, int rc, int64_t sec, uint64_t frac)
{
	check(ffs_dtime_parse, s, rc, sec, frac);
}

static void
of_day(const char *s, int rc, int64_t sec, uint64_t frac)
{
	check(ffs_dtime_parse_clock, s, rc, sec, frac);
}

static void
order(const char *a, const char *b)
{
	struct ffs_dtime x, y;

	CHECK(!ffs_dtime_parse(a, strlen(a), &x) && !ffs_dtime_parse(b, strlen(b), &y) &&
		  ffs_dtime_cmp(&x, &y) < 0 && ffs_dtime_cmp(&y, &x) > 0 && !ffs_dtime_cmp(&x, &x),
	    "%s is not before %s", a, b);
}

int
main(void)
{
	decimal("0", 0, 0, 0);
	decimal("34200.004241176", 0, 34200, 4241176000000000);
	decimal("35000.123456789012", 0, 35000, 123456789012000000);
	decimal("1.000000000000000001", 0, 1, 1);
	decimal("1.00000000000000000100", 0, 1, 1);
	decimal("1.0000000000000000001", -ERANGE, 0, 0);
	decimal("+7.5", 0, 7, 500000000000000000);
	decimal("-1.5", 0, -2, 500000000000000000);
	decimal("-0.0", 0, 0, 0);
	decimal("-3", 0, -3, 0);
	decimal("9223372036854775807", 0, INT64_MAX, 0);
	decimal("-9223372036854775807.5", 0, INT64_MIN, 500000000000000000);
	decimal("9223372036854775808", -ERANGE, 0, 0);
	decimal("", -EINVAL, 0, 0);
	decimal("-", -EINVAL, 0, 0);
	decimal(".5", -EINVAL, 0, 0);
	decimal("5.", -EINVAL, 0, 0);
	decimal("1e5", -EINVAL, 0, 0);
	decimal(" 1", -EINVAL, 0, 0);
	decimal("1 ", -EINVAL, 0, 0);
	decimal("1.5.2", -EINVAL, 0, 0);
	decimal("nan", -EINVAL, 0, 0);
	decimal("0x10", -EINVAL, 0, 0);
	of_day("09:45", 0, 35100, 0);
	of_day("9:45", 0, 35100, 0);
	of_day("09:45:30", 0, 35130, 0);
	of_day("09:45:30.25", 0, 35130, 250000000000000000);
	of_day("00:00", 0, 0, 0);
	of_day("24:00", 0, 86400, 0);
	of_day("24:00:00.1", -EINVAL, 0, 0);
	of_day("24:01", -EINVAL, 0, 0);
	of_day("25:00", -EINVAL, 0, 0);
	of_day("09:60", -EINVAL, 0, 0);
	of_day("09:5", -EINVAL, 0, 0);
	of_day("009:05", -EINVAL, 0, 0);
	of_day("09:45:", -EINVAL, 0, 0);
	of_day("09:45.5", -EINVAL, 0, 0);
	of_day("09:45:30.", -EINVAL, 0, 0);
	of_day("-09:45", -EINVAL, 0, 0);
	of_day("34200.5", 0, 34200, 500000000000000000);
	of_day("-5", 0, -5, 0);
	order("1", "2");
	order("1.1", "1.10000000001");
	order("-1.5", "-1.25");
	order("-0.1", "0");
	order("34200.9", "34201");
	return failed;
}
