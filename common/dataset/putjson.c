#include "common/dataset/putjson.h"

#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/crc32c.h"

enum { CONFLICTS = 3 };

/*
 * The condition failed: is it an earlier try of ours that is there, its answer lost on the way?
 * Then that is the success.  The number of attempts does not tell: libcurl sends again on its own
 * where a kept connection was closed.
 */
static bool
was_ours(struct ffs_s3 *s3, const struct ffs_putjson *o, struct ffs_s3_response *r)
{
	struct ffs_s3_response there;
	bool same = false;
	char *p = NULL;
	size_t n = 0;

	if (!ffs_s3_get(s3, o->bucket, o->key, o->n, &p, &n, &there))
		same = n == o->n && !memcmp(p, o->p, n);
	free(p);
	if (same)
		*r = there;
	return same;
}

int
ffs_putjson(struct ffs_stores *st, size_t node, const struct ffs_putjson *o, bool *conditional,
    struct ffs_s3_response *r)
{
	uint32_t crc = ffs_crc32c(0, o->p, o->n);
	char quoted[140];
	struct ffs_s3_field fields[2] = { { "Content-Type", "application/json" },
		{ o->condition, quoted } };
	struct ffs_s3_request q = { .method = "PUT",
		.bucket = o->bucket,
		.key = o->key,
		.fields = fields,
		.nfields = o->condition && *conditional ? 2 : 1,
		.body = o->p,
		.body_len = o->n,
		.crc32c = &crc };
	struct ffs_s3 *s3 = ffs_stores_get(st, node);
	unsigned tries = 0;
	int rc;

	memset(r, 0, sizeof(*r));
	if (!s3) {
		r->rc = -ENOMEM;
		return r->rc;
	}
	if (o->condition)
		snprintf(quoted, sizeof(quoted), "%s%.127s%s", *o->value == '*' ? "" : "\"",
		    o->value, *o->value == '*' ? "" : "\"");
	do {
		rc = ffs_s3_perform(s3, &q, r);
		if (rc == -EOPNOTSUPP && q.nfields == 2) {
			*conditional = false;
			q.nfields = 1;
			rc = ffs_s3_perform(s3, &q, r);
		}
	} while (rc == -EEXIST && q.nfields == 2 && ++tries < CONFLICTS);
	if (rc == -ESTALE && !o->probe && was_ours(s3, o, r))
		rc = 0;
	return rc;
}
