#include "common/watch/thin.h"

#include <errno.h>
#include <stdlib.h>

#include <bpf/bpf.h>

#include "common/base/clock.h"

#define SHARE 4 /* at most a fifth of the time goes into looking */
#define BATCH 1024

struct aged {
	struct ffs_object_id id;
	uint64_t last_ns;
};

struct all {
	struct aged *v;
	size_t n, room;
};

static uint32_t
high(const struct ffs_thin *s)
{
	return s->max - s->max / 8;
}

static uint32_t
low(const struct ffs_thin *s)
{
	return s->max - s->max / 4;
}

/* --- objects --- */

static int
note(void *arg, const struct ffs_object_id *id, const struct ffs_object_stat *s)
{
	struct all *a = arg;

	/* Some come twice while the table changes. */
	if (a->n < a->room)
		a->v[a->n++] = (struct aged){ .id = *id, .last_ns = s->last_ns };
	return 0;
}

static int
older(const void *x, const void *y)
{
	const struct aged *a = x, *b = y;

	return (a->last_ns > b->last_ns) - (a->last_ns < b->last_ns);
}

/* Some that are gone already end a batch: the rest of it is another one. */
static void
remove_all(int fd, const struct ffs_object_id *ids, size_t n)
{
	LIBBPF_OPTS(bpf_map_batch_opts, opts);
	size_t done = 0;
	__u32 count;

	while (done < n) {
		count = n - done < BATCH ? (__u32)(n - done) : BATCH;
		if (!bpf_map_delete_batch(fd, ids + done, &count, &opts))
			done += count;
		else if (errno == ENOENT)
			done += count + 1;
		else
			return;
	}
}

static int
sweep_objects(struct ffs_thin *s, const struct ffs_maps *m)
{
	struct all all = { .room = s->max };
	struct ffs_object_id *ids = calloc(s->max, sizeof(*ids));
	size_t i, out = 0;
	int rc = -ENOMEM;

	all.v = calloc(all.room, sizeof(*all.v));
	if (all.v && ids)
		rc = ffs_maps_stats(m, note, &all);
	if (!rc && all.n > high(s)) {
		out = all.n - low(s);
		qsort(all.v, all.n, sizeof(*all.v), older);
	}
	for (i = 0; i < out; i++)
		ids[i] = all.v[i].id;
	remove_all(m->objects, ids, out);
	remove_all(m->names, ids, out);
	s->objects = all.n - out;
	s->names -= out < s->names ? out : s->names;
	free(all.v);
	free(ids);
	return rc ? rc : (int)out;
}

/* --- names --- */

/* Keys only: the values are large. */
static size_t
list_names(const struct ffs_maps *m, struct ffs_object_id *v, size_t room)
{
	const struct ffs_object_id *before = NULL;
	size_t n;

	for (n = 0; n < room && !bpf_map_get_next_key(m->names, before, &v[n]); n++)
		before = &v[n];
	return n;
}

/* A request comes before its object is counted: those in flight lose their names, too, and are
 * counted as lost. */
static int
sweep_names(struct ffs_thin *s, const struct ffs_maps *m)
{
	struct ffs_object_id *v = calloc(s->max, sizeof(*v));
	struct ffs_object_stat stat;
	size_t i, n, out = 0;

	if (!v)
		return -ENOMEM;
	n = list_names(m, v, s->max);
	for (i = 0; n > high(s) && i < n && n - out > low(s); i++)
		if (bpf_map_lookup_elem(m->objects, &v[i], &stat) &&
		    !bpf_map_delete_elem(m->names, &v[i]))
			out++;
	s->names = n - out;
	free(v);
	return (int)out;
}

int
ffs_thin(struct ffs_thin *s, const struct ffs_maps *m)
{
	uint64_t v[FFS_COUNTERS_N], fresh;
	int64_t begin = ffs_clock_ms();
	int rc, out = 0;

	if (begin < s->next_ms)
		return 0;
	rc = ffs_maps_counters(m, v);
	if (rc)
		return rc;
	/* Each request may have added one of each. */
	fresh = v[FFS_COUNT_requests] - s->requests;
	s->requests = v[FFS_COUNT_requests];
	s->objects += fresh;
	s->names += fresh;
	if (s->objects > high(s))
		rc = out = sweep_objects(s, m);
	if (rc >= 0 && s->names > high(s)) {
		rc = sweep_names(s, m);
		out += rc;
	}
	s->next_ms = ffs_clock_ms() + SHARE * (ffs_clock_ms() - begin);
	return rc < 0 ? rc : out;
}
