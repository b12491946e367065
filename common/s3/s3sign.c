#include "common/s3/s3impl.h"

#include <errno.h>
#include <openssl/crypto.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "common/base/crc32c.h"
#include "common/s3/curl.h"

/* May a bucket's name be a host's first label?  Dots would not match the certificate. */
static bool
dns_label(const char *s)
{
	size_t n = strlen(s);

	return n >= 3 && n <= 63 && strspn(s, "abcdefghijklmnopqrstuvwxyz0123456789-") == n &&
	       s[0] != '-' && s[n - 1] != '-';
}

static int
build_url(struct ffs_s3_call *c)
{
	const char *bucket = c->q.bucket, *key = c->q.key;
	const struct ffs_s3 *s3 = c->s3;
	struct ffs_buf path = FFS_BUF_INIT, host = FFS_BUF_INIT, url = FFS_BUF_INIT;
	bool by_host = bucket && !s3->ep.path_style && dns_label(bucket);

	if (by_host)
		ffs_buf_addf(&host, "%s.", bucket);
	ffs_buf_adds(&host, s3->host);
	ffs_buf_addc(&path, '/');
	if (bucket && !by_host)
		ffs_sigv4_encode(&path, bucket, strlen(bucket), false);
	if (key && !by_host)
		ffs_buf_addc(&path, '/');
	if (key)
		ffs_sigv4_encode(&path, key, strlen(key), true);
	c->host = ffs_buf_detach(&host);
	c->path = ffs_buf_detach(&path);
	if (c->host && c->path)
		ffs_buf_addf(&url, "%s://%s%s%s%s", s3->tls ? "https" : "http", c->host, c->path,
		    c->query ? "?" : "", c->query ? c->query : "");
	c->url = ffs_buf_detach(&url);
	return c->host && c->path && c->url ? 0 : -ENOMEM;
}

static bool
is_signed(const char *name)
{
	return !strncasecmp(name, "x-amz-", 6) || !strcasecmp(name, "content-md5") ||
	       !strcasecmp(name, "content-type");
}

/* RFC 9110: a token and a value without control bytes. */
static bool
field_ok(const struct ffs_s3_field *f)
{
	static const char token[] = "!#$%&'*+-.^_`|~0123456789"
				    "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";
	const char *v = f->value;

	if (!*f->name || strspn(f->name, token) != strlen(f->name))
		return false;
	for (; *v; v++)
		if (((unsigned char)*v < 32 && *v != '\t') || *v == 127)
			return false;
	return true;
}

static int
add_field(struct ffs_s3_call *c, const char *name, const char *value)
{
	struct ffs_sigv4_field *f = &c->fields[c->nfields++];

	f->name = strdup(name);
	f->value = strdup(value);
	return f->name && f->value ? 0 : -ENOMEM;
}

/* The caller's fields and ours that do not change from attempt to attempt. */
static int
copy_fields(struct ffs_s3_call *c)
{
	const struct ffs_s3_request *q = &c->q;
	int pass, rc = 0;
	char crc[9];
	size_t i;

	for (i = 0; i < q->nfields; i++)
		if (!field_ok(&q->fields[i]))
			return -EINVAL;
	c->fields = calloc(q->nfields + 2, sizeof(*c->fields));
	if (!c->fields)
		return -ENOMEM;
	if (q->crc32c) {
		ffs_crc32c_base64(*q->crc32c, crc);
		rc = add_field(c, "x-amz-checksum-crc32c", crc);
	}
	if (!rc && q->verify)
		rc = add_field(c, "x-amz-checksum-mode", "ENABLED");
	for (pass = 1; pass >= 0; pass--) {
		for (i = 0; !rc && i < q->nfields; i++)
			if (is_signed(q->fields[i].name) == pass)
				rc = add_field(c, q->fields[i].name, q->fields[i].value);
		if (pass)
			c->nsigned = c->nfields;
	}
	return rc;
}

int
ffs_s3_call_prepare(struct ffs_s3_call *c)
{
	const struct ffs_s3_request *q = &c->q;
	int rc;

	if (!q->method || (q->bucket && !*q->bucket) || (q->key && (!*q->key || !q->bucket)))
		return -EINVAL;
	c->method = strdup(q->method);
	c->query = q->query && *q->query ? strdup(q->query) : NULL;
	if (!c->method || (q->query && *q->query && !c->query))
		return -ENOMEM;
	rc = build_url(c);
	if (!rc)
		rc = copy_fields(c);
	if (rc)
		return rc;
	/*
	 * Where nobody between can change the body (TLS, loopback) its hash is not worth the time,
	 * least of all beside a checksum that the store compares.
	 */
	if (!q->body_len)
		memcpy(c->payload, FFS_SIGV4_EMPTY, sizeof(c->payload));
	else if (!c->s3->tls && !c->s3->loopback)
		rc = ffs_sigv4_sha256(c->payload, q->body, q->body_len);
	return rc;
}

static int
add_line(struct ffs_s3_call *c, const char *name, const char *value)
{
	struct ffs_buf line = FFS_BUF_INIT;
	struct curl_slist *list;

	/* libcurl: "name:" would remove a header, "name;" sends an empty one. */
	ffs_buf_addf(&line, *value ? "%s: %s" : "%s;", name, value);
	list = line.p ? curl_slist_append(c->list, line.p) : NULL;
	ffs_buf_release(&line);
	if (!list)
		return -ENOMEM;
	c->list = list;
	return 0;
}

/* The scope of a request at date, with the day's key. */
static int
signing_scope(struct ffs_s3 *s3, const char *date, struct ffs_sigv4_scope *s)
{
	char day[9] = "";
	int rc;

	*s = (struct ffs_sigv4_scope){ .access_key = s3->ep.access_key,
		.secret_key = s3->ep.secret_key,
		.token = s3->ep.token,
		.region = s3->ep.region };
	memcpy(day, date, 8);
	if (strcmp(day, s3->day)) {
		rc = ffs_sigv4_key(s3->key, s, day);
		if (rc)
			return rc;
		memcpy(s3->day, day, sizeof(day));
	}
	s->signing_key = s3->key;
	return 0;
}

/* Authorization and what it covers. */
static int
add_signature(struct ffs_s3_call *c)
{
	struct ffs_sigv4_field *v = calloc(c->nsigned + 4, sizeof(*v));
	const char *payload = c->payload[0] ? c->payload : FFS_SIGV4_UNSIGNED;
	struct ffs_sigv4_request r = { .method = c->method,
		.path = c->path,
		.query = c->query,
		.fields = v,
		.payload = payload };
	time_t now = time(NULL) + c->s3->clock_ahead;
	struct ffs_buf auth = FFS_BUF_INIT;
	struct ffs_sigv4_scope scope;
	char date[17];
	size_t i;
	int rc;

	if (!v)
		return -ENOMEM;
	ffs_sigv4_date(date, now);
	rc = signing_scope(c->s3, date, &scope);
	if (rc)
		goto out;
	v[r.nfields++] = (struct ffs_sigv4_field){ "x-amz-date", date };
	v[r.nfields++] = (struct ffs_sigv4_field){ "x-amz-content-sha256", payload };
	if (scope.token)
		v[r.nfields++] = (struct ffs_sigv4_field){ "x-amz-security-token", scope.token };
	for (i = 0; !rc && i < r.nfields; i++)
		rc = add_line(c, v[i].name, v[i].value);
	v[r.nfields++] = (struct ffs_sigv4_field){ "host", c->host };
	memcpy(v + r.nfields, c->fields, c->nsigned * sizeof(*v));
	r.nfields += c->nsigned;
	if (!rc)
		rc = ffs_sigv4_authorize(&auth, &r, &scope, now);
	if (!rc)
		rc = add_line(c, "Authorization", auth.p);
out:
	ffs_buf_release(&auth);
	free(v);
	return rc;
}

int
ffs_s3_call_sign(struct ffs_s3_call *c)
{
	size_t i;
	int rc;

	if (!ffs_curl_load())
		return -ELIBACC;
	curl_slist_free_all(c->list);
	c->list = NULL;
	c->list = curl_slist_append(NULL, "Accept:");
	/* No "100 Continue": a chunk is sent in less than its round trip. */
	rc = c->list && curl_slist_append(c->list, "Expect:") ? 0 : -ENOMEM;
	if (!rc && c->s3->ep.access_key)
		rc = add_signature(c);
	for (i = 0; !rc && i < c->nfields; i++)
		rc = add_line(c, c->fields[i].name, c->fields[i].value);
	c->x.fields = c->list;
	return rc;
}

char *
ffs_s3_presign(struct ffs_s3 *s3, const char *bucket, const char *key, unsigned expires)
{
	struct ffs_s3_call c = { .s3 = s3, .q = { .method = "GET", .bucket = bucket, .key = key } };
	struct ffs_buf url = FFS_BUF_INIT;
	struct ffs_sigv4_field host = { "host", NULL };
	struct ffs_sigv4_request r = { .method = "GET", .fields = &host, .nfields = 1 };
	time_t now = time(NULL) + s3->clock_ahead;
	struct ffs_sigv4_scope scope;
	char date[17], *out = NULL;
	int rc = bucket && *bucket && key && *key ? build_url(&c) : -EINVAL;

	if (rc)
		goto out;
	ffs_buf_adds(&url, c.url);
	if (s3->ep.access_key) {
		host.value = c.host;
		r.path = c.path;
		ffs_sigv4_date(date, now);
		rc = signing_scope(s3, date, &scope);
		ffs_buf_addc(&url, '?');
		if (!rc)
			rc = ffs_sigv4_presign(&url, &r, &scope, now, expires);
	}
	if (!rc && !(out = ffs_buf_detach(&url)))
		rc = -ENOMEM;
out:
	ffs_buf_release(&url);
	free(c.host);
	free(c.path);
	free(c.url);
	if (rc)
		errno = -rc;
	return out;
}
