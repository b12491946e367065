#include "common/s3/sigv4.h"

#include <ctype.h>
#include <errno.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define MAX_PARTS 1000
#define ALGORITHM "AWS4-HMAC-SHA256"

/* --- hashes --- */

int
ffs_sigv4_sha256(char out[65], const void *p, size_t n)
{
	static const char digit[] = "0123456789abcdef";
	unsigned char md[32];
	int i;

	if (!EVP_Digest(p, n, md, NULL, EVP_sha256(), NULL))
		return -EIO;
	for (i = 0; i < 32; i++) {
		out[2 * i] = digit[md[i] >> 4];
		out[2 * i + 1] = digit[md[i] & 15];
	}
	out[64] = '\0';
	return 0;
}

static int
hmac(unsigned char out[32], const void *key, size_t keylen, const char *s, size_t n)
{
	unsigned len = 32;

	if (!HMAC(EVP_sha256(), key, (int)keylen, (const unsigned char *)s, n, out, &len))
		return -EIO;
	return 0;
}

static int
hmac_hex(char out[65], const unsigned char key[32], const struct ffs_buf *text)
{
	struct ffs_buf hex = FFS_BUF_INIT;
	unsigned char mac[32];
	int rc = ffs_buf_error(text);

	if (!rc)
		rc = hmac(mac, key, 32, text->p, text->len);
	if (rc)
		return rc;
	ffs_buf_addhex(&hex, mac, sizeof(mac));
	rc = ffs_buf_error(&hex);
	if (!rc)
		memcpy(out, hex.p, 65);
	ffs_buf_release(&hex);
	return rc;
}

int
ffs_sigv4_key(unsigned char key[32], const struct ffs_sigv4_scope *s, const char *day)
{
	const char *service = s->service ? s->service : "s3";
	struct ffs_buf first = FFS_BUF_INIT;
	int rc;

	ffs_buf_adds(&first, "AWS4");
	ffs_buf_adds(&first, s->secret_key);
	rc = ffs_buf_error(&first);
	if (rc || (rc = hmac(key, first.p, first.len, day, strlen(day))) ||
	    (rc = hmac(key, key, 32, s->region, strlen(s->region))) ||
	    (rc = hmac(key, key, 32, service, strlen(service))))
		goto out;
	rc = hmac(key, key, 32, "aws4_request", strlen("aws4_request"));
out:
	if (first.p)
		OPENSSL_cleanse(first.p, first.cap);
	ffs_buf_release(&first);
	return rc;
}

bool
ffs_sigv4_same(const char *a, const char *b)
{
	size_t n = strlen(a);

	return n == strlen(b) && !CRYPTO_memcmp(a, b, n);
}

/* --- dates --- */

void
ffs_sigv4_date(char out[17], time_t t)
{
	struct tm tm;

	/* Beyond year 9999 the form has no room. */
	if (!gmtime_r(&t, &tm) || !strftime(out, 17, "%Y%m%dT%H%M%SZ", &tm))
		memcpy(out, "19700101T000000Z", 17);
}

int
ffs_sigv4_parse_date(const char *s, time_t *t)
{
	struct tm tm = { 0 };
	char again[17];
	time_t at;
	int i, v[16];

	if (strlen(s) != 16 || s[8] != 'T' || s[15] != 'Z')
		return -EINVAL;
	for (i = 0; i < 15; i++) {
		if (i != 8 && !isdigit((unsigned char)s[i]))
			return -EINVAL;
		v[i] = s[i] - '0';
	}
	tm.tm_year = v[0] * 1000 + v[1] * 100 + v[2] * 10 + v[3] - 1900;
	tm.tm_mon = v[4] * 10 + v[5] - 1;
	tm.tm_mday = v[6] * 10 + v[7];
	tm.tm_hour = v[9] * 10 + v[10];
	tm.tm_min = v[11] * 10 + v[12];
	tm.tm_sec = v[13] * 10 + v[14];
	at = timegm(&tm);
	/* timegm() takes 31 February for 3 March: what it means must be what was written. */
	ffs_sigv4_date(again, at);
	if (strcmp(again, s))
		return -EINVAL;
	*t = at;
	return 0;
}

/* --- percent encoding --- */

static bool
unreserved(unsigned char c)
{
	/* RFC 3986, section 2.3; not isalnum(), which knows more letters in some locales. */
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
	       c == '-' || c == '.' || c == '_' || c == '~';
}

void
ffs_sigv4_encode(struct ffs_buf *out, const char *s, size_t n, bool keep_slash)
{
	static const char digit[] = "0123456789ABCDEF";
	char *to = n > ((size_t)-1) / 3 ? NULL : ffs_buf_reserve(out, 3 * n);
	size_t i;

	if (!to) {
		out->err = -ENOMEM;
		return;
	}
	for (i = 0; i < n; i++) {
		unsigned char c = (unsigned char)s[i];

		if (unreserved(c) || (c == '/' && keep_slash)) {
			*to++ = (char)c;
		} else {
			*to++ = '%';
			*to++ = digit[c >> 4];
			*to++ = digit[c & 15];
		}
	}
	*to = '\0';
	out->len = (size_t)(to - out->p);
}

static int
nibble(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c = (char)(c | 32);
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

int
ffs_sigv4_decode(struct ffs_buf *out, const char *s, size_t n, bool plus)
{
	char *to = ffs_buf_reserve(out, n);
	size_t i;

	if (!to)
		return -ENOMEM;
	for (i = 0; i < n; i++) {
		int c = (unsigned char)s[i];

		if (c == '%') {
			int hi = i + 2 < n ? nibble(s[i + 1]) : -1;
			int lo = i + 2 < n ? nibble(s[i + 2]) : -1;

			if (hi < 0 || lo < 0)
				return -EINVAL;
			c = hi << 4 | lo;
			i += 2;
		} else if (c == '+' && plus) {
			c = ' ';
		}
		*to++ = (char)c;
	}
	*to = '\0';
	out->len = (size_t)(to - out->p);
	return 0;
}

/* Decode n bytes and encode them again, so that "%7e", "%7E" and "~" become one. */
static int
recode(struct ffs_buf *out, const char *s, size_t n, bool query)
{
	struct ffs_buf plain = FFS_BUF_INIT;
	int rc = ffs_sigv4_decode(&plain, s, n, query);

	if (!rc) {
		ffs_sigv4_encode(out, plain.p, plain.len, !query);
		rc = ffs_buf_error(out);
	}
	ffs_buf_release(&plain);
	return rc;
}

/* --- the canonical request --- */

struct param {
	size_t name, value, end; /* offsets in the text of all of them */
};

static int
compare_params(const void *a, const void *b, void *text)
{
	const struct param *x = a, *y = b;
	const char *t = text;
	int d;

	/* By name, then by value: comparing "name=value" would put "a-b=" before "a=". */
	d = strcmp(t + x->name, t + y->name);
	return d ? d : strcmp(t + x->value, t + y->value);
}

static int
canonical_query(struct ffs_buf *out, const char *q, bool skip_signature)
{
	struct ffs_buf text = FFS_BUF_INIT;
	struct param *v = NULL, *p;
	size_t n = 0, i, len, max = 1;
	const char *eq;
	int rc = 0;

	if (!q || !*q)
		return 0;
	for (i = 0; q[i]; i++)
		max += q[i] == '&';
	if (max > MAX_PARTS)
		return -EINVAL;
	v = calloc(max, sizeof(*v));
	if (!v)
		return -ENOMEM;
	for (;; q += len + 1) {
		len = strcspn(q, "&");
		if (len) {
			eq = memchr(q, '=', len);
			p = &v[n++];
			p->name = text.len;
			rc = recode(&text, q, eq ? (size_t)(eq - q) : len, true);
			if (rc)
				goto out;
			ffs_buf_addc(&text, '\0');
			p->value = text.len;
			rc = eq ? recode(&text, eq + 1, len - (size_t)(eq + 1 - q), true) : 0;
			if (rc)
				goto out;
			ffs_buf_addc(&text, '\0');
			rc = ffs_buf_error(&text);
			if (rc)
				goto out;
			if (skip_signature && !strcmp(text.p + p->name, "X-Amz-Signature"))
				n--;
		}
		if (!q[len])
			break;
	}
	if (n)
		qsort_r(v, n, sizeof(*v), compare_params, text.p);
	for (i = 0; i < n; i++) {
		if (i)
			ffs_buf_addc(out, '&');
		ffs_buf_adds(out, text.p + v[i].name);
		ffs_buf_addc(out, '=');
		ffs_buf_adds(out, text.p + v[i].value);
	}
	rc = ffs_buf_error(out);
out:
	ffs_buf_release(&text);
	free(v);
	return rc;
}

/* Trimmed, runs of white space (also of a folded line) as one space. */
static void
canonical_value(struct ffs_buf *out, const char *s)
{
	static const char white[] = " \t\r\n";
	size_t n;
	bool first = true;

	for (;;) {
		s += strspn(s, white);
		n = strcspn(s, white);
		if (!n)
			return;
		if (!first)
			ffs_buf_addc(out, ' ');
		ffs_buf_add(out, s, n);
		first = false;
		s += n;
	}
}

/* One "name:value,value" line; fields given twice are joined in their order. */
static void
canonical_field(
    struct ffs_buf *out, const struct ffs_sigv4_request *r, const char *name, size_t len)
{
	bool more = false;
	size_t i;

	ffs_buf_add(out, name, len);
	ffs_buf_addc(out, ':');
	for (i = 0; i < r->nfields; i++) {
		if (strncasecmp(r->fields[i].name, name, len) || r->fields[i].name[len])
			continue;
		if (more)
			ffs_buf_addc(out, ',');
		canonical_value(out, r->fields[i].value);
		more = true;
	}
	ffs_buf_addc(out, '\n');
}

static int
compare_names(const void *a, const void *b)
{
	return strcasecmp(*(const char *const *)a, *(const char *const *)b);
}

/* The names of all fields: sorted, lower case, each once, ';' between. */
static int
all_names(struct ffs_buf *out, const struct ffs_sigv4_request *r)
{
	const char **v;
	size_t i, k;

	if (!r->nfields || r->nfields > MAX_PARTS)
		return -EINVAL;
	v = calloc(r->nfields, sizeof(*v));
	if (!v)
		return -ENOMEM;
	for (i = 0; i < r->nfields; i++)
		v[i] = r->fields[i].name;
	qsort(v, r->nfields, sizeof(*v), compare_names);
	for (i = 0; i < r->nfields; i++) {
		if (i && !strcasecmp(v[i - 1], v[i]))
			continue;
		if (!*v[i]) {
			free(v);
			return -EINVAL;
		}
		if (i)
			ffs_buf_addc(out, ';');
		for (k = 0; v[i][k]; k++)
			ffs_buf_addc(out, (char)tolower((unsigned char)v[i][k]));
	}
	free(v);
	return ffs_buf_error(out);
}

int
ffs_sigv4_canonical(struct ffs_buf *out, const struct ffs_sigv4_request *r,
    const char *signed_headers, bool skip_signature)
{
	struct ffs_buf names = FFS_BUF_INIT;
	const char *at;
	size_t len;
	int rc = 0;

	if (!signed_headers) {
		rc = all_names(&names, r);
		if (rc)
			goto out;
		signed_headers = names.p;
	}
	ffs_buf_adds(out, r->method);
	ffs_buf_addc(out, '\n');
	rc = recode(out, r->path, strlen(r->path), false);
	if (rc)
		goto out;
	ffs_buf_addc(out, '\n');
	rc = canonical_query(out, r->query, skip_signature);
	if (rc)
		goto out;
	ffs_buf_addc(out, '\n');
	for (at = signed_headers; *at; at += len + (at[len] == ';')) {
		len = strcspn(at, ";");
		canonical_field(out, r, at, len);
	}
	ffs_buf_addc(out, '\n');
	ffs_buf_adds(out, signed_headers);
	ffs_buf_addc(out, '\n');
	ffs_buf_adds(out, r->payload ? r->payload : FFS_SIGV4_UNSIGNED);
	rc = ffs_buf_error(out);
out:
	ffs_buf_release(&names);
	return rc;
}

/* --- signing --- */

int
ffs_sigv4_sign(char out[65], const unsigned char key[32], const char *date, const char *region,
    const char *service, const char *canonical, size_t n)
{
	struct ffs_buf text = FFS_BUF_INIT;
	char hash[65];
	int rc = ffs_sigv4_sha256(hash, canonical, n);

	if (rc)
		return rc;
	ffs_buf_addf(&text, ALGORITHM "\n%s\n%.8s/%s/%s/aws4_request\n%s", date, date, region,
	    service, hash);
	rc = hmac_hex(out, key, &text);
	ffs_buf_release(&text);
	return rc;
}

int
ffs_sigv4_chunk(char out[65], const unsigned char key[32], const struct ffs_sigv4_claim *c,
    const char *kind, const char *prev, const char *hash)
{
	struct ffs_buf text = FFS_BUF_INIT;
	int rc;

	ffs_buf_addf(&text, "%s\n%s\n%s/%s/%s/aws4_request\n%s\n", kind, c->date, c->day, c->region,
	    c->service, prev);
	/* A chunk has room for the hash of its (empty) headers; the trailer has not. */
	if (!strcmp(kind, ALGORITHM "-PAYLOAD"))
		ffs_buf_adds(&text, FFS_SIGV4_EMPTY "\n");
	ffs_buf_adds(&text, hash);
	rc = hmac_hex(out, key, &text);
	ffs_buf_release(&text);
	return rc;
}

/* Signature of r at date, with the caller's key or one derived here. */
static int
sign_request(char sig[65], const struct ffs_sigv4_request *r, const struct ffs_sigv4_scope *s,
    const char *names, const char *date)
{
	const char *service = s->service ? s->service : "s3";
	const unsigned char *key = s->signing_key;
	struct ffs_buf canon = FFS_BUF_INIT;
	unsigned char own[32];
	char day[9] = "";
	int rc = 0;

	memcpy(day, date, 8);
	if (!key)
		rc = ffs_sigv4_key(own, s, day);
	if (!rc)
		rc = ffs_sigv4_canonical(&canon, r, names, false);
	if (!rc)
		rc = ffs_sigv4_sign(
		    sig, key ? key : own, date, s->region, service, canon.p, canon.len);
	OPENSSL_cleanse(own, sizeof(own));
	ffs_buf_release(&canon);
	return rc;
}

int
ffs_sigv4_authorize(struct ffs_buf *out, const struct ffs_sigv4_request *r,
    const struct ffs_sigv4_scope *s, time_t now)
{
	struct ffs_buf names = FFS_BUF_INIT;
	char date[17], sig[65];
	int rc;

	ffs_sigv4_date(date, now);
	rc = all_names(&names, r);
	if (!rc)
		rc = sign_request(sig, r, s, names.p, date);
	if (rc)
		goto out;
	ffs_buf_addf(out,
	    ALGORITHM " Credential=%s/%.8s/%s/%s/aws4_request, SignedHeaders=%s, Signature=%s",
	    s->access_key, date, s->region, s->service ? s->service : "s3", names.p, sig);
	rc = ffs_buf_error(out);
out:
	ffs_buf_release(&names);
	return rc;
}

int
ffs_sigv4_presign(struct ffs_buf *out, const struct ffs_sigv4_request *r,
    const struct ffs_sigv4_scope *s, time_t now, unsigned expires)
{
	const char *service = s->service ? s->service : "s3";
	struct ffs_sigv4_request signed_r = *r;
	struct ffs_buf q = FFS_BUF_INIT, scope = FFS_BUF_INIT;
	char date[17], sig[65];
	int rc;

	if (!expires || expires > 604800)
		return -EINVAL;
	ffs_sigv4_date(date, now);
	ffs_buf_addf(&scope, "%s/%.8s/%s/%s/aws4_request", s->access_key, date, s->region, service);
	rc = ffs_buf_error(&scope);
	if (rc)
		goto out;
	if (r->query && *r->query)
		ffs_buf_addf(&q, "%s&", r->query);
	ffs_buf_adds(&q, "X-Amz-Algorithm=" ALGORITHM "&X-Amz-Credential=");
	ffs_sigv4_encode(&q, scope.p, scope.len, false);
	ffs_buf_addf(&q, "&X-Amz-Date=%s&X-Amz-Expires=%u", date, expires);
	if (s->token) {
		ffs_buf_adds(&q, "&X-Amz-Security-Token=");
		ffs_sigv4_encode(&q, s->token, strlen(s->token), false);
	}
	ffs_buf_adds(&q, "&X-Amz-SignedHeaders=host");
	rc = ffs_buf_error(&q);
	if (rc)
		goto out;
	signed_r.query = q.p;
	rc = sign_request(sig, &signed_r, s, "host", date);
	if (rc)
		goto out;
	ffs_buf_add(out, q.p, q.len);
	ffs_buf_addf(out, "&X-Amz-Signature=%s", sig);
	rc = ffs_buf_error(out);
out:
	ffs_buf_release(&q);
	ffs_buf_release(&scope);
	return rc;
}
