#include "common/gate/written.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "common/gate/path.h"

struct reading {
	struct ffs_written *w;
	struct ffs_span host; /* without its port; n 0: an address, which is no bucket's name */
	bool wide;            /* of each name, all of the bucket */
	bool bucket_too;      /* a bucket alone is a name, too */
};

void
ffs_written_release(struct ffs_written *w)
{
	unsigned i;

	for (i = 0; i < w->n; i++) {
		free(w->v[i].bucket);
		free(w->v[i].key);
	}
	w->n = 0;
}

bool
ffs_written_wide(const struct ffs_written *w)
{
	unsigned i;

	for (i = 0; i < w->n; i++)
		if (!w->v[i].key)
			return true;
	return false;
}

/* --- what changes no object --- */

static bool
holds(const struct ffs_span *s, const char *what)
{
	size_t len = strlen(what), i;

	for (i = 0; i + len <= s->n; i++)
		if (!strncasecmp(s->p + i, what, len))
			return true;
	return false;
}

enum { PART = 1, UPLOAD = 2, UPLOADS = 4, SELECT = 8, TYPE = 16, OTHER = 32 };

static unsigned
param(const char *p, size_t n, bool value)
{
	static const struct {
		const char *name;
		unsigned bit;
	} known[] = { { "partNumber", PART }, { "uploadId", UPLOAD }, { "uploads", UPLOADS },
		{ "select", SELECT }, { "select-type", TYPE }, { "x-id", 0 } };
	size_t i;

	if (!n || (n > 6 && !memcmp(p, "X-Amz-", 6)))
		return 0;
	for (i = 0; i < sizeof(known) / sizeof(known[0]); i++)
		if (strlen(known[i].name) == n && !memcmp(p, known[i].name, n))
			return value || !(known[i].bit & (PART | UPLOAD)) ? known[i].bit : OTHER;
	return OTHER;
}

/* Which of these names the query has, spelled as SDKs do. */
static unsigned
params(const char *p, const char *end)
{
	const char *next, *eq;
	unsigned seen = 0;

	for (; p < end; p = next + 1) {
		next = memchr(p, '&', (size_t)(end - p));
		if (!next)
			next = end;
		eq = memchr(p, '=', (size_t)(next - p));
		seen |= param(p, (size_t)((eq ? eq : next) - p), eq && eq + 1 < next);
	}
	return seen;
}

/* What an upload in parts does before it is completed changes nothing. */
static bool
is_harmless(const struct ffs_head *h, unsigned query)
{
	static const char *const readers[] = { "GET", "HEAD", "OPTIONS", "TRACE", "CONNECT" };
	size_t i;

	for (i = 0; i < sizeof(readers) / sizeof(readers[0]); i++)
		if (ffs_span_is(&h->method, readers[i]))
			return true;
	if (ffs_span_is(&h->method, "PUT"))
		return query == (PART | UPLOAD);
	if (ffs_span_is(&h->method, "DELETE"))
		return query == UPLOAD;
	return ffs_span_is(&h->method, "POST") &&
	       (query == UPLOADS || query == SELECT || query == (SELECT | TYPE));
}

/* --- names --- */

static void
add(struct reading *r, const char *text, size_t label)
{
	struct ffs_written *w = r->w;
	struct ffs_written_name *to = &w->v[w->n];
	int rc;

	if (w->n == FFS_WRITTEN_MAX) {
		w->more = true;
		return;
	}
	rc = ffs_path_names(text, r->host.p, label, &to->bucket, &to->key);
	w->more |= rc == -ENOMEM;
	if (rc)
		return;
	if (r->wide) {
		free(to->key);
		to->key = NULL;
	}
	w->n++;
	if (!to->key && !r->wide && !r->bucket_too) {
		free(to->bucket);
		w->n--;
	}
}

/* The bucket is in the path, or what the host begins with. */
static void
add_all(struct reading *r, const char *text)
{
	size_t i;

	add(r, text, 0);
	for (i = 1; i + 1 < r->host.n; i++)
		if (r->host.p[i] == '.')
			add(r, text, i);
}

static void
add_path(struct reading *r, const struct ffs_span *path)
{
	struct ffs_span first = *path;
	char *text, *tidy;
	const char *slash;
	int rc;

	text = ffs_path_decode(path, &rc);
	if (rc == -EINVAL) {
		/* What cannot be read is for the store to refuse; or to read in its own way. */
		r->wide = true;
		slash = memchr(path->p + 1, '/', path->n - 1);
		first.n = slash ? (size_t)(slash - path->p) : path->n;
		text = ffs_path_decode(&first, &rc);
		if (!text)
			text = strdup("");
	}
	tidy = text ? ffs_path_tidy(text) : NULL;
	if (!tidy)
		r->w->more = true;
	if (text)
		add_all(r, text);
	if (tidy && strcmp(text, tidy))
		add_all(r, tidy);
	free(text);
	free(tidy);
}

/* --- all of it --- */

/* Of a target, which may be a whole URL. */
static struct ffs_span
path_of(const struct ffs_span *target)
{
	const char *p = target->p, *end = p + target->n, *host = NULL;

	if (*p != '/')
		host = memmem(p, target->n, "://", 3);
	if (host)
		for (p = host + 3; p < end && *p != '/' && *p != '?'; p++)
			;
	return (struct ffs_span){ p, (size_t)(end - p) };
}

/* A body with many objects, an object that goes from where it was, or all that a key begins. */
static bool
is_wide(const struct ffs_head *h)
{
	static const char *const fields[] = { "snowball", "rename", "force-delete" };
	size_t i, k;

	for (i = 0; i < h->n; i++)
		for (k = 0; k < sizeof(fields) / sizeof(fields[0]); k++)
			if (holds(&h->v[i].name, fields[k]))
				return true;
	return holds(&h->target, "?rename") || holds(&h->target, "&rename");
}

void
ffs_written_take(struct ffs_written *w, const struct ffs_head *h)
{
	const struct ffs_span *host = ffs_head_get(h, "Host", NULL);
	struct reading r = { .w = w };
	struct ffs_span path = path_of(&h->target);
	const char *question = memchr(path.p, '?', path.n), *end = path.p + path.n;
	bool put = ffs_span_is(&h->method, "PUT");

	memset(w, 0, sizeof(*w));
	if (is_harmless(h, question ? params(question + 1, end) : 0))
		return;
	/* Others have other ways to say what they are about. */
	w->more = !put && !ffs_span_is(&h->method, "POST") && !ffs_span_is(&h->method, "DELETE");
	if (host)
		r.host = ffs_path_host(host);
	if (host && ffs_path_is_address(&r.host))
		r.host.n = 0;
	/* A bucket is made without changing what is in it; a form's key is in its body, and so are
	 * those of a list that is deleted. */
	r.bucket_too = !put;
	r.wide = is_wide(h) || memchr(path.p, '#', path.n);
	if (question)
		path.n = (size_t)(question - path.p);
	if (path.n && *path.p == '/')
		add_path(&r, &path);
	else if (!path.n)
		add_all(&r, "");
}
