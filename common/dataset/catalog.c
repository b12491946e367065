#include "common/dataset/catalog.h"

#include <errno.h>
#include <fnmatch.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/buf.h"
#include "common/base/exit.h"
#include "common/dataset/cached.h"

static const char manifest_name[] = "manifest.json";

static void __attribute__((format(printf, 2, 3))) explain(char **detail, const char *fmt, ...)
{
	va_list ap;

	free(*detail);
	va_start(ap, fmt);
	if (vasprintf(detail, fmt, ap) < 0)
		*detail = NULL;
	va_end(ap);
}

struct ffs_source *
ffs_source_ref(struct ffs_source *s)
{
	s->refs++;
	return s;
}

void
ffs_source_unref(struct ffs_source *s)
{
	if (!s || --s->refs)
		return;
	ffs_manifest_release(&s->m);
	free(s->bucket);
	free(s);
}

static struct ffs_source *
source_new(const char *bucket)
{
	struct ffs_source *s = calloc(1, sizeof(*s));

	if (!s)
		return NULL;
	s->refs = 1;
	s->bucket = strdup(bucket);
	if (!s->bucket) {
		ffs_source_unref(s);
		return NULL;
	}
	return s;
}

struct ffs_source *
ffs_catalog_bare(const char *bucket, const char *key)
{
	struct ffs_source *s = source_new(bucket);

	if (!s)
		return NULL;
	s->m.chunks = calloc(1, sizeof(*s->m.chunks));
	if (s->m.chunks) {
		s->m.nchunks = 1;
		s->m.chunks[0].data.key = strdup(key);
		if (s->m.chunks[0].data.key)
			return s;
	}
	ffs_source_unref(s);
	errno = ENOMEM;
	return NULL;
}

int
ffs_catalog_learn(struct ffs_object *o, const char *node, const char *etag, uint64_t bytes)
{
	o->nodes = calloc(1, sizeof(*o->nodes));
	o->etags = calloc(1, sizeof(*o->etags));
	if (!o->nodes || !o->etags)
		return -ENOMEM;
	o->copies = 1;
	o->nodes[0] = strdup(node);
	o->etags[0] = strdup(etag);
	o->bytes = o->plain_bytes = bytes;
	return o->nodes[0] && o->etags[0] ? 0 : -ENOMEM;
}

/* A manifest's bytes, and whether they are those that were asked for. */
static int
use_manifest(struct ffs_source *s, const char *json, size_t n, const char *dataset,
    uint64_t generation, char **detail)
{
	const char *why;
	int rc;

	ffs_manifest_release(&s->m);
	rc = ffs_manifest_parse(&s->m, json, n, &why);
	if (rc) {
		explain(detail, "its manifest cannot be used: %s",
		    rc == -ENOMEM ? "out of memory" : why);
		return rc;
	}
	if (strcmp(s->m.dataset, dataset) || (generation && s->m.generation != generation)) {
		explain(detail, "its manifest is that of '%s@%" PRIu64 "'", s->m.dataset,
		    s->m.generation);
		return -EBADMSG;
	}
	return 0;
}

/* The manifest at key, as node i has it; with etag only another than that: else -EALREADY. */
static int
read_manifest(const struct ffs_use *keep, struct ffs_stores *st, size_t i, struct ffs_source *s,
    const char *key, const char *etag, const char *dataset, uint64_t generation, char **detail)
{
	struct ffs_s3 *s3 = ffs_stores_get(st, i);
	struct ffs_s3_response r;
	char *json = NULL, text[512];
	size_t n;
	int rc;

	if (!s3)
		return -errno;
	rc = ffs_s3_get_newer(s3, s->bucket, key, etag, FFS_MANIFEST_MAX, &json, &n, &r);
	if (!rc && !json)
		return -EALREADY;
	if (rc) {
		if (strcmp(r.code, "NoSuchKey"))
			explain(detail, "%s",
			    rc == -EFBIG ? "its manifest is over 256 MiB"
					 : ffs_s3_error(s3, &r, text, sizeof(text)));
		else if (generation)
			explain(detail, "there is no generation %" PRIu64 " of it in bucket '%s'",
			    generation, s->bucket);
		else
			explain(detail, "there is none in bucket '%s'", s->bucket);
		return rc;
	}
	rc = use_manifest(s, json, n, dataset, generation, detail);
	if (!rc && keep && keep->mode != FFS_USE_BYPASS)
		ffs_cached_keep(keep, s->bucket, key, r.etag, json, n);
	free(json);
	return rc;
}

/* The manifest that the cache has, if it is of use. */
static int
use_cached(const struct ffs_use *use, struct ffs_source *s, const char *key,
    struct ffs_cache_hit *hit, const char *dataset, uint64_t generation, char **detail)
{
	char *json;
	size_t n;
	int rc = ffs_cached_read(use, s->bucket, key, hit, &json, &n);

	if (rc)
		return rc;
	rc = use_manifest(s, json, n, dataset, generation, detail);
	free(json);
	return rc;
}

/* The manifest at key, if the cache has it and it is the current one.  -EAGAIN: it has to be read.
 */
static int
ask_cache(const struct ffs_use *use, struct ffs_stores *st, struct ffs_source *s, const char *key,
    const char *dataset, uint64_t generation, char **detail)
{
	struct ffs_cache_hit hit;
	int rc;

	if (ffs_cached_find(use, s->bucket, key, &hit))
		return -EAGAIN;
	s->unasked = generation || ffs_use_fresh(use, &hit);
	rc = s->unasked ? -EALREADY
	                : read_manifest(use, st, 0, s, key, hit.etag, dataset, generation, detail);
	if (rc == -EALREADY) {
		if (!s->unasked)
			ffs_cache_validated(use->cache, &hit);
		rc = use_cached(use, s, key, &hit, dataset, generation, detail);
		if (rc && use->mode == FFS_USE_ONLY)
			explain(detail, "wrong bytes in the cache");
		else if (rc)
			rc = -EAGAIN;
	} else if (rc == -ENOENT) {
		ffs_cached_drop(use, s->bucket, key);
	}
	ffs_cached_close(&hit);
	return rc;
}

static int
find_manifest(const struct ffs_use *use, struct ffs_stores *st, struct ffs_source *s,
    const char *key, const char *dataset, uint64_t generation, char **detail)
{
	int rc = use && ffs_use_looks(use) ? ask_cache(use, st, s, key, dataset, generation, detail)
	                                   : -EAGAIN;

	if (rc != -EAGAIN)
		return rc;
	s->unasked = false;
	free(*detail);
	*detail = NULL;
	if (use && use->mode == FFS_USE_ONLY) {
		explain(detail, "its manifest is not in the cache");
		return -ENOENT;
	}
	return read_manifest(use, st, 0, s, key, NULL, dataset, generation, detail);
}

/* The primary is away: of what the other nodes have, the highest generation. */
static int
read_copies(struct ffs_stores *st, struct ffs_source **s, const char *key, const char *dataset,
    uint64_t generation, size_t *stale)
{
	struct ffs_source *other;
	char *detail = NULL;
	int rc = -ENOENT;
	size_t i;

	for (i = 1; i < st->nodes.n; i++) {
		other = source_new((*s)->bucket);
		if (other &&
		    !read_manifest(NULL, st, i, other, key, NULL, dataset, generation, &detail) &&
		    (rc || other->m.generation > (*s)->m.generation)) {
			ffs_source_unref(*s);
			*s = ffs_source_ref(other);
			*stale = i;
			rc = 0;
		}
		ffs_source_unref(other);
	}
	free(detail);
	return rc;
}

int
ffs_catalog_open(struct ffs_stores *st, const char *bucket, const char *dataset,
    uint64_t generation, struct ffs_source **out, size_t *stale, char **detail)
{
	return ffs_catalog_open_cached(NULL, st, bucket, dataset, generation, out, stale, detail);
}

int
ffs_catalog_open_cached(const struct ffs_use *use, struct ffs_stores *st, const char *bucket,
    const char *dataset, uint64_t generation, struct ffs_source **out, size_t *stale, char **detail)
{
	struct ffs_source *s = source_new(bucket);
	char *key =
	    generation ? ffs_manifest_key_at(dataset, generation) : ffs_manifest_key(dataset);
	int rc = s && key ? 0 : -ENOMEM;

	*detail = NULL;
	*stale = 0;
	if (!rc)
		rc = find_manifest(use, st, s, key, dataset, generation, detail);
	if (ffs_exit_of(rc) == FFS_EXIT_UNREACH && st->nodes.n > 1 &&
	    !read_copies(st, &s, key, dataset, generation, stale)) {
		free(*detail);
		*detail = NULL;
		rc = 0;
	}
	free(key);
	if (rc)
		ffs_source_unref(s);
	else
		*out = s;
	return rc;
}

/* --- which datasets there are --- */

struct walk {
	const char *pattern;
	char **dirs; /* prefixes still to be listed, "A/B/" */
	size_t ndirs, dirs_cap;
	char **names;
	size_t nnames, names_cap;
	/* The directory that is being listed. */
	size_t dir_len;
	size_t dirs_before;
	bool dataset;
};

static int
add(char ***v, size_t *n, size_t *cap, const char *s, size_t len)
{
	size_t want = *cap ? *cap * 2 : 64;
	char **grown, *copy;

	/* One more for the NULL at the end. */
	if (*n + 1 >= *cap) {
		grown = reallocarray(*v, want, sizeof(*grown));
		if (!grown)
			return -ENOMEM;
		*v = grown;
		*cap = want;
	}
	copy = strndup(s, len);
	if (!copy)
		return -ENOMEM;
	(*v)[(*n)++] = copy;
	(*v)[*n] = NULL;
	return 0;
}

/* Can anything below this directory match: does the pattern's start, as many parts deep. */
static bool
leads_on(const char *pattern, const char *dir, size_t len)
{
	char head[FFS_DATASET_NAME_MAX + 1], name[FFS_DATASET_NAME_MAX + 1];
	const char *p = pattern, *d;

	if (!pattern)
		return true;
	if (len > FFS_DATASET_NAME_MAX || strlen(pattern) > FFS_DATASET_NAME_MAX)
		return false;
	snprintf(name, sizeof(name), "%.*s", (int)len, dir);
	for (d = name; (d = strchr(d, '/')); d++) {
		p = strchr(p, '/');
		if (!p)
			return false;
		p++;
	}
	snprintf(head, sizeof(head), "%.*s", (int)strcspn(p, "/") + (int)(p - pattern), pattern);
	return !fnmatch(head, name, FNM_PATHNAME);
}

static int
on_entry(void *arg, const struct ffs_s3_object *o)
{
	struct walk *w = arg;
	const char *part = o->key + w->dir_len;
	size_t len = strlen(o->key);

	if (len <= w->dir_len)
		return 0;
	if (!o->prefix) {
		w->dataset = w->dataset || !strcmp(part, manifest_name);
		return 0;
	}
	/* Ours begin with a '.'; other programs' prefixes may be no names at all. */
	if (part[0] == '.' || len > FFS_DATASET_NAME_MAX || !leads_on(w->pattern, o->key, len - 1))
		return 0;
	return add(&w->dirs, &w->ndirs, &w->dirs_cap, o->key, len);
}

/* Below a dataset directories of digits are its generations. */
static void
drop_generations(struct walk *w)
{
	size_t i, n = w->dirs_before;

	for (i = n; i < w->ndirs; i++) {
		const char *part = w->dirs[i] + w->dir_len;

		if (part[strspn(part, "0123456789")] == '/')
			free(w->dirs[i]);
		else
			w->dirs[n++] = w->dirs[i];
	}
	w->ndirs = n;
}

static int
list_dir(struct ffs_s3 *s3, const char *bucket, struct walk *w, const char *dir,
    struct ffs_s3_response *r)
{
	char name[FFS_DATASET_NAME_MAX + 1];
	int rc;

	w->dir_len = strlen(dir);
	w->dirs_before = w->ndirs;
	w->dataset = false;
	rc = ffs_s3_list(s3, bucket, dir, "/", on_entry, w, r);
	if (rc || !w->dataset || !w->dir_len)
		return rc;
	drop_generations(w);
	snprintf(name, sizeof(name), "%.*s", (int)w->dir_len - 1, dir);
	if (!ffs_dataset_name_ok(name) || (w->pattern && fnmatch(w->pattern, name, FNM_PATHNAME)))
		return 0;
	return add(&w->names, &w->nnames, &w->names_cap, name, strlen(name));
}

static int
compare(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

int
ffs_catalog_match(struct ffs_stores *st, const char *bucket, const char *pattern, char ***names,
    size_t *n, char **detail)
{
	struct walk w = { .pattern = pattern };
	struct ffs_s3 *s3 = ffs_stores_get(st, 0);
	struct ffs_s3_response r = { 0 };
	size_t plain = pattern ? strcspn(pattern, "*?[\\") : 0;
	char text[512], *dir;
	int rc = 0;

	*detail = NULL;
	/* Where the pattern begins with plain directories, only those are listed. */
	while (plain && pattern[plain - 1] != '/')
		plain--;
	dir = strndup(pattern ? pattern : "", plain);
	if (!s3 || !dir)
		rc = -ENOMEM;
	while (!rc && dir) {
		rc = list_dir(s3, bucket, &w, dir, &r);
		free(dir);
		dir = !rc && w.ndirs ? w.dirs[--w.ndirs] : NULL;
	}
	free(dir);
	if (rc && s3)
		explain(detail, "%s", ffs_s3_error(s3, &r, text, sizeof(text)));
	while (w.ndirs)
		free(w.dirs[--w.ndirs]);
	free(w.dirs);
	if (!rc && !w.names)
		w.names = calloc(1, sizeof(*w.names));
	if (!rc && !w.names)
		rc = -ENOMEM;
	if (rc) {
		ffs_catalog_free_names(w.names);
		return rc;
	}
	qsort(w.names, w.nnames, sizeof(*w.names), compare);
	*names = w.names;
	*n = w.nnames;
	return 0;
}

void
ffs_catalog_free_names(char **names)
{
	size_t i;

	for (i = 0; names && names[i]; i++)
		free(names[i]);
	free(names);
}
