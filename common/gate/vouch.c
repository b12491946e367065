#include "common/gate/vouch.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "common/s3/daykeys.h"

/* How what is said of a body begins, whose chunks are signed, with or without trailers. */
#define CHUNKS "STREAMING-AWS4-HMAC-SHA256-PAYLOAD"

struct ffs_vouch {
	char *access_key, *secret_key, *token; /* access_key NULL: nobody is proven */
	struct ffs_daykeys *keys;
};

/* A head as sigv4.h takes it: with NULs behind names and values. */
struct copy {
	char text[FFS_HEAD_MAX + 1];
	struct ffs_sigv4_field fields[FFS_HEAD_FIELDS];
	struct ffs_sigv4_request r;
	struct ffs_sigv4_claim claim;
};

struct ffs_vouch *
ffs_vouch_new(const struct ffs_endpoint *ep)
{
	struct ffs_vouch *v = calloc(1, sizeof(*v));

	if (!v || !ep || !ep->access_key || !ep->secret_key)
		return v;
	v->access_key = strdup(ep->access_key);
	v->secret_key = strdup(ep->secret_key);
	v->token = ep->token ? strdup(ep->token) : NULL;
	v->keys = ffs_daykeys_new(ep->secret_key);
	if (v->access_key && v->secret_key && v->keys && !v->token == !ep->token)
		return v;
	ffs_vouch_free(v);
	errno = ENOMEM;
	return NULL;
}

void
ffs_vouch_free(struct ffs_vouch *v)
{
	if (!v)
		return;
	if (v->secret_key)
		explicit_bzero(v->secret_key, strlen(v->secret_key));
	if (v->token)
		explicit_bzero(v->token, strlen(v->token));
	free(v->access_key);
	free(v->secret_key);
	free(v->token);
	ffs_daykeys_free(v->keys);
	free(v);
}

static char *
ended(struct copy *c, const struct ffs_head *h, const struct ffs_span *s)
{
	char *p;

	if (!s->n)
		return c->text + h->all.n; /* "" */
	p = c->text + (s->p - h->all.p);
	p[s->n] = '\0';
	return p;
}

static int
copy_head(struct copy *c, const struct ffs_head *h)
{
	char *query, *target;
	size_t i;

	if (h->all.n > FFS_HEAD_MAX || memchr(h->all.p, '\0', h->all.n))
		return -EINVAL;
	memcpy(c->text, h->all.p, h->all.n);
	c->text[h->all.n] = '\0';
	target = ended(c, h, &h->target);
	query = strchr(target, '?');
	if (query)
		*query++ = '\0';
	c->r = (struct ffs_sigv4_request){ .method = ended(c, h, &h->method),
		.path = target,
		.query = query,
		.fields = c->fields,
		.nfields = h->n };
	for (i = 0; i < h->n; i++) {
		c->fields[i].name = ended(c, h, &h->v[i].name);
		c->fields[i].value = ended(c, h, &h->v[i].value);
	}
	return target[0] == '/' ? 0 : -EINVAL;
}

/* Fields that are the request's meaning come once each: two readings of them would be two requests.
 * Of a read, that is answered here, also what need not be signed. */
static int
check_fields(const struct ffs_sigv4_request *r, bool read)
{
	bool host = false;
	size_t i, k;

	for (i = 0; i < r->nfields; i++) {
		if (!strcasecmp(r->fields[i].name, "host"))
			host = true;
		else if (strncasecmp(r->fields[i].name, "x-amz-", 6) &&
			 (!read || strcasecmp(r->fields[i].name, "range")))
			continue;
		for (k = i + 1; k < r->nfields; k++)
			if (!strcasecmp(r->fields[i].name, r->fields[k].name))
				return -EINVAL;
	}
	return host ? 0 : -EINVAL;
}

/* The session's token, in a field or the query; "" without. */
static int
find_token(struct ffs_buf *out, const struct ffs_sigv4_request *r)
{
	static const char param[] = "X-Amz-Security-Token=";
	const char *q = r->query;
	size_t i, n;

	for (i = 0; i < r->nfields; i++)
		if (!strcasecmp(r->fields[i].name, "x-amz-security-token"))
			ffs_buf_adds(out, r->fields[i].value);
	for (; q && *q; q += n + (q[n] == '&')) {
		n = strcspn(q, "&");
		if (!strncmp(q, param, strlen(param)) &&
		    ffs_sigv4_decode(out, q + strlen(param), n - strlen(param), true))
			return -EINVAL;
	}
	ffs_buf_adds(out, "");
	return ffs_buf_error(out);
}

/* Is it our credentials' key, of the same session. */
static int
check_key(
    struct ffs_vouch *v, const struct ffs_sigv4_claim *claim, const struct ffs_sigv4_request *r)
{
	struct ffs_buf token = FFS_BUF_INIT;
	int rc = find_token(&token, r);

	if (!rc && (!v->access_key || !ffs_sigv4_same(claim->access_key, v->access_key) ||
		       !ffs_sigv4_same(token.p, v->token ? v->token : "")))
		rc = -ENOKEY;
	ffs_buf_release(&token);
	return rc;
}

/* The claim, and the key that it was checked with: the caller's to wipe. */
static int
check(struct ffs_vouch *v, struct copy *c, time_t now, bool read, unsigned char key[32])
{
	struct ffs_sigv4_claim *claim = &c->claim;
	int rc = ffs_sigv4_claim_parse(claim, &c->r);

	if (!rc)
		rc = check_fields(&c->r, read);
	if (!rc && strcmp(claim->service, "s3"))
		rc = -EINVAL;
	if (!rc)
		rc = check_key(v, claim, &c->r);
	/* A read has no body: of any other one the origin would say that it is not what was signed.
	 */
	if (!rc && read && strcmp(claim->payload, FFS_SIGV4_UNSIGNED) &&
	    strcmp(claim->payload, FFS_SIGV4_EMPTY))
		rc = -EINVAL;
	if (!rc)
		rc = ffs_daykeys_get(v->keys, claim, key);
	if (!rc)
		rc = ffs_sigv4_verify(claim, &c->r, v->secret_key, key, now);
	return rc;
}

/* The signature of what was checked, for another host. */
static int
sign(struct copy *c, const char *host, const unsigned char key[32], char out[65])
{
	const struct ffs_sigv4_claim *claim = &c->claim;
	struct ffs_buf canon = FFS_BUF_INIT;
	size_t i;
	int rc;

	if (!strncmp(claim->payload, CHUNKS, strlen(CHUNKS)))
		return -ENOSYS;
	for (i = 0; i < c->r.nfields; i++)
		if (!strcasecmp(c->fields[i].name, "host"))
			c->fields[i].value = host;
	c->r.payload = claim->payload;
	rc = ffs_sigv4_canonical(&canon, &c->r, claim->signed_headers, claim->presigned);
	if (!rc)
		rc = ffs_sigv4_sign(
		    out, key, claim->date, claim->region, claim->service, canon.p, canon.len);
	ffs_buf_release(&canon);
	return rc;
}

static int
check_head(struct ffs_vouch *v, const struct ffs_head *h, time_t now, bool read, const char *host,
    char out[65])
{
	struct copy *c = malloc(sizeof(*c));
	unsigned char key[32];
	int rc;

	if (!c)
		return -ENOMEM;
	rc = copy_head(c, h);
	if (!rc)
		rc = check(v, c, now, read, key);
	if (!rc && host)
		rc = sign(c, host, key, out);
	explicit_bzero(key, sizeof(key));
	free(c);
	return rc;
}

int
ffs_vouch_check(struct ffs_vouch *v, const struct ffs_head *h, time_t now)
{
	return check_head(v, h, now, false, NULL, NULL);
}

int
ffs_vouch_sign(
    struct ffs_vouch *v, const struct ffs_head *h, time_t now, const char *host, char out[65])
{
	return check_head(v, h, now, false, host, out);
}

int
ffs_vouch_read(struct ffs_vouch *v, const struct ffs_head *h, time_t now)
{
	if (h->body != FFS_HEAD_NONE && !(h->body == FFS_HEAD_LENGTH && !h->length))
		return -EINVAL;
	return check_head(v, h, now, true, NULL, NULL);
}

static bool
is_field(const struct ffs_head_field *f, const char *name)
{
	return f->name.n == strlen(name) && !strncasecmp(f->name.p, name, f->name.n);
}

/* SigV4's parameter, or the one of the old scheme. */
static bool
has_signature(const struct ffs_span *target)
{
	static const char *const names[] = { "X-Amz-Signature=", "Signature=" };
	const char *end = target->p + target->n, *q = memchr(target->p, '?', target->n);
	size_t i, n;

	while (q && ++q < end) {
		for (i = 0; i < 2; i++) {
			n = strlen(names[i]);
			if ((size_t)(end - q) > n && !memcmp(q, names[i], n))
				return true;
		}
		q = memchr(q, '&', (size_t)(end - q));
	}
	return false;
}

/* What a policy may let in who is nobody by. */
static bool
is_said(const struct ffs_head_field *f)
{
	static const char *const names[] = { "referer", "forwarded", "x-forwarded-for",
		"x-real-ip" };
	size_t i;

	for (i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (is_field(f, names[i]))
			return true;
	return false;
}

void
ffs_vouch_who(struct ffs_flight_who *who, const struct ffs_head *h, bool proven)
{
	bool said = has_signature(&h->target);
	size_t i;

	*who = (struct ffs_flight_who){ .kind = FFS_FLIGHT_ANONYMOUS };
	for (i = 0; i < h->n; i++) {
		said |= is_said(&h->v[i]);
		if (is_field(&h->v[i], "authorization") || is_field(&h->v[i], "cookie") ||
		    is_field(&h->v[i], "x-amz-security-token"))
			who->kind = FFS_FLIGHT_NOBODY;
	}
	if (proven)
		who->kind = FFS_FLIGHT_PROVEN;
	else if (who->kind == FFS_FLIGHT_ANONYMOUS && said)
		who->kind = ffs_sigv4_sha256(who->request, h->all.p, h->all.n)
		                ? FFS_FLIGHT_NOBODY
		                : FFS_FLIGHT_PRESIGNED;
}
