/* Range headers, conditions in RFC 9110's order, dates in its three forms. */
#include "common/base/range.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "tests/unit/check.h"

static void
check_range(const char *s, uint64_t size, int want, uint64_t first, uint64_t len)
{
	uint64_t a = 77, n = 77;
	int rc = ffs_range_parse(s, size, &a, &n);

	CHECK(rc == want && (rc != 1 || (a == first && n == len)), "'%s' of %ju: %d %ju+%ju",
	    s ? s : "(null)", (uintmax_t)size, rc, (uintmax_t)a, (uintmax_t)n);
}

static void
check_ranges(void)
{
	check_range("bytes=0-0", 10, 1, 0, 1);
	check_range("bytes=0-", 10, 1, 0, 10);
	check_range("bytes=3-5", 10, 1, 3, 3);
	check_range("Bytes=3-99", 10, 1, 3, 7);
	check_range("bytes=-3", 10, 1, 7, 3);
	check_range("bytes=-99", 10, 1, 0, 10);
	check_range("bytes= 9-9 ", 10, 1, 9, 1);
	check_range("bytes=5-18446744073709551615", 10, 1, 5, 5);
	check_range("bytes=0-99999999999999999999999999", 10, 1, 0, 10);
	check_range("bytes=10-", 10, -ERANGE, 0, 0);
	check_range("bytes=10-12", 10, -ERANGE, 0, 0);
	check_range("bytes=99999999999999999999999999-", 10, -ERANGE, 0, 0);
	check_range("bytes=-0", 10, -ERANGE, 0, 0);
	check_range("bytes=0-0", 0, -ERANGE, 0, 0);
	check_range("bytes=-1", 0, -ERANGE, 0, 0);
	/* Malformed, another unit, or several: no effect. */
	check_range(NULL, 10, 0, 0, 0);
	check_range("", 10, 0, 0, 0);
	check_range("bytes=", 10, 0, 0, 0);
	check_range("bytes=-", 10, 0, 0, 0);
	check_range("bytes=5-3", 10, 0, 0, 0);
	check_range("bytes=a-b", 10, 0, 0, 0);
	check_range("bytes=1-2x", 10, 0, 0, 0);
	check_range("bytes=+1-2", 10, 0, 0, 0);
	check_range("bytes=--2", 10, 0, 0, 0);
	check_range("bytes=0-1,3-4", 10, 0, 0, 0);
	check_range("rows=0-1", 10, 0, 0, 0);
	check_range("bytes 0-1", 10, 0, 0, 0);
}

static void
check_dates(void)
{
	static const char *const good[] = { "Sun, 06 Nov 1994 08:49:37 GMT",
		"Sunday, 06-Nov-94 08:49:37 GMT", "Sun Nov  6 08:49:37 1994" };
	static const char *const bad[] = { "", "yesterday", "Sun, 06 Nov 1994 08:49:37",
		"Sun, 06 Nov 1994 08:49:37 GMT x", "Sun, 66 Nov 1994 08:49:37 GMT", "784111777" };
	char text[FFS_RANGE_DATE];
	size_t i;
	time_t t;

	for (i = 0; i < COUNT(good); i++)
		CHECK(!ffs_range_parse_date(good[i], &t) && t == 784111777, "'%s'", good[i]);
	for (i = 0; i < COUNT(bad); i++)
		CHECK(ffs_range_parse_date(bad[i], &t), "'%s'", bad[i]);
	ffs_range_date(text, 784111777);
	CHECK(!strcmp(text, good[0]), "'%s'", text);
}

#define T "Sun, 06 Nov 1994 08:49:37 GMT"
#define T_BEFORE "Sun, 06 Nov 1994 08:49:36 GMT"

static void
check_conditions(void)
{
	static const struct {
		const char *match, *none, *since, *unmodified;
		int want;
	} t[] = {
		{ NULL, NULL, NULL, NULL, 0 },
		{ "\"e\"", NULL, NULL, NULL, 0 },
		{ "\"x\", \"e\"", NULL, NULL, NULL, 0 },
		{ "*", NULL, NULL, NULL, 0 },
		{ "e", NULL, NULL, NULL, 0 },
		{ "\"x\"", NULL, NULL, NULL, 412 },
		{ "\"e", NULL, NULL, NULL, 0 },
		{ "\"e \"", NULL, NULL, NULL, 412 },
		{ "\"*\"", NULL, NULL, NULL, 412 },
		{ "", NULL, NULL, NULL, 412 },
		{ NULL, "\"e\"", NULL, NULL, 304 },
		{ NULL, "W/\"e\"", NULL, NULL, 304 },
		{ NULL, "*", NULL, NULL, 304 },
		{ NULL, "\"x\"", NULL, NULL, 0 },
		{ NULL, NULL, T, NULL, 304 },
		{ NULL, NULL, T_BEFORE, NULL, 0 },
		{ NULL, NULL, "nonsense", NULL, 0 },
		{ NULL, NULL, NULL, T, 0 },
		{ NULL, NULL, NULL, T_BEFORE, 412 },
		/* If-Match outranks If-Unmodified-Since, If-None-Match If-Modified-Since. */
		{ "\"e\"", NULL, NULL, T_BEFORE, 0 },
		{ NULL, "\"x\"", T, NULL, 0 },
		/* 412 before 304. */
		{ "\"x\"", "\"e\"", NULL, NULL, 412 },
	};
	size_t i;

	for (i = 0; i < COUNT(t); i++) {
		struct ffs_range_cond c = { .if_match = t[i].match,
			.if_none_match = t[i].none,
			.if_modified_since = t[i].since,
			.if_unmodified_since = t[i].unmodified };
		int rc = ffs_range_cond(&c, "e", 784111777);

		CHECK(rc == t[i].want, "condition %zu: %d", i, rc);
	}
	CHECK(ffs_range_if_range(NULL, "e", 1));
	CHECK(ffs_range_if_range("\"e\"", "e", 1));
	CHECK(!ffs_range_if_range("\"x\"", "e", 1));
	CHECK(!ffs_range_if_range("W/\"e\"", "e", 1));
	CHECK(ffs_range_if_range(T, "e", 784111777));
	CHECK(!ffs_range_if_range(T, "e", 784111778));
}

int
main(void)
{
	check_ranges();
	check_dates();
	check_conditions();
	return failed;
}
