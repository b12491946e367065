#include "common/dataset/claim.h"

#include <errno.h>
#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>
#include <unistd.h>

#include "common/base/clock.h"
#include "common/base/crc32c.h"
#include "common/base/json.h"
#include "common/dataset/putjson.h"
#include "common/s3/sigv4.h"

enum {
	RENEW_MS = 10000,   /* between two puts of a claim */
	AGAIN_MS = 2000,    /* after one that failed */
	GIVE_UP_MS = 45000, /* without one: the lease is about to end */
	LEASE_S = 60,       /* then it is nobody's */
	CLAIM_MAX = 4096,
	GENERATIONS_TRIED = 32,
};

static struct ffs_s3 *
primary(struct ffs_claim *c)
{
	return ffs_stores_get(c->st, 0);
}

/* Keep a text about a failed request; returns its rc. */
static int
failed(struct ffs_claim *c, const char *what, const struct ffs_s3_response *r)
{
	char text[512];

	snprintf(c->error, sizeof(c->error), "cannot %s the claim of '%s': %s", what, c->dataset,
	    ffs_s3_error(primary(c), r, text, sizeof(text)));
	return r->rc;
}

static int
no_memory(struct ffs_claim *c)
{
	snprintf(c->error, sizeof(c->error), "out of memory");
	return -ENOMEM;
}

char *
ffs_claim_key(const char *dataset, uint64_t generation)
{
	char *key;

	return asprintf(&key, "%s/%" PRIu64 "/.claim", dataset, generation) < 0 ? NULL : key;
}

static int
write_body(struct ffs_claim *c, bool kept)
{
	struct ffs_json j = { .buf = c->body };
	char host[256] = "";

	gethostname(host, sizeof(host) - 1);
	ffs_buf_reset(&j.buf);
	ffs_json_open(&j);
	ffs_json_str(&j, "id", c->id);
	ffs_json_str(&j, "host", host);
	ffs_json_int(&j, "pid", getpid());
	ffs_json_str(&j, "started", c->started);
	ffs_json_bool(&j, "kept", kept);
	if (c->doomed)
		ffs_json_bool(&j, "doomed", true);
	ffs_json_close(&j);
	c->body = j.buf;
	return ffs_buf_error(&c->body) ? no_memory(c) : 0;
}

int
ffs_claim_init(struct ffs_claim *c, struct ffs_stores *st, const char *bucket, const char *dataset)
{
	struct ffs_buf hex = FFS_BUF_INIT;
	unsigned char id[16];

	memset(c, 0, sizeof(*c));
	c->st = st;
	c->bucket = bucket;
	c->conditional = true;
	c->dataset = strdup(dataset);
	if (!c->dataset || !primary(c))
		return no_memory(c);
	if (getrandom(id, sizeof(id), 0) != sizeof(id)) {
		snprintf(c->error, sizeof(c->error), "no random bytes");
		return -EIO;
	}
	ffs_buf_addhex(&hex, id, sizeof(id));
	if (hex.p)
		memcpy(c->id, hex.p, sizeof(c->id));
	ffs_buf_release(&hex);
	ffs_sigv4_date(c->started, time(NULL));
	return write_body(c, false);
}

int
ffs_claim_doom(struct ffs_claim *c)
{
	c->doomed = true;
	return write_body(c, false);
}

void
ffs_claim_release(struct ffs_claim *c)
{
	if (c->renewing)
		ffs_s3_cancel(primary(c), c->renew_id);
	free(c->dataset);
	ffs_buf_release(&c->body);
	c->dataset = NULL;
}

/* GET a claim.  *json is the caller's; NULL where there is none, or one that is not JSON. */
static int
fetch(struct ffs_claim *c, uint64_t generation, json_t **json, struct ffs_s3_response *r)
{
	char *key = ffs_claim_key(c->dataset, generation), *p = NULL;
	size_t n = 0;
	int rc;

	*json = NULL;
	memset(r, 0, sizeof(*r));
	if (!key)
		return no_memory(c);
	rc = ffs_s3_get(primary(c), c->bucket, key, CLAIM_MAX, &p, &n, r);
	free(key);
	if (!rc)
		*json = json_loadb(p, n, JSON_REJECT_DUPLICATES, NULL);
	free(p);
	return rc;
}

/*
 * A condition that fails may have been met by a try before, whose answer was lost:
 * is the claim there ours?
 */
static bool
is_ours(struct ffs_claim *c)
{
	struct ffs_s3_response r;
	const char *id;
	json_t *json;
	bool ours;

	if (fetch(c, c->generation, &json, &r))
		return false;
	id = json_string_value(json_object_get(json, "id"));
	ours = id && !strcmp(id, c->id);
	json_decref(json);
	if (ours) {
		c->held = true;
		c->put_ms = ffs_clock_ms();
		snprintf(c->etag, sizeof(c->etag), "%s", r.etag);
	}
	return ours;
}

static int
put(struct ffs_claim *c, const char *key, const char *condition, const char *value, bool again,
    struct ffs_s3_response *r)
{
	struct ffs_putjson o = { .bucket = c->bucket,
		.key = key,
		.p = c->body.p,
		.n = c->body.len,
		.condition = condition,
		.value = value,
		.probe = again };
	int rc = ffs_putjson(c->st, 0, &o, &c->conditional, r);

	if (!rc) {
		c->held = true;
		c->put_ms = ffs_clock_ms();
		snprintf(c->etag, sizeof(c->etag), "%s", r->etag);
	}
	return rc;
}

/* A store that does not know conditions on PUT takes a second claim as well. */
static int
probe(struct ffs_claim *c, const char *key)
{
	struct ffs_s3_response r;
	int rc;

	if (!c->conditional)
		return 0;
	rc = put(c, key, "If-None-Match", "*", true, &r);
	if (!rc)
		c->conditional = false;
	return rc && rc != -ESTALE ? failed(c, "put", &r) : 0;
}

int
ffs_claim_new(struct ffs_claim *c, uint64_t generation)
{
	struct ffs_s3_response r;
	int rc = -ESTALE;
	unsigned i;
	char *key;

	for (i = 0; i < GENERATIONS_TRIED && rc == -ESTALE; i++, generation++) {
		key = ffs_claim_key(c->dataset, generation);
		if (!key)
			return no_memory(c);
		c->generation = generation;
		rc = put(c, key, "If-None-Match", "*", false, &r);
		rc = rc ? failed(c, "put", &r) : probe(c, key);
		free(key);
	}
	return rc == -ESTALE ? -EBUSY : rc;
}

int
ffs_claim_take(struct ffs_claim *c, uint64_t generation, const char *etag)
{
	char *key = ffs_claim_key(c->dataset, generation);
	struct ffs_s3_response r;
	int rc;

	if (!key)
		return no_memory(c);
	c->generation = generation;
	rc = put(c, key, "If-Match", etag, false, &r);
	free(key);
	if (rc)
		failed(c, "take over", &r);
	return rc == -ESTALE || rc == -ENOENT ? -EBUSY : rc;
}

static void
renewed(void *arg, const struct ffs_s3_response *r)
{
	struct ffs_claim *c = arg;

	c->renewing = false;
	if (!r->rc) {
		snprintf(c->etag, sizeof(c->etag), "%s", r->etag);
		c->put_ms = ffs_clock_ms();
		return;
	}
	c->again_ms = ffs_clock_ms() + AGAIN_MS;
	failed(c, "renew", r);
	if (r->rc == -ENOENT || r->rc == -ESTALE) {
		c->doubt = r->rc == -ESTALE;
		c->renew_rc = -EBUSY;
		snprintf(c->error, sizeof(c->error), "somebody else took over the load of '%s'",
		    c->dataset);
	} else if (r->rc == -EACCES || ffs_clock_ms() - c->put_ms > GIVE_UP_MS) {
		c->renew_rc = r->rc;
	}
}

int
ffs_claim_renew(struct ffs_claim *c)
{
	char match[140], *key;
	struct ffs_s3_field fields[2] = { { "Content-Type", "application/json" },
		{ "If-Match", match } };
	struct ffs_s3_request q = { .method = "PUT",
		.bucket = c->bucket,
		.fields = fields,
		.nfields = c->conditional ? 2 : 1,
		.body = c->body.p,
		.body_len = c->body.len,
		.crc32c = &c->crc,
		.done = renewed,
		.arg = c };
	int rc;

	if (c->doubt) {
		c->doubt = false;
		c->renew_rc = is_ours(c) ? 0 : -EBUSY;
	}
	if (c->renew_rc || !c->held || c->renewing || ffs_clock_ms() - c->put_ms < RENEW_MS ||
	    ffs_clock_ms() < c->again_ms)
		return c->renew_rc;
	key = ffs_claim_key(c->dataset, c->generation);
	if (!key)
		return no_memory(c);
	c->crc = ffs_crc32c(0, c->body.p, c->body.len);
	snprintf(match, sizeof(match), "\"%s\"", c->etag);
	q.key = key;
	rc = ffs_s3_submit(primary(c), &q, &c->renew_id);
	free(key);
	c->renewing = !rc;
	if (rc)
		snprintf(c->error, sizeof(c->error), "cannot renew the claim of '%s': %s",
		    c->dataset, strerror(-rc));
	return rc;
}

int
ffs_claim_settle(struct ffs_claim *c)
{
	int rc = ffs_claim_renew(c);

	while (!rc && c->renewing) {
		rc = ffs_http_run(c->st->http, 1000);
		rc = rc < 0 ? rc : c->renew_rc;
	}
	/* a renewal that was refused in doubt is cleared up by the next call */
	if (c->doubt)
		rc = ffs_claim_renew(c);
	if (!rc && ffs_clock_ms() - c->put_ms > GIVE_UP_MS)
		rc = -ETIMEDOUT;
	return rc;
}

int
ffs_claim_keep(struct ffs_claim *c)
{
	char *key = ffs_claim_key(c->dataset, c->generation);
	struct ffs_s3_response r;
	char etag[128];
	int rc = key ? write_body(c, true) : no_memory(c);

	if (!rc) {
		snprintf(etag, sizeof(etag), "%s", c->etag);
		rc = put(c, key, "If-Match", etag, false, &r);
		if (rc)
			failed(c, "keep", &r);
	}
	free(key);
	return rc;
}

int
ffs_claim_drop(struct ffs_claim *c)
{
	char *key = ffs_claim_key(c->dataset, c->generation);
	struct ffs_s3_request q = { .method = "DELETE", .bucket = c->bucket, .key = key };
	struct ffs_s3_response r;
	int rc = key ? ffs_s3_perform(primary(c), &q, &r) : no_memory(c);

	if (key && rc)
		failed(c, "remove", &r);
	c->held = rc != 0;
	free(key);
	return rc;
}

/* --- the claims of others --- */

/* Seconds between two HTTP dates (RFC 9110, 5.6.7, the form that is still written). */
static int
date_diff(const char *later, const char *earlier, double *out)
{
	static const char form[] = "%a, %d %b %Y %H:%M:%S GMT";
	struct tm a = { 0 }, b = { 0 };

	if (!strptime(later, form, &a) || !strptime(earlier, form, &b))
		return -EINVAL;
	*out = difftime(timegm(&a), timegm(&b));
	return 0;
}

int
ffs_claim_look(struct ffs_claim *c, uint64_t generation, enum ffs_claim_state *state,
    char etag[128], char who[128])
{
	struct ffs_s3_response r;
	const char *host;
	json_t *json;
	double age;
	int rc = fetch(c, generation, &json, &r);

	*state = FFS_CLAIM_NONE;
	if (rc == -ENOENT)
		return 0;
	if (rc)
		return failed(c, "read", &r);
	snprintf(etag, 128, "%s", r.etag);
	host = json_string_value(json_object_get(json, "host"));
	snprintf(who, 128, "%.64s, process %" JSON_INTEGER_FORMAT, host ? host : "?",
	    json_integer_value(json_object_get(json, "pid")));
	if (json_is_true(json_object_get(json, "doomed")))
		*state = FFS_CLAIM_DOOMED;
	else if (json_is_true(json_object_get(json, "kept")))
		*state = FFS_CLAIM_KEPT;
	else if (!date_diff(r.date, r.last_modified, &age) && age > LEASE_S)
		*state = FFS_CLAIM_STALE;
	else
		*state = FFS_CLAIM_LIVE;
	json_decref(json);
	return 0;
}
