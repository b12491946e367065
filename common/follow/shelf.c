#include "common/follow/shelf.h"

#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/buf.h"
#include "common/base/clock.h"
#include "common/base/opt.h"
#include "common/dataset/manifest.h"

enum {
	MOST = 64,             /* manifests, and */
	MOST_CHUNKS = 500000,  /* chunks of all of them: 300 MB */
	AGAIN_MS = 2000,       /* one that could not be read */
	AGAIN_NONE_MS = 10000, /* one that is not there: a load may be running */
};

/* A generation of a dataset. */
struct book {
	struct ffs_shelf *shelf;
	struct book *next; /* the last used one is the first */
	char *bucket, *dataset;
	uint64_t generation;
	struct ffs_source *src; /* NULL: reading, or rc */
	int rc;
	int64_t again_ms;
	/* While it is being read. */
	bool reading;
	struct ffs_s3 *s3;
	uint64_t id;
	size_t other; /* the node to ask next, SIZE_MAX: none */
	struct ffs_buf json;
};

struct ffs_shelf {
	struct ffs_stores *st;
	struct book *first;
	unsigned long arrived;
};

struct ffs_shelf *
ffs_shelf_new(struct ffs_stores *st)
{
	struct ffs_shelf *s = calloc(1, sizeof(*s));

	if (s)
		s->st = st;
	return s;
}

static void
free_book(struct book *b)
{
	ffs_source_unref(b->src);
	ffs_buf_release(&b->json);
	free(b->bucket);
	free(b->dataset);
	free(b);
}

void
ffs_shelf_free(struct ffs_shelf *s)
{
	struct book *b;

	while (s && (b = s->first)) {
		s->first = b->next;
		if (b->reading) {
			b->other = SIZE_MAX;
			ffs_s3_cancel(b->s3, b->id);
		}
		free_book(b);
	}
	free(s);
}

unsigned long
ffs_shelf_arrived(const struct ffs_shelf *s)
{
	return s->arrived;
}

/* --- names --- */

/* Cut DATASET/GEN/NNNNN[.message].csv[.zst].  false: it is none. */
static bool
cut(const char *key, size_t *dataset_len, uint64_t *generation, uint64_t *number, bool *message,
    bool *zstd)
{
	const char *file = strrchr(key, '/'), *gen, *rest;
	char digits[24];
	size_t n;

	if (!file || file == key)
		return false;
	gen = memrchr(key, '/', (size_t)(file - key));
	if (!gen || gen == key)
		return false;
	n = (size_t)(file - gen - 1);
	if (!n || n >= sizeof(digits) || gen[1] == '0')
		return false;
	memcpy(digits, gen + 1, n);
	digits[n] = '\0';
	if (ffs_opt_uint(digits, 1, UINT64_MAX, generation))
		return false;
	n = strspn(++file, "0123456789");
	if (n < 5 || n >= sizeof(digits))
		return false;
	memcpy(digits, file, n);
	digits[n] = '\0';
	if (ffs_opt_uint(digits, 0, SIZE_MAX, number))
		return false;
	rest = file + n;
	*message = !strncmp(rest, ".message", 8);
	rest += *message ? 8 : 0;
	*zstd = !strcmp(rest, ".csv.zst");
	*dataset_len = (size_t)(gen - key);
	return *zstd || !strcmp(rest, ".csv");
}

bool
ffs_shelf_is_chunk(const char *key, bool *zstd)
{
	uint64_t generation, number;
	bool message, packed;
	char *dataset;
	size_t n;
	bool yes;

	if (!cut(key, &n, &generation, &number, &message, &packed))
		return false;
	dataset = strndup(key, n);
	yes = dataset && ffs_dataset_name_ok(dataset);
	free(dataset);
	if (zstd)
		*zstd = packed;
	return yes;
}

/* --- reading --- */

static int ask(struct book *b, size_t node);

static int
on_data(void *arg, const struct ffs_s3_response *r, const void *p, size_t n)
{
	struct book *b = arg;

	if (n > FFS_MANIFEST_MAX - b->json.len || r->length > FFS_MANIFEST_MAX)
		return -EFBIG;
	ffs_buf_add(&b->json, p, n);
	return ffs_buf_error(&b->json);
}

static void
on_restart(void *arg)
{
	struct book *b = arg;

	ffs_buf_reset(&b->json);
}

static int
parse(struct book *b)
{
	struct ffs_source *src = ffs_catalog_bare(b->bucket, "");
	int rc = src ? 0 : -ENOMEM;

	if (!rc) {
		ffs_manifest_release(&src->m);
		rc = ffs_manifest_parse(&src->m, b->json.p ? b->json.p : "", b->json.len, NULL);
	}
	if (!rc && (strcmp(src->m.dataset, b->dataset) || src->m.generation != b->generation))
		rc = -EBADMSG;
	if (rc)
		ffs_source_unref(src);
	else
		b->src = src;
	return rc;
}

static void
on_done(void *arg, const struct ffs_s3_response *r)
{
	struct book *b = arg;
	size_t other = b->other;
	int rc = r->rc;

	b->reading = false;
	if (!rc)
		rc = parse(b);
	ffs_buf_release(&b->json);
	b->other = SIZE_MAX;
	if (rc && rc != -ECANCELED && other != SIZE_MAX && !ask(b, other))
		return;
	b->rc = rc;
	b->again_ms = ffs_clock_ms() + (rc == -ENOENT ? AGAIN_NONE_MS : AGAIN_MS);
	b->shelf->arrived++;
}

static int
ask(struct book *b, size_t node)
{
	char *key = ffs_manifest_key_at(b->dataset, b->generation);
	struct ffs_s3_request q = { .method = "GET",
		.bucket = b->bucket,
		.key = key,
		.data = on_data,
		.restart = on_restart,
		.done = on_done,
		.arg = b,
		.verify = true };
	int rc = -ENOMEM;

	b->s3 = ffs_stores_get(b->shelf->st, node);
	if (key && b->s3)
		rc = ffs_s3_submit(b->s3, &q, &b->id);
	b->reading = !rc;
	free(key);
	return rc;
}

/* --- the shelf --- */

/* What was used least recently goes, as long as there is too much. */
static void
trim(struct ffs_shelf *s)
{
	struct book **at = &s->first, *b;
	size_t n = 0, chunks = 0;

	while ((b = *at)) {
		chunks += b->src ? b->src->m.nchunks : 0;
		if (n++ && !b->reading && (n > MOST || chunks > MOST_CHUNKS)) {
			*at = b->next;
			free_book(b);
		} else {
			at = &b->next;
		}
	}
}

static struct book *
find_book(
    struct ffs_shelf *s, const char *bucket, const char *dataset, size_t n, uint64_t generation)
{
	struct book **at, *b;

	for (at = &s->first; (b = *at); at = &b->next) {
		if (b->generation != generation || strncmp(b->dataset, dataset, n) ||
		    b->dataset[n] || strcmp(b->bucket, bucket))
			continue;
		*at = b->next;
		b->next = s->first;
		s->first = b;
		return b;
	}
	b = calloc(1, sizeof(*b));
	if (!b)
		return NULL;
	b->bucket = strdup(bucket);
	b->dataset = strndup(dataset, n);
	if (!b->bucket || !b->dataset) {
		free_book(b);
		return NULL;
	}
	b->shelf = s;
	b->generation = generation;
	b->rc = -EAGAIN;
	b->next = s->first;
	s->first = b;
	trim(s);
	return b;
}

/* Chunks have their number; if some are missing, it is one before. */
static int
find_chunk(const struct ffs_source *src, const char *key, uint64_t number, bool message, size_t *i)
{
	const struct ffs_manifest *m = &src->m;
	const struct ffs_object *o;

	*i = number < m->nchunks ? (size_t)number + 1 : m->nchunks;
	while ((*i)--) {
		o = message ? &m->chunks[*i].message : &m->chunks[*i].data;
		if (o->key && !strcmp(o->key, key))
			return 0;
	}
	return -ENOENT;
}

int
ffs_shelf_find(struct ffs_shelf *s, size_t node, const char *bucket, const char *key,
    struct ffs_shelf_place *place)
{
	uint64_t generation, number;
	bool message, zstd;
	struct book *b;
	size_t n;
	int rc;

	if (!ffs_shelf_is_chunk(key, NULL) || !cut(key, &n, &generation, &number, &message, &zstd))
		return -ENOENT;
	b = find_book(s, bucket, key, n, generation);
	if (!b)
		return -ENOMEM;
	if (!b->src && !b->reading && ffs_clock_ms() >= b->again_ms) {
		b->other = node && node < s->st->nodes.n ? node : SIZE_MAX;
		rc = ask(b, 0);
		b->rc = rc ? rc : -EAGAIN;
	}
	if (!b->src)
		return b->reading ? -EAGAIN : b->rc;
	place->src = b->src;
	place->message = message;
	return find_chunk(b->src, key, number, message, &place->chunk);
}

void
ffs_shelf_forget(struct ffs_shelf *s, const char *bucket, const char *key)
{
	uint64_t generation, number;
	bool message, zstd;
	struct book *b;
	size_t n;

	if (!cut(key, &n, &generation, &number, &message, &zstd))
		return;
	b = find_book(s, bucket, key, n, generation);
	if (!b || b->reading)
		return;
	ffs_source_unref(b->src);
	b->src = NULL;
}
