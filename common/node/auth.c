#include "common/node/auth.h"

#include <errno.h>
#include <openssl/crypto.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#define FIELDS_MAX 100
#define KEYS 8 /* (day, region) pairs that are in use at a time */

struct ffs_auth {
	char *access_key, *secret_key;
	pthread_mutex_t lock;
	unsigned next;
	struct {
		char day[9], region[65];
		unsigned char key[32];
	} keys[KEYS];
};

struct fields {
	struct ffs_sigv4_field v[FIELDS_MAX];
	size_t n;
};

struct ffs_auth *
ffs_auth_new(const char *access_key, const char *secret_key)
{
	struct ffs_auth *a = calloc(1, sizeof(*a));

	if (!a)
		return NULL;
	pthread_mutex_init(&a->lock, NULL);
	a->access_key = strdup(access_key);
	a->secret_key = strdup(secret_key);
	if (!a->access_key || !a->secret_key) {
		ffs_auth_free(a);
		errno = ENOMEM;
		return NULL;
	}
	return a;
}

void
ffs_auth_free(struct ffs_auth *a)
{
	if (!a)
		return;
	if (a->secret_key)
		OPENSSL_cleanse(a->secret_key, strlen(a->secret_key));
	free(a->access_key);
	free(a->secret_key);
	pthread_mutex_destroy(&a->lock);
	OPENSSL_cleanse(a->keys, sizeof(a->keys));
	free(a);
}

static enum MHD_Result
add_field(void *arg, enum MHD_ValueKind kind, const char *name, const char *value)
{
	struct fields *f = arg;

	(void)kind;
	if (f->n == FIELDS_MAX)
		return MHD_NO;
	f->v[f->n].name = name;
	f->v[f->n++].value = value ? value : "";
	return MHD_YES;
}

/* The signing key of the claim's day and region: kept, because it takes four HMACs. */
static int
signing_key(struct ffs_auth *a, const struct ffs_sigv4_claim *c, unsigned char key[32])
{
	struct ffs_sigv4_scope s = { .secret_key = a->secret_key, .region = c->region };
	unsigned i;
	int rc = 0;

	pthread_mutex_lock(&a->lock);
	for (i = 0; i < KEYS; i++)
		if (!strcmp(a->keys[i].day, c->day) && !strcmp(a->keys[i].region, c->region))
			break;
	if (i == KEYS) {
		i = a->next;
		rc = ffs_sigv4_key(a->keys[i].key, &s, c->day);
		memcpy(a->keys[i].day, rc ? "" : c->day, rc ? 1 : sizeof(c->day));
		memcpy(a->keys[i].region, c->region, sizeof(c->region));
		a->next = (i + 1) % KEYS;
	}
	memcpy(key, a->keys[i].key, 32);
	pthread_mutex_unlock(&a->lock);
	return rc;
}

enum ffs_fault
ffs_auth_check(
    struct ffs_auth *a, struct ffs_request *q, struct ffs_sigv4_claim *claim, unsigned char key[32])
{
	struct fields f = { .n = 0 };
	struct ffs_sigv4_request r = { .method = q->method, .path = q->path, .query = q->query };
	bool in_query = ffs_request_param(q, "X-Amz-Algorithm");
	int rc, total = MHD_get_connection_values(q->conn, MHD_HEADER_KIND, add_field, &f);

	if (total > FIELDS_MAX)
		return ffs_request_fault(q, FFS_FAULT_INVALID_REQUEST, "Too many headers.");
	r.fields = f.v;
	r.nfields = f.n;
	rc = ffs_sigv4_claim_parse(claim, &r);
	if (rc == -ENOENT)
		return ffs_request_fault(q, FFS_FAULT_ACCESS_DENIED, "The request is not signed.");
	if (rc == -EOPNOTSUPP)
		return ffs_request_fault(
		    q, FFS_FAULT_INVALID_REQUEST, "Please sign with AWS4-HMAC-SHA256.");
	if (rc || strcmp(claim->service, "s3"))
		return in_query ? FFS_FAULT_AUTH_QUERY : FFS_FAULT_AUTH_HEADER;
	if (!ffs_sigv4_same(claim->access_key, a->access_key))
		return FFS_FAULT_INVALID_ACCESS_KEY;
	rc = signing_key(a, claim, key);
	if (!rc)
		rc = ffs_sigv4_verify(claim, &r, a->secret_key, key, time(NULL));
	switch (rc) {
	case 0:
		return FFS_FAULT_NONE;
	case -EACCES:
		return FFS_FAULT_SIGNATURE;
	case -ETIME:
		return FFS_FAULT_SKEWED;
	case -EKEYEXPIRED:
		return FFS_FAULT_EXPIRED;
	case -EINVAL:
		return ffs_request_fault(q, FFS_FAULT_ACCESS_DENIED,
		    "There were headers present in the request which were not signed.");
	default:
		return FFS_FAULT_INTERNAL;
	}
}
