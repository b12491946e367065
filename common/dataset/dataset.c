#include "common/dataset/dataset.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/clock.h"
#include "common/dataset/putjson.h"
#include "common/dataset/sweep.h"

/* What a listing of "DATASET/" shows. */
struct survey {
	const char *name;
	uint64_t *v; /* generations that have any object, in the listing's order */
	size_t n, cap;
	uint64_t top;
	char etag[128]; /* of the manifest */
	bool manifest;
};

static struct ffs_s3 *
primary(struct ffs_dataset *d)
{
	return ffs_stores_get(d->st, 0);
}

/* Keep a text about a failed request; returns its rc. */
static int
failed(struct ffs_dataset *d, size_t node, const char *what, const char *key,
    const struct ffs_s3_response *r)
{
	char text[512];

	snprintf(d->error, sizeof(d->error), "cannot %s '%s': %s", what, key,
	    ffs_s3_error(ffs_stores_get(d->st, node), r, text, sizeof(text)));
	return r->rc;
}

/* Pass on the claim's rc, and its text where it failed. */
static int
claim_failed(struct ffs_dataset *d, int rc)
{
	if (rc)
		snprintf(d->error, sizeof(d->error), "%s", d->claim.error);
	return rc;
}

static int
no_memory(struct ffs_dataset *d)
{
	snprintf(d->error, sizeof(d->error), "out of memory");
	return -ENOMEM;
}

uint64_t
ffs_dataset_key_generation(const char *dataset, const char *key, const char **rest)
{
	size_t n = strlen(dataset), digits;
	uint64_t generation;
	char *end;

	if (strncmp(key, dataset, n) || key[n] != '/')
		return 0;
	key += n + 1;
	digits = strspn(key, "0123456789");
	if (!digits || digits > 18 || *key == '0' || key[digits] != '/')
		return 0;
	generation = strtoull(key, &end, 10);
	if (rest)
		*rest = end + 1;
	return generation;
}

/* --- requests --- */

static int
put(struct ffs_dataset *d, size_t node, const char *key, const struct ffs_buf *json,
    const char *condition, const char *value, struct ffs_s3_response *r)
{
	struct ffs_putjson o = { .bucket = d->bucket,
		.key = key,
		.p = json->p,
		.n = json->len,
		.condition = condition,
		.value = value };

	return ffs_putjson(d->st, node, &o, &d->claim.conditional, r);
}

static int
make_bucket(struct ffs_dataset *d, size_t node)
{
	struct ffs_s3_request q = { .method = "PUT", .bucket = d->bucket };
	struct ffs_s3 *s3 = ffs_stores_get(d->st, node);
	struct ffs_s3_response r;
	int rc;

	if (!s3)
		return no_memory(d);
	if (ffs_s3_endpoint(s3)->aws) {
		snprintf(d->error, sizeof(d->error),
		    "there is no bucket '%s' on AWS: make it first", d->bucket);
		return -ENOENT;
	}
	rc = ffs_s3_perform(s3, &q, &r);
	/* another load was quicker */
	return rc && rc != -EEXIST ? failed(d, node, "make bucket", d->bucket, &r) : 0;
}

/* Every node but the primary, whose listing tells. */
static int
check_buckets(struct ffs_dataset *d)
{
	struct ffs_s3_request q = { .method = "HEAD", .bucket = d->bucket };
	struct ffs_s3_response r;
	struct ffs_s3 *s3;
	size_t i;
	int rc = 0;

	for (i = 1; i < d->st->nodes.n && !rc; i++) {
		s3 = ffs_stores_get(d->st, i);
		if (!s3)
			return no_memory(d);
		rc = ffs_s3_perform(s3, &q, &r);
		if (rc == -ENOENT)
			rc = make_bucket(d, i);
		else if (rc)
			failed(d, i, "reach bucket", d->bucket, &r);
	}
	return rc;
}

/* --- what is there --- */

static int
see(void *arg, const struct ffs_s3_object *o)
{
	struct survey *s = arg;
	uint64_t generation, *v;
	size_t n = strlen(s->name);

	if (!o->prefix && !strncmp(o->key, s->name, n) && !strcmp(o->key + n, "/manifest.json")) {
		s->manifest = true;
		snprintf(s->etag, sizeof(s->etag), "%s", o->etag ? o->etag : "");
	}
	generation = o->prefix ? ffs_dataset_key_generation(s->name, o->key, NULL) : 0;
	if (!generation)
		return 0;
	if (generation > s->top)
		s->top = generation;
	if (s->n == s->cap) {
		s->cap = s->cap ? s->cap * 2 : 16;
		v = reallocarray(s->v, s->cap, sizeof(*v));
		if (!v)
			return -ENOMEM;
		s->v = v;
	}
	s->v[s->n++] = generation;
	return 0;
}

/* One listing says whether bucket and manifest are there and which generations are taken. */
static int
survey(struct ffs_dataset *d, struct survey *s)
{
	struct ffs_s3_response r = { 0 };
	char *prefix;
	int rc;

	s->name = d->name;
	if (asprintf(&prefix, "%s/", d->name) < 0)
		return no_memory(d);
	rc = ffs_s3_list(primary(d), d->bucket, prefix, "/", see, s, &r);
	if (rc == -ENOENT)
		rc = make_bucket(d, 0);
	else if (rc && r.rc)
		failed(d, 0, "list", prefix, &r);
	else if (rc)
		snprintf(d->error, sizeof(d->error), "cannot list '%s': %s", prefix, strerror(-rc));
	free(prefix);
	return rc;
}

/* Go on where a load stopped: the highest generation that was kept or whose load died. */
static int
claim_old(struct ffs_dataset *d, const struct survey *s)
{
	enum ffs_claim_state state;
	char etag[128], found[128] = "", who[128];
	uint64_t generation = 0;
	size_t i;
	int rc;

	for (i = 0; i < s->n; i++) {
		rc = ffs_claim_look(&d->claim, s->v[i], &state, etag, who);
		if (rc)
			return claim_failed(d, rc);
		if (state == FFS_CLAIM_LIVE) {
			snprintf(d->error, sizeof(d->error),
			    "another load of '%s' is running (%s); if it died, wait a minute",
			    d->name, who);
			return -EBUSY;
		}
		if ((state == FFS_CLAIM_KEPT || state == FFS_CLAIM_STALE) && s->v[i] > generation) {
			generation = s->v[i];
			snprintf(found, sizeof(found), "%s", etag);
		}
	}
	if (!generation)
		return 0;
	d->resumed = true;
	return claim_failed(d, ffs_claim_take(&d->claim, generation, found));
}

static int
claim_new(struct ffs_dataset *d, uint64_t generation)
{
	int rc = ffs_claim_new(&d->claim, generation);

	if (!rc && !d->claim.conditional)
		snprintf(d->warning, sizeof(d->warning),
		    "the store at %s knows no conditional PUT: two loads of '%s' at once would not "
		    "notice each other",
		    ffs_s3_endpoint(ffs_stores_get(d->st, 0))->url, d->name);
	return claim_failed(d, rc);
}

int
ffs_dataset_claim(struct ffs_dataset *d, struct ffs_stores *st, const char *bucket,
    const char *name, unsigned flags)
{
	struct survey s = { 0 };
	int rc;

	memset(d, 0, sizeof(*d));
	d->st = st;
	d->bucket = bucket;
	rc = claim_failed(d, ffs_claim_init(&d->claim, st, bucket, name));
	if (rc)
		return rc;
	d->name = d->claim.dataset;
	rc = survey(d, &s);
	/* a listing without ETags would make the commit less than safe, but not worse than none */
	if (!rc && s.manifest)
		snprintf(d->replaces, sizeof(d->replaces), "%s", *s.etag ? s.etag : "*");
	if (!rc && (flags & FFS_DATASET_RESUME) && (!s.manifest || (flags & FFS_DATASET_REPLACE)))
		rc = claim_old(d, &s);
	if (!rc && s.manifest && !(flags & FFS_DATASET_REPLACE)) {
		snprintf(d->error, sizeof(d->error),
		    "'%s' exists: --replace loads a new generation beside it", name);
		rc = -EEXIST;
	}
	if (!rc)
		rc = check_buckets(d);
	if (!rc && !d->claim.held)
		rc = claim_new(d, s.top + 1);
	d->generation = d->claim.generation;
	free(s.v);
	return rc;
}

int
ffs_dataset_renew(struct ffs_dataset *d)
{
	return claim_failed(d, ffs_claim_renew(&d->claim));
}

/* --- the end --- */

/* Did the store take our manifest although its answer was lost, or an earlier try's answer was? */
static int
is_ours(struct ffs_dataset *d, const char *key, const struct ffs_buf *json)
{
	struct ffs_s3_response r;
	char *p = NULL;
	size_t n = 0;
	int rc = ffs_s3_get(primary(d), d->bucket, key, FFS_MANIFEST_MAX, &p, &n, &r);

	if (!rc)
		rc = n == json->len && !memcmp(p, json->p, n) ? 1 : 0;
	else if (rc == -ENOENT)
		rc = 0;
	free(p);
	return rc;
}

/* The commit. */
static int
commit(struct ffs_dataset *d, const char *key, const struct ffs_buf *json)
{
	const char *header = *d->replaces ? "If-Match" : "If-None-Match";
	struct ffs_s3_response r;
	int rc, ours;

	rc = put(d, 0, key, json, header, *d->replaces ? d->replaces : "*", &r);
	if (!rc) {
		d->published = true;
		return 0;
	}
	failed(d, 0, "publish", key, &r);
	if (rc == -EACCES)
		return rc;
	ours = is_ours(d, key, json);
	if (ours == 1) {
		d->published = true;
		return 0;
	}
	if (ours < 0) {
		/* not even that can be asked: it may be there */
		d->published = true;
		return rc;
	}
	if (rc == -ESTALE || rc == -ENOENT) {
		snprintf(d->error, sizeof(d->error),
		    "somebody else published or deleted '%s' meanwhile: nothing was changed",
		    d->name);
		rc = -EBUSY;
	}
	return rc;
}

/* Readers use the copies only while the primary is away, so failing here is no failure of the load.
 */
static void
copy_manifest(struct ffs_dataset *d, const char *key, const struct ffs_buf *json)
{
	struct ffs_s3_response r;
	char text[160];
	size_t i;

	for (i = 1; i < d->st->nodes.n; i++)
		if (put(d, i, key, json, NULL, NULL, &r))
			snprintf(d->warning, sizeof(d->warning), "no copy of '%s' on node '%s': %s",
			    key, d->st->nodes.v[i].name,
			    ffs_s3_error(ffs_stores_get(d->st, i), &r, text, sizeof(text)));
}

int
ffs_dataset_publish(struct ffs_dataset *d, const struct ffs_manifest *m)
{
	char *root = ffs_manifest_key(d->name), *copy = ffs_manifest_key_at(d->name, d->generation);
	struct ffs_buf json = FFS_BUF_INIT;
	struct ffs_s3_response r;
	int rc = ffs_manifest_format(m, &json);

	if (rc || !root || !copy) {
		rc = no_memory(d);
		goto out;
	}
	if (json.len > FFS_MANIFEST_MAX) {
		snprintf(d->error, sizeof(d->error),
		    "'%s' has too many chunks (%zu): cut larger ones", d->name, m->nchunks);
		rc = -EFBIG;
		goto out;
	}
	rc = put(d, 0, copy, &json, NULL, NULL, &r);
	if (rc) {
		failed(d, 0, "put", copy, &r);
		goto out;
	}
	/* under a lease that has some time to run */
	rc = claim_failed(d, ffs_claim_settle(&d->claim));
	if (!rc)
		rc = commit(d, root, &json);
	if (rc)
		goto out;
	copy_manifest(d, copy, &json);
	copy_manifest(d, root, &json);
	if (ffs_claim_drop(&d->claim))
		snprintf(d->warning, sizeof(d->warning),
		    "the claim of '%s' is left: --prune removes it", d->name);
out:
	ffs_buf_release(&json);
	free(copy);
	free(root);
	return rc;
}

static int
add_object(struct ffs_sweep *s, const struct ffs_nodes *nodes, const struct ffs_object *data,
    const struct ffs_object *o)
{
	size_t i;
	int node, rc = 0;

	for (i = 0; o->key && data->nodes && i < data->copies && !rc; i++) {
		node = data->nodes[i] ? ffs_nodes_find(nodes, data->nodes[i]) : -1;
		rc = node < 0 ? 0 : ffs_sweep_add(s, (size_t)node, o->key, o->bytes);
	}
	return rc;
}

int64_t
ffs_dataset_abandon(struct ffs_dataset *d, const struct ffs_manifest *m, bool keep, int64_t ms,
    const volatile sig_atomic_t *stop)
{
	struct ffs_sweep_opts o = {
		.bucket = d->bucket, .deadline_ms = ffs_clock_ms() + ms, .stop = stop
	};
	struct ffs_sweep list = { 0 }, claim = { 0 };
	char *key = NULL, *manifest = NULL;
	size_t i, left = 0, claim_left = 0;
	int rc = 0;

	if (!d->claim.held || d->published)
		return 0;
	while (d->claim.renewing && ffs_clock_ms() < o.deadline_ms &&
	       ffs_http_run(d->st->http, 100) >= 0)
		;
	if (keep)
		return claim_failed(d, ffs_claim_keep(&d->claim));
	for (i = 0; i < m->nchunks && !rc; i++) {
		const struct ffs_chunk *c = &m->chunks[i];

		rc = add_object(&list, &d->st->nodes, &c->data, &c->data);
		if (!rc)
			rc = add_object(&list, &d->st->nodes, &c->data, &c->message);
	}
	manifest = ffs_manifest_key_at(d->name, d->generation);
	key = ffs_claim_key(d->name, d->generation);
	if (!rc)
		rc = manifest && key ? ffs_sweep_add(&list, 0, manifest, 0) : -ENOMEM;
	if (!rc)
		rc = ffs_sweep_add(&claim, 0, key, 0);
	if (rc) {
		left = 2 * m->nchunks + 2;
		goto out;
	}
	/* the claim last: while it is there the next load keeps away from this generation */
	if (!ffs_sweep_run(&list, d->st, &o, &left, d->error, sizeof(d->error)))
		ffs_sweep_run(&claim, d->st, &o, &claim_left, d->error, sizeof(d->error));
	else
		claim_left = 1;
	d->claim.held = false;
out:
	ffs_sweep_release(&list);
	ffs_sweep_release(&claim);
	free(manifest);
	free(key);
	return (int64_t)(left + claim_left);
}

void
ffs_dataset_release(struct ffs_dataset *d)
{
	ffs_claim_release(&d->claim);
}
