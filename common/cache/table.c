#include "common/cache/table.h"

#include <errno.h>
#include <string.h>

static const char magic[8] = "ffscache";

bool
ffs_table_ok(const struct ffs_table_header *h, uint64_t file_size)
{
	return !memcmp(h->magic, magic, sizeof(magic)) && h->version == FFS_TABLE_VERSION &&
	       h->header_size == FFS_TABLE_HEADER && h->slots >= FFS_TABLE_WAYS &&
	       h->slots <= FFS_TABLE_SLOTS && !(h->slots & (h->slots - 1)) &&
	       file_size == FFS_TABLE_HEADER + h->slots * sizeof(struct ffs_table_slot);
}

static bool
is_table(const void *header, uint64_t size)
{
	return ffs_table_ok(header, size);
}

static uint64_t
make(void *header, uint64_t room, bool empty)
{
	struct ffs_table_header *h = header;

	h->version = FFS_TABLE_VERSION;
	h->header_size = FFS_TABLE_HEADER;
	h->slots = FFS_TABLE_SLOTS;
	while (h->slots > room / sizeof(struct ffs_table_slot) && h->slots > FFS_TABLE_SLOTS_MIN)
		h->slots /= 2;
	h->size = FFS_CACHE_SIZE_DEFAULT;
	h->min_free_pc = FFS_CACHE_MIN_FREE_DEFAULT;
	h->known = empty;
	memcpy(h->magic, magic, sizeof(magic));
	return FFS_TABLE_HEADER + h->slots * sizeof(struct ffs_table_slot);
}

static const struct ffs_mapfile_kind kind = { "table", "table.new", FFS_TABLE_HEADER, is_table,
	make };

int
ffs_table_open(struct ffs_table *t, int dirfd, bool writable, bool empty)
{
	int rc;

	memset(t, 0, sizeof(*t));
	rc = ffs_mapfile_open(&t->file, dirfd, &kind, writable, empty);
	if (rc)
		return rc;
	t->h = t->file.p;
	t->slots = (struct ffs_table_slot *)((char *)t->file.p + FFS_TABLE_HEADER);
	t->len = t->file.len;
	t->writable = writable;
	return 0;
}

bool
ffs_table_current(const struct ffs_table *t, int dirfd)
{
	return ffs_mapfile_current(&t->file, dirfd, &kind);
}

void
ffs_table_close(struct ffs_table *t)
{
	ffs_mapfile_close(&t->file);
	memset(t, 0, sizeof(*t));
}

struct ffs_table_slot *
ffs_table_slot(struct ffs_table *t, uint64_t tag, bool take)
{
	struct ffs_table_slot *set, *victim;
	uint64_t seen, n;
	unsigned i;

	if (!t->h || (take && !t->writable))
		return NULL;
	n = t->len / sizeof(*set) - FFS_TABLE_HEADER / sizeof(*set);
	set = t->slots + tag % (n / FFS_TABLE_WAYS) * FFS_TABLE_WAYS;
	victim = set;
	for (i = 0; i < FFS_TABLE_WAYS; i++) {
		seen = __atomic_load_n(&set[i].tag, __ATOMIC_ACQUIRE);
		if (seen == tag)
			return set + i;
		if (!seen || (ffs_table_get(&victim->tag) &&
				 ffs_table_get(&set[i].last) < ffs_table_get(&victim->last)))
			victim = set + i;
	}
	if (!take)
		return NULL;
	/* Whoever finds it half emptied counts into nobody's. */
	seen = ffs_table_get(&victim->tag);
	if (!__atomic_compare_exchange_n(
		&victim->tag, &seen, 1, false, __ATOMIC_ACQUIRE, __ATOMIC_RELAXED))
		return NULL;
	ffs_table_set(&victim->last, 0);
	ffs_table_set(&victim->mark, 0);
	ffs_table_set(&victim->interval, 0);
	ffs_table_set(&victim->hits, 0);
	ffs_table_set(&victim->bytes, 0);
	ffs_table_set(&victim->lat_sum, 0);
	__atomic_store_n(&victim->misses, 0, __ATOMIC_RELAXED);
	__atomic_store_n(&victim->visited, 0, __ATOMIC_RELAXED);
	__atomic_store_n(&victim->tag, tag, __ATOMIC_RELEASE);
	return victim;
}

unsigned
ffs_table_bucket(uint64_t us)
{
	unsigned octave;

	if (us < 16)
		return 0;
	/* Four steps an octave; bucket 0 begins at 16 = 4 << 2. */
	octave = 63 - (unsigned)__builtin_clzll(us);
	octave = (octave - 4) * 4 + (unsigned)(us >> (octave - 2) & 3);
	return octave < FFS_TABLE_LAT ? octave : FFS_TABLE_LAT - 1;
}

void
ffs_table_note(
    struct ffs_table *t, uint64_t tag, uint64_t now, bool hit, uint64_t bytes, uint64_t us)
{
	struct ffs_table_slot *s;
	uint64_t mark;

	if (!t->writable)
		return;
	if (hit) {
		ffs_table_add(&t->h->hits, 1);
		ffs_table_add(&t->h->hit_bytes, bytes);
		ffs_table_add(&t->h->lat[ffs_table_bucket(us)], 1);
	} else {
		ffs_table_add(&t->h->misses, 1);
	}
	s = ffs_table_slot(t, tag, true);
	if (!s)
		return;
	mark = ffs_table_get(&s->mark);
	if (!mark || mark > now) {
		ffs_table_set(&s->mark, now);
	} else if (now - mark > ffs_table_get(&t->h->burst)) {
		ffs_table_set(&s->interval, now - mark);
		ffs_table_set(&s->mark, now);
	}
	ffs_table_set(&s->last, now);
	if (hit) {
		ffs_table_add(&s->hits, 1);
		ffs_table_add(&s->bytes, bytes);
		ffs_table_add(&s->lat_sum, us);
		__atomic_store_n(&s->visited, 1, __ATOMIC_RELAXED);
	} else {
		__atomic_fetch_add(&s->misses, 1, __ATOMIC_RELAXED);
	}
}

int
ffs_table_noted(struct ffs_table *t, uint64_t tag, struct ffs_cache_noted *noted)
{
	struct ffs_table_slot *s = ffs_table_slot(t, tag, false);

	memset(noted, 0, sizeof(*noted));
	if (!s)
		return -ENOENT;
	noted->hits = ffs_table_get(&s->hits);
	noted->misses = __atomic_load_n(&s->misses, __ATOMIC_RELAXED);
	noted->bytes = ffs_table_get(&s->bytes);
	noted->lat_mean_us = noted->hits ? ffs_table_get(&s->lat_sum) / noted->hits : 0;
	noted->last_read_us = (int64_t)ffs_table_get(&s->last);
	noted->interval_us = ffs_table_get(&s->interval);
	return 0;
}

void
ffs_table_used(const struct ffs_table *t, uint64_t *entries, uint64_t *bytes)
{
	unsigned i;

	*entries = *bytes = 0;
	for (i = 0; t->h && i < FFS_SHARDS; i++) {
		*entries += ffs_table_get(&t->h->shards[i].entries);
		*bytes += ffs_table_get(&t->h->shards[i].bytes);
	}
	/* Below nothing: a count that was lost, until a scan puts it right. */
	if (*entries > INT64_MAX)
		*entries = 0;
	if (*bytes > INT64_MAX)
		*bytes = 0;
}

void
ffs_table_count(struct ffs_table *t, unsigned shard, int64_t entries, int64_t bytes)
{
	if (!t->writable)
		return;
	ffs_table_add(&t->h->shards[shard].entries, (uint64_t)entries);
	ffs_table_add(&t->h->shards[shard].bytes, (uint64_t)bytes);
}

void
ffs_table_reset(struct ffs_table *t)
{
	size_t i, n;

	if (!t->writable)
		return;
	n = (t->len - FFS_TABLE_HEADER) / sizeof(*t->slots);
	for (i = 0; i < n; i++)
		if (ffs_table_get(&t->slots[i].tag))
			ffs_table_set(&t->slots[i].tag, 0);
	for (i = 0; i < FFS_TABLE_REFUSALS; i++)
		ffs_table_set(&t->h->refused[i], 0);
	for (i = 0; i < FFS_TABLE_LAT; i++)
		ffs_table_set(&t->h->lat[i], 0);
	ffs_table_set(&t->h->hits, 0);
	ffs_table_set(&t->h->misses, 0);
	ffs_table_set(&t->h->hit_bytes, 0);
	ffs_table_set(&t->h->fills, 0);
	ffs_table_set(&t->h->fill_bytes, 0);
	ffs_table_set(&t->h->evictions, 0);
	ffs_table_set(&t->h->damaged, 0);
}
