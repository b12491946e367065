#include "common/screen/series.h"

#include "common/watch/maps.h"

static uint64_t
grown(uint64_t now, uint64_t then)
{
	return now >= then ? now - then : now;
}

/* The median of what has come to a histogram. */
static uint64_t
median(const uint64_t *now, const uint64_t *then)
{
	uint64_t d[FFS_LAT_BUCKETS];
	unsigned i;

	for (i = 0; i < FFS_LAT_BUCKETS; i++)
		d[i] = grown(now[i], then[i]);
	return ffs_maps_quantile_us(d, 0.5);
}

void
ffs_series_add(struct ffs_series *s, const struct ffs_series_at *at)
{
	const struct ffs_series_at *last = &s->last;

	if (s->begun && at->ns > last->ns) {
		s->v[s->next] = (struct ffs_series_sample){
			.ns = at->ns,
			.dt_ns = at->ns - last->ns,
			.reads = grown(at->reads, last->reads),
			.read_bytes = grown(at->read_bytes, last->read_bytes),
			.hits = grown(at->hits, last->hits),
			.misses = grown(at->misses, last->misses),
			.hit_bytes = grown(at->hit_bytes, last->hit_bytes),
			.origin_us = median(at->origin, last->origin),
			.hit_us = median(at->hit, last->hit),
		};
		s->next = (s->next + 1) % FFS_SERIES_MAX;
		s->n += s->n < FFS_SERIES_MAX;
	}
	s->begun = true;
	s->last = *at;
}

const struct ffs_series_sample *
ffs_series_back(const struct ffs_series *s, size_t back)
{
	return back < s->n ? &s->v[(s->next + FFS_SERIES_MAX - 1 - back) % FFS_SERIES_MAX] : NULL;
}

void
ffs_series_rates(const struct ffs_series *s, unsigned ms, struct ffs_series_rates *r)
{
	const struct ffs_series_sample *v;
	double seconds;
	uint64_t ns = 0;
	size_t i;

	*r = (struct ffs_series_rates){ 0 };
	for (i = 0; ns < ms * 1000000ull && (v = ffs_series_back(s, i)); i++) {
		ns += v->dt_ns;
		r->reads += (double)v->reads;
		r->read_bytes += (double)v->read_bytes;
		r->hits += (double)v->hits;
		r->misses += (double)v->misses;
		r->hit_bytes += (double)v->hit_bytes;
	}
	if (!ns)
		return;
	seconds = (double)ns / 1e9;
	r->reads /= seconds;
	r->read_bytes /= seconds;
	r->hits /= seconds;
	r->misses /= seconds;
	r->hit_bytes /= seconds;
}
