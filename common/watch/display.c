#include "common/watch/display.h"

#include <errno.h>

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

int
ffs_display_table(struct ffs_session *s, FILE *f, bool json, const struct ffs_load_stats *stats)
{
	struct printing p = { .s = s, .f = f, .type = json ? "object" : NULL };
	int rc = json ? 0 : ffs_report_print_head(f);

	if (!rc)
		rc = ffs_maps_each(&s->maps, on_object, &p);
	if (!rc && stats)
		rc = ffs_report_print_stats(f, json, stats, FFS_LOAD_PROGS);
	if (!rc)
		rc = json ? ffs_report_print_counters(f, &s->maps) : note_losses(s);
	return rc;
}

int
ffs_display_hot(struct ffs_session *s, FILE *f, bool json, bool stats, int *stop)
{
	struct printing p = { .s = s, .f = f, .type = json ? "hot" : NULL };
	struct ffs_report_hot *hot = ffs_report_hot_new(&s->maps);
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
