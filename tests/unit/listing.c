/*
 * Listings against a plain model: the keys sorted by their bytes, cut into pages,
 * with every prefix, delimiter and page size of a set.
 */
#include "common/node/listing.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/unit/check.h"

/* Neighbours of '/', what is escaped, an object that is a directory too, equal beginnings. */
static const char *const keys[] = { "a", "a!", "a-b", "a/", "a/b", "a/b/c", "a/b0", "a/c", "a//",
	"a0", "aa", "b/c/d", "b/c/e", "b/d", "c%", "c/%41", "c\n", "..", "./x", "/", "/a", "//",
	"z/z/z/z", "\xc3\xa9", "\xe2\x98\x83/x" };

#define NKEYS (COUNT(keys))

struct items {
	char v[4 * NKEYS][64];
	size_t n;
};

static void
add(struct items *t, const char *name, bool prefix)
{
	snprintf(t->v[t->n++], sizeof(t->v[0]), "%s%s", prefix ? "P:" : "K:", name);
}

static int
compare(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* What S3's documents say should come. */
static void
model(struct items *t, const char *prefix, const char *delimiter, const char *after)
{
	const char *sorted[NKEYS], *at;
	char common[64] = "";
	size_t i, n;

	memcpy(sorted, keys, sizeof(keys));
	qsort(sorted, NKEYS, sizeof(*sorted), compare);
	t->n = 0;
	for (i = 0; i < NKEYS; i++) {
		if (strncmp(sorted[i], prefix, strlen(prefix)) || strcmp(sorted[i], after) <= 0)
			continue;
		at = *delimiter ? strstr(sorted[i] + strlen(prefix), delimiter) : NULL;
		if (!at) {
			add(t, sorted[i], false);
			continue;
		}
		n = (size_t)(at - sorted[i]) + strlen(delimiter);
		if (*common && !strncmp(sorted[i], common, n) && strlen(common) == n)
			continue;
		snprintf(common, sizeof(common), "%.*s", (int)n, sorted[i]);
		if (strcmp(common, after)) /* the page before ended with it */
			add(t, common, true);
	}
}

static int
each(void *arg, const char *name, const struct ffs_object *o)
{
	add(arg, name, !o);
	return 0;
}

static void
check(struct ffs_store *s, const char *prefix, const char *delimiter, const char *after, size_t max)
{
	struct items want, got = { .n = 0 };
	char from[1025];
	struct ffs_listing l = { .prefix = prefix,
		.delimiter = delimiter,
		.after = from,
		.max = max,
		.each = each,
		.arg = &got };
	size_t i, before;
	int rc;

	model(&want, prefix, delimiter, after);
	snprintf(from, sizeof(from), "%s", after);
	do {
		before = got.n;
		rc = ffs_listing_run(s, "bucket", &l);
		snprintf(from, sizeof(from), "%s", l.last);
	} while (
	    !rc && l.truncated && got.n > before && got.n - before <= max && got.n < 3 * NKEYS);
	for (i = 0; i < want.n && i < got.n && !strcmp(want.v[i], got.v[i]); i++)
		;
	CHECK(!rc && i == want.n && i == got.n,
	    "prefix '%s' delimiter '%s' after '%s' max %zu: rc %d, item %zu of %zu: '%s', not '%s'",
	    prefix, delimiter, after, max, rc, i, want.n, i < got.n ? got.v[i] : "(end)",
	    i < want.n ? want.v[i] : "(end)");
}

static int
put(struct ffs_store *s, const char *key)
{
	struct ffs_blob b = FFS_BLOB_INIT;
	struct ffs_objmeta meta;
	int rc;

	ffs_objmeta_init(&meta);
	rc = ffs_store_blob(s, &b, 0);
	return rc ? rc : ffs_store_put(s, "bucket", key, &b, &meta, NULL);
}

/* More names in one directory than are kept at a time. */
static void
check_many(struct ffs_store *s)
{
	struct items got = { .n = 0 };
	struct ffs_listing l = { .delimiter = "", .max = 4, .each = each, .arg = &got };
	char key[32];
	int i, rc = 0;

	for (i = 0; i < 2600 && !rc; i++) {
		snprintf(key, sizeof(key), "many/%05d", (i * 1009) % 2600);
		rc = put(s, key);
	}
	l.prefix = "many/";
	l.after = "many/02047";
	if (!rc)
		rc = ffs_listing_run(s, "bucket", &l);
	CHECK(!rc && got.n == 4 && !strcmp(got.v[0], "K:many/02048") &&
		  !strcmp(got.v[3], "K:many/02051"),
	    "rc %d, %zu items, first '%s'", rc, got.n, got.v[0]);
	for (i = 0; i < 2600 && !rc; i++) {
		snprintf(key, sizeof(key), "many/%05d", i);
		rc = ffs_store_delete(s, "bucket", key, NULL, NULL);
	}
	CHECK(!rc, "many: %s", strerror(-rc));
}

int
main(void)
{
	static const char *const prefixes[] = { "", "a", "a/", "a/b", "a//", "b/c/", "/", ".",
		"c/%", "nothing", "b/c/d", "\xc3" };
	static const char *const delimiters[] = { "", "/", "b", "/b", "%" };
	static const char *const afters[] = { "", "a", "a/", "a/b", "a/zzz", "b", "c\n", "~" };
	struct ffs_store *s;
	size_t i, d, a, max;
	int rc = ffs_store_open(&s, "store", false);

	if (!rc)
		rc = ffs_store_bucket_make(s, "bucket");
	for (i = 0; i < NKEYS && !rc; i++)
		rc = put(s, keys[i]);
	if (rc) {
		printf("cannot make the objects: %s\n", strerror(-rc));
		return 1;
	}
	for (i = 0; i < COUNT(prefixes); i++)
		for (d = 0; d < COUNT(delimiters); d++)
			for (a = 0; a < COUNT(afters); a++)
				for (max = 1; max <= 64; max *= 4)
					check(s, prefixes[i], delimiters[d], afters[a], max);
	check_many(s);
	for (i = 0; i < NKEYS; i++)
		CHECK(!ffs_store_delete(s, "bucket", keys[i], NULL, NULL), "'%s'", keys[i]);
	/* No directory is left behind. */
	rc = ffs_store_bucket_remove(s, "bucket");
	CHECK(!rc, "cannot remove the empty bucket: %s", strerror(-rc));
	ffs_store_close(s);
	return failed;
}
