#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include "common/base/clock.h"
#include "common/watch/report.h"

#define FIRST_ROOM 1024
#define LOOK_SHARE 9 /* a tenth of the time at most */

/* What was told of an object when last looked at. */
struct seen {
	struct ffs_object_id id;
	uint64_t hots;   /* how often it was hot; 0: free */
	uint64_t hot_ns; /* when it last was; 0: unknown */
	uint64_t look;
};

struct ffs_report_hot {
	const struct ffs_maps *m;
	uint64_t events; /* the counter "hot", when last looked at */
	struct seen *v;  /* a hash of open addressing, at most half full */
	size_t room, n;
	struct ffs_object_id *fresh; /* of this look */
	size_t fresh_n, fresh_room;
	int64_t next_ms; /* no look before: one may take most of the interval */
	uint64_t look;   /* which this is */
	bool again; /* events came since the look before: one may have been counted but not written
	             */
	bool quiet;
};

static struct seen *
slot(struct seen *v, size_t room, const struct ffs_object_id *id)
{
	size_t i = (size_t)id->hash & (room - 1);

	while (v[i].hots && memcmp(&v[i].id, id, sizeof(*id)))
		i = (i + 1) & (room - 1);
	return &v[i];
}

/* Room for twice those that are still there: not in this look nor the one before are those that the
 * kernel's table has forgotten. */
static int
grow(struct ffs_report_hot *h)
{
	size_t i, n = 0, room = FIRST_ROOM;
	struct seen *v;

	for (i = 0; i < h->room; i++)
		n += h->v[i].hots && h->v[i].look + 1 >= h->look;
	while (room <= 4 * n)
		room *= 2;
	v = calloc(room, sizeof(*v));
	if (!v)
		return -ENOMEM;
	for (i = 0; i < h->room; i++)
		if (h->v[i].hots && h->v[i].look + 1 >= h->look)
			*slot(v, room, &h->v[i].id) = h->v[i];
	free(h->v);
	h->v = v;
	h->n = n;
	h->room = room;
	return 0;
}

static int
add_fresh(struct ffs_report_hot *h, const struct ffs_object_id *id)
{
	size_t room = h->fresh_room ? 2 * h->fresh_room : 64;
	void *v;

	if (h->fresh_n == h->fresh_room) {
		v = reallocarray(h->fresh, room, sizeof(*h->fresh));
		if (!v)
			return -ENOMEM;
		h->fresh = v;
		h->fresh_room = room;
	}
	h->fresh[h->fresh_n++] = *id;
	return 0;
}

static int
look(void *arg, const struct ffs_object_id *id, const struct ffs_object_stat *s)
{
	struct ffs_report_hot *h = arg;
	/* What the kernel told of; where the ring was full it takes that back, but hot it is. */
	uint64_t hots = s->hots ? s->hots : s->heat >= h->m->loaded.threshold;
	struct seen *k;
	bool known;

	if (!hots)
		return 0;
	if (2 * h->n >= h->room && grow(h))
		return -ENOMEM;
	k = slot(h->v, h->room, id);
	/* One that was forgotten in between counts anew, so the number alone does not tell. */
	known = k->hots == hots && (!s->hot_ns || !k->hot_ns || s->hot_ns == k->hot_ns);
	h->n += !k->hots;
	k->id = *id;
	k->hots = hots;
	k->hot_ns = s->hot_ns ? s->hot_ns : k->hot_ns;
	k->look = h->look;
	return known || h->quiet ? 0 : add_fresh(h, id);
}

static int
hot_events(struct ffs_report_hot *h, uint64_t *n)
{
	uint64_t v[FFS_COUNTERS_N];
	int rc = ffs_maps_counters(h->m, v);

	/* A full ring loses the event, not the heat. */
	if (!rc)
		*n = v[FFS_COUNT_hot] + v[FFS_COUNT_ring_full];
	return rc;
}

int
ffs_report_hot_poll(
    struct ffs_report_hot *h, int (*each)(void *arg, const struct ffs_maps_object *o), void *arg)
{
	int64_t begin = ffs_clock_ms();
	struct ffs_maps_object o;
	uint64_t events;
	size_t i;
	int rc = hot_events(h, &events);

	if (rc || (events == h->events && !h->again) || begin < h->next_ms)
		return rc;
	h->again = events != h->events;
	h->events = events;
	h->fresh_n = 0;
	h->look++;
	rc = ffs_maps_stats(h->m, look, h);
	h->next_ms = ffs_clock_ms() + LOOK_SHARE * (ffs_clock_ms() - begin);
	for (i = 0; !rc && i < h->fresh_n; i++)
		if (!ffs_maps_object(h->m, &h->fresh[i], &o))
			rc = each(arg, &o);
	return rc;
}

struct ffs_report_hot *
ffs_report_hot_new(const struct ffs_maps *m, bool all)
{
	struct ffs_report_hot *h = calloc(1, sizeof(*h));
	int rc = -ENOMEM;

	if (h) {
		h->m = m;
		h->quiet = true;
		rc = all ? 0 : hot_events(h, &h->events);
		if (!rc && !all)
			rc = ffs_maps_stats(m, look, h);
		h->quiet = false;
	}
	if (!rc)
		return h;
	ffs_report_hot_free(h);
	errno = -rc;
	return NULL;
}

void
ffs_report_hot_free(struct ffs_report_hot *h)
{
	if (!h)
		return;
	free(h->v);
	free(h->fresh);
	free(h);
}
