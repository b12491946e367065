/* Keys to paths: an injection whose paths stay where they belong, and its inverse. */
#include "common/node/keypath.h"

#include <errno.h>
#include <string.h>

#include "tests/unit/check.h"

static void
check_path(const char *key, const char *want)
{
	char path[FFS_KEYPATH_MAX] = "";
	int rc = ffs_keypath_encode(path, key);

	CHECK(!rc && !strcmp(path, want), "'%s': '%s'", key, rc ? strerror(-rc) : path);
}

static void
check_refused(const char *key, int want)
{
	char path[FFS_KEYPATH_MAX] = "";
	int rc = ffs_keypath_encode(path, key);

	CHECK(rc == want, "'%s': '%s'", key, path);
}

static void
check_name(const char *name, const char *want, bool want_aside)
{
	char out[FFS_KEYPATH_SEGMENT_MAX + 1] = "";
	bool aside = false;
	int rc = ffs_keypath_decode(out, name, &aside);

	CHECK(want ? !rc && !strcmp(out, want) && aside == want_aside : rc == -EINVAL, "'%s': '%s'",
	    name, rc ? strerror(-rc) : out);
}

/* Every segment of up to three of these bytes comes back, and no two have one path. */
static void
check_all(void)
{
	static const char bytes[] = { '.', '%', 'a', '\n', 0x7f, '2', 'E', '5' };
	char key[4], path[FFS_KEYPATH_MAX], back[FFS_KEYPATH_SEGMENT_MAX + 1];
	unsigned i, n, k, v;
	bool aside;

	for (n = 1; n <= 3; n++) {
		for (i = 0; i < 1u << 3 * n; i++) {
			for (k = 0, v = i; k < n; k++, v >>= 3)
				key[k] = bytes[v & 7];
			key[n] = '\0';
			CHECK(!ffs_keypath_encode(path, key) && !strchr(path, '/') &&
				  strcmp(path, ".") && strcmp(path, ".."),
			    "'%s': '%s'", key, path);
			CHECK(
			    !ffs_keypath_decode(back, path, &aside) && !aside && !strcmp(back, key),
			    "'%s': '%s'", key, path);
			strcat(path, "%");
			CHECK(
			    !ffs_keypath_decode(back, path, &aside) && aside && !strcmp(back, key),
			    "'%s': '%s'", key, path);
		}
	}
}

static void
check_lengths(void)
{
	char key[FFS_KEY_MAX + 2];

	memset(key, 'k', sizeof(key));
	key[254] = '\0';
	check_path(key, key);
	key[254] = 'k';
	key[255] = '\0';
	check_refused(key, -ENAMETOOLONG);
	memset(key, '\t', 85);
	key[85] = '\0'; /* three bytes each */
	check_refused(key, -ENAMETOOLONG);
	memset(key, '/', FFS_KEY_MAX);
	key[FFS_KEY_MAX] = '\0';
	CHECK(!ffs_keypath_encode((char[FFS_KEYPATH_MAX]){ 0 }, key), "slashes");
	key[FFS_KEY_MAX] = '/';
	key[FFS_KEY_MAX + 1] = '\0';
	check_refused(key, -ENAMETOOLONG);
}

static void
check_buckets(void)
{
	static const char *const good[] = { "abc", "a.b-c", "0aa",
		("a2345678901234567890123456789"
		 "0123456789012345678901234567890123") };
	static const char *const bad[] = { "", "ab", ".ab", "ab.", "-ab", "a..b", "Abc", "a_b",
		"a/b", "healthz", ".ffs.tmp", "..", "a%b",
		"a23456789012345678901234567890123456789012345678901234567890123x" };
	size_t i;

	for (i = 0; i < COUNT(good); i++)
		CHECK(ffs_keypath_bucket_ok(good[i]), "'%s'", good[i]);
	for (i = 0; i < COUNT(bad); i++)
		CHECK(!ffs_keypath_bucket_ok(bad[i]), "'%s'", bad[i]);
}

int
main(void)
{
	check_path("lobster/1/00000.csv", "lobster/1/00000.csv");
	check_path("sp ace/\xe2\x98\x83", "sp ace/\xe2\x98\x83");
	check_path("100%", "100%25");
	check_path("%41", "%2541");
	check_path("..", "%2E%2E");
	check_path("a/../b", "a/%2E%2E/b");
	check_path("./...", "%2E/...");
	check_path("/", "%/%");
	check_path("a//b", "a/%/b");
	check_path("dir/", "dir/%");
	check_path("new\nline\x7f", "new%0Aline%7F");
	check_path("\\:*?\"<>|", "\\:*?\"<>|");
	check_refused("", -EINVAL);
	check_refused("\xff", -EINVAL);
	check_refused("a/\xc0\xaf", -EINVAL); /* an overlong slash */
	check_refused("\xed\xa0\x80", -EINVAL);

	check_name("a", "a", false);
	check_name("a%", "a", true);
	check_name("%", "", false);
	check_name("%%", "", true);
	check_name("%25", "%", false);
	check_name("%2E", ".", false);
	check_name("%41", NULL, false); /* not how 'A' is written */
	check_name("%2e", NULL, false); /* lower case */
	check_name("a%%", NULL, false);
	check_name("%2", NULL, false);
	check_name("%00", NULL, false);
	check_name("%2F", NULL, false);
	check_name("a\nb", NULL, false);
	check_name("\xff", NULL, false);
	check_name(".hidden", ".hidden", false);
	check_all();
	check_lengths();
	check_buckets();
	return failed;
}
