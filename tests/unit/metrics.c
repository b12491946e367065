/*
 * /metrics and /healthz of the gateway.  With "check FILE": is that Prometheus' text format, as
 * promtool sees it.
 */
#include "common/gate/metrics.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/base/clock.h"
#include "common/base/utf8.h"
#include "common/cache/cache.h"
#include "tests/unit/check.h"

/* --- the format --- */

struct family {
	char name[128], type[16];
	bool samples;
	/* of a histogram's series: */
	double last;   /* bucket before */
	bool infinite; /* the last one was +Inf */
};

struct format {
	struct family v[512];
	size_t n;
	const char *seen[8192]; /* samples' names with labels */
	size_t nseen;
	unsigned line;
};

#define BAD(f, ...) check_failed((int)(f)->line, "format", " " __VA_ARGS__)

static bool
is_name(const char *s, size_t n)
{
	size_t i;

	for (i = 0; i < n; i++)
		if (!isalpha((unsigned char)s[i]) && s[i] != '_' &&
		    !(i && isdigit((unsigned char)s[i])))
			return false;
	return n;
}

static bool
ends(const char *s, size_t n, const char *with)
{
	size_t k = strlen(with);

	return n > k && !memcmp(s + n - k, with, k);
}

static struct family *
family(struct format *f, const char *name, size_t n)
{
	size_t i;

	for (i = 0; i < f->n; i++)
		if (strlen(f->v[i].name) == n && !memcmp(f->v[i].name, name, n))
			return &f->v[i];
	return NULL;
}

/* "# HELP NAME TEXT", "# TYPE NAME TYPE", in this order, once each. */
static void
comment(struct format *f, const char *line)
{
	bool help = !strncmp(line, "# HELP ", 7);
	const char *name = line + 7, *rest = strchr(name, ' ');
	struct family *m;

	if ((!help && strncmp(line, "# TYPE ", 7)) || !rest || !rest[1] ||
	    !is_name(name, (size_t)(rest - name))) {
		BAD(f, "%s", line);
		return;
	}
	m = family(f, name, (size_t)(rest - name));
	if (help) {
		if (m || f->n == COUNT(f->v)) {
			BAD(f, "HELP again: %s", line);
			return;
		}
		m = &f->v[f->n++];
		snprintf(m->name, sizeof(m->name), "%.*s", (int)(rest - name), name);
		return;
	}
	if (!m || *m->type || m != &f->v[f->n - 1]) {
		BAD(f, "TYPE without HELP before it: %s", line);
		return;
	}
	snprintf(m->type, sizeof(m->type), "%s", rest + 1);
	if (strcmp(m->type, "counter") && strcmp(m->type, "gauge") && strcmp(m->type, "histogram"))
		BAD(f, "type %s", m->type);
	if (!strcmp(m->type, "counter") != ends(m->name, strlen(m->name), "_total"))
		BAD(f, "_total is of counters: %s", line);
	if (ends(m->name, strlen(m->name), "_sum") || ends(m->name, strlen(m->name), "_count") ||
	    ends(m->name, strlen(m->name), "_bucket"))
		BAD(f, "a suffix that is a histogram's: %s", line);
}

/* {A="B",...}: behind it; NULL: it is none.  le: of a bucket. */
static const char *
labels(const char *p, char *le, size_t n)
{
	const char *name, *value;

	while (*p++ != '}') { /* '{' or ',' before */
		name = p;
		p += strcspn(p, "=");
		if (!is_name(name, (size_t)(p - name)) || p[0] != '=' || p[1] != '"')
			return NULL;
		value = p += 2;
		for (; *p && *p != '"'; p++)
			if (*p == '\\' && *++p != '\\' && *p != '"' && *p != 'n')
				return NULL;
		if (*p++ != '"' || (*p != ',' && *p != '}'))
			return NULL;
		if (!strncmp(name, "le=", 3))
			snprintf(le, n, "%.*s", (int)(p - 1 - value), value);
	}
	return p;
}

static void
histogram(struct format *f, struct family *m, const char *suffix, const char *le, double v)
{
	if (!strcmp(suffix, "_bucket")) {
		if (!*le || v < (m->infinite ? 0 : m->last))
			BAD(f, "bucket %s", le);
		m->infinite = !strcmp(le, "+Inf");
		m->last = v;
	} else if (!strcmp(suffix, "_count")) {
		if (!m->infinite || v != m->last)
			BAD(f, "the count is not the last bucket's");
	} else if (strcmp(suffix, "_sum") || !m->infinite) {
		BAD(f, "%s of a histogram", suffix);
	}
}

static void
sample(struct format *f, const char *line)
{
	size_t n = strcspn(line, "{ "), i;
	const char *p = line + n, *suffix = "";
	struct family *m = family(f, line, n);
	char le[32] = "", *end;
	double v;

	for (i = 0; !m && i < 3; i++) {
		static const char *const suffixes[] = { "_bucket", "_sum", "_count" };

		if (ends(line, n, suffixes[i])) {
			suffix = suffixes[i];
			m = family(f, line, n - strlen(suffix));
		}
	}
	if (*p == '{')
		p = labels(p, le, sizeof(le));
	if (!m || m != &f->v[f->n - 1] || !*m->type || !p || *p != ' ') {
		BAD(f, "sample %s", line);
		return;
	}
	v = strtod(p + 1, &end);
	if (end == p + 1 || *end || v < 0)
		BAD(f, "value %s", line);
	m->samples = true;
	if (!strcmp(m->type, "histogram"))
		histogram(f, m, suffix, le, v);
	else if (*suffix)
		BAD(f, "sample %s", line);
	for (i = 0; i < f->nseen; i++)
		if (!strncmp(f->seen[i], line, (size_t)(p - line) + 1))
			BAD(f, "twice: %s", line);
	if (f->nseen < COUNT(f->seen))
		f->seen[f->nseen++] = line;
}

/* text is cut into lines. */
static void
check_format(char *text)
{
	struct format *f = calloc(1, sizeof(*f));
	size_t n = strlen(text), i;
	char *next;

	if (!f)
		exit(1);
	CHECK(n && text[n - 1] == '\n' && ffs_utf8_valid(text, n));
	for (; *text; text = next) {
		next = text + strcspn(text, "\n");
		*next++ = '\0';
		f->line++;
		if (*text == '#')
			comment(f, text);
		else
			sample(f, text);
	}
	for (i = 0; i < f->n; i++)
		CHECK(*f->v[i].type, "%s", f->v[i].name);
	free(f);
}

static int
check_file(const char *name)
{
	static char text[1 << 20];
	FILE *in = fopen(name, "r");
	size_t n = in ? fread(text, 1, sizeof(text) - 1, in) : 0;

	CHECK(in && n && !memchr(text, '\0', n), "%s", name);
	check_format(text);
	if (in)
		fclose(in);
	return failed;
}

/* --- what it says --- */

static void
counts(void)
{
	struct ffs_count c = { 0 };

	ffs_count_request(&c, FFS_SERVED_CHECKED, "GET", 3, 206, 100, 51);
	ffs_count_request(&c, FFS_SERVED_ORIGIN, "GETX", 4, 0, 7, UINT64_MAX / 2);
	ffs_count_request(&c, 77, "DELETE /", 6, 204, 7, 0);
	CHECK(c.requests[FFS_SERVED_CHECKED][FFS_COUNT_GET][2] == 1);
	CHECK(c.requests[FFS_SERVED_ORIGIN][FFS_COUNT_OTHER][5] == 1);
	CHECK(c.requests[FFS_COUNT_OWN][FFS_COUNT_DELETE][2] == 1);
	CHECK(c.bytes[FFS_SERVED_CHECKED] == 100 && c.lat_us[FFS_SERVED_CHECKED] == 51);
	CHECK(c.lat[FFS_SERVED_CHECKED][1] == 1 && c.lat[FFS_COUNT_OWN][0] == 1);
	CHECK(c.lat[FFS_SERVED_ORIGIN][FFS_COUNT_LAT] == 1);
	ffs_count_add(&c.requests_active, 2);
	ffs_count_add(&c.requests_active, -1);
	CHECK(ffs_count_get(&c.requests_active) == 1);
}

static void
health(void)
{
	struct ffs_count c = { 0 };
	uint64_t now = (uint64_t)ffs_clock_ms();

	CHECK(ffs_metrics_ill(&c, now));
	ffs_count_beat(&c, true);
	CHECK(!ffs_metrics_ill(&c, c.beat_ms) && !ffs_metrics_ill(&c, c.beat_ms - 1));
	CHECK(!ffs_metrics_ill(&c, c.beat_ms + FFS_COUNT_BEAT_MS));
	CHECK(ffs_metrics_ill(&c, c.beat_ms + FFS_COUNT_BEAT_MS + 1));
	ffs_count_beat(&c, false);
	CHECK(ffs_metrics_ill(&c, c.beat_ms));
}

static void
has(const char *text, const char *line)
{
	char want[256];

	snprintf(want, sizeof(want), "\n%s\n", line);
	CHECK(strstr(text, want), "%s", line);
}

/* Programs with names that hurt, a cache, no kernel. */
static void
text(void)
{
	static const char *const names[] = { "a\"b", "a\\b", "a\nb", "\x01", "\\x01", "?", "\xff",
		"caf\xc3\xa9", "" };
	struct ffs_count c = { 0 };
	struct ffs_metrics_opts o = { .count = &c, .cache = "cache", .pins = "nowhere" };
	struct ffs_cache *cache = ffs_cache_open("cache", true, NULL);
	struct ffs_served *s = ffs_served_open("cache", true);
	struct ffs_buf b = FFS_BUF_INIT;
	size_t i;

	CHECK(cache && s);
	for (i = 0; i < COUNT(names); i++)
		ffs_served_note(s, NULL, names[i], 5, FFS_SERVED_STALE, 1, 1);
	ffs_served_note(s, NULL, NULL, (uint32_t)-1, FFS_SERVED_CACHE, 1, 1);
	ffs_count_request(&c, FFS_SERVED_CHECKED, "GET", 3, 206, 1000, 300);
	ffs_count_request(&c, FFS_SERVED_CHECKED, "GET", 3, 200, 1000, 70000000);
	ffs_count_beat(&c, true);
	ffs_metrics_text(&b, &o);
	CHECK(!ffs_buf_error(&b));
	has(b.p, "ffs_gate_requests_total{from=\"revalidated\",method=\"GET\",code=\"2xx\"} 2");
	has(b.p, "ffs_gate_requests_total{from=\"stale\",method=\"GET\",code=\"2xx\"} 0");
	has(b.p, "ffs_gate_response_bytes_total{from=\"revalidated\"} 2000");
	has(b.p, "ffs_gate_request_duration_seconds_bucket{from=\"revalidated\",le=\"0.0005\"} 1");
	has(b.p, "ffs_gate_request_duration_seconds_bucket{from=\"revalidated\",le=\"60\"} 1");
	has(b.p, "ffs_gate_request_duration_seconds_count{from=\"revalidated\"} 2");
	has(b.p, "ffs_gate_request_duration_seconds_sum{from=\"revalidated\"} 70.000300");
	has(b.p, "ffs_gate_accepting 1");
	has(b.p, "ffs_cache_limit_bytes 21474836480");
	has(b.p, "ffs_cache_min_free_ratio 0.1");
	has(b.p, "ffs_cache_refusals_total{reason=\"disk\"} 0");
	has(b.p, "ffs_kernel_up 0");
	has(b.p, "ffs_served_requests_total{program=\"a\\\"b\",uid=\"5\",from=\"stale\"} 1");
	has(b.p, "ffs_served_requests_total{program=\"a\\\\x5cb\",uid=\"5\",from=\"stale\"} 1");
	has(b.p, "ffs_served_requests_total{program=\"a\\\\x0ab\",uid=\"5\",from=\"stale\"} 1");
	has(b.p, "ffs_served_requests_total{program=\"caf\xc3\xa9\",uid=\"5\",from=\"stale\"} 1");
	has(b.p, "ffs_served_bytes_total{program=\"\",uid=\"\",from=\"cache\"} 1");
	check_format(b.p);
	ffs_buf_release(&b);
	ffs_served_close(s);
	ffs_cache_free(cache);
	/* Without a cache too. */
	o.cache = "no cache";
	ffs_metrics_text(&b, &o);
	CHECK(!strstr(b.p, "ffs_cache_entries"));
	check_format(b.p);
	ffs_buf_release(&b);
}

/* --- over the wire --- */

/* Send a request; the answer, until the end. */
static char *
ask(const char *url, const char *request)
{
	static char answer[1 << 20];
	struct sockaddr_in in = { .sin_family = AF_INET };
	int fd = socket(AF_INET, SOCK_STREAM, 0);
	size_t n = 0;
	ssize_t got;

	in.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	in.sin_port = htons((uint16_t)atoi(strrchr(url, ':') + 1));
	CHECK(!connect(fd, (struct sockaddr *)&in, sizeof(in)));
	CHECK(write(fd, request, strlen(request)) == (ssize_t)strlen(request));
	while ((got = read(fd, answer + n, sizeof(answer) - 1 - n)) > 0)
		n += (size_t)got;
	answer[n] = '\0';
	close(fd);
	return answer;
}

#define ASK(verb, path) ask(url, verb " " path " HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")

static void
wire(void)
{
	struct ffs_count c = { 0 };
	struct ffs_metrics_opts o = { .listen = "127.0.0.1:0", .count = &c, .pins = "nowhere" };
	static const char *const bad[] = { "", "9010", "127.0.0.1", "127.0.0.1:", "127.0.0.1:70000",
		"::1:9010", "127.0.0.1:9010x" };
	const char *url, *p;
	struct ffs_metrics *m, *again;
	char *why;
	size_t i;

	for (i = 0; i < COUNT(bad); i++) {
		o.listen = bad[i];
		CHECK(!ffs_metrics_new(&o, &why) && errno == EINVAL && why, "%s", bad[i]);
		free(why);
	}
	o.listen = "127.0.0.1:0";
	m = ffs_metrics_new(&o, &why);
	if (!m) {
		printf("%s\n", why);
		exit(1);
	}
	url = ffs_metrics_url(m);
	CHECK(!strncmp(url, "http://127.0.0.1:", 17) && strcmp(url, "http://127.0.0.1:0"));
	o.listen = url + strlen("http://");
	again = ffs_metrics_new(&o, &why);
	CHECK(!again && errno == EADDRINUSE && strstr(why, "cannot listen on"));
	free(why);
	CHECK(!strncmp(ASK("GET", "/healthz"), "HTTP/1.1 503 ", 13));
	ffs_count_beat(&c, true);
	p = ASK("GET", "/healthz");
	CHECK(!strncmp(p, "HTTP/1.1 200 ", 13) && strstr(p, "\r\n\r\nok\n"));
	p = ASK("HEAD", "/metrics");
	CHECK(!strncmp(p, "HTTP/1.1 200 ", 13) && ends(p, strlen(p), "\r\n\r\n"));
	CHECK(!strncmp(ASK("GET", "/"), "HTTP/1.1 404 ", 13));
	p = ASK("DELETE", "/metrics");
	CHECK(!strncmp(p, "HTTP/1.1 405 ", 13) && strstr(p, "\r\nAllow: GET, HEAD\r\n"));
	p = ASK("GET", "/metrics");
	CHECK(strstr(p, "\r\nContent-Type: text/plain; version=0.0.4; charset=utf-8\r\n"));
	p = strstr(p, "\r\n\r\n");
	CHECK(p);
	if (p)
		check_format((char *)p + 4);
	ffs_metrics_free(m);
	ffs_metrics_free(NULL);
}

int
main(int argc, char **argv)
{
	if (argc == 3 && !strcmp(argv[1], "check"))
		return check_file(argv[2]);
	counts();
	health();
	text();
	wire();
	return failed;
}
