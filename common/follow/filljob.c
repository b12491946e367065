#include "common/follow/fillerimpl.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "common/base/clock.h"

static void request(struct ffs_fill *j);

static struct ffs_cache_name
name_of(const struct ffs_fill *j)
{
	return ffs_filler_name(j->f->o.stores, j->w.bucket, j->w.key);
}

/* --- the end --- */

void
ffs_fill_end(struct ffs_fill *j, enum ffs_filler_outcome outcome, int rc)
{
	struct ffs_filler *f = j->f;
	uint64_t now = ffs_clock_us();
	struct ffs_filler_event e = {
		.outcome = outcome,
		.why = j->why,
		.node = &f->o.stores->nodes.v[j->node],
		.bucket = j->w.bucket,
		.key = j->w.key,
		.rc = rc,
		.text = j->text,
		.tag = j->w.tag,
	};

	if (outcome == FFS_FILLER_FILLED) {
		e.bytes = j->plain;
		e.us = now - j->began_us;
		e.hot_us = j->w.hot_ns ? now - j->w.hot_ns / 1000 : 0;
	}
	if (outcome == FFS_FILLER_REFUSED && !j->counted && !f->closing)
		ffs_cache_refuse(f->o.cache, j->why);
	if (f->o.event && !f->closing)
		f->o.event(f->o.arg, &e);
	ffs_fill_free(j);
}

void
ffs_fill_refuse(struct ffs_fill *j, enum ffs_cache_refusal why, int rc)
{
	j->why = why;
	if (!j->text[0])
		snprintf(j->text, sizeof(j->text), "%s", ffs_cache_refusal_text(why));
	ffs_fill_end(j, FFS_FILLER_REFUSED, rc);
}

/* Why a fill that ended with rc is refused, where nobody has said it. */
static enum ffs_cache_refusal
reason(const struct ffs_fill *j, int rc)
{
	if (j->refused)
		return j->why;
	switch (rc) {
	case -ESTALE:
	case -ECANCELED:
		return FFS_CACHE_REFUSED_changed;
	case -EBADMSG:
		return FFS_CACHE_REFUSED_wrong;
	default:
		return FFS_CACHE_REFUSED_failed;
	}
}

/* The cache itself did not take it. */
static int
cache_failed(struct ffs_fill *j, int rc)
{
	if (rc == -EBADMSG || !rc)
		return rc;
	j->refused = true;
	j->rc = rc;
	if (rc == -EROFS || rc == -EACCES || rc == -EPERM)
		j->why = FFS_CACHE_REFUSED_readonly;
	else if (rc == -ENOSPC || rc == -EDQUOT)
		j->why = FFS_CACHE_REFUSED_disk;
	else
		j->why = FFS_CACHE_REFUSED_failed;
	snprintf(j->text, sizeof(j->text), "%s", strerror(-rc));
	return rc;
}

/* --- the bytes --- */

static int
begin(struct ffs_fill *j, const char *etag, uint64_t size)
{
	struct ffs_cache_fill_opts o = {
		.etag = etag, .size = size, .interval_us = j->w.interval_us
	};
	uint64_t now = ffs_clock_us();
	struct ffs_cache_name name = name_of(j);
	enum ffs_cache_refusal why = FFS_CACHE_REFUSED_failed;
	int rc;

	o.since = (int64_t)time(NULL) - (int64_t)((now - j->began_us) / 1000000) - 1;
	if (o.interval_us && j->w.read_ns / 1000 < now)
		o.ago_us = now - j->w.read_ns / 1000;
	if (j->f->o.asked_us)
		o.asked_us = now - j->f->o.asked_us + 1;
	if (j->object) {
		o.has_crc = true;
		o.crc32c = j->object->plain_crc32c;
		o.decoded = j->object->encoding == FFS_ENCODING_ZSTD;
	}
	rc = ffs_cache_fill_begin(j->f->o.cache, &name, &o, &j->fill, &why);
	if (!rc)
		return 0;
	j->fill = NULL;
	if (rc != -ENOSPC)
		return cache_failed(j, rc);
	j->refused = j->counted = true;
	j->why = why;
	j->rc = rc;
	snprintf(j->text, sizeof(j->text), "%s", ffs_cache_refusal_text(why));
	return rc;
}

static bool
is_zstd(const struct ffs_fill *j)
{
	return j->object && j->object->encoding == FFS_ENCODING_ZSTD;
}

static const char *
etag_of(const struct ffs_fill *j)
{
	return j->object->etags[(j->first + j->tried - 1) % j->copies];
}

/* Of what a manifest names all is known before the request: it need not be made in vain. */
static int
prepare(struct ffs_fill *j)
{
	return j->object ? begin(j, etag_of(j), j->object->plain_bytes) : 0;
}

/* The head of the answer: is it what was asked for, and where do its bytes go. */
static int
head(struct ffs_fill *j, const struct ffs_s3_response *r)
{
	const char *want = j->object ? etag_of(j) : "";

	if (r->status != 200 || !r->etag[0]) {
		snprintf(j->text, sizeof(j->text), "an answer without %s",
		    r->etag[0] ? "the whole object" : "an ETag");
		return -EPROTO;
	}
	if (j->object)
		return *want && strcmp(want, r->etag) ? -ESTALE : j->fill ? 0 : prepare(j);
	if (!r->length) {
		snprintf(j->text, sizeof(j->text), "an answer without a length");
		return -EPROTO;
	}
	return begin(j, r->etag, r->length);
}

static int
decode(struct ffs_fill *j, const void *p, size_t n)
{
	ZSTD_inBuffer in = { p, n, 0 };
	ZSTD_outBuffer out;
	size_t left;
	int rc = 0;

	if (!j->zstd && !(j->zstd = ZSTD_createDCtx()))
		return -ENOMEM;
	do {
		out = (ZSTD_outBuffer){ j->f->plain, ZSTD_DStreamOutSize(), 0 };
		left = ZSTD_decompressStream(j->zstd, &out, &in);
		j->plain += out.pos;
		/* The manifest's length is what bounds a stream that would go on for ever. */
		if (ZSTD_isError(left) || j->plain > j->object->plain_bytes)
			return -EBADMSG;
		j->whole = !left;
		if (out.pos)
			rc = cache_failed(j, ffs_cache_fill_write(j->fill, out.dst, out.pos));
	} while (!rc && (in.pos < in.size || out.pos == out.size));
	return rc;
}

static int
on_data(void *arg, const struct ffs_s3_response *r, const void *p, size_t n)
{
	struct ffs_fill *j = arg;
	bool first = !j->fill || (j->object && !j->plain && !j->zstd);
	int rc = 0;

	if (!ffs_filler_take(j->f, n)) {
		j->paused = true;
		return FFS_S3_PAUSE;
	}
	if (first)
		rc = head(j, r);
	if (!rc && is_zstd(j)) {
		rc = decode(j, p, n);
	} else if (!rc) {
		j->plain += n;
		rc = cache_failed(j, ffs_cache_fill_write(j->fill, p, n));
	}
	j->rc = rc;
	return rc;
}

static void
on_field(void *arg, const char *name, const char *value)
{
	struct ffs_fill *j = arg;

	if (*name)
		ffs_kept_add(j->head, name, strlen(name), value, strlen(value));
	else
		ffs_kept_begin(j->head, true);
}

/* Forget the bytes that came. */
static void
rewind_fill(struct ffs_fill *j)
{
	if (j->fill)
		ffs_cache_fill_abort(j->fill);
	j->fill = NULL;
	ZSTD_freeDCtx(j->zstd);
	j->zstd = NULL;
	j->plain = 0;
	j->whole = false;
	j->rc = 0;
}

static void
on_restart(void *arg)
{
	rewind_fill(arg);
}

/* --- the outcome --- */

/* All bytes are there: put them in their place. */
static int
complete(struct ffs_fill *j, const struct ffs_s3_response *r)
{
	struct ffs_cache_fill *fill;
	int rc = 0;

	if (!j->fill)
		rc = r->status == 200 && r->etag[0] ? begin(j, r->etag, 0) : -EPROTO;
	if (!rc && is_zstd(j) && !j->whole)
		rc = -EBADMSG;
	if (rc)
		return rc;
	fill = j->fill;
	j->fill = NULL;
	if (j->head)
		ffs_cache_fill_head(fill, j->head);
	return cache_failed(j, ffs_cache_fill_commit(fill));
}

/* Is there another copy to ask, or this one once more. */
static bool
try_again(struct ffs_fill *j, int rc)
{
	if (j->refused || j->changed || rc == -ECANCELED || j->f->closing)
		return false;
	if (rc == -EBADMSG && j->tried >= j->copies && !j->again) {
		j->again = true;
		j->tried--;
	}
	/* Of a raw object the nodes' copies are one only as far as somebody says so. */
	if (!j->object && rc != -ENOENT && rc != -EBADMSG)
		return false;
	return j->tried < j->copies;
}

/* Whoever asked by name can wait until there is room; what is hot comes again. */
static bool
rest(struct ffs_fill *j)
{
	if (!j->refused || j->why != FFS_CACHE_REFUSED_busy || !j->f->o.asked_us || j->f->closing ||
	    j->changed || j->rests++ == FFS_FILLER_RESTS)
		return false;
	j->refused = j->counted = false;
	j->tried = 0;
	j->text[0] = '\0';
	j->due_us = ffs_clock_us() + FFS_FILLER_REST_MS * 1000;
	ffs_fill_enter(j, &j->f->resting);
	return true;
}

static void
failed(struct ffs_fill *j, int rc)
{
	struct ffs_cache_name name = name_of(j);

	if (rest(j))
		return;
	if (rc == -ESTALE && j->object)
		ffs_shelf_forget(j->f->shelf, j->w.bucket, j->w.key);
	if (rc == -ENOENT && !j->object && j->hit.fd >= 0)
		ffs_cache_drop(j->f->o.cache, &name);
	ffs_fill_refuse(j, j->changed ? FFS_CACHE_REFUSED_changed : reason(j, rc), rc);
}

static void
on_done(void *arg, const struct ffs_s3_response *r)
{
	struct ffs_fill *j = arg;
	int rc = j->rc ? j->rc : r->rc;

	j->id = 0;
	j->paused = false;
	if (!rc && r->status == 304) {
		ffs_cache_validated(j->f->o.cache, &j->hit);
		ffs_fill_end(j, FFS_FILLER_PRESENT, 0);
		return;
	}
	if (!rc)
		rc = complete(j, r);
	if (!rc) {
		ffs_fill_end(j, FFS_FILLER_FILLED, 0);
		return;
	}
	if (!j->text[0] && r->rc)
		ffs_s3_error(j->s3, r, j->text, sizeof(j->text));
	rewind_fill(j);
	if (try_again(j, rc))
		request(j);
	else
		failed(j, rc);
}

/* --- the request --- */

/* Which node has the next copy. */
static int
next_node(struct ffs_fill *j)
{
	const struct ffs_nodes *nodes = &j->f->o.stores->nodes;
	size_t i = j->first + j->tried++;
	const char *name;
	int node;

	if (!j->object) {
		j->node = j->w.node == SIZE_MAX ? i : j->w.node;
		return 0;
	}
	name = j->w.src->m.chunks[j->w.chunk].data.nodes[i % j->copies];
	node = ffs_nodes_find(nodes, name);
	if (node < 0) {
		ffs_nodes_unknown(nodes, name, j->text, sizeof(j->text));
		return -ENOENT;
	}
	j->node = (size_t)node;
	return 0;
}

static int
submit(struct ffs_fill *j)
{
	char match[160];
	struct ffs_s3_field fields[2];
	const char *etag = j->object ? etag_of(j) : j->hit.fd >= 0 && !j->renew ? j->hit.etag : "";
	struct ffs_s3_request q = {
		.method = "GET",
		.bucket = j->w.bucket,
		.key = j->w.key,
		.fields = fields,
		.data = on_data,
		.restart = on_restart,
		.done = on_done,
		.arg = j,
		.once = j->object && j->tried < j->copies,
		.verify = !j->object,
	};

	if (!is_zstd(j) && (j->head || (j->head = malloc(sizeof(*j->head)))))
		q.field = on_field;
	if (q.field && !q.verify)
		fields[q.nfields++] = (struct ffs_s3_field){ "x-amz-checksum-mode", "ENABLED" };
	snprintf(match, sizeof(match), "\"%s\"", etag);
	if (*etag)
		fields[q.nfields++] =
		    (struct ffs_s3_field){ j->object ? "If-Match" : "If-None-Match", match };
	j->s3 = ffs_stores_get(j->f->o.stores, j->node);
	return j->s3 ? ffs_s3_submit(j->s3, &q, &j->id) : -errno;
}

static void
request(struct ffs_fill *j)
{
	int rc;

	do {
		j->text[0] = '\0';
		rc = next_node(j);
		if (!rc)
			rc = prepare(j);
		if (!rc)
			rc = submit(j);
	} while (rc && !j->refused && j->tried < j->copies);
	if (!rc)
		return;
	if (!j->text[0])
		snprintf(j->text, sizeof(j->text), "%s", strerror(-rc));
	rewind_fill(j);
	failed(j, rc);
}

/* It is there, but without the head with which a gateway could give it: kept by somebody who read
 * it in parts, or long ago. */
static bool
lacks_head(const struct ffs_fill *j, const struct ffs_cache_hit *hit)
{
	return (j->w.hot || !j->w.keep) && !is_zstd(j) && !ffs_kept_tried(hit);
}

/* Is it there, as the manifest says? */
static bool
present(struct ffs_fill *j)
{
	struct ffs_cache_name name = name_of(j);
	struct ffs_cache_hit hit;
	bool same = false;
	size_t i;

	if (ffs_cache_find(j->f->o.cache, &name, NULL, &hit))
		return false;
	if (!j->object) {
		j->hit = hit;
		j->renew = lacks_head(j, &hit);
		return j->w.keep && !j->renew;
	}
	for (i = 0; i < j->copies && !same; i++)
		same = !strcmp(j->object->etags[i], hit.etag);
	same = same && hit.size == j->object->plain_bytes && hit.decoded == is_zstd(j) &&
	       !lacks_head(j, &hit);
	close(hit.fd);
	return same;
}

/* Somebody reads a dataset: what comes next will be read next. */
static void
ahead(struct ffs_fill *j)
{
	const struct ffs_manifest *m = &j->w.src->m;
	struct ffs_filler_want w = {
		.node = j->w.node, .bucket = j->w.bucket, .src = j->w.src, .message = j->w.message
	};
	size_t end = j->w.chunk + j->f->o.how->ahead;
	const struct ffs_object *o;

	if (end >= m->nchunks)
		end = m->nchunks - 1;
	for (w.chunk = j->w.chunk + 1; w.chunk <= end && j->f->left < FFS_FILLER_MANY; w.chunk++) {
		o = w.message ? &m->chunks[w.chunk].message : &m->chunks[w.chunk].data;
		w.key = o->key;
		w.size = o->plain_bytes;
		if (w.key)
			ffs_filler_add(j->f, &w);
	}
}

/* It is this of a dataset: the node that is being read from is asked first. */
static void
identified(struct ffs_fill *j)
{
	const struct ffs_chunk *c = &j->w.src->m.chunks[j->w.chunk];
	size_t i;

	j->object = j->w.message ? &c->message : &c->data;
	j->copies = j->object->copies;
	for (i = 0; i < j->copies && j->w.node != SIZE_MAX; i++)
		if (ffs_nodes_find(&j->f->o.stores->nodes, c->data.nodes[i]) == (int)j->w.node)
			j->first = i;
}

/* Find out what it is.  0; -EAGAIN: later; -errno: refused already. */
static int
identify(struct ffs_fill *j)
{
	struct ffs_shelf_place p;
	bool zstd = false;
	int rc = 0;

	if (!j->w.src) {
		rc = ffs_shelf_find(j->f->shelf, j->w.node, j->w.bucket, j->w.key, &p);
		if (rc == -EAGAIN)
			return rc;
		if (!rc) {
			j->w.src = ffs_source_ref(p.src);
			j->w.chunk = p.chunk;
			j->w.message = p.message;
		}
	}
	if (j->w.src) {
		identified(j);
		return 0;
	}
	j->copies = j->w.node == SIZE_MAX ? j->f->o.stores->nodes.n : 1;
	/* Nobody says how long it is when decoded, and readers of chunks want it decoded. */
	if ((rc == -ENOENT || rc == -EBADMSG || rc == -EPROTONOSUPPORT) &&
	    (!ffs_shelf_is_chunk(j->w.key, &zstd) || !zstd))
		return 0;
	snprintf(j->text, sizeof(j->text), "its manifest cannot be read: %s", strerror(-rc));
	ffs_fill_refuse(j, FFS_CACHE_REFUSED_failed, rc);
	return rc;
}

void
ffs_fill_start(struct ffs_fill *j)
{
	int rc;

	/* An entry that is not to be asked about needs nobody to say what it is, either. */
	if (j->w.keep && !j->f->o.how->ahead && present(j)) {
		ffs_fill_end(j, FFS_FILLER_PRESENT, 0);
		return;
	}
	rc = identify(j);
	if (rc == -EAGAIN)
		ffs_fill_enter(j, &j->f->waiting);
	if (rc)
		return;
	if (j->w.hot && j->w.src && j->f->o.how->ahead)
		ahead(j);
	if (j->hit.fd < 0 && present(j)) {
		ffs_fill_end(j, FFS_FILLER_PRESENT, 0);
		return;
	}
	ffs_fill_enter(j, &j->f->running);
	j->began_us = ffs_clock_us();
	request(j);
}
