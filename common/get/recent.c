#include "common/get/recent.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/buf.h"
#include "common/base/crc32c.h"
#include "common/base/csv.h"

enum {
	RUN = 8 * 1024,
	BUCKETS = 4096,
	ROWS_MAX = 512 * 1024,   /* runs in all: 6 MiB of memory */
	ENTRIES_MAX = 16 * 1024, /* objects */
};

struct ffs_recent {
	struct ffs_blocks *blocks;
	size_t max, held; /* bytes of blocks */
	size_t rows, entries;
	struct ffs_recent_entry *newest, *oldest;
	struct ffs_recent_entry *buckets[BUCKETS];
};

struct ffs_recent *
ffs_recent_new(struct ffs_blocks *b, size_t max)
{
	struct ffs_recent *r = calloc(1, sizeof(*r));

	if (!r)
		return NULL;
	r->blocks = b;
	r->max = max;
	return r;
}

static void
unlink_age(struct ffs_recent *r, struct ffs_recent_entry *e)
{
	*(e->newer ? &e->newer->older : &r->newest) = e->older;
	*(e->older ? &e->older->newer : &r->oldest) = e->newer;
	e->newer = e->older = NULL;
}

static void
link_newest(struct ffs_recent *r, struct ffs_recent_entry *e)
{
	e->older = r->newest;
	*(r->newest ? &r->newest->newer : &r->oldest) = e;
	r->newest = e;
}

static void
drop_block(struct ffs_recent *r, struct ffs_recent_entry *e)
{
	if (!e->block)
		return;
	r->held -= e->block->cap;
	ffs_blocks_put(r->blocks, e->block);
	e->block = NULL;
}

static void
drop_entry(struct ffs_recent *r, struct ffs_recent_entry *e)
{
	struct ffs_recent_entry **at = &r->buckets[e->hash % BUCKETS];

	while (*at != e)
		at = &(*at)->chain;
	*at = e->chain;
	unlink_age(r, e);
	drop_block(r, e);
	r->rows -= e->nrows;
	r->entries--;
	free(e->rows);
	free(e->id);
	free(e);
}

void
ffs_recent_free(struct ffs_recent *r)
{
	if (!r)
		return;
	while (r->oldest)
		drop_entry(r, r->oldest);
	free(r);
}

/* FNV-1a; names come from manifests, and chains are bounded by ENTRIES_MAX. */
static uint64_t
hash_of(const char *s)
{
	uint64_t h = 14695981039346656037ULL;

	for (; *s; s++)
		h = (h ^ (unsigned char)*s) * 1099511628211ULL;
	return h;
}

/* Forget the oldest objects altogether. */
static void
trim(struct ffs_recent *r)
{
	struct ffs_recent_entry *e, *newer;

	for (e = r->oldest; e && (r->rows > ROWS_MAX || r->entries > ENTRIES_MAX); e = newer) {
		newer = e->newer;
		if (!e->users && newer)
			drop_entry(r, e);
	}
}

struct ffs_recent_entry *
ffs_recent_get(struct ffs_recent *r, const char *bucket, const char *key, const char *etag)
{
	struct ffs_recent_entry *e = NULL;
	struct ffs_buf id = FFS_BUF_INIT;
	uint64_t hash;

	ffs_buf_addf(&id, "%s/%s %s", bucket, key, etag);
	if (ffs_buf_error(&id))
		goto out;
	hash = hash_of(id.p);
	for (e = r->buckets[hash % BUCKETS]; e; e = e->chain)
		if (e->hash == hash && !strcmp(e->id, id.p))
			break;
	if (e) {
		unlink_age(r, e);
		link_newest(r, e);
		goto out;
	}
	e = calloc(1, sizeof(*e));
	if (!e)
		goto out;
	e->id = ffs_buf_detach(&id);
	e->hash = hash;
	e->chain = r->buckets[hash % BUCKETS];
	r->buckets[hash % BUCKETS] = e;
	link_newest(r, e);
	r->entries++;
	trim(r);
out:
	ffs_buf_release(&id);
	if (!e)
		errno = ENOMEM;
	return e;
}

/* 0, or -errno: without rows then. */
static int
find_rows(struct ffs_recent_entry *e, const char *p, size_t n, size_t header, char delim)
{
	struct ffs_csv *csv = ffs_csv_new(delim, 0);
	size_t at = header, start = header, max = (n - header) / RUN + 2, row = 0, first = 0;
	struct ffs_csv_row found;
	int rc = csv ? 1 : -ENOMEM;

	e->rows = rc < 0 ? NULL : reallocarray(NULL, max, sizeof(*e->rows));
	if (!e->rows)
		rc = -ENOMEM;
	while (rc == 1 && at < n) {
		rc = ffs_csv_next(csv, p + at, n - at, true, &found);
		if (rc != 1)
			break;
		at += found.len;
		row++;
		if (at - start < RUN && at < n)
			continue;
		e->rows[e->nrows++] = (struct ffs_recent_rows){ (uint32_t)start, (uint32_t)first,
			ffs_crc32c(0, p + start, at - start) };
		start = at;
		first = row;
	}
	ffs_csv_free(csv);
	if (rc == 1) {
		e->rows[e->nrows] = (struct ffs_recent_rows){ (uint32_t)n, (uint32_t)row, 0 };
		return 0;
	}
	free(e->rows);
	e->rows = NULL;
	e->nrows = 0;
	return rc ? rc : -EBADMSG;
}

int
ffs_recent_fill(struct ffs_recent *r, struct ffs_recent_entry *e, struct ffs_block *block,
    size_t header_bytes, char delim)
{
	int rc = 0;

	if (!e->rows && header_bytes <= block->len) {
		rc = find_rows(e, block->p, block->len, header_bytes, delim);
		r->rows += e->nrows;
	}
	drop_block(r, e);
	e->block = block;
	block->refs++;
	r->held += block->cap;
	ffs_recent_make_room(r, 0);
	trim(r);
	return rc == -ENOMEM ? rc : 0;
}

void
ffs_recent_make_room(struct ffs_recent *r, size_t n)
{
	struct ffs_recent_entry *e;

	for (e = r->oldest; e && (r->held > r->max || (n && !ffs_blocks_fit(r->blocks, n)));
	     e = e->newer)
		if (!e->users)
			drop_block(r, e);
}

/* The run that row is in. */
static size_t
run_of(const struct ffs_recent_entry *e, uint64_t row)
{
	size_t lo = 0, hi = e->nrows, mid;

	while (hi - lo > 1) {
		mid = lo + (hi - lo) / 2;
		if (e->rows[mid].row <= row)
			lo = mid;
		else
			hi = mid;
	}
	return lo;
}

bool
ffs_recent_find(const struct ffs_recent_entry *e, uint64_t first_row, uint64_t last_row,
    size_t *first, size_t *end)
{
	if (!e->nrows || first_row > last_row || last_row >= e->rows[e->nrows].row)
		return false;
	*first = run_of(e, first_row);
	*end = run_of(e, last_row) + 1;
	return true;
}

bool
ffs_recent_check(
    const struct ffs_recent_entry *e, size_t first, size_t end, const char *p, size_t n)
{
	size_t i, len;

	for (i = first; i < end; i++) {
		len = e->rows[i + 1].off - e->rows[i].off;
		if (len > n || ffs_crc32c(0, p, len) != e->rows[i].crc32c)
			return false;
		p += len;
		n -= len;
	}
	return !n;
}
