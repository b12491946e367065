#include "common/s3/sigv4.h"

#include <errno.h>
#include <openssl/crypto.h>
#include <string.h>
#include <strings.h>

#include "common/base/opt.h"

#define ALGORITHM "AWS4-HMAC-SHA256"
#define SKEW                                                                                       \
	900 /* seconds; https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html        \
	     */

/* The value of a field; *many where it is given more than once. */
static const char *
field(const struct ffs_sigv4_request *r, const char *name, bool *many)
{
	const char *found = NULL;
	size_t i;

	for (i = 0; i < r->nfields; i++) {
		if (strcasecmp(r->fields[i].name, name))
			continue;
		if (found && many)
			*many = true;
		if (!found)
			found = r->fields[i].value;
	}
	return found;
}

static int
copy(char *to, size_t size, const char *s, size_t n)
{
	if (!n || n >= size || memchr(s, '\0', n))
		return -EINVAL;
	memcpy(to, s, n);
	to[n] = '\0';
	return 0;
}

/* "KEY/20130524/us-east-1/s3/aws4_request".  The access key is what is left: it may hold '/'. */
static int
parse_credential(struct ffs_sigv4_claim *c, const char *s, size_t n)
{
	const char *part[5];
	size_t len[5], end = n, i = n;
	int k = 4;

	for (; k > 0; k--) {
		while (i && s[i - 1] != '/')
			i--;
		if (!i)
			return -EINVAL;
		part[k] = s + i;
		len[k] = end - i;
		end = --i;
	}
	if (len[4] != 12 || memcmp(part[4], "aws4_request", 12) || len[1] != 8)
		return -EINVAL;
	if (copy(c->access_key, sizeof(c->access_key), s, end) ||
	    copy(c->day, sizeof(c->day), part[1], len[1]) ||
	    copy(c->region, sizeof(c->region), part[2], len[2]) ||
	    copy(c->service, sizeof(c->service), part[3], len[3]))
		return -EINVAL;
	return 0;
}

static int
parse_signature(struct ffs_sigv4_claim *c, const char *s, size_t n)
{
	if (n != 64 || strspn(s, "0123456789abcdef") < 64)
		return -EINVAL;
	return copy(c->signature, sizeof(c->signature), s, n);
}

/* Names of RFC 9110 tokens in lower case with ';' between, none empty. */
static int
parse_names(struct ffs_sigv4_claim *c, const char *s, size_t n)
{
	static const char ok[] = "abcdefghijklmnopqrstuvwxyz0123456789-_.!#$%&'*+^`|~;";
	size_t i;

	if (copy(c->signed_headers, sizeof(c->signed_headers), s, n))
		return -EINVAL;
	if (strspn(c->signed_headers, ok) != n || s[0] == ';' || s[n - 1] == ';')
		return -EINVAL;
	for (i = 1; i < n; i++)
		if (s[i] == ';' && s[i - 1] == ';')
			return -EINVAL;
	return 0;
}

/* "Credential=..., SignedHeaders=..., Signature=..." in any order, each once. */
static int
parse_authorization(struct ffs_sigv4_claim *c, const char *s)
{
	static const struct {
		const char *name;
		int (*parse)(struct ffs_sigv4_claim *, const char *, size_t);
	} parts[] = { { "Credential=", parse_credential }, { "SignedHeaders=", parse_names },
		{ "Signature=", parse_signature } };
	unsigned seen = 0, i;
	size_t n, len;

	for (;;) {
		s += strspn(s, " \t,");
		if (!*s)
			return seen == 7 ? 0 : -EINVAL;
		n = strcspn(s, " \t,");
		for (i = 0; i < 3; i++) {
			len = strlen(parts[i].name);
			if (n > len && !memcmp(s, parts[i].name, len))
				break;
		}
		if (i == 3 || seen & 1U << i || parts[i].parse(c, s + len, n - len))
			return -EINVAL;
		seen |= 1U << i;
		s += n;
	}
}

/*
 * A query parameter, decoded into out.  Returns its length, -ENOENT, or -EINVAL where it is
 * broken, too long, holds a NUL, or is given twice.
 */
static int
param(const char *q, const char *name, char *out, size_t size)
{
	struct ffs_buf text = FFS_BUF_INIT;
	size_t n = strlen(name), len;
	int rc = -ENOENT;

	out[0] = '\0';
	for (; q && *q; q += len + (q[len] == '&')) {
		len = strcspn(q, "&");
		if (len <= n || memcmp(q, name, n) || q[n] != '=')
			continue;
		if (rc != -ENOENT || ffs_sigv4_decode(&text, q + n + 1, len - n - 1, true) ||
		    copy(out, size, text.p, text.len)) {
			rc = -EINVAL;
			break;
		}
		rc = (int)text.len;
	}
	ffs_buf_release(&text);
	return rc;
}

static int
parse_query(struct ffs_sigv4_claim *c, const char *q)
{
	char text[2048];
	uint64_t expires;
	int n;

	n = param(q, "X-Amz-Credential", text, sizeof(text));
	if (n < 0 || parse_credential(c, text, (size_t)n))
		return -EINVAL;
	n = param(q, "X-Amz-SignedHeaders", text, sizeof(text));
	if (n <= 0 || parse_names(c, text, (size_t)n))
		return -EINVAL;
	n = param(q, "X-Amz-Signature", text, sizeof(text));
	if (n < 0 || parse_signature(c, text, (size_t)n))
		return -EINVAL;
	n = param(q, "X-Amz-Expires", text, sizeof(text));
	if (n < 0 || ffs_opt_uint(text, 1, 604800, &expires))
		return -EINVAL;
	c->expires = (unsigned)expires;
	if (param(q, "X-Amz-Date", c->date, sizeof(c->date)) < 0)
		return -EINVAL;
	c->presigned = true;
	return 0;
}

/* The time of a header-signed request: x-amz-date, else Date in either form. */
static int
parse_header_date(struct ffs_sigv4_claim *c, const struct ffs_sigv4_request *r)
{
	const char *s = field(r, "x-amz-date", NULL), *end;
	struct tm tm = { 0 };
	time_t t;

	if (!s)
		s = field(r, "date", NULL);
	if (!s)
		return -EINVAL;
	if (ffs_sigv4_parse_date(s, &t)) {
		end = strptime(s, "%a, %d %b %Y %H:%M:%S GMT", &tm);
		if (!end || *end)
			return -EINVAL;
		t = timegm(&tm);
	}
	ffs_sigv4_date(c->date, t);
	return 0;
}

/* What the signature says of the body: the header, else the presigned parameter. */
static int
parse_payload(struct ffs_sigv4_claim *c, const struct ffs_sigv4_request *r)
{
	bool many = false;
	const char *s = field(r, "x-amz-content-sha256", &many);
	int n;

	if (many)
		return -EINVAL;
	if (s)
		return copy(c->payload, sizeof(c->payload), s, strlen(s));
	if (!c->presigned)
		return -EINVAL;
	n = param(r->query, "X-Amz-Content-Sha256", c->payload, sizeof(c->payload));
	if (n == -ENOENT)
		return copy(
		    c->payload, sizeof(c->payload), FFS_SIGV4_UNSIGNED, strlen(FFS_SIGV4_UNSIGNED));
	return n < 0 ? n : 0;
}

int
ffs_sigv4_claim_parse(struct ffs_sigv4_claim *c, const struct ffs_sigv4_request *r)
{
	char text[64];
	bool many = false;
	const char *auth = field(r, "authorization", &many);
	int in_query = param(r->query, "X-Amz-Algorithm", text, sizeof(text));
	size_t n;
	time_t t;

	memset(c, 0, sizeof(*c));
	if (!auth && in_query == -ENOENT)
		return param(r->query, "AWSAccessKeyId", text, sizeof(text)) == -ENOENT
		           ? -ENOENT
		           : -EOPNOTSUPP;
	if (many || (auth && in_query != -ENOENT))
		return -EINVAL;
	if (auth) {
		auth += strspn(auth, " \t");
		n = strcspn(auth, " \t");
		if (n != strlen(ALGORITHM) || memcmp(auth, ALGORITHM, n))
			return -EOPNOTSUPP;
		if (parse_authorization(c, auth + n) || parse_header_date(c, r))
			return -EINVAL;
	} else {
		if (in_query < 0)
			return -EINVAL;
		if (strcmp(text, ALGORITHM))
			return -EOPNOTSUPP;
		if (parse_query(c, r->query))
			return -EINVAL;
	}
	if (ffs_sigv4_parse_date(c->date, &t) || memcmp(c->day, c->date, 8))
		return -EINVAL;
	return parse_payload(c, r);
}

static bool
listed(const char *names, const char *name)
{
	size_t n;

	for (; *names; names += n + (names[n] == ';')) {
		n = strcspn(names, ";");
		if (!strncasecmp(names, name, n) && !name[n])
			return true;
	}
	return false;
}

/* Fields that change what a request does must not be addable by whoever forwards it. */
static int
check_signed(const struct ffs_sigv4_claim *c, const struct ffs_sigv4_request *r)
{
	size_t i;

	if (!listed(c->signed_headers, "host"))
		return -EINVAL;
	for (i = 0; i < r->nfields; i++)
		if (!strncasecmp(r->fields[i].name, "x-amz-", 6) &&
		    !listed(c->signed_headers, r->fields[i].name))
			return -EINVAL;
	return 0;
}

int
ffs_sigv4_verify(const struct ffs_sigv4_claim *c, const struct ffs_sigv4_request *r,
    const char *secret_key, const unsigned char *signing_key, time_t now)
{
	struct ffs_sigv4_scope s = { .access_key = c->access_key,
		.secret_key = secret_key,
		.region = c->region,
		.service = c->service };
	struct ffs_sigv4_request as_claimed = *r;
	struct ffs_buf canon = FFS_BUF_INIT;
	unsigned char own[32] = { 0 };
	char sig[65];
	time_t t;
	int rc = ffs_sigv4_parse_date(c->date, &t);

	if (!rc)
		rc = check_signed(c, r);
	if (rc)
		return rc;
	if (t > now + SKEW || (!c->presigned && t < now - SKEW))
		return -ETIME;
	if (c->presigned && now - t > (time_t)c->expires)
		return -EKEYEXPIRED;
	if (!signing_key) {
		rc = ffs_sigv4_key(own, &s, c->day);
		if (rc)
			goto out;
		signing_key = own;
	}
	as_claimed.payload = c->payload;
	rc = ffs_sigv4_canonical(&canon, &as_claimed, c->signed_headers, c->presigned);
	if (rc)
		goto out;
	rc = ffs_sigv4_sign(sig, signing_key, c->date, c->region, c->service, canon.p, canon.len);
	if (!rc && !ffs_sigv4_same(sig, c->signature))
		rc = -EACCES;
out:
	OPENSSL_cleanse(own, sizeof(own));
	ffs_buf_release(&canon);
	return rc;
}
