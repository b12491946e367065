#include "common/gate/ask.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "common/cache/attr.h"
#include "common/s3/sigv4.h"

void
ffs_ask_release(struct ffs_ask *a)
{
	free(a->bucket);
	free(a->key);
	a->bucket = a->key = NULL;
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

/* A host without its port and a dot at its end. */
static struct ffs_span
bare_host(const char *p, size_t n)
{
	const char *colon = memrchr(p, ':', n);

	if (n && *p != '[' && colon)
		n = (size_t)(colon - p);
	if (n && p[n - 1] == '.')
		n--;
	return (struct ffs_span){ p, n };
}

static bool
is_address(const struct ffs_span *host)
{
	char text[INET_ADDRSTRLEN];
	struct in_addr in;

	if (host->n && *host->p == '[')
		return true;
	if (host->n >= sizeof(text))
		return false;
	memcpy(text, host->p, host->n);
	text[host->n] = '\0';
	return inet_pton(AF_INET, text, &in) == 1;
}

/*
 * How many bytes of the Host field are a bucket's: 0, it addresses the store itself; -1, nobody
 * knows.
 */
static int
bucket_in_host(const struct ffs_span *field, const char *const *hosts)
{
	struct ffs_span host = bare_host(field->p, field->n), h;
	const char *name = "localhost";
	size_t best = 0, at;

	if (is_address(&host))
		return 0;
	for (; name; name = *hosts++) {
		h = bare_host(name, strlen(name));
		if (!h.n || h.n > host.n || is_address(&h))
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

/* Decoded; *rc -EINVAL for what cannot be a name in the cache, -ENOMEM. */
static char *
decode(const char *p, size_t n, int *rc)
{
	struct ffs_buf b = FFS_BUF_INIT;
	char *s = NULL;

	*rc = ffs_sigv4_decode(&b, p, n, false);
	if (!*rc && memchr(b.p, '\0', b.len))
		*rc = -EINVAL;
	else if (!*rc && !(s = ffs_buf_detach(&b)))
		*rc = -ENOMEM;
	ffs_buf_release(&b);
	return s;
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

/* Bucket, and key where there is one.  0; -EINVAL: neither is known; -ENOMEM. */
static int
take_name(struct ffs_ask *a, const struct ffs_span *path, const struct ffs_span *host, int label)
{
	enum { MAX = FFS_BUCKETNAME_MAX + 1 + FFS_ATTR_KEY_MAX };
	struct ffs_buf name = FFS_BUF_INIT;
	char *text, *slash;
	int rc = 0, i;

	for (i = 0; i < label; i++)
		ffs_buf_addc(
		    &name, host->p[i] >= 'A' && host->p[i] <= 'Z' ? host->p[i] | 0x20 : host->p[i]);
	if (label)
		ffs_buf_addc(&name, '/');
	text = decode(path->p + 1, path->n - 1, &rc);
	if (!rc)
		ffs_buf_adds(&name, text);
	free(text);
	text = ffs_buf_detach(&name);
	if (rc || !text) {
		free(text);
		return rc ? rc : -ENOMEM;
	}
	slash = strchrnul(text, '/');
	if (slash == text || slash - text > FFS_BUCKETNAME_MAX ||
	    strlen(slash) > FFS_ATTR_KEY_MAX + 1)
		rc = -EINVAL;
	else if (!(a->bucket = strndup(text, (size_t)(slash - text))) ||
		 (slash[0] && slash[1] && !(a->key = strdup(slash + 1))))
		rc = -ENOMEM;
	free(text);
	return rc;
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
	bool part, upload, uploads, select, delete;
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
			q->part |= names(p, n, "partNumber");
			q->upload |= names(p, n, "uploadId");
			q->uploads |= names(p, n, "uploads");
			q->select |= names(p, n, "select");
			q->delete |= names(p, n, "delete");
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

static enum ffs_ask_kind
write_kind(const struct ffs_ask *a, const struct ffs_head *h, const struct query *q)
{
	static const char *const readers[] = { "OPTIONS", "TRACE", "CONNECT" };
	bool post = ffs_span_is(&h->method, "POST"), delete = ffs_span_is(&h->method, "DELETE");
	size_t i;

	for (i = 0; i < sizeof(readers) / sizeof(readers[0]); i++)
		if (ffs_span_is(&h->method, readers[i]))
			return FFS_ASK_OTHER;
	/* A form's key is in its body; so are those of a list that is deleted. */
	if (!a->key)
		return delete || (post && (q->delete || !q->other)) ? FFS_ASK_WRITE_BUCKET
		                                                    : FFS_ASK_OTHER;
	/* What an upload in parts does before it is completed changes nothing. */
	if (q->part || (post && (q->uploads || q->select)) || (delete &&q->upload))
		return FFS_ASK_OTHER;
	return FFS_ASK_WRITE;
}

static bool
is_read(struct ffs_ask *a, const struct ffs_head *h, const struct query *q)
{
	if (!a->key || q->other || h->body == FFS_HEAD_CHUNKED ||
	    (h->body == FFS_HEAD_LENGTH && h->length))
		return false;
	a->may_add = true;
	a->plain = true;
	a->anonymous = !q->signs;
	if (!take_fields(a, h))
		return false;
	if (q->covers)
		a->may_add = false;
	return true;
}

int
ffs_ask_parse(struct ffs_ask *a, const struct ffs_head *h, const char *const *hosts)
{
	const struct ffs_span *host = ffs_head_get(h, "Host", NULL);
	const char *p = h->target.p, *end = p + h->target.n, *question;
	bool get = ffs_span_is(&h->method, "GET"), head = ffs_span_is(&h->method, "HEAD");
	struct query q = { 0 };
	struct ffs_span path;
	int label, rc;

	memset(a, 0, sizeof(*a));
	if (!host || !h->target.n || *p != '/' || memchr(p, '#', h->target.n))
		return 0;
	label = bucket_in_host(host, hosts);
	if (label < 0)
		return 0;
	a->hosted = label;
	question = memchr(p, '?', h->target.n);
	path = (struct ffs_span){ p, (size_t)((question ? question : end) - p) };
	if (question)
		take_query(&q, question + 1, end);
	rc = take_name(a, &path, host, label);
	if (!rc && !get && !head)
		a->kind = write_kind(a, h, &q);
	else if (!rc && (label || !is_ambiguous(&path)) && is_read(a, h, &q))
		a->kind = head ? FFS_ASK_HEAD : FFS_ASK_READ;
	if (a->kind == FFS_ASK_OTHER)
		ffs_ask_release(a);
	return rc == -ENOMEM ? rc : 0;
}
