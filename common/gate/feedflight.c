#include "common/gate/feedflight.h"

#include <errno.h>
#include <stdlib.h>

struct feed {
	struct ffs_flight_source source;
	struct ffs_origin *origin;
};

static void
head(void *arg, const struct ffs_head *h)
{
	(void)arg, (void)h; /* it has come before */
}

static bool
body(void *arg, const char *p, size_t n)
{
	struct feed *d = arg;

	return ffs_flight_write(d->source.flight, p, n);
}

static void
flush(void *arg)
{
	(void)arg;
}

static void
end(void *arg, int rc, const char *why)
{
	struct feed *d = arg;
	struct ffs_flight *f = d->source.flight;

	(void)why;
	ffs_flight_end(f, rc);
	free(d);
}

static void
resume(struct ffs_flight_source *s)
{
	struct feed *d = s->arg;

	ffs_origin_resume(d->origin);
}

static void
abandon(struct ffs_flight_source *s)
{
	struct feed *d = s->arg;

	ffs_origin_abort(d->origin);
	free(d);
}

int
ffs_feed(struct ffs_origin *o, struct ffs_flight *f)
{
	static const struct ffs_origin_ops ops = {
		.head = head, .body = body, .flush = flush, .end = end
	};
	struct feed *d = calloc(1, sizeof(*d));

	if (!d)
		return -ENOMEM;
	d->origin = o;
	d->source = (struct ffs_flight_source){ .resume = resume, .abandon = abandon, .arg = d };
	ffs_flight_feed(f, &d->source);
	ffs_origin_give(o, &ops, d);
	return 0;
}
