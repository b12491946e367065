#include "common/base/utf8.h"

#include <string.h>

size_t
ffs_utf8_len(const char *str, size_t n)
{
	const unsigned char *s = (const unsigned char *)str;
	size_t len, i;

	if (s[0] < 0x80)
		return 1;
	if (s[0] >= 0xc2 && s[0] <= 0xdf)
		len = 2;
	else if (s[0] >= 0xe0 && s[0] <= 0xef)
		len = 3;
	else if (s[0] >= 0xf0 && s[0] <= 0xf4)
		len = 4;
	else
		return 0;
	if (len > n)
		return 0;
	for (i = 1; i < len; i++)
		if ((s[i] & 0xc0) != 0x80)
			return 0;
	if ((s[0] == 0xe0 && s[1] < 0xa0) || (s[0] == 0xed && s[1] > 0x9f) ||
	    (s[0] == 0xf0 && s[1] < 0x90) || (s[0] == 0xf4 && s[1] > 0x8f))
		return 0;
	return len;
}

bool
ffs_utf8_valid(const char *s, size_t n)
{
	size_t i, len;

	for (i = 0; i < n; i += len) {
		len = ffs_utf8_len(s + i, n - i);
		if (!len)
			return false;
	}
	return true;
}

void
ffs_utf8_mask(char *s)
{
	size_t len, left = strlen(s);
	unsigned char c;

	for (; left; s += len, left -= len) {
		c = (unsigned char)*s;
		len = ffs_utf8_len(s, left);
		if (len == 1 ? c < 0x20 || c == 0x7f : !len) {
			*s = '?';
			len = 1;
		} else if (c == 0xc2 && (unsigned char)s[1] < 0xa0) { /* U+0080 to U+009F */
			s[0] = s[1] = '?';
		}
	}
}
