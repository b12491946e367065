#include <errno.h>
#include <inttypes.h>
#include <pwd.h>
#include <stdlib.h>
#include <string.h>

#include "bpf/watch.h"
#include "common/base/json.h"
#include "common/base/utf8.h"
#include "common/cache/served.h"
#include "common/follow/stock.h"
#include "common/watch/maps.h"

/* How a cache has done: its counts, and who was served from where. */

struct program {
	char comm[FFS_SERVED_COMM];
	uint32_t uid;
	struct ffs_served_count c;
};

struct who {
	bool noted; /* somebody has */
	struct ffs_served_count all;
	struct program *v;
	size_t n;
};

static uint64_t
requests(const struct ffs_served_count *c)
{
	uint64_t n = 0;
	unsigned i;

	for (i = 0; i < FFS_SERVED_N; i++)
		n += c->requests[i];
	return n;
}

static uint64_t
cached_bytes(const struct ffs_served_count *c)
{
	return c->bytes[FFS_SERVED_CHECKED] + c->bytes[FFS_SERVED_CACHE] +
	       c->bytes[FFS_SERVED_STALE];
}

static int
on_program(void *arg, const char *comm, uint32_t uid, const struct ffs_served_count *c)
{
	struct who *w = arg;
	struct program *p = &w->v[w->n++];

	memcpy(p->comm, comm, sizeof(p->comm));
	p->uid = uid;
	p->c = *c;
	return 0;
}

static int
by_requests(const void *va, const void *vb)
{
	const struct program *a = va, *b = vb;
	uint64_t na = requests(&a->c), nb = requests(&b->c);

	if (na != nb)
		return na < nb ? 1 : -1;
	return strcmp(a->comm, b->comm) ? strcmp(a->comm, b->comm)
	                                : (a->uid > b->uid) - (a->uid < b->uid);
}

/* The most active programs first.  0, also where nobody has noted anything, or -ENOMEM. */
static int
who_read(const struct ffs_stock *s, struct who *w)
{
	struct ffs_served *served = ffs_served_open(ffs_cache_path(s->cache), false);

	memset(w, 0, sizeof(*w));
	if (!served)
		return 0;
	w->noted = true;
	w->v = calloc(FFS_SERVED_PROGRAMS, sizeof(*w->v));
	if (w->v) {
		ffs_served_totals(served, &w->all);
		(void)ffs_served_programs(served, on_program, w);
		qsort(w->v, w->n, sizeof(*w->v), by_requests);
	}
	ffs_served_close(served);
	return w->v ? 0 : -ENOMEM;
}

static void
counts_json(struct ffs_json *j, const struct ffs_served_count *c)
{
	char name[32];
	unsigned i;

	for (i = 0; i < FFS_SERVED_N; i++) {
		ffs_json_uint(j, ffs_served_name(i), c->requests[i]);
		snprintf(name, sizeof(name), "%s_bytes", ffs_served_name(i));
		ffs_json_uint(j, name, c->bytes[i]);
		snprintf(name, sizeof(name), "%s_mean_us", ffs_served_name(i));
		ffs_json_uint(j, name, c->requests[i] ? c->us[i] / c->requests[i] : 0);
	}
}

static void
who_json(struct ffs_json *j, const struct who *w)
{
	size_t i;

	ffs_json_open_in(j, "served");
	counts_json(j, &w->all);
	ffs_json_close(j);
	ffs_json_list(j, "programs");
	for (i = 0; i < w->n; i++) {
		ffs_json_open_next(j);
		ffs_json_str(j, "comm", *w->v[i].comm ? w->v[i].comm : NULL);
		if (w->v[i].uid == UINT32_MAX)
			ffs_json_str(j, "uid", NULL);
		else
			ffs_json_uint(j, "uid", w->v[i].uid);
		counts_json(j, &w->v[i].c);
		ffs_json_int(j, "last", w->v[i].c.last_us / 1000000);
		ffs_json_close(j);
	}
	ffs_json_list_end(j);
}

/* "12 origin, 3 revalidated, 4 cache; 1.2 MB by the cache" */
static void
counts_add(struct ffs_buf *b, const struct ffs_served_count *c)
{
	unsigned i;

	for (i = 0; i < FFS_SERVED_N; i++)
		if (i != FFS_SERVED_STALE || c->requests[i])
			ffs_buf_addf(b, "%s%" PRIu64 " %s", i ? ", " : "", c->requests[i],
			    ffs_served_name(i));
	ffs_buf_addf(b, "; %.1f MB by the cache\n", (double)cached_bytes(c) / 1e6);
}

static void
who_add(struct ffs_buf *b, const struct who *w)
{
	const struct passwd *pw;
	char comm[FFS_SERVED_COMM];
	size_t i;

	if (!w->noted)
		return;
	ffs_buf_adds(b, "served      ");
	counts_add(b, &w->all);
	for (i = 0; i < w->n; i++) {
		memcpy(comm, w->v[i].comm, sizeof(comm));
		ffs_utf8_mask(comm);
		pw = w->v[i].uid == UINT32_MAX ? NULL : getpwuid(w->v[i].uid);
		ffs_buf_adds(b, "program     ");
		if (pw)
			ffs_buf_adds(b, pw->pw_name);
		else if (w->v[i].uid == UINT32_MAX)
			ffs_buf_addc(b, '?');
		else
			ffs_buf_addf(b, "%" PRIu32, w->v[i].uid);
		ffs_buf_addf(b, " %s: ", *comm ? comm : "?");
		counts_add(b, &w->v[i].c);
	}
}

static int
stat_json(const struct ffs_stock *s, const struct ffs_cache_totals *t,
    const struct ffs_cache_limits *l, const struct who *w)
{
	struct ffs_json j = FFS_JSON_INIT;
	int i, rc;

	ffs_json_open(&j);
	ffs_json_str(&j, "dir", ffs_cache_path(s->cache));
	ffs_json_uint(&j, "entries", t->entries);
	ffs_json_uint(&j, "bytes", t->bytes);
	ffs_json_uint(&j, "limit_bytes", l->size);
	ffs_json_uint(&j, "limit_entries", l->entries);
	ffs_json_uint(&j, "min_free_pc", l->min_free_pc);
	ffs_json_uint(&j, "hits", t->hits);
	ffs_json_uint(&j, "misses", t->misses);
	ffs_json_uint(&j, "hit_bytes", t->hit_bytes);
	ffs_json_uint(&j, "hit_p50_us", ffs_maps_quantile_us(t->lat, 0.5));
	ffs_json_uint(&j, "hit_p99_us", ffs_maps_quantile_us(t->lat, 0.99));
	ffs_json_uint(&j, "fills", t->fills);
	ffs_json_uint(&j, "fill_bytes", t->fill_bytes);
	ffs_json_uint(&j, "evictions", t->evictions);
	ffs_json_uint(&j, "damaged", t->damaged);
	ffs_json_open_in(&j, "refused");
	for (i = 0; i < FFS_CACHE_REFUSALS_N; i++)
		ffs_json_uint(&j, ffs_cache_refusal_name((enum ffs_cache_refusal)i), t->refused[i]);
	ffs_json_close(&j);
	who_json(&j, w);
	ffs_json_close(&j);
	rc = ffs_json_print(&j, s->out);
	ffs_json_release(&j);
	return rc;
}

int
ffs_stock_stat(const struct ffs_stock *s)
{
	struct ffs_buf b = FFS_BUF_INIT;
	struct ffs_cache_totals t;
	struct ffs_cache_limits l;
	struct who w;
	uint64_t reads;
	int i, rc;

	_Static_assert(sizeof(t.lat) == FFS_LAT_BUCKETS * sizeof(uint64_t), "the same buckets");
	ffs_cache_totals(s->cache, &t);
	ffs_cache_limits_get(s->cache, &l);
	rc = who_read(s, &w);
	if (!rc && s->json)
		rc = stat_json(s, &t, &l, &w);
	if (rc || s->json)
		goto out;
	reads = t.hits + t.misses;
	ffs_buf_addf(&b, "directory   %s\n", ffs_cache_path(s->cache));
	ffs_buf_addf(&b, "entries     %" PRIu64 ", %.1f MB of at most %.1f MB, %u %% stays free\n",
	    t.entries, (double)t.bytes / 1e6, (double)l.size / 1e6, l.min_free_pc);
	ffs_buf_addf(&b, "reads       %" PRIu64 " hits, %" PRIu64 " misses: %.1f %%\n", t.hits,
	    t.misses, reads ? 100 * (double)t.hits / (double)reads : 0);
	ffs_buf_addf(&b, "hits        %.1f MB, p50 %" PRIu64 " us, p99 %" PRIu64 " us\n",
	    (double)t.hit_bytes / 1e6, ffs_maps_quantile_us(t.lat, 0.5),
	    ffs_maps_quantile_us(t.lat, 0.99));
	ffs_buf_addf(&b, "fills       %" PRIu64 ", %.1f MB\n", t.fills, (double)t.fill_bytes / 1e6);
	ffs_buf_addf(&b, "evictions   %" PRIu64 "\n", t.evictions);
	ffs_buf_addf(&b, "damaged     %" PRIu64 "\n", t.damaged);
	for (i = 0; i < FFS_CACHE_REFUSALS_N; i++)
		if (t.refused[i])
			ffs_buf_addf(&b, "refused     %" PRIu64 ": %s (%s)\n", t.refused[i],
			    ffs_cache_refusal_text((enum ffs_cache_refusal)i),
			    ffs_cache_refusal_name((enum ffs_cache_refusal)i));
	who_add(&b, &w);
	rc = ffs_buf_error(&b);
	if (!rc && fwrite(b.p, 1, b.len, s->out) != b.len)
		rc = -errno;
out:
	ffs_buf_release(&b);
	free(w.v);
	return rc;
}
