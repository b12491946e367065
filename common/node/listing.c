#include "common/node/listing.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/base/buf.h"
#include "common/node/keypath.h"

#define NAMES 1024 /* of one directory, kept at a time */

/*
 * The smallest names of a directory behind some name, sorted as keys are: a
 * directory "a" counts as "a/", because that is how its keys go on ("a-" < "a/" <
 * "a0").
 */
struct names {
	char **v;
	size_t n, at;
	bool more; /* greater ones were left out */
};

struct walk {
	struct ffs_store *s;
	struct ffs_listing *l;
	const char *bucket;
	struct ffs_buf path; /* of the directory: "BUCKET/a/b" */
	struct ffs_buf key;  /* of the directory: "a/b/" */
	struct ffs_buf skip; /* a common prefix that was given: its other keys are not */
	size_t count;
	bool probing, found; /* only ask whether there is a key */
};

#define STOP 1 /* the page is full, or a probe has its answer */

static int
compare(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

static void
names_release(struct names *v)
{
	size_t i;

	for (i = 0; i < v->n; i++)
		free(v->v[i]);
	free(v->v);
}

/* Sort, drop doubles (an object beside its own stepped-aside copy, after a crash), keep NAMES. */
static void
names_settle(struct names *v)
{
	size_t i, n = 0;

	qsort(v->v, v->n, sizeof(*v->v), compare);
	for (i = 0; i < v->n; i++) {
		if (n == NAMES || (n && !strcmp(v->v[n - 1], v->v[i]))) {
			v->more |= n == NAMES;
			free(v->v[i]);
		} else {
			v->v[n++] = v->v[i];
		}
	}
	v->n = n;
}

static int
names_add(struct names *v, const char *name)
{
	if (v->more && strcmp(name, v->v[NAMES - 1]) > 0)
		return 0;
	v->v[v->n] = strdup(name);
	if (!v->v[v->n])
		return -ENOMEM;
	if (++v->n == 2 * NAMES)
		names_settle(v);
	return 0;
}

/* Whether s begins with p. */
static bool
begins(const char *s, const char *p)
{
	return !strncmp(s, p, strlen(p));
}

/*
 * Whether a key, or some key below a directory (which ends in '/'), may belong to
 * the page.
 */
static bool
wanted(const struct walk *w, const char *key, bool dir)
{
	const struct ffs_listing *l = w->l;

	if (!begins(key, l->prefix) && !(dir && begins(l->prefix, key)))
		return false;
	if (strcmp(key, l->after) <= 0 && !(dir && begins(l->after, key)))
		return false;
	/* "after" may itself be a common prefix of the page before. */
	if (w->skip.len && begins(key, w->skip.p))
		return false;
	return true;
}

static bool
is_dir(int fd, const struct dirent *e, bool *regular)
{
	unsigned char type = e->d_type;
	struct stat st;

	if (type == DT_UNKNOWN && !fstatat(fd, e->d_name, &st, AT_SYMLINK_NOFOLLOW))
		type = S_ISDIR(st.st_mode) ? DT_DIR : S_ISREG(st.st_mode) ? DT_REG : DT_UNKNOWN;
	*regular = type == DT_REG;
	return type == DT_DIR;
}

/* One name of the directory: into v where it is a key's, behind "from", and wanted. */
static int
consider(struct walk *w, int fd, const struct dirent *e, const char *from, struct names *v)
{
	char name[FFS_KEYPATH_SEGMENT_MAX + 2];
	size_t base = w->key.len;
	bool aside, regular, dir, ok;

	if (!strcmp(e->d_name, ".") || !strcmp(e->d_name, ".."))
		return 0;
	if (ffs_keypath_decode(name, e->d_name, &aside))
		return 0;
	dir = is_dir(fd, e, &regular);
	if ((!dir && !regular) || (dir && aside))
		return 0;
	if (dir)
		strcat(name, "/");
	if (from && strcmp(name, from) <= 0)
		return 0;
	ffs_buf_adds(&w->key, name);
	if (ffs_buf_error(&w->key))
		return -ENOMEM;
	ok = w->key.len > 0 && w->key.len <= FFS_KEY_MAX && wanted(w, w->key.p, dir);
	w->key.len = base;
	w->key.p[base] = '\0';
	return ok ? names_add(v, name) : 0;
}

static int
names_read(struct walk *w, const char *from, struct names *v)
{
	int rc = 0, fd = ffs_store_opendir(w->s, w->path.p);
	struct dirent *e;
	DIR *d;

	memset(v, 0, sizeof(*v));
	if (fd < 0) /* it went while we listed */
		return fd == -ENOENT || fd == -ENOTDIR ? 0 : fd;
	d = fdopendir(fd);
	if (!d) {
		rc = -errno;
		close(fd);
		return rc;
	}
	v->v = calloc(2 * NAMES, sizeof(*v->v));
	if (!v->v)
		rc = -ENOMEM;
	while (!rc && (e = readdir(d)))
		rc = consider(w, fd, e, from, v);
	closedir(d);
	if (!rc)
		names_settle(v);
	return rc;
}

/* Give one item of the page. */
static int
give(struct walk *w, const char *name, const struct ffs_object *o)
{
	struct ffs_listing *l = w->l;

	if (w->count == l->max) {
		l->truncated = true;
		return STOP;
	}
	w->count++;
	strncpy(l->last, name, sizeof(l->last) - 1);
	return l->each(l->arg, name, o);
}

static int
give_key(struct walk *w)
{
	struct ffs_object o;
	int rc;

	if (w->probing) {
		w->found = true;
		return STOP;
	}
	if (w->count == w->l->max)
		return give(w, w->key.p, NULL);
	rc = ffs_store_get(w->s, w->bucket, w->key.p, &o);
	if (rc) /* deleted since */
		return rc == -ENOENT || rc == -ENODEV ? 0 : rc;
	close(o.fd);
	return give(w, w->key.p, &o);
}

static int walk_dir(struct walk *w);

/* Whether there is a wanted key at all below the directory that w stands in. */
static int
probe(struct walk *w)
{
	bool before = w->probing;
	int rc;

	w->probing = true;
	w->found = false;
	rc = walk_dir(w);
	w->probing = before;
	return rc == STOP ? 0 : rc;
}

/* The length of the common prefix that a key or directory belongs to, 0: none. */
static size_t
rolled(const struct walk *w, const char *key)
{
	const char *d = w->l->delimiter, *at;
	size_t n = strlen(w->l->prefix);

	if (!*d || strlen(key) < n)
		return 0;
	at = strstr(key + n, d);
	return at ? (size_t)(at - key) + strlen(d) : 0;
}

/* A common prefix of n bytes of w->key: give it once, and skip what else it holds. */
static int
give_prefix(struct walk *w, size_t n)
{
	char prefix[FFS_KEY_MAX + 1];
	int rc;

	memcpy(prefix, w->key.p, n);
	prefix[n] = '\0';
	rc = give(w, prefix, NULL);
	ffs_buf_reset(&w->skip);
	ffs_buf_add(&w->skip, prefix, n);
	return rc ? rc : ffs_buf_error(&w->skip);
}

static int
visit_dir(struct walk *w, const char *name)
{
	char enc[FFS_KEYPATH_MAX], seg[FFS_KEYPATH_SEGMENT_MAX + 2];
	size_t path = w->path.len, n;
	int rc;

	n = strlen(name) - 1;
	memcpy(seg, name, n);
	seg[n] = '\0';
	if (n) {
		rc = ffs_keypath_encode(enc, seg);
		if (rc)
			return rc;
	} else {
		memcpy(enc, "%", 2);
	}
	ffs_buf_addc(&w->path, '/');
	ffs_buf_adds(&w->path, enc);
	rc = ffs_buf_error(&w->path);
	n = rolled(w, w->key.p);
	if (!rc && n && !w->probing) {
		rc = probe(w);
		if (!rc && w->found)
			rc = give_prefix(w, n);
	} else if (!rc) {
		rc = walk_dir(w);
	}
	w->path.len = path;
	w->path.p[path] = '\0';
	return rc;
}

static int
visit(struct walk *w, const char *name)
{
	size_t key = w->key.len, n, len = strlen(name);
	int rc;

	ffs_buf_adds(&w->key, name);
	rc = ffs_buf_error(&w->key);
	if (rc)
		return rc;
	if (!wanted(w, w->key.p, len && name[len - 1] == '/')) { /* skipped since it was read */
		rc = 0;
	} else if (len && name[len - 1] == '/') {
		rc = visit_dir(w, name);
	} else {
		n = w->probing ? 0 : rolled(w, w->key.p);
		rc = n ? give_prefix(w, n) : give_key(w);
	}
	w->key.len = key;
	w->key.p[key] = '\0';
	return rc;
}

/* All of the directory that w stands in. */
static int
walk_dir(struct walk *w)
{
	char from[FFS_KEYPATH_SEGMENT_MAX + 2];
	struct names v;
	bool more = true, again = false;
	int rc = 0;

	while (more && !rc) {
		rc = names_read(w, again ? from : NULL, &v);
		for (; !rc && v.at < v.n; v.at++)
			rc = visit(w, v.v[v.at]);
		more = v.more;
		if (more && v.n)
			strcpy(from, v.v[v.n - 1]);
		again = true;
		names_release(&v);
	}
	return rc;
}

/* Stand in the deepest directory that holds all keys with the prefix. */
static int
enter_prefix(struct walk *w)
{
	char path[FFS_KEYPATH_MAX], key[FFS_KEY_MAX + 2];
	const char *slash = strrchr(w->l->prefix, '/');
	size_t n = slash ? (size_t)(slash - w->l->prefix) + 1 : 0;
	int rc;

	ffs_buf_adds(&w->path, w->bucket);
	if (n) {
		if (n > FFS_KEY_MAX)
			return -ENOENT;
		/* A segment more, which is cut off again: an empty one would not be a key. */
		memcpy(key, w->l->prefix, n);
		key[n] = n == FFS_KEY_MAX ? '\0' : 'x';
		key[n + 1] = '\0';
		rc = ffs_keypath_encode(path, key);
		if (rc)
			return -ENOENT;
		*strrchr(path, '/') = '\0';
		ffs_buf_addc(&w->path, '/');
		ffs_buf_adds(&w->path, path);
		ffs_buf_add(&w->key, w->l->prefix, n);
	} else {
		ffs_buf_add(&w->key, "", 0);
	}
	rc = ffs_buf_error(&w->path);
	return rc ? rc : ffs_buf_error(&w->key);
}

int
ffs_listing_run(struct ffs_store *s, const char *bucket, struct ffs_listing *l)
{
	struct walk w = { .s = s, .l = l, .bucket = bucket };
	int rc = ffs_store_bucket_stat(s, bucket, NULL);
	size_t n;

	l->truncated = false;
	l->last[0] = '\0';
	if (rc || !l->max)
		return rc;
	rc = enter_prefix(&w);
	n = rolled(&w, l->after);
	if (!rc && n && !l->after[n] && begins(l->after, l->prefix))
		ffs_buf_adds(&w.skip, l->after);
	if (!rc)
		rc = walk_dir(&w);
	else if (rc == -ENOENT)
		rc = 0; /* no key can have that prefix */
	ffs_buf_release(&w.path);
	ffs_buf_release(&w.key);
	ffs_buf_release(&w.skip);
	return rc == STOP ? 0 : rc;
}

int
ffs_listing_buckets(
    struct ffs_store *s, int (*each)(void *arg, const char *bucket, time_t made), void *arg)
{
	int rc = 0, i, n, fd = ffs_store_opendir(s, "");
	struct dirent **v = NULL;
	time_t made;

	if (fd < 0)
		return fd;
	n = scandirat(fd, ".", &v, NULL, alphasort);
	if (n < 0)
		rc = -errno;
	close(fd);
	for (i = 0; i < n; i++) {
		if (!rc && !ffs_store_bucket_stat(s, v[i]->d_name, &made))
			rc = each(arg, v[i]->d_name, made);
		free(v[i]);
	}
	free(v);
	return rc;
}
