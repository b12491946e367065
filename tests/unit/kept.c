/* Which heads are kept with an entry, and what of them; what is read back is only what was written.
 */
#include "common/cache/kept.h"

#include <errno.h>
#include <sys/stat.h>
#include <sys/xattr.h>

#include "tests/unit/cachetest.h"

static void
add(struct ffs_kept *k, const char *line)
{
	const char *colon = strchr(line, ':');

	ffs_kept_add(k, line, (size_t)(colon - line), colon + 1, strlen(colon + 1));
}

static void
check_text(void)
{
	static const char want[] = "1 checksums=1\nContent-Length:\nContent-Type: text/csv\n"
				   "ETag: \"abc\"\nVary: Origin, accept-encoding\n"
				   "x-amz-request-id:\nx-amz-meta-a: b:  c\nDate:\nX-Empty:\n";
	static const char *const lines[] = { "Content-Length: 12", "Content-Type: text/csv",
		"ETag: \"abc\"", "Vary: Origin, accept-encoding", "x-amz-request-id: 17",
		"x-amz-meta-a: \t b:  c \t", "Date: Sun, 06 Nov 1994 08:49:37 GMT",
		"Connection: close", "Keep-Alive: timeout=3", "Transfer-Encoding: chunked",
		"Content-Range: bytes 0-1/2", "X-Empty:" };
	struct ffs_kept k, again;
	struct ffs_kept_field f;
	size_t i, at = 0;

	ffs_kept_begin(&k, true);
	for (i = 0; i < COUNT(lines); i++)
		add(&k, lines[i]);
	CHECK(!k.bad && k.len == sizeof(want) - 1 && !memcmp(k.text, want, k.len), "%s", k.text);
	CHECK(ffs_kept_ok(&k, "abc") && !ffs_kept_ok(&k, "ab") && !ffs_kept_ok(&k, "abcd"));
	CHECK(!ffs_kept_parse(k.text, k.len, &again) && again.len == k.len && again.checksums);
	for (i = 0; ffs_kept_next(&again, &at, &f); i++)
		;
	CHECK(i == 8, "%zu", i);
	for (i = 0; i < k.len; i++)
		if (k.text[i] != '\n')
			CHECK(ffs_kept_parse(k.text, i, &again) == -EBADMSG ||
				  k.text[i - 1] == '\n' || i < 14,
			    "cut at %zu", i);
}

static void
check_bad(void)
{
	static const char *const lines[] = { "Set-Cookie: a=b", "Vary: *", "Vary: Origin, Cookie",
		"ETag: W/\"abc\"", "ETag: abc", "ETag: \"\"", "ETag: \"a\"b\"",
		"x-amz-server-side-encryption: aws:kms",
		"x-amz-server-side-encryption: aws:kms:dsse",
		"x-amz-server-side-encryption-customer-algorithm: AES256", "Bad Name: x", ": x",
		"X-Ctl: a\001b", "X-Nl: a\nDate:", "ETag: \"other\"", "ETag: \"abc\"" };
	static const char *const good[] = { "x-amz-server-side-encryption: AES256",
		"Vary:", "X-High: \xc3\xa4", "X-Tab: a\tb", "Content-Encoding: gzip" };
	struct ffs_kept k;
	char big[FFS_KEPT_MAX];
	size_t i;

	for (i = 0; i < COUNT(lines); i++) {
		ffs_kept_begin(&k, false);
		add(&k, "ETag: \"abc\"");
		add(&k, lines[i]);
		CHECK(!ffs_kept_ok(&k, "abc"), "%s", lines[i]);
	}
	for (i = 0; i < COUNT(good); i++) {
		ffs_kept_begin(&k, false);
		add(&k, "ETag: \"abc\"");
		add(&k, good[i]);
		CHECK(ffs_kept_ok(&k, "abc"), "%s", good[i]);
	}
	ffs_kept_begin(&k, false);
	CHECK(!ffs_kept_ok(&k, "abc"));
	add(&k, "ETag: \"abc\"");
	memset(big, 'x', sizeof(big));
	ffs_kept_add(&k, "X", 1, big, FFS_KEPT_MAX - k.len - 4);
	CHECK(ffs_kept_ok(&k, "abc") && k.len == FFS_KEPT_MAX, "%zu", k.len);
	ffs_kept_add(&k, "Y", 1, "", 0);
	CHECK(!ffs_kept_ok(&k, "abc"));
}

static void
check_parse(void)
{
	static const char *const bad[] = { "", "1 checksums=2\n", "2 checksums=1\n",
		"1 checksums=1", "1 checksums=1\nETag: \"a\"", "1 checksums=1\nETag:\"a\"\n",
		"1 checksums=1\nDate: x\n", "1 checksums=1\nConnection: x\n",
		"1 checksums=1\nnothing\n", "1 checksums=1\n\n", "1 checksums=1\nA: b \n",
		"1 checksums=1\nA: \n", "1 checksums=1\nA: b\r\n", "1 checksums=1\nA: b\n: c\n" };
	struct ffs_kept k;
	size_t i;

	for (i = 0; i < COUNT(bad); i++)
		CHECK(ffs_kept_parse(bad[i], strlen(bad[i]), &k) == -EBADMSG, "%s", bad[i]);
	CHECK(ffs_kept_parse("1 checksums=0\nA: b\0\n", 20, &k) == -EBADMSG);
	CHECK(!ffs_kept_parse("1 checksums=0\nA: b\n", 19, &k) && !k.checksums);
}

/* An entry with this head (NULL: none), found again. */
static void
keep(struct ffs_cache *c, int i, const struct ffs_kept *k, struct ffs_cache_hit *hit)
{
	struct ffs_cache_fill_opts o = { .etag = "abc", .size = 4 };
	enum ffs_cache_refusal why;
	struct ffs_cache_fill *f;
	struct named m;

	CHECK(!ffs_cache_fill_begin(c, name_of(&m, i), &o, &f, &why));
	if (k)
		ffs_cache_fill_head(f, k);
	CHECK(!ffs_cache_fill_write(f, "1234", 4) && !ffs_cache_fill_commit(f));
	CHECK(!ffs_cache_find(c, name_of(&m, i), NULL, hit));
}

static void
check_entry(void)
{
	struct ffs_cache *c = open_cache("cache");
	struct ffs_kept k, got;
	struct ffs_cache_hit hit;

	ffs_kept_begin(&k, true);
	add(&k, "ETag: \"abc\"");
	add(&k, "x-amz-checksum-crc32c: AAAAAA==");
	keep(c, 1, &k, &hit);
	CHECK(!ffs_kept_read(&hit, &got) && got.len == k.len && !memcmp(got.text, k.text, k.len));
	CHECK(ffs_kept_tried(&hit) && got.checksums);
	/* Somebody has written into it. */
	CHECK(!fchmod(hit.fd, 0644) && !fsetxattr(hit.fd, FFS_ATTR_HEAD, "1 checks", 8, 0));
	CHECK(ffs_kept_read(&hit, &got) == -EBADMSG && !ffs_kept_tried(&hit));
	CHECK(!fsetxattr(hit.fd, FFS_ATTR_HEAD, "1 checksums=1\nETag: \"abd\"\n", 26, 0));
	CHECK(ffs_kept_read(&hit, &got) == -EBADMSG);
	close(hit.fd);

	keep(c, 1, NULL, &hit); /* in its place, without */
	CHECK(ffs_kept_read(&hit, &got) == -ENOENT && !ffs_kept_tried(&hit));
	close(hit.fd);

	add(&k, "Set-Cookie: a");
	keep(c, 2, &k, &hit);
	CHECK(ffs_kept_read(&hit, &got) == -ENOENT && ffs_kept_tried(&hit));
	close(hit.fd);
	ffs_kept_begin(&k, false);
	add(&k, "ETag: \"abc\"");
	keep(c, 3, &k, &hit);
	CHECK(!ffs_kept_read(&hit, &got) && !ffs_kept_tried(&hit));
	close(hit.fd);
	ffs_cache_free(c);
}

int
main(void)
{
	check_text();
	check_bad();
	check_parse();
	check_entry();
	return failed;
}
