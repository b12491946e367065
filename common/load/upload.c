#include "common/load/uploadimpl.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/base/clock.h"

enum {
	TICK_MS = 200,
	DRAIN_MS = 2000,          /* a failed load waits so long for what is in flight */
	CLEAN_MS = 3000,          /* and so long for removing it after Ctrl-C */
	CLEAN_PATIENT_MS = 60000, /* or after any other failure */
};

static void
pass_warning(struct upload *u, struct load *l)
{
	if (*l->ds.warning && u->o->warn)
		u->o->warn(u->o->arg, l->ds.warning);
	*l->ds.warning = '\0';
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
		ffs_upload_fail(u, rc, "cannot read '%s': %s", key ? key : l->ds.name,
		    ffs_s3_error(ffs_stores_get(u->st, 0), &r, text, sizeof(text)));
	else if ((rc = ffs_manifest_parse(&l->draft.m, json, n, &why)))
		ffs_upload_fail(u, rc, "'%s' is no manifest: %s", key, why);
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
		ffs_upload_no_memory(u);
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
		ffs_upload_fail(u, rc, "%s", l->ds.error);
		return NULL;
	}
	if (i->have & FFS_TARIN_INPUT_BYTES)
		l->hint = i->input_bytes;
	u->at.total_bytes = l->hint ? u->at.bytes + l->hint : 0;
	if (ffs_draft_init(&l->draft, i->dataset, l->ds.generation)) {
		ffs_upload_no_memory(u);
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
		.compressed = u->o->level != 0,
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
			return ffs_upload_fail(u, -EEXIST,
			    "'%s' is published with %zu chunks, the input has %zu: --replace loads "
			    "it",
			    l->ds.name, l->draft.m.nchunks, l->expected);
	} else {
		rc = ffs_draft_end(&l->draft);
		if (rc)
			return ffs_upload_fail(u, rc, "%s", l->draft.error);
		/* not to be interrupted: whether it was published has to be known */
		ffs_http_stop_on(u->st->http, NULL);
		rc = ffs_dataset_publish(&l->ds, &l->draft.m);
		ffs_http_stop_on(u->st->http, u->o->stop);
		pass_warning(u, l);
		if (rc)
			return ffs_upload_fail(u, rc, "%s", l->ds.error);
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
	struct ffs_upload_chunk c = { .reused = true };
	const struct ffs_object *o = NULL;

	if (i->index < l->draft.m.nchunks)
		o = i->kind == FFS_INTAKE_MESSAGE ? &l->draft.m.chunks[i->index].message
		                                  : &l->draft.m.chunks[i->index].data;
	if (!o || !o->key || o->plain_bytes != i->plain_bytes || o->plain_crc32c != i->plain_crc32c)
		return ffs_upload_fail(u, -EEXIST,
		    "'%s' is published and differs from '%s': --replace loads it", l->ds.name,
		    i->path);
	ffs_upload_safe(u, l, i, o, &c);
	ffs_intake_put(u->in, i);
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
	return rc ? ffs_upload_fail(u, rc, "%s", l->draft.error) : ffs_upload_start(u, l, i);
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
	u->o->tick(u->o->arg, &u->at);
}

static int
renew_claims(struct upload *u)
{
	struct load *l;
	int rc;

	for (l = u->loads; l; l = l->next) {
		rc = ffs_dataset_renew(&l->ds);
		if (rc)
			return ffs_upload_fail(u, rc, "%s", l->ds.error);
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
			ffs_upload_fail(u, -EINTR, "interrupted");
			break;
		}
		while (u->in_flight < u->o->jobs && !u->rc && !u->bad &&
		       (i = ffs_intake_take(u->in, &end)))
			if (take_item(u, i))
				ffs_intake_put(u->in, i);
		if (u->rc || finish_loads(u) || renew_claims(u))
			break;
		if (u->bad && !ended_loads(u))
			ffs_upload_fail(u, u->bad->rc, "%s", u->bad->error);
		if (u->rc || (end && !u->loads))
			break;
		rc = ffs_http_run(u->st->http, TICK_MS);
		if (rc < 0)
			ffs_upload_fail(u, rc, "%s", strerror(-rc));
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
	/* after one Ctrl-C there is a time limit, without one the first ends a long cleaning */
	ffs_http_stop_on(u->st->http, hurry ? NULL : u->o->stop);
	left = ffs_dataset_abandon(&l->ds, &l->draft.m, u->o->keep,
	    hurry ? CLEAN_MS : CLEAN_PATIENT_MS, hurry ? NULL : u->o->stop);
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
	ffs_http_stop_on(st->http, o->stop);
	if (u.in)
		pump(&u);
	else
		ffs_upload_fail(&u, -ENOMEM, "cannot start reading: %s", strerror(errno));
	if (u.in) {
		drain(&u);
		if (write(cancel_fd, "", 1) < 0 && !u.rc)
			ffs_upload_fail(&u, -errno, "cannot end the reader: %s", strerror(errno));
		if (u.bad)
			ffs_intake_put(u.in, u.bad);
		ffs_intake_free(u.in);
	}
	while (u.loads)
		abandon(&u, u.loads);
	ffs_http_stop_on(st->http, NULL);
	free(weights);
	return u.rc;
}
