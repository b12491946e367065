/*
 * What is signed anew is what its client would have signed for the other name, byte for byte; and
 * who is not.
 */
#include "common/gate/resign.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "tests/unit/check.h"
#include "tests/unit/headtest.h"
#include "tests/unit/resigntest.h"

#define OURS "127.0.0.1:9009"
#define URL "http://store.example:9000"
#define STORE "store.example:9000"

static struct ffs_endpoint ep = { .url = (char *)(size_t)URL,
	.access_key = (char *)(size_t)RESIGN_KEY,
	.secret_key = (char *)(size_t)RESIGN_SECRET };

/* What comes of a head, at a time; to release. */
static int
again(const char *text, time_t now, struct ffs_buf *out)
{
	struct ffs_vouch *v = ffs_vouch_new(&ep);
	struct ffs_resign *r;
	struct ffs_head h;
	char *why = NULL;
	int rc = v ? ffs_resign_new(&r, v, &ep, true, &why) : -ENOMEM, n;

	n = ffs_head_request(&h, text, strlen(text));
	CHECK(!rc && n == (int)strlen(text), "%d %d: %s", rc, n, text);
	if (!rc && n > 0)
		rc = ffs_resign_head(r, out, &h, now);
	if (v && !rc) {
		/* And whoever checks that finds it right. */
		CHECK(ffs_head_request(&h, out->p, out->len) == (int)out->len, "%s", out->p);
		CHECK(!ffs_vouch_check(v, &h, now), "%s", out->p);
		CHECK(ffs_resign_head(r, out, &h, now) == -EALREADY);
	}
	ffs_resign_free(v ? r : NULL);
	ffs_vouch_free(v);
	return rc;
}

static const char *const requests[] = {
	"GET / HTTP/1.1\nHost: x\n",
	"GET /b/k HTTP/1.1\nHost: x\nRange: bytes=0-9\n",
	"HEAD /b/a%20b%2Bc%2Fd+e/.././/%c3%BC~%7e HTTP/1.1\nHost: x\n",
	"GET //b//k?x-id=GetObject HTTP/1.0\nHost: x\n",
	"GET /b?list-type=2&prefix=a%20b%2F%2B+c&delimiter=/&marker&start-after=%FF "
	"HTTP/1.1\nHost: x\n",
	"GET /b/k?partNumber=1&=&&a=b=c&X-Amz-Signatura=1&X-Amz-Signature2=2 HTTP/1.1\nHost: x\n",
	"PUT /b/k HTTP/1.1\nHost: x\nContent-Length: 5\nContent-Type: text/x;  a=b\nExpect: "
	"100-continue\n"
	"x-amz-meta-Signature: Signature=0123, X\nx-amz-meta-host: h\nX-Amz-Trailer: x-amz-sum\n",
	"POST /b?delete HTTP/1.1\nHost: x\nTransfer-Encoding: chunked\nx-amz-acl: private\nCookie: "
	"a=b\n",
	"DELETE /b/k?X-Amz-Acl=x HTTP/1.1\nHost: x\nIf-Match: \"e\"\nx-amz-meta-e:\n",
};

static void
check_same(void)
{
	struct ffs_buf ours = FFS_BUF_INIT, theirs = FFS_BUF_INIT, got = FFS_BUF_INIT;
	static const char *const hosts[] = { OURS, "[::1]:9009", "localhost:1", "LocalHost",
		"10.0.0.1", "store.example", "store.example:9009" };
	size_t i, k;
	int how, rc;

	for (i = 0; i < COUNT(requests); i++)
		for (k = 0; k < COUNT(hosts); k++)
			for (how = 0; how < RESIGN_HOWS; how++) {
				rc = resign_head(
				    &ours, request_of(requests[i]), hosts[k], (enum resign_how)how);
				rc |= resign_head(
				    &theirs, request_of(requests[i]), STORE, (enum resign_how)how);
				CHECK(!rc, "%zu", i);
				rc = again(ours.p, RESIGN_T0 + 50, &got);
				CHECK(!rc && !strcmp(got.p, theirs.p), "%d of\n%s is\n%s, not\n%s",
				    rc, ours.p, got.p, theirs.p);
				ffs_buf_reset(&ours);
				ffs_buf_reset(&theirs);
				ffs_buf_reset(&got);
			}
	ffs_buf_release(&ours);
	ffs_buf_release(&theirs);
	ffs_buf_release(&got);
}

/* One that is signed for host, with from changed into to. */
static int
changed(const char *request, const char *host, enum resign_how how, const char *from,
    const char *to, time_t at)
{
	struct ffs_buf b = FFS_BUF_INIT, text = FFS_BUF_INIT, got = FFS_BUF_INIT;
	char *p;
	int rc = resign_head(&b, request_of(request), host, how);

	p = rc ? NULL : strstr(b.p, from);
	CHECK(p, "%s", from);
	if (p) {
		ffs_buf_add(&text, b.p, (size_t)(p - b.p));
		ffs_buf_adds(&text, to);
		ffs_buf_adds(&text, p + strlen(from));
		rc = again(text.p, RESIGN_T0 + at, &got);
		CHECK(rc || got.len, "an empty head");
		CHECK(!rc || !got.len, "%d, but %s", rc, got.p);
	}
	ffs_buf_release(&b);
	ffs_buf_release(&text);
	ffs_buf_release(&got);
	return rc;
}

#define READ "GET /b/k?x=y HTTP/1.1\nHost: x\n"
#define CHANGED(...) changed(READ, OURS, __VA_ARGS__)

static void
check_others(void)
{
	/* Another request than that which was signed. */
	CHECK(CHANGED(RESIGN_LAST, "/b/k", "/b/l", 0) == -EACCES);
	CHECK(CHANGED(RESIGN_QUERY, "/b/k", "/b/l", 0) == -EACCES);
	CHECK(CHANGED(RESIGN_LAST, "GET", "PUT", 0) == -EACCES);
	CHECK(CHANGED(RESIGN_FIRST, "9009", "9000", 0) == -EACCES, "signed for another gateway");
	CHECK(CHANGED(RESIGN_QUERY, "x=y", "x=z", 0) == -EACCES);
	CHECK(CHANGED(RESIGN_LAST, "TRAILER", "TRAILEr", 0) == -EACCES);
	CHECK(CHANGED(RESIGN_LAST, "\r\nx-amz-date", "\r\nx-amz-acl: public\r\nx-amz-date", 0) ==
	      -EINVAL);
	CHECK(CHANGED(RESIGN_QUERY, "\r\n\r\n", "\r\nx-amz-acl: public\r\n\r\n", 0) == -EINVAL);
	/* Another's, or nobody's. */
	CHECK(CHANGED(RESIGN_LAST, RESIGN_KEY, "AKIA", 0) == -ENOKEY);
	CHECK(CHANGED(RESIGN_QUERY, RESIGN_KEY, "AKIA", 0) == -ENOKEY);
	CHECK(CHANGED(RESIGN_LAST, "AWS4-HMAC-SHA256", "AWS4-ECDSA-P256-SHA256", 0) == -EOPNOTSUPP);
	CHECK(CHANGED(RESIGN_LAST, "Authorization", "Authorisation", 0) == -ENOENT);
	CHECK(
	    CHANGED(RESIGN_LAST, "\r\n\r\n", "\r\nx-amz-security-token: t\r\n\r\n", 0) == -ENOKEY);
	CHECK(CHANGED(RESIGN_QUERY, "x=y", "x=y&X-Amz-Security-Token=t", 0) == -ENOKEY);
	/* Two readings. */
	CHECK(CHANGED(RESIGN_LAST, "\r\n\r\n", "\r\nAuthorization: x\r\n\r\n", 0) == -EINVAL);
	CHECK(CHANGED(RESIGN_QUERY, "x=y", "x=y&X-Amz-Signature=0", 0) == -EINVAL);
	CHECK(CHANGED(RESIGN_QUERY, "\r\n\r\n", "\r\nAuthorization: x\r\n\r\n", 0) == -EINVAL);
	/* Time. */
	CHECK(!CHANGED(RESIGN_LAST, "GET", "GET", 900));
	CHECK(CHANGED(RESIGN_LAST, "GET", "GET", 901) == -ETIME);
	CHECK(CHANGED(RESIGN_FIRST, "GET", "GET", -901) == -ETIME);
	CHECK(!CHANGED(RESIGN_QUERY, "GET", "GET", 60));
	CHECK(CHANGED(RESIGN_QUERY, "GET", "GET", 61) == -EKEYEXPIRED);
	/* What is not signed may come beside it, and an encoded signature is one. */
	CHECK(!CHANGED(RESIGN_LAST, "\r\n\r\n", "\r\nRange: bytes=0-1\r\nRange: b\r\n\r\n", 0));
	CHECK(!CHANGED(RESIGN_QUERY, "x=y", "x=%79", 0));
}

/* Names that may be a bucket's, or are the store's already. */
static void
check_hosts(void)
{
	static const char *const foreign[] = { "b.localhost:9009", "b.store.example:9000",
		"gateway.example:9009", "store", "s3.amazonaws.com", "localhost.example" };
	size_t i;
	int rc;

	for (i = 0; i < COUNT(foreign); i++) {
		rc = changed(READ, foreign[i], RESIGN_LAST, "GET", "GET", 0);
		CHECK(rc == -EXDEV, "%s: %d", foreign[i], rc);
	}
	CHECK(changed(READ, STORE, RESIGN_LAST, "GET", "GET", 0) == -EALREADY);
	CHECK(changed(READ, "Store.Example:9000", RESIGN_LAST, "GET", "GET", 0) == -EALREADY);
}

/* The documentation's chunks: each signature is over the one before. */
static void
check_chunks(void)
{
	static const char *const payloads[] = { "STREAMING-AWS4-HMAC-SHA256-PAYLOAD",
		"STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER" };
	struct ffs_sigv4_field fields[] = { { "host", OURS }, { "x-amz-date", "20130524T000000Z" },
		{ "x-amz-content-sha256", NULL } };
	struct ffs_sigv4_request r = { "PUT", "/b/k", NULL, fields, 3, NULL };
	struct ffs_sigv4_scope s = {
		.access_key = RESIGN_KEY, .secret_key = RESIGN_SECRET, .region = "us-east-1"
	};
	struct ffs_buf b = FFS_BUF_INIT, got = FFS_BUF_INIT;
	size_t i;

	for (i = 0; i < COUNT(payloads); i++) {
		fields[2].value = r.payload = payloads[i];
		ffs_buf_addf(&b,
		    "PUT /b/k HTTP/1.1\r\nHost: " OURS "\r\nx-amz-date: 20130524T000000Z\r\n"
		    "x-amz-content-sha256: %s\r\nAuthorization: ",
		    payloads[i]);
		CHECK(!ffs_sigv4_authorize(&b, &r, &s, RESIGN_T0));
		ffs_buf_adds(&b, "\r\n\r\n");
		CHECK(again(b.p, RESIGN_T0, &got) == -ENOSYS && !got.len, "%s", b.p);
		ffs_buf_reset(&b);
	}
	ffs_buf_release(&b);
	ffs_buf_release(&got);
}

/* For whom it is done at all. */
static void
check_asked(void)
{
	struct ffs_endpoint aws = ep, nobody = ep;
	struct ffs_resign *r;
	char *why = NULL;

	CHECK(!ffs_resign_new(&r, NULL, &ep, false, &why) && !r);
	aws.aws = true;
	CHECK(!ffs_resign_new(&r, NULL, &aws, false, &why) && r);
	ffs_resign_free(r);
	nobody.secret_key = NULL;
	CHECK(!ffs_resign_new(&r, NULL, &nobody, false, &why) && !r);
	nobody.aws = true;
	CHECK(!ffs_resign_new(&r, NULL, &nobody, false, &why) && !r && !why);
	CHECK(ffs_resign_new(&r, NULL, &nobody, true, &why) == -EPERM && !r && why);
	free(why);
}

int
main(void)
{
	check_same();
	check_others();
	check_hosts();
	check_chunks();
	check_asked();
	return failed;
}
