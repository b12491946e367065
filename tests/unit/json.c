/* JSON Lines: what is written reads back as what was meant (jansson is the reader). */
#include "common/base/json.h"

#include <jansson.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "tests/unit/check.h"

static void
check_line(void)
{
	static const char *const list[] = { "a", "b\"c", "" };
	static const char want[] = "{\"s\":\"x\",\"null\":null,\"u\":18446744073709551615,"
				   "\"i\":-9223372036854775808,\"yes\":true,\"no\":false,"
				   "\"f\":1.50,\"nan\":null,\"in\":{\"k\":\"v\"},\"n\":1,"
				   "\"list\":[\"a\",\"b\\\"c\",\"\"],\"none\":[]}\n";
	struct ffs_json j = FFS_JSON_INIT;
	char *text = NULL;
	size_t n;
	FILE *f = open_memstream(&text, &n);
	int i;

	for (i = 0; i < 2; i++) {
		ffs_json_open(&j);
		ffs_json_str(&j, "s", "x");
		ffs_json_str(&j, "null", NULL);
		ffs_json_uint(&j, "u", UINT64_MAX);
		ffs_json_int(&j, "i", INT64_MIN);
		ffs_json_bool(&j, "yes", true);
		ffs_json_bool(&j, "no", false);
		ffs_json_fixed(&j, "f", 1.5, 2);
		ffs_json_fixed(&j, "nan", NAN, 2);
		ffs_json_open_in(&j, "in");
		ffs_json_str(&j, "k", "v");
		ffs_json_close(&j);
		ffs_json_uint(&j, "n", 1);
		ffs_json_strs(&j, "list", list, 3);
		ffs_json_strs(&j, "none", list, 0);
		ffs_json_close(&j);
		CHECK(!ffs_json_print(&j, f));
	}
	fclose(f);
	CHECK(n == 2 * strlen(want) && !strncmp(text, want, strlen(want)), "%s", text);
	free(text);
	ffs_json_release(&j);
}

/* Every byte sequence becomes a string that jansson takes; UTF-8 comes back unchanged. */
static void
check_string(const char *s, bool utf8)
{
	struct ffs_buf b = FFS_BUF_INIT;
	bool said = ffs_json_quote(&b, s, strlen(s));
	json_error_t e;
	json_t *v = json_loads(b.p, JSON_DECODE_ANY, &e);
	const unsigned char *p;

	CHECK(v, "'%s': %s", b.p, e.text);
	CHECK(said == utf8, "'%s'", s);
	CHECK(!utf8 || !strcmp(json_string_value(v), s), "%s", b.p);
	for (p = (const unsigned char *)b.p; *p; p++)
		CHECK(*p >= 32 && *p != 127, "control byte %d", *p);
	json_decref(v);
	ffs_buf_release(&b);
}

int
main(void)
{
	static const char *const good[] = { "", "a/b", "\"\\\b\f\n\r\t\x01\x1f\x7f", "\xc3\xa9",
		"\xe2\x82\xac", "\xf0\x9f\x98\x80", "\xef\xbf\xbf", "\xf4\x8f\xbf\xbf" };
	/* Bare continuation, overlong, surrogate, beyond U+10FFFF, cut short. */
	static const char *const bad[] = { "\x80", "\xff", "\xc0\xaf", "\xe0\x80\xaf",
		"\xed\xa0\x80", "\xf4\x90\x80\x80", "\xf8\x88\x80\x80\x80", "\xc3", "\xe2\x82",
		"a\xf0\x9f\x98" };
	struct ffs_json j = FFS_JSON_INIT;
	char s[2] = "";
	size_t i;
	int c;

	check_line();
	for (i = 0; i < COUNT(good); i++)
		check_string(good[i], true);
	for (i = 0; i < COUNT(bad); i++)
		check_string(bad[i], false);
	for (c = 1; c < 256; c++) {
		s[0] = (char)c;
		check_string(s, c < 128);
	}
	ffs_json_open(&j);
	ffs_json_str(&j, "key", "a\xff");
	ffs_json_close(&j);
	CHECK(strstr(j.buf.p, "\"key_hex\":\"61ff\""), "%s", j.buf.p);
	ffs_json_release(&j);
	return failed;
}
