#include "common/screen/feed.h"

#include <errno.h>
#include <pwd.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "common/base/clock.h"

#define CACHE_MS 2000 /* until it is looked for again where there is none */
#define MAPS_MS 1000  /* until it is looked again whether they are still the same */
#define SERVED_MS 1000
#define USERS_MAX 256

int
ffs_feed_open(struct ffs_feed *f)
{
	int rc;

	free(f->gone);
	f->gone = NULL;
	rc = ffs_maps_open(&f->maps, f->dir, &f->gone);
	f->open = !rc;
	f->maps_ms = ffs_clock_ms() + MAPS_MS;
	return rc;
}

void
ffs_feed_release(struct ffs_feed *f)
{
	size_t i;

	if (f->open)
		ffs_maps_release(&f->maps);
	f->open = false;
	ffs_cache_free(f->cache);
	ffs_served_close(f->served);
	f->cache = NULL;
	f->served = NULL;
	free(f->gone);
	free(f->no_cache);
	f->gone = f->no_cache = NULL;
	for (i = 0; i < f->nusers; i++)
		free(f->users[i].name);
	free(f->users);
	f->users = NULL;
	f->nusers = 0;
}

/* --- objects --- */

/* The name of a user; looked up once. */
static const char *
user_name(struct ffs_feed *f, uint32_t uid)
{
	struct passwd *pw;
	void *p;
	size_t i;

	if (uid == UINT32_MAX)
		return NULL;
	for (i = 0; i < f->nusers; i++)
		if (f->users[i].uid == uid)
			return f->users[i].name;
	if (f->nusers == USERS_MAX)
		return NULL;
	p = reallocarray(f->users, f->nusers + 1, sizeof(*f->users));
	if (!p)
		return NULL;
	f->users = p;
	pw = getpwuid(uid);
	f->users[f->nusers].uid = uid;
	f->users[f->nusers].name = pw ? strdup(pw->pw_name) : NULL;
	return f->users[f->nusers++].name;
}

static int
read_name(struct ffs_feed *f, struct ffs_model_row *row, const struct ffs_object_id *id)
{
	const char *url = f->addresses ? ffs_addresses_find(f->addresses, id) : NULL;
	struct ffs_maps_object o;

	/* Without a name it is being added or removed just now: the next snapshot tells. */
	if (ffs_maps_object(&f->maps, id, &o))
		return 0;
	return ffs_model_name(f->m, row, url && f->primary ? f->primary : url, o.bucket, o.key,
	    o.key_len, o.version[0] != '\0');
}

static int
each(void *arg, const struct ffs_object_id *id, const struct ffs_object_stat *stat)
{
	struct ffs_feed *f = arg;
	struct ffs_model_row *row;
	bool fresh;

	row = ffs_model_see(f->m, id, stat, &fresh);
	if (!row)
		return -ENOMEM;
	if (fresh || row->uid != UINT32_MAX)
		row->user = user_name(f, row->uid);
	return fresh ? read_name(f, row, id) : 0;
}

/* --- the cache --- */

static void
ask(void *arg, const struct ffs_cache_name *n, struct ffs_model_kept *k)
{
	const struct ffs_feed *f = arg;
	struct ffs_cache_noted noted;
	struct ffs_served_count c;

	if (!f->cache)
		return;
	k->cached = ffs_cache_has(f->cache, n);
	if (!ffs_cache_noted(f->cache, n, &noted)) {
		k->hits = noted.hits;
		k->hit_us = noted.lat_mean_us;
	}
	if (f->served && !ffs_served_object(f->served, n, &c))
		memcpy(k->from, c.requests, sizeof(k->from));
}

/* Who was served from where, as long as it is the file in the cache. */
static void
read_served(struct ffs_feed *f, struct ffs_model *m)
{
	m->served = (struct ffs_served_count){ 0 };
	if (f->cache && ffs_clock_ms() >= f->served_ms) {
		if (f->served && !ffs_served_current(f->served)) {
			ffs_served_close(f->served);
			f->served = NULL;
		}
		if (!f->served)
			f->served = ffs_served_open(ffs_cache_path(f->cache), false);
		f->served_ms = ffs_clock_ms() + SERVED_MS;
	}
	if (f->served)
		ffs_served_totals(f->served, &m->served);
}

/* Its totals; says whether anything has happened in it. */
static bool
read_cache(struct ffs_feed *f, struct ffs_model *m)
{
	struct ffs_cache_totals *t = &m->cache, last = f->totals;
	struct ffs_served_count before = m->served;

	if (!f->cache && ffs_clock_ms() >= f->cache_ms) {
		free(f->no_cache);
		f->no_cache = NULL;
		f->cache = ffs_cache_open(NULL, false, &f->no_cache);
		if (!f->cache && errno == ENOENT) {
			free(f->no_cache);
			f->no_cache =
			    strdup("none yet: ffs-cache or ffs-get --cache=fill makes it");
		}
		f->cache_ms = ffs_clock_ms() + CACHE_MS;
	}
	m->have_cache = f->cache != NULL;
	*t = (struct ffs_cache_totals){ 0 };
	if (f->cache)
		ffs_cache_totals(f->cache, t);
	f->totals = *t;
	read_served(f, m);
	return memcmp(t, &last, sizeof(last)) || memcmp(&before, &m->served, sizeof(before));
}

/* --- programs --- */

static int
kernel_program(void *arg, const struct ffs_reader_id *id, const struct ffs_reader_stat *s)
{
	struct ffs_feed *f = arg;
	uint64_t now = f->m->now_ns;
	struct ffs_program p = { .uid = id->uid,
		.user = user_name(f, id->uid),
		.reads = s->reads,
		.bytes = s->bytes,
		.age_s = now > s->last_ns ? (now - s->last_ns) / 1000000000 : 0 };

	memcpy(p.comm, id->comm, sizeof(p.comm));
	return ffs_programs_add(&f->m->programs, &p);
}

static int
served_program(void *arg, const char *comm, uint32_t uid, const struct ffs_served_count *c)
{
	struct ffs_feed *f = arg;
	int64_t age = (int64_t)time(NULL) - c->last_us / 1000000;
	struct ffs_program p = { .uid = uid,
		.user = user_name(f, uid),
		.served = *c,
		.age_s = age > 0 ? (uint64_t)age : 0 };

	memcpy(p.comm, comm, sizeof(p.comm));
	return ffs_programs_add(&f->m->programs, &p);
}

static int
read_programs(struct ffs_feed *f, struct ffs_model *m)
{
	int rc = 0;

	m->programs.n = 0;
	if (!m->gone)
		rc = ffs_maps_readers(&f->maps, kernel_program, f);
	if (!rc && f->served)
		rc = ffs_served_programs(f->served, served_program, f);
	ffs_programs_settle(&m->programs);
	return rc;
}

/* --- the kernel's maps --- */

/* Are the maps there; -ENOENT: not now. */
static int
follow_maps(struct ffs_feed *f, struct ffs_model *m)
{
	int64_t now = ffs_clock_ms();

	if (f->open && now < f->maps_ms)
		return 0;
	if (f->open && ffs_maps_current(&f->maps, f->dir)) {
		f->maps_ms = now + MAPS_MS;
		return 0;
	}
	if (!f->open && now < f->maps_ms)
		return -ENOENT;
	if (f->open)
		ffs_maps_release(&f->maps);
	f->open = false;
	if (ffs_feed_open(f))
		return -ENOENT;
	ffs_model_reset(m);
	return 0;
}

static int
read_kernel(struct ffs_feed *f, struct ffs_model *m, struct ffs_series_at *at)
{
	int rc = ffs_maps_counters(&f->maps, m->counters);

	if (!rc)
		rc = ffs_maps_latency(&f->maps, at->origin);
	if (!rc)
		rc = ffs_maps_meta(&f->maps, &m->meta);
	if (!rc)
		rc = ffs_maps_stats(&f->maps, each, f);
	at->reads = m->counters[FFS_COUNT_reads];
	at->read_bytes = m->counters[FFS_COUNT_read_bytes];
	return rc;
}

int
ffs_feed_read(struct ffs_feed *f, struct ffs_model *m)
{
	struct ffs_series_at at;
	bool changed;
	int rc = 0;

	f->m = m;
	m->gone = follow_maps(f, m) != 0;
	at = m->series.last;
	at.ns = ffs_clock_ns();
	changed = read_cache(f, m);
	if (!m->gone) {
		ffs_model_begin(m, at.ns);
		rc = read_kernel(f, m, &at);
		if (!rc)
			rc = ffs_model_end(m, changed, ask, f);
	}
	if (!rc)
		rc = read_programs(f, m);
	at.hits = m->cache.hits;
	at.misses = m->cache.misses;
	at.hit_bytes = m->cache.hit_bytes;
	memcpy(at.hit, m->cache.lat, sizeof(at.hit));
	ffs_series_add(&m->series, &at);
	return rc;
}
