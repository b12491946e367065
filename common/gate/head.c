#include "common/gate/head.h"

#include <errno.h>
#include <string.h>
#include <strings.h>

/* What a byte may be part of (RFC 9110, 5.6.2 and 5.5; RFC 3986 for targets). */
enum { TOKEN = 1, TEXT = 2, TARGET = 4 };

/* Bytes over 0x7f are left to the origin: some clients send keys like that. */
#define T7 (TOKEN | TEXT | TARGET)
#define T6 (TEXT | TARGET)
static const unsigned char KINDS[256] = { ['\t'] = TEXT,
	[' '] = TEXT,
	['!'] = T7,
	['"'] = T6,
	['#'] = T7,
	['$'] = T7,
	['%'] = T7,
	['&'] = T7,
	['\''] = T7,
	['('] = T6,
	[')'] = T6,
	['*'] = T7,
	['+'] = T7,
	[','] = T6,
	['-'] = T7,
	['.'] = T7,
	['/'] = T6,
	['0' ... '9'] = T7,
	[':'] = T6,
	[';'] = T6,
	['<'] = T6,
	['='] = T6,
	['>'] = T6,
	['?'] = T6,
	['@'] = T6,
	['A' ... 'Z'] = T7,
	['['] = T6,
	['\\'] = T6,
	[']'] = T6,
	['^'] = T7,
	['_'] = T7,
	['`'] = T7,
	['a' ... 'z'] = T7,
	['{'] = T6,
	['|'] = T7,
	['}'] = T6,
	['~'] = T7,
	[0x80 ... 0xff] = T6 };
#undef T7
#undef T6

static bool
is(char c, unsigned kind)
{
	return KINDS[(unsigned char)c] & kind;
}

bool
ffs_span_is(const struct ffs_span *s, const char *text)
{
	return strlen(text) == s->n && !strncasecmp(s->p, text, s->n);
}

/* --- lines --- */

/* The line at p without its CRLF, which ends before end; *next is behind it.  NULL: a line feed, a
 * carriage return or a NUL that is none of a CRLF. */
static const char *
line_end(const char *p, const char *end, const char **next)
{
	const char *lf = memchr(p, '\n', (size_t)(end - p));

	if (!lf || lf == p || lf[-1] != '\r')
		return NULL;
	*next = lf + 1;
	return lf - 1;
}

/* How long the head at p is, empty line and all; 0: it is not all there. */
static int
head_length(const char *p, size_t n)
{
	const char *at = p, *end = p + n, *lf;

	/* CRLF CRLF, but a bare LF is found here too, and refused by line_end(). */
	while ((lf = memchr(at, '\n', (size_t)(end - at)))) {
		if (lf == p || (lf == p + 1 && *p == '\r'))
			return -EBADMSG;
		if (end - lf > 1 && lf[1] == '\n')
			return -EBADMSG;
		if (end - lf > 2 && lf[1] == '\r' && lf[2] == '\n')
			return lf + 3 - p > FFS_HEAD_MAX ? -EMSGSIZE : (int)(lf + 3 - p);
		at = lf + 1;
	}
	return n >= FFS_HEAD_MAX ? -EMSGSIZE : 0;
}

/* "HTTP/1.x" */
static int
take_version(struct ffs_head *h, const char *p, size_t n)
{
	if (n != 8 || memcmp(p, "HTTP/", 5) || p[5] < '0' || p[5] > '9' || p[6] != '.' ||
	    p[7] < '0' || p[7] > '9')
		return -EBADMSG;
	if (p[5] != '1')
		return -EPROTONOSUPPORT;
	h->minor = p[7] == '0' ? 0 : 1;
	return 0;
}

static int
take_field(struct ffs_head *h, const char *p, const char *end)
{
	struct ffs_head_field *f;
	const char *name = p;

	if (h->n == FFS_HEAD_FIELDS)
		return -EMSGSIZE;
	f = &h->v[h->n++];
	/* No blank before the colon, none at the start: obsolete folding is one. */
	while (p < end && is(*p, TOKEN))
		p++;
	if (p == name || p == end || *p != ':')
		return -EBADMSG;
	f->name = (struct ffs_span){ name, (size_t)(p - name) };
	for (p++; p < end && (*p == ' ' || *p == '\t'); p++)
		;
	while (end > p && (end[-1] == ' ' || end[-1] == '\t'))
		end--;
	f->value = (struct ffs_span){ p, (size_t)(end - p) };
	for (; p < end; p++)
		if (!is(*p, TEXT))
			return -EBADMSG;
	return 0;
}

static int
take_fields(struct ffs_head *h, const char *p, const char *end)
{
	const char *stop, *next;
	int rc = 0;

	h->n = 0;
	while (!rc) {
		stop = line_end(p, end, &next);
		if (!stop)
			return -EBADMSG;
		if (stop == p)
			return next == end ? 0 : -EBADMSG;
		rc = take_field(h, p, stop);
		p = next;
	}
	return rc;
}

/* --- what the fields say --- */

static int
take_length(struct ffs_head *h, const struct ffs_span *v)
{
	uint64_t n = 0;
	size_t i;

	/* Twice is refused even where both say the same, and so is a list. */
	if (h->length != UINT64_MAX || !v->n || v->n > 19)
		return -EBADMSG;
	for (i = 0; i < v->n; i++) {
		if (v->p[i] < '0' || v->p[i] > '9')
			return -EBADMSG;
		n = n * 10 + (uint64_t)(v->p[i] - '0');
	}
	if (n > INT64_MAX)
		return -EBADMSG;
	h->length = n;
	return 0;
}

/* The next of a list of tokens; false at its end. */
static bool
next_token(struct ffs_span *list, struct ffs_span *token)
{
	const char *p = list->p, *end = p + list->n;

	while (p < end && (*p == ' ' || *p == '\t' || *p == ','))
		p++;
	token->p = p;
	while (p < end && *p != ',')
		p++;
	list->p = p;
	list->n = (size_t)(end - p);
	token->n = (size_t)(p - token->p);
	while (token->n && (token->p[token->n - 1] == ' ' || token->p[token->n - 1] == '\t'))
		token->n--;
	return token->n > 0;
}

static void
take_connection(struct ffs_head *h, const struct ffs_span *v, bool *close)
{
	struct ffs_span list = *v, token;

	while (next_token(&list, &token)) {
		if (ffs_span_is(&token, "close"))
			*close = true;
		else if (ffs_span_is(&token, "keep-alive"))
			h->keep_alive = true;
	}
}

struct seen {
	unsigned hosts;
	bool chunked, close;
};

static int
take_meaning(struct ffs_head *h, const struct ffs_head_field *f, struct seen *seen)
{
	const struct ffs_span *name = &f->name;

	/* By length first: most fields are none of these. */
	switch (name->n) {
	case 4:
		seen->hosts += ffs_span_is(name, "host");
		return 0;
	case 6:
		if (!ffs_span_is(name, "expect") || h->status)
			return 0;
		h->expect = ffs_span_is(&f->value, "100-continue");
		return 0;
	case 10:
		if (ffs_span_is(name, "connection"))
			take_connection(h, &f->value, &seen->close);
		return 0;
	case 14:
		return ffs_span_is(name, "content-length") ? take_length(h, &f->value) : 0;
	case 17:
		if (!ffs_span_is(name, "transfer-encoding"))
			return 0;
		if (seen->chunked)
			return -EBADMSG;
		seen->chunked = true;
		return ffs_span_is(&f->value, "chunked") ? 0 : -EOPNOTSUPP;
	default:
		return 0;
	}
}

static int
take_meanings(struct ffs_head *h, struct seen *seen)
{
	size_t i;
	int rc = 0, worst = 0;

	h->length = UINT64_MAX;
	h->expect = false;
	h->keep_alive = h->minor > 0;
	for (i = 0; i < h->n; i++) {
		rc = take_meaning(h, &h->v[i], seen);
		/* What is no HTTP at all is told before what is not known here. */
		if (rc && worst != -EBADMSG)
			worst = rc;
	}
	if (seen->close)
		h->keep_alive = false;
	/* The classic of request smuggling: one reads this, the next the other. */
	if (seen->chunked && (h->length != UINT64_MAX || !h->minor))
		return -EBADMSG;
	return worst;
}

/* --- requests --- */

/* "http://AUTHORITY/..." must be what Host says. */
static int
check_target(const struct ffs_head *h)
{
	const struct ffs_span *host = ffs_head_get(h, "host", NULL);
	struct ffs_span t = h->target;
	const char *slash;

	if (*t.p == '/' || (t.n == 1 && *t.p == '*'))
		return 0;
	if (ffs_span_is(&h->method, "connect"))
		return -EOPNOTSUPP;
	if (t.n > 7 && !strncasecmp(t.p, "http://", 7))
		t = (struct ffs_span){ t.p + 7, t.n - 7 };
	else if (t.n > 8 && !strncasecmp(t.p, "https://", 8))
		t = (struct ffs_span){ t.p + 8, t.n - 8 };
	else
		return -EBADMSG;
	for (slash = t.p; slash < t.p + t.n && !strchr("/?", *slash); slash++)
		;
	t.n = (size_t)(slash - t.p);
	return host && host->n == t.n && !strncasecmp(host->p, t.p, t.n) ? 0 : -EBADMSG;
}

/* A host and port: nothing that could be read as more than one of them. */
static bool
host_ok(const struct ffs_span *v)
{
	const char *p = v->p, *end = p + v->n, *bracket = memchr(p, ']', v->n);

	if ((bracket != NULL) != (p < end && *p == '['))
		return false;
	if (bracket)
		p = bracket + 1;
	if (bracket && p < end && *p != ':')
		return false;
	for (; p < end && *p != ':'; p++)
		if (!is(*p, TARGET) || strchr("/?#@\\,\"<>", *p))
			return false;
	for (p++; p < end; p++)
		if (*p < '0' || *p > '9')
			return false;
	return true;
}

/* METHOD TARGET HTTP/1.1, one blank between each. */
static int
take_request_line(struct ffs_head *h, const char *p, const char *end)
{
	const char *start = p;

	while (p < end && is(*p, TOKEN))
		p++;
	if (p == start || p == end || *p != ' ')
		return -EBADMSG;
	h->method = (struct ffs_span){ start, (size_t)(p - start) };
	start = ++p;
	while (p < end && is(*p, TARGET))
		p++;
	if (p == start || p == end || *p != ' ')
		return -EBADMSG;
	h->target = (struct ffs_span){ start, (size_t)(p - start) };
	p++;
	return take_version(h, p, (size_t)(end - p));
}

int
ffs_head_request(struct ffs_head *h, const char *p, size_t n)
{
	struct seen seen = { 0 };
	const char *end, *next;
	int len = head_length(p, n), rc;

	if (len <= 0)
		return len;
	h->all = (struct ffs_span){ p, (size_t)len };
	h->status = 0;
	end = line_end(p, p + len, &next);
	rc = end ? take_request_line(h, p, end) : -EBADMSG;
	if (!rc)
		rc = take_fields(h, next, p + len);
	if (!rc)
		rc = take_meanings(h, &seen);
	if (rc)
		return rc;
	if (seen.hosts > 1 || (!seen.hosts && h->minor))
		return -EBADMSG;
	if (seen.hosts && !host_ok(ffs_head_get(h, "host", NULL)))
		return -EBADMSG;
	rc = check_target(h);
	h->body = seen.chunked                           ? FFS_HEAD_CHUNKED
	          : h->length && h->length != UINT64_MAX ? FFS_HEAD_LENGTH
	                                                 : FFS_HEAD_NONE;
	return rc ? rc : len;
}

/* --- answers --- */

/* HTTP/1.1 200 [any words] */
static int
take_status_line(struct ffs_head *h, const char *p, const char *end)
{
	int rc, i;

	if (end - p < 12)
		return -EBADMSG;
	rc = take_version(h, p, 8);
	if (rc || p[8] != ' ' || (end - p > 12 && p[12] != ' '))
		return rc ? rc : -EBADMSG;
	h->status = 0;
	for (i = 9; i < 12; i++) {
		if (p[i] < '0' || p[i] > '9')
			return -EBADMSG;
		h->status = h->status * 10 + (p[i] - '0');
	}
	for (p += 12; p < end; p++)
		if (!is(*p, TEXT))
			return -EBADMSG;
	return h->status < 100 ? -EBADMSG : 0;
}

int
ffs_head_answer(struct ffs_head *h, const char *p, size_t n, bool to_head)
{
	struct seen seen = { 0 };
	const char *end, *next;
	int len = head_length(p, n), rc;

	if (len <= 0)
		return len;
	h->all = (struct ffs_span){ p, (size_t)len };
	h->method = h->target = (struct ffs_span){ NULL, 0 };
	end = line_end(p, p + len, &next);
	rc = end ? take_status_line(h, p, end) : -EBADMSG;
	if (!rc)
		rc = take_fields(h, next, p + len);
	if (!rc)
		rc = take_meanings(h, &seen);
	if (rc)
		return rc;
	if (to_head || h->status < 200 || h->status == 204 || h->status == 304)
		h->body = FFS_HEAD_NONE;
	else if (seen.chunked)
		h->body = FFS_HEAD_CHUNKED;
	else if (h->length != UINT64_MAX)
		h->body = h->length ? FFS_HEAD_LENGTH : FFS_HEAD_NONE;
	else
		h->body = FFS_HEAD_CLOSE;
	/* Who talks until he closes cannot go on; nor who names a body where none can be: he may
	 * send it. */
	if (h->body == FFS_HEAD_CLOSE || (h->status == 304 && seen.chunked && !to_head) ||
	    (h->status == 204 && (seen.chunked || (h->length && h->length != UINT64_MAX))))
		h->keep_alive = false;
	return len;
}

/* --- fields --- */

const struct ffs_span *
ffs_head_get(const struct ffs_head *h, const char *name, bool *twice)
{
	const struct ffs_span *found = NULL;
	size_t i, n = strlen(name);

	if (twice)
		*twice = false;
	for (i = 0; i < h->n; i++) {
		if (h->v[i].name.n != n || strncasecmp(h->v[i].name.p, name, n))
			continue;
		if (found) {
			if (twice)
				*twice = true;
			return NULL;
		}
		found = &h->v[i].value;
	}
	return found;
}

/* Fields that a Connection field may not take away: the next reader's understanding of the message
 * rests on them. */
static bool
hop_never(const struct ffs_span *name)
{
	static const char *const never[] = { "host", "content-length", "transfer-encoding",
		"authorization", "content-encoding", "trailer", "expect", "date" };
	size_t i;

	for (i = 0; i < sizeof(never) / sizeof(never[0]); i++)
		if (ffs_span_is(name, never[i]))
			return true;
	return name->n > 6 && !strncasecmp(name->p, "x-amz-", 6);
}

static bool
hop_named(const struct ffs_head *h, const struct ffs_span *name)
{
	struct ffs_span list, token;
	size_t i;

	for (i = 0; i < h->n; i++) {
		if (h->v[i].name.n != 10 || !ffs_span_is(&h->v[i].name, "connection"))
			continue;
		list = h->v[i].value;
		while (next_token(&list, &token))
			if (token.n == name->n && !strncasecmp(token.p, name->p, name->n))
				return !hop_never(name);
	}
	return false;
}

bool
ffs_head_hop(const struct ffs_head *h, const struct ffs_head_field *f)
{
	static const char *const hops[] = { "connection", "keep-alive", "te", "upgrade" };
	size_t i;

	for (i = 0; i < sizeof(hops) / sizeof(hops[0]); i++)
		if (ffs_span_is(&f->name, hops[i]))
			return true;
	if (f->name.n > 6 && !strncasecmp(f->name.p, "proxy-", 6))
		return true;
	return hop_named(h, &f->name);
}
