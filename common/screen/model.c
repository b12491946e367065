#include "common/screen/model.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "common/watch/maps.h"

#define CHECKS 4096    /* objects that the cache is asked about in a snapshot: some 30 ms */
#define CHECKS_TURN 64 /* snapshots until it was asked about each, where nothing changes */

static uint32_t
hash_bytes(const void *p, size_t n)
{
	const unsigned char *s = p;
	uint32_t h = 2166136261u; /* FNV-1a */

	while (n--)
		h = (h ^ *s++) * 16777619u;
	return h;
}

/* --- finding rows and chunks --- */

static void
index_put(uint32_t *index, size_t n, uint32_t hash, size_t i)
{
	size_t at = hash & (n - 1);

	while (index[at])
		at = (at + 1) & (n - 1);
	index[at] = (uint32_t)i + 1;
}

static uint32_t *
index_new(size_t entries, size_t *n)
{
	for (*n = 64; *n < entries * 2; *n *= 2)
		;
	return calloc(*n, sizeof(uint32_t));
}

static int
index_rows(struct ffs_model *m, size_t room)
{
	uint32_t *index;
	size_t n, i;

	index = index_new(room, &n);
	if (!index)
		return -ENOMEM;
	free(m->index);
	m->index = index;
	m->index_n = n;
	for (i = 0; i < m->nrows; i++)
		index_put(index, n, hash_bytes(&m->rows[i]->id, sizeof(m->rows[i]->id)), i);
	return 0;
}

static struct ffs_model_row *
find_row(const struct ffs_model *m, const struct ffs_object_id *id)
{
	size_t at = hash_bytes(id, sizeof(*id));
	struct ffs_model_row *row;

	if (!m->index_n)
		return NULL;
	for (at &= m->index_n - 1; m->index[at]; at = (at + 1) & (m->index_n - 1)) {
		row = m->rows[m->index[at] - 1];
		if (!memcmp(&row->id, id, sizeof(*id)))
			return row;
	}
	return NULL;
}

static size_t
find_chunk(const struct ffs_model *m, const char *key, size_t len)
{
	size_t at = hash_bytes(key, len), i;

	if (!m->nchunks)
		return SIZE_MAX;
	for (at &= m->chunk_index_n - 1; m->chunk_index[at];
	     at = (at + 1) & (m->chunk_index_n - 1)) {
		i = m->chunk_index[at] - 1;
		if (strlen(m->chunks[i].key) == len && !memcmp(m->chunks[i].key, key, len))
			return i;
	}
	return SIZE_MAX;
}

/* --- life --- */

static void
row_free(struct ffs_model_row *row)
{
	free(row->bucket);
	free(row);
}

void
ffs_model_reset(struct ffs_model *m)
{
	size_t i;

	for (i = 0; i < m->nrows; i++)
		row_free(m->rows[i]);
	m->nrows = 0;
	if (m->index_n)
		memset(m->index, 0, m->index_n * sizeof(*m->index));
	m->reorder = false;
	m->turn = 0;
	memset(&m->series, 0, sizeof(m->series));
}

static void
dataset_release(struct ffs_model *m)
{
	size_t i;

	for (i = 0; i < m->nchunks; i++)
		free(m->chunks[i].key);
	free(m->chunks);
	free(m->chunk_index);
	free(m->dataset);
	free(m->chunk_bucket);
	free(m->chunk_endpoint);
	m->chunks = NULL;
	m->chunk_index = NULL;
	m->dataset = m->chunk_bucket = m->chunk_endpoint = NULL;
	m->nchunks = m->chunk_index_n = 0;
}

void
ffs_model_release(struct ffs_model *m)
{
	ffs_model_reset(m);
	dataset_release(m);
	ffs_programs_release(&m->programs);
	free(m->rows);
	free(m->index);
	*m = (struct ffs_model){ 0 };
}

int
ffs_model_dataset(struct ffs_model *m, const char *title, const char *endpoint, const char *bucket,
    const char *const *keys, size_t n)
{
	size_t i;

	dataset_release(m);
	m->dataset = strdup(title);
	m->chunk_bucket = strdup(bucket);
	m->chunk_endpoint = strdup(endpoint);
	m->chunks = calloc(n ? n : 1, sizeof(*m->chunks));
	m->chunk_index = index_new(n, &m->chunk_index_n);
	if (!m->dataset || !m->chunk_bucket || !m->chunk_endpoint || !m->chunks || !m->chunk_index)
		goto fail;
	for (i = 0; i < n; i++, m->nchunks++) {
		m->chunks[i].key = strdup(keys[i]);
		if (!m->chunks[i].key)
			goto fail;
		index_put(
		    m->chunk_index, m->chunk_index_n, hash_bytes(keys[i], strlen(keys[i])), i);
	}
	return 0;
fail:
	dataset_release(m);
	return -ENOMEM;
}

/* --- a snapshot --- */

void
ffs_model_begin(struct ffs_model *m, uint64_t now_ns)
{
	m->now_ns = now_ns;
	m->turn++;
}

static struct ffs_model_row *
row_new(struct ffs_model *m, const struct ffs_object_id *id)
{
	struct ffs_model_row **rows, *row;
	size_t cap;

	if (m->nrows == m->cap) {
		cap = m->cap ? m->cap * 2 : 64;
		rows = reallocarray(m->rows, cap, sizeof(*rows));
		if (!rows)
			return NULL;
		m->rows = rows;
		m->cap = cap;
	}
	if (m->nrows * 2 >= m->index_n && index_rows(m, m->nrows * 2 + 1))
		return NULL;
	row = calloc(1, sizeof(*row));
	if (!row)
		return NULL;
	row->id = *id;
	row->chunk = SIZE_MAX;
	index_put(m->index, m->index_n, hash_bytes(id, sizeof(*id)), m->nrows);
	m->rows[m->nrows++] = row;
	m->reorder = true;
	return row;
}

/* Inside a bucket it is a guess, but not beyond the fastest and the slowest. */
static uint64_t
quantile(const struct ffs_object_stat *s, double q)
{
	uint64_t us = ffs_maps_quantile32_us(s->lat, q), lo = s->lat_min_ns / 1000,
		 hi = s->lat_max_ns / 1000;

	if (hi && us > hi)
		us = hi;
	return us < lo ? lo : us;
}

struct ffs_model_row *
ffs_model_see(struct ffs_model *m, const struct ffs_object_id *id,
    const struct ffs_object_stat *stat, bool *fresh)
{
	struct ffs_model_row *row = find_row(m, id);

	if (!row)
		row = row_new(m, id);
	if (!row)
		return NULL;
	*fresh = !row->bucket;
	if (row->seen != m->turn) /* the first time of perhaps two */
		row->active =
		    m->turn > 1 && (stat->bytes != row->bytes || stat->reads != row->reads);
	row->seen = m->turn;
	row->reads = stat->reads;
	row->heat = stat->heat;
	row->heat_ns = stat->heat_ns;
	row->bytes = stat->bytes;
	row->hots = stat->hots;
	row->hot_ns = stat->hot_ns;
	row->last_ns = stat->last_ns;
	row->uid = stat->uid;
	memcpy(row->comm, stat->comm, FFS_COMM_LEN);
	if (stat->lat_count != row->lat_count) {
		row->p50_us = quantile(stat, 0.5);
		row->p99_us = quantile(stat, 0.99);
	}
	row->lat_sum_ns = stat->lat_sum_ns;
	row->lat_count = stat->lat_count;
	return row;
}

int
ffs_model_name(struct ffs_model *m, struct ffs_model_row *row, const char *endpoint,
    const char *bucket, const char *key, size_t key_len, bool version)
{
	size_t n = strlen(bucket) + 1;
	char *p = malloc(n + key_len + 1);

	if (!p)
		return -ENOMEM;
	memcpy(p, bucket, n);
	memcpy(p + n, key, key_len);
	p[n + key_len] = '\0';
	free(row->bucket);
	row->bucket = p;
	row->key = p + n;
	row->key_len = key_len;
	row->endpoint = endpoint;
	row->version = version;
	row->chunk = SIZE_MAX;
	if (m->nchunks && !version && !strcmp(bucket, m->chunk_bucket))
		row->chunk = find_chunk(m, key, key_len);
	return 0;
}

static int
by_key(const void *va, const void *vb)
{
	const struct ffs_model_row *a = *(struct ffs_model_row *const *)va,
				   *b = *(struct ffs_model_row *const *)vb;
	size_t n = a->key_len < b->key_len ? a->key_len : b->key_len;
	int c = strcmp(a->bucket, b->bucket);

	if (!c)
		c = memcmp(a->key, b->key, n);
	if (!c)
		c = (a->key_len > b->key_len) - (a->key_len < b->key_len);
	return c ? c : memcmp(&a->id, &b->id, sizeof(a->id));
}

/* Rows that are gone, or whose name could not be read, leave; the others are in order again. */
static int
settle_rows(struct ffs_model *m)
{
	size_t i, n = 0;

	for (i = 0; i < m->nrows; i++) {
		struct ffs_model_row *row = m->rows[i];

		if (!row->bucket || m->turn - row->seen > 1) {
			row_free(row);
			m->reorder = true;
			continue;
		}
		row->active = row->active && row->seen == m->turn;
		m->rows[n++] = row;
	}
	m->nrows = n;
	if (!m->reorder)
		return 0;
	m->reorder = false;
	m->check_left = m->nchunks + m->nrows;
	if (n)
		qsort(m->rows, n, sizeof(*m->rows), by_key);
	for (i = 0; i < n; i++)
		m->rows[i]->at = i;
	return index_rows(m, n + 1);
}

/* Ask for one.  Whether it was read since the last time. */
static bool
ask_for(const char *endpoint, const char *bucket, const char *key, struct ffs_model_kept *k,
    ffs_model_ask *ask, void *arg)
{
	struct ffs_cache_name n = { endpoint, bucket, key };
	struct ffs_model_kept before = *k;

	*k = (struct ffs_model_kept){ .asked = true };
	ask(arg, &n, k);
	return k->hits > before.hits && before.asked;
}

/* Chunks come first, then rows that are none of them. */
static void
check(struct ffs_model *m, size_t i, ffs_model_ask *ask, void *arg)
{
	struct ffs_model_row *row;
	struct ffs_model_chunk *c;

	if (i < m->nchunks) {
		c = &m->chunks[i];
		c->active |=
		    ask_for(m->chunk_endpoint, m->chunk_bucket, c->key, &c->kept, ask, arg);
		return;
	}
	row = m->rows[i - m->nchunks];
	if (row->chunk != SIZE_MAX)
		return;
	if (row->endpoint && !row->version && !memchr(row->key, '\0', row->key_len))
		row->active |= ask_for(row->endpoint, row->bucket, row->key, &row->kept, ask, arg);
}

static void
check_some(struct ffs_model *m, bool changed, ffs_model_ask *ask, void *arg)
{
	size_t n = m->nchunks + m->nrows, todo;

	if (changed)
		m->check_left = n;
	if (!m->check_left)
		m->check_left = n / CHECKS_TURN + 1;
	if (m->check_left > n)
		m->check_left = n;
	todo = m->check_left < CHECKS ? m->check_left : CHECKS;
	m->check_left -= todo;
	for (; todo; todo--) {
		if (m->check_at >= n)
			m->check_at = 0;
		check(m, m->check_at++, ask, arg);
	}
}

static enum ffs_heat_state
state_of(const struct ffs_model *m, const struct ffs_model_row *row)
{
	bool past = m->meta.window_ns && m->now_ns > row->heat_ns + m->meta.window_ns;

	if (row->kept.cached)
		return FFS_HEAT_CACHED;
	if (!past && (row->hot_ns || (m->meta.threshold && row->heat >= m->meta.threshold)))
		return FFS_HEAT_HOT;
	return row->reads || row->bytes ? FFS_HEAT_WARM : FFS_HEAT_COLD;
}

static void
settle_state(struct ffs_model *m, struct ffs_model_row *row)
{
	struct ffs_model_chunk *c = row->chunk != SIZE_MAX ? &m->chunks[row->chunk] : NULL;

	if (c) {
		row->kept = c->kept;
		row->active |= c->active;
	}
	row->state = state_of(m, row);
	m->lat_sum_ns += row->lat_sum_ns;
	m->lat_count += row->lat_count;
	if (!m->chunks) {
		m->states[row->state]++;
		m->unasked += !row->kept.asked;
	} else if (c) { /* perhaps one of several copies */
		c->active |= row->active;
		if (row->state > c->state)
			c->state = row->state;
	}
}

int
ffs_model_end(struct ffs_model *m, bool changed, ffs_model_ask *ask, void *arg)
{
	int rc = settle_rows(m);
	size_t i;

	if (rc)
		return rc;
	for (i = 0; i < m->nchunks; i++)
		m->chunks[i].active = false;
	check_some(m, changed, ask, arg);
	memset(m->states, 0, sizeof(m->states));
	m->lat_sum_ns = m->lat_count = 0;
	m->unasked = 0;
	for (i = 0; i < m->nchunks; i++)
		m->chunks[i].state = m->chunks[i].kept.cached ? FFS_HEAT_CACHED : FFS_HEAT_COLD;
	for (i = 0; i < m->nrows; i++)
		settle_state(m, m->rows[i]);
	for (i = 0; i < m->nchunks; i++) {
		m->states[m->chunks[i].state]++;
		m->unasked += !m->chunks[i].kept.asked;
	}
	return 0;
}

/* --- what is shown --- */

size_t
ffs_model_cells(const struct ffs_model *m)
{
	return m->chunks ? m->nchunks : m->nrows;
}

enum ffs_heat_state
ffs_model_cell(const struct ffs_model *m, size_t i, bool *active)
{
	*active = m->chunks ? m->chunks[i].active : m->rows[i]->active;
	return m->chunks ? m->chunks[i].state : m->rows[i]->state;
}

static int
greater(uint64_t a, uint64_t b, const struct ffs_model_row *ra, const struct ffs_model_row *rb)
{
	if (a != b)
		return a > b ? -1 : 1;
	return ra->at < rb->at ? -1 : 1;
}

#define BY(name, member)                                                                           \
	static int by_##name(const void *va, const void *vb)                                       \
	{                                                                                          \
		const struct ffs_model_row *a = *(const struct ffs_model_row *const *)va,          \
					   *b = *(const struct ffs_model_row *const *)vb;          \
                                                                                                   \
		return greater(a->member, b->member, a, b);                                        \
	}
BY(reads, reads)
BY(bytes, bytes)
BY(hits, kept.hits)
BY(latency, p50_us)
BY(age, last_ns)
#undef BY

void
ffs_model_sorted(
    const struct ffs_model *m, enum ffs_model_sort by, const struct ffs_model_row **out)
{
	static int (*const order[])(const void *, const void *) = {
		[FFS_MODEL_READS] = by_reads,
		[FFS_MODEL_BYTES] = by_bytes,
		[FFS_MODEL_HITS] = by_hits,
		[FFS_MODEL_LATENCY] = by_latency,
		[FFS_MODEL_NAME] = NULL, /* as they are */
		[FFS_MODEL_AGE] = by_age,
	};
	size_t i;

	for (i = 0; i < m->nrows; i++)
		out[i] = m->rows[i];
	if (order[by] && m->nrows)
		qsort(out, m->nrows, sizeof(*out), order[by]);
}

uint64_t
ffs_model_losses(const struct ffs_model *m)
{
	uint64_t n = 0;
	unsigned i;

	for (i = 0; i < FFS_COUNTERS_N; i++)
		if (ffs_maps_counter_loss(i))
			n += m->counters[i];
	return n;
}
