#include "common/gate/resign.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "common/gate/ask.h"

struct ffs_resign {
	struct ffs_vouch *vouch;
	char *host; /* as it is in Host: with a port where that is not the scheme's own */
	const char *hosts[2];
};

int
ffs_resign_new(struct ffs_resign **out, struct ffs_vouch *v, const struct ffs_endpoint *ep,
    bool asked, char **why)
{
	const char *host = strstr(ep->url, "://");
	struct ffs_resign *r;

	*out = NULL;
	if (!asked && !ep->aws)
		return 0;
	if (!ep->access_key || !ep->secret_key) {
		if (asked)
			*why = strdup("no credentials for the store to sign requests anew with");
		return asked ? -EPERM : 0;
	}
	if (!host)
		return -EINVAL;
	r = calloc(1, sizeof(*r));
	if (!r)
		return -ENOMEM;
	r->vouch = v;
	r->hosts[0] = r->host = strdup(host + 3);
	if (!r->host) {
		free(r);
		return -ENOMEM;
	}
	*out = r;
	return 0;
}

void
ffs_resign_free(struct ffs_resign *r)
{
	if (!r)
		return;
	free(r->host);
	free(r);
}

/* What is behind name, up to one of ends, in a text that such divide.  p NULL: it is not there. */
static struct ffs_span
part(const struct ffs_span *text, const char *name, const char *ends)
{
	const char *p = text->p, *end = text->p + text->n, *next;
	size_t n = strlen(name);

	for (; p < end; p = next + 1) {
		for (next = p; next < end && !strchr(ends, *next);)
			next++;
		if ((size_t)(next - p) >= n && !memcmp(p, name, n))
			return (struct ffs_span){ p + n, (size_t)(next - p) - n };
	}
	return (struct ffs_span){ NULL, 0 };
}

/* Where the signature is: in the header, or in the query.  vouch.h has seen that it is in one. */
static struct ffs_span
signature(const struct ffs_head *h)
{
	const struct ffs_span *auth = ffs_head_get(h, "Authorization", NULL);
	const char *query = memchr(h->target.p, '?', h->target.n);
	struct ffs_span q = { NULL, 0 };

	if (auth)
		return part(auth, "Signature=", " \t,");
	if (!query++)
		return q;
	q = (struct ffs_span){ query, (size_t)(h->target.p + h->target.n - query) };
	return part(&q, "X-Amz-Signature=", "&");
}

int
ffs_resign_head(
    const struct ffs_resign *r, struct ffs_buf *out, const struct ffs_head *h, time_t now)
{
	const struct ffs_span *host = ffs_head_get(h, "Host", NULL);
	const char *from = h->all.p, *end = h->all.p + h->all.n, *text;
	struct ffs_span sig, at;
	char fresh[65];
	int rc, i;

	if (!host || ffs_ask_label(host, r->hosts))
		return -EXDEV;
	if (ffs_span_is(host, r->host))
		return -EALREADY;
	rc = ffs_vouch_sign(r->vouch, h, now, r->host, fresh);
	if (rc)
		return rc;
	sig = signature(h);
	if (!sig.p)
		return -EINVAL;
	for (i = 0; i < 2; i++) {
		text = (i == 0) == (host->p < sig.p) ? r->host : fresh;
		at = text == fresh ? sig : *host;
		ffs_buf_add(out, from, (size_t)(at.p - from));
		ffs_buf_adds(out, text);
		from = at.p + at.n;
	}
	ffs_buf_add(out, from, (size_t)(end - from));
	return ffs_buf_error(out);
}

const char *
ffs_resign_why(int rc)
{
	switch (rc) {
	case 0:
	case -EALREADY:
		return NULL;
	case -ENOENT:
		return "it is not signed";
	case -EXDEV:
		return "its Host may have a bucket in it";
	case -ENOKEY:
		return "it is signed with another key, or for another session";
	case -EACCES:
		return "its signature is not what the secret key gives";
	case -ETIME:
	case -EKEYEXPIRED:
		return "it is not in time";
	default:
		return "its signature is none of SigV4 for S3, or leaves fields out";
	}
}
