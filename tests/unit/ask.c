/* What a request is for the cache: which are reads, of what, and which merely pass. */
#include "common/gate/ask.h"

#include "tests/unit/check.h"
#include "tests/unit/headtest.h"

static const char *const hosts[] = { "127.0.0.1:9009", "store.lan:9000", "lan", NULL };

/* The request line (without the version) and Host; the kind, and BUCKET/KEY. */
static const struct {
	const char *line, *host;
	enum ffs_ask_kind kind;
	const char *name;
} lines[] = {
	{ "GET /b/k", "127.0.0.1:9000", FFS_ASK_READ, "b|k" },
	{ "HEAD /b/k", "127.0.0.1", FFS_ASK_HEAD, "b|k" },
	{ "GET /b/a/b/c.csv", "[::1]:9000", FFS_ASK_READ, "b|a/b/c.csv" },
	{ "GET /b/k", "localhost:9000", FFS_ASK_READ, "b|k" },
	{ "GET /b/k", "STORE.lan:1", FFS_ASK_READ, "b|k" },
	{ "GET /b/k", "lan", FFS_ASK_READ, "b|k" },
	{ "GET /b/k", "lan.", FFS_ASK_READ, "b|k" },
	/* by host: the longest of the store's names counts */
	{ "GET /k", "b.store.lan:9000", FFS_ASK_READ, "b|k" },
	{ "GET /a/k", "B.x.Store.Lan", FFS_ASK_READ, "b.x|a/k" },
	{ "GET /k", "other.lan", FFS_ASK_READ, "other|k" },
	{ "GET /k", "b.localhost:9000", FFS_ASK_READ, "b|k" },
	{ "GET /k", "xlan", FFS_ASK_OTHER, NULL },
	{ "GET /k", ".lan", FFS_ASK_OTHER, NULL },
	{ "GET /b/k", "b.127.0.0.1", FFS_ASK_OTHER, NULL },
	{ "GET /b/k", "elsewhere.example", FFS_ASK_OTHER, NULL },
	/* names */
	{ "GET /b/a%20b%2Bc+d", "[::1]", FFS_ASK_READ, "b|a b+c+d" },
	{ "GET /b/%7e%7E~", "localhost", FFS_ASK_READ, "b|~~~" },
	{ "GET /b/%c3%a4/%FF", "localhost", FFS_ASK_READ, "b|\xc3\xa4/\xff" },
	{ "GET /b//k", "localhost", FFS_ASK_READ, "b|/k" },
	{ "GET /b/../k/./", "localhost", FFS_ASK_READ, "b|../k/./" },
	{ "GET /b/a%2fb", "localhost", FFS_ASK_READ, "b|a/b" },
	{ "GET /b%2Fk", "localhost", FFS_ASK_OTHER, NULL },
	{ "PUT /b%2Fk", "localhost", FFS_ASK_WRITE, "b|k" },
	{ "GET /b/%3F%23%25", "localhost", FFS_ASK_READ, "b|?#%" },
	{ "GET /b/%", "localhost", FFS_ASK_OTHER, NULL },
	{ "GET /b/%4", "localhost", FFS_ASK_OTHER, NULL },
	{ "GET /b/%zz", "localhost", FFS_ASK_OTHER, NULL },
	{ "GET /b/a%00b", "localhost", FFS_ASK_OTHER, NULL },
	{ "GET /b", "localhost", FFS_ASK_OTHER, NULL },
	{ "GET /b/", "localhost", FFS_ASK_OTHER, NULL },
	{ "GET /", "localhost", FFS_ASK_OTHER, NULL },
	{ "GET //k", "localhost", FFS_ASK_OTHER, NULL },
	{ "GET /", "b.lan", FFS_ASK_OTHER, NULL },
	{ "GET http://lan/b/k", "lan", FFS_ASK_OTHER, NULL },
	{ "GET /b/k#x", "lan", FFS_ASK_OTHER, NULL },
	/* queries */
	{ "GET /b/k?", "lan", FFS_ASK_READ, "b|k" },
	{ "GET /b/k?x-id=GetObject", "lan", FFS_ASK_READ, "b|k" },
	{ "GET /b/k?X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=a%2F20260101&"
	  "X-Amz-Date=20260101T000000Z&X-Amz-Expires=60&X-Amz-SignedHeaders=host&"
	  "X-Amz-Signature=0&X-Amz-Security-Token=t&x-id=GetObject",
	    "lan", FFS_ASK_READ, "b|k" },
	{ "GET /b/k?versionId=1", "lan", FFS_ASK_OTHER, NULL },
	{ "GET /b/k?versionId=null&x-id=GetObject", "lan", FFS_ASK_OTHER, NULL },
	{ "GET /b/k?partNumber=1", "lan", FFS_ASK_OTHER, NULL },
	{ "HEAD /b/k?partNumber=1", "lan", FFS_ASK_OTHER, NULL },
	{ "GET /b/k?response-content-type=a", "lan", FFS_ASK_OTHER, NULL },
	{ "GET /b/k?acl", "lan", FFS_ASK_OTHER, NULL },
	{ "GET /b/k?=", "lan", FFS_ASK_OTHER, NULL },
	{ "GET /b/k?x-amz-checksum-mode=ENABLED", "lan", FFS_ASK_OTHER, NULL },
	{ "GET /b/k?x-amz-signature=0", "lan", FFS_ASK_OTHER, NULL },
	/* writes */
	{ "PUT /b/k", "lan", FFS_ASK_WRITE, "b|k" },
	{ "PUT /k", "b.lan", FFS_ASK_WRITE, "b|k" },
	{ "DELETE /b/k", "lan", FFS_ASK_WRITE, "b|k" },
	{ "DELETE /b/k?versionId=2", "lan", FFS_ASK_WRITE, "b|k" },
	{ "PUT /b/k?tagging", "lan", FFS_ASK_WRITE, "b|k" },
	{ "PUT /b/k?x-id=CopyObject", "lan", FFS_ASK_WRITE, "b|k" },
	{ "POST /b/k?uploadId=1", "lan", FFS_ASK_WRITE, "b|k" },
	{ "PATCH /b/k", "lan", FFS_ASK_WRITE, "b|k" },
	{ "POST /b/k?uploads", "lan", FFS_ASK_OTHER, NULL },
	{ "PUT /b/k?partNumber=1&uploadId=1", "lan", FFS_ASK_OTHER, NULL },
	{ "DELETE /b/k?uploadId=1", "lan", FFS_ASK_OTHER, NULL },
	{ "POST /b/k?select&select-type=2", "lan", FFS_ASK_OTHER, NULL },
	{ "OPTIONS /b/k", "lan", FFS_ASK_OTHER, NULL },
	{ "POST /b?delete", "lan", FFS_ASK_WRITE_BUCKET, "b|" },
	{ "POST /b/?delete=&x-id=DeleteObjects", "lan", FFS_ASK_WRITE_BUCKET, "b|" },
	{ "POST /?delete", "b.lan", FFS_ASK_WRITE_BUCKET, "b|" },
	{ "POST /b", "lan", FFS_ASK_WRITE_BUCKET, "b|" },
	{ "DELETE /b", "lan", FFS_ASK_WRITE_BUCKET, "b|" },
	{ "PUT /b", "lan", FFS_ASK_OTHER, NULL },
	{ "PUT /b?policy", "lan", FFS_ASK_OTHER, NULL },
};

/* What a write may be of, in any reading: "BUCKET|KEY" each, no key for all of a bucket; "..."
 * where there may be others. */
static const struct {
	const char *line, *fields, *names;
} writes[] = {
	{ "GET /b/k", "Host: lan\n", "" },
	{ "PUT /b/k", "Host: 127.0.0.1:9009\n", "b|k" },
	{ "PUT /b/k", "Host: localhost:9009\n", "b|k" },
	{ "PUT /b/k", "Host: [::1]:9009\n", "b|k" },
	{ "PUT http://127.0.0.1/b/k?x", "Host: 127.0.0.1\n", "b|k" },
	{ "PUT HTTPS://lan/b/%6b", "Host: lan\n", "b|k" },
	{ "DELETE /b/k", "Host: elsewhere\n", "b|k" },
	/* a bucket in the host, whatever the store is called */
	{ "PUT /k/l", "Host: B.lan:80\n", "k|l b|k/l" },
	{ "PUT /k", "Host: b.c.Example.com.\n", "b|k b.c|k b.c.example|k" },
	{ "PUT http://b.lan/k", "Host: b.lan\n", "b|k" },
	{ "POST /?delete", "Host: b.lan\n", "b|" },
	/* keys in the body */
	{ "POST /b?%64elete", "Host: lan\n", "b|" },
	{ "POST /b/?delete&x", "Host: lan\n", "b|" },
	{ "POST /b?anything", "Host: lan\n", "b|" },
	{ "POST /b//?delete", "Host: lan\n", "b|/ b|" },
	{ "PUT /b/x.tar", "Host: lan\nX-Amz-Meta-Snowball-Auto-Extract: true\n", "b|" },
	/* MinIO's, of all that begins like that */
	{ "DELETE /b/d/", "Host: lan\nX-Minio-Force-Delete: true\n", "b|" },
	/* elsewhere */
	{ "PUT /b/new?renameObject", "Host: lan\n", "b|" },
	{ "PUT /b/new", "Host: lan\nx-amz-rename-source: /b/old\n", "b|" },
	{ "PUT /b/k", "Host: lan\nx-amz-copy-source: /c/l\n", "b|k" },
	{ "PATCH /b/k", "Host: lan\n", "b|k ..." },
	{ "MOVE /b/k", "Host: lan\nDestination: /b/l\n", "b|k ..." },
	/* about an object */
	{ "PUT /b/k?tagging", "Host: lan\n", "b|k" },
	{ "PUT /b/k?acl", "Host: lan\n", "b|k" },
	{ "PUT /b/k?legal-hold", "Host: lan\n", "b|k" },
	{ "PUT /b/k?retention&x-id=PutObjectRetention", "Host: lan\n", "b|k" },
	{ "DELETE /b/k?tagging", "Host: lan\n", "b|k" },
	{ "POST /b/k?restore", "Host: lan\n", "b|k" },
	{ "POST /b/k?uploadId=1", "Host: lan\n", "b|k" },
	/* parts of an upload change nothing, if nobody can read it as more than that */
	{ "PUT /b/k?partNumber=1&uploadId=1&x-id=UploadPart", "Host: lan\n", "" },
	{ "PUT /b/k?uploadId=1&X-Amz-Signature=0&partNumber=1", "Host: lan\n", "" },
	{ "POST /b/k?uploads=", "Host: lan\n", "" },
	{ "POST /b/k?select&select-type=2", "Host: lan\n", "" },
	{ "DELETE /b/k?uploadId=1", "Host: lan\n", "" },
	{ "PUT /b/k?partNumber=1", "Host: lan\n", "b|k" },
	{ "PUT /b/k?partNumber=1&uploadId=", "Host: lan\n", "b|k" },
	{ "PUT /b/k?partNumber=1&uploadId=1&tagging", "Host: lan\n", "b|k" },
	{ "PUT /b/k?%70artNumber=1&uploadId=1", "Host: lan\n", "b|k" },
	{ "POST /b/k?uploads&uploadId=1", "Host: lan\n", "b|k" },
	{ "DELETE /b/k?uploadId", "Host: lan\n", "b|k" },
	/* odd paths: as they are, and as a tidy store has them */
	{ "PUT //b/k", "Host: lan\n", "b|k" },
	{ "PUT /b//k/", "Host: lan\n", "b|/k/ b|k/" },
	{ "PUT /b/./k", "Host: lan\n", "b|./k b|k" },
	{ "PUT /b/x/%2e%2e/k", "Host: lan\n", "b|x/../k b|k" },
	{ "PUT /b/../c/k", "Host: lan\n", "b|../c/k c|k" },
	{ "PUT /../../b/k", "Host: lan\n", "..|../b/k b|k" },
	{ "PUT /b%2Fk", "Host: lan\n", "b|k" },
	{ "PUT /b/k%", "Host: lan\n", "b|" },
	{ "PUT /b/k%00", "Host: lan\n", "b|" },
	{ "PUT /b/k#x", "Host: lan\n", "b|" },
	{ "PUT /%zz/k", "Host: c.lan\n", "c|" },
	{ "PUT /b", "Host: lan\n", "" },
	{ "PUT /b?policy", "Host: lan\n", "" },
	{ "OPTIONS *", "Host: lan\n", "" },
	{ "PUT /k", "Host: a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a\n",
	    "a|k a.a|k a.a.a|k a.a.a.a|k a.a.a.a.a|k a.a.a.a.a.a|k a.a.a.a.a.a.a|k "
	    "a.a.a.a.a.a.a.a|k a.a.a.a.a.a.a.a.a|k a.a.a.a.a.a.a.a.a.a|k a.a.a.a.a.a.a.a.a.a.a|k "
	    "a.a.a.a.a.a.a.a.a.a.a.a|k a.a.a.a.a.a.a.a.a.a.a.a.a|k a.a.a.a.a.a.a.a.a.a.a.a.a.a|k "
	    "a.a.a.a.a.a.a.a.a.a.a.a.a.a.a|k a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a|k ..." },
};

static void
check_writes(void)
{
	char text[2048], got[4096];
	const struct ffs_written *w;
	struct ffs_ask a;
	size_t i, at;
	unsigned k;

	for (i = 0; i < COUNT(writes); i++) {
		snprintf(text, sizeof(text), "%s HTTP/1.1\n%s", writes[i].line, writes[i].fields);
		CHECK(!ffs_ask_parse(&a, request_of(text), hosts));
		w = &a.written;
		got[0] = '\0';
		for (k = 0, at = 0; k < w->n; k++)
			at += (size_t)snprintf(got + at, sizeof(got) - at, "%s%s|%s", k ? " " : "",
			    w->v[k].bucket, w->v[k].key ? w->v[k].key : "");
		if (w->more)
			snprintf(got + at, sizeof(got) - at, " ...");
		CHECK(!strcmp(got, writes[i].names), "%s %s: %s", writes[i].line, writes[i].fields,
		    got);
		ffs_ask_release(&a);
	}
	/* Who names no host. */
	CHECK(!ffs_ask_parse(&a, request_of("PUT /b/k HTTP/1.0\n"), hosts));
	CHECK(a.kind == FFS_ASK_WRITE && a.written.n == 1 && !strcmp(a.written.v[0].key, "k"));
	ffs_ask_release(&a);
}

/* Of what path is a read that --max-age may answer: one that no store reads as another. */
static void
check_tidy(void)
{
	static const char *const tidy[] = { "/b/k", "/b/k/l", "/b/k%2fl", "/b/..k", "/b/k.",
		"/b/k/" },
				 *const untidy[] = { "/b//k", "/b/k//l", "/b/./k", "/b/x/%2e%2E/k",
					 "/b/k%2f%2fl", "/b/k//" };
	char text[256];
	struct ffs_ask a;
	size_t i;

	for (i = 0; i < COUNT(tidy) + COUNT(untidy); i++) {
		snprintf(text, sizeof(text), "GET %s HTTP/1.1\nHost: lan\n",
		    i < COUNT(tidy) ? tidy[i] : untidy[i - COUNT(tidy)]);
		CHECK(!ffs_ask_parse(&a, request_of(text), hosts));
		CHECK(a.kind == FFS_ASK_READ && a.plain == (i < COUNT(tidy)), "%s", text);
		ffs_ask_release(&a);
	}
}

static void
check_lines(void)
{
	char text[1024], name[1024];
	struct ffs_ask a;
	size_t i;

	for (i = 0; i < COUNT(lines); i++) {
		snprintf(
		    text, sizeof(text), "%s HTTP/1.1\nHost: %s\n", lines[i].line, lines[i].host);
		CHECK(!ffs_ask_parse(&a, request_of(text), hosts));
		CHECK(
		    a.kind == lines[i].kind, "%s at %s: %d", lines[i].line, lines[i].host, a.kind);
		snprintf(name, sizeof(name), "%s|%s", a.bucket ? a.bucket : "", a.key ? a.key : "");
		CHECK(!strcmp(name, lines[i].name ? lines[i].name : "|"), "%s: %s", lines[i].line,
		    name);
		ffs_ask_release(&a);
	}
}

/* Fields of a GET; '-': it is no read. */
static const struct {
	const char *fields, *want;
} fields[] = {
	{ "", "add anonymous plain" },
	{ "User-Agent: x\nAccept: */*\nAccept-Encoding: identity\namz-sdk-request: attempt=1\n"
	  "amz-sdk-invocation-id: 1\nContent-Length: 0\n",
	    "add anonymous plain" },
	{ "Authorization: AWS4-HMAC-SHA256 Credential=a, SignedHeaders=host;x-amz-date, "
	  "Signature=0\nX-Amz-Date: 1\nX-Amz-Content-SHA256: UNSIGNED-PAYLOAD\n",
	    "add plain" },
	{ "Authorization: AWS4-HMAC-SHA256 Credential=a, SignedHeaders=host;if-none-match, "
	  "Signature=0\n",
	    "plain" },
	{ "Cookie: a=b\n", "add plain" },
	{ "X-Amz-Expected-Bucket-Owner: 1\n", "add anonymous" },
	{ "x-amz-checksum-mode: ENABLED\n", "checksums add anonymous plain" },
	{ "x-amz-checksum-mode: DISABLED\n", "-" },
	{ "Range: bytes=0-1, 3-4\n", "add anonymous plain range=bytes=0-1, 3-4" },
	{ "Range: bytes=0-1\nIf-Range: \"a\"\n",
	    "add anonymous plain range=bytes=0-1 if_range=\"a\"" },
	{ "Range: bytes=0-1\nRange: bytes=2-3\n", "-" },
	{ "If-Match: \"a\"\n", "conditional if_match add anonymous plain match=\"a\"" },
	{ "If-Match: \"a\"\nIf-None-Match: \"b\"\n",
	    "conditional add anonymous plain match=\"a\"" },
	{ "If-None-Match: *\n", "conditional add anonymous plain" },
	{ "If-Modified-Since: x\n", "conditional add anonymous plain" },
	{ "If-Unmodified-Since: x\n", "conditional add anonymous plain" },
	{ "Cache-Control: No-Cache\n", "add anonymous no_cache plain" },
	{ "Cache-Control: max-age=0\n", "add anonymous no_cache plain" },
	{ "Cache-Control: no-transform\nPragma: no-cache\n", "add anonymous no_cache plain" },
	{ "Pragma: no-cache\nCache-Control: max-age=5\n", "add anonymous no_cache plain" },
	{ "Origin: http://a\n", "-" },
	{ "x-amz-server-side-encryption-customer-algorithm: AES256\n", "-" },
	{ "x-amz-request-payer: requester\n", "-" },
	{ "X-Minio-Extract: true\n", "-" },
	{ "X-Anything-New: 1\n", "-" },
	{ "Expect: 100-continue\n", "-" },
	{ "Content-Length: 3\n", "-" },
	{ "Transfer-Encoding: chunked\n", "-" },
	{ "Cache-Control: a\nCache-Control: no-cache\n", "-" },
};

static void
check_fields(void)
{
	char text[2048], got[1024];
	struct ffs_ask a;
	size_t i;

	for (i = 0; i < COUNT(fields); i++) {
		snprintf(text, sizeof(text), "GET /b/k HTTP/1.1\nHost: lan\n%s", fields[i].fields);
		CHECK(!ffs_ask_parse(&a, request_of(text), hosts));
		snprintf(got, sizeof(got), "%s%s%s%s%s%s%s%s%s%s%s%s%s",
		    a.checksums ? " checksums" : "", a.conditional ? " conditional" : "",
		    a.if_match ? " if_match" : "", a.may_add ? " add" : "",
		    a.anonymous ? " anonymous" : "", a.no_cache ? " no_cache" : "",
		    a.plain ? " plain" : "", a.range[0] ? " range=" : "", a.range,
		    a.if_range[0] ? " if_range=" : "", a.if_range, a.match[0] ? " match=" : "",
		    a.match);
		if (a.kind == FFS_ASK_OTHER)
			snprintf(got, sizeof(got), " -");
		CHECK(!strcmp(got + 1, fields[i].want), "%s: %s", fields[i].fields, got + 1);
		ffs_ask_release(&a);
	}
}

static void
check_long(void)
{
	static char text[8192], part[4096];
	struct ffs_ask a;
	int n;

	for (n = 1023; n <= 1025; n++) {
		memset(part, 'k', sizeof(part));
		snprintf(text, sizeof(text), "GET /b/%.*s HTTP/1.1\nHost: lan\n", n, part);
		CHECK(!ffs_ask_parse(&a, request_of(text), hosts));
		CHECK((a.kind == FFS_ASK_READ) == (n <= 1024), "%d", n);
		ffs_ask_release(&a);
	}
	for (n = 254; n <= 257; n++) {
		snprintf(text, sizeof(text), "GET /%.*s/k HTTP/1.1\nHost: lan\n", n, part);
		CHECK(!ffs_ask_parse(&a, request_of(text), hosts));
		CHECK((a.kind == FFS_ASK_READ) == (n <= 255), "%d", n);
		ffs_ask_release(&a);
		snprintf(
		    text, sizeof(text), "GET /b/k HTTP/1.1\nHost: lan\nRange: %.*s\n", n, part);
		CHECK(!ffs_ask_parse(&a, request_of(text), hosts));
		CHECK((a.kind == FFS_ASK_READ) == (n <= 255), "%d", n);
		ffs_ask_release(&a);
	}
	/* Signed by its query. */
	CHECK(!ffs_ask_parse(&a,
	    request_of("GET /b/k?X-Amz-SignedHeaders=host%3Bif-none-match HTTP/1.1\nHost: lan\n"),
	    hosts));
	CHECK(a.kind == FFS_ASK_READ && !a.may_add && !a.anonymous);
	ffs_ask_release(&a);
}

int
main(void)
{
	check_lines();
	check_writes();
	check_tidy();
	check_fields();
	check_long();
	return failed;
}
