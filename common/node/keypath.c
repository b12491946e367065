#include "common/node/keypath.h"

#include <errno.h>
#include <string.h>

#include "common/base/utf8.h"

static bool
plain(unsigned char c)
{
	return c != '%' && c >= 0x20 && c != 0x7f;
}

static size_t
escape(char *out, unsigned char c)
{
	static const char digit[] = "0123456789ABCDEF";

	out[0] = '%';
	out[1] = digit[c >> 4];
	out[2] = digit[c & 15];
	return 3;
}

/* Writes at most 3 * n + 1 bytes, no NUL.  Returns how many. */
static size_t
encode_segment(char *out, const char *s, size_t n)
{
	bool dots = (n == 1 && s[0] == '.') || (n == 2 && s[0] == '.' && s[1] == '.');
	size_t i, len = 0;

	if (!n)
		out[len++] = '%';
	for (i = 0; i < n; i++) {
		if (!dots && plain((unsigned char)s[i]))
			out[len++] = s[i];
		else
			len += escape(out + len, (unsigned char)s[i]);
	}
	return len;
}

int
ffs_keypath_encode(char out[FFS_KEYPATH_MAX], const char *key)
{
	size_t n = strlen(key), len = 0, seg;
	const char *s = key, *slash;

	if (n > FFS_KEY_MAX)
		return -ENAMETOOLONG;
	if (!n || !ffs_utf8_valid(key, n))
		return -EINVAL;
	for (;;) {
		slash = strchrnul(s, '/');
		seg = encode_segment(out + len, s, (size_t)(slash - s));
		if (seg > FFS_KEYPATH_SEGMENT_MAX)
			return -ENAMETOOLONG;
		len += seg;
		if (!*slash)
			break;
		out[len++] = '/';
		s = slash + 1;
	}
	out[len] = '\0';
	return 0;
}

static int
hex_value(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return -1;
}

int
ffs_keypath_decode(char out[FFS_KEYPATH_SEGMENT_MAX + 1], const char *name, bool *aside)
{
	char again[3 * FFS_KEYPATH_SEGMENT_MAX + 1];
	size_t n = strlen(name), i, len = 0;
	int hi, lo;

	*aside = n > 1 && name[n - 1] == '%';
	if (*aside)
		n--;
	if (!n || n > FFS_KEYPATH_SEGMENT_MAX)
		return -EINVAL;
	if (n == 1 && name[0] == '%') {
		out[0] = '\0';
		return 0;
	}
	for (i = 0; i < n; i++) {
		if (name[i] != '%') {
			out[len++] = name[i];
			continue;
		}
		if (n - i < 3 || (hi = hex_value(name[i + 1])) < 0 ||
		    (lo = hex_value(name[i + 2])) < 0 || (hi == 0 && lo == 0))
			return -EINVAL;
		out[len++] = (char)(hi << 4 | lo);
		i += 2;
	}
	out[len] = '\0';
	/* One spelling only: "%41" is not how 'A' is written. */
	if (memchr(out, '/', len) || !ffs_utf8_valid(out, len) ||
	    encode_segment(again, out, len) != n || memcmp(again, name, n))
		return -EINVAL;
	return 0;
}

bool
ffs_keypath_bucket_ok(const char *name)
{
	size_t n = strlen(name), i;

	if (n < 3 || n > 63 || !strcmp(name, "healthz"))
		return false;
	for (i = 0; i < n; i++) {
		if ((name[i] >= 'a' && name[i] <= 'z') || (name[i] >= '0' && name[i] <= '9'))
			continue;
		if ((name[i] != '-' && name[i] != '.') || i == 0 || i == n - 1)
			return false;
		if (name[i] == '.' && name[i - 1] == '.')
			return false;
	}
	return true;
}
