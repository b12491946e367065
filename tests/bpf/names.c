/* The kernel programs: which object a request line names. */
#include "tests/bpf/feed.h"

/* An entry of names, whose text is t: 0 or -ENOENT. */
static int
name_of(struct feed *f, struct ffs_object_name *n, struct ffs_object_id *id)
{
	int names = bpf_map__fd(f->w->maps.names);

	if (bpf_map_get_next_key(names, NULL, id) || bpf_map_lookup_elem(names, id, n))
		return -ENOENT;
	bpf_map_delete_elem(names, id);
	return 0;
}

/* A request on a connection of its own; what it became is in *n, or in the counters. */
static int
asked(struct feed *f, const void *head, size_t len, struct ffs_object_name *n)
{
	static struct flow t = { .cport = 10000, .sport = 9000, .cseq = 77, .sseq = 99 };
	struct ffs_object_id id;
	int rc;

	t.cport++;
	feed_syn(f, &t);
	feed_client(f, &t, head, len);
	rc = name_of(f, n, &id);
	if (!rc)
		CHECK(id.port == 9000 && id.addr[10] == 0xff && id.addr[11] == 0xff &&
		      id.addr[15] == 2 &&
		      id.len == n->bucket_len + 1 + n->key_len + n->version_len);
	feed_at(f, &t, true, RST, t.cseq, t.sseq, NULL, 0);
	return rc;
}

static void
is(struct feed *f, const char *target, const char *host, const char *text, int version)
{
	struct ffs_object_name n;
	char head[4096];
	int len = snprintf(head, sizeof(head), "GET %s HTTP/1.1\r\nX-A: Host: no\r\n%s%s\r\n\r\n",
	    target, host ? "Host: " : "X: y", host ? host : "");

	CHECK(len < 3700);
	if (asked(f, head, len, &n)) {
		CHECK(!text, "%s of %s: not an object", target, host);
		return;
	}
	CHECK(text && strlen(text) == (size_t)(n.bucket_len + 1 + n.key_len + n.version_len) &&
		  !memcmp(n.text, text, strlen(text)) && n.version_len == version,
	    "%s of %s: %d %d %d %.*s", target, host, n.bucket_len, n.key_len, n.version_len,
	    n.bucket_len + 1 + n.key_len + n.version_len, n.text);
}

static void
paths(struct feed *f)
{
	static const struct {
		const char *target, *text;
		int version;
	} t[] = {
		{ "/b/k", "b/k", 0 },
		{ "/bucket/a/b/c.csv", "bucket/a/b/c.csv", 0 },
		{ "/bucket/a//b/../c/./", "bucket/a//b/../c/./", 0 },
		{ "/bucket//", "bucket//", 0 },
		{ "/bucket/%7e~%7E", "bucket/~~~", 0 },
		{ "/bucket/a%20b%2Bc+d%25", "bucket/a b+c+d%", 0 },
		{ "/bucket/%e2%82%AC\xe2\x82\xac", "bucket/\xe2\x82\xac\xe2\x82\xac", 0 },
		{ "/bucket%2Fkey", "bucket/key", 0 },
		{ "/b/1234567%38", "b/12345678", 0 },
		{ "/b/%31%32%33%34%35%36%37%38%39", "b/123456789", 0 },
		{ "/b/k?versionId=abc", "b/kabc", 3 },
		{ "/b/k?versionId=a%2Fb&x-id=GetObject", "b/ka/b", 3 },
		{ "/b/k?x-id=GetObject&versionId=null", "b/knull", 4 },
		{ "/b/k?versionId=", "b/k", 0 },
		{ "/b/k?x-id=GetObject", "b/k", 0 },
		{ "/b/k?partNumber=3", "b/k", 0 },
		{ "/b/"
		  "k?X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=a%2Fb&X-Amz-Date=1&X-Amz-"
		  "Expires=3&X-Amz-SignedHeaders=host&X-Amz-Signature=0123456789abcdef",
		    "b/k", 0 },
		{ "/b/k?AWSAccessKeyId=a&Signature=b%3D&Expires=12", "b/k", 0 },
		{ "/b/k?response-content-type=text%2Fplain&response-expires=1", "b/k", 0 },
		{ "/b/k?x-amz-checksum-mode=ENABLED", "b/k", 0 },
		{ "/b/k?", "b/k", 0 },
		{ "/b/k?&&", "b/k", 0 },
		{ "/b/k?a?b", NULL, 0 },
		{ "/b/k?acl", NULL, 0 },
		{ "/b/k?tagging=&versionId=1", NULL, 0 },
		{ "/b/k?uploadId=1", NULL, 0 },
		{ "/b/k?versionId=1&versionId=2", NULL, 0 },
		{ "/b/k?response", NULL, 0 },
		{ "/b/k?X-Am", NULL, 0 },
		{ "/b?list-type=2&prefix=a%2Fb", NULL, 0 },
		{ "/b/?list-type=2", NULL, 0 },
		{ "/b", NULL, 0 },
		{ "/b/", NULL, 0 },
		{ "/", NULL, 0 },
		{ "//k", NULL, 0 },
		{ "/minio/health/live", NULL, 0 },
		{ "/minio/v2/metrics/cluster", NULL, 0 },
		{ "/minio/admin/v3/info?", NULL, 0 },
		{ "/minio/healthy", "minio/healthy", 0 },
		{ "/?x-id=ListBuckets", NULL, 0 },
		{ "/1234567890123456789012345678901234567890123456789012345678901234/k", NULL, 0 },
		{ "/123456789012345678901234567890123456789012345678901234567890123/k",
		    "123456789012345678901234567890123456789012345678901234567890123/k", 0 },
		{ "http://10.0.0.2:9000/b/k", "b/k", 0 },
		{ "HTTP://x/b/k?versionId=1", "b/k1", 1 },
	};

	for (size_t i = 0; i < COUNT(t); i++)
		is(f, t[i].target, "10.0.0.2:9000", t[i].text, t[i].version);
	CHECK(COUNTER(f, requests_other) == 18, "%lu", COUNTER(f, requests_other));
	CHECK(COUNTER(f, bad_requests) == 0 && COUNTER(f, split_heads) == 0 &&
	      COUNTER(f, long_names) == 0);
}

static void
bad(struct feed *f)
{
	static const char *const t[] = { "/b/%", "/b/%4", "/b/%zz", "/b/%4g", "/b/%%41",
		"/b/k?versionId=%g1", "http://x", "/b/k HTTP/2.0", "/b/k\t" };
	uint64_t n = COUNTER(f, bad_requests);

	for (size_t i = 0; i < COUNT(t); i++) {
		is(f, t[i], "h", NULL, 0);
		CHECK(COUNTER(f, bad_requests) == n + i + 1, "%s", t[i]);
	}
}

/* Keys of n bytes, plain or encoded. */
static void
lengths(struct feed *f)
{
	static const struct {
		int n;
		bool good;
	} t[] = { { 1, true }, { 2, true }, { 7, true }, { 8, true }, { 9, true }, { 1023, true },
		{ 1024, true }, { 1025, false }, { 1200, false } };
	struct ffs_object_name n;
	char head[4096];

	for (size_t i = 0; i < COUNT(t); i++) {
		for (int encoded = 0; encoded < 2; encoded++) {
			uint64_t longs = COUNTER(f, long_names);
			int len = sprintf(head, "GET /bucket/"), rc;

			for (int k = 0; k < t[i].n; k++)
				len += sprintf(head + len, encoded ? "%%%02x" : "%c", k % 26 + 'a');
			len += sprintf(head + len, "?x-id=GetObject HTTP/1.1\r\n\r\n");
			if (len > 3700)
				continue;
			rc = asked(f, head, len, &n);
			CHECK(rc == (t[i].good ? 0 : -ENOENT), "%d bytes", t[i].n);
			CHECK(COUNTER(f, long_names) == longs + !t[i].good, "%d bytes", t[i].n);
			if (rc)
				continue;
			CHECK(n.bucket_len == 6 && n.key_len == t[i].n);
			for (int k = 0; k < t[i].n; k++)
				CHECK(n.text[7 + k] == k % 26 + 'a', "%d of %d", k, t[i].n);
		}
	}
	/* Every byte there is, NUL included. */
	for (int c = 0; c < 256; c++) {
		int len = sprintf(head, "GET /bucket/a%%%02Xb HTTP/1.1\r\n\r\n", c);

		CHECK(asked(f, head, len, &n) == 0 && n.key_len == 3 && (uint8_t)n.text[8] == c,
		    "byte %d", c);
	}
	/* A version of 128 bytes is followed, and of 129 not, not even cut. */
	for (int k = 128; k < 130; k++) {
		int len = sprintf(head, "GET /bucket/k?versionId=%0*d HTTP/1.1\r\n\r\n", k, 1);

		CHECK(asked(f, head, len, &n) == (k == 128 ? 0 : -ENOENT));
		if (k == 128)
			CHECK(n.version_len == 128);
	}
}

/* What is one object has one id, and what is two has two. */
static void
ids(struct feed *f)
{
	static const struct {
		const char *a, *b;
		bool same;
	} t[] = {
		{ "/b/a~c", "/b/a%7ec", true },
		{ "/b/a+c", "/b/a%2bc", true },
		{ "/b/a+c", "/b/a%20c", false },
		{ "/b/k?versionId=1", "/b/k1", false },
		{ "/b/k?versionId=12", "/b/k1?versionId=2", false },
		{ "/b/k?x-id=GetObject", "/b/k", true },
		{ "/b/abcdefgh", "/b/abcdefgi", false },
		{ "/b/k%00", "/b/k", false },
		{ "/bc/k", "/b/ck", false },
	};
	struct ffs_object_id id[2];
	struct ffs_object_name n;
	static struct flow u = { .cport = 20000, .sport = 9000, .cseq = 77, .sseq = 99 };

	for (size_t i = 0; i < COUNT(t); i++) {
		memset(id, 0, sizeof(id));
		for (int k = 0; k < 2; k++) {
			u.cport++;
			feed_syn(f, &u);
			feed_ask(f, &u, "GET %s HTTP/1.1\r\n\r\n", k ? t[i].b : t[i].a);
			CHECK(name_of(f, &n, &id[k]) == 0);
		}
		CHECK(!memcmp(&id[0], &id[1], sizeof(id[0])) == t[i].same, "%s %s", t[i].a, t[i].b);
	}
}

/* Keys at random, each byte encoded or not as chance has it. */
static void
random_keys(struct feed *f)
{
	struct ffs_object_name n;
	char head[4096];

	srand(7);
	for (int i = 0; i < 1000; i++) {
		uint8_t key[FFS_KEY_MAX];
		int len = sprintf(head, "GET /bucket/"),
		    size = rand() % (i % 10 ? 60 : FFS_KEY_MAX) + 1, rc;
		int often = rand() % 30 + 1;

		for (int k = 0; k < size; k++) {
			key[k] = rand() % 3 ? rand() % 94 + 33 : rand();
			if (key[k] < 33 || key[k] == '%' || key[k] == '?' || rand() % often == 0)
				len +=
				    sprintf(head + len, rand() % 2 ? "%%%02x" : "%%%02X", key[k]);
			else
				head[len++] = key[k];
		}
		len += sprintf(
		    head + len, "%s HTTP/1.1\r\n\r\n", i % 3 ? "" : "?partNumber=1&versionId=v");
		if (len > 3700)
			continue;
		rc = asked(f, head, len, &n);
		CHECK(rc == 0 && n.key_len == size && !memcmp(n.text + 7, key, size) &&
			  n.version_len == !(i % 3),
		    "key %d of %d bytes", i, size);
	}
}

static void
hosts(void)
{
	struct feed *f = feed_open(9000);
	static const struct {
		const char *host, *target, *text;
	} t[] = {
		{ "s3.example.com", "/b/k", "b/k" },
		{ "b.s3.example.com", "/k", "b/k" },
		{ "B.S3.Example.COM", "/k/l?versionId=", "b/k/l" },
		{ "b.s3.example.com:9000", "/k", "b/k" },
		{ "a.b.c.s3.example.com", "/k", "a.b.c/k" },
		{ "b.s3.example.com", "/", NULL },
		{ "b.s3.example.com", "/?list-type=2", NULL },
		{ "b.s3.example.com", "/b/k", "b/b/k" },
		{ "example.com", "/b/k", "b/k" },
		{ "b.example.com", "/k", "b/k" },
		{ "other.org", "/b/k", "b/k" },
		{ "b.other.org", "/c/k", "c/k" },
		{ "127.0.0.1:9000", "/b/k", "b/k" },
		{ "[::1]:9000", "/b/k", "b/k" },
		{ "localhost", "/b/k", "b/k" },
		{ "b.localhost", "/k", "b/k" },
		{ "", "/b/k", "b/k" },
		{ NULL, "/b/k", "b/k" },
		{ "b.s3.example.com.", "/c/k", "c/k" },
		{ "h", "http://b.s3.example.com/k", "b/k" },
		{ "b.s3.example.com", "http://s3.example.com:80/c/k", "c/k" },
		{ "123456789012345678901234567890123456789012345678901234567890123.s3.example.com",
		    "/k", "123456789012345678901234567890123456789012345678901234567890123/k" },
		{ "1234567890123456789012345678901234567890123456789012345678901234.s3.example.com",
		    "/b/k", "b/k" },
	};

	strcpy((char *)f->w->rodata->hosts[0], "s3.example.com");
	strcpy((char *)f->w->rodata->hosts[1], "example.com");
	strcpy((char *)f->w->rodata->hosts[2], "localhost");
	f->w->rodata->hosts_n = 3;
	CHECK(feed_load(f) == 0);
	for (size_t i = 0; i < COUNT(t); i++)
		is(f, t[i].target, t[i].host, t[i].text, 0);
	CHECK(COUNTER(f, bad_requests) == 0 && COUNTER(f, split_heads) == 0 &&
	      COUNTER(f, long_names) == 0);
	lengths(f);
	if (failed)
		feed_dump(f);
	feed_free(f);
}

/* A request in two pieces, cut at each place: its name is the same, once it is all there. */
static void
pieces(void)
{
	static const char head[] =
	    "GET /some%20key.csv?x-id=GetObject&versionId=12 HTTP/1.1\r\nAccept: */*\r\nHost: "
	    "bucket.s3.example.com:9000\r\nUser-Agent: x\r\n\r\n";
	struct flow t = { .cport = 30000, .sport = 9000, .cseq = 1, .sseq = 1 };
	struct feed *f = feed_open(9000);
	struct ffs_object_name n;
	struct ffs_object_id id;

	strcpy((char *)f->w->rodata->hosts[0], "s3.example.com");
	f->w->rodata->hosts_n = 1;
	CHECK(feed_load(f) == 0);
	for (unsigned at = 1; at < sizeof(head) - 1; at++) {
		t.cport++;
		feed_syn(f, &t);
		feed_client(f, &t, head, at);
		feed_client(f, &t, head + at, sizeof(head) - 1 - at);
		CHECK(name_of(f, &n, &id) == 0 && n.bucket_len == 6 && n.key_len == 12 &&
			  n.version_len == 2 && !memcmp(n.text, "bucket/some key.csv12", 21),
		    "cut at %u", at);
	}
	CHECK(COUNTER(f, requests) == sizeof(head) - 2 && !COUNTER(f, split_heads) &&
	      !COUNTER(f, bad_requests));
	feed_free(f);
}

int
main(void)
{
	struct feed *f = feed_open(9000);

	CHECK(feed_load(f) == 0);
	paths(f);
	bad(f);
	lengths(f);
	ids(f);
	random_keys(f);
	if (failed)
		feed_dump(f);
	feed_free(f);
	hosts();
	pieces();
	return failed;
}
