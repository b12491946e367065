#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/digest.h"
#include "common/gate/turnimpl.h"

/* A range that begins so far behind what has come of a flight is sooner had from the origin. */
enum { SOON = 4 << 20 };

/* --- who asks --- */

void
ffs_turn_meet(struct ffs_turn *t, const struct ffs_head *request)
{
	struct ffs_turns *all = t->all;

	if (!all->max_age_ms && !all->stale_ms && !all->keep_all && !all->keep_second)
		return;
	t->proven = all->vouch && !strcmp(t->name.endpoint, all->vouched) &&
	            !ffs_vouch_read(all->vouch, request, t->now);
	ffs_vouch_who(&t->who, request, t->proven);
	if (strlen(t->ask.range) < sizeof(t->who.range))
		strcpy(t->who.range, t->ask.range);
	/* See ffs_turn_believed(); and whose the bucket has to be is for the store to compare. */
	if ((t->ask.hosted && !t->proven) || !t->ask.plain)
		t->who.kind = FFS_FLIGHT_NOBODY;
}

static time_t *
wrote_at(const struct ffs_turn *t, const char *key)
{
	uint32_t h = 2166136261u;

	for (; *key; key++)
		h = (h ^ (unsigned char)*key) * 16777619u;
	return &t->all->wrote[h % (sizeof(t->all->wrote) / sizeof(t->all->wrote[0]))];
}

void
ffs_turn_wrote(struct ffs_turn *t, const struct ffs_cache_name *n)
{
	*(n && n->key ? wrote_at(t, n->key) : &t->all->wrote_bucket) = time(NULL);
	if (n && t->all->flights)
		ffs_flights_spoil(t->all->flights, n);
}

/* The store's last word on the object is younger than that, and than what was written here.  Times
 * are whole seconds: they are taken for older than they can be. */
static bool
within(const struct ffs_turn *t, uint64_t ms)
{
	int64_t at = t->hit.validated, age = (int64_t)t->now - at;

	return age >= 0 && (uint64_t)age < ms / 1000 && t->proven && t->ask.plain &&
	       !t->ask.no_cache && at > *wrote_at(t, t->name.key) && at > t->all->wrote_bucket;
}

/* Is what the store says about the object that it was asked for.  A store that knows no names in
 * its host reads BUCKET.HOST/KEY in its own way: anybody could have an object of his taken for
 * another, and given to whoever is not asked about. */
bool
ffs_turn_believed(const struct ffs_turn *t)
{
	return !t->ask.hosted || t->proven || (!t->all->max_age_ms && !t->all->stale_ms);
}

bool
ffs_turn_fresh(const struct ffs_turn *t)
{
	return within(t, t->all->max_age_ms);
}

bool
ffs_turn_stale(const struct ffs_turn *t, int status)
{
	struct ffs_turns *all = t->all;
	struct ffs_buf text = FFS_BUF_INIT;

	if ((status && status != 500 && status != 502 && status != 503 && status != 504) ||
	    !within(t, all->stale_ms))
		return false;
	if (all->note && all->noted != t->now) {
		all->noted = t->now;
		ffs_buf_addf(&text,
		    "%s: served from the cache, %lld s after it was last asked for ",
		    status ? "the origin is in trouble" : "the origin is away",
		    (long long)t->now - (long long)t->hit.validated);
		ffs_buf_addf(&text, "'s3://%s/%s'", t->name.bucket, t->name.key);
		if (!ffs_buf_error(&text))
			all->note(all->arg, false, text.p);
		ffs_buf_release(&text);
	}
	return true;
}

/* --- flights --- */

static void
leave(struct ffs_turn *t)
{
	ffs_flight_leave(&t->reader);
	t->flight = t->reply.flight = NULL;
	t->leads = false;
}

static void
woken(struct ffs_flight_reader *r)
{
	struct ffs_turn *t = r->arg;

	t->all->wake(t);
}

static bool
allowed(const struct ffs_turn *t)
{
	return ffs_cache_wanted(t->all->allow, t->all->deny, t->name.bucket, t->name.key);
}

static bool
wanted(const struct ffs_turn *t)
{
	struct ffs_cache_noted noted;

	if (!allowed(t))
		return false;
	if (t->all->keep_all)
		return true;
	/* This miss is one of them. */
	return t->all->keep_second && !ffs_cache_noted(t->all->cache, &t->name, &noted) &&
	       noted.hits + noted.misses > 1;
}

static bool
join(struct ffs_turn *t, struct ffs_flight *f)
{
	t->reader.arg = t;
	t->reader.wake = woken;
	if (ffs_flight_join(f, &t->reader))
		return false;
	t->flight = f;
	return true;
}

static bool
lead(struct ffs_turn *t)
{
	t->reader.arg = t;
	t->reader.wake = woken;
	if (ffs_flight_new(t->all->flights, &t->name, &t->who, &t->reader))
		return false;
	t->flight = t->reader.flight;
	return t->leads = true;
}

/* What the flight carries is the answer, if it is the current version: as if it were an entry.
 * False: it is of no use to this request. */
static bool
board(struct ffs_turn *t)
{
	const struct ffs_kept *kept = ffs_flight_kept(t->flight);

	ffs_flight_hit(t->flight, &t->hit);
	if (!ffs_turn_cut(t) || t->reply.at > ffs_flight_have(t->flight) + SOON ||
	    (t->ask.checksums && !t->ask.range[0] && !kept->checksums) ||
	    (!t->kept && !(t->kept = malloc(sizeof(*t->kept)))))
		return false;
	*t->kept = *kept;
	t->reader.at = t->reply.at;
	return true;
}

/* It flies: may he read it, or does the origin have to say so, to him or to one like him? */
static enum ffs_turn_way
aboard(struct ffs_turn *t)
{
	bool same = ffs_flight_same(t->flight, &t->who);

	if (!board(t))
		goto out;
	if (ffs_turn_fresh(t) && ffs_turn_serve(t, NULL, FFS_SERVED_CACHE))
		return FFS_TURN_SERVE;
	if (same && ffs_flight_told(&t->reader) && ffs_turn_serve(t, NULL, FFS_SERVED_CHECKED))
		return FFS_TURN_SERVE;
	if (!t->ask.may_add)
		goto out;
	/* But not for ever. */
	if (same && time(NULL) - t->now < FFS_TURN_WAIT_MS / 1000 && !ffs_flight_asks(&t->reader))
		return FFS_TURN_WAIT;
	snprintf(t->add, sizeof(t->add), "If-None-Match: \"%s\"\r\n", t->hit.etag);
	t->good = true;
	return FFS_TURN_PASS;
out:
	leave(t);
	return FFS_TURN_PASS;
}

enum ffs_turn_way
ffs_turn_miss(struct ffs_turn *t)
{
	struct ffs_flights *fs = t->all->flights;
	struct ffs_flight *f;
	bool asked;

	if (!fs || t->ask.conditional)
		return FFS_TURN_PASS;
	f = ffs_flights_find(fs, &t->name);
	asked = f && ffs_flight_state(f) == FFS_FLIGHT_ASKED;
	if (asked && !ffs_flight_suits(f, &t->who)) {
		/* That answer is perhaps no object; this one is. */
		if (t->ask.range[0])
			return FFS_TURN_PASS;
		f = NULL;
	}
	if (f && !join(t, f))
		return FFS_TURN_PASS;
	if (f)
		return asked ? FFS_TURN_WAIT : aboard(t);
	/* What a range is of the object its answer says; perhaps all of it. */
	if ((t->ask.range[0] && strncmp(t->who.range, "bytes=0-", 8)) || !ffs_turn_believed(t) ||
	    !wanted(t))
		return FFS_TURN_PASS;
	(void)lead(t);
	return FFS_TURN_PASS;
}

enum ffs_turn_way
ffs_turn_waited(struct ffs_turn *t)
{
	struct ffs_flight *f = t->flight;
	bool once;

	switch (ffs_flight_state(f)) {
	case FFS_FLIGHT_FLYING:
	case FFS_FLIGHT_LANDED:
		return aboard(t);
	case FFS_FLIGHT_ASKED: /* long enough */
		leave(t);
		return FFS_TURN_PASS;
	default:
		/* Where its client has gone, the next one leads; an answer that is not kept is for
		 * each of them to get. */
		once = !t->waited && !ffs_flight_answered(f);
		leave(t);
		t->waited = true;
		return once ? ffs_turn_miss(t) : FFS_TURN_PASS;
	}
}

/* The origin's own checksum of all bytes, if it is one that the cache knows. */
static void
take_crc(struct ffs_cache_fill_opts *o, const struct ffs_head *h)
{
	const struct ffs_span *v = ffs_head_get(h, "x-amz-checksum-crc32c", NULL);
	const struct ffs_span *type = ffs_head_get(h, "x-amz-checksum-type", NULL);
	unsigned char sum[32];
	char text[16];

	if (!v || v->n != 8 || (type && !ffs_span_is(type, "FULL_OBJECT")))
		return;
	memcpy(text, v->p, v->n);
	text[v->n] = '\0';
	if (ffs_digest_from_base64(FFS_SUM_CRC32C, text, sum))
		return;
	o->has_crc = true;
	o->crc32c =
	    (uint32_t)sum[0] << 24 | (uint32_t)sum[1] << 16 | (uint32_t)sum[2] << 8 | sum[3];
}

static bool
begin(struct ffs_turn *t, const struct ffs_head *h, const char *etag)
{
	struct ffs_cache_fill_opts o = { .etag = etag, .size = h->length, .since = t->now };

	if (!t->leads && !lead(t))
		return false;
	if (h->status == 200)
		take_crc(&o, h);
	if (ffs_flight_begin(t->flight, &o, t->kept)) {
		leave(t);
		return false;
	}
	t->reader.at = 0;
	t->reply.at = 0;
	t->reply.left = h->length;
	t->reply.flight = t->flight;
	return true;
}

/* Another is ahead of this answer: with the same version? */
static enum ffs_turn_way
meet(struct ffs_turn *t, struct ffs_flight *f, const struct ffs_head *h, const char *etag)
{
	if (ffs_flight_state(f) == FFS_FLIGHT_ASKED || !join(t, f))
		return FFS_TURN_PASS;
	if (board(t) && !strcmp(t->hit.etag, etag) && ffs_turn_serve(t, h, FFS_SERVED_CHECKED))
		return FFS_TURN_SERVE;
	leave(t);
	return FFS_TURN_PASS;
}

enum ffs_turn_way
ffs_turn_came(struct ffs_turn *t, const struct ffs_head *h, bool had)
{
	struct ffs_flight *f;
	char etag[128];

	ffs_answer_etag(h, etag);
	if (!t->all->flights || !ffs_turn_believed(t) || h->body != FFS_HEAD_LENGTH || !etag[0])
		return FFS_TURN_PASS;
	if (t->flight && !t->leads) {
		/* What was flying is not the current version any more. */
		ffs_flights_spoil(t->all->flights, &t->name);
		leave(t);
		had = true;
	}
	f = t->leads ? NULL : ffs_flights_find(t->all->flights, &t->name);
	if (f)
		return meet(t, f, h, etag);
	if (!t->leads && (had ? !allowed(t) : t->ask.conditional || !wanted(t)))
		return FFS_TURN_PASS;
	if (!t->kept && !(t->kept = malloc(sizeof(*t->kept))))
		return FFS_TURN_PASS;
	ffs_answer_keep(t->kept, h, t->ask.checksums);
	return ffs_kept_ok(t->kept, etag) && begin(t, h, etag) ? FFS_TURN_KEEP : FFS_TURN_PASS;
}

void
ffs_turn_sent(struct ffs_turn *t)
{
	if (t->leads)
		ffs_flight_sent(&t->reader);
}

void
ffs_turn_passed(struct ffs_turn *t)
{
	if (!t->flight)
		return;
	ffs_flight_answer(t->flight, &t->reader);
	leave(t);
}

void
ffs_turn_left(struct ffs_turn *t)
{
	leave(t);
}
