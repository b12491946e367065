/* CRC-32C: the vectors of RFC 3720, appendix B.4, and the forms of S3 and of the manifest. */
#include "common/base/crc32c.h"

#include <errno.h>
#include <string.h>

#include "tests/unit/check.h"

static void
expect(const char *what, uint32_t got, uint32_t want)
{
	CHECK(got == want, "%s: %08x, not %08x", what, got, want);
}

int
main(void)
{
	static const char *const bad_base64[] = { "", "4waSgw=", "4waSgw",
		"4waSgw===", "4waSg===", "4waS*w==", "4waSgx==", "=waSgw==", "4waSgw==\n" };
	static const char *const bad_hex[] = { "", "e306928", "e30692833", "E3069283", "e306928g",
		"0xe30692", " e306928", "-e306928" };
	unsigned char b[32];
	uint32_t crc;
	char text[9];
	size_t i;

	expect("digits", ffs_crc32c(0, "123456789", 9), 0xe3069283);
	expect("nothing", ffs_crc32c(0, "", 0), 0);
	memset(b, 0, 32);
	expect("zeros", ffs_crc32c(0, b, 32), 0x8a9136aa);
	memset(b, 0xff, 32);
	expect("ones", ffs_crc32c(0, b, 32), 0x62a8ab43);
	for (i = 0; i < 32; i++)
		b[i] = (unsigned char)i;
	expect("counting up", ffs_crc32c(0, b, 32), 0x46dd794e);
	for (i = 0; i <= 32; i++)
		expect("in two pieces", ffs_crc32c(ffs_crc32c(0, b, i), b + i, 32 - i), 0x46dd794e);

	ffs_crc32c_base64(0xe3069283, text);
	CHECK(!strcmp(text, "4waSgw=="), "%s", text);
	crc = 0;
	CHECK(!ffs_crc32c_from_base64("4waSgw==", &crc));
	expect("from base64", crc, 0xe3069283);
	for (i = 0; i < COUNT(bad_base64); i++)
		CHECK(
		    ffs_crc32c_from_base64(bad_base64[i], &crc) == -EINVAL, "'%s'", bad_base64[i]);
	CHECK(!ffs_crc32c_from_hex("e3069283", &crc));
	expect("from hex", crc, 0xe3069283);
	for (i = 0; i < COUNT(bad_hex); i++)
		CHECK(ffs_crc32c_from_hex(bad_hex[i], &crc) == -EINVAL, "'%s'", bad_hex[i]);
	return failed;
}
