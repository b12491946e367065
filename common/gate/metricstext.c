#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "common/base/clock.h"
#include "common/base/utf8.h"
#include "common/cache/cache.h"
#include "common/gate/metrics.h"
#include "common/watch/maps.h"

/* What /metrics says.  Each name has its HELP and TYPE once, and all its samples behind them. */

static void
head(struct ffs_buf *b, const char *name, const char *suffix, const char *type, const char *help)
{
	ffs_buf_addf(b, "# HELP %s%s %s\n# TYPE %s%s %s\n", name, suffix, help, name, suffix, type);
}

static void
single(struct ffs_buf *b, const char *name, const char *type, const char *help, uint64_t v)
{
	head(b, name, "", type, help);
	ffs_buf_addf(b, "%s %" PRIu64 "\n", name, v);
}

static const char *
from_name(unsigned from)
{
	return from == FFS_COUNT_OWN ? "gateway" : ffs_served_name((enum ffs_served_from)from);
}

/*
 * A label's value.  A program's name is anything: what is no text is written as \\xHH, and so is a
 * backslash, so that two names are never the same sample twice.
 */
static void
label(struct ffs_buf *b, const char *name, const char *value)
{
	size_t left = strlen(value), n;

	ffs_buf_addf(b, "%s=\"", name);
	for (; left; value += n, left -= n) {
		n = ffs_utf8_len(value, left);
		if (!n || *value == '\\' || (unsigned char)*value < ' ' || *value == 0x7f) {
			ffs_buf_addf(b, "\\\\x%02x", (unsigned char)*value);
			n = 1;
			continue;
		}
		if (*value == '"')
			ffs_buf_addc(b, '\\');
		ffs_buf_add(b, value, n);
	}
	ffs_buf_addc(b, '"');
}

static void
requests(struct ffs_buf *b, const struct ffs_count *c)
{
	static const char *const methods[] = { "GET", "HEAD", "PUT", "POST", "DELETE", "other" };
	unsigned from, method, code;
	uint64_t n;

	head(b, "ffs_gate_requests_total", "", "counter",
	    "Requests answered, by where the bytes came from.");
	for (from = 0; from < FFS_COUNT_FROM_N; from++)
		for (method = 0; method < FFS_COUNT_METHODS; method++)
			for (code = 1; code < 6; code++) {
				n = ffs_count_get(&c->requests[from][method][code]);
				/* What the cache can be asked for is there from the start. */
				if (n ||
				    (code == 2 && method == FFS_COUNT_GET && from != FFS_COUNT_OWN))
					ffs_buf_addf(b,
					    "ffs_gate_requests_total{from=\"%s\",method=\"%s\","
					    "code=\"%uxx\"} %" PRIu64 "\n",
					    from_name(from), methods[method], code, n);
			}
	head(b, "ffs_gate_response_bytes_total", "", "counter", "Bytes of bodies sent to clients.");
	for (from = 0; from < FFS_COUNT_FROM_N; from++)
		ffs_buf_addf(b, "ffs_gate_response_bytes_total{from=\"%s\"} %" PRIu64 "\n",
		    from_name(from), ffs_count_get(&c->bytes[from]));
	single(b, "ffs_gate_request_bytes_total", "counter",
	    "Bytes of bodies received from clients.", ffs_count_get(&c->received));
}

static void
durations(struct ffs_buf *b, const struct ffs_count *c)
{
	static const char name[] = "ffs_gate_request_duration_seconds";
	unsigned from, i;
	uint64_t n;

	head(
	    b, name, "", "histogram", "From a request's first byte to the last one of its answer.");
	for (from = 0; from < FFS_COUNT_FROM_N; from++) {
		for (i = 0, n = 0; i < FFS_COUNT_LAT; i++) {
			n += ffs_count_get(&c->lat[from][i]);
			ffs_buf_addf(b, "%s_bucket{from=\"%s\",le=\"%g\"} %" PRIu64 "\n", name,
			    from_name(from), (double)ffs_count_bounds[i] / 1e6, n);
		}
		n += ffs_count_get(&c->lat[from][i]);
		ffs_buf_addf(b, "%s_bucket{from=\"%s\",le=\"+Inf\"} %" PRIu64 "\n", name,
		    from_name(from), n);
		ffs_buf_addf(b, "%s_sum{from=\"%s\"} %.6f\n", name, from_name(from),
		    (double)ffs_count_get(&c->lat_us[from]) / 1e6);
		ffs_buf_addf(b, "%s_count{from=\"%s\"} %" PRIu64 "\n", name, from_name(from), n);
	}
}

static void
gateway(struct ffs_buf *b, const struct ffs_count *c)
{
	uint64_t now = (uint64_t)ffs_clock_ms(), beat = ffs_count_get(&c->beat_ms);

	head(b, "ffs_build_info", "", "gauge", "Which FasterFS this is; always 1.");
	ffs_buf_adds(b, "ffs_build_info{version=\"" FFS_VERSION "\"} 1\n");
	requests(b, c);
	durations(b, c);
#define TOTAL(member, text)                                                                        \
	single(b, "ffs_gate_" #member "_total", "counter", text, ffs_count_get(&c->member));
	FFS_COUNT_TOTALS(TOTAL)
#undef TOTAL
#define NOW(member, text) single(b, "ffs_gate_" #member, "gauge", text, ffs_count_get(&c->member));
	FFS_COUNT_NOWS(NOW)
#undef NOW
	single(b, "ffs_gate_accepting", "gauge", "1 while new connections are taken.",
	    ffs_count_get(&c->accepts) != 0);
	head(b, "ffs_gate_heartbeat_age_seconds", "", "gauge", "Since the loop last moved.");
	ffs_buf_addf(b, "ffs_gate_heartbeat_age_seconds %.3f\n",
	    beat && now > beat ? (double)(now - beat) / 1e3 : 0.0);
}

static void
refusals(struct ffs_buf *b, const struct ffs_cache_totals *t)
{
	static const char name[] = "ffs_cache_refusals_total";
	unsigned i;

	head(b, name, "", "counter", "Objects that were not kept, by reason.");
	for (i = 0; i < FFS_CACHE_REFUSALS_N; i++)
		ffs_buf_addf(b, "%s{reason=\"%s\"} %" PRIu64 "\n", name,
		    ffs_cache_refusal_name((enum ffs_cache_refusal)i), t->refused[i]);
}

static void
cache(struct ffs_buf *b, const char *dir)
{
	struct ffs_cache *c = ffs_cache_open(dir, false, NULL);
	struct ffs_cache_limits l;
	struct ffs_cache_totals t;

	if (!c)
		return;
	ffs_cache_totals(c, &t);
	ffs_cache_limits_get(c, &l);
	single(b, "ffs_cache_entries", "gauge", "Objects in the cache.", t.entries);
	single(b, "ffs_cache_bytes", "gauge", "Their bytes.", t.bytes);
	single(b, "ffs_cache_limit_bytes", "gauge", "How many there may be.", l.size);
	single(b, "ffs_cache_limit_entries", "gauge", "How many objects; 0: no bound.", l.entries);
	head(b, "ffs_cache_min_free_ratio", "", "gauge", "Share of the disk that stays free.");
	ffs_buf_addf(b, "ffs_cache_min_free_ratio %g\n", l.min_free_pc / 100.0);
	single(
	    b, "ffs_cache_hits_total", "counter", "Reads from the cache, of all programs.", t.hits);
	single(b, "ffs_cache_misses_total", "counter", "Reads that found nothing.", t.misses);
	single(
	    b, "ffs_cache_hit_bytes_total", "counter", "Bytes read from the cache.", t.hit_bytes);
	single(b, "ffs_cache_fills_total", "counter", "Objects that were kept.", t.fills);
	single(b, "ffs_cache_fill_bytes_total", "counter", "Their bytes.", t.fill_bytes);
	single(b, "ffs_cache_evictions_total", "counter", "Objects that made room.", t.evictions);
	single(b, "ffs_cache_damaged_total", "counter", "Objects with wrong bytes.", t.damaged);
	refusals(b, &t);
	ffs_cache_free(c);
}

struct program {
	struct ffs_buf *b;
	bool bytes; /* else requests */
};

static int
program(void *arg, const char *comm, uint32_t uid, const struct ffs_served_count *c)
{
	const struct program *p = arg;
	unsigned from;

	for (from = 0; from < FFS_SERVED_N; from++) {
		if (!c->requests[from])
			continue;
		ffs_buf_addf(p->b, "ffs_served_%s_total{", p->bytes ? "bytes" : "requests");
		label(p->b, "program", comm);
		if (uid == (uint32_t)-1)
			ffs_buf_adds(p->b, ",uid=\"\"");
		else
			ffs_buf_addf(p->b, ",uid=\"%" PRIu32 "\"", uid);
		ffs_buf_addf(p->b, ",from=\"%s\"} %" PRIu64 "\n",
		    ffs_served_name((enum ffs_served_from)from),
		    p->bytes ? c->bytes[from] : c->requests[from]);
	}
	return ffs_buf_error(p->b);
}

/* Who of the programs was served from where. */
static void
served(struct ffs_buf *b, const char *dir)
{
	struct ffs_served *s = ffs_served_open(dir, false);
	struct program p = { b, false };

	if (!s)
		return;
	head(b, "ffs_served_requests_total", "", "counter",
	    "Requests of each program, by where the bytes came from.");
	(void)ffs_served_programs(s, program, &p);
	head(b, "ffs_served_bytes_total", "", "counter", "Bytes for each program.");
	p.bytes = true;
	(void)ffs_served_programs(s, program, &p);
	ffs_served_close(s);
}

static void
kernel(struct ffs_buf *b, const char *pins)
{
	struct ffs_maps maps = FFS_MAPS_NONE;
	uint64_t v[FFS_COUNTERS_N];
	int i, on = !ffs_maps_open(&maps, pins, NULL);

	on = on && ffs_maps_current(&maps, pins) && !ffs_maps_counters(&maps, v);
	single(b, "ffs_kernel_up", "gauge", "1 where the programs of ffs-hotmon are loaded.",
	    (uint64_t)on);
	for (i = 0; on && i < FFS_COUNTERS_N; i++) {
		char name[64];

		snprintf(name, sizeof(name), "ffs_kernel_%s_total",
		    ffs_maps_counter_name((enum ffs_counter)i));
		single(b, name, "counter", ffs_maps_counter_text((enum ffs_counter)i), v[i]);
	}
	ffs_maps_release(&maps);
}

void
ffs_metrics_text(struct ffs_buf *b, const struct ffs_metrics_opts *o)
{
	gateway(b, o->count);
	if (o->cache) {
		cache(b, o->cache);
		served(b, o->cache);
	}
	kernel(b, o->pins);
}
