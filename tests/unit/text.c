/* Names and numbers as a screen shows them. */
#include "common/screen/text.h"

#include <locale.h>
#include <string.h>

#include "tests/unit/check.h"

static void
fits(
    int line, const char *s, size_t len, unsigned cols, bool utf8, const char *want, unsigned width)
{
	char out[256];
	unsigned w = ffs_text_fit(out, sizeof(out), s, len, cols, utf8);

	if (strcmp(out, want) || w != width)
		check_failed(
		    line, "fit", " '%s' in %u columns, not '%s' in %u", out, w, want, width);
}
#define FITS(s, cols, utf8, want, width) fits(__LINE__, s, sizeof(s) - 1, cols, utf8, want, width)

static void
names(void)
{
	FITS("", 5, true, "", 0);
	FITS("abc", 0, true, "", 0);
	FITS("abc", 3, true, "abc", 3);
	FITS("ffs/lobster/1/00042.csv", 23, true, "ffs/lobster/1/00042.csv", 23);
	/* The end of a long one stays. */
	FITS("ffs/lobster/1/00042.csv", 16, true, "ffs/\u20261/00042.csv", 16);
	FITS("ffs/lobster/1/00042.csv", 12, false, "ffs~0042.csv", 12);
	FITS("ffs/lobster/1/00042.csv", 1, true, "\u2026", 1);
	FITS("ffs/lobster/1/00042.csv", 2, true, "\u2026v", 2);
	/* Controls, escapes, NUL, DEL, C1, broken and overlong UTF-8, surrogates. */
	FITS("a\033[2Jb", 20, true, "a?[2Jb", 6);
	FITS("a\r\n\tb\177", 20, true, "a???b?", 6);
	FITS("a\0b", 20, true, "a?b", 3);
	FITS("\xc2\x9b"
	     "2J",
	    20, true, "?2J", 3);
	FITS("\xff\xc0\xaf\xed\xa0\x80", 20, true, "??????", 6);
	FITS("a\xe2\x82", 20, true, "a??", 3);
	/* Letters of other scripts count for what they take. */
	FITS("K\xc3\xb6ln", 20, true, "K\xc3\xb6ln", 4);
	FITS("K\xc3\xb6ln", 20, false, "K?ln", 4);
	FITS("\xe6\xbc\xa2\xe5\xad\x97", 20, true, "\xe6\xbc\xa2\xe5\xad\x97", 4);
	FITS("\xe6\xbc\xa2\xe5\xad\x97", 3, true, "\u2026\xe5\xad\x97", 3);
	FITS("\xe6\xbc\xa2\xe5\xad\x97", 2, true, "\u2026", 1);
	/* What combines, turns the direction, or has no agreed width. */
	FITS("e\xcc\x81", 20, true, "e?", 2);
	FITS("a\xe2\x80\xae"
	     "b",
	    20, true, "a?b", 3);
	FITS("a\xe2\x80\x8b"
	     "b",
	    20, true, "a?b", 3);
	FITS("\xf0\x9f\x98\x80", 20, true, "?", 1);
}

/* Whatever comes in, what comes out is no wider than told and no longer than there is room. */
static void
bounds(void)
{
	char name[64], out[300];
	unsigned seed = 1, cols, w, i, n;
	size_t round;

	for (round = 0; round < 200000; round++) {
		n = round % sizeof(name);
		for (i = 0; i < n; i++) {
			seed = seed * 1103515245 + 12345;
			name[i] = (char)(seed >> 16);
			if (round & 1)
				name[i] &= 0x7f;
		}
		cols = seed % 70;
		w = ffs_text_fit(out, 1 + seed % sizeof(out), name, n, cols, round & 2);
		if (w > cols || strlen(out) > seed % sizeof(out)) {
			CHECK(false, "%u columns of %u", w, cols);
			return;
		}
	}
}

static void
numbers(void)
{
	char b[32];

#define IS(call, want) CHECK(!strcmp(call, want), "'%s', not '%s'", b, want)
	IS(ffs_text_count(b, sizeof(b), 0), "0");
	IS(ffs_text_count(b, sizeof(b), 99999), "99999");
	IS(ffs_text_count(b, sizeof(b), 123456), "123k");
	IS(ffs_text_count(b, sizeof(b), 1234567), "1.2M");
	IS(ffs_text_count(b, sizeof(b), UINT64_MAX), "18.4E");
	IS(ffs_text_bytes(b, sizeof(b), 0), "0 B");
	IS(ffs_text_bytes(b, sizeof(b), 999), "999 B");
	IS(ffs_text_bytes(b, sizeof(b), 1203411), "1.2 MB");
	IS(ffs_text_bytes(b, sizeof(b), 999999), "1.0 MB");
	IS(ffs_text_bytes(b, sizeof(b), 110400000), "110 MB");
	IS(ffs_text_us(b, sizeof(b), 0), "-");
	IS(ffs_text_us(b, sizeof(b), 999), "999 us");
	IS(ffs_text_us(b, sizeof(b), 1250), "1.25 ms");
	IS(ffs_text_us(b, sizeof(b), 9996), "10.0 ms");
	IS(ffs_text_us(b, sizeof(b), 58200), "58.2 ms");
	IS(ffs_text_us(b, sizeof(b), 999600), "1.0 s");
	IS(ffs_text_age(b, sizeof(b), 99), "99s");
	IS(ffs_text_age(b, sizeof(b), 100), "1m");
	IS(ffs_text_age(b, sizeof(b), 7200), "2h");
	IS(ffs_text_age(b, sizeof(b), 864000), "10d");
	IS(ffs_text_rate(b, sizeof(b), 0.01), "0");
	IS(ffs_text_rate(b, sizeof(b), 0.5), "0.5");
	IS(ffs_text_rate(b, sizeof(b), 1234.4), "1234");
#undef IS
	CHECK(ffs_text_clip("abc", 2) == 2, "clip");
	CHECK(ffs_text_clip("\u2500\u2500\u2500", 2) == 6, "clip UTF-8");
	CHECK(ffs_text_clip("abc", 9) == 3, "clip nothing");
}

int
main(void)
{
	if (!setlocale(LC_CTYPE, "C.UTF-8")) {
		printf("no locale C.UTF-8\n");
		return 1;
	}
	names();
	bounds();
	numbers();
	return failed;
}
