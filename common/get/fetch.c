#include "common/get/fetch.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "common/base/crc32c.h"

static int submit(struct ffs_fetch *f);

/* A ranged answer must be that range: a store that ignores Range sends a 200. */
static bool
wrong_range(const struct ffs_fetch *f, const struct ffs_s3_response *r)
{
	return f->ranged && r->status != 206 && (f->off || r->length > f->len);
}

static int
on_data(void *arg, const struct ffs_s3_response *r, const void *p, size_t n)
{
	struct ffs_fetch *f = arg;

	if ((!f->got && wrong_range(f, r)) || n > f->len - f->got) {
		snprintf(
		    f->error, sizeof(f->error), "more than the %" PRIu64 " bytes expected", f->len);
		return -EBADMSG;
	}
	memcpy(f->buf + f->got, p, n);
	/* While they are in the processor's cache. */
	if (f->has_crc)
		f->crc = ffs_crc32c(f->crc, p, n);
	f->got += n;
	return 0;
}

static void
on_restart(void *arg)
{
	struct ffs_fetch *f = arg;

	f->got = 0;
	f->crc = 0;
}

static void
on_field(void *arg, const char *name, const char *value)
{
	struct ffs_fetch *f = arg;

	if (*name)
		ffs_kept_add(f->head, name, strlen(name), value, strlen(value));
	else
		ffs_kept_begin(f->head, !f->ranged);
}

/* 0, or -EBADMSG with f->error. */
static int
verify(struct ffs_fetch *f, const struct ffs_s3_response *r)
{
	const char *node = f->stores->nodes.v[f->node].url;
	uint64_t want = f->len;

	f->not_modified = f->have && r->status == 304;
	if (f->not_modified)
		return 0;
	if (f->probe) {
		f->size = r->object_size;
		if (f->size < want)
			want = f->size;
	}
	if (f->got != want) {
		snprintf(f->error, sizeof(f->error),
		    "%zu bytes where %" PRIu64 " were expected; from %s", f->got, want, node);
		return -EBADMSG;
	}
	if ((f->has_crc && f->crc != f->crc32c) || (f->check && f->check(f) < 0)) {
		snprintf(f->error, sizeof(f->error), "wrong bytes (CRC32C does not match); from %s",
		    node);
		return -EBADMSG;
	}
	return 0;
}

static void
on_done(void *arg, const struct ffs_s3_response *r)
{
	struct ffs_fetch *f = arg;
	int rc = r->rc;

	f->id = 0;
	if (!rc)
		rc = verify(f, r);
	else if (!f->error[0])
		ffs_s3_error(f->s3, r, f->error, sizeof(f->error));
	f->first_us = r->first_byte_us;
	f->total_us = r->total_us;
	snprintf(f->etag, sizeof(f->etag), "%s", r->etag);
	if (rc && rc != -ECANCELED) {
		if (rc == -EBADMSG && !f->wrong++ && f->tried == f->copies)
			f->tried--; /* the only copy left: once more */
		if (!f->worst) {
			f->worst = rc;
			memcpy(f->worst_error, f->error, sizeof(f->error));
		}
		while (f->tried < f->copies && f->wrong < 2)
			if (!submit(f))
				return;
		/* That the last copy is not there says less than why the first was of no use. */
		if (rc == -ENOENT && f->worst != rc) {
			rc = f->worst;
			memcpy(f->error, f->worst_error, sizeof(f->error));
		}
	}
	f->rc = rc;
	f->done(f);
}

/* Ask the next copy. */
static int
submit(struct ffs_fetch *f)
{
	size_t i = f->tried++;
	char match[160], have[160], range[64];
	struct ffs_s3_field fields[4];
	struct ffs_s3_request q = {
		.method = "GET",
		.bucket = f->bucket,
		.key = f->key,
		.fields = fields,
		.data = on_data,
		.restart = on_restart,
		.field = f->head ? on_field : NULL,
		.done = on_done,
		.arg = f,
		.once = f->tried < f->copies,
	};
	int node = f->nodes ? ffs_nodes_find(&f->stores->nodes, f->nodes[i]) : (int)i, rc;

	if (node < 0) {
		ffs_nodes_unknown(&f->stores->nodes, f->nodes[i], f->error, sizeof(f->error));
		return -ENOENT;
	}
	f->node = (size_t)node;
	f->s3 = ffs_stores_get(f->stores, f->node);
	if (f->etags && f->etags[i][0]) {
		snprintf(match, sizeof(match), "\"%s\"", f->etags[i]);
		fields[q.nfields++] = (struct ffs_s3_field){ "If-Match", match };
	}
	if (f->have) {
		snprintf(have, sizeof(have), "\"%s\"", f->have);
		fields[q.nfields++] = (struct ffs_s3_field){ "If-None-Match", have };
	}
	if (f->ranged) {
		snprintf(range, sizeof(range), "bytes=%" PRIu64 "-%" PRIu64, f->off,
		    f->off + f->len - 1);
		fields[q.nfields++] = (struct ffs_s3_field){ "Range", range };
	}
	if (f->head && !f->ranged)
		fields[q.nfields++] = (struct ffs_s3_field){ "x-amz-checksum-mode", "ENABLED" };
	on_restart(f);
	f->error[0] = '\0';
	rc = f->s3 ? ffs_s3_submit(f->s3, &q, &f->id) : -errno;
	if (rc)
		snprintf(f->error, sizeof(f->error), "%s", strerror(-rc));
	return rc;
}

int
ffs_fetch_start(struct ffs_fetch *f)
{
	int rc = -ENOENT;

	if (!f->nodes)
		f->copies = f->stores->nodes.n;
	f->tried = f->wrong = 0;
	f->since = time(NULL);
	f->worst = 0;
	while (rc && f->tried < f->copies)
		rc = submit(f);
	return rc;
}

void
ffs_fetch_cancel(struct ffs_fetch *f)
{
	if (f->id)
		ffs_s3_cancel(f->s3, f->id);
}

void
ffs_fetch_object(struct ffs_fetch *f, const struct ffs_chunk *c, const struct ffs_object *object)
{
	f->key = object->key;
	f->nodes = c->data.nodes; /* a message lives on its data's nodes */
	f->etags = object->etags;
	f->copies = object->copies;
	f->len = object->bytes;
	f->crc32c = object->crc32c;
	f->has_crc = true;
}
