#include "common/dataset/prune.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/dataset/claim.h"
#include "common/dataset/dataset.h"
#include "common/dataset/manifest.h"

/* The order in which objects go: a manifest before what it names, a claim behind what it guards. */
enum rank { MANIFEST, COPY, CHUNK, CLAIM, RANKS };

/* A generation that has objects. */
struct generation {
	uint64_t number;
	bool leave; /* nothing of it goes */
	bool named; /* its objects go unless the manifest names them */
};

struct prune {
	struct ffs_stores *st;
	const struct ffs_prune_opts *o;
	struct ffs_prune_result *res;
	struct ffs_claim claim; /* ours, to put over dead ones */
	struct ffs_sweep found; /* every object of the dataset's, on all nodes */
	struct generation *v;
	size_t n, cap;
	struct ffs_manifest m; /* the primary's, if there is one */
	const char **keep;     /* its keys, sorted */
	size_t nkeep;
	size_t node; /* being listed */
	const char *manifest;
	size_t elsewhere; /* a node, but not the primary, that has a manifest; 0: none */
};

static int __attribute__((format(printf, 3, 4))) fail(struct prune *p, int rc, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(p->res->error, sizeof(p->res->error), fmt, ap);
	va_end(ap);
	return rc;
}

static int
failed(struct prune *p, size_t node, const char *what, const struct ffs_s3_response *r, int rc)
{
	char text[512];

	if (!r->rc)
		return fail(p, rc, "cannot %s '%s': %s", what, p->o->dataset, strerror(-rc));
	return fail(p, rc, "cannot %s '%s': %s", what, p->o->dataset,
	    ffs_s3_error(ffs_stores_get(p->st, node), r, text, sizeof(text)));
}

/* --- what is there --- */

static struct generation *
generation_of(struct prune *p, uint64_t number)
{
	struct generation *v;
	size_t i;

	/* keys come sorted, so the one before is nearly always it */
	for (i = p->n; i-- > 0;)
		if (p->v[i].number == number)
			return &p->v[i];
	if (p->n == p->cap) {
		p->cap = p->cap ? p->cap * 2 : 16;
		v = reallocarray(p->v, p->cap, sizeof(*v));
		if (!v)
			return NULL;
		p->v = v;
	}
	p->v[p->n] = (struct generation){ .number = number };
	return &p->v[p->n++];
}

static int
see(void *arg, const struct ffs_s3_object *o)
{
	struct prune *p = arg;
	uint64_t number = ffs_dataset_key_generation(p->o->dataset, o->key, NULL);

	if (p->node && !number && !strcmp(o->key, p->manifest))
		p->elsewhere = p->node;
	/* other datasets live below this one's name: "AAPL" and "AAPL/2012-06-21" */
	if (number ? !generation_of(p, number) : strcmp(o->key, p->manifest))
		return number ? -ENOMEM : 0;
	return ffs_sweep_add(&p->found, p->node, o->key, o->size);
}

static int
list(struct prune *p)
{
	struct ffs_s3_response r = { 0 };
	struct ffs_s3 *s3;
	char *prefix;
	int rc = 0;

	if (asprintf(&prefix, "%s/", p->o->dataset) < 0)
		return fail(p, -ENOMEM, "out of memory");
	for (p->node = 0; p->node < p->st->nodes.n && !rc; p->node++) {
		s3 = ffs_stores_get(p->st, p->node);
		rc = s3 ? ffs_s3_list(s3, p->o->bucket, prefix, NULL, see, p, &r) : -ENOMEM;
		/* a node that was added later has no bucket yet */
		if (rc == -ENOENT)
			rc = 0;
		if (rc)
			failed(p, p->node, "list", &r, rc);
	}
	free(prefix);
	return rc;
}

static int
by_key(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static int
read_manifest(struct prune *p)
{
	struct ffs_s3_response r = { 0 };
	const char *why = "";
	char *json = NULL;
	size_t n = 0, i;
	int rc;

	rc = ffs_s3_get(
	    ffs_stores_get(p->st, 0), p->o->bucket, p->manifest, FFS_MANIFEST_MAX, &json, &n, &r);
	/* a node list in another order must not make a dataset look unpublished */
	if (rc == -ENOENT && p->elsewhere)
		return fail(p, -EBUSY,
		    "node '%s' has a manifest of '%s', the first node '%s' has none: is the node "
		    "list right?",
		    p->st->nodes.v[p->elsewhere].name, p->o->dataset, p->st->nodes.v[0].name);
	if (rc == -ENOENT)
		return 0;
	if (rc)
		return failed(p, 0, "read the manifest of", &r, rc);
	rc = ffs_manifest_parse(&p->m, json, n, &why);
	free(json);
	if (rc)
		return fail(p, rc, "'%s' is no manifest: %s", p->manifest, why);
	p->keep = calloc(2 * p->m.nchunks, sizeof(*p->keep));
	if (!p->keep)
		return fail(p, -ENOMEM, "out of memory");
	for (i = 0; i < p->m.nchunks; i++) {
		p->keep[p->nkeep++] = p->m.chunks[i].data.key;
		if (p->m.chunks[i].message.key)
			p->keep[p->nkeep++] = p->m.chunks[i].message.key;
	}
	qsort(p->keep, p->nkeep, sizeof(*p->keep), by_key);
	return 0;
}

/*
 * Which generations may go.  A claim that is alive protects one; a dead one is taken over
 * first, so that its load, should it wake up, finds that it has lost, and --resume keeps away.
 */
static int
judge(struct prune *p, struct generation *g)
{
	enum ffs_claim_state state;
	char etag[128], who[128], text[512];
	int rc;

	if (p->o->generation && g->number != p->o->generation) {
		g->leave = true;
		return 0;
	}
	rc = ffs_claim_look(&p->claim, g->number, &state, etag, who);
	if (rc)
		return fail(p, rc, "%s", p->claim.error);
	if (state == FFS_CLAIM_LIVE) {
		snprintf(text, sizeof(text),
		    "generation %" PRIu64 " of '%s' is left alone: its load is running (%s)",
		    g->number, p->o->dataset, who);
		p->o->warn(p->o->arg, text);
		g->leave = true;
		return 0;
	}
	if (state == FFS_CLAIM_NONE)
		return 0;
	rc = ffs_claim_take(&p->claim, g->number, etag);
	if (rc == -EBUSY)
		g->leave = true; /* somebody else was quicker */
	else if (rc)
		fail(p, rc, "%s", p->claim.error);
	return rc == -EBUSY ? 0 : rc;
}

/* Claims first, then the manifest: a load that ends in between has published by then. */
static int
judge_all(struct prune *p)
{
	bool there = !p->o->generation;
	size_t i;
	int rc = 0;

	for (i = 0; i < p->n && !there; i++)
		there = p->v[i].number == p->o->generation;
	if (!there)
		return fail(p, -ENOENT, "there is no generation %" PRIu64 " of '%s' in bucket '%s'",
		    p->o->generation, p->o->dataset, p->o->bucket);
	for (i = 0; i < p->n && !rc; i++)
		rc = judge(p, &p->v[i]);
	/* where everything goes it does not matter what the manifest says, or if it can be read */
	if (!rc && (!p->o->all || p->o->generation))
		rc = read_manifest(p);
	for (i = 0; i < p->n && !rc; i++)
		if (!p->o->all && p->m.dataset && p->v[i].number == p->m.generation)
			p->v[i].named = true;
	if (!rc && p->o->generation && p->m.generation == p->o->generation)
		rc = fail(p, -EBUSY,
		    "generation %" PRIu64 " of '%s' is the published one: --delete %s removes all",
		    p->o->generation, p->o->dataset, p->o->dataset);
	return rc;
}

/* --- what goes --- */

static enum rank
rank_of(const struct prune *p, const char *key)
{
	const char *rest;

	if (!strcmp(key, p->manifest))
		return MANIFEST;
	ffs_dataset_key_generation(p->o->dataset, key, &rest);
	if (!strcmp(rest, "manifest.json"))
		return COPY;
	return !strcmp(rest, ".claim") ? CLAIM : CHUNK;
}

static bool
must_go(struct prune *p, const char *key, enum rank rank)
{
	struct generation *g;

	if (rank == MANIFEST)
		return p->o->all && !p->o->generation;
	g = generation_of(p, ffs_dataset_key_generation(p->o->dataset, key, NULL));
	if (!g || g->leave)
		return false;
	if (!g->named || rank == CLAIM)
		return true;
	return rank == CHUNK && !bsearch(&key, p->keep, p->nkeep, sizeof(*p->keep), by_key);
}

static void
removed(void *arg, const struct ffs_sweep_item *i, int rc)
{
	struct prune *p = arg;

	if (!rc) {
		p->res->objects++;
		p->res->bytes += i->size;
	}
	if (p->o->each)
		p->o->each(p->o->arg, i, rc);
}

static int
remove_rank(struct prune *p, enum rank rank)
{
	struct ffs_sweep_opts so = {
		.bucket = p->o->bucket, .stop = p->o->stop, .each = removed, .arg = p
	};
	struct ffs_sweep s = { 0 };
	size_t i, left = 0;
	int rc = 0;

	for (i = 0; i < p->found.n && !rc; i++) {
		const struct ffs_sweep_item *item = &p->found.v[i];

		if (rank_of(p, item->key) == rank && must_go(p, item->key, rank))
			rc = ffs_sweep_add(&s, item->node, item->key, item->size);
	}
	if (rc)
		fail(p, rc, "out of memory");
	else
		rc = ffs_sweep_run(&s, p->st, &so, &left, p->res->error, sizeof(p->res->error));
	p->res->left += left;
	ffs_sweep_release(&s);
	return rc;
}

int
ffs_prune_run(struct ffs_stores *st, const struct ffs_prune_opts *o, struct ffs_prune_result *res)
{
	struct prune p = { .st = st, .o = o, .res = res };
	char *manifest = ffs_manifest_key(o->dataset);
	enum rank rank;
	int rc;

	memset(res, 0, sizeof(*res));
	p.manifest = manifest;
	rc = ffs_claim_init(&p.claim, st, o->bucket, o->dataset);
	if (!rc)
		rc = ffs_claim_doom(&p.claim);
	if (rc || !manifest)
		rc = fail(&p, rc ? rc : -ENOMEM, "out of memory");
	else
		rc = list(&p);
	if (!rc && !p.found.n)
		rc = fail(
		    &p, -ENOENT, "there is no dataset '%s' in bucket '%s'", o->dataset, o->bucket);
	if (!rc)
		rc = judge_all(&p);
	for (rank = MANIFEST; rank < RANKS && !rc; rank++)
		rc = remove_rank(&p, rank);
	ffs_manifest_release(&p.m);
	ffs_sweep_release(&p.found);
	ffs_claim_release(&p.claim);
	free(p.keep);
	free(p.v);
	free(manifest);
	return rc;
}
