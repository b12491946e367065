#include "common/get/readerimpl.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/clock.h"

void
ffs_reader_piece_put(struct ffs_reader_piece *pc)
{
	if (!pc || --pc->refs)
		return;
	if (pc->fill)
		ffs_cache_fill_abort(pc->fill);
	ffs_hit_put(pc->hit);
	ffs_flow_release(&pc->flow);
	ffs_cut_release(&pc->scan);
	ffs_source_unref(pc->p.src);
	free(pc->p.file);
	free(pc);
}

void
ffs_reader_fail(struct ffs_reader_job *j, int rc, const char *error)
{
	struct ffs_reader *r = j->pc->r;
	struct ffs_reader_part *part;

	j->pc->failed = true;
	if (j->pc->begun && (part = calloc(1, sizeof(*part)))) {
		part->pub.broken = true;
		r->parts++;
		ffs_output_push(r->out, &part->pub);
	}
	if (!r->o.failed(r->o.arg, &j->pc->p, j->object, rc, error) && !r->rc)
		r->rc = -ECANCELED;
}

/* The next part of a piece, still without bytes.  NULL: no memory. */
static struct ffs_reader_part *
new_part(struct ffs_reader_piece *pc, bool last)
{
	struct ffs_reader_part *part = calloc(1, sizeof(*part));

	if (!part)
		return NULL;
	part->pc = pc;
	pc->refs++;
	part->pub = (struct ffs_part){
		.first = !pc->begun,
		.last = last,
		.cut = pc->p.cut,
		.header_bytes = pc->p.header_bytes,
		.header_known = pc->p.header_known,
		.name = pc->p.file,
		.dataset = pc->p.mark ? NULL : pc->p.src->m.dataset,
		.line = pc->p.line,
	};
	return part;
}

static void
hand_over(struct ffs_reader_part *part)
{
	struct ffs_reader *r = part->pc->r;

	part->pc->begun = true;
	r->parts++;
	ffs_output_push(r->out, &part->pub);
}

/* Hand bytes over.  Takes the block; view is what of it counts, NULL: all. */
static int
push(struct ffs_reader_piece *pc, struct ffs_block *block, const struct ffs_part *view, bool last)
{
	struct ffs_reader_part *part = new_part(pc, last);

	if (!part) {
		ffs_blocks_put(&pc->r->blocks, block);
		return -ENOMEM;
	}
	part->block = block;
	if (view) {
		part->pub.p = view->p;
		part->pub.n = view->n;
		part->pub.cut.base = view->cut.base;
		part->pub.header_bytes = 0;
		part->pub.header_known = true;
	} else if (block) {
		part->pub.p = block->p;
		part->pub.n = block->len;
	}
	hand_over(part);
	return 0;
}

/* Hand over what is in a file of the cache. */
static int
push_file(struct ffs_reader_job *j)
{
	struct ffs_reader_part *part = new_part(j->pc, true);

	if (!part)
		return -ENOMEM;
	part->pub.file = &j->hit->entry;
	part->pub.calm = !j->pc->r->flight;
	part->pub.off = j->send ? j->f.off : 0;
	part->pub.n = j->hit->entry.size - part->pub.off;
	part->object = j->object;
	part->hit = j->hit;
	part->news = j->send;
	j->hit = NULL;
	hand_over(part);
	return 0;
}

/* The rows that the message has inside the times are those wanted of the data. */
static int
scan(struct ffs_reader_piece *pc, const struct ffs_block *block, bool last)
{
	struct ffs_cut_spec *cut = &pc->p.cut, spec = *cut;
	int rc = 0;

	if (!pc->scan.csv) {
		spec.whole = false;
		spec.delim = ',';
		spec.time_col = 1;
		rc = ffs_cut_init(&pc->scan, &spec);
	}
	if (!rc)
		rc = ffs_cut_feed(
		    &pc->scan, block ? block->p : "", block ? block->len : 0, last, NULL, NULL);
	if (rc || !last)
		return rc;
	cut->first = pc->scan.found_n ? pc->scan.found : 1;
	cut->last = pc->scan.found_n ? pc->scan.found + pc->scan.found_n - 1 : 0;
	cut->has_from = cut->has_to = false;
	pc->unscanned = false;
	ffs_cut_release(&pc->scan);
	return 0;
}

/* For ffs_flow: what is done with the bytes of a large object. */
static int
flow_push(void *arg, struct ffs_block *block, bool last)
{
	struct ffs_reader_piece *pc = arg;

	ffs_reader_keep_more(pc, block, last);
	if (pc->aside) {
		ffs_blocks_put(&pc->r->blocks, block);
		return 0;
	}
	return push(arg, block, NULL, last);
}

static int
flow_scan(void *arg, struct ffs_block *block, bool last)
{
	struct ffs_reader_piece *pc = arg;
	int rc = scan(pc, block, last);

	ffs_reader_keep_more(pc, block, last);
	ffs_blocks_put(&pc->r->blocks, block);
	return rc;
}

static struct ffs_block *
flow_room(void *arg, size_t n)
{
	struct ffs_reader *r = ((struct ffs_reader_piece *)arg)->r;

	if (r->parts && !ffs_blocks_fit(&r->blocks, n)) {
		r->starved = true;
		errno = EAGAIN;
		return NULL;
	}
	return ffs_blocks_take(&r->blocks, n);
}

static int
give_range(struct ffs_reader_job *j)
{
	struct ffs_reader_piece *pc = j->pc;
	const struct ffs_object *o = j->hit ? &j->hit->object : j->object;
	int rc;

	if (pc->flow.object != o) {
		ffs_flow_release(&pc->flow);
		pc->aside = false;
		ffs_flow_init(&pc->flow, o, pc->p.bare || j->hit);
		ffs_reader_keep_begin(j);
		pc->flow.give = j->scan ? flow_scan : flow_push;
		pc->flow.room = flow_room;
		pc->flow.arg = pc;
	}
	rc = ffs_flow_feed(&pc->flow, &j->block, j->last);
	if (rc || !pc->aside || !j->last)
		return rc;
	/* All of it is in the cache and nothing was given out yet. */
	return ffs_reader_kept(j) ? push_file(j) : -EIO;
}

int
ffs_reader_remember(struct ffs_reader_job *j)
{
	const struct ffs_piece *p = &j->pc->p;

	return ffs_recent_fill(j->pc->r->recent, j->entry, j->block, j->scan ? 0 : p->header_bytes,
	    j->scan ? ',' : p->cut.delim);
}

bool
ffs_reader_find_runs(const struct ffs_reader_job *j, size_t *run, size_t *runs)
{
	const struct ffs_recent_entry *e = j->entry;
	const struct ffs_cut_spec *cut = &j->pc->p.cut;
	uint64_t last = cut->last;

	if (!e || !e->nrows || j->scan || j->pc->unscanned || cut->whole || cut->time_col)
		return false;
	if (last == UINT64_MAX)
		last = e->rows[e->nrows].row - 1;
	return ffs_recent_find(e, cut->first, last, run, runs);
}

/* An object that is in memory as a whole, or the runs of it that were asked for. */
static int
give_whole(struct ffs_reader_job *j)
{
	struct ffs_block *block = j->block;
	const struct ffs_recent_rows *rows = j->entry ? j->entry->rows : NULL;
	struct ffs_part view = { 0 };
	size_t run = j->run, runs = j->runs;

	if (j->pc->p.mark) {
		view.p = "\n";
		view.n = 1;
		return push(j->pc, NULL, &view, true);
	}
	if (j->scan)
		return scan(j->pc, block, true);
	if (j->send || ffs_reader_kept(j))
		return push_file(j);
	j->block = NULL;
	if (!runs && (!j->memory || !ffs_reader_find_runs(j, &run, &runs)))
		return push(j->pc, block, NULL, true);
	view.p = block->p + (j->runs ? 0 : rows[run].off);
	view.n = rows[runs].off - rows[run].off;
	view.cut.base = rows[run].row;
	return push(j->pc, block, &view, true);
}

/* A store gave it. */
static void
note_origin(const struct ffs_reader_piece *pc, const char *key, const struct ffs_reader_event *e)
{
	const struct ffs_use *use = pc->r->o.use;
	struct ffs_cache_name name;

	if (!use || !use->served)
		return;
	name = ffs_use_name(use, pc->p.src->bucket, key);
	ffs_use_note(use, &name, FFS_SERVED_ORIGIN, e->bytes, e->total_us);
}

static void
report(const struct ffs_reader_job *j)
{
	const struct ffs_reader_piece *pc = j->pc;
	struct ffs_reader_event e = {
		.piece = &pc->p,
		.object = j->object,
		.bytes = j->whole ? j->f.got : j->object->bytes - pc->p.offset,
		.first_us = j->whole ? j->f.first_us : pc->first_us,
		.total_us = j->whole ? j->f.total_us : ffs_clock_us() - pc->sent_us,
		.node = j->memory ? NULL : pc->r->o.stores->nodes.v[j->f.node].name,
	};

	if (!j->last)
		return;
	if (j->hit) {
		e.bytes = j->whole ? j->f.got : j->hit->entry.size;
		e.first_us = e.total_us = j->hit->us;
		e.node = NULL;
		e.hit = true;
		ffs_hit_note(j->hit, e.bytes, 0);
	} else if (!j->memory) {
		note_origin(pc, j->object->key, &e);
	}
	if (pc->r->o.event)
		pc->r->o.event(pc->r->o.arg, &e);
}

void
ffs_reader_sent(const struct ffs_reader_part *part)
{
	const struct ffs_reader_opts *o = &part->pc->r->o;
	struct ffs_reader_event e = {
		.piece = &part->pc->p,
		.object = part->object,
		.bytes = part->pub.n,
		.first_us = part->hit->us,
		.total_us = part->hit->us + part->pub.us,
		.hit = true,
	};

	if (part->pub.rc || !part->news)
		return;
	ffs_hit_note(part->hit, e.bytes, part->pub.us);
	if (o->event)
		o->event(o->arg, &e);
}

int
ffs_reader_give(struct ffs_reader_job *j)
{
	int rc = j->whole || j->send ? give_whole(j) : give_range(j);

	if (rc == -EAGAIN)
		return rc;
	if (rc)
		ffs_reader_fail(j, rc,
		    rc == -EBADMSG ? "wrong bytes (they do not match the manifest)"
				   : strerror(-rc));
	else if (!j->pc->p.mark && !j->send)
		report(j);
	return 0;
}
