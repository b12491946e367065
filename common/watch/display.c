#include "common/watch/display.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "common/watch/report.h"

#define POLL_MS 100

struct printing {
	const struct ffs_session *s;
	FILE *f;
	const char *type; /* of JSON; NULL: none */
};

static int
on_object(void *arg, const struct ffs_maps_object *o)
{
	const struct printing *p = arg;

	return ffs_report_print_object(p->f, p->type, &p->s->maps, o, &p->s->addresses);
}

/* Whether that was all there was to be seen. */
static int
note_losses(const struct ffs_session *s)
{
	struct ffs_buf b = FFS_BUF_INIT;
	int rc = ffs_report_losses(&b, &s->maps);

	if (!rc && b.len)
		s->note(s->arg, false, b.p);
	ffs_buf_release(&b);
	return rc;
}

struct ranked {
	struct ffs_object_id id;
	uint64_t reads, bytes;
};

struct ranking {
	struct ranked *v;
	size_t n, room;
};

static int
add(void *arg, const struct ffs_object_id *id, const struct ffs_object_stat *s)
{
	struct ranking *r = arg;
	size_t room = r->room ? 2 * r->room : 256;
	void *v;

	if (r->n == r->room) {
		v = reallocarray(r->v, room, sizeof(*r->v));
		if (!v)
			return -ENOMEM;
		r->v = v;
		r->room = room;
	}
	r->v[r->n++] = (struct ranked){ .id = *id, .reads = s->reads, .bytes = s->bytes };
	return 0;
}

/* The most read first; one that came twice, beside itself. */
static int
by_reads(const void *x, const void *y)
{
	const struct ranked *a = x, *b = y;

	if (a->reads != b->reads)
		return a->reads < b->reads ? 1 : -1;
	if (a->bytes != b->bytes)
		return a->bytes < b->bytes ? 1 : -1;
	return memcmp(&a->id, &b->id, sizeof(a->id));
}

static int
print_objects(struct printing *p)
{
	struct ranking r = { 0 };
	struct ffs_maps_object o;
	size_t i;
	int rc = ffs_maps_stats(&p->s->maps, add, &r);

	if (!rc && r.n)
		qsort(r.v, r.n, sizeof(*r.v), by_reads);
	for (i = 0; !rc && i < r.n; i++) {
		if (i && !memcmp(&r.v[i].id, &r.v[i - 1].id, sizeof(r.v[i].id)))
			continue;
		/* One that was swept meanwhile is none. */
		rc = ffs_maps_object(&p->s->maps, &r.v[i].id, &o);
		if (!rc)
			rc = on_object(p, &o);
		else if (rc == -ENOENT || rc == -EBADMSG)
			rc = 0;
	}
	free(r.v);
	return rc;
}

/* Without somebody who has switched that on, nothing is measured. */
static void
note_unmeasured(const struct ffs_session *s, const struct ffs_load_stats *stats)
{
	uint64_t runs = 0;
	size_t i;

	for (i = 0; i < FFS_LOAD_PROGS; i++)
		runs += stats[i].runs;
	if (!runs)
		s->note(s->arg, false,
		    "the kernel measures nothing: start ffs-hotmon with --stats, or sysctl "
		    "kernel.bpf_stats_enabled=1");
}

int
ffs_display_table(struct ffs_session *s, FILE *f, bool json, const struct ffs_load_stats *stats)
{
	struct printing p = { .s = s, .f = f, .type = json ? "object" : NULL };
	int rc = json ? 0 : ffs_report_print_head(f);

	if (!rc)
		rc = print_objects(&p);
	if (!rc && stats) {
		note_unmeasured(s, stats);
		rc = ffs_report_print_stats(f, json, stats, FFS_LOAD_PROGS);
	}
	if (!rc)
		rc = json ? ffs_report_print_counters(f, &s->maps) : note_losses(s);
	return rc;
}

int
ffs_display_hot(struct ffs_session *s, FILE *f, bool json, bool stats, int *stop)
{
	struct printing p = { .s = s, .f = f, .type = json ? "hot" : NULL };
	/* Whoever attached the programs tells all they saw, also while the maps were opened. */
	struct ffs_report_hot *hot = ffs_report_hot_new(&s->maps, s->fd >= 0);
	struct ffs_load_stats v[FFS_LOAD_PROGS];
	int rc = hot ? 0 : -errno;

	*stop = 0;
	if (!rc && !json)
		rc = ffs_report_print_head(f);
	while (!rc && !*stop) {
		rc = ffs_report_hot_poll(hot, on_object, &p);
		if (!rc)
			*stop = ffs_session_wait(s, POLL_MS);
	}
	if (!rc && stats && *stop > 0 && s->fd >= 0) {
		rc = ffs_session_stats(s, v);
		if (!rc)
			rc = ffs_report_print_stats(f, json, v, FFS_LOAD_PROGS);
	}
	if (!rc && !json)
		rc = note_losses(s);
	ffs_report_hot_free(hot);
	return rc;
}
