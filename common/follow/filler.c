#include "common/follow/fillerimpl.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/base/clock.h"

#define LOOKS 64      /* wishes a turn that may need no request */
#define BURST_MS 100u /* of the rate may come at once */

/* --- the table --- */

static struct ffs_fill **
slot(struct ffs_filler *f, const char *bucket, const char *key)
{
	uint64_t h = 0xcbf29ce484222325; /* FNV-1a */
	const char *s;

	for (s = bucket; *s; s++)
		h = (h ^ (unsigned char)*s) * 0x100000001b3;
	h = (h ^ '/') * 0x100000001b3;
	for (s = key; *s; s++)
		h = (h ^ (unsigned char)*s) * 0x100000001b3;
	return &f->table[(h ^ h >> 32) % FFS_FILLER_BUCKETS];
}

static struct ffs_fill *
find(struct ffs_filler *f, const char *bucket, const char *key)
{
	struct ffs_fill *j = *slot(f, bucket, key);

	while (j && (strcmp(j->w.key, key) || strcmp(j->w.bucket, bucket)))
		j = j->chain;
	return j;
}

void
ffs_fill_enter(struct ffs_fill *j, struct ffs_fill_list *l)
{
	struct ffs_filler *f = j->f;

	if (j->list)
		TAILQ_REMOVE(j->list, j, entry);
	f->nrunning -= j->list == &f->running;
	f->nrunning += l == &f->running;
	j->list = l;
	if (l)
		TAILQ_INSERT_TAIL(l, j, entry);
}

void
ffs_fill_free(struct ffs_fill *j)
{
	struct ffs_fill **at = slot(j->f, j->w.bucket, j->w.key);

	while (*at && *at != j)
		at = &(*at)->chain;
	if (*at) {
		*at = j->chain;
		j->f->left--;
	}
	ffs_fill_enter(j, NULL);
	if (j->hit.fd >= 0)
		close(j->hit.fd);
	if (j->fill)
		ffs_cache_fill_abort(j->fill);
	free(j->head);
	ZSTD_freeDCtx(j->zstd);
	ffs_source_unref(j->w.src);
	free((char *)(uintptr_t)j->w.bucket);
	free((char *)(uintptr_t)j->w.key);
	free(j);
}

/* Refuse what needs no look at anything.  true: it is refused. */
static bool
unwanted(struct ffs_filler *f, struct ffs_fill *j)
{
	struct ffs_cache_limits limits;

	ffs_cache_limits_get(f->o.cache, &limits);
	if (ffs_manifest_is_control(j->w.key))
		ffs_fill_refuse(j, FFS_CACHE_REFUSED_control, 0);
	else if (!ffs_cache_wanted(f->o.how->allow, f->o.how->deny, j->w.bucket, j->w.key))
		ffs_fill_refuse(j, FFS_CACHE_REFUSED_denied, 0);
	else if (limits.size && j->w.size > limits.size)
		ffs_fill_refuse(j, FFS_CACHE_REFUSED_large, 0);
	else
		return false;
	return true;
}

struct ffs_cache_name
ffs_filler_name(const struct ffs_stores *st, const char *bucket, const char *key)
{
	return (struct ffs_cache_name){ st->nodes.v[0].ep.url, bucket, key };
}

/* A wish that is there already may have become more urgent. */
static void
hurry(struct ffs_fill *j, const struct ffs_filler_want *w)
{
	if (!w->hot)
		return;
	j->w.hot = true;
	j->w.keep = j->w.keep && w->keep;
	if (!j->w.hot_ns)
		j->w.hot_ns = w->hot_ns;
	if (w->interval_us) {
		j->w.interval_us = w->interval_us;
		j->w.read_ns = w->read_ns;
	}
	if (j->list == &j->f->later)
		ffs_fill_enter(j, &j->f->hot);
}

int
ffs_filler_add(struct ffs_filler *f, const struct ffs_filler_want *w)
{
	struct ffs_fill *j = find(f, w->bucket, w->key), **at;

	if (j) {
		hurry(j, w);
		return 1;
	}
	j = calloc(1, sizeof(*j));
	if (!j)
		return -ENOMEM;
	j->f = f;
	j->w = *w;
	j->hit.fd = -1;
	j->w.bucket = strdup(w->bucket);
	j->w.key = strdup(w->key);
	if (w->src)
		ffs_source_ref(w->src);
	if (!j->w.bucket || !j->w.key) {
		ffs_source_unref(j->w.src);
		free((char *)(uintptr_t)j->w.bucket);
		free((char *)(uintptr_t)j->w.key);
		free(j);
		return -ENOMEM;
	}
	at = slot(f, w->bucket, w->key);
	j->chain = *at;
	*at = j;
	f->left++;
	if (unwanted(f, j))
		return 1;
	ffs_fill_enter(j, w->hot ? &f->hot : &f->later);
	return 0;
}

static void
changed(struct ffs_fill *j)
{
	j->changed = true;
	if (j->list == &j->f->running)
		ffs_s3_cancel(j->s3, j->id);
	else
		ffs_fill_refuse(j, FFS_CACHE_REFUSED_changed, 0);
}

void
ffs_filler_changed(struct ffs_filler *f, const char *bucket, const char *key)
{
	struct ffs_fill *j, *next;
	size_t i;

	if (key) {
		j = find(f, bucket, key);
		if (j)
			changed(j);
		return;
	}
	for (i = 0; i < FFS_FILLER_BUCKETS; i++)
		for (j = f->table[i]; j; j = next) {
			next = j->chain;
			if (!strcmp(j->w.bucket, bucket))
				changed(j);
		}
}

/* --- the rate --- */

/* A bucket of tokens: it fills by the rate, and bytes that came take theirs out, below 0 if need
 * be. */
static void
refill(struct ffs_filler *f)
{
	uint64_t now = ffs_clock_us(), past = now - f->filled_us;
	int64_t most = (int64_t)(f->o.how->rate / 1000 * BURST_MS) + 1;
	struct ffs_fill *j;

	if (!f->o.how->rate)
		return;
	if (past > 1000000)
		past = 1000000;
	f->filled_us = now;
	f->tokens += (int64_t)((double)f->o.how->rate * (double)past / 1e6);
	if (f->tokens > most)
		f->tokens = most;
	if (f->tokens <= 0)
		return;
	TAILQ_FOREACH(j, &f->running, entry)
	if (j->paused) {
		j->paused = false;
		ffs_s3_resume(j->s3, j->id);
	}
}

bool
ffs_filler_take(struct ffs_filler *f, size_t n)
{
	if (!f->o.how->rate)
		return true;
	if (f->tokens <= 0)
		return false;
	f->tokens -= (int64_t)n;
	return true;
}

/* --- a turn --- */

/* Start what there is room for.  How long to wait at most, then. */
static int
start(struct ffs_filler *f, int timeout_ms)
{
	struct ffs_fill *j;
	int looks, ms;

	if (f->arrived != ffs_shelf_arrived(f->shelf)) {
		f->arrived = ffs_shelf_arrived(f->shelf);
		while ((j = TAILQ_FIRST(&f->waiting)))
			ffs_fill_enter(j, j->w.hot ? &f->hot : &f->later);
	}
	while ((j = TAILQ_FIRST(&f->resting)) && j->due_us <= ffs_clock_us())
		ffs_fill_enter(j, &f->later);
	refill(f);
	for (looks = 0; f->nrunning < f->o.how->jobs && (!f->o.how->rate || f->tokens > 0);
	     looks++) {
		j = TAILQ_FIRST(&f->hot) ? TAILQ_FIRST(&f->hot) : TAILQ_FIRST(&f->later);
		if (!j)
			break;
		if (looks == LOOKS)
			return 0;
		ffs_fill_start(j);
	}
	if (!TAILQ_EMPTY(&f->resting) && timeout_ms > FFS_FILLER_REST_MS)
		timeout_ms = FFS_FILLER_REST_MS;
	if (!f->o.how->rate || f->tokens > 0 || !f->left)
		return timeout_ms;
	ms = (int)((double)-f->tokens * 1000 / (double)f->o.how->rate) + 1;
	return ms < timeout_ms ? ms : timeout_ms;
}

int
ffs_filler_run(struct ffs_filler *f, int timeout_ms)
{
	int rc = ffs_http_run(f->o.stores->http, start(f, timeout_ms));

	return rc < 0 ? rc : (int)(f->left < INT32_MAX ? f->left : INT32_MAX);
}

size_t
ffs_filler_left(const struct ffs_filler *f)
{
	return f->left;
}

struct ffs_filler *
ffs_filler_new(const struct ffs_filler_opts *o)
{
	struct ffs_filler *f = calloc(1, sizeof(*f));

	if (!f)
		return NULL;
	f->o = *o;
	TAILQ_INIT(&f->hot);
	TAILQ_INIT(&f->later);
	TAILQ_INIT(&f->waiting);
	TAILQ_INIT(&f->resting);
	TAILQ_INIT(&f->running);
	f->filled_us = ffs_clock_us();
	f->plain = malloc(ZSTD_DStreamOutSize());
	f->shelf = ffs_shelf_new(o->stores);
	if (f->shelf && f->plain)
		return f;
	ffs_filler_free(f);
	errno = ENOMEM;
	return NULL;
}

void
ffs_filler_free(struct ffs_filler *f)
{
	struct ffs_fill *j;
	size_t i;

	if (!f)
		return;
	f->closing = true;
	for (i = 0; i < FFS_FILLER_BUCKETS; i++)
		while ((j = f->table[i])) {
			if (j->list == &f->running)
				ffs_s3_cancel(j->s3, j->id);
			else
				ffs_fill_free(j);
		}
	ffs_shelf_free(f->shelf);
	free(f->plain);
	free(f);
}
