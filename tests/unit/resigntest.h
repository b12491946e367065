#ifndef FFS_RESIGNTEST_H
#define FFS_RESIGNTEST_H

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "common/gate/head.h"
#include "common/s3/sigv4.h"

/*
 * A request as its client would sign it for one host or another.  Whoever signs what was signed for
 * the one anew has to have, byte for byte, what was signed for the other.
 */
#define RESIGN_T0 1369353600 /* 2013-05-24T00:00:00Z */
#define RESIGN_KEY "AKIAIOSFODNN7EXAMPLE"
#define RESIGN_SECRET "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"

/* Where the signature is: a field behind Host, one before it, the query. */
enum resign_how { RESIGN_LAST, RESIGN_FIRST, RESIGN_QUERY, RESIGN_HOWS };

struct resign_text {
	struct ffs_sigv4_field v[FFS_HEAD_FIELDS + 3];
	char *owned[2 * FFS_HEAD_FIELDS + 2];
	size_t n, nowned;
	struct ffs_sigv4_request r;
	struct ffs_sigv4_scope s;
};

static inline char *
resign_keep(struct resign_text *t, const struct ffs_span *s)
{
	return t->owned[t->nowned++] = strndup(s->n ? s->p : "", s->n);
}

/* Is the field one that signing brings, or one that a presigned request must not have besides. */
static inline bool
resign_added(const struct ffs_span *name, enum resign_how how)
{
	return ffs_span_is(name, "host") || ffs_span_is(name, "authorization") ||
	       ffs_span_is(name, "x-amz-date") || ffs_span_is(name, "x-amz-content-sha256") ||
	       ffs_span_is(name, "x-amz-security-token") ||
	       (how == RESIGN_QUERY && name->n > 5 && !strncasecmp(name->p, "x-amz-", 6));
}

static inline bool
resign_signed(const struct ffs_span *name)
{
	return ffs_span_is(name, "content-type") ||
	       (name->n > 5 && !strncasecmp(name->p, "x-amz-", 6));
}

static inline void
resign_take(struct resign_text *t, const struct ffs_head *h, const char *host, enum resign_how how)
{
	size_t i;

	*t = (struct resign_text){ .s = { .access_key = RESIGN_KEY,
				       .secret_key = RESIGN_SECRET,
				       .region = "eu-west-1" } };
	t->v[t->n++] = (struct ffs_sigv4_field){ "Host", host };
	t->v[t->n++] = (struct ffs_sigv4_field){ "x-amz-date", "20130524T000000Z" };
	t->v[t->n++] = (struct ffs_sigv4_field){ "x-amz-content-sha256",
		"STREAMING-UNSIGNED-PAYLOAD-TRAILER" };
	for (i = 0; i < h->n; i++)
		if (!resign_added(&h->v[i].name, how) && resign_signed(&h->v[i].name))
			t->v[t->n++] = (struct ffs_sigv4_field){ resign_keep(t, &h->v[i].name),
				resign_keep(t, &h->v[i].value) };
	t->r = (struct ffs_sigv4_request){ .method = resign_keep(t, &h->method),
		.path = resign_keep(t, &h->target),
		.fields = t->v,
		.nfields = t->n,
		.payload = how == RESIGN_QUERY ? NULL : t->v[2].value };
	t->r.query = strchr(t->r.path, '?');
	if (t->r.query) {
		t->owned[t->nowned - 1][t->r.query - t->r.path] = '\0';
		t->r.query++;
	}
}

/* The head h, but for what it says of signing, signed for host.  0 or what signing says. */
static inline int
resign_head(struct ffs_buf *out, const struct ffs_head *h, const char *host, enum resign_how how)
{
	struct ffs_buf sig = FFS_BUF_INIT;
	struct resign_text t;
	size_t i;
	int rc;

	resign_take(&t, h, host, how);
	rc = how == RESIGN_QUERY ? ffs_sigv4_presign(&sig, &t.r, &t.s, RESIGN_T0, 60)
	                         : ffs_sigv4_authorize(&sig, &t.r, &t.s, RESIGN_T0);
	ffs_buf_addf(out, "%s %s", t.r.method, t.r.path);
	if (!rc && how == RESIGN_QUERY)
		ffs_buf_addf(out, "?%s", sig.p);
	else if (t.r.query)
		ffs_buf_addf(out, "?%s", t.r.query);
	ffs_buf_adds(out, " HTTP/1.1\r\n");
	if (!rc && how == RESIGN_FIRST)
		ffs_buf_addf(out, "AUTHORIZATION: %s\r\n", sig.p);
	ffs_buf_addf(out, "hOst:   %s \r\n", host);
	for (i = 0; i < h->n; i++)
		if (!resign_added(&h->v[i].name, how)) {
			ffs_buf_add(out, h->v[i].name.p, h->v[i].name.n);
			ffs_buf_adds(out, ": ");
			ffs_buf_add(out, h->v[i].value.p, h->v[i].value.n);
			ffs_buf_adds(out, "\r\n");
		}
	for (i = 1; how != RESIGN_QUERY && i < 3; i++)
		ffs_buf_addf(out, "%s: %s\r\n", t.v[i].name, t.v[i].value);
	if (!rc && how == RESIGN_LAST)
		ffs_buf_addf(out, "Authorization: %s\r\nUser-Agent: a, Signature=b\r\n", sig.p);
	ffs_buf_adds(out, "\r\n");
	for (i = 0; i < t.nowned; i++)
		free(t.owned[i]);
	ffs_buf_release(&sig);
	return rc ? rc : ffs_buf_error(out);
}

#endif
