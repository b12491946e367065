#include "common/s3/s3.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/opt.h"
#include "common/base/xml.h"
#include "common/s3/s3impl.h"

#define MAX_ENTRIES 10000 /* S3 sends 1000 */
#define MAX_PAGE (32U << 20)

/* --- a page of a listing --- */

struct entry {
	char *key, *etag, *last_modified;
	uint64_t size;
	bool prefix;
};

struct page {
	struct entry *v;
	size_t n, room;
	bool url_encoded, truncated;
	char *token;
};

static int
page_start(struct ffs_xml *x)
{
	bool prefix = ffs_xml_at(x, 2, NULL, "CommonPrefixes");
	struct page *p = x->arg;
	struct entry *v;

	if (x->depth == 1 && strcmp(x->name[0], "ListBucketResult"))
		return -EBADMSG;
	if (!prefix && !ffs_xml_at(x, 2, NULL, "Contents"))
		return 0;
	if (p->n == p->room) {
		p->room = p->room ? p->room * 2 : 256;
		if (p->room > 2 * MAX_ENTRIES)
			return -EBADMSG;
		v = reallocarray(p->v, p->room, sizeof(*v));
		if (!v)
			return -ENOMEM;
		p->v = v;
	}
	p->v[p->n++] = (struct entry){ .prefix = prefix };
	return 0;
}

static int
set(char **to, const char *s, size_t n)
{
	if (*to)
		return -EBADMSG; /* twice */
	*to = strndup(s, n);
	return *to ? 0 : -ENOMEM;
}

static int
page_end(struct ffs_xml *x)
{
	struct page *p = x->arg;
	struct entry *e = p->n ? &p->v[p->n - 1] : NULL;
	char *s = x->text.p;
	size_t n = x->text.len;

	if (ffs_xml_at(x, 3, "Contents", "Key") || ffs_xml_at(x, 3, "CommonPrefixes", "Prefix"))
		return set(&e->key, s, n);
	if (ffs_xml_at(x, 3, "Contents", "Size"))
		return ffs_opt_uint(s, 0, INT64_MAX, &e->size) ? -EBADMSG : 0;
	if (ffs_xml_at(x, 3, "Contents", "LastModified"))
		return set(&e->last_modified, s, n);
	if (ffs_xml_at(x, 3, "Contents", "ETag")) {
		if (n >= 2 && *s == '"' && s[n - 1] == '"')
			s++, n -= 2;
		return set(&e->etag, s, n);
	}
	if (ffs_xml_at(x, 2, NULL, "EncodingType"))
		p->url_encoded = !strcmp(s, "url");
	else if (ffs_xml_at(x, 2, NULL, "IsTruncated"))
		p->truncated = !strcmp(s, "true");
	else if (ffs_xml_at(x, 2, NULL, "NextContinuationToken"))
		return set(&p->token, s, n);
	return 0;
}

/* Decode keys: stores differ in whether EncodingType comes before the entries. */
static int
page_decode(struct page *p)
{
	struct ffs_buf b = FFS_BUF_INIT;
	struct entry *e;
	size_t i;
	int rc = 0;

	for (i = 0; i < p->n && !rc; i++) {
		e = &p->v[i];
		if (!e->key || !*e->key)
			return -EBADMSG;
		if (!p->url_encoded)
			continue;
		/* A space comes as '+'. */
		rc = ffs_sigv4_decode(&b, e->key, strlen(e->key), true);
		if (!rc && strlen(b.p) != b.len)
			rc = -EBADMSG; /* a NUL: no C string, no header, no file name */
		if (rc) {
			ffs_buf_release(&b);
			return rc == -ENOMEM ? rc : -EBADMSG;
		}
		free(e->key);
		e->key = ffs_buf_detach(&b);
		rc = e->key ? 0 : -ENOMEM;
	}
	return rc;
}

static int
compare(const void *a, const void *b)
{
	return strcmp(((const struct entry *)a)->key, ((const struct entry *)b)->key);
}

int
ffs_s3_list_parse(const char *xml, size_t n, int (*each)(void *arg, const struct ffs_s3_object *o),
    void *arg, char **token)
{
	struct page p = { 0 };
	struct ffs_xml x = { .start = page_start, .end = page_end, .arg = &p };
	struct ffs_s3_object o;
	struct entry *e;
	size_t i;
	int rc = ffs_xml_parse(&x, xml, n);

	*token = NULL;
	if (!rc)
		rc = page_decode(&p);
	if (!rc && p.truncated && (!p.token || !*p.token))
		rc = -EBADMSG;
	/* Objects and common prefixes come as two lists. */
	if (!rc && p.n)
		qsort(p.v, p.n, sizeof(*p.v), compare);
	for (i = 0; !rc && i < p.n; i++) {
		e = &p.v[i];
		o = (struct ffs_s3_object){ .key = e->key,
			.size = e->size,
			.etag = e->etag ? e->etag : "",
			.last_modified = e->last_modified ? e->last_modified : "",
			.prefix = e->prefix };
		rc = each(arg, &o);
	}
	if (!rc && p.truncated) {
		*token = p.token;
		p.token = NULL;
	}
	for (i = 0; i < p.n; i++) {
		free(p.v[i].key);
		free(p.v[i].etag);
		free(p.v[i].last_modified);
	}
	free(p.v);
	free(p.token);
	return rc;
}

/* --- listings --- */

static int
page_query(struct ffs_buf *q, const char *prefix, const char *delimiter, const char *token)
{
	ffs_buf_adds(q, "list-type=2&encoding-type=url");
	if (prefix && *prefix) {
		ffs_buf_adds(q, "&prefix=");
		ffs_sigv4_encode(q, prefix, strlen(prefix), false);
	}
	if (delimiter && *delimiter) {
		ffs_buf_adds(q, "&delimiter=");
		ffs_sigv4_encode(q, delimiter, strlen(delimiter), false);
	}
	if (token) {
		ffs_buf_adds(q, "&continuation-token=");
		ffs_sigv4_encode(q, token, strlen(token), false);
	}
	return ffs_buf_error(q);
}

static int
page_data(void *arg, const struct ffs_s3_response *r, const void *p, size_t n)
{
	struct ffs_buf *b = arg;

	(void)r;
	if (b->len + n > MAX_PAGE)
		return -EFBIG;
	ffs_buf_add(b, p, n);
	return ffs_buf_error(b);
}

static void
page_restart(void *arg)
{
	ffs_buf_reset(arg);
}

int
ffs_s3_list(struct ffs_s3 *s3, const char *bucket, const char *prefix, const char *delimiter,
    int (*each)(void *arg, const struct ffs_s3_object *o), void *arg, struct ffs_s3_response *r)
{
	struct ffs_buf page = FFS_BUF_INIT, query = FFS_BUF_INIT;
	struct ffs_s3_request q = { .method = "GET",
		.bucket = bucket,
		.data = page_data,
		.restart = page_restart,
		.arg = &page };
	char *token = NULL, *next = NULL;
	struct ffs_s3_response mine;
	int rc;

	if (!r)
		r = &mine;
	do {
		ffs_buf_reset(&query);
		ffs_buf_reset(&page);
		rc = page_query(&query, prefix, delimiter, token);
		if (rc)
			break;
		q.query = query.p;
		rc = ffs_s3_perform(s3, &q, r);
		if (rc)
			break;
		rc = ffs_s3_list_parse(page.p ? page.p : "", page.len, each, arg, &next);
		/* A store that gives the same page for ever must not keep us for ever. */
		if (!rc && next && token && !strcmp(next, token))
			rc = -EBADMSG;
		free(token);
		token = next;
		next = NULL;
	} while (!rc && token);
	free(token);
	ffs_buf_release(&page);
	ffs_buf_release(&query);
	return rc;
}
