#include "common/follow/errand.h"

#include <errno.h>
#include <poll.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/buf.h"
#include "common/base/clock.h"

enum { TURN_MS = 100 }; /* before what came meanwhile is looked at */

/* A store, or a list of them, and what fills from there. */
struct place {
	struct ffs_stores *stores;
	struct ffs_filler *filler; /* NULL: nobody can read there for us */
};

struct ffs_errand {
	struct ffs_errand_opts o;
	struct ffs_stores origin;
	bool has_origin;
	struct place v[2];
	size_t n;
};

static void
note(struct ffs_errand *f, const char *what, const char *url)
{
	struct ffs_buf b = FFS_BUF_INIT;

	if (!f->o.note)
		return;
	ffs_buf_addf(&b, "what is read in parts of '%s' is not kept: %s", url, what);
	if (!ffs_buf_error(&b))
		f->o.note(f->o.arg, b.p);
	ffs_buf_release(&b);
}

static int
add(struct ffs_errand *f, struct ffs_stores *st)
{
	const struct ffs_endpoint *ep = &st->nodes.v[0].ep;
	struct place *p = &f->v[f->n++];
	struct ffs_filler_opts o = f->o.fill;

	p->stores = o.stores = st;
	if (!ep->access_key) {
		note(f, "there are no credentials for it", ep->url);
		return 0;
	}
	p->filler = ffs_filler_new(&o);
	return p->filler ? 0 : -ENOMEM;
}

/* The origin is one of the list's, or there is none. */
static bool
is_listed(const struct ffs_errand *f, const char *url)
{
	const struct ffs_nodes *nodes = &f->o.fill.stores->nodes;
	size_t i;

	for (i = 0; i < nodes->n; i++)
		if (!strcmp(nodes->v[i].ep.url, url))
			return true;
	return false;
}

static int
add_origin(struct ffs_errand *f)
{
	struct ffs_config_opts config = *f->o.config;
	struct ffs_http_opts http = { .max_connections = f->o.fill.how->jobs + 1,
		.opened = ffs_own_opened,
		.closing = ffs_own_closing,
		.socket_arg = f->o.own };
	char *url = ffs_endpoint_url(f->o.origin), *why = NULL;
	int rc = url ? 0 : -errno, bad;

	if (!rc && !is_listed(f, url)) {
		config.endpoint = url;
		bad = ffs_stores_init(&f->origin, &config, &http, &why);
		if (!bad)
			rc = add(f, &f->origin);
		else
			note(f, why ? why : strerror(-bad), url);
		f->has_origin = !bad;
	}
	free(why);
	free(url);
	return rc;
}

struct ffs_errand *
ffs_errand_new(const struct ffs_errand_opts *o)
{
	struct ffs_errand *f = calloc(1, sizeof(*f));
	int rc;

	if (!f)
		return NULL;
	f->o = *o;
	rc = add(f, o->fill.stores);
	if (!rc && o->origin)
		rc = add_origin(f);
	if (!rc)
		return f;
	ffs_errand_free(f);
	errno = -rc;
	return NULL;
}

void
ffs_errand_free(struct ffs_errand *f)
{
	size_t i;

	if (!f)
		return;
	for (i = 0; i < f->n; i++)
		ffs_filler_free(f->v[i].filler);
	if (f->has_origin)
		ffs_stores_release(&f->origin);
	free(f);
}

static void
want(struct ffs_errand *f, const struct ffs_cache_name *n)
{
	struct ffs_filler_want w = {
		.node = SIZE_MAX, .bucket = n->bucket, .key = n->key, .hot = true
	};
	struct place *p = f->v, *end = f->v + f->n;

	while (p < end && strcmp(p->stores->nodes.v[0].ep.url, n->endpoint))
		p++;
	/* It is wanted again when it is read again. */
	if (p < end && p->filler && ffs_filler_left(p->filler) < FFS_FILLER_MANY)
		(void)ffs_filler_add(p->filler, &w);
}

/* Work that is left is done; how much of it there is, or -errno. */
static int
fill(struct ffs_errand *f, int ms)
{
	int left = 0, rc;
	size_t i;

	for (i = 0; i < f->n; i++) {
		if (!f->v[i].filler || !ffs_filler_left(f->v[i].filler))
			continue;
		rc = ffs_filler_run(f->v[i].filler, ms);
		if (rc < 0)
			return rc;
		left += rc;
	}
	return left;
}

int
ffs_errand_run(struct ffs_errand *f, int timeout_ms)
{
	struct pollfd p = { .fd = ffs_wanted_fd(f->o.wanted), .events = POLLIN };
	int64_t left, end = ffs_clock_ms() + timeout_ms;
	struct ffs_wanted_item *i;
	int rc = 0;

	while (!*f->o.stop && (left = end - ffs_clock_ms()) > 0) {
		if (!rc && poll(&p, 1, (int)left) <= 0)
			continue;
		if (!ffs_cache_current(f->o.fill.cache))
			return -ESTALE;
		while ((i = ffs_wanted_take(f->o.wanted))) {
			want(f, &i->name);
			free(i);
		}
		rc = fill(f, left < TURN_MS ? (int)left : TURN_MS);
		if (rc < 0)
			return rc;
	}
	return 0;
}
