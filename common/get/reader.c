#include "common/get/reader.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "common/base/clock.h"
#include "common/get/readerimpl.h"

static void
job_free(struct ffs_reader_job *j)
{
	struct ffs_reader *r = j->pc->r;

	ffs_blocks_put(&r->blocks, j->block);
	ffs_blocks_put(&r->blocks, j->plain);
	ffs_reader_drop(r, j->hit);
	if (j->entry)
		j->entry->users--;
	ffs_reader_piece_put(j->pc);
	free(j->f.head);
	free(j);
}

static int start(struct ffs_reader_job *j);
static void start_more(struct ffs_reader *r);
static bool reclaim(struct ffs_reader *r, bool wait);

/* The next in order.  0; -EAGAIN: not yet; what ends the piece was reported. */
static int
deliver_one(struct ffs_reader_job *j)
{
	struct ffs_reader *r = j->pc->r;
	int rc;

	if (j->pc->failed || j->nothing || r->rc)
		return 0;
	if (j->follows && !j->entry->block) {
		/* It had to make room, or never came: asked for after all. */
		j->follows = j->memory = false;
		rc = start(j);
		if (rc) {
			ffs_reader_fail(j, rc, strerror(-rc));
			return 0;
		}
		if (!j->done)
			return -EAGAIN;
	}
	if (j->follows) {
		j->block = j->entry->block;
		j->block->refs++;
	}
	if (j->f.rc) {
		ffs_reader_fail(j, j->f.rc, j->f.error);
		return 0;
	}
	return ffs_reader_give(j);
}

/* Give out what can be; with drop also forget what became pointless. */
static void
deliver(struct ffs_reader *r, bool drop)
{
	struct ffs_reader_job *j;

	while ((j = r->head) && (j->done || (drop && (j->pc->failed || r->rc)))) {
		ffs_reader_uncheck(j);
		if (!j->done)
			ffs_fetch_cancel(&j->f);
		if (deliver_one(j))
			return;
		r->head = j->next;
		if (!r->head)
			r->tail = &r->head;
		if (r->unstarted == j)
			r->unstarted = j->next;
		r->queued--;
		if (j->f.stores)
			r->ready--;
		job_free(j);
	}
}

/* --- requests --- */

/* The first range of a bare object tells its size and ETag. */
static int
learn(struct ffs_reader_job *j)
{
	const struct ffs_node *node = &j->pc->r->o.stores->nodes.v[j->f.node];

	j->last = j->f.size <= RANGE;
	return ffs_catalog_learn(j->object, node->name, j->f.etag, j->f.size);
}

/* What has come is right: make it plain, remember it. */
static int
accept_bytes(struct ffs_reader_job *j)
{
	struct ffs_reader *r = j->pc->r;
	int rc = 0;

	j->block->len = j->f.got;
	if (j->f.probe) {
		rc = learn(j);
		j->pc->probing = rc != 0;
	}
	if (!rc && j->plain) {
		rc = ffs_flow_decode(j->object, j->block, j->plain);
		if (!rc) {
			ffs_blocks_put(&r->blocks, j->block);
			j->block = j->plain;
			j->plain = NULL;
		}
	}
	if (!rc && j->entry && !j->runs)
		rc = ffs_reader_remember(j);
	if (!rc && j->whole && !j->runs)
		ffs_reader_keep(j);
	if (rc)
		snprintf(j->f.error, sizeof(j->f.error), "%s",
		    rc == -EBADMSG ? "wrong bytes after decompression" : strerror(-rc));
	return rc;
}

static int
check_runs(struct ffs_fetch *f)
{
	struct ffs_reader_job *j = f->arg;

	return ffs_recent_check(j->entry, j->run, j->runs, f->buf, f->got) ? 0 : -EBADMSG;
}

static void
on_done(struct ffs_fetch *f)
{
	struct ffs_reader_job *j = f->arg;
	struct ffs_reader *r = j->pc->r;

	/* S3 has no first byte of an empty object to give: 416. */
	if (f->probe && f->ranged && f->rc == -ERANGE) {
		f->ranged = false;
		f->rc = ffs_fetch_start(f);
		if (!f->rc)
			return;
	}
	r->flight--;
	j->done = true;
	r->ready++;
	if (j->entry && !j->runs)
		j->entry->coming = false;
	if (f->have && f->rc != -ECANCELED)
		ffs_reader_news(j);
	if (!f->rc && !j->nothing)
		f->rc = accept_bytes(j);
	if (!j->pc->first_us)
		j->pc->first_us = f->first_us;
	/* At once, so that the connection has its next request and the buffers are few. */
	if (f->rc == -ECANCELED)
		return;
	deliver(r, false);
	reclaim(r, false);
	start_more(r);
	deliver(r, false);
}

/* Does it need a second buffer, for what it is decoded into. */
static bool
needs_plain(const struct ffs_reader_job *j)
{
	return j->whole && !j->runs && !j->hit && j->object->encoding == FFS_ENCODING_ZSTD;
}

/* Buffers, and off it goes.  0 or -ENOMEM; what the store or the node list says is in j->f. */
static int
start(struct ffs_reader_job *j)
{
	struct ffs_reader_piece *pc = j->pc;
	struct ffs_reader *r = pc->r;
	struct ffs_fetch *f = &j->f;
	uint64_t off = f->off, len = f->len;

	j->block = ffs_blocks_take(&r->blocks, len);
	if (needs_plain(j))
		j->plain = ffs_blocks_take(&r->blocks, j->object->plain_bytes);
	if (!j->block || (needs_plain(j) && !j->plain))
		return -ENOMEM;
	f->stores = r->o.stores;
	f->bucket = pc->p.src->bucket;
	f->buf = j->block->p;
	f->done = on_done;
	f->arg = j;
	ffs_fetch_object(f, pc->p.chunk, j->object);
	f->off = off;
	f->len = len;
	f->ranged = !j->whole || j->runs;
	f->has_crc = !f->ranged;
	f->check = j->runs ? check_runs : NULL;
	f->probe = pc->p.bare && !j->object->copies;
	f->have = f->probe && pc->hit ? pc->hit->entry.etag : NULL;
	if (!f->head)
		f->head = ffs_reader_head(j);
	if (!off)
		pc->sent_us = ffs_clock_us();
	f->rc = ffs_fetch_start(f);
	j->done = f->rc != 0;
	if (j->done)
		r->ready++;
	else
		r->flight++;
	if (j->entry && !j->runs)
		j->entry->coming = !j->done;
	return 0;
}

static int
pull(struct ffs_reader *r)
{
	struct ffs_reader_piece *pc;
	int rc;

	if (r->ended)
		return 0;
	pc = calloc(1, sizeof(*pc));
	if (!pc)
		return -ENOMEM;
	pc->refs = 1;
	pc->r = r;
	rc = r->o.next(r->o.next_arg, &pc->p);
	if (rc <= 0) {
		free(pc);
		r->ended = rc != -EAGAIN;
		r->hungry = rc == -EAGAIN;
		return rc == -EAGAIN ? 0 : rc;
	}
	pc->scanning = pc->unscanned = pc->p.scan;
	pc->next = pc->p.offset;
	r->cur = pc;
	return 1;
}

/* Is the job's object, or what is wanted of it, known from before. */
static int
look_up(struct ffs_reader_job *j)
{
	const struct ffs_object *o = j->object;
	struct ffs_reader *r = j->pc->r;
	size_t run, runs;
	uint64_t len;

	j->entry = ffs_recent_get(r->recent, j->pc->p.src->bucket, o->key, o->etags[0]);
	if (!j->entry)
		return -ENOMEM;
	j->entry->users++;
	if (j->entry->block) {
		j->block = j->entry->block;
		j->block->refs++;
		j->memory = j->done = true;
	} else if (j->entry->coming) {
		j->follows = j->memory = j->done = true;
	} else if (o->encoding == FFS_ENCODING_IDENTITY && ffs_reader_find_runs(j, &run, &runs)) {
		len = j->entry->rows[runs].off - j->entry->rows[run].off;
		if (len <= o->bytes / 2) {
			j->run = run;
			j->runs = runs;
			j->f.off = j->entry->rows[run].off;
			j->f.len = len;
		}
	}
	return 0;
}

/* Which bytes the job is about, and whether they are in memory or in the cache.  -EAGAIN: later. */
static int
prepare(struct ffs_reader_job *j)
{
	const struct ffs_object *o = j->object;
	uint64_t off = j->pc->next;
	int rc = 0;

	j->whole = !j->pc->p.bare && o->bytes <= FFS_READER_WHOLE_MAX &&
	           o->plain_bytes <= FFS_READER_WHOLE_MAX;
	j->f.off = off;
	j->f.len = j->whole ? o->bytes : RANGE;
	if (!j->whole && o->copies && o->bytes - off < RANGE)
		j->f.len = o->bytes - off;
	j->last = o->copies && off + j->f.len >= o->bytes;
	if (j->whole && j->pc->r->recent)
		rc = look_up(j);
	return rc || j->done ? rc : ffs_reader_look(j);
}

static void
piece_end(struct ffs_reader *r)
{
	ffs_reader_piece_put(r->cur);
	r->cur = NULL;
}

static void
enqueue(struct ffs_reader *r, struct ffs_reader_job *j)
{
	*r->tail = j;
	r->tail = &j->next;
	r->queued++;
	if (!r->unstarted)
		r->unstarted = j;
}

static void
cannot_start(struct ffs_reader_job *j, int rc)
{
	j->f.rc = rc;
	snprintf(j->f.error, sizeof(j->f.error), "%s", strerror(-rc));
	j->done = true;
}

void
ffs_reader_restart(struct ffs_reader_job *j)
{
	int rc = start(j);

	if (rc)
		cannot_start(j, rc);
}

/* Send requests of the queue while connections and memory allow; the first in order may always. */
static void
start_more(struct ffs_reader *r)
{
	struct ffs_reader_job *j;
	uint64_t need;
	int rc;

	while ((j = r->unstarted) && !r->rc) {
		if (!j->done && !j->checking && !j->f.stores && !j->pc->failed) {
			need = j->f.len + (needs_plain(j) ? j->object->plain_bytes : 0);
			if (r->recent)
				ffs_recent_make_room(r->recent, need);
			r->starved =
			    (r->head != j || r->parts) && !ffs_blocks_fit(&r->blocks, need);
			if (r->starved || r->flight + r->ready >= r->o.jobs)
				return;
			rc = j->hit ? ffs_reader_read(j) : -ESTALE;
			if (rc == -ESTALE)
				ffs_reader_restart(j);
			else if (rc)
				cannot_start(j, rc);
		}
		r->unstarted = j->next;
	}
}

/* How many requests wait to be sent. */
static size_t
waiting(const struct ffs_reader *r)
{
	const struct ffs_reader_job *j;
	size_t n = 0;

	for (j = r->unstarted; j; j = j->next)
		n += !j->done;
	return n;
}

/* The next job of a piece is in the queue: what comes behind it. */
static void
step(struct ffs_reader_piece *pc, const struct ffs_reader_job *j)
{
	pc->next += j->f.len;
	if (!j->last)
		return;
	pc->next = 0;
	if (j->scan)
		pc->scanning = false;
	else
		piece_end(pc->r);
}

/* The next job, not yet started.  1; 0: there is none now; -errno. */
static int
make_job(struct ffs_reader *r)
{
	struct ffs_reader_piece *pc = r->cur;
	struct ffs_reader_job *j;
	int rc = 0;

	if (!pc) {
		rc = pull(r);
		if (rc <= 0)
			return rc;
		pc = r->cur;
	}
	if (pc->failed ||
	    (pc->p.bare && pc->next && pc->p.object->copies && pc->next >= pc->p.object->bytes)) {
		piece_end(r);
		return 1;
	}
	if (pc->probing)
		return 0;
	j = calloc(1, sizeof(*j));
	if (!j)
		return -ENOMEM;
	j->pc = pc;
	pc->refs++;
	j->scan = pc->scanning;
	j->object = j->scan ? &pc->p.chunk->message : pc->p.object;
	if (pc->p.mark)
		j->whole = j->last = j->memory = j->done = true;
	else
		rc = prepare(j);
	if (rc < 0) {
		job_free(j);
		r->busy = rc == -EAGAIN;
		return r->busy ? 0 : rc;
	}
	pc->probing = pc->p.bare && !j->object->copies && !j->last;
	if (j->entry && !j->done && !j->runs && !j->send)
		j->entry->coming = true;
	enqueue(r, j);
	step(pc, j);
	/* Nothing is before it: what it tells saves the next one a request. */
	if (j->done && r->head == j)
		deliver(r, false);
	return 1;
}

/* Take back what was written.  With wait, nothing yet means that the pool will be woken. */
static bool
reclaim(struct ffs_reader *r, bool wait)
{
	struct ffs_part *list = ffs_output_pop(r->out, wait);
	bool any = list != NULL;
	struct ffs_reader_part *part;

	while (list) {
		part = (struct ffs_reader_part *)list;
		list = list->next;
		if (part->hit)
			ffs_reader_sent(part);
		ffs_reader_drop(r, part->hit);
		ffs_blocks_put(&r->blocks, part->block);
		ffs_reader_piece_put(part->pc);
		free(part);
		r->parts--;
	}
	return any;
}

/* For the stores; or, with nothing asked of them, for the output or a line. */
static int
wait_for_more(struct ffs_reader *r)
{
	struct pollfd fds[2] = {
		{ .fd = r->event, .events = POLLIN },
		{ .fd = r->hungry ? r->o.in_fd : -1, .events = POLLIN },
	};
	uint64_t n;
	int rc;

	if (r->busy) {
		r->busy = false;
		return r->flight ? ffs_http_run(r->o.stores->http, 0) : 0;
	}
	if (ffs_reader_checked(r, true))
		return r->flight ? ffs_http_run(r->o.stores->http, 0) : 0;
	/* Memory comes back from the output only, and so does the end. */
	if (r->parts && (r->starved || !r->flight) && reclaim(r, true))
		return 0;
	if (r->flight)
		return ffs_http_run(r->o.stores->http, WAIT_MS);
	rc = poll(fds, 2, WAIT_MS);
	if (rc < 0 && errno != EINTR)
		return -errno;
	if (rc > 0 && fds[0].revents)
		(void)!read(r->event, &n, sizeof(n));
	return 0;
}

struct ffs_reader *
ffs_reader_new(const struct ffs_reader_opts *o)
{
	struct ffs_reader *r = calloc(1, sizeof(*r));

	if (!r)
		return NULL;
	r->event = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (r->event < 0) {
		free(r);
		return NULL;
	}
	r->o = *o;
	r->blocks.max = MEMORY;
	r->tail = &r->head;
	if (o->keep && !(r->recent = ffs_recent_new(&r->blocks, o->keep))) {
		ffs_reader_free(r);
		return NULL;
	}
	return r;
}

void
ffs_reader_wake(void *reader)
{
	struct ffs_reader *r = reader;
	uint64_t one = 1;

	/* It waits for one or the other. */
	(void)!write(r->event, &one, sizeof(one));
	ffs_http_wakeup(r->o.stores->http);
}

/* One turn: give out, ask for more, wait.  1 to go on, 0 when all is written, -errno. */
static int
turn(struct ffs_reader *r)
{
	int rc;

	if (*r->o.stop)
		return -EINTR;
	reclaim(r, false);
	rc = ffs_output_error(r->out, NULL);
	if (rc)
		return rc;
	r->starved = r->hungry = false;
	ffs_reader_checked(r, false);
	deliver(r, true);
	start_more(r);
	while (!r->rc && waiting(r) < r->o.jobs && r->queued < JOBS_QUEUED &&
	       r->open < OPEN_MAX_HITS) {
		rc = make_job(r);
		if (!rc)
			break;
		/* What was asked for before is still given out. */
		if (rc < 0) {
			r->ended = true;
			r->end_rc = rc;
		}
		start_more(r);
	}
	deliver(r, true);
	if (r->rc)
		return r->rc;
	if (r->ended && !r->cur && !r->head && !r->parts)
		return 0;
	if (r->o.tick)
		r->o.tick(r->o.arg);
	rc = wait_for_more(r);
	return rc < 0 ? rc : 1;
}

int
ffs_reader_run(struct ffs_reader *r, struct ffs_output *out)
{
	int rc, wrc;

	r->out = out;
	while ((rc = turn(r)) > 0)
		;
	if (rc != -EINTR)
		ffs_output_end(r->out);
	while (rc != -EINTR && (wrc = ffs_output_join(r->out, WAIT_MS)) == -EAGAIN) {
		if (*r->o.stop)
			rc = -EINTR;
	}
	if (rc == -EINTR)
		return rc;
	reclaim(r, false);
	if (wrc)
		return wrc;
	return rc ? rc : r->end_rc;
}

void
ffs_reader_free(struct ffs_reader *r)
{
	if (!r)
		return;
	if (r->out)
		ffs_output_stop(r->out);
	r->rc = -ECANCELED;
	deliver(r, true);
	if (r->out)
		reclaim(r, false);
	ffs_reader_piece_put(r->cur);
	ffs_checker_free(r->checker);
	ffs_recent_free(r->recent);
	ffs_blocks_release(&r->blocks);
	close(r->event);
	free(r);
}
