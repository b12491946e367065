#include "common/base/range.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

/* Digits at *s; saturates, so that any position beyond the end is just that.  False: none. */
static int
number(const char **s, uint64_t *n)
{
	const char *p = *s;

	for (*n = 0; isdigit((unsigned char)*p); p++)
		if (__builtin_mul_overflow(*n, 10, n) ||
		    __builtin_add_overflow(*n, (uint64_t)(*p - '0'), n))
			*n = UINT64_MAX;
	if (p == *s)
		return 0;
	*s = p;
	return 1;
}

int
ffs_range_parse(const char *s, uint64_t size, uint64_t *first, uint64_t *len)
{
	uint64_t a = 0, b = UINT64_MAX;
	int has_a, has_b;

	if (!s || strncasecmp(s, "bytes=", 6))
		return 0;
	s += 6;
	s += strspn(s, " \t");
	has_a = number(&s, &a);
	if (*s++ != '-')
		return 0;
	has_b = number(&s, &b);
	s += strspn(s, " \t");
	if (*s || (!has_a && !has_b) || (has_a && has_b && b < a))
		return 0;
	if (!has_a) { /* the last b bytes */
		if (!b || !size)
			return -ERANGE;
		a = b < size ? size - b : 0;
		b = size - 1;
	}
	if (a >= size)
		return -ERANGE;
	if (!has_b || b >= size)
		b = size - 1;
	*first = a;
	*len = b - a + 1;
	return 1;
}

int
ffs_range_etag_in(const char *list, const char *etag)
{
	size_t n = strlen(etag), len;
	const char *s = list;

	for (;;) {
		s += strspn(s, " \t,");
		if (!*s)
			return 0;
		if (s[0] == '*' && strchr(" \t,", s[1])) /* strchr finds the NUL, too */
			return 1;
		if (!strncmp(s, "W/", 2))
			s += 2;
		if (*s == '"') {
			s++;
			len = strcspn(s, "\"");
		} else {
			len = strcspn(s, " \t,");
		}
		if (len == n && !memcmp(s, etag, n))
			return 1;
		s += len;
		if (*s == '"')
			s++;
	}
}

int
ffs_range_cond(const struct ffs_range_cond *c, const char *etag, time_t mtime)
{
	time_t t;

	if (c->if_match) {
		if (!ffs_range_etag_in(c->if_match, etag))
			return 412;
	} else if (c->if_unmodified_since && !ffs_range_parse_date(c->if_unmodified_since, &t)) {
		if (mtime > t)
			return 412;
	}
	if (c->if_none_match) {
		if (ffs_range_etag_in(c->if_none_match, etag))
			return 304;
	} else if (c->if_modified_since && !ffs_range_parse_date(c->if_modified_since, &t)) {
		if (mtime <= t)
			return 304;
	}
	return 0;
}

int
ffs_range_if_range(const char *s, const char *etag, time_t mtime)
{
	time_t t;

	if (!s)
		return 1;
	if (!ffs_range_parse_date(s, &t))
		return t == mtime;
	return strncmp(s, "W/", 2) && *s != '*' && ffs_range_etag_in(s, etag);
}

void
ffs_range_date(char out[FFS_RANGE_DATE], time_t t)
{
	static const char days[] = "SunMonTueWedThuFriSat";
	static const char months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
	struct tm tm;

	if (t < 0 || t > 253402300799) /* year 9999 */
		t = 0;
	gmtime_r(&t, &tm);
	snprintf(out, FFS_RANGE_DATE, "%.3s, %02u %.3s %04u %02u:%02u:%02u GMT",
	    days + 3 * tm.tm_wday, (unsigned)tm.tm_mday % 100, months + 3 * tm.tm_mon,
	    (unsigned)(tm.tm_year + 1900) % 10000, (unsigned)tm.tm_hour % 100,
	    (unsigned)tm.tm_min % 100, (unsigned)tm.tm_sec % 100);
}

int
ffs_range_parse_date(const char *s, time_t *t)
{
	/* RFC 9110, 5.6.7: IMF-fixdate, and the two obsolete forms a recipient must take. */
	static const char *const forms[] = { "%a, %d %b %Y %H:%M:%S GMT",
		"%A, %d-%b-%y %H:%M:%S GMT", "%a %b %d %H:%M:%S %Y" };
	struct tm tm;
	const char *end;
	size_t i;

	for (i = 0; i < sizeof(forms) / sizeof(forms[0]); i++) {
		memset(&tm, 0, sizeof(tm));
		end = strptime(s, forms[i], &tm);
		if (!end || *end)
			continue;
		*t = timegm(&tm);
		return 0;
	}
	return -EINVAL;
}
