#include "common/watch/report.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/clock.h"
#include "common/base/utf8.h"
#include "common/s3/sigv4.h"

static const char *
endpoint(
    const struct ffs_maps_object *o, const struct ffs_addresses *a, char buf[FFS_ADDRESSES_URL])
{
	const char *url = ffs_addresses_find(a, &o->id);

	return url ? url : ffs_addresses_url(&o->id, buf);
}

void
ffs_report_url(struct ffs_buf *b, const struct ffs_maps_object *o, const struct ffs_addresses *a)
{
	char buf[FFS_ADDRESSES_URL];

	ffs_buf_adds(b, endpoint(o, a, buf));
	ffs_buf_addc(b, '/');
	ffs_sigv4_encode(b, o->bucket, strlen(o->bucket), true);
	ffs_buf_addc(b, '/');
	ffs_sigv4_encode(b, o->key, o->key_len, true);
	if (*o->version) {
		ffs_buf_adds(b, "?versionId=");
		ffs_sigv4_encode(b, o->version, strlen(o->version), false);
	}
}

static double
age_s(uint64_t then_ns)
{
	uint64_t now = ffs_clock_ns();

	return then_ns && now > then_ns ? (double)(now - then_ns) / 1e9 : 0;
}

static uint64_t
mean_us(uint64_t sum_ns, uint64_t n)
{
	return n ? sum_ns / n / 1000 : 0;
}

bool
ffs_report_is_hot(const struct ffs_maps *m, const struct ffs_object_stat *s)
{
	uint64_t window = m->loaded.window_ns;

	return s->heat >= m->loaded.threshold && (!window || ffs_clock_ns() <= s->heat_ns + window);
}

/* --- JSON --- */

void
ffs_report_object(struct ffs_json *j, const char *type, const struct ffs_maps *m,
    const struct ffs_maps_object *o, const struct ffs_addresses *a)
{
	const struct ffs_object_stat *s = &o->stat;
	char buf[FFS_ADDRESSES_URL], comm[FFS_COMM_LEN + 1] = "";
	struct ffs_buf url = FFS_BUF_INIT;

	memcpy(comm, s->comm, FFS_COMM_LEN);
	ffs_report_url(&url, o, a);
	ffs_json_open(j);
	ffs_json_str(j, "type", type);
	ffs_json_str(j, "url", url.p);
	ffs_json_str(j, "key", o->key);
	ffs_json_str(j, "bucket", o->bucket);
	if (*o->version)
		ffs_json_str(j, "version", o->version);
	ffs_json_str(j, "endpoint", endpoint(o, a, buf));
	ffs_json_bool(j, "configured", ffs_addresses_find(a, &o->id));
	ffs_json_bool(j, "tls", o->id.tls);
	ffs_json_uint(j, "reads", s->reads);
	ffs_json_uint(j, "bytes", s->bytes);
	ffs_json_uint(j, "size", s->size);
	ffs_json_bool(j, "hot", ffs_report_is_hot(m, s));
	ffs_json_uint(j, "hot_events", s->hots);
	ffs_json_uint(j, "lat_p50_us", ffs_maps_quantile32_us(s->lat, 0.5));
	ffs_json_uint(j, "lat_p99_us", ffs_maps_quantile32_us(s->lat, 0.99));
	ffs_json_uint(j, "lat_mean_us", mean_us(s->lat_sum_ns, s->lat_count));
	ffs_json_uint(j, "lat_min_us", s->lat_min_ns / 1000);
	ffs_json_uint(j, "lat_max_us", s->lat_max_ns / 1000);
	ffs_json_uint(j, "ttfb_mean_us", mean_us(s->ttfb_sum_ns, s->lat_count));
	ffs_json_uint(j, "interval_us", s->interval_ns / 1000);
	ffs_json_fixed(j, "last_read_age_s", age_s(s->last_ns), 3);
	if (s->uid != (uint32_t)-1)
		ffs_json_uint(j, "uid", s->uid);
	if (*comm)
		ffs_json_str(j, "comm", comm);
	ffs_json_close(j);
	ffs_buf_release(&url);
}

static void
report_loaded(struct ffs_json *j, const struct ffs_maps *m)
{
	struct ffs_meta now = m->loaded;

	ffs_maps_meta(m, &now);
	ffs_json_open_in(j, "loaded");
	ffs_json_uint(j, "pid", now.pid);
	ffs_json_fixed(j, "age_s", age_s(now.loaded_ns), 3);
	ffs_json_uint(j, "hot", now.threshold);
	ffs_json_uint(j, "rearm_us", now.rearm_ns / 1000);
	ffs_json_uint(j, "window_us", now.window_ns / 1000);
	ffs_json_uint(j, "max_objects", now.max_objects);
	ffs_json_str(j, "attached_by", now.clsact ? "clsact" : "tcx");
	ffs_json_bool(j, "redirect", now.redirect);
	ffs_json_close(j);
	ffs_json_open_in(j, "tune");
	ffs_json_bool(j, "attached", now.tune);
	ffs_json_uint(j, "delack_us", now.delack_us);
	ffs_json_str(
	    j, "nodelay_error", now.nodelay_err ? strerrorname_np(abs(now.nodelay_err)) : NULL);
	ffs_json_str(
	    j, "delack_error", now.delack_err ? strerrorname_np(abs(now.delack_err)) : NULL);
	ffs_json_close(j);
}

int
ffs_report_counters(struct ffs_json *j, const struct ffs_maps *m)
{
	uint64_t v[FFS_COUNTERS_N], lat[FFS_LAT_BUCKETS];
	int i, rc = ffs_maps_counters(m, v);

	if (!rc)
		rc = ffs_maps_latency(m, lat);
	if (rc)
		return rc;
	ffs_json_open(j);
	ffs_json_open_in(j, "counters");
	for (i = 0; i < FFS_COUNTERS_N; i++)
		ffs_json_uint(j, ffs_maps_counter_name((enum ffs_counter)i), v[i]);
	ffs_json_close(j);
	ffs_json_open_in(j, "latency");
	ffs_json_uint(j, "p50_us", ffs_maps_quantile_us(lat, 0.5));
	ffs_json_uint(j, "p99_us", ffs_maps_quantile_us(lat, 0.99));
	ffs_json_close(j);
	report_loaded(j, m);
	ffs_json_close(j);
	return 0;
}

/* --- for a terminal --- */

int
ffs_report_losses(struct ffs_buf *b, const struct ffs_maps *m)
{
	uint64_t v[FFS_COUNTERS_N];
	int i, rc = ffs_maps_counters(m, v);

	for (i = 0; !rc && i < FFS_COUNTERS_N; i++) {
		enum ffs_counter c = (enum ffs_counter)i;

		if (v[i] && ffs_maps_counter_loss(c))
			ffs_buf_addf(b, "%s%s %" PRIu64 " (%s)",
			    b->len ? ", " : "lost: ", ffs_maps_counter_name(c), v[i],
			    ffs_maps_counter_text(c));
	}
	return rc ? rc : ffs_buf_error(b);
}

void
ffs_report_head(struct ffs_buf *b)
{
	ffs_buf_addf(b, "%8s %10s %3s %9s %9s %7s  %-16s %s\n", "READS", "BYTES", "HOT", "P50us",
	    "P99us", "AGEs", "WHO", "URL");
}

void
ffs_report_row(struct ffs_buf *b, const struct ffs_maps *m, const struct ffs_maps_object *o,
    const struct ffs_addresses *a)
{
	const struct ffs_object_stat *s = &o->stat;
	char who[FFS_COMM_LEN + 1] = "";

	memcpy(who, s->comm, FFS_COMM_LEN);
	ffs_utf8_mask(who);
	if (!*who && s->uid != (uint32_t)-1)
		snprintf(who, sizeof(who), "uid %" PRIu32, s->uid);
	ffs_buf_addf(b, "%8" PRIu64 " %10" PRIu64 " %3s %9" PRIu64 " %9" PRIu64 " %7.1f  %-16s ",
	    (uint64_t)s->reads, (uint64_t)s->bytes, ffs_report_is_hot(m, s) ? "hot" : "-",
	    ffs_maps_quantile32_us(s->lat, 0.5), ffs_maps_quantile32_us(s->lat, 0.99),
	    age_s(s->last_ns), *who ? who : "-");
	ffs_report_url(b, o, a);
	ffs_buf_addc(b, '\n');
}
