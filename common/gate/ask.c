#include "common/gate/ask.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "common/gate/path.h"

void
ffs_ask_release(struct ffs_ask *a)
{
	free(a->bucket);
	free(a->key);
	a->bucket = a->key = NULL;
	ffs_written_release(&a->written);
}

/* --- text --- */

static bool
names(const char *p, size_t n, const char *what)
{
	return strlen(what) == n && !memcmp(p, what, n);
}

static bool
holds(const char *p, size_t n, const char *what)
{
	size_t len = strlen(what);

	for (; n >= len; p++, n--)
		if (!strncasecmp(p, what, len))
			return true;
	return false;
}

/* --- where the bucket is --- */

int
ffs_ask_label(const struct ffs_span *field, const char *const *hosts)
{
	struct ffs_span host = ffs_path_host(field), h;
	struct ffs_span name = { "localhost", 9 };
	size_t best = 0, at;

	if (ffs_path_is_address(&host))
		return 0;
	for (; name.p; name = (struct ffs_span){ *hosts, *hosts ? strlen(*hosts) : 0 }, hosts++) {
		h = ffs_path_host(&name);
		if (!h.n || h.n > host.n || ffs_path_is_address(&h))
			continue;
		at = host.n - h.n;
		if (strncasecmp(host.p + at, h.p, h.n))
			continue;
		if (!at)
			return 0;
		if (at > 1 && host.p[at - 1] == '.' && h.n > best)
			best = h.n;
	}
	return best ? (int)(host.n - best - 1) : -1;
}

/*
 * Is there an encoded slash before the first plain one?  Some stores take what is before it for
 * the bucket, as the kernel's programs do, some not.
 */
static bool
is_ambiguous(const struct ffs_span *path)
{
	const char *p = path->p + 1, *slash = memchr(p, '/', path->n - 1);
	size_t n = slash ? (size_t)(slash - p) : path->n - 1;

	return holds(p, n, "%2f");
}

/* --- the query --- */

/* What a presigned request says, and what SDKs add for the reader of a log. */
static bool
is_signing(const char *p, size_t n)
{
	static const char *const names[] = { "X-Amz-Algorithm", "X-Amz-Credential", "X-Amz-Date",
		"X-Amz-Expires", "X-Amz-SignedHeaders", "X-Amz-Signature", "X-Amz-Security-Token",
		"X-Amz-Content-Sha256" };
	size_t i;

	for (i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (n == strlen(names[i]) && !memcmp(p, names[i], n))
			return true;
	return false;
}

struct query {
	bool other;  /* there is something that is not understood */
	bool signs;  /* it carries a signature */
	bool covers; /* which covers If-None-Match */
	bool untidy; /* the path has segments that a store may take away */
};

static void
take_query(struct query *q, const char *p, const char *end)
{
	const char *next, *eq;
	size_t n;

	for (; p < end; p = next + 1) {
		next = memchr(p, '&', (size_t)(end - p));
		if (!next)
			next = end;
		eq = memchr(p, '=', (size_t)(next - p));
		n = (size_t)((eq ? eq : next) - p);
		if (is_signing(p, n)) {
			q->signs = true;
			q->covers |= names(p, n, "X-Amz-SignedHeaders") &&
			             holds(p, (size_t)(next - p), "if-none-match");
		} else if (next > p && !names(p, n, "x-id")) {
			q->other = true;
		}
	}
}

/* --- the fields --- */

enum field {
	NOTHING, /* says nothing about the answer */
	OTHER,
	HOST,
	SIGNED,
	SIGNED_QUERY,
	COOKIE,
	OWNER,
	CHECKSUMS,
	RANGE,
	IF_RANGE,
	IF_MATCH,
	CONDITION,
	CONDITION_2,
	CONDITION_3,
	FRESH,
	PRAGMA,
};

static enum field
field_of(const struct ffs_span *name)
{
	static const struct {
		const char *name;
		enum field field;
	} known[] = {
		{ "Host", HOST },
		{ "Authorization", SIGNED },
		{ "X-Amz-Security-Token", SIGNED_QUERY },
		{ "Cookie", COOKIE },
		{ "X-Amz-Expected-Bucket-Owner", OWNER },
		{ "X-Amz-Checksum-Mode", CHECKSUMS },
		{ "Range", RANGE },
		{ "If-Range", IF_RANGE },
		{ "If-Match", IF_MATCH },
		{ "If-None-Match", CONDITION },
		{ "If-Modified-Since", CONDITION_2 },
		{ "If-Unmodified-Since", CONDITION_3 },
		{ "Cache-Control", FRESH },
		{ "Pragma", PRAGMA },
	};
	static const char *const nothing[] = { "Accept", "Accept-Encoding", "Accept-Language",
		"Baggage", "Connection", "Content-Length", "Content-Type", "Date", "DNT",
		"Forwarded", "From", "Keep-Alive", "Priority", "Proxy-Connection", "Referer", "TE",
		"Traceparent", "Tracestate", "Upgrade-Insecure-Requests", "User-Agent", "Via",
		"X-Amz-Api-Version", "X-Amz-Content-Sha256", "X-Amz-Date", "X-Amz-User-Agent",
		"X-Amzn-Trace-Id", "X-Forwarded-For", "X-Forwarded-Host", "X-Forwarded-Port",
		"X-Forwarded-Proto", "X-Request-Id" };
	size_t i;

	for (i = 0; i < sizeof(known) / sizeof(known[0]); i++)
		if (ffs_span_is(name, known[i].name))
			return known[i].field;
	for (i = 0; i < sizeof(nothing) / sizeof(nothing[0]); i++)
		if (ffs_span_is(name, nothing[i]))
			return NOTHING;
	return name->n > 8 && !strncasecmp(name->p, "amz-sdk-", 8) ? NOTHING : OTHER;
}

/* Copy a value to where it is short enough. */
static bool
copy(char *to, size_t size, const struct ffs_span *v)
{
	if (!v->n || v->n >= size)
		return false;
	memcpy(to, v->p, v->n);
	to[v->n] = '\0';
	return true;
}

/* False: the request is not understood. */
static bool
take_field(struct ffs_ask *a, enum field field, const struct ffs_span *v)
{
	switch (field) {
	case OTHER:
		return false;
	case SIGNED:
		a->may_add = !holds(v->p, v->n, "if-none-match");
		a->anonymous = false;
		break;
	case SIGNED_QUERY:
	case COOKIE:
		a->anonymous = false;
		break;
	case OWNER:
		a->plain = false;
		break;
	case CHECKSUMS:
		a->checksums = true;
		return v->n == 7 && !memcmp(v->p, "ENABLED", 7);
	case RANGE:
		return copy(a->range, sizeof(a->range), v);
	case IF_RANGE:
		return copy(a->if_range, sizeof(a->if_range), v);
	case IF_MATCH:
		/* A longer one is not one tag: it passes. */
		if (!copy(a->match, sizeof(a->match), v))
			a->match[0] = '\0';
		break;
	case FRESH:
		a->no_cache = holds(v->p, v->n, "no-cache") || holds(v->p, v->n, "no-store") ||
		              holds(v->p, v->n, "max-age=0");
		break;
	case PRAGMA:
		a->no_cache |= holds(v->p, v->n, "no-cache");
		break;
	default:
		break;
	}
	return true;
}

/* False: not a read that is understood. */
static bool
take_fields(struct ffs_ask *a, const struct ffs_head *h)
{
	bool fresh = false;
	unsigned seen = 0;
	enum field f;
	size_t i;

	for (i = 0; i < h->n; i++) {
		f = field_of(&h->v[i].name);
		if (f == NOTHING)
			continue;
		if (seen & 1u << f || !take_field(a, f, &h->v[i].value))
			return false;
		seen |= 1u << f;
		fresh |= a->no_cache;
	}
	a->no_cache = fresh;
	a->if_match = seen & 1u << IF_MATCH;
	a->conditional = a->if_match;
	if (seen & (1u << CONDITION | 1u << CONDITION_2 | 1u << CONDITION_3)) {
		a->conditional = true;
		a->if_match = false;
	}
	return true;
}

/* --- all of it --- */

static bool
is_read(struct ffs_ask *a, const struct ffs_head *h, const struct query *q)
{
	if (!a->key || q->other || h->body == FFS_HEAD_CHUNKED ||
	    (h->body == FFS_HEAD_LENGTH && h->length))
		return false;
	a->may_add = true;
	a->plain = !q->untidy;
	a->anonymous = !q->signs;
	if (!take_fields(a, h))
		return false;
	if (q->covers)
		a->may_add = false;
	return true;
}

/* Its names, as this gateway reads it.  0; -EINVAL: there are none; -ENOMEM. */
static int
take_names(struct ffs_ask *a, const struct ffs_head *h, const char *const *hosts, struct query *q)
{
	const struct ffs_span *host = ffs_head_get(h, "Host", NULL);
	const char *p = h->target.p, *end = p + h->target.n, *question;
	struct ffs_span path;
	char *text, *tidy;
	int label, rc;

	if (!host || !h->target.n || *p != '/' || memchr(p, '#', h->target.n))
		return -EINVAL;
	label = ffs_ask_label(host, hosts);
	if (label < 0)
		return -EINVAL;
	a->hosted = label;
	question = memchr(p, '?', h->target.n);
	path = (struct ffs_span){ p, (size_t)((question ? question : end) - p) };
	if (question)
		take_query(q, question + 1, end);
	text = ffs_path_decode(&path, &rc);
	tidy = text ? ffs_path_tidy(text) : NULL;
	if (!rc && !tidy)
		rc = -ENOMEM;
	if (!rc)
		rc = ffs_path_names(text, host->p, (size_t)label, &a->bucket, &a->key);
	q->untidy = !rc && strcmp(text, tidy);
	free(tidy);
	free(text);
	q->other |= !label && is_ambiguous(&path);
	return rc;
}

int
ffs_ask_parse(struct ffs_ask *a, const struct ffs_head *h, const char *const *hosts)
{
	bool get = ffs_span_is(&h->method, "GET"), head = ffs_span_is(&h->method, "HEAD");
	struct query q = { 0 };
	int rc;

	memset(a, 0, sizeof(*a));
	rc = take_names(a, h, hosts, &q);
	ffs_written_take(&a->written, h);
	if (a->written.n || a->written.more) {
		a->kind = ffs_written_wide(&a->written) ? FFS_ASK_WRITE_BUCKET : FFS_ASK_WRITE;
		return 0;
	}
	if (!rc && (get || head) && is_read(a, h, &q))
		a->kind = head ? FFS_ASK_HEAD : FFS_ASK_READ;
	if (a->kind == FFS_ASK_OTHER)
		ffs_ask_release(a);
	return rc == -ENOMEM ? rc : 0;
}
