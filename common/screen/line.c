#include "common/screen/line.h"

#include <inttypes.h>
#include <stdio.h>

#include "common/base/json.h"
#include "common/watch/maps.h"

static void
time_text(char *when, size_t n, time_t now)
{
	struct tm tm;

	snprintf(when, n, "?");
	if (localtime_r(&now, &tm))
		(void)strftime(when, n, "%Y-%m-%dT%H:%M:%S%z", &tm);
}

void
ffs_line_add(struct ffs_buf *b, const struct ffs_model *m, unsigned ms, time_t now)
{
	const struct ffs_series_sample *s = ffs_series_back(&m->series, 0);
	const uint64_t *c = m->counters;
	struct ffs_series_rates r;
	char when[32];
	unsigned i;

	ffs_series_rates(&m->series, ms, &r);
	time_text(when, sizeof(when), now);
	ffs_buf_addf(b, "time=%s reads_per_s=%.1f mb_per_s=%.1f lat_p50_us=%" PRIu64, when, r.reads,
	    r.read_bytes / 1e6, s ? s->origin_us : 0);
	ffs_buf_addf(b, " hits_per_s=%.1f hit_mb_per_s=%.1f hit_lat_p50_us=%" PRIu64, r.hits,
	    r.hit_bytes / 1e6, s ? s->hit_us : 0);
	for (i = 0; i < FFS_HEAT_STATES; i++)
		ffs_buf_addf(b, " %s=%zu", ffs_heat_name(i), m->states[i]);
	ffs_buf_addf(b,
	    " reads=%" PRIu64 " bytes=%" PRIu64 " hot_events=%" PRIu64 " tuned=%" PRIu64,
	    c[FFS_COUNT_reads], c[FFS_COUNT_read_bytes], c[FFS_COUNT_hot], c[FFS_COUNT_tuned]);
	ffs_buf_addf(b,
	    " hits=%" PRIu64 " misses=%" PRIu64 " cache_entries=%" PRIu64 " cache_bytes=%" PRIu64
	    " loaded=%d losses=%" PRIu64,
	    m->cache.hits, m->cache.misses, m->cache.entries, m->cache.bytes, !m->gone,
	    ffs_model_losses(m));
	for (i = 0; i < FFS_SERVED_N; i++)
		ffs_buf_addf(b, " served_%s=%" PRIu64, ffs_served_name(i), m->served.requests[i]);
	ffs_buf_addf(b, " programs=%zu", m->programs.n);
	for (i = 0; i < FFS_COUNTERS_N; i++)
		if (ffs_maps_counter_loss(i) && c[i])
			ffs_buf_addf(b, " %s=%" PRIu64, ffs_maps_counter_name(i), c[i]);
	ffs_buf_addc(b, '\n');
}

static void
add_served(struct ffs_json *j, const struct ffs_served_count *c)
{
	char name[48];
	unsigned i;

	for (i = 0; i < FFS_SERVED_N; i++) {
		ffs_json_uint(j, ffs_served_name(i), c->requests[i]);
		snprintf(name, sizeof(name), "%s_bytes", ffs_served_name(i));
		ffs_json_uint(j, name, c->bytes[i]);
	}
}

static void
add_program(struct ffs_json *j, const struct ffs_program *p)
{
	ffs_json_open_next(j);
	ffs_json_str(j, "comm", *p->comm ? p->comm : NULL);
	if (p->uid == UINT32_MAX)
		ffs_json_str(j, "uid", NULL);
	else
		ffs_json_uint(j, "uid", p->uid);
	ffs_json_str(j, "user", p->user);
	ffs_json_uint(j, "reads", p->reads);
	ffs_json_uint(j, "bytes", p->bytes);
	ffs_json_open_in(j, "served");
	add_served(j, &p->served);
	ffs_json_close(j);
	ffs_json_uint(j, "last_read_age_s", p->age_s);
	ffs_json_close(j);
}

/* Of the kernel and of the cache. */
static void
add_totals(struct ffs_json *j, const struct ffs_model *m)
{
	unsigned i;

	ffs_json_uint(j, "hits", m->cache.hits);
	ffs_json_uint(j, "misses", m->cache.misses);
	ffs_json_uint(j, "cache_entries", m->cache.entries);
	ffs_json_uint(j, "cache_bytes", m->cache.bytes);
	ffs_json_bool(j, "loaded", !m->gone);
	ffs_json_uint(j, "losses", ffs_model_losses(m));
	ffs_json_open_in(j, "counters");
	for (i = 0; i < FFS_COUNTERS_N; i++)
		ffs_json_uint(j, ffs_maps_counter_name(i), m->counters[i]);
	ffs_json_close(j);
	ffs_json_open_in(j, "served");
	add_served(j, &m->served);
	ffs_json_close(j);
}

void
ffs_line_json(struct ffs_buf *b, const struct ffs_model *m, unsigned ms, time_t now)
{
	const struct ffs_series_sample *s = ffs_series_back(&m->series, 0);
	struct ffs_json j = FFS_JSON_INIT;
	struct ffs_series_rates r;
	char when[32];
	size_t i;

	ffs_series_rates(&m->series, ms, &r);
	time_text(when, sizeof(when), now);
	ffs_json_open(&j);
	ffs_json_str(&j, "type", "live");
	ffs_json_str(&j, "time", when);
	ffs_json_fixed(&j, "reads_per_s", r.reads, 1);
	ffs_json_fixed(&j, "mb_per_s", r.read_bytes / 1e6, 1);
	ffs_json_uint(&j, "lat_p50_us", s ? s->origin_us : 0);
	ffs_json_fixed(&j, "hits_per_s", r.hits, 1);
	ffs_json_fixed(&j, "hit_mb_per_s", r.hit_bytes / 1e6, 1);
	ffs_json_uint(&j, "hit_lat_p50_us", s ? s->hit_us : 0);
	for (i = 0; i < FFS_HEAT_STATES; i++)
		ffs_json_uint(&j, ffs_heat_name(i), m->states[i]);
	add_totals(&j, m);
	ffs_json_list(&j, "programs");
	for (i = 0; i < m->programs.n; i++)
		add_program(&j, &m->programs.v[i]);
	ffs_json_list_end(&j);
	ffs_json_close(&j);
	ffs_buf_add(b, j.buf.p, j.buf.len);
	ffs_buf_addc(b, '\n');
	if (ffs_buf_error(&j.buf))
		b->err = ffs_buf_error(&j.buf);
	ffs_json_release(&j);
}
