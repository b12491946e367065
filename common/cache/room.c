#include <errno.h>
#include <string.h>
#include <sys/statvfs.h>

#include "common/cache/cacheimpl.h"

enum {
	BURST_BYTES_US = 2048, /* no pass over the cache is faster than 2 GB/s */
	BURST_MAX_US = 10 * 1000 * 1000,
};

/*
 * Limits.  What is used is the table's counts; what the disk has is statvfs(3)'s.
 */

void
ffs_cache_limits_get(struct ffs_cache *c, struct ffs_cache_limits *l)
{
	const struct ffs_table_header *h = c->table.h;
	uint64_t pc = h ? ffs_table_get(&h->min_free_pc) : FFS_CACHE_MIN_FREE_DEFAULT;

	l->size = h ? ffs_table_get(&h->size) : FFS_CACHE_SIZE_DEFAULT;
	l->entries = h ? ffs_table_get(&h->entries) : 0;
	l->min_free_pc = pc < 100 ? (unsigned)pc : FFS_CACHE_MIN_FREE_DEFAULT;
}

int
ffs_cache_limits_set(struct ffs_cache *c, const struct ffs_cache_limits *l)
{
	if (!c->table.writable)
		return -EROFS;
	if (l->min_free_pc > 99 || l->size > INT64_MAX)
		return -ERANGE;
	ffs_table_set(&c->table.h->size, l->size);
	ffs_table_set(&c->table.h->entries, l->entries);
	ffs_table_set(&c->table.h->min_free_pc, l->min_free_pc);
	return 0;
}

void
ffs_cache_totals(struct ffs_cache *c, struct ffs_cache_totals *t)
{
	const struct ffs_table_header *h = c->table.h;
	unsigned i;

	memset(t, 0, sizeof(*t));
	if (!h)
		return;
	t->hits = ffs_table_get(&h->hits);
	t->misses = ffs_table_get(&h->misses);
	t->hit_bytes = ffs_table_get(&h->hit_bytes);
	t->fills = ffs_table_get(&h->fills);
	t->fill_bytes = ffs_table_get(&h->fill_bytes);
	t->evictions = ffs_table_get(&h->evictions);
	t->damaged = ffs_table_get(&h->damaged);
	ffs_table_used(&c->table, &t->entries, &t->bytes);
	for (i = 0; i < FFS_CACHE_REFUSALS_N; i++)
		t->refused[i] = ffs_table_get(&h->refused[i]);
	for (i = 0; i < FFS_TABLE_LAT; i++)
		t->lat[i] = ffs_table_get(&h->lat[i]);
}

static uint64_t
percent(uint64_t n, unsigned pc)
{
	return n / 100 * pc + n % 100 * pc / 100;
}

static uint64_t
above(uint64_t have, uint64_t limit)
{
	return have > limit ? have - limit : 0;
}

void
ffs_cache_shortage(const struct ffs_cache_limits *l, const struct ffs_disk *d,
    const struct ffs_cache_entries *used, const struct ffs_cache_entries *more,
    struct ffs_shortage *s)
{
	uint64_t disk = above(percent(d->bytes, l->min_free_pc) + more->bytes, d->bytes_free);
	uint64_t inodes = 0;

	if (d->inodes)
		inodes = above(percent(d->inodes, l->min_free_pc) + more->n, d->inodes_free);
	s->bytes = above(used->bytes + more->bytes, l->size);
	s->entries = l->entries ? above(used->n + more->n, l->entries) : 0;
	s->bytes = disk > s->bytes ? disk : s->bytes;
	s->entries = inodes > s->entries ? inodes : s->entries;
	s->in_vain = disk > used->bytes || inodes > used->n;
	s->why = disk > used->bytes ? FFS_CACHE_REFUSED_disk : FFS_CACHE_REFUSED_inodes;
}

void
ffs_cache_short(struct ffs_cache *c, uint64_t bytes, uint64_t entries, struct ffs_shortage *s)
{
	struct ffs_cache_entries used, more = { entries, bytes };
	struct ffs_disk d = { 0 };
	struct ffs_cache_limits l;
	struct statvfs v;

	ffs_cache_limits_get(c, &l);
	ffs_table_used(&c->table, &used.n, &used.bytes);
	if (fstatvfs(c->dirfd, &v)) {
		/* a disk that says nothing sets no bound but its own ENOSPC */
		l.min_free_pc = 0;
		d.bytes_free = UINT64_MAX;
	} else {
		d.bytes = (uint64_t)v.f_blocks * v.f_frsize;
		d.bytes_free = (uint64_t)v.f_bavail * v.f_frsize;
		d.inodes = v.f_files;
		d.inodes_free = v.f_favail;
	}
	ffs_cache_shortage(&l, &d, &used, &more, s);
}

void
ffs_cache_set_burst(struct ffs_cache *c)
{
	uint64_t n, bytes;

	ffs_table_used(&c->table, &n, &bytes);
	bytes /= BURST_BYTES_US;
	ffs_table_set(&c->table.h->burst, bytes < BURST_MAX_US ? bytes : BURST_MAX_US);
}
