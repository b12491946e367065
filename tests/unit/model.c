/* The model behind the screen: objects, states, orders, what lies between two snapshots. */
#include "common/screen/model.h"

#include <stdlib.h>

#include "tests/unit/check.h"
#include "tests/unit/model.h"

#define SECOND 1000000000ull

static void
none(void *arg, const struct ffs_cache_name *n, struct ffs_model_kept *k)
{
	(void)arg;
	(void)n;
	(void)k;
}

/* In the cache is the one whose key arg points to; questions are counted. */
static unsigned asked;
static uint64_t hits;

static void
this_one(void *arg, const struct ffs_cache_name *n, struct ffs_model_kept *k)
{
	asked++;
	k->cached = !strcmp(n->endpoint, "http://127.0.0.1:9000") && !strcmp(n->bucket, "ffs") &&
	            !strcmp(n->key, *(const char *const *)arg);
	k->hits = k->cached ? hits : 0;
}

static void
states(void)
{
	struct ffs_model m = { .meta.threshold = 2 };
	bool active;

	ffs_model_begin(&m, SECOND);
	object_see_nth(&m, 2, 0);
	object_see_nth(&m, 1, 1);
	object_see_nth(&m, 0, 2);
	CHECK(!ffs_model_end(&m, true, none, NULL), "end");
	CHECK(ffs_model_cells(&m) == 3, "cells");
	CHECK(ffs_model_cell(&m, 0, &active) == FFS_HEAT_HOT, "hot");
	CHECK(ffs_model_cell(&m, 1, &active) == FFS_HEAT_WARM, "warm");
	CHECK(ffs_model_cell(&m, 2, &active) == FFS_HEAT_COLD, "asked for, never given");
	CHECK(m.states[FFS_HEAT_HOT] == 1 && m.states[FFS_HEAT_WARM] == 1, "counts");
	CHECK(m.lat_count == 3 && m.lat_sum_ns == 1000000 + 1000000, "latency of all");

	/* One is read again, one is seen twice, one goes to the cache. */
	ffs_model_begin(&m, 2 * SECOND);
	object_see_nth(&m, 2, 0);
	object_see_nth(&m, 1, 2);
	object_see_nth(&m, 1, 2);
	object_see_nth(&m, 0, 2);
	CHECK(!ffs_model_end(&m, true, this_one, &(const char *){ "lobster/1/00000.csv" }), "end");
	CHECK(ffs_model_cell(&m, 0, &active) == FFS_HEAT_CACHED && !active, "cached");
	CHECK(ffs_model_cell(&m, 1, &active) == FFS_HEAT_HOT && active, "now hot");
	hits = 3;
	ffs_model_begin(&m, 2 * SECOND + 1);
	object_see_nth(&m, 2, 0);
	object_see_nth(&m, 1, 2);
	object_see_nth(&m, 0, 2);
	ffs_model_end(&m, true, this_one, &(const char *){ "lobster/1/00000.csv" });
	CHECK(ffs_model_cell(&m, 0, &active) == FFS_HEAT_CACHED && active, "a hit");
	CHECK(m.rows[0]->kept.hits == 3 && m.rows[1]->kept.hits == 0, "hits");

	/* It was evicted; another is missing, for a moment; then it is gone. */
	ffs_model_begin(&m, 3 * SECOND);
	object_see_nth(&m, 1, 2);
	object_see_nth(&m, 0, 2);
	ffs_model_end(&m, true, none, NULL);
	CHECK(m.nrows == 3 && ffs_model_cell(&m, 0, &active) == FFS_HEAT_HOT, "evicted");
	CHECK(ffs_model_cell(&m, 1, &active) == FFS_HEAT_HOT && !active, "not read again");
	ffs_model_begin(&m, 4 * SECOND);
	object_see_nth(&m, 1, 2);
	object_see_nth(&m, 0, 2);
	ffs_model_end(&m, true, none, NULL);
	CHECK(m.nrows == 2, "%zu rows", m.nrows);
	ffs_model_release(&m);
}

/* Counts that decay are not for ever. */
static void
window(void)
{
	struct ffs_model m = { .meta = { .threshold = 2, .window_ns = 60 * SECOND } };
	struct ffs_object_id id = object_id(1);
	struct ffs_object_stat s = { .reads = 9, .heat = 3, .heat_ns = 5 * SECOND, .bytes = 1 };
	struct ffs_model_row *row;
	bool fresh;

	ffs_model_begin(&m, 6 * SECOND);
	row = ffs_model_see(&m, &id, &s, &fresh);
	CHECK(row && fresh, "fresh");
	ffs_model_name(&m, row, NULL, "b", "k", 1, false);
	ffs_model_end(&m, false, none, NULL);
	CHECK(m.rows[0]->state == FFS_HEAT_HOT, "in the window");
	ffs_model_begin(&m, 66 * SECOND);
	ffs_model_see(&m, &id, &s, &fresh);
	CHECK(!fresh, "known");
	ffs_model_end(&m, false, none, NULL);
	CHECK(m.rows[0]->state == FFS_HEAT_WARM, "behind it");
	ffs_model_release(&m);
}

/* What the cache cannot have is not asked for: versions, keys with NUL, stores unknown. */
static void
never_cached(void)
{
	struct ffs_model m = { 0 };
	struct ffs_object_stat s = { .reads = 1, .bytes = 1 };
	struct ffs_object_id id;
	unsigned i;
	bool fresh;

	ffs_model_begin(&m, SECOND);
	for (i = 0; i < 4; i++) {
		id = object_id(i);
		ffs_model_name(&m, ffs_model_see(&m, &id, &s, &fresh),
		    i == 2 ? NULL : "http://127.0.0.1:9000", "ffs", i == 1 ? "k\0k" : "k",
		    i == 1 ? 3 : 1, i == 3);
	}
	/* Its name could not be read: not there. */
	id = object_id(9);
	ffs_model_see(&m, &id, &s, &fresh);
	asked = 0;
	ffs_model_end(&m, true, this_one, &(const char *){ "k" });
	CHECK(asked == 1 && m.states[FFS_HEAT_CACHED] == 1, "asked %u times", asked);
	CHECK(m.nrows == 4, "%zu rows", m.nrows);
	ffs_model_release(&m);
}

static void
dataset(void)
{
	static const char *const keys[] = { "lobster/1/00000.csv", "lobster/1/00001.csv",
		"lobster/1/00002.csv", "lobster/1/00003.csv" };
	struct ffs_model m = { .meta.threshold = 2 };
	bool active;

	CHECK(!ffs_model_dataset(&m, "lobster@1", "http://127.0.0.1:9000", "ffs", keys, 4), "set");
	ffs_model_begin(&m, SECOND);
	ffs_model_end(&m, true, this_one, &(const char *){ "lobster/1/00003.csv" });
	CHECK(ffs_model_cells(&m) == 4 && m.states[FFS_HEAT_COLD] == 3, "all but one cold");
	CHECK(ffs_model_cell(&m, 3, &active) == FFS_HEAT_CACHED, "cached before it was read");
	ffs_model_begin(&m, 2 * SECOND);
	object_see_nth(&m, 1, 1);
	object_see_nth(&m, 2, 5);
	object_see_nth(&m, 77, 5); /* of another dataset */
	ffs_model_end(&m, true, this_one, &(const char *){ "lobster/1/00002.csv" });
	CHECK(ffs_model_cell(&m, 0, &active) == FFS_HEAT_COLD && !active, "cold");
	CHECK(ffs_model_cell(&m, 1, &active) == FFS_HEAT_WARM && active, "warm");
	CHECK(ffs_model_cell(&m, 2, &active) == FFS_HEAT_CACHED, "cached");
	CHECK(
	    m.states[0] == 2 && m.states[1] == 1 && m.states[2] == 0 && m.states[3] == 1, "counts");
	/* Another load of the programs: all begins anew, the dataset stays. */
	ffs_model_reset(&m);
	ffs_model_begin(&m, 3 * SECOND);
	object_see_nth(&m, 2, 1);
	ffs_model_end(&m, true, none, NULL);
	CHECK(m.nrows == 1 && ffs_model_cell(&m, 2, &active) == FFS_HEAT_WARM && !active, "anew");
	ffs_model_release(&m);
}

static void
orders(void)
{
	static const unsigned want[][4] = {
		[FFS_MODEL_READS] = { 2, 0, 1, 3 }, /* of equal many, by name */
		[FFS_MODEL_BYTES] = { 2, 3, 1, 0 },
		[FFS_MODEL_HITS] = { 3, 0, 1, 2 },
		[FFS_MODEL_LATENCY] = { 3, 2, 1, 0 },
		[FFS_MODEL_NAME] = { 0, 1, 2, 3 },
		[FFS_MODEL_AGE] = { 0, 1, 2, 3 },
	};
	const struct ffs_model_row *rows[4];
	struct ffs_model m = { 0 };
	unsigned i, by;

	ffs_model_begin(&m, SECOND);
	for (i = 4; i-- > 0;)
		object_see_nth(&m, i, i == 2 ? 9 : 3);
	hits = 5;
	ffs_model_end(&m, false, this_one, &(const char *){ "lobster/1/00003.csv" });
	for (by = 0; by < COUNT(want); by++) {
		ffs_model_sorted(&m, by, rows);
		for (i = 0; i < 4; i++)
			CHECK(rows[i] == m.rows[want[by][i]], "order %u, place %u: %s", by, i,
			    rows[i]->key);
	}
	ffs_model_release(&m);
}

/* As many objects as the kernel holds: each is found again, each file is looked for in time. */
static void
many(void)
{
	struct ffs_model m = { 0 };
	unsigned i, turn;

	asked = 0;
	for (turn = 1; turn <= 18; turn++) {
		ffs_model_begin(&m, turn * SECOND);
		for (i = 0; i < 65536; i++)
			object_see_nth(&m, i * 7919 % 65536, turn);
		ffs_model_end(&m, false, this_one, &(const char *){ "lobster/1/65535.csv" });
		CHECK(!m.unasked == (turn >= 16), "turn %u: %zu not asked about", turn, m.unasked);
	}
	CHECK(m.nrows == 65536, "%zu rows", m.nrows);
	CHECK(
	    m.rows[65535]->state == FFS_HEAT_CACHED && m.states[FFS_HEAT_CACHED] == 1, "the last");
	CHECK(asked >= 65536 && asked < 65536 + 4 * 4096, "asked %u times", asked);
	ffs_model_release(&m);
}

static void
series(void)
{
	struct ffs_series *s = calloc(1, sizeof(*s));
	struct ffs_series_at at = { .ns = SECOND, .reads = 100, .hits = 7 };
	const struct ffs_series_sample *v;
	struct ffs_series_rates r;
	unsigned i;

	ffs_series_rates(s, 2000, &r);
	CHECK(r.reads == 0 && !ffs_series_back(s, 0), "nothing yet");
	at.origin[30] = 50;
	ffs_series_add(s, &at);
	CHECK(!ffs_series_back(s, 0), "one time is no difference");
	at.ns += SECOND / 2;
	at.reads += 10;
	at.read_bytes += 5000000;
	at.origin[20] += 9; /* (4 + 0) << 7: 512 to 640 us */
	at.origin[40]++;
	at.hit[4] += 3; /* 32 to 40 us */
	ffs_series_add(s, &at);
	v = ffs_series_back(s, 0);
	CHECK(v && v->reads == 10 && v->dt_ns == SECOND / 2, "a sample");
	CHECK(v && v->origin_us >= 512 && v->origin_us < 640, "%u us", (unsigned)v->origin_us);
	CHECK(v && v->hit_us >= 32 && v->hit_us < 40, "%u us", (unsigned)v->hit_us);
	ffs_series_rates(s, 2000, &r);
	CHECK(r.reads > 19.99 && r.reads < 20.01 && r.read_bytes > 9.99e6, "%f reads/s", r.reads);
	at.ns += SECOND / 2;
	ffs_series_add(s, &at);
	v = ffs_series_back(s, 0);
	CHECK(v && !v->reads && !v->origin_us && !v->hit_us, "nothing happened");
	ffs_series_rates(s, 2000, &r);
	CHECK(r.reads > 9.99 && r.reads < 10.01, "%f reads/s", r.reads);
	ffs_series_rates(s, 400, &r);
	CHECK(r.reads == 0, "the last one only");
	/* Another load: counts begin at 0 again. */
	at = (struct ffs_series_at){ .ns = at.ns + SECOND, .reads = 4 };
	ffs_series_add(s, &at);
	v = ffs_series_back(s, 0);
	CHECK(v && v->reads == 4 && v->hits == 0, "begun anew");
	/* A clock that stands gives no rate. */
	ffs_series_add(s, &at);
	CHECK(ffs_series_back(s, 0) == v, "no time between");
	for (i = 0; i < 3 * FFS_SERIES_MAX; i++) {
		at.ns += SECOND;
		at.reads = i + 10;
		ffs_series_add(s, &at);
	}
	CHECK(
	    ffs_series_back(s, FFS_SERIES_MAX - 1) && !ffs_series_back(s, FFS_SERIES_MAX), "full");
	CHECK(ffs_series_back(s, 5)->ns == at.ns - 5 * SECOND, "in order");
	free(s);
}

static void
losses(void)
{
	struct ffs_model m = { 0 };

	m.counters[FFS_COUNT_reads] = 5;
	m.counters[FFS_COUNT_nodelay_refused] = 5;
	CHECK(ffs_model_losses(&m) == 0, "none of these is a loss");
	m.counters[FFS_COUNT_ring_full] = 2;
	m.counters[FFS_COUNT_load_errors] = 1;
	CHECK(ffs_model_losses(&m) == 3, "losses");
}

int
main(void)
{
	states();
	window();
	never_cached();
	dataset();
	orders();
	many();
	series();
	losses();
	return failed;
}
