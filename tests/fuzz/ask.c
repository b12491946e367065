/*
 * Requests as the cache reads them, and what it keeps of answers: a read has a name that an entry
 * can have, its range is inside of the object, and a head that was kept is read back as it was.
 */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "common/cache/attr.h"
#include "common/gate/answer.h"
#include "common/gate/ask.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* What would be kept under the name by which a write calls its object goes. */
static void
try_written(const struct ffs_ask *a)
{
	const struct ffs_written *w = &a->written;
	bool found = w->more, write = a->kind == FFS_ASK_WRITE || a->kind == FFS_ASK_WRITE_BUCKET;
	unsigned i;

	if (write != (w->n || w->more))
		abort();
	for (i = 0; i < w->n; i++) {
		if (!w->v[i].bucket || !*w->v[i].bucket || (w->v[i].key && !*w->v[i].key))
			abort();
		if (a->bucket && !strcmp(a->bucket, w->v[i].bucket) &&
		    (!w->v[i].key || (a->key && !strcmp(a->key, w->v[i].key))))
			found = true;
	}
	if (write && a->key && !found)
		abort();
}

static void
try_request(const struct ffs_head *h)
{
	static const char *const hosts[] = { "lan:9000", "store.lan", NULL };
	uint64_t first, len;
	struct ffs_ask a;

	if (ffs_ask_parse(&a, h, hosts))
		return;
	if (a.kind == FFS_ASK_OTHER && (a.bucket || a.key))
		abort();
	if ((a.kind == FFS_ASK_READ || a.kind == FFS_ASK_HEAD) &&
	    (!a.bucket || !*a.bucket || !a.key || !*a.key || strlen(a.key) > FFS_ATTR_KEY_MAX ||
		strchr(a.bucket, '/')))
		abort();
	try_written(&a);
	if (a.range[0] && ffs_answer_range(a.range, 100, &first, &len) &&
	    (!len || first >= 100 || len > 100 - first))
		abort();
	ffs_ask_release(&a);
}

static void
try_answer(const struct ffs_head *h)
{
	struct ffs_kept k, again;
	struct ffs_answer a = { .kept = &k, .fresh = h, .size = 100, .len = 100 };
	struct ffs_buf out = FFS_BUF_INIT;
	struct ffs_head got;
	char etag[128];

	ffs_answer_etag(h, etag);
	ffs_answer_keep(&k, h, true);
	/* A length and the connection's end are added. */
	if (!ffs_kept_ok(&k, etag) || h->n > FFS_HEAD_FIELDS - 2)
		return;
	if (ffs_kept_parse(k.text, k.len, &again) || again.len != k.len ||
	    memcmp(again.text, k.text, k.len))
		abort();
	ffs_answer_head(&out, &a);
	if (!out.p || ffs_head_answer(&got, out.p, out.len, false) != (int)out.len ||
	    got.length != 100)
		abort();
	ffs_buf_release(&out);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct ffs_head h;
	struct ffs_kept k;

	if (ffs_head_request(&h, (const char *)data, size) > 0)
		try_request(&h);
	if (ffs_head_answer(&h, (const char *)data, size, false) > 0)
		try_answer(&h);
	(void)ffs_kept_parse((const char *)data, size, &k);
	return 0;
}
