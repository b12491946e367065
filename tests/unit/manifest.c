#include "common/dataset/manifest.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/unit/check.h"

#define HEAD                                                                                       \
	"{\"version\": 1, \"dataset\": \"AAPL/2012-06-21\", \"generation\": 3, \"rows\": 5, "      \
	"\"columns\": 4, \"header\": false, \"bytes\": 50, \"chunk_rows\": 3, \"chunks\": "
#define CHUNK0                                                                                     \
	"{\"key\": \"AAPL/2012-06-21/3/00000.csv\", \"first_row\": 0, \"rows\": 3, \"bytes\": "    \
	"30, \"crc32c\": \"e3069283\", \"encoding\": \"identity\", \"time\": [\"34200.1\", "       \
	"\"34200.123456789012\"], \"nodes\": [\"a\", \"b\"], \"etags\": [\"x\", \"y\"], "          \
	"\"message\": {\"key\": \"AAPL/2012-06-21/3/00000.message.csv\", \"bytes\": 9, "           \
	"\"crc32c\": \"00000001\", \"etags\": [\"m\", \"n\"]}}"
#define CHUNK1                                                                                     \
	"{\"key\": \"AAPL/2012-06-21/3/00001.csv.zst\", \"first_row\": 3, \"rows\": 2, "           \
	"\"bytes\": 7, \"crc32c\": \"00000000\", \"encoding\": \"zstd\", \"plain_bytes\": 20, "    \
	"\"plain_crc32c\": \"ffffffff\", \"time\": [\"34200.123456789012\", \"34201\"], "          \
	"\"nodes\": [\"a\"], \"etags\": [\"z\"], \"message\": {\"key\": "                          \
	"\"AAPL/2012-06-21/3/00001.message.csv\", \"bytes\": 9, \"crc32c\": \"00000001\", "        \
	"\"etags\": [\"m\"]}}"
#define GOOD HEAD "[" CHUNK0 "," CHUNK1 "]}"

static int
parse(const char *s, struct ffs_manifest *m)
{
	/* exactly n bytes, so that a sanitizer sees a read behind them */
	size_t n = strlen(s);
	char *p = malloc(n ? n : 1);
	int rc;

	memcpy(p, s, n);
	rc = ffs_manifest_parse(m, p, n, NULL);
	free(p);
	return rc;
}

static void
check_good(const struct ffs_manifest *m)
{
	CHECK(!strcmp(m->dataset, "AAPL/2012-06-21"));
	CHECK(m->generation == 3 && m->rows == 5 && m->columns == 4 && m->bytes == 50);
	CHECK(m->chunk_rows == 3 && !m->header && !m->time_col && m->nchunks == 2);
	CHECK(m->delimiter == ',');
	if (m->nchunks != 2)
		return;
	CHECK(m->chunks[0].data.crc32c == 0xe3069283 && m->chunks[0].data.plain_bytes == 30);
	CHECK(m->chunks[0].data.copies == 2 && !strcmp(m->chunks[0].data.nodes[1], "b"));
	CHECK(!strcmp(m->chunks[0].data.etags[1], "y"));
	CHECK(!strcmp(m->chunks[0].time_last, "34200.123456789012"));
	CHECK(!strcmp(m->chunks[0].message.key, "AAPL/2012-06-21/3/00000.message.csv"));
	CHECK(m->chunks[0].message.bytes == 9 && !strcmp(m->chunks[0].message.etags[1], "n"));
	CHECK(m->chunks[1].data.encoding == FFS_ENCODING_ZSTD);
	CHECK(m->chunks[1].data.bytes == 7 && m->chunks[1].data.plain_bytes == 20);
	CHECK(m->chunks[1].data.plain_crc32c == 0xffffffff && m->chunks[1].first_row == 3);
}

static void
test_round_trip(void)
{
	struct ffs_buf b = FFS_BUF_INIT, again = FFS_BUF_INIT;
	struct ffs_manifest m, n;

	CHECK(parse(GOOD, &m) == 0);
	check_good(&m);
	CHECK(ffs_manifest_find_row(&m, 0) == 0 && ffs_manifest_find_row(&m, 2) == 0);
	CHECK(ffs_manifest_find_row(&m, 3) == 1 && ffs_manifest_find_row(&m, 4) == 1);
	CHECK(ffs_manifest_find_row(&m, 5) == 2);
	CHECK(ffs_manifest_format(&m, &b) == 0);
	CHECK(ffs_manifest_parse(&n, b.p, b.len, NULL) == 0);
	check_good(&n);
	CHECK(ffs_manifest_format(&n, &again) == 0);
	CHECK(b.len == again.len && !memcmp(b.p, again.p, b.len));
	ffs_manifest_release(&m);
	ffs_manifest_release(&n);
	ffs_buf_release(&b);
	ffs_buf_release(&again);
}

/* What a delimiter is written as, and that it is read again; a comma is not written. */
static void
test_delimiter(char delimiter, const char *written)
{
	struct ffs_buf b = FFS_BUF_INIT;
	struct ffs_manifest m, n;

	CHECK(parse(GOOD, &m) == 0);
	m.delimiter = delimiter;
	CHECK(ffs_manifest_format(&m, &b) == 0);
	ffs_buf_add(&b, "", 1);
	CHECK(!!strstr(b.p, "\"delimiter\"") == !!*written && strstr(b.p, written));
	CHECK(ffs_manifest_parse(&n, b.p, b.len - 1, NULL) == 0 && n.delimiter == delimiter);
	ffs_manifest_release(&m);
	ffs_manifest_release(&n);
	ffs_buf_release(&b);
}

/* Parse GOOD with the first place of from replaced by to. */
static int
parse_edited(const char *from, const char *to)
{
	const char *at = strstr(GOOD, from);
	struct ffs_manifest m;
	char *s;
	int rc;

	if (!at || asprintf(&s, "%.*s%s%s", (int)(at - GOOD), GOOD, to, at + strlen(from)) < 0)
		return 1;
	rc = parse(s, &m);
	CHECK(!rc || !m.chunks);
	ffs_manifest_release(&m);
	free(s);
	return rc;
}

static void
test_refused(void)
{
	static const struct {
		const char *from, *to;
		int rc;
	} t[] = {
		{ "\"version\": 1", "\"version\": 2", -EPROTONOSUPPORT },
		{ "\"version\": 1", "\"version\": \"1\"", -EBADMSG },
		{ "\"identity\"", "\"lzma\"", -EPROTONOSUPPORT },
		{ "\"identity\"", "7", -EBADMSG },
		{ "\"generation\": 3", "\"generation\": 0", -EBADMSG },
		{ "\"generation\": 3", "\"generation\": 4", -EBADMSG },
		{ "\"generation\": 3", "\"generation\": -3", -EBADMSG },
		{ "\"generation\": 3", "\"generation\": 99999999999999999999", -EBADMSG },
		{ "\"rows\": 5", "\"rows\": 6", -EBADMSG },
		{ "\"bytes\": 50", "\"bytes\": 51", -EBADMSG },
		{ "\"columns\": 4", "\"columns\": 4, \"columns\": 4", -EBADMSG },
		{ "\"columns\": 4", "\"columns\": 4, \"time_col\": 5", -EBADMSG },
		{ "\"columns\": 4", "\"columns\": 4, \"delimiter\": \"\"", -EBADMSG },
		{ "\"columns\": 4", "\"columns\": 4, \"delimiter\": \";;\"", -EBADMSG },
		{ "\"columns\": 4", "\"columns\": 4, \"delimiter\": \"\\\"\"", -EBADMSG },
		{ "\"columns\": 4", "\"columns\": 4, \"delimiter\": \"\\n\"", -EBADMSG },
		{ "\"columns\": 4", "\"columns\": 4, \"delimiter\": \"\\r\"", -EBADMSG },
		{ "\"columns\": 4", "\"columns\": 4, \"delimiter\": \"\\u0000\"", -EBADMSG },
		{ "\"columns\": 4", "\"columns\": 4, \"delimiter\": \";\\u0000\"", -EBADMSG },
		{ "\"columns\": 4", "\"columns\": 4, \"delimiter\": \"\xc2\xa7\"", -EBADMSG },
		{ "\"columns\": 4", "\"columns\": 4, \"delimiter\": 59", -EBADMSG },
		{ "\"columns\": 4", "\"columns\": 4, \"delimiter\": null", -EBADMSG },
		{ "\"header\": false", "\"header\": 0", -EBADMSG },
		{ "\"header\": false", "\"header\": true", -EBADMSG },
		{ "AAPL/2012-06-21\"", "AAPL/../x\"", -EBADMSG },
		{ "3/00000.csv", "3/../00000.csv", -EBADMSG },
		{ "3/00000.csv", "2/00000.csv", -EBADMSG },
		{ "3/00000.csv", "3/.claim", -EBADMSG },
		{ "3/00000.csv", "3/", -EBADMSG },
		{ "3/00000.csv", "3/a\\u0000b", -EBADMSG },
		{ "3/00000.csv", "3/\\u001b[31m.csv", -EBADMSG },
		{ "[\"x\", \"y\"]", "[\"x\", \"y\\r\\nz: 1\"]", -EBADMSG },
		{ "[\"a\", \"b\"]", "[\"a\", \"\\u009b1m\"]", -EBADMSG },
		{ "\"first_row\": 3", "\"first_row\": 2", -EBADMSG },
		{ "\"rows\": 3", "\"rows\": 9223372036854775807", -EBADMSG },
		{ "\"bytes\": 30", "\"bytes\": 3.5", -EBADMSG },
		{ "\"e3069283\"", "\"e306928\"", -EBADMSG },
		{ "\"plain_bytes\": 20, ", "", -EBADMSG },
		{ "[\"a\", \"b\"]", "[\"a\"]", -EBADMSG },
		{ "[\"a\", \"b\"]", "[]", -EBADMSG },
		{ "[\"a\", \"b\"]", "[\"a\", 1]", -EBADMSG },
		{ "[\"m\", \"n\"]", "[\"m\"]", -EBADMSG },
		{ "\"34200.1\"", "\"34202\"", -EBADMSG },
		{ "\"34200.123456789012\", \"34201\"", "\"34200.123456789011\", \"34201\"",
		    -EBADMSG },
		{ "\"34200.1\"", "\"noon\"", -EBADMSG },
		{ "\"time\"", "\"tide\"", -EBADMSG },
		{ "\"message\"", "\"massage\"", -EBADMSG },
		{ "\"chunks\": [", "\"chunks\": {", -EBADMSG },
		{ "\"chunks\": [", "\"chunks\": [[", -EBADMSG },
		{ "\"chunks\": [", "\"chunks\": [,", -EBADMSG },
		{ "\"chunks\": [", "\"junk\": [", -EBADMSG },
		{ "\"chunks\": [", "\"chunks\": [], \"chunks\": [", -EBADMSG },
		{ "\"chunks\": [", "\"chunk\\u0073\": [], \"chunks\": [", -EBADMSG },
		{ "},{\"key\"", "}{\"key\"", -EBADMSG },
		{ "]}}]}", "]}}]", -EBADMSG },
		{ "]}}]}", "]}}", -EBADMSG },
		{ "]}}]}", "]}}]}x", -EBADMSG },
		{ "]}}]}", "]}},]}", -EBADMSG },
	};
	size_t i;
	int rc;

	for (i = 0; i < COUNT(t); i++) {
		rc = parse_edited(t[i].from, t[i].to);
		CHECK(rc == t[i].rc, "'%s' to '%s': %d, not %d", t[i].from, t[i].to, rc, t[i].rc);
	}
}

static void
test_accepted(void)
{
	static const struct {
		const char *from, *to;
	} t[] = {
		{ "\"version\": 1", "\"x\": [{\"chunks\": [1]}], \"version\": 1" },
		{ "\"version\": 1", "\"x\": \"chunks\", \"y\": \"}]\\\"\", \"version\": 1" },
		{ "\"chunks\": [", "\"chunks\" :\n[\t " },
		{ "]}}]}", "]}} ] , \"parity\": {\"data\": 4, \"parity\": 2} }\n" },
		{ "\"header\": false, \"bytes\": 50",
		    "\"header\": true, \"header_bytes\": 10, \"bytes\": 40" },
		{ "\"columns\": 4", "\"columns\": 4, \"time_col\": 4" },
		{ "\"columns\": 4", "\"columns\": 4, \"delimiter\": \"\\t\"" },
		{ "\"columns\": 4", "\"columns\": 4, \"delimiter\": \",\"" },
	};
	size_t i;

	for (i = 0; i < COUNT(t); i++)
		CHECK(!parse_edited(t[i].from, t[i].to), "'%s'", t[i].to);
}

static void
test_short(void)
{
	struct ffs_manifest m;
	size_t n = strlen(GOOD), i;
	char *p;

	for (i = 0; i < n; i++) {
		p = malloc(i ? i : 1);
		memcpy(p, GOOD, i);
		CHECK(ffs_manifest_parse(&m, p, i, NULL) == -EBADMSG, "cut at %zu", i);
		ffs_manifest_release(&m);
		free(p);
	}
}

static void
test_names(void)
{
	static const char *const good[] = { "a", "lobster", "AAPL/2012-06-21", "a_b=c+d-e.f",
		"Zürich/日経", "2012/AAPL", "e\xcc\x81", "x/1a" };
	static const char *const no[] = { "", "/", "a/", "/a", "a//b", ".", "..", "a/..", ".ffs",
		"a/.b", "a@1", "a*", "a?b", "a[b", "a b", "a\nb", "a%b", "a:b", "a\\b", "\xff",
		"\xc0\x80", "a\xe2\x80\xae", "a\xc2\x85", "a\xed\xa0\x80", "a\xe2\x80", "a/1",
		"a/2012/b", "manifest.json", "a/manifest.json" };
	static const char *const control[] = { "a/manifest.json", "a/b/12/manifest.json",
		"manifest.json", "a/1/.claim", ".ffs/nodes/a", "a/.ffs/b" };
	static const char *const data[] = { "a/1/00000.csv", "a/manifest.json.bak",
		"amanifest.json", "a/manifest.json/b", "a.ffs/b", ".ffs", "a/.claims" };
	char *key, longest[FFS_DATASET_NAME_MAX + 2];
	size_t i;

	for (i = 0; i < COUNT(control); i++)
		CHECK(ffs_manifest_is_control(control[i]), "'%s'", control[i]);
	for (i = 0; i < COUNT(data); i++)
		CHECK(!ffs_manifest_is_control(data[i]), "'%s'", data[i]);
	for (i = 0; i < COUNT(good); i++)
		CHECK(ffs_dataset_name_ok(good[i]), "'%s'", good[i]);
	for (i = 0; i < COUNT(no); i++)
		CHECK(!ffs_dataset_name_ok(no[i]), "'%s'", no[i]);
	memset(longest, 'a', sizeof(longest));
	longest[FFS_DATASET_NAME_MAX + 1] = '\0';
	CHECK(!ffs_dataset_name_ok(longest));
	longest[FFS_DATASET_NAME_MAX] = '\0';
	CHECK(ffs_dataset_name_ok(longest));
	key = ffs_manifest_key("a/b");
	CHECK(key && !strcmp(key, "a/b/manifest.json"));
	free(key);
	key = ffs_manifest_key_at("a/b", 12);
	CHECK(key && !strcmp(key, "a/b/12/manifest.json"));
	free(key);
}

int
main(void)
{
	test_round_trip();
	test_delimiter(',', "");
	test_delimiter(';', ",\"delimiter\":\";\",");
	test_delimiter('\t', ",\"delimiter\":\"\\");
	test_delimiter('\\', ",\"delimiter\":\"\\\\\",");
	test_delimiter('\001', ",\"delimiter\":\"\\u0001\",");
	test_refused();
	test_accepted();
	test_short();
	test_names();
	return failed;
}
