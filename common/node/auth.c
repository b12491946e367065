#include "common/node/auth.h"

#include <errno.h>
#include <openssl/crypto.h>
#include <stdlib.h>
#include <string.h>

#include "common/s3/daykeys.h"

#define FIELDS_MAX 100

struct ffs_auth {
	char *access_key, *secret_key;
	struct ffs_daykeys *keys;
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
	a->access_key = strdup(access_key);
	a->secret_key = strdup(secret_key);
	a->keys = ffs_daykeys_new(secret_key);
	if (!a->access_key || !a->secret_key || !a->keys) {
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
	ffs_daykeys_free(a->keys);
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
	rc = ffs_daykeys_get(a->keys, claim, key);
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
