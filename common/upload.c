#include "common/upload.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "common/clock.h"
#include "common/crc32c.h"
#include "common/draft.h"
#include "common/intake.h"
#include "common/packer.h"

enum {
	TICK_MS = 200,
	DRAIN_MS = 2000,          /* a failed load waits so long for what is in flight */
	CLEAN_MS = 3000,          /* and so long for removing it after Ctrl-C */
	CLEAN_PATIENT_MS = 60000, /* or after any other failure */
};

/* A dataset between its first chunk and its manifest. */
struct load {
	struct load *next;
	size_t set;
	struct ffs_dataset ds;
	struct ffs_draft draft; /* or, where compare, what --resume found published */
	size_t expected;        /* chunks, once ended */
	bool ended, compare;
	size_t pending; /* objects in flight */
	uint64_t stored, reused, hint;
	int64_t began;
};

/* An object in flight. */
struct job {
	struct upload *u;
	struct load *load;
	struct ffs_intake_item *item;
	struct job *prev, *next;
	uint64_t id;
	bool head;   /* asking whether it is there already */
	bool repair; /* the store had it wrong: delete, then send once more */
	bool again;  /* this is that once */
	uint64_t us;
	unsigned attempts;
	char etag[128];
};

struct upload {
	struct ffs_stores *st;
	const struct ffs_upload_opts *o;
	struct ffs_intake *in;
	struct load *loads;
	struct job *jobs;
	size_t in_flight;
	struct ffs_upload_counts counts;
	struct ffs_intake_item *bad; /* where the stream ends with an error */
	int64_t ticked;
	int rc; /* the first error */
	char *error;
	size_t error_len;
};

static int __attribute__((format(printf, 3, 4)))
fail(struct upload *u, int rc, const char *fmt, ...)
{
	va_list ap;

	if (u->rc)
		return rc;
	va_start(ap, fmt);
	vsnprintf(u->error, u->error_len, fmt, ap);
	va_end(ap);
	u->rc = rc;
	return rc;
}

static int
no_memory(struct upload *u)
{
	return fail(u, -ENOMEM, "out of memory");
}

static void
pass_warning(struct upload *u, struct load *l)
{
	if (*l->ds.warning && u->o->warn)
		u->o->warn(u->o->arg, l->ds.warning);
	*l->ds.warning = '\0';
}

static struct ffs_chunk *
chunk_of(struct job *j)
{
	return &j->load->draft.m.chunks[j->item->index];
}

static struct ffs_object *
object_of(struct job *j)
{
	struct ffs_chunk *c = chunk_of(j);

	return j->item->kind == FFS_INTAKE_MESSAGE ? &c->message : &c->data;
}

/* --- one object --- */

static void
end_job(struct job *j)
{
	struct upload *u = j->u;

	if (j->prev)
		j->prev->next = j->next;
	else
		u->jobs = j->next;
	if (j->next)
		j->next->prev = j->prev;
	u->in_flight--;
	j->load->pending--;
	ffs_intake_put(u->in, j->item);
	free(j);
}

static void
count_object(struct upload *u, struct load *l, const struct ffs_intake_item *i, bool reused)
{
	l->stored += i->n;
	l->reused += reused;
	if (i->kind == FFS_INTAKE_CHUNK) {
		u->counts.chunks++;
		u->counts.bytes += i->plain_bytes;
	}
}

/* The object is safe. */
static void
done_job(struct job *j, const char *etag, bool reused)
{
	struct ffs_object *o = object_of(j);
	const struct ffs_upload_opts *opts = j->u->o;
	struct ffs_upload_chunk c = { .dataset = j->load->ds.name,
		.key = o->key,
		.node = chunk_of(j)->data.nodes[0],
		.etag = etag,
		.bytes = j->item->n,
		.rows = j->item->kind == FFS_INTAKE_CHUNK ? chunk_of(j)->rows : 0,
		.crc32c = j->item->crc32c,
		.message = j->item->kind == FFS_INTAKE_MESSAGE,
		.reused = reused,
		.us = j->us,
		.attempts = j->attempts };

	o->etags[0] = strdup(etag);
	if (!o->etags[0])
		no_memory(j->u);
	else if (opts->chunk)
		opts->chunk(opts->arg, &c);
	count_object(j->u, j->load, j->item, reused);
	end_job(j);
}

static void
fail_job(struct job *j, const char *what, const struct ffs_s3_response *r)
{
	struct ffs_s3 *s3 = ffs_stores_get(j->u->st, j->item->node);
	char text[512];

	/* a cancelled one is not the reason */
	if (r->rc != -ECANCELED)
		fail(j->u, r->rc, "cannot %s '%s': %s", what, object_of(j)->key,
		    ffs_s3_error(s3, r, text, sizeof(text)));
	end_job(j);
}

static bool
is_md5(const char *etag)
{
	return strlen(etag) == 32 && strspn(etag, "0123456789abcdefABCDEF") == 32;
}

/*
 * Has the store what we sent?  One that returns our CRC32C has checked it.
 * Of others an ETag that looks like an MD5 is taken for one; then MD5 is asked of the
 * workers for the chunks to come, and computed here for those already on their way.
 */
static bool
same_bytes(struct job *j, const struct ffs_s3_response *r)
{
	struct ffs_intake_item *i = j->item;
	char ours[33];
	uint32_t crc;
	size_t n;

	if (*r->checksum_crc32c)
		return !ffs_crc32c_from_base64(r->checksum_crc32c, &crc) && crc == i->crc32c;
	if (!is_md5(r->etag))
		return true;
	ffs_intake_want_md5(j->u->in);
	if (!i->has_md5 && ffs_packer_md5(i->md5, i->p, i->n))
		return true;
	for (n = 0; n < sizeof(i->md5); n++)
		snprintf(ours + 2 * n, 3, "%02x", i->md5[n]);
	return !strcasecmp(ours, r->etag);
}

static void send_job(struct job *j);

static void
answered(void *arg, const struct ffs_s3_response *r)
{
	static const struct ffs_s3_response wrong = { .rc = -EBADMSG,
		.message = "the store has other bytes than were sent, twice" };
	struct job *j = arg;
	char crc[9];

	j->us += r->total_us;
	j->attempts += r->attempts;
	if (j->head) {
		snprintf(crc, sizeof(crc), "%08" PRIx32, j->item->crc32c);
		j->head = false;
		if (!r->rc && r->length == j->item->n && !strcasecmp(r->meta_crc32c, crc))
			done_job(j, r->etag, true);
		else if (!r->rc || r->rc == -ENOENT)
			send_job(j);
		else
			fail_job(j, "look at", r);
	} else if (j->repair) {
		j->repair = false;
		if (r->rc && r->rc != -ENOENT)
			fail_job(j, "delete", r);
		else
			send_job(j);
	} else if (r->rc) {
		fail_job(j, "put", r);
	} else if (same_bytes(j, r)) {
		done_job(j, r->etag, false);
	} else if (j->again) {
		fail_job(j, "put", &wrong);
	} else {
		j->repair = j->again = true;
		send_job(j);
	}
}

/* Ask, delete or send, as the job's state says. */
static void
send_job(struct job *j)
{
	char crc[9];
	struct ffs_s3_field fields[] = { { "Content-Type", j->item->encoding == FFS_ENCODING_ZSTD
							       ? "application/zstd"
							       : "text/csv" },
		{ "x-amz-meta-ffs-crc32c", crc } };
	struct ffs_s3_request q = { .method = j->head     ? "HEAD"
		                              : j->repair ? "DELETE"
		                                          : "PUT",
		.bucket = j->u->o->bucket,
		.key = object_of(j)->key,
		.done = answered,
		.arg = j };
	struct ffs_s3 *s3 = ffs_stores_get(j->u->st, j->item->node);
	int rc;

	snprintf(crc, sizeof(crc), "%08" PRIx32, j->item->crc32c);
	if (!j->head && !j->repair) {
		q.fields = fields;
		q.nfields = sizeof(fields) / sizeof(*fields);
		q.body = j->item->p;
		q.body_len = j->item->n;
		q.crc32c = &j->item->crc32c;
	}
	/* after the first failure nothing new starts */
	rc = j->u->rc ? -ECANCELED : s3 ? ffs_s3_submit(s3, &q, &j->id) : -ENOMEM;
	if (!rc)
		return;
	if (rc != -ECANCELED)
		fail(j->u, rc, "cannot send '%s': %s", object_of(j)->key, strerror(-rc));
	end_job(j);
}

/* --- a dataset's life --- */

/* --resume over a dataset that is published: then it only has to be the same. */
static int
load_published(struct upload *u, struct load *l)
{
	char *key = ffs_manifest_key(l->ds.name), *json = NULL;
	struct ffs_s3_response r = { 0 };
	const char *why = "";
	char text[512];
	size_t n = 0;
	int rc = -ENOMEM;

	if (key)
		rc = ffs_s3_get(
		    ffs_stores_get(u->st, 0), u->o->bucket, key, FFS_MANIFEST_MAX, &json, &n, &r);
	if (rc)
		fail(u, rc, "cannot read '%s': %s", key ? key : l->ds.name,
		    ffs_s3_error(ffs_stores_get(u->st, 0), &r, text, sizeof(text)));
	else if ((rc = ffs_manifest_parse(&l->draft.m, json, n, &why)))
		fail(u, rc, "'%s' is no manifest: %s", key, why);
	free(json);
	free(key);
	l->compare = !rc;
	return rc;
}

static struct load *
begin_load(struct upload *u, const struct ffs_intake_item *i)
{
	struct load *l = calloc(1, sizeof(*l)), **at;
	int rc;

	if (!l) {
		no_memory(u);
		return NULL;
	}
	l->set = i->set;
	l->began = ffs_clock_ms();
	for (at = &u->loads; *at; at = &(*at)->next)
		;
	*at = l;
	rc = ffs_dataset_claim(&l->ds, u->st, u->o->bucket, i->dataset, u->o->flags);
	pass_warning(u, l);
	if (rc == -EEXIST && *l->ds.replaces && (u->o->flags & FFS_DATASET_RESUME))
		return load_published(u, l) ? NULL : l;
	if (rc) {
		fail(u, rc, "%s", l->ds.error);
		return NULL;
	}
	if (i->have & FFS_TARIN_INPUT_BYTES)
		l->hint = i->input_bytes;
	u->counts.total = l->hint ? u->counts.bytes + l->hint : 0;
	if (ffs_draft_init(&l->draft, i->dataset, l->ds.generation)) {
		no_memory(u);
		return NULL;
	}
	return l;
}

static void
free_load(struct upload *u, struct load *l)
{
	struct load **at;

	for (at = &u->loads; *at && *at != l; at = &(*at)->next)
		;
	if (*at)
		*at = l->next;
	ffs_draft_release(&l->draft);
	ffs_dataset_release(&l->ds);
	free(l);
}

static void
report(struct upload *u, struct load *l)
{
	struct ffs_upload_dataset d = { .name = l->ds.name,
		.generation = l->draft.m.generation,
		.chunks = l->draft.m.nchunks,
		.rows = l->draft.m.rows,
		.columns = l->draft.m.columns,
		.bytes = l->draft.m.bytes,
		.stored = l->stored,
		.reused = l->reused,
		.ms = ffs_clock_ms() - l->began };

	if (u->o->dataset)
		u->o->dataset(u->o->arg, &d);
}

/* Publish what is complete. */
static int
finish_load(struct upload *u, struct load *l)
{
	int rc;

	if (l->compare) {
		if (l->expected != l->draft.m.nchunks)
			return fail(u, -EEXIST,
			    "'%s' is published with %zu chunks, the input has %zu: --replace loads "
			    "it",
			    l->ds.name, l->draft.m.nchunks, l->expected);
	} else {
		rc = ffs_draft_end(&l->draft);
		if (rc)
			return fail(u, rc, "%s", l->draft.error);
		rc = ffs_dataset_publish(&l->ds, &l->draft.m);
		pass_warning(u, l);
		if (rc)
			return fail(u, rc, "%s", l->ds.error);
	}
	report(u, l);
	free_load(u, l);
	return 0;
}

/* --- items --- */

static struct load *
find_load(struct upload *u, size_t set)
{
	struct load *l;

	for (l = u->loads; l && l->set != set; l = l->next)
		;
	return l;
}

static int
compare_object(struct upload *u, struct load *l, struct ffs_intake_item *i)
{
	const struct ffs_object *o = NULL;

	if (i->index < l->draft.m.nchunks)
		o = i->kind == FFS_INTAKE_MESSAGE ? &l->draft.m.chunks[i->index].message
		                                  : &l->draft.m.chunks[i->index].data;
	if (!o || !o->key || o->plain_bytes != i->plain_bytes || o->plain_crc32c != i->plain_crc32c)
		return fail(u, -EEXIST,
		    "'%s' is published and differs from '%s': --replace loads it", l->ds.name,
		    i->path);
	count_object(u, l, i, true);
	ffs_intake_put(u->in, i);
	return 0;
}

static int
start_job(struct upload *u, struct load *l, struct ffs_intake_item *i)
{
	struct job *j = calloc(1, sizeof(*j));

	if (!j)
		return no_memory(u);
	j->u = u;
	j->load = l;
	j->item = i;
	j->head = l->ds.resumed;
	j->next = u->jobs;
	if (u->jobs)
		u->jobs->prev = j;
	u->jobs = j;
	u->in_flight++;
	l->pending++;
	send_job(j);
	return 0;
}

/* Takes the item over, unless it fails. */
static int
take_item(struct upload *u, struct ffs_intake_item *i)
{
	struct load *l;
	int rc;

	if (i->kind == FFS_INTAKE_ERROR) {
		u->bad = i;
		return 0;
	}
	l = find_load(u, i->set);
	if (!l)
		l = begin_load(u, i);
	if (!l)
		return u->rc;
	if (i->kind == FFS_INTAKE_END) {
		l->ended = true;
		l->expected = i->index;
		ffs_intake_put(u->in, i);
		return 0;
	}
	if (l->compare)
		return compare_object(u, l, i);
	rc = ffs_draft_add(&l->draft, i, u->st->nodes.v[i->node].name);
	return rc ? fail(u, rc, "%s", l->draft.error) : start_job(u, l, i);
}

/* --- the whole --- */

static void
wake(void *arg)
{
	ffs_http_wakeup(arg);
}

static void
tick(struct upload *u, bool now)
{
	if (!u->o->tick || (!now && ffs_clock_ms() - u->ticked < TICK_MS))
		return;
	u->ticked = ffs_clock_ms();
	u->o->tick(u->o->arg, &u->counts);
}

static int
renew_claims(struct upload *u)
{
	struct load *l;
	int rc;

	for (l = u->loads; l; l = l->next) {
		rc = ffs_dataset_renew(&l->ds);
		if (rc)
			return fail(u, rc, "%s", l->ds.error);
	}
	return 0;
}

static int
finish_loads(struct upload *u)
{
	struct load *l, *next;

	for (l = u->loads; l && !u->rc; l = next) {
		next = l->next;
		if (l->ended && !l->pending)
			finish_load(u, l);
	}
	return u->rc;
}

/* Datasets before the place where the stream is bad are as good as ever. */
static bool
ended_loads(const struct upload *u)
{
	const struct load *l;

	for (l = u->loads; l && !l->ended; l = l->next)
		;
	return l;
}

static void
pump(struct upload *u)
{
	struct ffs_intake_item *i;
	bool end = false;
	int rc;

	while (!u->rc) {
		if (u->o->stop && *u->o->stop) {
			fail(u, -EINTR, "interrupted");
			break;
		}
		while (u->in_flight < u->o->jobs && !u->rc && !u->bad &&
		       (i = ffs_intake_take(u->in, &end)))
			if (take_item(u, i))
				ffs_intake_put(u->in, i);
		if (u->rc || finish_loads(u) || renew_claims(u))
			break;
		if (u->bad && !ended_loads(u))
			fail(u, u->bad->rc, "%s", u->bad->error);
		if (u->rc || (end && !u->loads))
			break;
		rc = ffs_http_run(u->st->http, TICK_MS);
		if (rc < 0)
			fail(u, rc, "%s", strerror(-rc));
		tick(u, false);
	}
	tick(u, true);
}

/* Let what is in flight land, so that it can be removed; then drop the rest. */
static void
drain(struct upload *u)
{
	int64_t deadline = ffs_clock_ms() + DRAIN_MS;
	struct job *j;

	while (u->jobs && ffs_clock_ms() < deadline && ffs_http_run(u->st->http, 100) >= 0)
		;
	while ((j = u->jobs))
		ffs_s3_cancel(ffs_stores_get(u->st, j->item->node), j->id);
}

static void
abandon(struct upload *u, struct load *l)
{
	bool hurry = u->o->stop && *u->o->stop;
	char text[900];
	int64_t left;

	if (l->ds.published && u->o->warn) {
		snprintf(text, sizeof(text),
		    "it is not known whether '%s' was published: nothing was removed", l->ds.name);
		u->o->warn(u->o->arg, text);
	}
	left = ffs_dataset_abandon(
	    &l->ds, &l->draft.m, u->o->keep, hurry ? CLEAN_MS : CLEAN_PATIENT_MS);
	if (left && u->o->warn) {
		if (left > 0)
			snprintf(text, sizeof(text),
			    "%" PRId64 " objects of '%s' are left (--prune removes them): %s", left,
			    l->ds.name, l->ds.error);
		else
			snprintf(text, sizeof(text), "the claim could not be marked as kept: %s",
			    l->ds.error);
		u->o->warn(u->o->arg, text);
	}
	free_load(u, l);
}

int
ffs_upload_run(struct ffs_stores *st, struct ffs_tarin *t, int cancel_fd,
    const struct ffs_upload_opts *o, char *error, size_t error_len)
{
	struct upload u = { .st = st, .o = o, .error = error, .error_len = error_len };
	struct ffs_intake_opts io = { .depth = o->jobs + (o->level ? 8 : 4),
		.level = o->level,
		.nodes = st->nodes.n,
		.wake = wake,
		.arg = st->http };
	double *weights = calloc(st->nodes.n, sizeof(*weights));
	size_t i;

	error[0] = '\0';
	io.weights = weights;
	for (i = 0; weights && i < st->nodes.n; i++)
		weights[i] = st->nodes.v[i].weight;
	u.in = weights ? ffs_intake_new(t, &io) : NULL;
	if (u.in)
		pump(&u);
	else
		fail(&u, -ENOMEM, "cannot start reading: %s", strerror(errno));
	if (u.in) {
		drain(&u);
		if (write(cancel_fd, "", 1) < 0 && !u.rc)
			fail(&u, -errno, "cannot end the reader: %s", strerror(errno));
		if (u.bad)
			ffs_intake_put(u.in, u.bad);
		ffs_intake_free(u.in);
	}
	while (u.loads)
		abandon(&u, u.loads);
	free(weights);
	return u.rc;
}
