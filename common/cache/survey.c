#include <errno.h>
#include <fcntl.h>
#include <fnmatch.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/cache/cacheimpl.h"
#include "common/cache/pinned.h"
#include "common/cache/served.h"

/*
 * What goes through all entries: for the modes of ffs-cache that list, check and clear.
 */

struct survey {
	struct ffs_cache *c;
	unsigned shard;
	int (*one)(struct survey *s, const char *path, const struct ffs_scan_entry *e);
	void *arg;
};

static int
visit(void *arg, const struct ffs_scan_entry *e)
{
	struct survey *s = arg;
	char path[FFS_PATH_MAX];

	ffs_cache_id_path(&e->id, s->shard == FFS_SHARD_CONTROL, false, path);
	return s->one(s, path, e);
}

static int
survey(struct ffs_cache *c,
    int (*one)(struct survey *s, const char *path, const struct ffs_scan_entry *e), void *arg)
{
	struct survey s = { .c = c, .one = one, .arg = arg };
	int rc = ffs_pinned_refresh(c->pins, c->dirfd);

	if (rc < 0)
		return rc;
	for (rc = 0; !rc && s.shard <= FFS_SHARDS; s.shard++)
		rc = ffs_cache_scan(c, s.shard, visit, &s);
	return rc;
}

/* Does the entry's file say it is what its name is the hash of. */
static bool
is_named(struct ffs_cache *c, const struct ffs_attr *a, const struct ffs_scan_entry *e)
{
	struct ffs_cache_name n = { a->endpoint, a->bucket, a->key };
	struct ffs_cache_id id;

	ffs_cache_id(c, &n, &id);
	return !memcmp(id.b, e->id.b, sizeof(id.b));
}

/* --- listing --- */

struct lister {
	int (*each)(void *arg, const struct ffs_cache_entry *e);
	void *arg;
};

static int
list_one(struct survey *s, const char *path, const struct ffs_scan_entry *e)
{
	struct lister *l = s->arg;
	struct ffs_cache_entry out = { 0 };
	struct ffs_cache_noted noted;
	struct ffs_cache_hit hit;
	struct ffs_attr a;

	if (ffs_cache_hit_open(s->c, path, &hit, &a))
		return 0;
	close(hit.fd);
	if (!is_named(s->c, &a, e))
		return 0;
	out.endpoint = a.endpoint;
	out.bucket = a.bucket;
	out.key = a.key;
	out.etag = a.etag;
	out.size = a.size;
	out.has_crc = true;
	out.crc32c = a.crc32c;
	out.filled = a.filled;
	out.decoded = a.decoded;
	out.verified = hit.verified;
	out.control = s->shard == FFS_SHARD_CONTROL;
	out.pinned = ffs_pinned_hold(s->c->pins, a.endpoint, a.bucket, a.key);
	if (!ffs_table_noted(&s->c->table, e->id.tag, &noted)) {
		out.hits = noted.hits;
		out.hit_bytes = noted.bytes;
		out.last_read = noted.last_read_us / 1000000;
	}
	return l->each(l->arg, &out);
}

int
ffs_cache_each(
    struct ffs_cache *c, int (*each)(void *arg, const struct ffs_cache_entry *e), void *arg)
{
	struct lister l = { each, arg };

	return survey(c, list_one, &l);
}

/* --- checking --- */

struct checker {
	struct ffs_cache_verify *v;
	void (*wrong)(void *arg, const struct ffs_cache_entry *e);
	void *arg;
	const volatile sig_atomic_t *stop;
};

static int
check_one(struct survey *s, const char *path, const struct ffs_scan_entry *e)
{
	struct checker *k = s->arg;
	struct ffs_cache_entry out = { 0 };
	struct ffs_cache_hit hit;
	struct ffs_attr a = { 0 };
	struct stat st;
	int rc;

	if (k->stop && *k->stop)
		return -EINTR;
	rc = ffs_cache_hit_open(s->c, path, &hit, &a);
	if (!rc && !is_named(s->c, &a, e))
		rc = -EBADMSG;
	if (!rc)
		rc = ffs_cache_check(s->c, &hit);
	k->v->entries++;
	k->v->bytes += e->size;
	if (fstatat(s->c->datafd, path, &st, AT_SYMLINK_NOFOLLOW))
		rc = 0; /* evicted meanwhile */
	if (rc == -EACCES || rc == -ENOMEM) {
		k->v->unread++;
		rc = 0;
	}
	if (rc && hit.fd >= 0 && fstat(hit.fd, &st))
		rc = 0;
	if (rc) {
		out.endpoint = a.endpoint;
		out.bucket = a.bucket;
		out.key = a.key;
		out.etag = a.etag;
		out.size = e->size;
		k->v->wrong++;
		if (k->wrong)
			k->wrong(k->arg, &out);
		if (s->c->table.writable)
			ffs_table_add(&s->c->table.h->damaged, 1);
		rc = ffs_cache_unlink(s->c, s->shard, path, hit.fd < 0 ? NULL : &st);
		k->v->left += rc && rc != -ENOENT;
	}
	if (hit.fd >= 0)
		close(hit.fd);
	return 0;
}

int
ffs_cache_verify_all(struct ffs_cache *c, struct ffs_cache_verify *v,
    void (*wrong)(void *arg, const struct ffs_cache_entry *e), void *arg,
    const volatile sig_atomic_t *stop)
{
	struct checker k = { v, wrong, arg, stop };

	memset(v, 0, sizeof(*v));
	return survey(c, check_one, &k);
}

/* --- taking away --- */

struct remover {
	const char *endpoint, *bucket, *glob;
	int64_t removed, pinned;
	bool all;
};

/* How much of a key is its dataset's name: what is before "/GENERATION/FILE" or "/FILE". */
static size_t
dataset_len(const char *key)
{
	const char *file = strrchr(key, '/'), *p;

	if (!file)
		return 0;
	for (p = file; p > key && p[-1] >= '0' && p[-1] <= '9'; p--)
		;
	return p < file && p > key && p[-1] == '/' ? (size_t)(p - 1 - key) : (size_t)(file - key);
}

/* Does glob match a, or a and b with a slash between them. */
static bool
matches(const char *glob, const char *a, int len, const char *b)
{
	char *text;
	bool yes;

	if (asprintf(&text, "%.*s%s%s", len, a, b ? "/" : "", b ? b : "") < 0)
		return false;
	yes = *text && !fnmatch(glob, text, 0);
	free(text);
	return yes;
}

bool
ffs_cache_meant(const char *glob, const char *bucket, const char *key)
{
	size_t first = strcspn(key, "/");

	if (matches(glob, key, (int)dataset_len(key), NULL))
		return true;
	if (strchr(glob, '/'))
		return matches(glob, bucket, (int)strlen(bucket), key);
	return key[first] && matches(glob, key, (int)first, NULL);
}

static bool
one_means(const char *const *globs, const char *bucket, const char *key)
{
	for (; *globs; globs++)
		if (ffs_cache_meant(*globs, bucket, key))
			return true;
	return false;
}

bool
ffs_cache_wanted(
    const char *const *allow, const char *const *deny, const char *bucket, const char *key)
{
	return (!allow || one_means(allow, bucket, key)) &&
	       (!deny || !one_means(deny, bucket, key));
}

static bool
is_meant(const struct remover *r, const struct ffs_attr *a)
{
	if (r->bucket && strcmp(r->bucket, a->bucket))
		return false;
	if (r->endpoint && strcmp(r->endpoint, a->endpoint))
		return false;
	return !r->glob || ffs_cache_meant(r->glob, a->bucket, a->key);
}

static int
remove_one(struct survey *s, const char *path, const struct ffs_scan_entry *e)
{
	struct remover *r = s->arg;
	struct ffs_cache_hit hit;
	struct ffs_attr a;
	int rc;

	(void)e;
	if (!r->all) {
		if (ffs_cache_hit_open(s->c, path, &hit, &a))
			return 0;
		close(hit.fd);
		if (!is_meant(r, &a))
			return 0;
		if (r->glob && ffs_pinned_hold(s->c->pins, a.endpoint, a.bucket, a.key)) {
			r->pinned++;
			return 0;
		}
	}
	rc = ffs_cache_unlink(s->c, s->shard, path, NULL);
	r->removed += !rc;
	return rc == -ENOENT ? 0 : rc;
}

int64_t
ffs_cache_drop_bucket(struct ffs_cache *c, const char *endpoint, const char *bucket)
{
	struct remover r = { .endpoint = endpoint, .bucket = bucket };
	int rc = survey(c, remove_one, &r);

	return rc ? rc : r.removed;
}

int64_t
ffs_cache_evict(struct ffs_cache *c, const char *glob, int64_t *pinned)
{
	struct remover r = { .glob = glob };
	int rc = survey(c, remove_one, &r);

	if (pinned)
		*pinned = r.pinned;
	return rc ? rc : r.removed;
}

int64_t
ffs_cache_clear(struct ffs_cache *c)
{
	struct remover r = { .all = true };
	struct ffs_served *served;
	int rc = c->writable ? survey(c, remove_one, &r) : -EROFS;

	if (rc)
		return rc;
	ffs_table_reset(&c->table);
	served = faccessat(c->dirfd, "served", F_OK, 0) ? NULL : ffs_served_open(c->path, true);
	if (served)
		ffs_served_reset(served);
	ffs_served_close(served);
	return r.removed;
}

/* --- pins --- */

int
ffs_cache_pin(
    struct ffs_cache *c, const char *endpoint, const char *bucket, const char *prefix, bool on)
{
	struct ffs_cache_name n = { endpoint, bucket, prefix };
	int rc;

	if (!c->writable)
		return -EROFS;
	rc = ffs_pinned_set(c->pins, c->dirfd, &n, on);
	/* What was pinned may have been idle for longer than all else. */
	if (!rc)
		ffs_table_set(&c->table.h->oldest, 0);
	return rc;
}

int
ffs_cache_pins_each(
    struct ffs_cache *c, int (*each)(void *arg, const struct ffs_cache_name *prefix), void *arg)
{
	struct ffs_cache_name n;
	size_t i;
	int rc = ffs_pinned_refresh(c->pins, c->dirfd);

	for (i = 0, rc = rc < 0 ? rc : 0; !rc && i < c->pins->n; i++) {
		n = (struct ffs_cache_name){ c->pins->v[i].endpoint, c->pins->v[i].bucket,
			c->pins->v[i].prefix };
		rc = each(arg, &n);
	}
	return rc;
}
