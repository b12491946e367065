#include "common/gate/flight.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/cache/attr.h"
#include "common/gate/flightimpl.h"

struct ffs_flights *
ffs_flights_new(
    const struct ffs_cache *cache, struct ffs_count *count, void (*ready)(void *arg), void *arg)
{
	struct ffs_flights *fs = calloc(1, sizeof(*fs));
	int rc = ENOMEM;

	if (!fs)
		return NULL;
	fs->count = count ? count : &fs->own;
	fs->ready = ready;
	fs->arg = arg;
	fs->last = &fs->landed;
	pthread_mutex_init(&fs->lock, NULL);
	fs->cache = ffs_cache_open(ffs_cache_path(cache), true, NULL);
	if (fs->cache)
		fs->jobs = ffs_jobs_new(1);
	if (fs->jobs)
		return fs;
	rc = errno;
	ffs_flights_free(fs);
	errno = rc;
	return NULL;
}

void
ffs_flights_free(struct ffs_flights *fs)
{
	size_t i;

	if (!fs)
		return;
	/* What is added from here on is done at once, by us. */
	if (fs->jobs)
		ffs_jobs_stop(fs->jobs);
	while (fs->landed)
		ffs_flights_step(fs);
	for (i = 0; i < FFS_FLIGHT_CHAINS; i++)
		while (fs->chains[i])
			ffs_flight_unlist(fs->chains[i]);
	ffs_jobs_free(fs->jobs);
	ffs_cache_free(fs->cache);
	pthread_mutex_destroy(&fs->lock);
	free(fs);
}

/* --- finding one --- */

static unsigned
chain_of(const struct ffs_cache_name *n)
{
	const char *s = n->key;
	uint32_t h = 2166136261u;

	for (; *s; s++)
		h = (h ^ (unsigned char)*s) * 16777619u;
	return h % FFS_FLIGHT_CHAINS;
}

static bool
is_in(const struct ffs_flight *f, const struct ffs_cache_name *n)
{
	return !strcmp(f->name.bucket, n->bucket) && !strcmp(f->name.endpoint, n->endpoint);
}

struct ffs_flight *
ffs_flights_find(struct ffs_flights *fs, const struct ffs_cache_name *n)
{
	struct ffs_flight *f = fs->chains[chain_of(n)];

	while (f && (strcmp(f->name.key, n->key) || !is_in(f, n)))
		f = f->next;
	return f;
}

void
ffs_flights_spoil(struct ffs_flights *fs, const struct ffs_cache_name *n)
{
	size_t i = n->key ? chain_of(n) : 0;
	size_t end = n->key ? i + 1 : FFS_FLIGHT_CHAINS;
	struct ffs_flight *f, *next;

	for (; i < end; i++)
		for (f = fs->chains[i]; f; f = next) {
			next = f->next;
			if (!is_in(f, n) || (n->key && strcmp(f->name.key, n->key)))
				continue;
			f->spoiled = true;
			ffs_flight_unkeep(f);
		}
}

void
ffs_flight_unlist(struct ffs_flight *f)
{
	if (!f->prev)
		return;
	*f->prev = f->next;
	if (f->next)
		f->next->prev = f->prev;
	f->prev = NULL;
}

static void
list(struct ffs_flight *f)
{
	struct ffs_flight **at = &f->fs->chains[chain_of(&f->name)];

	f->next = *at;
	if (f->next)
		f->next->prev = &f->next;
	f->prev = at;
	*at = f;
}

/* --- its readers --- */

static void
reader_unlink(struct ffs_flight_reader *r)
{
	*r->prev = r->next;
	if (r->next)
		r->next->prev = r->prev;
}

static void
reader_link(struct ffs_flight_reader **at, struct ffs_flight_reader *r)
{
	r->next = *at;
	if (r->next)
		r->next->prev = &r->next;
	r->prev = at;
	*at = r;
}

int
ffs_flight_wait(struct ffs_flight_reader *r)
{
	reader_unlink(r);
	reader_link(&r->flight->waiting, r);
	return -ENODATA;
}

void
ffs_flight_wake(struct ffs_flight *f, bool all)
{
	struct ffs_flight_reader *r;

	f->held++;
	/* Those of a call further up are at its end. */
	while ((r = f->waiting)) {
		reader_unlink(r);
		reader_link(&f->due, r);
	}
	while ((r = f->due)) {
		reader_unlink(r);
		if (!all && (r->at >= ffs_flight_have(f) || (!f->flies && r != f->leader))) {
			reader_link(&f->waiting, r);
			continue;
		}
		reader_link(&f->active, r);
		r->wake(r);
	}
	f->held--;
	ffs_flight_settle(f);
}

int
ffs_flight_join(struct ffs_flight *f, struct ffs_flight_reader *r)
{
	if (!f->prev)
		return -EAGAIN;
	r->flight = f;
	r->came = f->asked;
	reader_link(f->flies ? &f->active : &f->waiting, r);
	return 0;
}

/* Nobody reads it: the rest need not come. */
static void
abandon(struct ffs_flight *f)
{
	struct ffs_flight_source *s = f->source;

	f->lost = true;
	ffs_flight_unkeep(f);
	f->source = NULL;
	if (!s)
		return;
	s->flight = NULL;
	s->abandon(s);
}

void
ffs_flight_leave(struct ffs_flight_reader *r)
{
	struct ffs_flight *f = r->flight;

	if (!f)
		return;
	f->held++;
	reader_unlink(r);
	r->flight = NULL;
	if (f->asker == r) {
		f->asker = NULL;
		ffs_flight_wake(f, true);
	}
	if (f->leader == r) {
		f->leader = NULL;
		/* His was the request, and there is no answer yet. */
		if (!f->begun) {
			f->lost = true;
			ffs_flight_unkeep(f);
			ffs_flight_wake(f, true);
		}
	}
	if (!f->active && !f->waiting && !f->due && !f->ended)
		abandon(f);
	else
		ffs_flight_advance(f);
	f->held--;
	ffs_flight_settle(f);
}

/* --- its life --- */

int
ffs_flight_new(struct ffs_flights *fs, const struct ffs_cache_name *n,
    const struct ffs_flight_who *who, struct ffs_flight_reader *r)
{
	size_t ne = strlen(n->endpoint) + 1, nb = strlen(n->bucket) + 1, nk = strlen(n->key) + 1;
	struct ffs_flight *f;
	char *p;

	if (ffs_attr_name_ok(n))
		return -EINVAL;
	f = calloc(1, sizeof(*f) + ne + nb + nk);
	if (!f)
		return -ENOMEM;
	p = (char *)(f + 1);
	f->name.endpoint = memcpy(p, n->endpoint, ne);
	f->name.bucket = memcpy(p + ne, n->bucket, nb);
	f->name.key = memcpy(p + ne + nb, n->key, nk);
	f->fs = fs;
	f->who = *who;
	f->fd = -1;
	f->leader = r;
	r->flight = f;
	reader_link(&f->active, r);
	list(f);
	ffs_count_add(&fs->count->flights_active, 1);
	return 0;
}

void
ffs_flight_settle(struct ffs_flight *f)
{
	if (f->held || f->busy || f->source || f->active || f->waiting || f->due)
		return;
	ffs_flight_unlist(f);
	ffs_count_add(&f->fs->count->flights_active, -1);
	if (f->fd >= 0)
		close(f->fd);
	free(f->window);
	free(f);
}

void
ffs_flight_sent(struct ffs_flight_reader *r)
{
	struct ffs_flight *f = r->flight;

	if (f && f->leader == r)
		f->led = ++f->asked;
}

int
ffs_flight_begin(
    struct ffs_flight *f, const struct ffs_cache_fill_opts *o, const struct ffs_kept *kept)
{
	size_t cap = o->size < FFS_FLIGHT_WINDOW ? (size_t)o->size : FFS_FLIGHT_WINDOW;

	if (strlen(o->etag) >= sizeof(f->etag))
		return -EINVAL;
	f->window = malloc(cap + 1);
	if (!f->window)
		return -ENOMEM;
	f->cap = cap;
	f->opts = *o;
	strcpy(f->etag, o->etag);
	f->opts.etag = f->etag;
	f->kept = *kept;
	f->since = o->since ? o->since : (int64_t)time(NULL);
	f->opts.since = f->since;
	f->begun = f->answered = true;
	f->told = f->led;
	if (!f->unkept) {
		ffs_hangar_add(f, FFS_HANGAR_OPEN);
		return 0;
	}
	/* Spoiled before it began. */
	f->flies = f->alone = true;
	ffs_flight_wake(f, true);
	return 0;
}

void
ffs_flight_answer(struct ffs_flight *f, const struct ffs_flight_reader *leader)
{
	if (f->leader == leader)
		f->answered = true;
}

bool
ffs_flight_answered(const struct ffs_flight *f)
{
	return f->answered;
}

void
ffs_flight_feed(struct ffs_flight *f, struct ffs_flight_source *s)
{
	f->source = s;
	s->flight = f;
}

void
ffs_flight_commit(struct ffs_flight *f)
{
	/* Until the file is open there is nothing to commit. */
	if (f->busy || !f->fill)
		return;
	ffs_flight_flush(f);
	if (!f->fill)
		return;
	free(f->window);
	f->window = NULL;
	f->cap = 0;
	ffs_hangar_add(f, FFS_HANGAR_COMMIT);
}

void
ffs_flight_end(struct ffs_flight *f, int rc)
{
	f->held++;
	if (f->source)
		f->source->flight = NULL;
	f->source = NULL;
	if (rc || ffs_flight_have(f) != f->opts.size) {
		f->lost = true;
		ffs_flight_unkeep(f);
	} else {
		f->ended = true;
		ffs_flight_commit(f);
	}
	ffs_flight_wake(f, true);
	f->held--;
	ffs_flight_settle(f);
}

enum ffs_flight_state
ffs_flight_state(const struct ffs_flight *f)
{
	if (f->lost || f->alone)
		return FFS_FLIGHT_LOST;
	return !f->flies ? FFS_FLIGHT_ASKED : f->ended ? FFS_FLIGHT_LANDED : FFS_FLIGHT_FLYING;
}

void
ffs_flight_hit(const struct ffs_flight *f, struct ffs_cache_hit *hit)
{
	*hit = (struct ffs_cache_hit){
		.fd = -1, .size = f->opts.size, .filled = f->since, .validated = f->since
	};
	strcpy(hit->etag, f->etag);
}

const struct ffs_kept *
ffs_flight_kept(const struct ffs_flight *f)
{
	return &f->kept;
}

bool
ffs_flight_suits(const struct ffs_flight *f, const struct ffs_flight_who *who)
{
	return !f->who.range[0] || !strcmp(f->who.range, who->range);
}

bool
ffs_flight_same(const struct ffs_flight *f, const struct ffs_flight_who *who)
{
	return who->kind != FFS_FLIGHT_NOBODY && who->kind == f->who.kind &&
	       !strcmp(who->request, f->who.request);
}

bool
ffs_flight_told(const struct ffs_flight_reader *r)
{
	return r->flight->told > r->came;
}

bool
ffs_flight_asks(struct ffs_flight_reader *r)
{
	struct ffs_flight *f = r->flight;

	if (f->asker) {
		ffs_flight_wait(r);
		return false;
	}
	f->asker = r;
	f->asked++;
	return true;
}

void
ffs_flight_tells(struct ffs_flight_reader *r)
{
	struct ffs_flight *f = r->flight;

	if (!f || f->asker != r)
		return;
	f->asker = NULL;
	f->told = f->asked;
	ffs_flight_wake(f, true);
}
