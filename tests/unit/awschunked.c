/*
 * aws-chunked: the signed examples of AWS's pages, fed in pieces of every size, and
 * framing that is broken in every way a client has been seen to.
 * https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-streaming.html
 * https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-streaming-trailers.html
 */
#include "common/node/awschunked.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/buf.h"
#include "tests/unit/check.h"

#define CRC32 "x-amz-checksum-crc32"
#define CRC32C "x-amz-checksum-crc32c"
#define SECRET "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"

static struct ffs_buf out;

static int
take(void *arg, const void *p, size_t n)
{
	(void)arg;
	ffs_buf_add(&out, p, n);
	return ffs_buf_error(&out);
}

/* Feed all of it in pieces of one size.  Returns the first error, or that of the end. */
static int
decode(struct ffs_awschunked *c, const char *p, size_t n, size_t piece)
{
	size_t i, k;
	int rc;

	ffs_buf_reset(&out);
	for (i = 0; i < n; i += k) {
		k = n - i < piece ? n - i : piece;
		rc = ffs_awschunked_feed(c, p + i, k, take, NULL);
		if (rc)
			return rc;
	}
	return ffs_awschunked_end(c);
}

/* --- unsigned --- */

static void
check(const char *body, uint64_t length, const char *trailer, int want, const char *data)
{
	struct ffs_awschunked_opts o = { .length = length, .trailer = trailer };
	struct ffs_awschunked *c;
	size_t piece;
	int rc;

	for (piece = 1; piece <= strlen(body) + 1; piece++) {
		c = ffs_awschunked_new(&o);
		rc = decode(c, body, strlen(body), piece);
		CHECK(rc == want &&
			  (rc || (out.len == strlen(data) && !memcmp(out.p, data, out.len))),
		    "'%s' in pieces of %zu: %d", body, piece, rc);
		ffs_awschunked_free(c);
	}
}

static void
check_framing(void)
{
	check("5\r\nhello\r\n0\r\n\r\n", 5, NULL, 0, "hello");
	check("2\r\nhe\r\n3\r\nllo\r\n0\r\n\r\n", 5, NULL, 0, "hello");
	check("5;ext=1\r\nhello\r\n0\r\n\r\n", 5, NULL, 0, "hello");
	check("0005\r\nhello\r\n0\r\n\r\n", 5, CRC32, 0, "hello");
	check("0\r\n\r\n", 0, NULL, 0, "");
	check("5\r\nhello\r\n0\r\nx-amz-checksum-crc32: NhCmhg==\r\n\r\n", 5, CRC32, 0, "hello");
	check("5\r\nhello\r\n0\r\nx-amz-checksum-crc32:NhCmhg==\n\r\n", 5, CRC32, 0, "hello");
	check("A\r\n0123456789\r\na\r\n0123456789\r\n0\r\n\r\n", 20, CRC32, 0,
	    "01234567890123456789");
	/* Cut short anywhere, also behind the last chunk. */
	check("5\r\nhello\r\n0\r\n", 5, CRC32, -EPROTO, NULL);
	check("5\r\nhello\r\n", 5, CRC32, -EPROTO, NULL);
	check("5\r\nhel", 5, CRC32, -EPROTO, NULL);
	check("5", 5, CRC32, -EPROTO, NULL);
	check("", 5, CRC32, -EPROTO, NULL);
	check("", 0, CRC32, -EPROTO, NULL);
	/* More or less than announced. */
	check("5\r\nhello\r\n0\r\n\r\n", 4, CRC32, -EPROTO, NULL);
	check("5\r\nhello\r\n0\r\n\r\n", 6, CRC32, -EPROTO, NULL);
	check("ffffffffffffffff\r\nhello", 5, CRC32, -EPROTO, NULL);
	check("10000000000000005\r\nhello\r\n0\r\n\r\n", 5, CRC32, -EPROTO, NULL);
	/* Malformed. */
	check("hello", 5, CRC32, -EPROTO, NULL);
	check("hello\r\n", 5, CRC32, -EPROTO, NULL);
	check("\r\nhello\r\n0\r\n\r\n", 5, CRC32, -EPROTO, NULL);
	check("-5\r\nhello\r\n0\r\n\r\n", 5, CRC32, -EPROTO, NULL);
	check("0x5\r\nhello\r\n0\r\n\r\n", 5, CRC32, -EPROTO, NULL);
	check("5\nhello\r\n0\r\n\r\n", 5, CRC32, -EPROTO, NULL);
	check("5\r\nhelloXX0\r\n\r\n", 5, CRC32, -EPROTO, NULL);
	check("5\r\nhello\n0\r\n\r\n", 5, CRC32, -EPROTO, NULL);
	check("5\r\nhello\r\n0\r\n\r\nmore", 5, CRC32, -EPROTO, NULL);
	/* A trailer other than the announced one. */
	check("0\r\nno colon\r\n\r\n", 0, CRC32, -ENOMSG, NULL);
	check("0\r\nx-amz-checksum-crc32:AAAAAA==\r\n\r\n", 0, NULL, -ENOMSG, NULL);
	check("0\r\nx-amz-checksum-crc32c:AAAAAA==\r\n\r\n", 0, CRC32, -ENOMSG, NULL);
	check("0\r\nx-amz-checksum-crc32:AAAAAA==\r\nother:\r\n\r\n", 0, CRC32, -ENOMSG, NULL);
	check("0\r\nx-amz-checksum-crc32:AAAAAA==\r\nx-amz-checksum-crc32:AAAAAA==\r\n\r\n", 0,
	    CRC32, -ENOMSG, NULL);
}

static void
check_bounds(void)
{
	struct ffs_buf b = FFS_BUF_INIT;
	int i;

	ffs_buf_adds(&b, "0;");
	for (i = 0; i < 600; i++)
		ffs_buf_addc(&b, 'x');
	check(b.p, 0, CRC32, -EPROTO, NULL);
	ffs_buf_reset(&b);
	ffs_buf_adds(&b, "0\r\n" CRC32 ":");
	for (i = 0; i < 600; i++)
		ffs_buf_addc(&b, 'x');
	check(b.p, 0, CRC32, -EPROTO, NULL);
	ffs_buf_release(&b);
}

static void
check_trailer(void)
{
	static const char body[] = "0\r\nX-Amz-Checksum-CRC32C:  AAAAAA== \r\n\r\n";
	struct ffs_awschunked_opts o = { .trailer = "x-amz-checksum-CRC32c" };
	struct ffs_awschunked *c = ffs_awschunked_new(&o);
	int rc = decode(c, body, strlen(body), 7);
	const char *crc = ffs_awschunked_trailer(c);

	CHECK(!rc && crc && !strcmp(crc, "AAAAAA=="), "%d '%s'", rc, crc ? crc : "(none)");
	ffs_awschunked_free(c);
}

/* --- signed: 66560 times 'a' in chunks of 65536 and 1024 bytes --- */

struct signed_body {
	const char *seed, *chunk[3], *trailer;
};

static const struct signed_body plain = {
	"4f232c4386841ef735655705268965c44a0e4690baa4adea153f7db9fa80a0a9",
	{ "ad80c730a21e5b8d04586a2213dd63b9a0e99e0e2307b0ade35a65485a288648",
	    "0055627c9e194cb4542bae2aa5492e3c1575bbb81b612b7d234b86a503ef5497",
	    "b6c6ea8a5354eaf15b3cb7646744f4275b71ea724fed81ceb9323e279d449df9" },
	NULL
};

static const struct signed_body with_trailer = {
	"106e2a8a18243abcf37539882f36619c00e2dfc72633413f02d3b74544bfeb8e",
	{ "b474d8862b1487a5145d686f57f013e54db672cee1c953b3010fb58501ef5aa2",
	    "1c1344b170168f8e65b41376b44b20fe354e373826ccbbe2c1d40a8cae51e5c7",
	    "2ca2aba2005185cf7159c6277faf83795951dd77a3a99e6e65d5c9f85863f992" },
	"d81f82fc3505edab99d459891051a732e8730629a2e4a59689829ca17fe2e435"
};

static void
build(struct ffs_buf *b, const struct signed_body *s)
{
	static const size_t size[] = { 65536, 1024, 0 };
	size_t i, k;

	for (i = 0; i < 3; i++) {
		ffs_buf_addf(b, "%zx;chunk-signature=%s\r\n", size[i], s->chunk[i]);
		for (k = 0; k < size[i]; k++)
			ffs_buf_addc(b, 'a');
		if (size[i])
			ffs_buf_adds(b, "\r\n");
	}
	if (s->trailer)
		ffs_buf_addf(b, "x-amz-checksum-crc32c:sOO8/Q==\r\nx-amz-trailer-signature:%s\r\n",
		    s->trailer);
	ffs_buf_adds(b, "\r\n");
}

static int
decode_signed(const struct signed_body *s, const struct ffs_buf *b, size_t piece)
{
	struct ffs_sigv4_scope scope = { .secret_key = SECRET, .region = "us-east-1" };
	struct ffs_sigv4_claim claim = { .access_key = "AKIAIOSFODNN7EXAMPLE",
		.day = "20130524",
		.date = "20130524T000000Z",
		.region = "us-east-1",
		.service = "s3" };
	unsigned char key[32];
	struct ffs_awschunked_opts o = {
		.length = 66560, .trailer = s->trailer ? CRC32C : NULL, .claim = &claim, .key = key
	};
	struct ffs_awschunked *c;
	int rc = ffs_sigv4_key(key, &scope, "20130524");

	memcpy(claim.signature, s->seed, sizeof(claim.signature));
	c = ffs_awschunked_new(&o);
	if (!rc)
		rc = decode(c, b->p, b->len, piece);
	if (!rc && (out.len != 66560 || out.p[0] != 'a' || out.p[66559] != 'a'))
		rc = -EBADMSG;
	ffs_awschunked_free(c);
	return rc;
}

static void
check_signed(const struct signed_body *s)
{
	static const size_t pieces[] = { 1, 7, 1000, 65536, 1000000 };
	struct ffs_buf b = FFS_BUF_INIT;
	size_t i, at[6], n = 0;
	int rc;

	build(&b, s);
	for (i = 0; i < COUNT(pieces); i++) {
		rc = decode_signed(s, &b, pieces[i]);
		CHECK(!rc, "signed, pieces of %zu: %d", pieces[i], rc);
	}
	/* One wrong bit anywhere: in data of either chunk, in a signature, in the trailer. */
	at[n++] = 200;
	at[n++] = 65536 + 300;
	at[n++] = 30;
	if (s->trailer) {
		at[n++] = b.len - 100;
		at[n++] = b.len - 10;
	}
	for (i = 0; i < n; i++) {
		b.p[at[i]] ^= 1;
		rc = decode_signed(s, &b, 4096);
		b.p[at[i]] ^= 1;
		CHECK(rc == -EACCES, "signed, wrong at %zu: %d", at[i], rc);
	}
	/* Without its last line, or its trailer's signature, it is not whole. */
	b.len -= s->trailer ? 92 : 2;
	rc = decode_signed(s, &b, 4096);
	CHECK(rc == -EPROTO, "signed, cut: %d", rc);
	ffs_buf_release(&b);
}

int
main(void)
{
	check_framing();
	check_bounds();
	check_trailer();
	check_signed(&plain);
	check_signed(&with_trailer);
	ffs_buf_release(&out);
	return failed;
}
