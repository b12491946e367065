/* Rows are cut and counted as libcsv does, with and without it, however the bytes come. */
#include "common/base/csv.h"

#include <errno.h>
#include <stdint.h>

#include "tests/unit/check.h"
#include "tests/unit/csvsame.h"

static struct csvsame want;

static void
show(const char *p, size_t n)
{
	size_t i;

	for (i = 0; i < n; i++) {
		if (p[i] < ' ' || p[i] > '~')
			printf("\\x%02x", (unsigned char)p[i]);
		else
			putchar(p[i]);
	}
}

static void
same(const char *p, size_t n, char delim, unsigned column)
{
	static const size_t steps[] = { 0, 1, 2, 7, 64, 100 };
	const char *wrong;
	size_t i;

	csvsame_reference(&want, p, n, delim, column);
	for (i = 0; i < 2 * COUNT(steps); i++) {
		wrong = csvsame_check(&want, p, n, delim, column, steps[i / 2], i & 1);
		if (!wrong)
			continue;
		printf("%s differs, step %zu%s: \"", wrong, steps[i / 2], i & 1 ? ", slow" : "");
		show(p, n);
		printf("\"\n");
		failed = 1;
	}
}

/* What the rows of a text should be, one "length/columns" each. */
static void
rows(const char *text, char delim, const char *expect)
{
	struct ffs_csv *c = ffs_csv_new(delim, 0);
	struct ffs_csv_row row;
	size_t at = 0, n = strlen(text);
	char got[256] = "";
	int rc;

	while ((rc = ffs_csv_next(c, text + at, n - at, true, &row)) > 0) {
		snprintf(
		    got + strlen(got), sizeof(got) - strlen(got), "%zu/%zu ", row.len, row.columns);
		at += row.len;
	}
	if (rc == -EBADMSG)
		snprintf(got + strlen(got), sizeof(got) - strlen(got), "open+%zu ", row.lines);
	ffs_csv_free(c);
	if (strcmp(got, expect)) {
		printf("\"");
		show(text, n);
		printf("\": %s, expected %s\n", got, expect);
		failed = 1;
	}
	same(text, n, delim, 2);
}

static void
known(void)
{
	rows("", ',', "");
	rows("a,b\nc,d", ',', "4/2 3/2 ");
	rows("a,b\r\nc,d\r\n", ',', "5/2 5/2 ");
	rows("a\rb,c\r\rd", ',', "2/1 4/2 1/0 1/1 ");
	rows("a\n\r\nb\n", ',', "2/1 2/0 2/1 ");
	rows("\n \t \n,\n", ',', "1/0 4/0 2/2 ");
	rows("a,\n", ',', "3/2 ");
	rows("\"a\nb\",c\nd,e\n", ',', "8/2 4/2 ");
	rows("a, \"b,\"\"c\" ,d\n", ',', "14/3 ");
	rows("a\"b,c\"d\n\"\"\n", ',', "8/2 3/1 ");
	rows("\"a\r\n\r\nb\"\r\nc", ',', "10/1 1/1 ");
	rows("a,b\n\"x\ny\",\"z\nw", ',', "4/2 open+1 ");
	rows("a,\"b", ',', "open+0 ");
	rows("\"a\nb\nc", ',', "open+0 ");
	rows("\"a\"", ',', "3/1 ");
	rows("a;b,c\n\"d;e\";f\n", ';', "6/2 8/2 ");
	rows("a\tb\n\t\n \t \n\"c\td\"\te\n", '\t', "4/2 2/2 4/2 8/2 ");
	rows("\xef\xbb\xbf\"a,b\",c\nd,e\n", ',', "11/2 4/2 ");
	rows("\xef\xbb\xbf\n\xef\xbb\xbf\n", ',', "4/0 4/1 ");
	rows("\xef\xbb", ',', "2/1 ");
}

static uint64_t state = 88172645463325252;

static uint64_t
random_number(void)
{
	state ^= state << 13;
	state ^= state >> 7;
	state ^= state << 17;
	return state;
}

/* Texts of few bytes that mean something, and some that do not; some long runs without any. */
static void
random_texts(void)
{
	static const char bytes[] = ",,,;\t  \n\n\r\"\"ab1.\xef\xbb\xbf";
	static char text[3000];
	size_t i, n, j, quotes, run;
	int k;

	for (k = 0; k < 3000; k++) {
		n = random_number() % (k % 10 ? 60 : sizeof(text));
		quotes = random_number() % 3; /* none, few, as they come */
		for (i = 0; i < n; i++) {
			text[i] = bytes[random_number() % (sizeof(bytes) - 1)];
			if (text[i] == '"' && (!quotes || (quotes == 1 && random_number() % 8)))
				text[i] = ',';
			run = random_number() % 40 ? 0 : random_number() % 200;
			for (j = 0; j < run && i + 1 < n; j++)
				text[++i] = j % 7 ? 'x' : ',';
		}
		same(text, n, ",;\t "[k % 4], (unsigned)(random_number() % 4));
	}
}

/* A row that never ends is refused, with and without a quote, at once or in steps. */
static void
endless(void)
{
	size_t n = FFS_CSV_ROW_MAX + 4096, have;
	struct ffs_csv_row row;
	struct ffs_csv *c;
	char *p = malloc(n);
	int k, rc;

	if (!p)
		abort();
	for (k = 0; k < 3; k++) {
		memset(p, 'x', n);
		for (have = 1024; k == 2 && have < n; have += 1024)
			p[have] = '\n';
		p[0] = k ? '"' : 'x';
		c = ffs_csv_new(',', 1);
		for (have = 1 << 20, rc = 0; !rc && have < n; have += 1 << 20)
			rc = ffs_csv_next(c, p, have < n ? have : n, false, &row);
		if (!rc)
			rc = ffs_csv_next(c, p, n, false, &row);
		CHECK(rc == -EFBIG, "endless row %d: %d", k, rc);
		ffs_csv_free(c);
	}
	free(p);
}

int
main(void)
{
	static const char bad[] = "\"\r\n";
	int i;

	for (i = 0; i < 3; i++)
		CHECK(!ffs_csv_new(bad[i], 0) && errno == EINVAL, "delimiter %d", bad[i]);
	known();
	random_texts();
	endless();
	return failed;
}
