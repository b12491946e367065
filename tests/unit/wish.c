/* What a name, or a line of another tool, wants in the cache; and which keys are a dataset's. */
#include "common/follow/wish.h"

#include <errno.h>
#include <string.h>

#include "common/follow/shelf.h"
#include "tests/unit/check.h"

static struct ffs_node node[] = {
	{ .name = (char[]){ "a" }, .ep.url = (char[]){ "http://127.0.0.1:9000" } },
	{ .name = (char[]){ "b" }, .ep.url = (char[]){ "https://s3.eu-west-1.amazonaws.com" } },
};
static const struct ffs_nodes nodes = { .v = node, .n = 2 };

#define ANY SIZE_MAX

static bool
same(const char *a, const char *b)
{
	return a && b ? !strcmp(a, b) : a == b;
}

static void
check_names(void)
{
	static const struct {
		const char *text;
		int rc;
		size_t node;
		const char *dataset, *bucket, *key;
		uint64_t generation;
	} v[] = {
		{ "lobster", 0, ANY, "lobster", NULL, NULL, 0 },
		{ "AAPL/d12@17", 0, ANY, "AAPL/d12", NULL, NULL, 17 },
		{ "AAPL/*", 0, ANY, "AAPL/*", NULL, NULL, 0 },
		{ "s3://bkt/a/b%20c", 0, ANY, NULL, "bkt", "a/b%20c", 0 },
		{ "http://127.0.0.1:9000/bkt/a/b%20c", 0, 0, NULL, "bkt", "a/b c", 0 },
		{ "HTTP://127.0.0.1:9000/bkt/a", -EINVAL, 0, NULL, NULL, NULL, 0 },
		{ "http://127.0.0.1:9000/bkt/a?X-Amz-Signature=1&x-id=GetObject", 0, 0, NULL, "bkt",
		    "a", 0 },
		{ "http://127.0.0.1:9000/bkt/a?versionId=1", -EOPNOTSUPP, 0, NULL, NULL, NULL, 0 },
		{ "http://127.0.0.1:9000/bkt/a?partNumber=1", -EOPNOTSUPP, 0, NULL, NULL, NULL, 0 },
		{ "http://127.0.0.1:9000/bkt/a?acl", -EINVAL, 0, NULL, NULL, NULL, 0 },
		{ "http://127.0.0.1:9000/bkt/a#x", 0, 0, NULL, "bkt", "a", 0 },
		{ "http://127.0.0.1:9000/bkt/", -EINVAL, 0, NULL, NULL, NULL, 0 },
		{ "http://127.0.0.1:9000/bkt", -EINVAL, 0, NULL, NULL, NULL, 0 },
		{ "http://127.0.0.1:9000/", -EINVAL, 0, NULL, NULL, NULL, 0 },
		{ "http://127.0.0.1:9000", -EINVAL, 0, NULL, NULL, NULL, 0 },
		{ "http://127.0.0.1:9000/bkt/%00", -EINVAL, 0, NULL, NULL, NULL, 0 },
		{ "http://127.0.0.1:9000/bkt/%zz", -EINVAL, 0, NULL, NULL, NULL, 0 },
		{ "http://127.0.0.1:9001/bkt/a", -ENOTCONN, 0, NULL, NULL, NULL, 0 },
		{ "http://user:x@127.0.0.1:9000/bkt/a", -EINVAL, 0, NULL, NULL, NULL, 0 },
		{ "https://127.0.0.1:9000/bkt/a", -ENOTCONN, 0, NULL, NULL, NULL, 0 },
		{ "https://bkt.s3.eu-west-1.amazonaws.com/a/b", 0, 1, NULL, "bkt", "a/b", 0 },
		{ "https://S3.eu-west-1.amazonaws.com:443/bkt/a", 0, 1, NULL, "bkt", "a", 0 },
		{ "http://bkt.s3.eu-west-1.amazonaws.com/a/b", -ENOTCONN, 0, NULL, NULL, NULL, 0 },
		{ "https://xs3.eu-west-1.amazonaws.com/bkt/a", -ENOTCONN, 0, NULL, NULL, NULL, 0 },
		{ "http://", -EINVAL, 0, NULL, NULL, NULL, 0 },
		{ "", -EINVAL, 0, NULL, NULL, NULL, 0 },
		{ "a@0", -EINVAL, 0, NULL, NULL, NULL, 0 },
		{ "a*@1", -EINVAL, 0, NULL, NULL, NULL, 0 },
		{ "*\033", -EINVAL, 0, NULL, NULL, NULL, 0 },
		{ "../a", -EINVAL, 0, NULL, NULL, NULL, 0 },
	};
	struct ffs_wish w;
	const char *why;
	size_t i;
	int rc;

	for (i = 0; i < COUNT(v); i++) {
		rc = ffs_wish_parse(&w, &nodes, v[i].text, &why);
		CHECK(rc == v[i].rc, "'%s': %d", v[i].text, rc);
		if (rc)
			CHECK(!w.dataset && !w.bucket && !w.key, "'%s'", v[i].text);
		else
			CHECK(same(w.dataset, v[i].dataset) && same(w.bucket, v[i].bucket) &&
				  same(w.key, v[i].key) && w.node == v[i].node &&
				  w.generation == v[i].generation,
			    "'%s': %s %s %s", v[i].text, w.dataset, w.bucket, w.key);
		ffs_wish_release(&w);
	}
}

static void
check_lines(void)
{
	static const struct {
		const char *line;
		int rc;
		const char *dataset, *key;
	} v[] = {
		{ "", 1, NULL, NULL },
		{ " \t\r", 1, NULL, NULL },
		{ "lobster \r", 0, "lobster", NULL },
		{ "{\"counters\":{}}", 1, NULL, NULL },
		{ "{\"type\":\"fill\",\"url\":\"s3://bkt/a\"}", 1, NULL, NULL },
		{ "{\"type\":\"hot\",\"url\":\"s3://bkt/a\",\"dataset\":\"d\"}", 0, NULL, "a" },
		{ "{\"url\":\"http://127.0.0.1:9000/bkt/a%0a\"}", 0, NULL, "a\n" },
		{ "{\"url\":\"s3://bkt/?\",\"url_hex\":\"73333a2f2f626b742fff\"}", 0, NULL,
		    "\xff" },
		{ "{\"url\":\"s3://bkt/a\",\"url_hex\":\"7\"}", -EINVAL, NULL, NULL },
		{ "{\"url\":\"s3://bkt/a\",\"url_hex\":\"zz\"}", -EINVAL, NULL, NULL },
		{ "{\"dataset\":\"d\"}", 0, "d", NULL },
		{ "{\"url\":null,\"dataset\":\"d\"}", -EINVAL, NULL, NULL },
		{ "{\"url\":\"s3://bkt/a\",\"url\":\"s3://bkt/b\"}", -EINVAL, NULL, NULL },
		{ "{}", -EINVAL, NULL, NULL },
		{ "{", -EINVAL, NULL, NULL },
	};
	struct ffs_wish w;
	const char *why;
	size_t i;
	int rc;

	for (i = 0; i < COUNT(v); i++) {
		rc = ffs_wish_parse_line(&w, &nodes, v[i].line, strlen(v[i].line), &why);
		CHECK(rc == v[i].rc && same(w.dataset, v[i].dataset) && same(w.key, v[i].key),
		    "'%s': %d %s %s", v[i].line, rc, w.dataset, w.key);
		ffs_wish_release(&w);
	}
	CHECK(ffs_wish_parse_line(&w, &nodes, "a\0b", 3, &why) == -EINVAL);
	ffs_wish_release(&w);
}

static void
check_chunks(void)
{
	static const struct {
		const char *key;
		bool chunk, zstd;
	} v[] = {
		{ "d/1/00000.csv", true, false },
		{ "d/1/00000.csv.zst", true, true },
		{ "a/b/12/123456.message.csv", true, false },
		{ "a/b/12/00001.message.csv.zst", true, true },
		{ "d/01/00000.csv", false, false },
		{ "d/0/00000.csv", false, false },
		{ "d/1/0000.csv", false, false },
		{ "d/1/00000.csv.gz", false, false },
		{ "d/1/00000.csv/x", false, false },
		{ "/1/00000.csv", false, false },
		{ "1/00000.csv", false, false },
		{ "00000.csv", false, false },
		{ "d/99999999999999999999/00000.csv", false, false },
		{ "d/1/99999999999999999999.csv", false, false },
		{ ".d/1/00000.csv", false, false },
		{ "", false, false },
	};
	bool zstd;
	size_t i;

	for (i = 0; i < COUNT(v); i++) {
		zstd = false;
		CHECK(ffs_shelf_is_chunk(v[i].key, &zstd) == v[i].chunk &&
			  (!v[i].chunk || zstd == v[i].zstd),
		    "'%s'", v[i].key);
	}
}

int
main(void)
{
	check_names();
	check_lines();
	check_chunks();
	return failed;
}
