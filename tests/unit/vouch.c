/*
 * Who is proven: the examples of the S3 documentation as whole heads, what is wrong with others,
 * and who may read a flight together with whom.
 */
#include "common/gate/vouch.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "common/s3/sigv4.h"
#include "tests/unit/check.h"

#define T0 1369353600 /* 2013-05-24T00:00:00Z */
#define DATE "20130524T000000Z"
#define KEY "AKIAIOSFODNN7EXAMPLE"
#define SECRET "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"
#define CRED "Credential=" KEY "/20130524/us-east-1/s3/aws4_request"
#define HOST "Host: examplebucket.s3.amazonaws.com\r\n"
#define DATED "x-amz-date: " DATE "\r\n"
#define EMPTY "x-amz-content-sha256: " FFS_SIGV4_EMPTY "\r\n"
#define AUTH(names, sig)                                                                           \
	"Authorization: AWS4-HMAC-SHA256 " CRED ",SignedHeaders=" names ",Signature=" sig "\r\n"
#define RANGED                                                                                     \
	AUTH("host;range;x-amz-content-sha256;x-amz-date",                                         \
	    "f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41")
#define LISTED                                                                                     \
	AUTH("host;x-amz-content-sha256;x-amz-date",                                               \
	    "34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7")
#define PRESIGNED                                                                                  \
	"/test.txt?X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=" KEY                         \
	"%2F20130524%2Fus-east-1%2Fs3%2Faws4_request&X-Amz-Date=" DATE                             \
	"&X-Amz-Expires=86400&X-Amz-SignedHeaders=host&X-Amz-Signature="                           \
	"aeeed9bbccd4d02ee5c0109b86d86835f995330da4c265957d157751f604d404"

static struct ffs_endpoint ours = { .access_key = (char *)(size_t)KEY,
	.secret_key = (char *)(size_t)SECRET };

static void
take_apart(struct ffs_head *h, const char *text)
{
	int n = ffs_head_request(h, text, strlen(text));

	CHECK(n == (int)strlen(text), "%d: %s", n, text);
}

static int
check(const struct ffs_endpoint *ep, const char *text, time_t now)
{
	struct ffs_vouch *v = ffs_vouch_new(ep);
	struct ffs_head h;
	int rc;

	if (!v)
		exit(1);
	take_apart(&h, text);
	rc = ffs_vouch_read(v, &h, now);
	/* The kept signing key says the same. */
	CHECK(ffs_vouch_read(v, &h, now) == rc, "%s", text);
	ffs_vouch_free(v);
	return rc;
}

static const struct {
	const char *text;
	int at, rc;
} table[] = {
	/* The documentation's own. */
	{ "GET /test.txt HTTP/1.1\r\n" HOST "Range: bytes=0-9\r\n" EMPTY DATED RANGED "\r\n", 0,
	    0 },
	{ "GET /?prefix=J&max-keys=2 HTTP/1.1\r\n" HOST DATED EMPTY LISTED "\r\n", 900, 0 },
	{ "GET " PRESIGNED " HTTP/1.1\r\n" HOST "\r\n", 86400, 0 },
	/* What is not signed may come beside it, blanks do not matter. */
	{ "GET /test.txt HTTP/1.1\r\nUser-Agent: x\r\n" HOST
	  "Range:   bytes=0-9  \r\n" EMPTY DATED RANGED "Content-Length: 0\r\n\r\n",
	    -900, 0 },
	/* Time. */
	{ "GET /?prefix=J&max-keys=2 HTTP/1.1\r\n" HOST DATED EMPTY LISTED "\r\n", 901, -ETIME },
	{ "GET /?prefix=J&max-keys=2 HTTP/1.1\r\n" HOST DATED EMPTY LISTED "\r\n", -901, -ETIME },
	{ "GET " PRESIGNED " HTTP/1.1\r\n" HOST "\r\n", 86401, -EKEYEXPIRED },
	{ "GET " PRESIGNED " HTTP/1.1\r\n" HOST "\r\n", -901, -ETIME },
	/* Another request than the signed one. */
	{ "HEAD /test.txt HTTP/1.1\r\n" HOST "Range: bytes=0-9\r\n" EMPTY DATED RANGED "\r\n", 0,
	    -EACCES },
	{ "GET /test2.txt HTTP/1.1\r\n" HOST "Range: bytes=0-9\r\n" EMPTY DATED RANGED "\r\n", 0,
	    -EACCES },
	{ "GET /test.txt HTTP/1.1\r\n" HOST "Range: bytes=0-8\r\n" EMPTY DATED RANGED "\r\n", 0,
	    -EACCES },
	{ "GET /test.txt HTTP/1.1\r\nHost: other\r\nRange: bytes=0-9\r\n" EMPTY DATED RANGED "\r\n",
	    0, -EACCES },
	{ "GET /?prefix=K&max-keys=2 HTTP/1.1\r\n" HOST DATED EMPTY LISTED "\r\n", 0, -EACCES },
	{ "GET " PRESIGNED "&x=y HTTP/1.1\r\n" HOST "\r\n", 0, -EACCES },
	{ "GET /?prefix=J&max-keys=2 HTTP/1.1\r\n" HOST DATED EMPTY AUTH(
	      "host;x-amz-content-sha256;x-amz-date",
	      "34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f8") "\r\n",
	    0, -EACCES },
	/* A body, or the hash of one. */
	{ "GET /?prefix=J&max-keys=2 HTTP/1.1\r\n" HOST DATED EMPTY LISTED
	  "Content-Length: 1\r\n\r\n",
	    0, -EINVAL },
	{ "GET /?prefix=J&max-keys=2 HTTP/1.1\r\n" HOST DATED EMPTY LISTED
	  "Transfer-Encoding: chunked\r\n\r\n",
	    0, -EINVAL },
	{ "GET /k HTTP/1.1\r\n" HOST DATED
	  "x-amz-content-sha256: STREAMING-AWS4-HMAC-SHA256-PAYLOAD\r\n" LISTED "\r\n",
	    0, -EINVAL },
	{ "GET /k HTTP/1.1\r\n" HOST DATED
	  "x-amz-content-sha256: STREAMING-UNSIGNED-PAYLOAD-TRAILER\r\n" LISTED "\r\n",
	    0, -EINVAL },
	/* Fields that had to be signed, or come twice. */
	{ "GET /?prefix=J&max-keys=2 HTTP/1.1\r\n" HOST DATED EMPTY LISTED
	  "x-amz-request-payer: requester\r\n\r\n",
	    0, -EINVAL },
	{ "GET " PRESIGNED " HTTP/1.1\r\n" HOST "x-amz-checksum-mode: ENABLED\r\n\r\n", 0,
	    -EINVAL },
	{ "GET /?prefix=J&max-keys=2 HTTP/1.1\r\n" HOST DATED DATED EMPTY LISTED "\r\n", 0,
	    -EINVAL },
	{ "GET /?prefix=J&max-keys=2 HTTP/1.1\r\n" HOST DATED EMPTY AUTH(
	      "x-amz-content-sha256;x-amz-date", FFS_SIGV4_EMPTY) "\r\n",
	    0, -EINVAL },
	{ "GET /test.txt HTTP/1.1\r\n" HOST
	  "Range: bytes=0-9\r\nRange: bytes=0-9\r\n" EMPTY DATED RANGED "\r\n",
	    0, -EINVAL },
	/* Nobody's, another's, or another scheme. */
	{ "GET /k HTTP/1.1\r\n" HOST "\r\n", 0, -ENOENT },
	{ "GET /k HTTP/1.1\r\n" HOST DATED EMPTY
	  "Authorization: AWS4-HMAC-SHA256 Credential=OTHER/20130524/us-east-1/s3/aws4_request,"
	  "SignedHeaders=host,Signature=" FFS_SIGV4_EMPTY "\r\n\r\n",
	    0, -ENOKEY },
	{ "GET /k HTTP/1.1\r\n" HOST DATED EMPTY "Authorization: AWS4-HMAC-SHA256 Credential=" KEY
	  "/20130524/us-east-1/ec2/aws4_request,"
	  "SignedHeaders=host,Signature=" FFS_SIGV4_EMPTY "\r\n\r\n",
	    0, -EINVAL },
	{ "GET /k HTTP/1.1\r\n" HOST DATED "Authorization: AWS " KEY ":c2ln\r\n\r\n", 0,
	    -EOPNOTSUPP },
	{ "GET /k HTTP/1.1\r\n" HOST DATED EMPTY "X-Amz-Security-Token: t\r\n" LISTED "\r\n", 0,
	    -ENOKEY },
	{ "GET " PRESIGNED "&X-Amz-Security-Token=t HTTP/1.1\r\n" HOST "\r\n", 0, -ENOKEY },
};

static void
check_table(void)
{
	size_t i;
	int rc;

	for (i = 0; i < COUNT(table); i++) {
		rc = check(&ours, table[i].text, T0 + table[i].at);
		CHECK(rc == table[i].rc, "%zu: %d for %s", i, rc, table[i].text);
	}
}

/* Without credentials nobody is proven, and a session's key is nothing without its token. */
static void
check_credentials(void)
{
	const char *text = table[1].text;
	struct ffs_endpoint ep = ours;
	struct ffs_sigv4_field fields[] = { { "host", "h" }, { "x-amz-date", DATE },
		{ "x-amz-content-sha256", FFS_SIGV4_UNSIGNED }, { "x-amz-security-token", "t/1" } };
	struct ffs_sigv4_request r = { "GET", "/b/k", NULL, fields, 4, FFS_SIGV4_UNSIGNED };
	struct ffs_sigv4_scope s = { .access_key = KEY, .secret_key = SECRET, .region = "mars-1" };
	struct ffs_buf b = FFS_BUF_INIT;

	CHECK(check(NULL, text, T0) == -ENOKEY);
	ep.secret_key = NULL;
	CHECK(check(&ep, text, T0) == -ENOKEY);
	ep = ours;
	ep.token = (char *)(size_t) "t/1";
	CHECK(check(&ep, text, T0) == -ENOKEY);
	ffs_buf_adds(&b, "GET /b/k HTTP/1.1\r\nhost: h\r\n" DATED "x-amz-security-token: t/1\r\n"
			 "x-amz-content-sha256: " FFS_SIGV4_UNSIGNED "\r\nauthorization: ");
	CHECK(!ffs_sigv4_authorize(&b, &r, &s, T0));
	ffs_buf_adds(&b, "\r\n\r\n");
	CHECK(!check(&ep, b.p, T0), "a session, in any region");
	ep.token = (char *)(size_t) "t/2";
	CHECK(check(&ep, b.p, T0) == -ENOKEY, "another session");
	CHECK(check(&ours, b.p, T0) == -ENOKEY, "no session of ours");
	ffs_buf_release(&b);
}

/* A write is proven by its head, but no read. */
static void
check_writes(void)
{
	static const char *const v[] = {
		"PUT /test%24file.text HTTP/1.1\r\nDate: Fri, 24 May 2013 00:00:00 GMT\r\n" HOST
		    DATED "Content-Length: 19\r\nx-amz-storage-class: REDUCED_REDUNDANCY\r\n"
		"x-amz-content-sha256: "
		"44ce7dd67c959e0d3524ffac1771dfbba87d2b6b4b4e99e42034a8b803f8b072\r\n" AUTH(
		    "date;host;x-amz-content-sha256;x-amz-date;x-amz-storage-class",
		    "98ad721746da40c64f1a55b78f14c238d841ea1380cd77a1b5971af0ece108bd") "\r\n",
		"PUT /examplebucket/chunkObject.txt HTTP/1.1\r\nHost: s3.amazonaws.com\r\n" DATED
		"x-amz-storage-class: REDUCED_REDUNDANCY\r\n"
		"x-amz-content-sha256: STREAMING-AWS4-HMAC-SHA256-PAYLOAD\r\n"
		"Content-Encoding: aws-chunked\r\nx-amz-decoded-content-length: 66560\r\n"
		"Content-Length: 66824\r\n" AUTH(
		    "content-encoding;content-length;host;x-amz-content-sha256;x-amz-date;"
		    "x-amz-decoded-content-length;x-amz-storage-class",
		    "4f232c4386841ef735655705268965c44a0e4690baa4adea153f7db9fa80a0a9") "\r\n",
	};
	struct ffs_vouch *w = ffs_vouch_new(&ours);
	struct ffs_head h;
	size_t i;

	for (i = 0; w && i < COUNT(v); i++) {
		take_apart(&h, v[i]);
		CHECK(!ffs_vouch_check(w, &h, T0), "%zu: %d", i, ffs_vouch_check(w, &h, T0));
		CHECK(ffs_vouch_read(w, &h, T0) == -EINVAL, "%zu", i);
		CHECK(ffs_vouch_check(w, &h, T0 + 901) == -ETIME, "%zu", i);
	}
	ffs_vouch_free(w);
}

static struct ffs_flight_who
who_of(const char *text, bool proven)
{
	struct ffs_flight_who who;
	struct ffs_head h;

	take_apart(&h, text);
	ffs_vouch_who(&who, &h, proven);
	return who;
}

static void
check_who(void)
{
	const char *presigned = "GET " PRESIGNED " HTTP/1.1\r\n" HOST "\r\n";
	struct ffs_flight_who a = who_of(presigned, false), b = who_of(presigned, false);

	CHECK(a.kind == FFS_FLIGHT_PRESIGNED && !strcmp(a.request, b.request));
	/* A store may let in by those. */
	b = who_of("GET /b/k HTTP/1.1\r\n" HOST "Referer: http://a/\r\n\r\n", false);
	CHECK(b.kind == FFS_FLIGHT_PRESIGNED && strcmp(a.request, b.request));
	b = who_of("GET " PRESIGNED "&x=y HTTP/1.1\r\n" HOST "\r\n", false);
	CHECK(b.kind == FFS_FLIGHT_PRESIGNED && strcmp(a.request, b.request));
	b = who_of(
	    "GET /b/k?AWSAccessKeyId=a&Expires=1&Signature=x HTTP/1.1\r\n" HOST "\r\n", false);
	CHECK(b.kind == FFS_FLIGHT_PRESIGNED);
	CHECK(who_of(presigned, true).kind == FFS_FLIGHT_PROVEN);
	CHECK(who_of(table[0].text, true).kind == FFS_FLIGHT_PROVEN);
	CHECK(who_of(table[0].text, false).kind == FFS_FLIGHT_NOBODY);
	CHECK(who_of("GET /b/k HTTP/1.1\r\n" HOST "\r\n", false).kind == FFS_FLIGHT_ANONYMOUS);
	CHECK(who_of("GET /b/k?Signature= HTTP/1.1\r\n" HOST "\r\n", false).kind ==
	      FFS_FLIGHT_ANONYMOUS);
	CHECK(who_of("GET /b/k HTTP/1.1\r\n" HOST "Cookie: a=b\r\n\r\n", false).kind ==
	      FFS_FLIGHT_NOBODY);
	CHECK(who_of("GET /b/k HTTP/1.1\r\n" HOST "AUTHORIZATION: Bearer x\r\n\r\n", false).kind ==
	      FFS_FLIGHT_NOBODY);
}

int
main(void)
{
	check_table();
	check_credentials();
	check_writes();
	check_who();
	return failed;
}
