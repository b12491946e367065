/* What is watched, which server is which endpoint, and what histograms and objects say. */
#include "common/watch/report.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "common/watch/targets.h"

#include "tests/unit/check.h"

/* A node list without its file. */
#define NODE(u, from)                                                                              \
	{                                                                                          \
		.ep = {.url = (char *)(u), .url_from = (char *)(from) }                            \
	}
static struct ffs_node list[] = {
	NODE("http://127.0.0.1:9100", "nodes:1"),
	NODE("https://10.0.0.1:9443", "nodes:2"),
	NODE("http://[2001:db8::7]:9100", "nodes:3"),
	NODE("http://localhost:9200", "nodes:4"),
	NODE("http://10.0.0.2", "nodes:5"),
	NODE("http://127.0.0.1:9200", "nodes:6"),
};
static const struct ffs_nodes nodes = { .v = list, .n = COUNT(list) };

static bool
has_port(const struct ffs_load_targets *t, unsigned port)
{
	return t->ports[port >> 3] >> (port & 7) & 1;
}

static unsigned
count_ports(const struct ffs_load_targets *t)
{
	unsigned i, n = 0;

	for (i = 0; i < 65536; i++)
		n += has_port(t, i);
	return n;
}

static void
check_targets(void)
{
	struct ffs_buf told = FFS_BUF_INIT, not_told = FFS_BUF_INIT;
	struct ffs_load_targets t;

	CHECK(!ffs_targets_find(&t, &nodes, NULL, NULL, &told, &not_told));
	CHECK(has_port(&t, 9100) && has_port(&t, 9200) && has_port(&t, 80) && has_port(&t, 9000));
	CHECK(count_ports(&t) == 4, "%u", count_ports(&t));
	CHECK(!strcmp(told.p, "9100 (nodes:1), 9200 (nodes:4), 80 (nodes:5), 9000 (default)"), "%s",
	    told.p);
	CHECK(!strcmp(not_told.p, "https://10.0.0.1:9443 (nodes:2)"), "%s", not_told.p);
	/* Addresses are no names for virtual-hosted requests. */
	CHECK(t.hosts_n == 1 && !strcmp(t.hosts[0], "localhost"));
	ffs_buf_reset(&told);
	ffs_buf_reset(&not_told);
	CHECK(!ffs_targets_find(&t, &nodes, "80,9000-9002", NULL, &told, &not_told));
	CHECK(
	    count_ports(&t) == 4 && has_port(&t, 80) && has_port(&t, 9001) && !has_port(&t, 9100));
	CHECK(!strcmp(told.p, "80,9000-9002 (--ports)"), "%s", told.p);
	/* With --tls. */
	ffs_buf_reset(&told);
	ffs_buf_reset(&not_told);
	CHECK(!ffs_targets_find(&t, &nodes, "80", "", &told, &not_told));
	CHECK(count_ports(&t) == 1 && t.tls_ports[9443 >> 3] == 1 << (9443 & 7));
	CHECK(!strcmp(told.p, "80 (--ports), 9443 with TLS (nodes:2)"), "%s", told.p);
	CHECK(!not_told.len);
	ffs_buf_reset(&told);
	CHECK(!ffs_targets_find(&t, &nodes, "80", "8443", &told, &not_told));
	CHECK(!strcmp(told.p, "80 (--ports), 8443 with TLS (--tls)"), "%s", told.p);
	CHECK(t.tls_ports[8443 >> 3] && !t.tls_ports[9443 >> 3]);
	ffs_buf_reset(&told);
	CHECK(!ffs_targets_find(
	    &t, &(struct ffs_nodes){ .v = list, .n = 1 }, NULL, "", &told, &not_told));
	CHECK(!strcmp(told.p, "9100 (nodes:1), 9000 (default), 443 with TLS (default)"), "%s",
	    told.p);
	ffs_buf_release(&told);
	ffs_buf_release(&not_told);
}

static void
check_ports(void)
{
	static const char *const bad[] = { "", ",", "x", "0", "65536", "1,,2", ",1", "1,", "3-2",
		"9000-", "-1", "1 2", "80-70000" };
	static const char *const good[] = { "1", "65535", "1-65535", "80,443,9000-9010" };
	size_t i;

	for (i = 0; i < COUNT(bad); i++)
		CHECK(!ffs_targets_ports_ok(bad[i]), "'%s'", bad[i]);
	for (i = 0; i < COUNT(good); i++)
		CHECK(ffs_targets_ports_ok(good[i]), "'%s'", good[i]);
}

static void
check_split(void)
{
	static const struct {
		const char *url, *host;
		int rc;
		uint16_t port;
	} cases[] = {
		{ "http://a.example:9000", "a.example", 0, 9000 },
		{ "http://a.example", "a.example", 0, 80 },
		{ "http://[::1]:1", "::1", 0, 1 },
		{ "http://[fd77::2]", "fd77::2", 0, 80 },
		{ "https://a.example", "a.example", 0, 443 },
		{ "https://[::1]:9443", "::1", 0, 9443 },
		{ "https://a.example:0", NULL, -EINVAL, 0 },
		{ "ftp://a.example", NULL, -EINVAL, 0 },
		{ "http://a.example:0", NULL, -EINVAL, 0 },
		{ "http://a.example:65536", NULL, -EINVAL, 0 },
		{ "http://[::1", NULL, -EINVAL, 0 },
	};
	size_t i;

	for (i = 0; i < COUNT(cases); i++) {
		char *host = NULL;
		uint16_t port = 0;
		bool tls;
		int rc = ffs_targets_split(cases[i].url, &host, &port, &tls);

		CHECK(rc == cases[i].rc, "%s: %d", cases[i].url, rc);
		if (!rc) {
			CHECK(tls == !strncmp(cases[i].url, "https", 5));
			CHECK(!strcmp(host, cases[i].host) && port == cases[i].port, "%s: %s %u",
			    cases[i].url, host, port);
			free(host);
		}
	}
}

static struct ffs_object_id
server(const char *text, uint16_t port)
{
	struct ffs_object_id id = { .port = port, .addr = { [10] = 0xff, [11] = 0xff } };

	if (strchr(text, ':'))
		inet_pton(AF_INET6, text, id.addr);
	else
		inet_pton(AF_INET, text, id.addr + 12);
	return id;
}

static void
check_addresses(void)
{
	static const struct {
		const char *address;
		uint16_t port;
		const char *url; /* NULL: of none */
	} cases[] = {
		{ "127.0.0.1", 9100, "http://127.0.0.1:9100" },
		{ "::1", 9100, NULL }, /* may be another store */
		{ "127.0.0.2", 9100, NULL },
		{ "2001:db8::7", 9100, "http://[2001:db8::7]:9100" },
		{ "127.0.0.1", 9200, "http://localhost:9200" }, /* the first of two */
		{ "::1", 9200, "http://localhost:9200" },
		{ "10.0.0.2", 80, "http://10.0.0.2" },
		{ "10.0.0.2", 9000, NULL },
		{ "10.0.0.1", 9443, NULL },
	};
	struct ffs_addresses a;
	char buf[FFS_ADDRESSES_URL];
	struct ffs_object_id id;
	const char *url;
	size_t i;

	CHECK(!ffs_addresses_init(&a, &nodes));
	for (i = 0; i < COUNT(cases); i++) {
		id = server(cases[i].address, cases[i].port);
		url = ffs_addresses_find(&a, &id);
		CHECK(url ? cases[i].url && !strcmp(url, cases[i].url) : !cases[i].url, "%s %u: %s",
		    cases[i].address, cases[i].port, url ? url : "none");
	}
	/* By its name, in any case of letters. */
	CHECK(ffs_addresses_name("S3.Example", id.addr) && id.addr[0] == 1 && !id.addr[1]);
	CHECK(!ffs_addresses_name("10.0.0.1", id.addr) && !ffs_addresses_name("fd77::1", id.addr));
	/* The other of one port is another store. */
	id = server("10.0.0.1", 9443);
	id.tls = 1;
	url = ffs_addresses_find(&a, &id);
	CHECK(url && !strcmp(url, "https://10.0.0.1:9443"));
	CHECK(!strcmp(ffs_addresses_url(&id, buf), "https://10.0.0.1:9443"));
	ffs_addresses_release(&a);
	id = server("10.1.2.3", 9000);
	CHECK(!strcmp(ffs_addresses_url(&id, buf), "http://10.1.2.3:9000"), "%s", buf);
	id = server("2001:db8:1111:2222:3333:4444:5555:6666", 65535);
	CHECK(!strcmp(ffs_addresses_url(&id, buf),
		  "http://[2001:db8:1111:2222:3333:4444:5555:6666]:65535"),
	    "%s", buf);
}

static void
check_buckets(void)
{
	uint64_t v[FFS_LAT_BUCKETS] = { 0 };
	uint32_t narrow[FFS_LAT_BUCKETS] = { 0 };
	unsigned i;

	CHECK(ffs_maps_bucket_us(0) == 16 && ffs_maps_bucket_us(1) == 20 &&
	      ffs_maps_bucket_us(4) == 32 && ffs_maps_bucket_us(67) == 1835008);
	for (i = 1; i < FFS_LAT_BUCKETS; i++)
		CHECK(ffs_maps_bucket_us(i) > ffs_maps_bucket_us(i - 1), "%u", i);
	CHECK(ffs_maps_quantile_us(v, 0.5) == 0);
	/* 100 of 32 to 40 us: evenly spread inside. */
	v[4] = 100;
	CHECK(ffs_maps_quantile_us(v, 0.5) == 36, "%ju", (uintmax_t)ffs_maps_quantile_us(v, 0.5));
	CHECK(ffs_maps_quantile_us(v, 1) == 40);
	CHECK(ffs_maps_quantile_us(v, 0) == 32);
	/* The last bucket has no end, the first begins at 0. */
	v[4] = 0;
	v[67] = 1;
	CHECK(ffs_maps_quantile_us(v, 0.99) == 1835008);
	v[67] = 0;
	v[0] = 4;
	CHECK(ffs_maps_quantile_us(v, 0.5) == 10, "%ju", (uintmax_t)ffs_maps_quantile_us(v, 0.5));
	narrow[4] = UINT32_MAX;
	narrow[8] = UINT32_MAX;
	CHECK(ffs_maps_quantile32_us(narrow, 0.75) == 72, "%ju",
	    (uintmax_t)ffs_maps_quantile32_us(narrow, 0.75));
}

static void
check_url(void)
{
	struct ffs_maps_object o = {
		.bucket = "bkt", .key = "dir/a b+\xc3\xbc%\n\xff", .key_len = 14
	};
	struct ffs_addresses a = { 0 };
	struct ffs_buf b = FFS_BUF_INIT;

	o.id = server("10.0.0.9", 9000);
	o.key_len = (uint16_t)strlen(o.key);
	ffs_report_url(&b, &o, &a);
	CHECK(!strcmp(b.p, "http://10.0.0.9:9000/bkt/dir/a%20b%2B%C3%BC%25%0A%FF"), "%s", b.p);
	ffs_buf_reset(&b);
	strcpy(o.version, "v/1 x");
	memcpy(o.key, "a\0b", 4);
	o.key_len = 3;
	ffs_report_url(&b, &o, &a);
	CHECK(!strcmp(b.p, "http://10.0.0.9:9000/bkt/a%00b?versionId=v%2F1%20x"), "%s", b.p);
	ffs_buf_release(&b);
}

static void
check_hot(void)
{
	struct ffs_maps m = { .loaded = { .threshold = 3 } };
	struct ffs_object_stat s = { .heat = 2, .hots = 1 };

	CHECK(!ffs_report_is_hot(&m, &s));
	s.heat = 3;
	CHECK(ffs_report_is_hot(&m, &s));
	/* Long before this window. */
	m.loaded.window_ns = 1;
	s.heat_ns = 1;
	CHECK(!ffs_report_is_hot(&m, &s));
	m.loaded.window_ns = UINT64_MAX / 2;
	CHECK(ffs_report_is_hot(&m, &s));
}

int
main(void)
{
	check_targets();
	check_ports();
	check_split();
	check_addresses();
	check_buckets();
	check_url();
	check_hot();
	return failed;
}
