#include "common/base/dtime.h"

#include <errno.h>
#include <stdbool.h>

#define FRAC_DIGITS 18
#define FRAC_ONE 1000000000000000000ULL

static bool
is_digit(char c)
{
	return c >= '0' && c <= '9';
}

/* The digits at the start of n bytes as a number; *end is how many there were. */
static int
whole(const char *s, size_t n, size_t *end, int64_t *out)
{
	int64_t v = 0;
	size_t i;

	for (i = 0; i < n && is_digit(s[i]); i++)
		if (__builtin_mul_overflow(v, 10, &v) || __builtin_add_overflow(v, s[i] - '0', &v))
			return -ERANGE;
	*end = i;
	*out = v;
	return i ? 0 : -EINVAL;
}

/* n bytes that are empty or a point and digits, in units of 10^-18. */
static int
fraction(const char *s, size_t n, uint64_t *out)
{
	uint64_t v = 0;
	size_t i;

	*out = 0;
	if (!n)
		return 0;
	if (s[0] != '.' || n == 1)
		return -EINVAL;
	for (i = 1; i < n; i++) {
		if (!is_digit(s[i]))
			return -EINVAL;
		if (i <= FRAC_DIGITS)
			v = v * 10 + (uint64_t)(s[i] - '0');
		else if (s[i] != '0')
			return -ERANGE;
	}
	for (; i <= FRAC_DIGITS; i++)
		v *= 10;
	*out = v;
	return 0;
}

int
ffs_dtime_parse(const char *s, size_t n, struct ffs_dtime *t)
{
	bool minus = n && s[0] == '-';
	struct ffs_dtime v;
	size_t end;
	int rc;

	if (n && (s[0] == '-' || s[0] == '+')) {
		s++;
		n--;
	}
	rc = whole(s, n, &end, &v.sec);
	if (!rc)
		rc = fraction(s + end, n - end, &v.frac);
	if (rc)
		return rc;
	if (minus) {
		v.sec = -v.sec;
		if (v.frac) { /* cannot overflow: -INT64_MAX is one above the least */
			v.sec--;
			v.frac = FRAC_ONE - v.frac;
		}
	}
	*t = v;
	return 0;
}

/* Two digits below limit behind a colon. */
static int
sexagesimal(const char *s, size_t n, int64_t *out)
{
	if (n < 3 || s[0] != ':' || !is_digit(s[1]) || !is_digit(s[2]))
		return -EINVAL;
	*out = (s[1] - '0') * 10 + (s[2] - '0');
	return *out < 60 ? 0 : -EINVAL;
}

int
ffs_dtime_parse_clock(const char *s, size_t n, struct ffs_dtime *t)
{
	int64_t h, m, sec = 0;
	struct ffs_dtime v;
	size_t at;
	int rc;

	rc = whole(s, n, &at, &h);
	if (rc || at == n || s[at] != ':')
		return ffs_dtime_parse(s, n, t);
	if (at > 2 || h > 24)
		return -EINVAL;
	rc = sexagesimal(s + at, n - at, &m);
	at += 3;
	v.frac = 0;
	if (!rc && at < n) {
		rc = sexagesimal(s + at, n - at, &sec);
		at += 3;
		if (!rc)
			rc = fraction(s + at, n - at, &v.frac);
	}
	if (rc)
		return rc;
	v.sec = h * 3600 + m * 60 + sec;
	if (v.sec > 86400 || (v.sec == 86400 && v.frac))
		return -EINVAL;
	*t = v;
	return 0;
}

int
ffs_dtime_cmp(const struct ffs_dtime *a, const struct ffs_dtime *b)
{
	if (a->sec != b->sec)
		return a->sec < b->sec ? -1 : 1;
	return a->frac < b->frac ? -1 : a->frac > b->frac;
}
