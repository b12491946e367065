#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/cache/cacheimpl.h"
#include "common/cache/pinned.h"

/*
 * Eviction: SIEVE over the entries in the order in which they were filled (a hand that goes from
 * the oldest to the newest and round again; an entry read since it last passed is spared once;
 * where nothing is read again the hand would follow the newest for ever, so it begins anew after as
 * many evictions as there are entries), and in front of it the rule of LIRS: for a new entry only
 * those go that have been idle for longer than half as long again as the time between its own last
 * two reads: programs that read in parallel do not read in exactly the same order each time, and a
 * fill comes a little after its read.
 *
 * The list of entries is made by scanning, kept for as long as this process has the cache open, and
 * renewed; no reader ever waits for it.
 */
enum {
	HYSTERESIS = 20, /* a full cache is brought down by one part in so many */
	RENEW_US = 600 * 1000 * 1000,
	STALE_US = 1000 * 1000, /* a list in which nothing is found is made again after this */
	AT_ONCE = 64,           /* entries that one call of the follower evicts (10 ms), */
	AT_ONCE_ALONE = 1024,   /* and of a process that had to scan for it */
	CONTROL_MAX = 4096,     /* control objects, and */
	CONTROL_SHARE = 8,      /* one part in so many of the size for them */
};

struct list {
	struct ffs_scan_entry *v; /* mtime_ns 0: it is gone */
	size_t n, cap, gone;
	size_t hand; /* where it goes on: many files can have one mtime */
};

struct ffs_evictor {
	struct list list, scan;
	unsigned next; /* shard to scan; FFS_SHARDS: no scan is running */
	uint64_t made; /* when list was complete, 0 never */
};

static struct ffs_evictor *
evictor(struct ffs_cache *c)
{
	if (!c->evictor) {
		c->evictor = calloc(1, sizeof(*c->evictor));
		if (c->evictor)
			c->evictor->next = FFS_SHARDS;
	}
	return c->evictor;
}

void
ffs_evictor_free(struct ffs_evictor *e)
{
	if (!e)
		return;
	free(e->list.v);
	free(e->scan.v);
	free(e);
}

/* --- one at a time --- */

/* Two bytes of DIR/lock: who follows has both, who evicts for a moment the second. */
enum { FOLLOWS, EVICTS };

static int
lock_byte(struct ffs_cache *c, int which, bool wait)
{
	struct flock l = { .l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = which, .l_len = 1 };
	int rc;

	if (!c->writable)
		return -EROFS;
	if (c->lockfd < 0) {
		c->lockfd =
		    openat(c->dirfd, "lock", O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
		if (c->lockfd < 0)
			return -errno;
		rc = ffs_cache_give(c, c->lockfd);
		if (rc)
			return rc;
	}
	if (fcntl(c->lockfd, wait ? F_OFD_SETLKW : F_OFD_SETLK, &l))
		return errno == EAGAIN || errno == EACCES ? -EBUSY : -errno;
	return 0;
}

static void
unlock_byte(struct ffs_cache *c, int which)
{
	struct flock l = { .l_type = F_UNLCK, .l_whence = SEEK_SET, .l_start = which, .l_len = 1 };

	(void)fcntl(c->lockfd, F_OFD_SETLK, &l);
}

int
ffs_cache_lock(struct ffs_cache *c)
{
	int rc = c->locked ? 0 : lock_byte(c, FOLLOWS, false);

	if (rc || c->locked)
		return rc;
	/* A filler that evicts is done soon. */
	rc = lock_byte(c, EVICTS, true);
	if (rc)
		unlock_byte(c, FOLLOWS);
	c->locked = !rc;
	return rc;
}

/* --- the list --- */

static int
push(void *arg, const struct ffs_scan_entry *e)
{
	struct list *l = arg;
	struct ffs_scan_entry *v;

	if (l->n == l->cap) {
		v = reallocarray(l->v, l->cap ? 2 * l->cap : 1024, sizeof(*v));
		if (!v)
			return -ENOMEM;
		l->v = v;
		l->cap = l->cap ? 2 * l->cap : 1024;
	}
	l->v[l->n++] = *e;
	return 0;
}

static int
by_mtime(const void *a, const void *b)
{
	const struct ffs_scan_entry *x = a, *y = b;

	return (x->mtime_ns > y->mtime_ns) - (x->mtime_ns < y->mtime_ns);
}

/* The first entry behind the hand. */
static size_t
hand_at(const struct list *l, uint64_t hand)
{
	size_t lo = 0, hi = l->n, mid;

	while (lo < hi) {
		mid = lo + (hi - lo) / 2;
		if (l->v[mid].mtime_ns <= hand)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo < l->n ? lo : 0;
}

/* One shard more; the last one makes it the list. */
static int
scan_step(struct ffs_cache *c, struct ffs_evictor *e)
{
	int rc = ffs_cache_scan(c, e->next, push, &e->scan);

	if (rc)
		return rc;
	if (++e->next < FFS_SHARDS)
		return 0;
	if (e->scan.n)
		qsort(e->scan.v, e->scan.n, sizeof(*e->scan.v), by_mtime);
	free(e->list.v);
	e->list = e->scan;
	memset(&e->scan, 0, sizeof(e->scan));
	e->list.hand = hand_at(&e->list, ffs_table_get(&c->table.h->hand));
	e->made = ffs_cache_now_us(c);
	ffs_table_set(&c->table.h->known, 1);
	/* What was said of the entries before was of those that were known then. */
	ffs_table_set(&c->table.h->oldest, 0);
	return 0;
}

static int
scan_all(struct ffs_cache *c, struct ffs_evictor *e)
{
	int rc = 0;

	e->next = 0;
	e->scan.n = 0;
	while (!rc && e->next < FFS_SHARDS)
		rc = scan_step(c, e);
	return rc;
}

void
ffs_evictor_add(struct ffs_cache *c, const struct ffs_cache_id *id, const struct stat *st)
{
	struct ffs_scan_entry s = { .id = *id,
		.mtime_ns =
		    (uint64_t)st->st_mtim.tv_sec * 1000000000 + (uint64_t)st->st_mtim.tv_nsec,
		.size = (uint64_t)st->st_size };
	struct ffs_evictor *e = c->evictor;

	/* What does not fit in memory is found by the next scan. */
	if (e && e->made)
		(void)push(&e->list, &s);
	if (e && e->next < FFS_SHARDS && id->shard < e->next)
		(void)push(&e->scan, &s);
}

/* --- evicting --- */

static bool
is_pinned(struct ffs_cache *c, const char *path)
{
	struct ffs_cache_hit hit;
	struct ffs_attr a;
	bool pinned;

	if (!c->pins->n || ffs_cache_hit_open(c, path, &hit, &a))
		return false;
	pinned = ffs_pinned_hold(c->pins, a.endpoint, a.bucket, a.key);
	close(hit.fd);
	return pinned;
}

enum fate { GONE, PINNED, EVICTED };

/* Evict it if it is still what the scan saw. */
static enum fate
evict(struct ffs_cache *c, struct list *l, size_t i)
{
	struct ffs_scan_entry *s = l->v + i, again = *s;
	int datafd = ffs_cache_data(c, false);
	char path[FFS_PATH_MAX];
	struct stat st;

	ffs_cache_id_path(&s->id, false, false, path);
	if (datafd < 0 || fstatat(datafd, path, &st, AT_SYMLINK_NOFOLLOW))
		goto gone;
	again.mtime_ns = (uint64_t)st.st_mtim.tv_sec * 1000000000 + (uint64_t)st.st_mtim.tv_nsec;
	again.size = (uint64_t)st.st_size;
	if (again.mtime_ns != s->mtime_ns) {
		/* filled again: it is one of the newest */
		(void)push(l, &again);
		goto gone;
	}
	if (is_pinned(c, path))
		return PINNED;
	if (ffs_cache_unlink(c, s->id.shard, path, &st))
		goto gone;
	ffs_table_add(&c->table.h->evictions, 1);
	l->v[i].mtime_ns = 0;
	l->gone++;
	return EVICTED;
gone:
	l->v[i].mtime_ns = 0;
	l->gone++;
	return GONE;
}

static void
compact(struct list *l)
{
	size_t i, n = 0, hand = 0;

	for (i = 0; i < l->n; i++) {
		if (i == l->hand)
			hand = n;
		if (l->v[i].mtime_ns)
			l->v[n++] = l->v[i];
	}
	l->n = n;
	l->gone = 0;
	l->hand = hand;
}

static uint64_t
last_read(const struct ffs_scan_entry *s, const struct ffs_table_slot *slot)
{
	uint64_t filled = s->mtime_ns / 1000, last = slot ? ffs_table_get(&slot->last) : 0;

	return last > filled ? last : filled;
}

struct hunt {
	uint64_t bytes, entries; /* wanted, in no more entries than */
	uint64_t max;            /* where it is at least */
	struct ffs_shortage least;
	uint64_t before; /* the rule: last read before that */
	uint64_t freed_bytes, freed;
	uint64_t oldest; /* of those the rule spared */
	bool pinned, spared;
};

/* One step of the hand. */
static void
step(struct ffs_cache *c, struct list *l, size_t i, struct hunt *h)
{
	struct ffs_scan_entry *s = l->v + i;
	struct ffs_table_slot *slot;
	uint64_t last, size = s->size;

	if (!s->mtime_ns)
		return;
	slot = ffs_table_slot(&c->table, s->id.tag, false);
	last = last_read(s, slot);
	if (last >= h->before) {
		h->spared = true;
		h->oldest = last < h->oldest ? last : h->oldest;
		return;
	}
	if (slot && __atomic_exchange_n(&slot->visited, 0, __ATOMIC_RELAXED))
		return;
	ffs_table_set(&c->table.h->hand, s->mtime_ns);
	switch (evict(c, l, i)) {
	case EVICTED:
		h->freed_bytes += size;
		h->freed++;
		ffs_table_add(&c->table.h->turned, 1);
		break;
	case PINNED:
		h->pinned = true;
		break;
	case GONE:
		break;
	}
}

static bool
sated(const struct hunt *h)
{
	bool enough = h->freed_bytes >= h->bytes && h->freed >= h->entries;
	bool least = h->freed_bytes >= h->least.bytes && h->freed >= h->least.entries;

	return enough || (least && h->freed >= h->max);
}

/* Turn the hand until all wanted is freed, or until it went round twice in vain. */
static void
hunt(struct ffs_cache *c, struct list *l, struct hunt *h)
{
	uint64_t *turned = &c->table.h->turned, freed;
	size_t n, i, vain;

	if (l->gone > l->n / 4)
		compact(l);
	n = l->n;
	i = l->hand < n ? l->hand : 0;
	h->oldest = UINT64_MAX;
	for (vain = 0; vain < 2 * n && !sated(h);) {
		freed = h->freed;
		step(c, l, i, h);
		vain = h->freed == freed ? vain + 1 : 0;
		if (++i >= n || ffs_table_get(turned) > n - l->gone) {
			i = 0;
			ffs_table_set(turned, 0);
		}
	}
	l->hand = i;
	/* All were seen: what is left was last read then or later. */
	if (vain == 2 * n)
		ffs_table_set(
		    &c->table.h->oldest, h->oldest < UINT64_MAX ? h->oldest : ffs_cache_now_us(c));
}

/* Wants what is short, and a part of the cache more, so that not every fill has to evict. */
static void
want(struct ffs_cache *c, struct hunt *h, const struct ffs_shortage *s)
{
	uint64_t n, bytes;

	ffs_table_used(&c->table, &n, &bytes);
	h->bytes = s->bytes ? s->bytes + bytes / HYSTERESIS : 0;
	h->entries = s->entries ? s->entries + n / HYSTERESIS : 0;
	h->max = c->locked ? AT_ONCE : AT_ONCE_ALONE;
	h->least = *s;
}

static void
finish(struct ffs_cache *c)
{
	if (!c->locked)
		unlock_byte(c, EVICTS);
}

/* Is the list there to hunt in; -EBUSY: whoever follows has the lock, or is still scanning. */
static int
prepare(struct ffs_cache *c, struct ffs_evictor *e)
{
	int rc = c->locked ? 0 : lock_byte(c, EVICTS, false);

	if (rc)
		return rc;
	rc = ffs_pinned_refresh(c->pins, c->dirfd);
	if (rc >= 0)
		rc = e->made ? 0 : c->locked ? -EBUSY : scan_all(c, e);
	if (rc)
		finish(c);
	return rc;
}

/* Whoever has the lock does it for us, for those who come next. */
static void
ask(struct ffs_cache *c, uint64_t bytes, uint64_t before)
{
	ffs_table_set(&c->table.h->want_before, before);
	ffs_table_add(&c->table.h->want_bytes, bytes);
}

static bool
is_short(struct ffs_cache *c, uint64_t bytes, uint64_t entries, struct ffs_shortage *s)
{
	ffs_cache_short(c, bytes, entries, s);
	return s->bytes || s->entries;
}

/* What is over the limits already goes by no rule, some of it at a time. */
static void
shed(struct ffs_cache *c, struct ffs_evictor *e)
{
	struct hunt h = { .before = UINT64_MAX };
	struct ffs_shortage s;

	if (!is_short(c, 0, 0, &s))
		return;
	want(c, &h, &s);
	memset(&h.least, 0, sizeof(h.least));
	hunt(c, &e->list, &h);
}

static int
evict_for(struct ffs_cache *c, struct ffs_evictor *e, uint64_t bytes, uint64_t before,
    enum ffs_cache_refusal *why)
{
	struct hunt h = { .before = before };
	struct ffs_shortage s;

	shed(c, e);
	*why = FFS_CACHE_REFUSED_busy;
	if (e->list.n > e->list.gone && is_short(c, 0, 0, &s))
		return -ENOSPC;
	if (!is_short(c, bytes, 1, &s))
		return 0;
	want(c, &h, &s);
	hunt(c, &e->list, &h);
	if (!is_short(c, bytes, 1, &s))
		return 0;
	*why = s.in_vain               ? s.why
	       : h.pinned && !h.spared ? FFS_CACHE_REFUSED_pinned
	                               : FFS_CACHE_REFUSED_recent;
	return -ENOSPC;
}

/* A table that was lost knows nothing of the entries: they are counted before the first fill. */
static int
know(struct ffs_cache *c, struct ffs_evictor *e)
{
	int rc;

	if (ffs_table_get(&c->table.h->known))
		return 0;
	rc = prepare(c, e);
	if (!rc)
		finish(c);
	return rc;
}

/* Others have filled a good part of the cache since the list was made. */
static bool
is_behind(struct ffs_cache *c, const struct ffs_evictor *e)
{
	uint64_t n, bytes, known = e->list.n - e->list.gone;

	ffs_table_used(&c->table, &n, &bytes);
	return n > known && n - known > n / 16 && e->next == FFS_SHARDS &&
	       ffs_cache_now_us(c) - e->made > STALE_US;
}

int
ffs_cache_make_room(
    struct ffs_cache *c, uint64_t bytes, uint64_t before, enum ffs_cache_refusal *why)
{
	struct ffs_evictor *e = evictor(c);
	struct ffs_shortage s, now;
	int rc;

	if (!e)
		return -ENOMEM;
	*why = FFS_CACHE_REFUSED_busy;
	rc = know(c, e);
	if (rc)
		return rc == -EBUSY ? -ENOSPC : rc;
	ffs_cache_set_burst(c);
	if (!is_short(c, bytes, 1, &s))
		return 0;
	if (s.in_vain) {
		*why = s.why;
		return -ENOSPC;
	}
	if (!is_short(c, 0, 0, &now) && before <= ffs_table_get(&c->table.h->oldest)) {
		*why = FFS_CACHE_REFUSED_recent;
		return -ENOSPC;
	}
	rc = prepare(c, e);
	if (rc == -EBUSY) {
		ask(c, bytes, before);
		return -ENOSPC;
	}
	if (rc)
		return rc;
	rc = evict_for(c, e, bytes, before, why);
	/* What others filled since is not in our list. */
	if (rc && !c->locked && ffs_cache_now_us(c) - e->made > STALE_US && !scan_all(c, e))
		rc = evict_for(c, e, bytes, before, why);
	/* Whoever follows scans step by step. */
	if (rc && c->locked && is_behind(c, e)) {
		e->next = 0;
		e->scan.n = 0;
	}
	finish(c);
	return rc;
}

int
ffs_cache_tick(struct ffs_cache *c)
{
	struct ffs_evictor *e = evictor(c);
	enum ffs_cache_refusal why;
	struct ffs_shortage s;
	uint64_t bytes;
	int rc;

	if (!e || !c->locked)
		return e ? -EPERM : -ENOMEM;
	if (e->next < FFS_SHARDS) {
		rc = scan_step(c, e);
		return rc ? rc : 1;
	}
	if (!e->made || ffs_cache_now_us(c) - e->made > RENEW_US) {
		e->next = 0;
		e->scan.n = 0;
		return 1;
	}
	rc = ffs_pinned_refresh(c->pins, c->dirfd);
	if (rc < 0)
		return rc;
	ffs_cache_set_burst(c);
	shed(c, e);
	if (is_short(c, 0, 0, &s) && e->list.n > e->list.gone)
		return !s.in_vain;
	bytes = __atomic_exchange_n(&c->table.h->want_bytes, 0, __ATOMIC_RELAXED);
	if (!bytes || !evict_for(c, e, bytes, ffs_table_get(&c->table.h->want_before), &why) ||
	    ffs_cache_now_us(c) - e->made < STALE_US)
		return 0;
	/* Entries of others that we do not know, or counts that are wrong. */
	e->next = 0;
	e->scan.n = 0;
	return 1;
}

/* --- control objects --- */

int
ffs_cache_control_room(struct ffs_cache *c, uint64_t bytes, enum ffs_cache_refusal *why)
{
	const struct ffs_table_shard *t = &c->table.h->shards[FFS_SHARD_CONTROL];
	struct ffs_cache_limits l;
	struct ffs_shortage s;
	struct list list = { 0 };
	char path[FFS_PATH_MAX];
	uint64_t max;
	size_t i;
	int rc;

	ffs_cache_short(c, bytes, 1, &s);
	if (s.in_vain) {
		*why = s.why;
		return -ENOSPC;
	}
	ffs_cache_limits_get(c, &l);
	max = l.size / CONTROL_SHARE > bytes ? l.size / CONTROL_SHARE - bytes : 0;
	if (ffs_table_get(&t->entries) < CONTROL_MAX && ffs_table_get(&t->bytes) <= max)
		return 0;
	rc = ffs_cache_scan(c, FFS_SHARD_CONTROL, push, &list);
	if (!rc && list.n)
		qsort(list.v, list.n, sizeof(*list.v), by_mtime);
	for (i = 0; !rc && i < list.n; i++) {
		if (list.n - i < CONTROL_MAX * 3 / 4 && ffs_table_get(&t->bytes) <= max)
			break;
		ffs_cache_id_path(&list.v[i].id, true, false, path);
		(void)ffs_cache_unlink(c, FFS_SHARD_CONTROL, path, NULL);
	}
	free(list.v);
	return rc;
}
