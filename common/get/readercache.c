#include "common/get/readerimpl.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* --- reading --- */

void
ffs_reader_hold(struct ffs_reader_job *j, struct ffs_hit *h)
{
	j->hit = h;
	h->refs++;
	j->pc->r->open++;
}

void
ffs_reader_drop(struct ffs_reader *r, struct ffs_hit *h)
{
	if (!h)
		return;
	ffs_hit_put(h);
	r->open--;
}

/* With --cache=only this is the end of it. */
static void
miss(struct ffs_reader_job *j, int rc)
{
	struct ffs_reader_piece *pc = j->pc;
	const struct ffs_use *use = pc->r->o.use;
	struct ffs_cache_name name = ffs_use_name(use, pc->p.src->bucket, j->object->key);

	ffs_cache_note_miss(use->cache, &name);
	if (use->mode != FFS_USE_ONLY)
		return;
	j->f.rc = rc;
	snprintf(j->f.error, sizeof(j->f.error), "%s",
	    rc == -ENOENT    ? "it is not in the cache"
	    : rc == -EBADMSG ? "wrong bytes in the cache"
			     : strerror(-rc));
	j->last = j->done = true;
}

/* The job's bytes come from pc->hit. */
static void
take(struct ffs_reader_job *j)
{
	struct ffs_reader_piece *pc = j->pc;
	uint64_t size = pc->hit->entry.size, off = pc->next < size ? pc->next : size;

	ffs_reader_hold(j, pc->hit);
	if (j->runs)
		return;
	j->whole = size <= FFS_READER_WHOLE_MAX;
	j->send = !j->scan && pc->p.cut.whole;
	j->done = j->send && !pc->hit->unchecked;
	j->f.off = off;
	j->f.len = size - off;
	if (!j->send && !j->whole && j->f.len > RANGE)
		j->f.len = RANGE;
	j->last = off + j->f.len == size;
}

/* Can the job's hit be compared aside: where it turns out wrong, one request gets it. */
static bool
check_aside(struct ffs_reader_job *j)
{
	struct ffs_reader_piece *pc = j->pc;
	struct ffs_reader *r = pc->r;
	const struct ffs_object *o = j->object;

	if (!pc->hit->unchecked || pc->p.bare || j->scan || !pc->p.cut.whole ||
	    o->plain_bytes > FFS_READER_WHOLE_MAX || o->bytes > FFS_READER_WHOLE_MAX)
		return false;
	if (!r->checker)
		r->checker = ffs_checker_new(ffs_reader_wake, r);
	if (!r->checker)
		return false;
	take(j);
	j->checking = true;
	j->hit->arg = j;
	r->checks++;
	ffs_checker_push(r->checker, j->hit);
	return true;
}

/* Its bytes are wrong, or nobody knows: they come from a store, unless there is none. */
static void
give_up(struct ffs_reader_job *j, int rc)
{
	struct ffs_reader_piece *pc = j->pc;

	pc->refill = true;
	if (pc->hit == j->hit) {
		ffs_hit_put(pc->hit);
		pc->hit = NULL;
	}
	ffs_reader_drop(pc->r, j->hit);
	j->hit = NULL;
	j->send = false;
	j->f.len = j->object->bytes;
	miss(j, rc);
	if (!j->done)
		ffs_reader_restart(j);
}

bool
ffs_reader_checked(struct ffs_reader *r, bool help)
{
	struct ffs_reader_job *j;
	struct ffs_hit *h;
	bool any = false;
	int rc;

	if (!r->checks)
		return false;
	for (;;) {
		while ((h = ffs_checker_pop(r->checker))) {
			any = true;
			r->checks--;
			j = h->arg;
			j->checking = false;
			rc = ffs_hit_settle(h);
			j->done = !rc;
			if (rc)
				give_up(j, rc);
		}
		if (any || !help || !ffs_checker_help(r->checker))
			return any;
	}
}

void
ffs_reader_uncheck(struct ffs_reader_job *j)
{
	if (!j->checking)
		return;
	ffs_checker_cancel(j->pc->r->checker, j->hit);
	j->checking = false;
	j->pc->r->checks--;
}

int
ffs_reader_look(struct ffs_reader_job *j)
{
	struct ffs_reader_piece *pc = j->pc;
	const struct ffs_use *use = pc->r->o.use;
	int rc = 0;

	if (!use || !ffs_use_looks(use))
		return 0;
	if (pc->asked != j->object) {
		pc->asked = j->object;
		pc->refill = false;
		ffs_hit_put(pc->hit);
		pc->hit = NULL;
		rc = ffs_hit_find(use, pc->p.src->bucket, j->object, pc->p.bare, &pc->hit);
		if (rc)
			miss(j, rc);
	}
	/* One that may be out of date is asked for with If-None-Match. */
	if (!pc->hit || !pc->hit->fresh || check_aside(j))
		return 0;
	rc = ffs_hit_check(pc->hit);
	if (rc == -EAGAIN)
		return rc;
	if (!rc) {
		take(j);
		return 0;
	}
	pc->refill = true;
	ffs_hit_put(pc->hit);
	pc->hit = NULL;
	miss(j, rc);
	return 0;
}

/* 0, or -errno: what is in the file is not what it was a moment ago. */
static int
read_block(struct ffs_reader_job *j)
{
	struct ffs_block *block = j->block;
	int rc = ffs_hit_read(j->hit, j->f.off, block->p, (size_t)j->f.len);

	block->len = j->f.got = (size_t)j->f.len;
	if (!rc && j->runs && !ffs_recent_check(j->entry, j->run, j->runs, block->p, block->len))
		rc = -EBADMSG;
	return rc;
}

int
ffs_reader_read(struct ffs_reader_job *j)
{
	struct ffs_reader_piece *pc = j->pc;
	struct ffs_reader *r = pc->r;
	int rc;

	j->block = ffs_blocks_take(&r->blocks, (size_t)j->f.len);
	if (!j->block)
		return -ENOMEM;
	rc = read_block(j);
	if (rc) {
		ffs_hit_damaged(j->hit);
		ffs_reader_drop(r, j->hit);
		j->hit = NULL;
		pc->refill = true;
		if (j->whole && r->o.use->mode != FFS_USE_ONLY) {
			if (!j->runs)
				j->f.len = j->object->bytes;
			ffs_blocks_put(&r->blocks, j->block);
			j->block = NULL;
			return -ESTALE;
		}
		snprintf(j->f.error, sizeof(j->f.error),
		    "a file in the cache changed while it was read");
	} else if (j->entry && !j->runs) {
		rc = ffs_reader_remember(j);
		if (rc)
			snprintf(j->f.error, sizeof(j->f.error), "%s", strerror(-rc));
	}
	j->f.rc = rc;
	j->done = true;
	if (j->entry && !j->runs)
		j->entry->coming = false;
	return 0;
}

void
ffs_reader_news(struct ffs_reader_job *j)
{
	struct ffs_reader_piece *pc = j->pc;
	struct ffs_cache *cache = pc->r->o.use->cache;

	if (!j->f.rc && j->f.not_modified) {
		ffs_cache_validated(cache, &pc->hit->entry);
		pc->hit->fresh = pc->hit->asked = true;
		pc->hit->us += j->f.total_us;
		pc->probing = false;
		pc->next = pc->p.offset;
		j->nothing = true;
		return;
	}
	if (j->f.rc == -ENOENT)
		(void)ffs_cache_drop(cache, &pc->hit->name);
	else if (!j->f.rc)
		ffs_cache_note_miss(cache, &pc->hit->name);
	ffs_hit_put(pc->hit);
	pc->hit = NULL;
}

/* --- keeping --- */

static bool
keeps(const struct ffs_reader_piece *pc)
{
	const struct ffs_use *use = pc->r->o.use;

	return use && use->cache && (ffs_use_keeps(use) || pc->refill);
}

/* Whoever asked for it is told why not; who reads a store is right without. */
static void
unkept(struct ffs_reader_piece *pc, const struct ffs_object *o, const char *why)
{
	struct ffs_reader *r = pc->r;

	if (ffs_use_keeps(r->o.use) && r->o.unkept)
		r->o.unkept(r->o.arg, &pc->p, o, why);
}

static struct ffs_cache_fill *
begin(struct ffs_reader_job *j)
{
	struct ffs_reader_piece *pc = j->pc;
	enum ffs_cache_refusal refused;
	struct ffs_cache_fill *fill;
	int rc = ffs_hit_keep(pc->r->o.use, pc->p.src->bucket, j->object, pc->p.bare, j->f.etag,
	    j->f.since, &fill, &refused);

	if (!rc && j->f.head)
		ffs_cache_fill_head(fill, j->f.head);
	if (!rc)
		return fill;
	if (rc != -ENOSPC)
		unkept(pc, j->object, strerror(-rc));
	/* These two are no trouble, but the rule at work. */
	else if (refused != FFS_CACHE_REFUSED_busy && refused != FFS_CACHE_REFUSED_recent)
		unkept(pc, j->object, ffs_cache_refusal_text(refused));
	return NULL;
}

struct ffs_kept *
ffs_reader_head(const struct ffs_reader_job *j)
{
	return keeps(j->pc) && !j->f.off && !j->runs && j->object->encoding == FFS_ENCODING_IDENTITY
	           ? malloc(sizeof(struct ffs_kept))
	           : NULL;
}

void
ffs_reader_keep(struct ffs_reader_job *j)
{
	struct ffs_cache_fill *fill = keeps(j->pc) ? begin(j) : NULL;
	int rc;

	if (!fill)
		return;
	rc = ffs_cache_fill_write(fill, j->block->p, j->block->len);
	if (rc)
		ffs_cache_fill_abort(fill);
	else
		rc = ffs_cache_fill_commit(fill);
	if (rc)
		unkept(j->pc, j->object, strerror(-rc));
}

void
ffs_reader_keep_begin(struct ffs_reader_job *j)
{
	struct ffs_reader_piece *pc = j->pc;

	if (keeps(pc) && !j->hit && !pc->p.offset)
		pc->fill = begin(j);
	pc->aside = pc->fill && pc->r->o.link && !j->scan;
}

bool
ffs_reader_kept(struct ffs_reader_job *j)
{
	struct ffs_reader_piece *pc = j->pc;
	struct ffs_reader *r = pc->r;
	struct ffs_hit *h;

	if (!r->o.link || j->hit || !pc->p.cut.whole ||
	    ffs_hit_find(r->o.use, pc->p.src->bucket, j->object, pc->p.bare, &h))
		return false;
	ffs_reader_hold(j, h);
	ffs_hit_put(h);
	return true;
}

void
ffs_reader_keep_more(struct ffs_reader_piece *pc, const struct ffs_block *block, bool last)
{
	struct ffs_cache_fill *fill = pc->fill;
	int rc = 0;

	if (!fill)
		return;
	if (block)
		rc = ffs_cache_fill_write(fill, block->p, block->len);
	if (!rc && !last)
		return;
	pc->fill = NULL;
	if (rc)
		ffs_cache_fill_abort(fill);
	else
		rc = ffs_cache_fill_commit(fill);
	if (rc)
		unkept(pc, pc->flow.object, strerror(-rc));
}
