#include "common/follow/warm.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/base/clock.h"
#include "common/base/why.h"
#include "common/dataset/catalog.h"
#include "common/follow/lines.h"
#include "common/follow/wish.h"

enum {
	AHEAD = 256, /* wishes that wait for their turn */
	TICK_MS = 100,
};

struct run {
	struct ffs_warm *w;
	struct ffs_filler *filler;
	size_t arg; /* the next one */
	struct ffs_lines *lines;
	/* Datasets by a pattern. */
	char **names;
	size_t name;
	/* A dataset on its way in, an object at a time. */
	struct ffs_source *src;
	size_t chunk;
	bool message;
	struct ffs_progress_at at;
};

#define fail(r, ...) ffs_why_give((r)->w->failed, (r)->w->fill.arg, __VA_ARGS__)

static void
on_fill(void *arg, const struct ffs_filler_event *e)
{
	struct run *r = arg;

	switch (e->outcome) {
	case FFS_FILLER_FILLED:
		r->w->filled++;
		r->w->bytes += e->bytes;
		break;
	case FFS_FILLER_PRESENT:
		r->w->present++;
		break;
	default:
		if (e->why == FFS_CACHE_REFUSED_denied && !e->rc) {
			r->w->unwanted++;
			break;
		}
		fail(r, e->rc && e->rc != -ENOSPC ? ffs_exit_of(e->rc) : FFS_EXIT_FAIL,
		    "cannot cache 's3://%s/%s': %s", e->bucket, e->key, e->text);
	}
	r->at.chunks++;
	r->at.bytes = r->w->bytes;
	if (r->w->fill.event)
		r->w->fill.event(r->w->fill.arg, e);
}

static void
add(struct run *r, const struct ffs_filler_want *want)
{
	int rc = ffs_filler_add(r->filler, want);

	if (rc < 0)
		fail(r, FFS_EXIT_FAIL, "cannot cache 's3://%s/%s': %s", want->bucket, want->key,
		    strerror(-rc));
}

/* --- datasets --- */

static void
open_dataset(struct run *r, const char *name, uint64_t generation)
{
	char *detail = NULL;
	size_t stale, i;
	/* The manifest is kept, too: then ffs-get needs no store at all. */
	struct ffs_use use = { .mode = FFS_USE_FILL,
		.cache = r->w->fill.cache,
		.endpoint = r->w->fill.stores->nodes.v[0].ep.url };
	int rc = ffs_catalog_open_cached(&use, r->w->fill.stores, ffs_config_bucket(), name,
	    generation, &r->src, &stale, &detail);

	if (rc && !(rc == -EINTR && *r->w->stop))
		fail(r, ffs_exit_of(rc), "cannot read dataset '%s': %s", name,
		    detail ? detail : strerror(-rc));
	free(detail);
	r->chunk = 0;
	r->message = false;
	if (rc) {
		r->src = NULL;
		return;
	}
	for (i = 0; i < r->src->m.nchunks; i++)
		r->at.total_chunks += 1 + (r->src->m.chunks[i].message.key != NULL);
}

/* The next object of the dataset, and of each chunk its message behind it. */
static void
next_object(struct run *r)
{
	const struct ffs_chunk *c = &r->src->m.chunks[r->chunk];
	const struct ffs_object *o = r->message ? &c->message : &c->data;
	struct ffs_filler_want want = { .node = SIZE_MAX,
		.bucket = r->src->bucket,
		.key = o->key,
		.size = o->plain_bytes,
		.src = r->src,
		.chunk = r->chunk,
		.message = r->message };

	add(r, &want);
	r->message = !r->message && c->message.key;
	r->chunk += !r->message;
	if (r->chunk < r->src->m.nchunks)
		return;
	ffs_source_unref(r->src);
	r->src = NULL;
}

static void
match(struct run *r, const char *pattern)
{
	char *detail = NULL;
	size_t n = 0;
	int rc = ffs_catalog_match(
	    r->w->fill.stores, ffs_config_bucket(), pattern, &r->names, &n, &detail);

	r->name = 0;
	if (rc && !(rc == -EINTR && *r->w->stop))
		fail(r, ffs_exit_of(rc), "cannot list datasets: %s",
		    detail ? detail : strerror(-rc));
	else if (!rc && !n)
		fail(r, FFS_EXIT_NOTFOUND, "no dataset matches '%s'", pattern);
	free(detail);
	if (rc)
		r->names = NULL;
}

/* --- names --- */

static void
grant(struct run *r, struct ffs_wish *wish)
{
	struct ffs_filler_want want = {
		.node = wish->node, .bucket = wish->bucket, .key = wish->key
	};

	if (!wish->dataset) {
		add(r, &want);
		r->at.total_chunks++;
	} else if (strpbrk(wish->dataset, "*?[")) {
		match(r, wish->dataset);
	} else {
		open_dataset(r, wish->dataset, wish->generation);
	}
	ffs_wish_release(wish);
}

static void
next_arg(struct run *r)
{
	const char *text = r->w->args[r->arg++], *why;
	struct ffs_wish wish;
	int rc;

	if (!strcmp(text, "-")) {
		r->lines = ffs_lines_new(r->w->fill.stores->http, r->w->fd);
		if (!r->lines)
			fail(r, FFS_EXIT_FAIL, "cannot read standard input: %s", strerror(errno));
		return;
	}
	rc = ffs_wish_parse(&wish, &r->w->fill.stores->nodes, text, &why);
	if (rc)
		fail(r, FFS_EXIT_FAIL, "cannot cache '%s': %s", text, why);
	else
		grant(r, &wish);
}

/* One line.  false: wait for one. */
static bool
next_line(struct run *r)
{
	struct ffs_wish wish;
	const char *line, *why;
	size_t n;
	int rc = ffs_lines_next(r->lines, &line, &n);

	if (rc == -EAGAIN)
		return false;
	if (rc == -EFBIG) {
		fail(r, FFS_EXIT_FAIL, "line %ju: it is too long",
		    (uintmax_t)ffs_lines_number(r->lines));
		return true;
	}
	if (rc <= 0) {
		if (rc)
			fail(r, FFS_EXIT_FAIL, "cannot read standard input: %s", strerror(-rc));
		ffs_lines_free(r->lines);
		r->lines = NULL;
		return true;
	}
	rc = ffs_wish_parse_line(&wish, &r->w->fill.stores->nodes, line, n, &why);
	if (rc < 0)
		fail(r, FFS_EXIT_FAIL, "line %ju: cannot cache '%.*s': %s",
		    (uintmax_t)ffs_lines_number(r->lines), n < 200 ? (int)n : 200, line, why);
	else if (!rc)
		grant(r, &wish);
	return true;
}

/* Add one wish, or come closer to one.  false: there is none now. */
static bool
next(struct run *r)
{
	bool more = true;

	if (r->src)
		next_object(r);
	else if (r->names && r->names[r->name])
		open_dataset(r, r->names[r->name++], 0);
	else if (r->lines)
		more = next_line(r);
	else if (r->arg < r->w->nargs)
		next_arg(r);
	else
		return false;
	if (r->names && !r->names[r->name]) {
		ffs_catalog_free_names(r->names);
		r->names = NULL;
	}
	return more;
}

int
ffs_warm_run(struct ffs_warm *w)
{
	struct run r = { .w = w };
	struct ffs_filler_opts fill = w->fill;
	int rc = 0;

	w->filled = w->present = w->unwanted = w->bytes = 0;
	fill.event = on_fill;
	fill.arg = &r;
	fill.asked_us = ffs_clock_us();
	r.filler = ffs_filler_new(&fill);
	if (!r.filler)
		return -errno;
	ffs_http_stop_on(w->fill.stores->http, w->stop);
	while (!*w->stop) {
		while (!*w->stop && ffs_filler_left(r.filler) < AHEAD && next(&r))
			;
		if (!ffs_filler_left(r.filler) && !r.lines && !r.src && !r.names &&
		    r.arg == w->nargs)
			break;
		rc = ffs_filler_run(r.filler, TICK_MS);
		if (rc < 0)
			break;
		ffs_progress_draw(w->progress, &r.at);
	}
	ffs_filler_free(r.filler);
	ffs_lines_free(r.lines);
	ffs_source_unref(r.src);
	ffs_catalog_free_names(r.names);
	return rc < 0 ? rc : *w->stop ? -EINTR : 0;
}
