#include "common/base/crc32c.h"

#include <errno.h>
#include <isa-l/crc.h>
#include <stdlib.h>
#include <string.h>

uint32_t
ffs_crc32c(uint32_t crc, const void *p, size_t n)
{
	const unsigned char *at = p;

	/* isa-l takes an int length and leaves both inversions to the caller. */
	crc = ~crc;
	while (n) {
		int step = n > (1 << 30) ? 1 << 30 : (int)n;

		crc = crc32_iscsi((unsigned char *)(uintptr_t)at, step, crc);
		at += step;
		n -= (size_t)step;
	}
	return ~crc;
}

static const char b64[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

void
ffs_crc32c_base64(uint32_t crc, char out[9])
{
	uint64_t bits = (uint64_t)crc << 4; /* 32 bits in six digits of six */
	int i;

	for (i = 0; i < 6; i++)
		out[i] = b64[bits >> (30 - 6 * i) & 63];
	memcpy(out + 6, "==", 3);
}

int
ffs_crc32c_from_base64(const char *s, uint32_t *crc)
{
	uint64_t bits = 0;
	const char *at;
	int i;

	if (strlen(s) != 8 || strcmp(s + 6, "=="))
		return -EINVAL;
	for (i = 0; i < 6; i++) {
		at = strchr(b64, s[i]);
		if (!at)
			return -EINVAL;
		bits = bits << 6 | (uint64_t)(at - b64);
	}
	if (bits & 15)
		return -EINVAL;
	*crc = (uint32_t)(bits >> 4);
	return 0;
}

int
ffs_crc32c_from_hex(const char *s, uint32_t *crc)
{
	if (strlen(s) != 8 || strspn(s, "0123456789abcdef") != 8)
		return -EINVAL;
	*crc = (uint32_t)strtoul(s, NULL, 16);
	return 0;
}
