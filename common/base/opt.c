#include "common/base/opt.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* Digits at s; *end is behind the last one.  A sign or a space is junk. */
static int
digits(const char *s, const char **end, uint64_t *out)
{
	unsigned long long n;
	char *e;

	if (!isdigit((unsigned char)s[0]))
		return -EINVAL;
	errno = 0;
	n = strtoull(s, &e, 10);
	if (errno)
		return -errno;
	*end = e;
	*out = n;
	return 0;
}

static int
store(uint64_t n, uint64_t lo, uint64_t hi, uint64_t *out)
{
	if (n < lo || n > hi)
		return -ERANGE;
	*out = n;
	return 0;
}

int
ffs_opt_uint(const char *s, uint64_t lo, uint64_t hi, uint64_t *out)
{
	const char *end;
	uint64_t n;
	int rc = digits(s, &end, &n);

	if (rc)
		return rc;
	if (*end)
		return -EINVAL;
	return store(n, lo, hi, out);
}

int
ffs_opt_size(const char *s, uint64_t lo, uint64_t hi, uint64_t *out)
{
	static const char suffix[] = "kmgt";
	const char *end, *at;
	uint64_t n;
	int shift = 0, rc = digits(s, &end, &n);

	if (rc)
		return rc;
	if (*end) {
		at = strchr(suffix, tolower((unsigned char)*end));
		if (!at || end[1])
			return -EINVAL;
		shift = 10 * (int)(at - suffix + 1);
	}
	if (n > (UINT64_MAX >> shift))
		return -ERANGE;
	return store(n << shift, lo, hi, out);
}

int
ffs_opt_rate(const char *s, uint64_t lo, uint64_t hi, uint64_t *out)
{
	static const struct {
		const char *name;
		uint64_t bits;
	} units[] = { { "bit", 1 }, { "kbit", 1000 }, { "mbit", 1000000 }, { "gbit", 1000000000 },
		{ "tbit", 1000000000000 } };
	const char *end;
	uint64_t n;
	int rc = digits(s, &end, &n);
	size_t i;

	if (rc)
		return rc;
	for (i = 0; i < sizeof(units) / sizeof(units[0]); i++) {
		if (strcasecmp(end, units[i].name))
			continue;
		if (__builtin_mul_overflow(n, units[i].bits, &n))
			return -ERANGE;
		return store(n / 8, lo, hi, out);
	}
	return ffs_opt_size(s, lo, hi, out);
}

int
ffs_opt_duration(const char *s, uint64_t lo, uint64_t hi, uint64_t *out_ms)
{
	static const struct {
		const char *name;
		uint64_t ms;
	} units[] = { { "", 1000 }, { "ms", 1 }, { "s", 1000 }, { "m", 60000 }, { "h", 3600000 } };
	uint64_t n, num = 0, den = 1;
	const char *end;
	int rc = digits(s, &end, &n);
	size_t i;

	if (rc)
		return rc;
	if (*end == '.') {
		if (!isdigit((unsigned char)*++end))
			return -EINVAL;
		for (; isdigit((unsigned char)*end); end++) {
			if (den >= 1000000) /* finer than a millisecond of an hour: dropped */
				continue;
			num = num * 10 + (uint64_t)(*end - '0');
			den *= 10;
		}
	}
	for (i = 0; i < sizeof(units) / sizeof(units[0]); i++)
		if (!strcasecmp(end, units[i].name))
			break;
	if (i == sizeof(units) / sizeof(units[0]))
		return -EINVAL;
	if (__builtin_mul_overflow(n, units[i].ms, &n) ||
	    __builtin_add_overflow(n, num * units[i].ms / den, &n))
		return -ERANGE;
	return store(n, lo, hi, out_ms);
}

int
ffs_opt_range(const char *s, uint64_t *first, uint64_t *last)
{
	uint64_t a, b;
	const char *end;
	int rc = digits(s, &end, &a);

	if (rc)
		return rc;
	b = a;
	if (*end == '-') {
		if (!*++end)
			b = UINT64_MAX;
		else if ((rc = digits(end, &end, &b)))
			return rc;
		else if (b == UINT64_MAX) /* which says that there is no end */
			return -ERANGE;
	}
	if (*end)
		return -EINVAL;
	if (b < a)
		return -ERANGE;
	*first = a;
	*last = b;
	return 0;
}

const char *
ffs_opt_env(const char *name)
{
	const char *s = getenv(name);

	return s && *s ? s : NULL;
}
