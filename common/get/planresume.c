#include "common/get/plan.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/buf.h"
#include "common/get/hit.h"
#include "common/get/planimpl.h"

/* Ask the nodes for the object's size and ETag, which reading alone would tell too late. */
static int
head(struct ffs_plan *p, struct ffs_object *o)
{
	struct ffs_stores *st = p->o.stores;
	struct ffs_s3_request q = { .method = "HEAD", .bucket = p->src->bucket, .key = o->key };
	struct ffs_s3_response r = { .rc = -ENOENT };
	struct ffs_s3 *s3 = NULL;
	char text[512];
	size_t i;

	for (i = 0; r.rc && i < st->nodes.n; i++) {
		s3 = ffs_stores_get(st, i);
		if (!s3)
			return -errno;
		ffs_s3_perform(s3, &q, &r);
	}
	if (r.rc)
		return ffs_plan_fail(p, ffs_exit_of(r.rc), "cannot read 's3://%s/%s': %s",
		    p->src->bucket, o->key, ffs_s3_error(s3, &r, text, sizeof(text)));
	return ffs_catalog_learn(o, st->nodes.v[i - 1].name, r.etag, r.object_size);
}

/* The same from the cache.  -EAGAIN: a store has to be asked. */
static int
cached_head(struct ffs_plan *p, struct ffs_object *o)
{
	const struct ffs_use *use = p->o.use;
	const char *node = p->o.stores->nodes.v[0].name;
	struct ffs_hit *h = NULL;
	int rc = -EAGAIN;

	if (use && ffs_use_looks(use) && !ffs_hit_find(use, p->src->bucket, o, true, &h) &&
	    h->fresh)
		rc = ffs_catalog_learn(o, node, h->entry.etag, h->entry.size);
	else if (use && use->mode == FFS_USE_ONLY)
		rc = ffs_plan_fail(p, FFS_EXIT_NOTFOUND,
		    "cannot read 's3://%s/%s': it is not in the cache", p->src->bucket, o->key);
	ffs_hit_put(h);
	return rc;
}

/* What whole chunk i adds to the output, UINT64_MAX where only reading it tells. */
static uint64_t
output_bytes(const struct ffs_plan *p, size_t i, bool first)
{
	const struct ffs_manifest *m = &p->src->m;
	struct ffs_slice slice;

	if (p->header_only)
		return UINT64_MAX;
	ffs_select_slice(&p->sel, m, i, &slice);
	if (!slice.whole)
		return UINT64_MAX;
	if (p->sel.message)
		return m->chunks[i].message.plain_bytes;
	return m->chunks[i].data.plain_bytes - (first ? 0 : m->header_bytes);
}

static uint64_t
sum(const struct ffs_plan *p, size_t first, size_t end)
{
	uint64_t n, total = 0;
	size_t i;

	for (i = first; i < end; i++) {
		n = output_bytes(p, i, i == first);
		if (n == UINT64_MAX)
			return n;
		total += n;
	}
	return total;
}

uint64_t
ffs_plan_total(const struct ffs_plan *p, size_t *chunks)
{
	uint64_t n;

	*chunks = 0;
	if (!p->src || p->o.nargs != 1 || p->nnames)
		return 0;
	*chunks = p->end - p->first;
	n = p->bare ? p->src->m.chunks[0].data.bytes : sum(p, p->first, p->end);
	return n == UINT64_MAX ? 0 : n;
}

/* A name may be deleted and made again, from generation 1: its bytes are what counts. */
static void
add_etags(const struct ffs_plan *p, struct ffs_buf *b)
{
	const struct ffs_chunk *c;
	size_t i;

	for (i = p->next; i < p->end; i++) {
		c = &p->src->m.chunks[i];
		ffs_buf_addf(b, " %s", c->data.etags[0]);
		if (c->message.key)
			ffs_buf_addf(b, " %s", c->message.etags[0]);
	}
}

int
ffs_plan_identify(struct ffs_plan *p, char **identity, uint64_t *size)
{
	struct ffs_buf b = FFS_BUF_INIT;
	const struct ffs_select *s = &p->sel;
	struct ffs_object *o;
	int rc;

	rc = ffs_plan_open_next(p);
	if (rc <= 0)
		return rc ? rc : -ECANCELED;
	if (p->bare) {
		o = &p->src->m.chunks[0].data;
		rc = cached_head(p, o);
		if (rc == -EAGAIN)
			rc = head(p, o);
		if (rc)
			return rc;
		ffs_buf_addf(
		    &b, "s3://%s/%s %s %" PRIu64, p->src->bucket, o->key, o->etags[0], o->bytes);
		*size = o->bytes;
	} else {
		ffs_buf_addf(&b, "%s %s@%" PRIu64 " %zu-%zu", p->src->bucket, p->src->m.dataset,
		    p->src->m.generation, p->next, p->end);
		if (s->by_rows)
			ffs_buf_addf(&b, " rows %" PRIu64 "-%" PRIu64, s->row_first, s->row_last);
		if (s->has_from)
			ffs_buf_addf(&b, " from %" PRId64 ".%" PRIu64, s->from.sec, s->from.frac);
		if (s->has_to)
			ffs_buf_addf(&b, " to %" PRId64 ".%" PRIu64, s->to.sec, s->to.frac);
		ffs_buf_adds(&b, s->message ? " message" : "");
		add_etags(p, &b);
		*size = sum(p, p->next, p->end);
	}
	rc = ffs_buf_error(&b);
	if (!rc)
		*identity = ffs_buf_detach(&b);
	ffs_buf_release(&b);
	return rc;
}

uint64_t
ffs_plan_skip(struct ffs_plan *p, uint64_t have, uint64_t *chunks)
{
	uint64_t at = 0, n;
	bool first = true;

	*chunks = 0;
	if (p->bare) {
		p->offset = have < p->src->m.chunks[0].data.bytes ? have : 0;
		if (have == p->src->m.chunks[0].data.bytes)
			p->next = p->end; /* an empty one has no range to ask for */
		return p->offset || p->next == p->end ? have : 0;
	}
	for (; p->next < p->end; p->next++, first = false) {
		n = output_bytes(p, p->next, first);
		/* The last of a large chunk was written before the chunk was checked. */
		if (n == UINT64_MAX || at + n > have ||
		    (at + n == have && n > FFS_READER_WHOLE_MAX))
			break;
		at += n;
		++*chunks;
	}
	p->header_known = at && p->src->m.header && !p->sel.message;
	return at;
}
