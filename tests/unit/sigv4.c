/*
 * Signature V4 against the examples of the S3 documentation, and, where they
 * are at hand, the published vectors of aws-c-auth.
 * https://docs.aws.amazon.com/AmazonS3/latest/API/sig-v4-header-based-auth.html
 */
#include "common/s3/sigv4.h"

#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tests/unit/check.h"

#define T0 1369353600 /* 2013-05-24T00:00:00Z */
#define DATE "20130524T000000Z"

static const struct ffs_sigv4_scope doc = { .access_key = "AKIAIOSFODNN7EXAMPLE",
	.secret_key = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY",
	.region = "us-east-1" };

static const struct {
	const char *method, *path, *query;
	struct ffs_sigv4_field fields[8];
	const char *payload, *signature;
} doc_examples[] = {
	{ "GET", "/test.txt", NULL,
	    { { "Host", "examplebucket.s3.amazonaws.com" }, { "Range", "bytes=0-9" },
		{ "x-amz-content-sha256", FFS_SIGV4_EMPTY }, { "x-amz-date", DATE } },
	    FFS_SIGV4_EMPTY, "f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41" },
	{ "PUT", "/test%24file.text", "",
	    { { "Date", "Fri, 24 May 2013 00:00:00 GMT" },
		{ "Host", "examplebucket.s3.amazonaws.com" }, { "x-amz-date", DATE },
		{ "x-amz-storage-class", "REDUCED_REDUNDANCY" },
		{ "x-amz-content-sha256",
		    "44ce7dd67c959e0d3524ffac1771dfbba87d2b6b4b4e99e42034a8b803f8b072" } },
	    "44ce7dd67c959e0d3524ffac1771dfbba87d2b6b4b4e99e42034a8b803f8b072",
	    "98ad721746da40c64f1a55b78f14c238d841ea1380cd77a1b5971af0ece108bd" },
	{ "GET", "/", "lifecycle",
	    { { "Host", "examplebucket.s3.amazonaws.com" }, { "x-amz-date", DATE },
		{ "x-amz-content-sha256", FFS_SIGV4_EMPTY } },
	    FFS_SIGV4_EMPTY, "fea454ca298b7da1c68078a5d1bdbfbbe0d65c699e0f91ac7a200a0136783543" },
	{ "GET", "/", "prefix=J&max-keys=2",
	    { { "Host", "examplebucket.s3.amazonaws.com" }, { "x-amz-date", DATE },
		{ "x-amz-content-sha256", FFS_SIGV4_EMPTY } },
	    FFS_SIGV4_EMPTY, "34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7" },
	{ "PUT", "/examplebucket/chunkObject.txt", NULL,
	    { { "Host", "s3.amazonaws.com" }, { "x-amz-date", DATE },
		{ "x-amz-storage-class", "REDUCED_REDUNDANCY" },
		{ "x-amz-content-sha256", "STREAMING-AWS4-HMAC-SHA256-PAYLOAD" },
		{ "Content-Encoding", "aws-chunked" }, { "x-amz-decoded-content-length", "66560" },
		{ "Content-Length", "66824" } },
	    "STREAMING-AWS4-HMAC-SHA256-PAYLOAD",
	    "4f232c4386841ef735655705268965c44a0e4690baa4adea153f7db9fa80a0a9" },
};

static size_t
count_fields(const struct ffs_sigv4_field *f, size_t max)
{
	size_t n = 0;

	while (n < max && f[n].name)
		n++;
	return n;
}

/* What the client signs, the server finds and accepts. */
static void
check_doc_example(size_t i)
{
	struct ffs_sigv4_field fields[9];
	struct ffs_sigv4_request r = { .method = doc_examples[i].method,
		.path = doc_examples[i].path,
		.query = doc_examples[i].query,
		.fields = fields,
		.nfields = count_fields(doc_examples[i].fields, 8),
		.payload = doc_examples[i].payload };
	struct ffs_buf auth = FFS_BUF_INIT;
	struct ffs_sigv4_claim c;
	struct ffs_sigv4_scope kept = doc;
	unsigned char key[32];
	int rc;

	memcpy(fields, doc_examples[i].fields, sizeof(doc_examples[i].fields));
	rc = ffs_sigv4_authorize(&auth, &r, &doc, T0);
	CHECK(!rc && strstr(auth.p, doc_examples[i].signature), "%zu: %s", i, auth.p);

	fields[r.nfields++] = (struct ffs_sigv4_field){ "Authorization", auth.p };
	rc = ffs_sigv4_claim_parse(&c, &r);
	CHECK(!rc, "%zu: %d", i, rc);
	CHECK(!strcmp(c.signature, doc_examples[i].signature), "%s", c.signature);
	CHECK(!strcmp(c.access_key, doc.access_key) && !strcmp(c.region, "us-east-1") &&
		  !strcmp(c.service, "s3") && !c.presigned,
	    "%zu", i);
	rc = ffs_sigv4_verify(&c, &r, doc.secret_key, NULL, T0 + 900);
	CHECK(!rc, "%zu: %d", i, rc);
	CHECK(ffs_sigv4_verify(&c, &r, doc.secret_key, NULL, T0 + 901) == -ETIME, "%zu", i);
	CHECK(ffs_sigv4_verify(&c, &r, doc.secret_key, NULL, T0 - 901) == -ETIME, "%zu", i);
	CHECK(ffs_sigv4_verify(&c, &r, "other", NULL, T0) == -EACCES, "%zu", i);

	rc = ffs_sigv4_key(key, &doc, "20130524");
	CHECK(!rc && !ffs_sigv4_verify(&c, &r, "not used", key, T0), "%zu", i);
	kept.signing_key = key;
	kept.secret_key = NULL;
	r.nfields--;
	ffs_buf_reset(&auth);
	rc = ffs_sigv4_authorize(&auth, &r, &kept, T0);
	CHECK(!rc && strstr(auth.p, doc_examples[i].signature), "%zu: %s", i, auth.p);
	ffs_buf_release(&auth);
}

/* Each change to a signed request is noticed. */
static void
check_tampering(void)
{
	struct ffs_sigv4_field fields[5] = { { "Host", "h" }, { "x-amz-date", DATE },
		{ "x-amz-content-sha256", FFS_SIGV4_UNSIGNED } };
	struct ffs_sigv4_request r = { "PUT", "/b/k", "a=1", fields, 3, FFS_SIGV4_UNSIGNED };
	struct ffs_buf auth = FFS_BUF_INIT;
	struct ffs_sigv4_claim c;
	struct ffs_sigv4_request t;

	CHECK(!ffs_sigv4_authorize(&auth, &r, &doc, T0));
	fields[3] = (struct ffs_sigv4_field){ "authorization", auth.p };
	r.nfields = 4;
	CHECK(!ffs_sigv4_claim_parse(&c, &r));
	CHECK(!ffs_sigv4_verify(&c, &r, doc.secret_key, NULL, T0));
	t = r, t.method = "GET";
	CHECK(ffs_sigv4_verify(&c, &t, doc.secret_key, NULL, T0) == -EACCES, "method");
	t = r, t.path = "/b/k2";
	CHECK(ffs_sigv4_verify(&c, &t, doc.secret_key, NULL, T0) == -EACCES, "path");
	t = r, t.path = "/b/%6b";
	CHECK(!ffs_sigv4_verify(&c, &t, doc.secret_key, NULL, T0), "the same path, spelled oddly");
	t = r, t.path = "/b//k";
	CHECK(ffs_sigv4_verify(&c, &t, doc.secret_key, NULL, T0) == -EACCES, "never normalised");
	t = r, t.path = "/b/%4";
	CHECK(ffs_sigv4_verify(&c, &t, doc.secret_key, NULL, T0) == -EINVAL, "broken path");
	t = r, t.query = "a=2";
	CHECK(ffs_sigv4_verify(&c, &t, doc.secret_key, NULL, T0) == -EACCES, "query");
	t = r, t.query = "a=1&X-Amz-Signature=1";
	CHECK(ffs_sigv4_verify(&c, &t, doc.secret_key, NULL, T0) == -EACCES, "added to the query");
	fields[0].value = "h2";
	CHECK(ffs_sigv4_verify(&c, &r, doc.secret_key, NULL, T0) == -EACCES, "host");
	fields[0].value = "h";
	fields[4] = (struct ffs_sigv4_field){ "X-Amz-Acl", "public-read" };
	r.nfields = 5;
	CHECK(ffs_sigv4_verify(&c, &r, doc.secret_key, NULL, T0) == -EINVAL, "an unsigned x-amz");
	fields[4] = (struct ffs_sigv4_field){ "If-None-Match", "\"x\"" };
	CHECK(!ffs_sigv4_verify(&c, &r, doc.secret_key, NULL, T0), "others may be added");
	ffs_buf_release(&auth);
}

static void
check_presign(void)
{
	struct ffs_sigv4_field host = { "host", "examplebucket.s3.amazonaws.com" };
	struct ffs_sigv4_request r = { "GET", "/test.txt", NULL, &host, 1, NULL };
	struct ffs_buf q = FFS_BUF_INIT;
	struct ffs_sigv4_claim c;
	int rc = ffs_sigv4_presign(&q, &r, &doc, T0, 86400);

	CHECK(
	    !rc && strstr(q.p, "aeeed9bbccd4d02ee5c0109b86d86835f995330da4c265957d157751f604d404"),
	    "%s", q.p);
	r.query = q.p;
	rc = ffs_sigv4_claim_parse(&c, &r);
	CHECK(!rc && c.presigned && c.expires == 86400, "%d", rc);
	CHECK(!strcmp(c.payload, FFS_SIGV4_UNSIGNED), "%s", c.payload);
	CHECK(!ffs_sigv4_verify(&c, &r, doc.secret_key, NULL, T0 + 86400));
	CHECK(ffs_sigv4_verify(&c, &r, doc.secret_key, NULL, T0 + 86401) == -EKEYEXPIRED);
	CHECK(ffs_sigv4_verify(&c, &r, doc.secret_key, NULL, T0 - 901) == -ETIME);
	host.value = "other";
	CHECK(ffs_sigv4_verify(&c, &r, doc.secret_key, NULL, T0) == -EACCES);
	CHECK(ffs_sigv4_presign(&q, &r, &doc, T0, 0) == -EINVAL);
	CHECK(ffs_sigv4_presign(&q, &r, &doc, T0, 604801) == -EINVAL);
	ffs_buf_release(&q);
}

static void
check_chunks(void)
{
	static const struct {
		size_t n;
		const char *signature;
	} chunks[] = {
		{ 65536, "ad80c730a21e5b8d04586a2213dd63b9a0e99e0e2307b0ade35a65485a288648" },
		{ 1024, "0055627c9e194cb4542bae2aa5492e3c1575bbb81b612b7d234b86a503ef5497" },
		{ 0, "b6c6ea8a5354eaf15b3cb7646744f4275b71ea724fed81ceb9323e279d449df9" },
	};
	struct ffs_sigv4_claim c = {
		.day = "20130524", .date = DATE, .region = "us-east-1", .service = "s3"
	};
	const char *prev = "4f232c4386841ef735655705268965c44a0e4690baa4adea153f7db9fa80a0a9";
	unsigned char key[32];
	char sig[65], hash[65], *body = malloc(65536);
	size_t i;

	if (!body || ffs_sigv4_key(key, &doc, "20130524"))
		exit(1);
	memset(body, 'a', 65536);
	for (i = 0; i < COUNT(chunks); i++) {
		CHECK(!ffs_sigv4_sha256(hash, body, chunks[i].n));
		CHECK(!ffs_sigv4_chunk(sig, key, &c, "AWS4-HMAC-SHA256-PAYLOAD", prev, hash));
		CHECK(!strcmp(sig, chunks[i].signature), "chunk %zu: %s", i, sig);
		prev = chunks[i].signature;
	}
	free(body);
}

static void
check_trailer(void)
{
	/*
	 * The documentation's example with a trailing checksum: seed, chunks, trailer.
	 * https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-streaming-trailers.html
	 */
	struct ffs_sigv4_claim c = {
		.day = "20130524", .date = DATE, .region = "us-east-1", .service = "s3"
	};
	const char *prev = "2ca2aba2005185cf7159c6277faf83795951dd77a3a99e6e65d5c9f85863f992";
	const char *text = "x-amz-checksum-crc32c:sOO8/Q==\n";
	unsigned char key[32];
	char sig[65], hash[65];

	CHECK(!ffs_sigv4_key(key, &doc, "20130524"));
	CHECK(!ffs_sigv4_sha256(hash, text, strlen(text)));
	CHECK(!ffs_sigv4_chunk(sig, key, &c, "AWS4-HMAC-SHA256-TRAILER", prev, hash));
	CHECK(!strcmp(sig, "d81f82fc3505edab99d459891051a732e8730629a2e4a59689829ca17fe2e435"),
	    "%s", sig);
}

static void
check_claims(void)
{
#define CRED "Credential=AK/20130524/us-east-1/s3/aws4_request"
#define SIG "Signature=f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41"
	static const struct {
		const char *auth, *query;
		int rc;
	} v[] = {
		{ "AWS4-HMAC-SHA256 " CRED ", SignedHeaders=host, " SIG, NULL, 0 },
		{ "AWS4-HMAC-SHA256 " SIG ",SignedHeaders=host;x-amz-date," CRED, "", 0 },
		{ "AWS4-HMAC-SHA256 Credential=A/K/20130524/r/s3/aws4_request, "
		  "SignedHeaders=host, " SIG,
		    NULL, 0 },
		{ NULL, NULL, -ENOENT },
		{ NULL, "x=y&X-Amz-Signature=1", -ENOENT },
		{ "AWS AK:sig", NULL, -EOPNOTSUPP },
		{ "Bearer x", NULL, -EOPNOTSUPP },
		{ "AWS4-ECDSA-P256-SHA256 " CRED ", SignedHeaders=host, " SIG, NULL, -EOPNOTSUPP },
		{ NULL, "AWSAccessKeyId=AK&Expires=1&Signature=x", -EOPNOTSUPP },
		{ NULL, "X-Amz-Algorithm=AWS4-ECDSA-P256-SHA256", -EOPNOTSUPP },
		{ "AWS4-HMAC-SHA256", NULL, -EINVAL },
		{ "AWS4-HMAC-SHA256 " CRED ", " SIG, NULL, -EINVAL },
		{ "AWS4-HMAC-SHA256 " CRED ", " CRED ", SignedHeaders=host, " SIG, NULL, -EINVAL },
		{ "AWS4-HMAC-SHA256 " CRED ", SignedHeaders=;host, " SIG, NULL, -EINVAL },
		{ "AWS4-HMAC-SHA256 " CRED ", SignedHeaders=Host, " SIG, NULL, -EINVAL },
		{ "AWS4-HMAC-SHA256 " CRED ", SignedHeaders=host, Signature=00", NULL, -EINVAL },
		{ "AWS4-HMAC-SHA256 Credential=/20130524/r/s3/aws4_request, "
		  "SignedHeaders=host, " SIG,
		    NULL, -EINVAL },
		{ "AWS4-HMAC-SHA256 Credential=AK/20130525/r/s3/aws4_request, "
		  "SignedHeaders=host, " SIG,
		    NULL, -EINVAL },
		{ "AWS4-HMAC-SHA256 Credential=AK/20130524/r/s3/aws4, SignedHeaders=host, " SIG,
		    NULL, -EINVAL },
		{ "AWS4-HMAC-SHA256 " CRED ", SignedHeaders=host, " SIG,
		    "X-Amz-Algorithm=AWS4-HMAC-SHA256", -EINVAL },
		{ NULL, "X-Amz-Algorithm=AWS4-HMAC-SHA256", -EINVAL },
		{ NULL, "X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Algorithm=AWS4-HMAC-SHA256",
		    -EINVAL },
	};
	struct ffs_sigv4_claim c;
	size_t i;

	for (i = 0; i < COUNT(v); i++) {
		struct ffs_sigv4_field f[3] = { { "X-Amz-Date", DATE },
			{ "X-Amz-Content-Sha256", FFS_SIGV4_UNSIGNED },
			{ "Authorization", v[i].auth } };
		struct ffs_sigv4_request r = { "GET", "/", v[i].query, f, v[i].auth ? 3 : 2, NULL };
		int rc = ffs_sigv4_claim_parse(&c, &r);

		CHECK(rc == v[i].rc, "claim %zu: %d", i, rc);
	}
}

static void
check_dates(void)
{
	static const char *const bad[] = { "", "20130524", "20130524T000000", "20130524T000000z",
		"20130532T000000Z", "20130230T000000Z", "20130524T240000Z", "20131324T000000Z",
		"2013052 T000000Z", "-0130524T000000Z", "20130524T000000Z ", "20130524 000000Z" };
	char s[17];
	time_t t = 1;
	size_t i;

	ffs_sigv4_date(s, T0);
	CHECK(!strcmp(s, DATE), "%s", s);
	CHECK(!ffs_sigv4_parse_date(DATE, &t) && t == T0, "%ld", (long)t);
	CHECK(!ffs_sigv4_parse_date("20240229T235959Z", &t) && t == 1709251199, "%ld", (long)t);
	for (i = 0; i < COUNT(bad); i++)
		CHECK(ffs_sigv4_parse_date(bad[i], &t) == -EINVAL, "%s", bad[i]);
}

static void
check_encoding(void)
{
	struct ffs_buf b = FFS_BUF_INIT;

	ffs_sigv4_encode(&b, "a/b c+~\xff", 8, true);
	CHECK(!strcmp(b.p, "a/b%20c%2B~%FF"), "%s", b.p);
	ffs_buf_reset(&b);
	ffs_sigv4_encode(&b, "a/b", 3, false);
	CHECK(!strcmp(b.p, "a%2Fb"), "%s", b.p);
	ffs_buf_reset(&b);
	CHECK(!ffs_sigv4_decode(&b, "%41+%2f", 7, true) && !strcmp(b.p, "A /"), "%s", b.p);
	ffs_buf_reset(&b);
	CHECK(!ffs_sigv4_decode(&b, "%00+", 4, false) && b.len == 2 && b.p[1] == '+');
	CHECK(ffs_sigv4_decode(&b, "%4", 2, false) == -EINVAL);
	CHECK(ffs_sigv4_decode(&b, "%4g", 3, false) == -EINVAL);
	ffs_buf_release(&b);
}

/* --- the vectors of aws-c-auth --- */

static char *
slurp(const char *dir, const char *name, const char *file)
{
	char path[PATH_MAX], *p = calloc(1, 65536);
	FILE *f;
	size_t n;

	snprintf(path, sizeof(path), "%s/%s/%s", dir, name, file);
	f = fopen(path, "r");
	if (!f || !p) {
		free(p);
		return NULL;
	}
	n = fread(p, 1, 65535, f);
	fclose(f);
	while (n && p[n - 1] == '\n')
		p[--n] = '\0';
	return p;
}

/* Cases that need path normalisation, double encoding, or raw spaces and UTF-8 in the request
   line are not S3's. */
static int
is_for_s3(const char *name, const char *context)
{
	if (strstr(name, "-normalized") || strstr(name, "omit") || !strcmp(name, "get-utf8"))
		return 0;
	return !strstr(context, "\"omit_session_token\": true") && !strstr(name, "space");
}

static void
check_vector(const char *dir, const char *name)
{
	char *context = slurp(dir, name, "context.json"),
	     *text = slurp(dir, name, "header-signed-request.txt"),
	     *want = slurp(dir, name, "header-canonical-request.txt"),
	     *want_sig = slurp(dir, name, "header-signature.txt");
	struct ffs_sigv4_field fields[16];
	struct ffs_sigv4_request r = { .fields = fields };
	struct ffs_buf canon = FFS_BUF_INIT, auth = FFS_BUF_INIT;
	struct ffs_sigv4_scope s = { .access_key = "AKIDEXAMPLE",
		.secret_key = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY",
		.region = "us-east-1",
		.service = "service" };
	char *line, *next, *colon, *names;
	int rc;

	if (!context || !text || !want || !want_sig) {
		CHECK(0, "%s: not readable", name);
		goto out;
	}
	if (!is_for_s3(name, context))
		goto out;
	/* "METHOD PATH?QUERY HTTP/1.1", fields, folded lines. */
	r.method = text;
	line = strchr(text, ' ');
	*line++ = '\0';
	r.path = line;
	next = strchr(line, '\n');
	*next++ = '\0';
	*strrchr(line, ' ') = '\0';
	line = strchr(line, '?');
	if (line)
		*line++ = '\0';
	r.query = line;
	for (line = next; line && *line && *line != '\n' && r.nfields < 16; line = next) {
		next = strchr(line, '\n');
		while (next && (next[1] == ' ' || next[1] == '\t'))
			next = strchr(next + 1, '\n');
		if (next)
			*next++ = '\0';
		colon = strchr(line, ':');
		*colon = '\0';
		if (strcmp(line, "Authorization"))
			fields[r.nfields++] = (struct ffs_sigv4_field){ line, colon + 1 };
	}
	r.payload = strrchr(want, '\n') + 1;
	names = strndup(want, (size_t)(r.payload - 1 - want));
	rc = ffs_sigv4_canonical(&canon, &r, strrchr(names, '\n') + 1, false);
	free(names);
	CHECK(!rc && !strcmp(canon.p, want), "%s: %s", name, canon.p);
	rc = ffs_sigv4_authorize(&auth, &r, &s, 1440938160);
	CHECK(!rc && strstr(auth.p, want_sig), "%s: %s", name, auth.p);
out:
	ffs_buf_release(&canon);
	ffs_buf_release(&auth);
	free(context);
	free(text);
	free(want);
	free(want_sig);
}

static void
check_vectors(void)
{
	char dir[PATH_MAX + 64];
	ssize_t n = readlink("/proc/self/exe", dir, PATH_MAX);
	struct dirent *e;
	char *slash;
	DIR *d;

	if (n < 0)
		return;
	dir[n] = '\0';
	slash = strrchr(dir, '/');
	strcpy(slash, "/../../../../shared/data/sigv4/aws-c-auth-v4");
	d = opendir(dir);
	if (!d)
		return; /* not published with the source */
	while ((e = readdir(d)))
		if (e->d_name[0] != '.')
			check_vector(dir, e->d_name);
	closedir(d);
}

int
main(void)
{
	size_t i;

	for (i = 0; i < COUNT(doc_examples); i++)
		check_doc_example(i);
	check_tampering();
	check_presign();
	check_chunks();
	check_trailer();
	check_claims();
	check_dates();
	check_encoding();
	check_vectors();
	return failed;
}
