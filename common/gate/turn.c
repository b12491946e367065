#include "common/gate/turn.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "common/gate/turnimpl.h"

/* Files up to this size are compared in passing; larger ones by who can wait for the disk. */
enum { SMALL = 256 << 10 };

static void
let_go(struct ffs_turn *t)
{
	if (t->hit.fd >= 0)
		close(t->hit.fd);
	t->hit.fd = -1;
	t->good = false;
	t->add[0] = '\0';
}

/* The entry, whatever its version. */
static void
drop(struct ffs_turn *t)
{
	(void)ffs_cache_drop(t->all->cache, &t->name);
}

static struct ffs_cache_name
written_name(const struct ffs_turn *t, unsigned i)
{
	const struct ffs_written_name *w = &t->ask.written.v[i];

	return (struct ffs_cache_name){ t->name.endpoint, w->bucket, w->key };
}

/* Somebody writes it: nor is what is on its way kept. */
static void
spoil(struct ffs_turn *t)
{
	struct ffs_cache_name n;
	unsigned i;

	for (i = 0; i < t->ask.written.n; i++) {
		n = written_name(t, i);
		ffs_turn_wrote(t, &n);
		if (n.key)
			(void)ffs_cache_drop(t->all->cache, &n);
	}
	if (t->ask.written.more)
		ffs_turn_wrote(t, NULL);
}

/* All entries of the buckets: each of the cache's is looked at. */
static void
drop_buckets(struct ffs_turn *t)
{
	struct ffs_cache *c = ffs_cache_open(ffs_cache_path(t->all->cache), false, NULL);
	unsigned i;

	for (i = 0; c && i < t->ask.written.n; i++)
		if (!t->ask.written.v[i].key)
			(void)ffs_cache_drop_bucket(
			    c, t->name.endpoint, t->ask.written.v[i].bucket);
	ffs_cache_free(c);
}

/* --- reads --- */

static enum ffs_turn_way
miss(struct ffs_turn *t)
{
	let_go(t);
	if (t->ask.kind != FFS_ASK_READ)
		return FFS_TURN_PASS;
	ffs_cache_note_miss(t->all->cache, &t->name);
	return ffs_turn_miss(t);
}

bool
ffs_turn_cut(struct ffs_turn *t)
{
	const struct ffs_ask *a = &t->ask;

	t->reply.at = 0;
	t->reply.left = t->hit.size;
	if (!a->range[0])
		return true;
	/* A condition that does not hold gets the whole: from who honours it. */
	if (a->if_range[0] && !ffs_answer_is_etag(a->if_range, strlen(a->if_range), t->hit.etag))
		return false;
	return ffs_answer_range(a->range, t->hit.size, &t->reply.at, &t->reply.left);
}

/* Is there an entry with which this request can be answered, given that it is the current one? */
static bool
find(struct ffs_turn *t)
{
	const struct ffs_ask *a = &t->ask;

	if (ffs_cache_find(t->all->cache, &t->name, NULL, &t->hit) || t->hit.decoded)
		return false;
	if (!t->kept && !(t->kept = malloc(sizeof(*t->kept))))
		return false;
	return !ffs_kept_read(&t->hit, t->kept) &&
	       (!a->checksums || a->range[0] || t->kept->checksums);
}

/* The entry is right: is it known to be the current one, or does the origin have to say so? */
static enum ffs_turn_way
ask(struct ffs_turn *t)
{
	t->good = true;
	if (ffs_turn_fresh(t) && ffs_turn_serve(t, NULL, FFS_SERVED_CACHE))
		return FFS_TURN_SERVE;
	/* The answer to a HEAD costs no more than a 304, and is the origin's own. */
	if (t->ask.kind == FFS_ASK_READ)
		snprintf(t->add, sizeof(t->add), "If-None-Match: \"%s\"\r\n", t->hit.etag);
	return FFS_TURN_PASS;
}

static enum ffs_turn_way
checked(struct ffs_turn *t, int rc)
{
	if (!rc)
		return ask(t);
	if (rc == -EBADMSG)
		ffs_cache_damaged(t->all->cache, &t->name, &t->hit);
	return miss(t);
}

static enum ffs_turn_way
look(struct ffs_turn *t)
{
	const struct ffs_ask *a = &t->ask;

	if (!find(t))
		return miss(t);
	/* What the client makes a condition of is for the origin to judge, but for the one case in
	 * which it is what we would ask ourselves. */
	if (!a->may_add || !ffs_turn_cut(t) ||
	    (a->conditional &&
		(!a->if_match || !ffs_answer_is_etag(a->match, strlen(a->match), t->hit.etag))))
		return FFS_TURN_PASS;
	if (t->hit.verified || a->kind == FFS_ASK_HEAD)
		return ask(t);
	if (t->hit.size > SMALL)
		return FFS_TURN_CHECK;
	return checked(t, ffs_cache_check(t->all->cache, &t->hit));
}

enum ffs_turn_way
ffs_turn_begin(struct ffs_turn *t, struct ffs_turns *all, const struct ffs_head *request,
    const char *endpoint, const char *const *hosts, time_t now)
{
	memset(t, 0, sizeof(*t));
	t->all = all;
	t->hit.fd = t->reply.fd = -1;
	t->uid = (uint32_t)-1;
	t->now = now;
	t->minor = request->minor;
	t->keep_alive = request->keep_alive;
	if (!all->cache || ffs_ask_parse(&t->ask, request, hosts))
		return FFS_TURN_PASS;
	t->name = (struct ffs_cache_name){ endpoint, t->ask.bucket, t->ask.key };
	switch (t->ask.kind) {
	case FFS_ASK_READ:
	case FFS_ASK_HEAD:
		ffs_turn_meet(t, request);
		return look(t);
	case FFS_ASK_WRITE:
	case FFS_ASK_WRITE_BUCKET:
		spoil(t);
		t->written = true;
		return t->ask.kind == FFS_ASK_WRITE ? FFS_TURN_PASS : FFS_TURN_CHECK;
	default:
		return FFS_TURN_PASS;
	}
}

void
ffs_turn_check(struct ffs_turn *t)
{
	if (t->ask.kind == FFS_ASK_WRITE_BUCKET)
		drop_buckets(t);
	else
		/* Of many who ask for it at once, one compares. */
		t->checked = ffs_cache_is_verified(t->all->cache, &t->hit)
		                 ? 0
		                 : ffs_cache_check(t->all->cache, &t->hit);
}

enum ffs_turn_way
ffs_turn_again(struct ffs_turn *t)
{
	if (t->ask.kind == FFS_ASK_WRITE_BUCKET)
		return FFS_TURN_PASS;
	return t->flight ? ffs_turn_waited(t) : checked(t, t->checked);
}

/* --- answers --- */

bool
ffs_turn_serve(struct ffs_turn *t, const struct ffs_head *fresh, enum ffs_served_from from)
{
	struct ffs_answer a = { .kept = t->kept,
		.fresh = fresh,
		.now = t->now,
		.size = t->hit.size,
		.part = t->ask.range[0],
		.first = t->reply.at,
		.len = t->reply.left,
		.checksums = t->ask.checksums,
		.minor = t->minor,
		.keep_alive = t->keep_alive };

	ffs_buf_reset(&t->reply.head);
	ffs_answer_head(&t->reply.head, &a);
	if (ffs_buf_error(&t->reply.head))
		return false;
	if (t->ask.kind == FFS_ASK_HEAD)
		t->reply.left = 0;
	else
		t->reply.fd = t->hit.fd;
	t->reply.flight = t->flight;
	t->from = from;
	return true;
}

/* Does an answer have another value of this field than the entry; or one (added) where the entry
 * has none.  That it has none says nothing: not all answers have all fields. */
static bool
says_else(const struct ffs_turn *t, const struct ffs_head *h, const char *name, bool added)
{
	const struct ffs_span *v = ffs_head_get(h, name, NULL);
	struct ffs_kept_field f;
	size_t at = 0;

	while (v && ffs_kept_next(t->kept, &at, &f))
		if (f.nname == strlen(name) && !strncasecmp(f.name, name, f.nname))
			return v->n != f.nvalue || memcmp(v->p, f.value, v->n);
	return v && added;
}

/* Is what an answer says of the object what the entry says: also its fields may be changed, the
 * bytes and the ETag staying as they are. */
static bool
is_same(const struct ffs_turn *t, const struct ffs_head *h)
{
	static const char *const versions[] = { "ETag", "Last-Modified", "X-Amz-Version-Id" };
	static const char *const about[] = { "X-Amz-Tagging-Count", "X-Amz-Object-Lock-Legal-Hold",
		"X-Amz-Object-Lock-Mode", "X-Amz-Object-Lock-Retain-Until-Date" };
	size_t i;

	for (i = 0; i < sizeof(versions) / sizeof(versions[0]); i++)
		if (says_else(t, h, versions[i], false))
			return false;
	for (i = 0; i < sizeof(about) / sizeof(about[0]); i++)
		if (says_else(t, h, about[i], true))
			return false;
	return true;
}

/* Once a second is enough: that is how fine it is. */
static void
validated(struct ffs_turn *t)
{
	if (t->hit.fd >= 0 && ffs_turn_believed(t) && t->hit.validated < (int64_t)t->now)
		ffs_cache_validated(t->all->cache, &t->hit);
}

static enum ffs_turn_way
not_modified(struct ffs_turn *t, const struct ffs_head *h)
{
	if (is_same(t, h)) {
		validated(t);
		if (ffs_turn_serve(t, h, FFS_SERVED_CHECKED)) {
			ffs_flight_tells(&t->reader);
			return FFS_TURN_SERVE;
		}
	} else {
		drop(t);
	}
	let_go(t);
	return FFS_TURN_REPEAT;
}

/* All of the object: who reads in large pieces names a range, also of what is smaller than one. */
static bool
is_whole(const struct ffs_turn *t, const struct ffs_head *h)
{
	struct ffs_answer_part p;

	return h->status == 200 ||
	       (t->ask.range[0] && ffs_answer_part(h, &p) && !p.first && p.len == p.size);
}

static enum ffs_turn_way
current(struct ffs_turn *t, const struct ffs_head *h)
{
	bool had = t->hit.fd >= 0;
	enum ffs_turn_way way = FFS_TURN_PASS;

	if (had && t->kept && ffs_head_get(h, "ETag", NULL) && is_same(t, h)) {
		validated(t);
		return FFS_TURN_PASS;
	}
	let_go(t);
	if (t->ask.kind == FFS_ASK_READ && is_whole(t, h))
		way = ffs_turn_came(t, h, had);
	/* What is kept takes its place. */
	if (had && way == FFS_TURN_PASS)
		drop(t);
	return way;
}

static enum ffs_turn_way
answer(struct ffs_turn *t, const struct ffs_head *h)
{
	/* What it says of a failure of its own may have been done. */
	t->written &= h->status < 400 || h->status >= 500;
	if (t->written)
		spoil(t);
	if (!t->all->cache || (t->ask.kind != FFS_ASK_READ && t->ask.kind != FFS_ASK_HEAD))
		return FFS_TURN_PASS;
	switch (h->status) {
	case 200:
	case 206:
		return current(t, h);
	case 304:
		return t->add[0] ? not_modified(t, h) : FFS_TURN_PASS;
	case 404:
	case 410:
		drop(t);
		return FFS_TURN_PASS;
	default:
		return FFS_TURN_PASS;
	}
}

enum ffs_turn_way
ffs_turn_answer(struct ffs_turn *t, const struct ffs_head *h)
{
	enum ffs_turn_way way = answer(t, h);
	struct ffs_answer_part part;
	char etag[128];

	ffs_answer_etag(h, etag);
	if (way == FFS_TURN_PASS && t->ask.kind == FFS_ASK_READ && t->hit.fd < 0 && etag[0] &&
	    t->ask.range[0] && ffs_answer_part(h, &part))
		t->whole = part.size;
	if (way == FFS_TURN_PASS || way == FFS_TURN_REPEAT)
		ffs_turn_passed(t);
	return way;
}

enum ffs_turn_way
ffs_turn_failed(struct ffs_turn *t, int status)
{
	if (t->good && ffs_turn_stale(t, status) && ffs_turn_serve(t, NULL, FFS_SERVED_STALE))
		return FFS_TURN_SERVE;
	ffs_turn_passed(t);
	return FFS_TURN_PASS;
}

/* --- the end --- */

void
ffs_turn_end(struct ffs_turn *t, uint64_t bytes, uint64_t us, bool ok)
{
	/* The answer to what puts an upload's parts together begins long before it is done. */
	if (t->written)
		spoil(t);
	if (t->from != FFS_SERVED_ORIGIN && t->ask.kind == FFS_ASK_READ && (ok || bytes))
		ffs_cache_note_hit(t->all->cache, &t->name, bytes, us);
	if (t->whole && t->all->parts)
		ffs_parts_read(t->all->parts, &t->name, t->whole, bytes);
	if (t->all->served && (ok || bytes))
		ffs_served_note(t->all->served, t->name.key ? &t->name : NULL, t->comm, t->uid,
		    t->from, bytes, us);
	ffs_turn_left(t);
	let_go(t);
	free(t->kept);
	ffs_buf_release(&t->reply.head);
	ffs_ask_release(&t->ask);
	memset(t, 0, sizeof(*t));
	t->hit.fd = t->reply.fd = -1;
}
