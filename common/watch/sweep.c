#include "common/watch/sweep.h"

#include <errno.h>
#include <stdlib.h>

#include <bpf/bpf.h>

#include "common/watch/maps.h"

struct aged {
	struct ffs_object_id id;
	uint64_t last_ns;
};

struct all {
	struct aged *v;
	size_t n, room;
};

static int
note(void *arg, const struct ffs_object_id *id, const struct ffs_object_stat *s)
{
	struct all *a = arg;

	/* What comes twice while the table changes. */
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

int
ffs_sweep(int objects, int names, uint32_t max)
{
	struct ffs_maps m = { .objects = objects, .names = names };
	struct all all = { .room = max };
	size_t i, out = 0;
	int rc;

	all.v = calloc(all.room, sizeof(*all.v));
	if (!all.v)
		return -ENOMEM;
	rc = ffs_maps_stats(&m, note, &all);
	if (!rc && all.n > max / 8 * 7) {
		out = all.n - max / 4 * 3;
		qsort(all.v, all.n, sizeof(*all.v), older);
	}
	for (i = 0; i < out; i++) {
		bpf_map_delete_elem(objects, &all.v[i].id);
		bpf_map_delete_elem(names, &all.v[i].id);
	}
	free(all.v);
	return rc ? rc : (int)out;
}
