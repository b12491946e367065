#include "common/screen/line.h"

#include <inttypes.h>

#include "common/watch/maps.h"

void
ffs_line_add(struct ffs_buf *b, const struct ffs_model *m, unsigned ms, time_t now)
{
	const struct ffs_series_sample *s = ffs_series_back(&m->series, 0);
	const uint64_t *c = m->counters;
	struct ffs_series_rates r;
	char when[32] = "?";
	unsigned i;
	struct tm tm;

	ffs_series_rates(&m->series, ms, &r);
	if (localtime_r(&now, &tm))
		(void)strftime(when, sizeof(when), "%Y-%m-%dT%H:%M:%S%z", &tm);
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
	for (i = 0; i < FFS_COUNTERS_N; i++)
		if (ffs_maps_counter_loss(i) && c[i])
			ffs_buf_addf(b, " %s=%" PRIu64, ffs_maps_counter_name(i), c[i]);
	ffs_buf_addc(b, '\n');
}
