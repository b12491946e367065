#include "common/follow/follow.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/clock.h"
#include "common/watch/addresses.h"
#include "common/watch/maps.h"
#include "common/watch/report.h"
#include "common/watch/ring.h"

#define TICK_MS 500  /* how often the counters and the pins are looked at, */
#define TEND_MS 500  /* the cache, for others that want room */
#define ALL_MS 100   /* and the objects, where every read counts */
#define ALL_SHARE 10 /* a walk over many takes time: at most a tenth of it goes there */

struct ffs_follow {
	struct ffs_follow_opts o;
	struct ffs_filler *filler;
	struct ffs_addresses addresses;
	struct ffs_maps maps;
	struct ffs_ring *ring; /* NULL: nothing is loaded */
	bool told;             /* that it has gone */
	bool put_off;          /* there was too much to do: walk again */
	uint64_t counters[FFS_COUNTERS_N];
	uint64_t seen_ns; /* reads before that were looked at, where every read counts */
	int64_t ticked_ms, tended_ms, walk_ms;
	bool tend_more, tend_failed;
	struct ffs_follow_stats stats;
	uint64_t lat[FFS_LAT_BUCKETS];
};

static void
refuse(struct ffs_follow *f, enum ffs_cache_refusal why, const char *bucket, const char *key)
{
	struct ffs_filler_event e = { .outcome = FFS_FILLER_REFUSED,
		.why = why,
		.bucket = bucket,
		.key = key,
		.text = ffs_cache_refusal_text(why) };

	ffs_cache_refuse(f->o.fill.cache, why);
	if (f->o.fill.event)
		f->o.fill.event(f->o.fill.arg, &e);
}

/* Whose store it is, or -1. */
static int
node_of(const struct ffs_follow *f, const struct ffs_object_id *id)
{
	const struct ffs_nodes *nodes = &f->o.fill.stores->nodes;
	const char *url = ffs_addresses_find(&f->addresses, id);
	size_t i;

	for (i = 0; url && i < nodes->n; i++)
		if (!strcmp(nodes->v[i].ep.url, url))
			return (int)i;
	return -1;
}

/* An object that is to be cached, if it can be. */
static void
want(struct ffs_follow *f, const struct ffs_object_id *id, bool nameless, struct ffs_filler_want *w)
{
	int node = node_of(f, id);

	if (ffs_filler_left(f->filler) >= FFS_FILLER_MANY * (w->hot ? 2u : 1u)) {
		f->put_off = true;
	} else if (node < 0) {
		refuse(f, FFS_CACHE_REFUSED_unknown, w->bucket, w->key);
	} else if (nameless) {
		refuse(f, FFS_CACHE_REFUSED_version, w->bucket, w->key);
	} else {
		w->node = (size_t)node;
		ffs_filler_add(f->filler, w);
	}
}

/* --- events --- */

struct name {
	char bucket[FFS_BUCKET_MAX + 1], key[FFS_KEY_MAX + 1];
	bool nameless; /* it cannot be said by these */
};

static void
take_name(const struct ffs_event *e, struct name *n)
{
	memcpy(n->bucket, e->text, e->bucket_len);
	n->bucket[e->bucket_len] = '\0';
	memcpy(n->key, e->text + e->bucket_len + 1, e->key_len);
	n->key[e->key_len] = '\0';
	n->nameless = e->version_len || !*n->bucket || !*n->key || strlen(n->key) != e->key_len ||
	              strlen(n->bucket) != e->bucket_len;
}

/* From before a break, of ours or of the kernel's side. */
static bool
stale(const struct ffs_follow *f, const struct ffs_event *e)
{
	uint64_t now = ffs_clock_us() * 1000;

	return e->ns < f->maps.loaded.loaded_ns ||
	       (e->ns < now && now - e->ns > f->maps.loaded.rearm_ns);
}

static void
on_hot(struct ffs_follow *f, const struct ffs_event *e)
{
	struct ffs_maps_object o;
	struct name n;
	struct ffs_filler_want w = { .bucket = n.bucket,
		.key = n.key,
		.size = e->size,
		.hot_ns = e->ns,
		.interval_us = e->interval_ns / 1000,
		.read_ns = e->ns,
		.hot = true };

	f->stats.hot++;
	take_name(e, &n);
	if (stale(f, e)) {
		if (ffs_maps_object(&f->maps, &e->id, &o) || !o.stat.hot_ns) {
			refuse(f, FFS_CACHE_REFUSED_stale, n.bucket, n.key);
			return;
		}
		w.hot_ns = 0;
	}
	want(f, &e->id, n.nameless, &w);
}

static void
on_invalidate(struct ffs_follow *f, const struct ffs_event *e)
{
	struct ffs_cache_name name;
	struct name n;
	int64_t dropped;

	f->stats.invalidate++;
	take_name(e, &n);
	if (node_of(f, &e->id) < 0)
		return;
	name = ffs_filler_name(f->o.fill.stores, n.bucket, n.key);
	if (e->flags & FFS_EVENT_BUCKET) {
		ffs_filler_changed(f->filler, n.bucket, NULL);
		dropped = ffs_cache_drop_bucket(f->o.fill.cache, name.endpoint, n.bucket);
	} else {
		/* A write without a version is of the current one. */
		ffs_filler_changed(f->filler, n.bucket, n.key);
		dropped = !ffs_cache_drop(f->o.fill.cache, &name);
	}
	if (dropped > 0 && f->o.dropped)
		f->o.dropped(
		    f->o.fill.arg, n.bucket, e->flags & FFS_EVENT_BUCKET ? NULL : n.key, dropped);
}

static void
on_event(void *arg, const struct ffs_event *e)
{
	struct ffs_follow *f = arg;

	if (e->type == FFS_EVENT_HOT)
		on_hot(f, e);
	else
		on_invalidate(f, e);
}

static void
on_ready(void *arg)
{
	struct ffs_follow *f = arg;

	ffs_ring_poll(f->ring, 0);
}

static void
on_fill(void *arg, const struct ffs_filler_event *e)
{
	struct ffs_follow *f = arg;
	unsigned i = 0;

	if (e->outcome == FFS_FILLER_FILLED) {
		f->stats.fills++;
		f->stats.fill_bytes += e->bytes;
		while (
		    e->hot_us && i + 1 < FFS_LAT_BUCKETS && ffs_maps_bucket_us(i + 1) <= e->hot_us)
			i++;
		f->lat[i] += e->hot_us != 0;
	}
	if (f->o.fill.event)
		f->o.fill.event(f->o.fill.arg, e);
}

/* --- the object map --- */

static int
on_object(void *arg, const struct ffs_maps_object *o)
{
	struct ffs_follow *f = arg;
	const struct ffs_object_stat *s = &o->stat;
	struct ffs_cache_name name = ffs_filler_name(f->o.fill.stores, o->bucket, o->key);
	struct ffs_filler_want w = { .bucket = o->bucket,
		.key = o->key,
		.size = s->size,
		.interval_us = s->interval_ns / 1000,
		.read_ns = s->last_ns,
		.keep = true };

	if (f->o.fill.how->all ? !s->reads || s->last_ns < f->seen_ns
			       : !ffs_report_is_hot(&f->maps, s))
		return 0;
	if (!ffs_cache_has(f->o.fill.cache, &name))
		want(f, &o->id, *o->version || strlen(o->key) != o->key_len, &w);
	return 0;
}

/* Fill what is hot and not cached. */
static void
walk(struct ffs_follow *f)
{
	uint64_t began = ffs_clock_us();

	f->stats.walks++;
	f->put_off = false;
	ffs_maps_each(&f->maps, on_object, f);
	if (!f->put_off)
		f->seen_ns = began * 1000;
	f->walk_ms = (int64_t)((ffs_clock_us() - began) / 1000);
}

/* --- the pins --- */

static int
open_pins(struct ffs_follow *f, char **why)
{
	int rc = ffs_maps_open(&f->maps, f->o.dir, why);

	if (rc)
		return rc;
	f->ring = ffs_ring_open(f->o.dir, on_event, f, why);
	rc = f->ring ? ffs_own_open(f->o.own, f->o.dir) : -errno;
	if (!rc)
		rc = ffs_maps_counters(&f->maps, f->counters);
	if (!rc)
		rc = ffs_http_watch(f->o.fill.stores->http, ffs_ring_fd(f->ring), on_ready, f);
	if (!rc)
		return 0;
	ffs_ring_free(f->ring);
	f->ring = NULL;
	ffs_maps_release(&f->maps);
	return rc;
}

static void
close_pins(struct ffs_follow *f)
{
	if (!f->ring)
		return;
	ffs_http_watch(f->o.fill.stores->http, -1, NULL, NULL);
	ffs_ring_free(f->ring);
	f->ring = NULL;
	ffs_maps_release(&f->maps);
}

static void
note(const struct ffs_follow *f, const char *text)
{
	if (f->o.note)
		f->o.note(f->o.fill.arg, text);
}

/* The programs were loaded anew, or have gone. */
static void
reopen(struct ffs_follow *f)
{
	bool was = f->ring;

	close_pins(f);
	if (!open_pins(f, NULL)) {
		note(f, was ? "ffs-hotmon was started anew: following that"
			    : "ffs-hotmon is back: following it");
		f->told = false;
		f->seen_ns = 0;
		walk(f);
	} else if (!f->told) {
		note(f, "ffs-hotmon has gone: waiting for another");
		f->told = true;
	}
}

static void
tick(struct ffs_follow *f)
{
	uint64_t now[FFS_COUNTERS_N];
	bool lost, read;

	if (!f->ring || !ffs_maps_current(&f->maps, f->o.dir)) {
		reopen(f);
		return;
	}
	if (ffs_maps_counters(&f->maps, now))
		return;
	lost = now[FFS_COUNT_ring_full] != f->counters[FFS_COUNT_ring_full];
	read = now[FFS_COUNT_reads] != f->counters[FFS_COUNT_reads];
	memcpy(f->counters, now, sizeof(now));
	if (lost)
		f->seen_ns = 0;
	if (lost || (f->o.fill.how->all && read) ||
	    (f->put_off && ffs_filler_left(f->filler) < FFS_FILLER_MANY / 2))
		walk(f);
}

/* --- the whole --- */

struct ffs_follow *
ffs_follow_new(const struct ffs_follow_opts *o, char **why)
{
	struct ffs_follow *f = calloc(1, sizeof(*f));
	struct ffs_filler_opts fill = o->fill;
	int rc;

	*why = NULL;
	if (!f)
		return NULL;
	f->o = *o;
	fill.event = on_fill;
	fill.arg = f;
	f->filler = ffs_filler_new(&fill);
	rc = ffs_cache_lock(o->fill.cache);
	if (rc == -EBUSY && asprintf(why, "another ffs-cache follows and evicts in '%s'",
				ffs_cache_path(o->fill.cache)) < 0)
		*why = NULL;
	if (!rc)
		rc = f->filler ? ffs_addresses_init(&f->addresses, &o->fill.stores->nodes) : -errno;
	if (!rc)
		rc = open_pins(f, why);
	if (!rc)
		return f;
	ffs_follow_free(f);
	errno = -rc;
	return NULL;
}

void
ffs_follow_free(struct ffs_follow *f)
{
	int saved = errno;

	if (!f)
		return;
	close_pins(f);
	ffs_filler_free(f->filler);
	ffs_addresses_release(&f->addresses);
	free(f);
	errno = saved;
}

/* What the cache wants done now and then; more where it says so. */
static void
tend(struct ffs_follow *f, int64_t now)
{
	int rc;

	if (now - f->tended_ms < TEND_MS && !f->tend_more)
		return;
	f->tended_ms = now;
	rc = ffs_cache_tick(f->o.fill.cache);
	f->tend_more = rc == 1;
	if (rc < 0 && !f->tend_failed)
		note(f, "cannot look after the cache");
	f->tend_failed = rc < 0;
}

int
ffs_follow_run(struct ffs_follow *f)
{
	int64_t now, every, left;
	int rc = 0;

	walk(f);
	while (!*f->o.stop && rc >= 0) {
		now = ffs_clock_ms();
		every = f->o.fill.how->all ? ALL_MS + f->walk_ms * ALL_SHARE : TICK_MS;
		if (now - f->ticked_ms >= every) {
			f->ticked_ms = now;
			tick(f);
			if (!ffs_cache_current(f->o.fill.cache))
				return -ESTALE;
		}
		tend(f, now);
		left = f->tend_more ? 0 : f->ticked_ms + every - now;
		rc = ffs_filler_run(f->filler, (int)(left < TEND_MS ? left : TEND_MS));
	}
	return rc < 0 ? rc : 0;
}

void
ffs_follow_stats(const struct ffs_follow *f, struct ffs_follow_stats *s)
{
	*s = f->stats;
	s->p50_us = ffs_maps_quantile_us(f->lat, 0.5);
	s->p99_us = ffs_maps_quantile_us(f->lat, 0.99);
}
