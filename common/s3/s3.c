#include "common/s3/s3.h"

#include <errno.h>
#include <openssl/crypto.h>
#include <openssl/rand.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "common/base/crc32c.h"
#include "common/base/loopback.h"
#include "common/base/opt.h"
#include "common/s3/s3impl.h"

#define MAX_ERROR (64 * 1024)
#define FIRST_DELAY_MS 50
#define MAX_DELAY_MS 20000
#define SKEW 900 /* seconds a store lets pass */

static void
free_call(struct ffs_s3_call *c)
{
	size_t i;

	for (i = 0; i < c->nfields; i++) {
		free((char *)(uintptr_t)c->fields[i].name);
		free((char *)(uintptr_t)c->fields[i].value);
	}
	free(c->fields);
	free(c->method);
	free(c->path);
	free(c->query);
	free(c->host);
	free(c->url);
	curl_slist_free_all(c->list);
	ffs_buf_release(&c->error);
	free(c);
}

/* --- the response --- */

/* Copy what a server said, without control bytes. */
static void
copy_text(char *to, size_t size, const char *s)
{
	size_t n = 0;

	for (; *s && n + 1 < size; s++)
		if ((unsigned char)*s >= 32 && *s != 127)
			to[n++] = *s;
	to[n] = '\0';
}

static void
copy_etag(char *to, size_t size, const char *s)
{
	size_t n;

	if (!strncmp(s, "W/", 2))
		s += 2;
	copy_text(to, size, *s == '"' ? s + 1 : s);
	n = strlen(to);
	if (*s == '"' && n && to[n - 1] == '"')
		to[n - 1] = '\0';
}

static void
on_length(struct ffs_s3_call *c, const char *value)
{
	uint64_t n;

	if (ffs_opt_uint(value, 0, INT64_MAX, &n))
		return;
	c->r.length = n;
	if (!c->r.object_size)
		c->r.object_size = n;
}

/* "bytes 0-99/1234", of a 416 "bytes * /1234" without the space. */
static void
on_range(struct ffs_s3_call *c, const char *value)
{
	const char *slash = strchr(value, '/');
	uint64_t n;

	if (slash && !ffs_opt_uint(slash + 1, 0, INT64_MAX, &n))
		c->r.object_size = n;
}

static void
on_field(struct ffs_exchange *x, const char *name, const char *value)
{
	struct ffs_s3_call *c = (struct ffs_s3_call *)x;
	struct ffs_s3_response *r = &c->r;
	uint64_t n;

	if (c->q.field)
		c->q.field(c->q.arg, name, value);
	if (!*name) {
		*r = (struct ffs_s3_response){ .attempts = r->attempts };
		c->region[0] = '\0';
		c->composite = false;
	} else if (!strcasecmp(name, "content-length")) {
		on_length(c, value);
	} else if (!strcasecmp(name, "content-range")) {
		on_range(c, value);
	} else if (!strcasecmp(name, "etag")) {
		copy_etag(r->etag, sizeof(r->etag), value);
	} else if (!strcasecmp(name, "date")) {
		copy_text(r->date, sizeof(r->date), value);
	} else if (!strcasecmp(name, "last-modified")) {
		copy_text(r->last_modified, sizeof(r->last_modified), value);
	} else if (!strcasecmp(name, "retry-after")) {
		if (!ffs_opt_uint(value, 0, MAX_DELAY_MS / 1000, &n))
			c->retry_after = (unsigned)n;
	} else if (!strncasecmp(name, "x-amz-", 6)) {
		name += 6;
		if (!strcasecmp(name, "checksum-crc32c"))
			copy_text(r->checksum_crc32c, sizeof(r->checksum_crc32c), value);
		else if (!strcasecmp(name, "checksum-type"))
			c->composite = !strcasecmp(value, "COMPOSITE");
		else if (!strcasecmp(name, "meta-ffs-crc32c"))
			copy_text(r->meta_crc32c, sizeof(r->meta_crc32c), value);
		else if (!strcasecmp(name, "bucket-region"))
			copy_text(c->region, sizeof(c->region), value);
	}
}

static int
on_data(struct ffs_exchange *x, const void *p, size_t n)
{
	struct ffs_s3_call *c = (struct ffs_s3_call *)x;
	int rc;

	c->r.status = x->status;
	if (x->status < 200 || x->status > 299) {
		/* An error's text; more than this is none. */
		if (c->error.len + n <= MAX_ERROR)
			ffs_buf_add(&c->error, p, n);
		return 0;
	}
	c->r.first_byte_us = x->first_byte_us;
	if (c->q.data) {
		c->in_data = true;
		rc = c->q.data(c->q.arg, &c->r, p, n);
		c->in_data = false;
		if (c->gone) {
			free_call(c);
			return -ECANCELED;
		}
		if (rc == FFS_S3_PAUSE)
			return FFS_EXCHANGE_PAUSE;
		if (rc) {
			c->aborted = true;
			return rc < 0 ? rc : -ECANCELED;
		}
		c->delivered = true;
	}
	if (c->q.verify)
		c->crc = ffs_crc32c(c->crc, p, n);
	c->received += n;
	return 0;
}

static int
errno_of(int status)
{
	switch (status) {
	case 304:
		return 0;
	case 401:
	case 403:
		return -EACCES;
	case 404:
		return -ENOENT;
	case 408:
	case 429:
	case 503:
		return -EAGAIN;
	case 409:
		return -EEXIST;
	case 412:
		return -ESTALE;
	case 416:
		return -ERANGE;
	case 501:
		return -EOPNOTSUPP;
	default:
		return status >= 200 && status <= 299 ? 0 : -EIO;
	}
}

/* A whole body has come: is it what the store's checksum says? */
static int
check_body(const struct ffs_s3_call *c)
{
	uint32_t want;

	if (!c->q.verify || c->r.status != 200 || c->composite || !strcmp(c->method, "HEAD") ||
	    ffs_crc32c_from_base64(c->r.checksum_crc32c, &want))
		return 0;
	return want == c->crc ? 0 : -EBADMSG;
}

/* Fill r from how an attempt ended. */
static void
judge(struct ffs_s3_call *c, int rc, const char *why)
{
	struct ffs_s3_response *r = &c->r;

	r->status = rc && !c->x.first_byte_us ? 0 : c->x.status;
	/* A refusal stands, also where its text was cut short or our own body was. */
	if (r->status >= 400)
		rc = 0;
	r->first_byte_us = c->x.first_byte_us;
	r->total_us = c->x.total_us;
	r->connects = c->x.connects;
	r->rc = rc ? rc : errno_of(r->status);
	if (!r->rc)
		r->rc = check_body(c);
	if (rc) {
		copy_text(r->message, sizeof(r->message), why);
	} else if (r->rc == -EBADMSG) {
		copy_text(r->message, sizeof(r->message), "the body does not match its checksum");
	} else if (c->error.len) {
		ffs_s3_error_parse(c->error.p, c->error.len, r);
	}
	if (c->region[0] && strcmp(c->region, c->s3->ep.region) &&
	    (r->status == 301 || r->status == 307 || r->status == 400))
		snprintf(r->message, sizeof(r->message), "the bucket is in region %.64s, not %.64s",
		    c->region, c->s3->ep.region);
	if (!r->length && !r->rc && strcmp(c->method, "HEAD")) {
		r->length = c->received;
		if (!r->object_size)
			r->object_size = c->received;
	}
}

/* --- attempts --- */

static void
unlink_call(struct ffs_s3_call *c)
{
	*(c->prev ? &c->prev->next : &c->s3->first) = c->next;
	if (c->next)
		c->next->prev = c->prev;
}

/* The end of a request, whatever it was. */
static void
end_call(struct ffs_s3_call *c)
{
	unlink_call(c);
	if (c->q.done)
		c->q.done(c->q.arg, &c->r);
	if (c->in_data)
		c->gone = true;
	else
		free_call(c);
}

static void
attempt(struct ffs_exchange *x)
{
	struct ffs_s3_call *c = (struct ffs_s3_call *)x;
	int rc = ffs_s3_call_sign(c);

	if (rc) {
		c->r.rc = rc;
		copy_text(c->r.message, sizeof(c->r.message), strerrordesc_np(-rc));
		end_call(c);
		return;
	}
	c->r = (struct ffs_s3_response){ .attempts = c->r.attempts + 1 };
	c->retry_after = 0;
	c->received = 0;
	c->crc = 0;
	ffs_buf_reset(&c->error);
	ffs_exchange_start(c->s3->http, x);
}

static bool
transient(const struct ffs_s3_call *c)
{
	switch (c->r.rc) {
	case -EAGAIN:
	case -EBADMSG:
	case -ETIMEDOUT:
	case -ECONNREFUSED:
	case -ECONNRESET:
	case -ECONNABORTED:
	case -EPIPE:
	case -EHOSTUNREACH:
	case -EHOSTDOWN:
	case -ENETUNREACH:
	case -ENETDOWN:
		return true;
	case -EIO:
		return c->r.status == 500 || c->r.status == 502 || c->r.status == 504 ||
		       !strcmp(c->r.code, "RequestTimeout");
	default:
		return false;
	}
}

/*
 * Full jitter: anything between 0 and a bound that grows fourfold.
 * https://aws.amazon.com/blogs/architecture/exponential-backoff-and-jitter/
 */
static unsigned
delay_ms(const struct ffs_s3_call *c)
{
	unsigned bound = FIRST_DELAY_MS, i, random = 0;

	for (i = 1; i < c->r.attempts && bound < MAX_DELAY_MS; i++)
		bound *= 4;
	if (bound > MAX_DELAY_MS)
		bound = MAX_DELAY_MS;
	RAND_bytes((unsigned char *)&random, sizeof(random));
	return c->retry_after * 1000 + random % (bound + 1);
}

/*
 * Refused for our clock: sign once more by the store's.  A HEAD has no error code, so there the
 * two clocks decide.
 */
static bool
correct_clock(struct ffs_s3_call *c)
{
	struct ffs_s3_response *r = &c->r;
	time_t store = r->date[0] ? curl_getdate(r->date, NULL) : -1, ours = time(NULL);
	char text[48];
	struct tm tm;

	if (r->status != 403 || store < 0)
		return false;
	if (strcmp(r->code, "RequestTimeTooSkewed") &&
	    (r->code[0] || labs((long)(store - ours - c->s3->clock_ahead)) < SKEW))
		return false;
	if (!c->skew_tried && !c->q.once) {
		c->skew_tried = true;
		c->s3->clock_ahead = store - ours;
		return true;
	}
	if (gmtime_r(&ours, &tm) && strftime(text, sizeof(text), "%a, %d %b %Y %T GMT", &tm))
		snprintf(r->message, sizeof(r->message), "the store's clock says %s, ours %s",
		    r->date, text);
	return false;
}

static void
on_done(struct ffs_exchange *x, int rc, const char *why)
{
	struct ffs_s3_call *c = (struct ffs_s3_call *)x;
	bool retry;

	judge(c, rc, why);
	if (c->r.rc == -EACCES && correct_clock(c)) {
		attempt(x);
		return;
	}
	retry = !c->q.once && !c->aborted && c->r.attempts <= c->s3->retries && transient(c) &&
	        (!c->delivered || c->q.restart);
	if (!retry) {
		end_call(c);
		return;
	}
	if (c->delivered)
		c->q.restart(c->q.arg);
	c->delivered = false;
	ffs_exchange_later(c->s3->http, x, delay_ms(c));
}

int
ffs_s3_submit(struct ffs_s3 *s3, const struct ffs_s3_request *q, uint64_t *id)
{
	struct ffs_s3_call *c = calloc(1, sizeof(*c));
	int rc;

	if (!c)
		return -ENOMEM;
	c->s3 = s3;
	c->q = *q;
	rc = ffs_s3_call_prepare(c);
	if (rc) {
		free_call(c);
		return rc;
	}
	c->x = (struct ffs_exchange){ .method = c->method,
		.url = c->url,
		.body = q->body,
		.body_len = q->body_len,
		.direct = s3->loopback,
		.active = &s3->active,
		.field = on_field,
		.data = on_data,
		.done = on_done,
		.wake = attempt };
	c->id = ++s3->last_id;
	if (id)
		*id = c->id;
	c->next = s3->first;
	if (c->next)
		c->next->prev = c;
	s3->first = c;
	rc = ffs_s3_call_sign(c);
	if (rc) {
		unlink_call(c);
		free_call(c);
		return rc;
	}
	c->r.attempts = 1;
	ffs_exchange_start(s3->http, &c->x);
	return 0;
}

static struct ffs_s3_call *
find_call(struct ffs_s3 *s3, uint64_t id)
{
	struct ffs_s3_call *c = s3->first;

	while (c && c->id != id)
		c = c->next;
	return c;
}

void
ffs_s3_resume(struct ffs_s3 *s3, uint64_t id)
{
	struct ffs_s3_call *c = find_call(s3, id);

	if (c)
		ffs_exchange_resume(s3->http, &c->x);
}

static void
cancel(struct ffs_s3_call *c)
{
	ffs_exchange_drop(c->s3->http, &c->x);
	c->r.rc = -ECANCELED;
	end_call(c);
}

void
ffs_s3_cancel(struct ffs_s3 *s3, uint64_t id)
{
	struct ffs_s3_call *c = find_call(s3, id);

	if (c)
		cancel(c);
}

/* --- the store --- */

static char *
copy_of(const char *s, int *rc)
{
	char *p = s ? strdup(s) : NULL;

	if (s && !p)
		*rc = -ENOMEM;
	return p;
}

struct ffs_s3 *
ffs_s3_new(struct ffs_http *http, const struct ffs_endpoint *ep)
{
	struct ffs_s3 *s3 = calloc(1, sizeof(*s3));
	const char *retries = getenv("FFS_RETRIES");
	uint64_t n = 4;
	int rc = 0;

	if (!s3)
		return NULL;
	s3->http = http;
	s3->ep = *ep;
	s3->ep.url = copy_of(ep->url, &rc);
	s3->ep.region = copy_of(ep->region, &rc);
	s3->ep.access_key = copy_of(ep->access_key, &rc);
	s3->ep.secret_key = copy_of(ep->secret_key, &rc);
	s3->ep.token = copy_of(ep->token, &rc);
	s3->ep.url_from = copy_of(ep->url_from, &rc);
	s3->ep.cred_from = copy_of(ep->cred_from, &rc);
	if (rc) {
		ffs_s3_free(s3);
		errno = -rc;
		return NULL;
	}
	if (retries)
		ffs_opt_uint(retries, 0, FFS_S3_RETRIES_MAX, &n);
	s3->retries = (unsigned)n;
	s3->tls = !strncmp(s3->ep.url, "https:", 6);
	s3->host = strstr(s3->ep.url, "://") + 3;
	s3->loopback = ffs_loopback_host(s3->host);
	return s3;
}

void
ffs_s3_free(struct ffs_s3 *s3)
{
	if (!s3)
		return;
	while (s3->first)
		cancel(s3->first);
	OPENSSL_cleanse(s3->key, sizeof(s3->key));
	ffs_endpoint_release(&s3->ep);
	free(s3);
}

const struct ffs_endpoint *
ffs_s3_endpoint(const struct ffs_s3 *s3)
{
	return &s3->ep;
}
