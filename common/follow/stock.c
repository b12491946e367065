#include "common/follow/stock.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "common/base/json.h"
#include "common/base/utf8.h"
#include "common/base/why.h"
#include "common/dataset/manifest.h"
#include "common/s3/sigv4.h"

void
ffs_stock_url(struct ffs_buf *b, const char *endpoint, const char *bucket, const char *key)
{
	ffs_buf_adds(b, endpoint);
	ffs_buf_addc(b, '/');
	ffs_buf_adds(b, bucket);
	ffs_buf_addc(b, '/');
	ffs_sigv4_encode(b, key, strlen(key), true);
}

#define fail(s, ...) ffs_why_give((s)->failed, (s)->arg, __VA_ARGS__)

/* --- the list --- */

struct list {
	char *const *globs;
	size_t nglobs;
	struct ffs_cache_entry *v;
	size_t n, cap;
};

static bool
is_meant(const struct list *l, const struct ffs_cache_entry *e)
{
	size_t i;

	for (i = 0; i < l->nglobs; i++)
		if (ffs_cache_meant(l->globs[i], e->bucket, e->key))
			return true;
	return !l->nglobs;
}

static void
free_entry(struct ffs_cache_entry *e)
{
	free(e->endpoint);
	free(e->bucket);
	free(e->key);
	free(e->etag);
}

static int
on_entry(void *arg, const struct ffs_cache_entry *e)
{
	struct ffs_cache_entry *copy, *grown;
	struct list *l = arg;
	size_t cap = l->cap ? l->cap * 2 : 256;

	if (!is_meant(l, e))
		return 0;
	if (l->n == l->cap) {
		grown = reallocarray(l->v, cap, sizeof(*grown));
		if (!grown)
			return -ENOMEM;
		l->v = grown;
		l->cap = cap;
	}
	copy = &l->v[l->n++];
	*copy = *e;
	copy->endpoint = strdup(e->endpoint);
	copy->bucket = strdup(e->bucket);
	copy->key = strdup(e->key);
	copy->etag = strdup(e->etag);
	return copy->endpoint && copy->bucket && copy->key && copy->etag ? 0 : -ENOMEM;
}

static int
compare(const void *a, const void *b)
{
	const struct ffs_cache_entry *x = a, *y = b;
	int rc = strcmp(x->bucket, y->bucket);

	if (!rc)
		rc = strcmp(x->key, y->key);
	return rc ? rc : strcmp(x->endpoint, y->endpoint);
}

static int
show_json(const struct ffs_stock *s, struct ffs_json *j, const struct ffs_cache_entry *e)
{
	struct ffs_buf url = FFS_BUF_INIT;
	char crc[9];
	int rc;

	ffs_stock_url(&url, e->endpoint, e->bucket, e->key);
	ffs_json_open(j);
	ffs_json_str(j, "type", e->control ? "control" : "object");
	ffs_json_str(j, "url", url.p);
	ffs_json_str(j, "bucket", e->bucket);
	ffs_json_str(j, "key", e->key);
	ffs_json_str(j, "etag", e->etag);
	ffs_json_uint(j, "bytes", e->size);
	if (e->has_crc) {
		snprintf(crc, sizeof(crc), "%08x", e->crc32c);
		ffs_json_str(j, "crc32c", crc);
	}
	ffs_json_bool(j, "decoded", e->decoded);
	ffs_json_bool(j, "pinned", e->pinned);
	ffs_json_bool(j, "verified", e->verified);
	ffs_json_int(j, "filled_s", e->filled);
	ffs_json_int(j, "last_read_s", e->last_read);
	ffs_json_uint(j, "hits", e->hits);
	ffs_json_uint(j, "hit_bytes", e->hit_bytes);
	ffs_json_close(j);
	rc = ffs_buf_error(&url) ? -ENOMEM : ffs_json_print(j, s->out);
	ffs_buf_release(&url);
	return rc;
}

/* "2026-11-21 11:33:07", or "-". */
static const char *
show_time(int64_t t, char out[32])
{
	time_t then = (time_t)t;
	struct tm tm;

	if (!t || !localtime_r(&then, &tm) || !strftime(out, 32, "%F %T", &tm))
		strcpy(out, "-");
	return out;
}

static int
show_row(const struct ffs_stock *s, struct ffs_json *j, const struct ffs_cache_entry *e)
{
	char read[32], flags[5];
	char *name;

	snprintf(flags, sizeof(flags), "%c%c%c%c", e->pinned ? 'p' : '-', e->verified ? 'v' : '-',
	    e->decoded ? 'd' : '-', e->control ? 'm' : '-');
	if (asprintf(&name, "s3://%s/%s", e->bucket, e->key) < 0)
		return -ENOMEM;
	ffs_utf8_mask(name);
	ffs_buf_addf(&j->buf, "%12" PRIu64 " %8" PRIu64 "  %-19s  %s  %s", e->size, e->hits,
	    show_time(e->last_read, read), flags, name);
	free(name);
	return ffs_json_print(j, s->out);
}

static int
run_list(const struct ffs_stock *s, char *const *globs, size_t n)
{
	struct list l = { .globs = globs, .nglobs = n };
	struct ffs_json j = FFS_JSON_INIT;
	int rc = ffs_cache_each(s->cache, on_entry, &l);
	size_t i;

	if (l.n)
		qsort(l.v, l.n, sizeof(*l.v), compare);
	if (!rc && !s->json && l.n) {
		ffs_buf_addf(&j.buf, "%12s %8s  %-19s  %s  %s", "BYTES", "HITS", "LAST READ",
		    "FLAG", "OBJECT");
		rc = ffs_json_print(&j, s->out);
	}
	for (i = 0; i < l.n && !rc; i++)
		rc = s->json ? show_json(s, &j, &l.v[i]) : show_row(s, &j, &l.v[i]);
	if (!rc && n && !l.n)
		fail(s, FFS_EXIT_NOTFOUND, "nothing in the cache matches");
	for (i = 0; i < l.n; i++)
		free_entry(&l.v[i]);
	free(l.v);
	ffs_json_release(&j);
	return rc;
}

/* --- maintenance --- */

/* "12 removed", or {"removed":12}. */
static int
say(const struct ffs_stock *s, const char *name, uint64_t n)
{
	struct ffs_json j = FFS_JSON_INIT;
	int rc;

	if (s->json) {
		ffs_json_open(&j);
		ffs_json_uint(&j, name, n);
		ffs_json_close(&j);
	} else {
		ffs_buf_addf(&j.buf, "%" PRIu64 " %s", n, name);
	}
	rc = ffs_json_print(&j, s->out);
	ffs_json_release(&j);
	return rc;
}

static int
run_pin(const struct ffs_stock *s, char *const *datasets, size_t n, bool on)
{
	char *prefix;
	size_t i;
	int rc = 0;

	for (i = 0; i < n && (!rc || rc == -ENOENT); i++) {
		/* A pattern would be kept, and never match. */
		if (on && !ffs_dataset_name_ok(datasets[i])) {
			fail(s, FFS_EXIT_USAGE, "cannot pin '%s': it is no name of a dataset",
			    datasets[i]);
			continue;
		}
		prefix = ffs_buf_concat(datasets[i], "/", "");
		rc = prefix ? ffs_cache_pin(s->cache, s->endpoint, s->bucket, prefix, on) : -ENOMEM;
		free(prefix);
		if (rc == -ENOENT)
			fail(s, FFS_EXIT_NOTFOUND, "'%s' is not pinned", datasets[i]);
	}
	return rc == -ENOENT ? 0 : rc;
}

static int
on_pin(void *arg, const struct ffs_cache_name *prefix)
{
	const struct ffs_stock *s = arg;
	struct ffs_json j = FFS_JSON_INIT;
	size_t n = strlen(prefix->key);
	int rc;

	ffs_json_open(&j);
	ffs_json_str(&j, "endpoint", prefix->endpoint);
	ffs_json_str(&j, "bucket", prefix->bucket);
	ffs_json_str(&j, "prefix", prefix->key);
	ffs_json_close(&j);
	if (!s->json) {
		ffs_buf_reset(&j.buf);
		ffs_buf_addf(
		    &j.buf, "%.*s", (int)(n && prefix->key[n - 1] == '/' ? n - 1 : n), prefix->key);
		if (!ffs_buf_error(&j.buf))
			ffs_utf8_mask(j.buf.p);
	}
	rc = ffs_json_print(&j, s->out);
	ffs_json_release(&j);
	return rc;
}

static int
run_pins(const struct ffs_stock *s)
{
	struct ffs_stock mine = *s;

	return ffs_cache_pins_each(s->cache, on_pin, &mine);
}

static int
run_evict(const struct ffs_stock *s, char *const *globs, size_t n)
{
	int64_t removed = 0, pinned, some;
	size_t i;

	for (i = 0; i < n; i++) {
		pinned = 0;
		some = ffs_cache_evict(s->cache, globs[i], &pinned);
		if (some < 0)
			return (int)some;
		removed += some;
		if (pinned)
			fail(s, FFS_EXIT_FAIL, "%" PRId64 " of '%s' are pinned and stay", pinned,
			    globs[i]);
		else if (!some)
			fail(s, FFS_EXIT_NOTFOUND, "nothing in the cache matches '%s'", globs[i]);
	}
	return say(s, "removed", (uint64_t)removed);
}

static void
on_wrong(void *arg, const struct ffs_cache_entry *e)
{
	const struct ffs_stock *s = arg;

	if (*e->bucket)
		fail(s, FFS_EXIT_INTEGRITY, "'s3://%s/%s' is not what it was", e->bucket, e->key);
	else
		fail(s, FFS_EXIT_INTEGRITY, "an entry does not tell what it is");
}

static int
run_verify(const struct ffs_stock *s)
{
	struct ffs_stock mine = *s;
	struct ffs_cache_verify v = { 0 };
	struct ffs_json j = FFS_JSON_INIT;
	int rc = ffs_cache_verify_all(s->cache, &v, on_wrong, &mine, s->stop);

	if (rc)
		return rc;
	if (v.unread || v.left)
		fail(s, FFS_EXIT_FAIL, "%" PRIu64 " cannot be read, %" PRIu64 " not removed",
		    v.unread, v.left);
	ffs_json_open(&j);
	ffs_json_uint(&j, "entries", v.entries);
	ffs_json_uint(&j, "bytes", v.bytes);
	ffs_json_uint(&j, "wrong", v.wrong);
	ffs_json_uint(&j, "unread", v.unread);
	ffs_json_close(&j);
	if (!s->json) {
		ffs_buf_reset(&j.buf);
		ffs_buf_addf(&j.buf, "%" PRIu64 " entries, %.1f MB: %" PRIu64 " wrong", v.entries,
		    (double)v.bytes / 1e6, v.wrong);
	}
	rc = ffs_json_print(&j, s->out);
	ffs_json_release(&j);
	return rc;
}

static int
run_clear(const struct ffs_stock *s)
{
	int64_t n = ffs_cache_clear(s->cache);

	return n < 0 ? (int)n : say(s, "removed", (uint64_t)n);
}

int
ffs_stock_run(const struct ffs_stock *s, enum ffs_stock_mode mode, char *const *names, size_t n)
{
	int rc = 0;

	switch (mode) {
	case FFS_STOCK_LIST:
		rc = run_list(s, names, n);
		break;
	case FFS_STOCK_STAT:
		rc = ffs_stock_stat(s);
		break;
	case FFS_STOCK_PIN:
	case FFS_STOCK_UNPIN:
		rc = n ? run_pin(s, names, n, mode == FFS_STOCK_PIN) : run_pins(s);
		break;
	case FFS_STOCK_EVICT:
		rc = run_evict(s, names, n);
		break;
	case FFS_STOCK_VERIFY:
		rc = run_verify(s);
		break;
	case FFS_STOCK_CLEAR:
		rc = run_clear(s);
		break;
	}
	if (!rc || rc == -EINTR || ferror(s->out))
		return rc;
	fail(s, ffs_exit_of(rc), "%s: %s", ffs_cache_path(s->cache), strerror(-rc));
	return 0;
}
