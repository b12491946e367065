#include "common/s3/s3.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/s3/s3impl.h"

struct wait {
	struct ffs_s3_response *r;
	int (*data)(void *arg, const struct ffs_s3_response *r, const void *p, size_t n);
	void (*restart)(void *arg);
	void (*field)(void *arg, const char *name, const char *value);
	void *arg;
	bool done;
};

static int
wait_data(void *arg, const struct ffs_s3_response *r, const void *p, size_t n)
{
	struct wait *w = arg;

	return w->data(w->arg, r, p, n);
}

static void
wait_restart(void *arg)
{
	struct wait *w = arg;

	w->restart(w->arg);
}

static void
wait_field(void *arg, const char *name, const char *value)
{
	struct wait *w = arg;

	w->field(w->arg, name, value);
}

static void
wait_done(void *arg, const struct ffs_s3_response *r)
{
	struct wait *w = arg;

	*w->r = *r;
	w->done = true;
}

int
ffs_s3_perform(struct ffs_s3 *s3, const struct ffs_s3_request *q, struct ffs_s3_response *r)
{
	struct wait w = {
		.r = r, .data = q->data, .restart = q->restart, .field = q->field, .arg = q->arg
	};
	struct ffs_s3_request mine = *q;
	uint64_t id;
	int rc;

	memset(r, 0, sizeof(*r));
	mine.data = q->data ? wait_data : NULL;
	mine.restart = q->restart ? wait_restart : NULL;
	mine.field = q->field ? wait_field : NULL;
	mine.done = wait_done;
	mine.arg = &w;
	rc = ffs_s3_submit(s3, &mine, &id);
	while (!rc && !w.done) {
		rc = ffs_http_run(s3->http, 1000);
		if (rc > 0)
			rc = 0;
		if (!rc && !w.done && ffs_http_stopped(s3->http))
			rc = -EINTR;
	}
	if (rc) {
		if (!w.done)
			ffs_s3_cancel(s3, id);
		r->rc = rc;
		snprintf(r->message, sizeof(r->message), "%s", strerrordesc_np(-rc));
	}
	return r->rc;
}

struct memory {
	struct ffs_buf buf;
	size_t max;
};

static int
memory_data(void *arg, const struct ffs_s3_response *r, const void *p, size_t n)
{
	struct memory *m = arg;

	if (n > m->max - m->buf.len || r->length > m->max)
		return -EFBIG;
	if (!m->buf.len && r->length)
		ffs_buf_reserve(&m->buf, (size_t)r->length);
	ffs_buf_add(&m->buf, p, n);
	return ffs_buf_error(&m->buf);
}

static void
memory_restart(void *arg)
{
	struct memory *m = arg;

	ffs_buf_reset(&m->buf);
}

int
ffs_s3_get(struct ffs_s3 *s3, const char *bucket, const char *key, size_t max, char **p, size_t *n,
    struct ffs_s3_response *r)
{
	return ffs_s3_get_newer(s3, bucket, key, NULL, max, p, n, r);
}

int
ffs_s3_get_newer(struct ffs_s3 *s3, const char *bucket, const char *key, const char *etag,
    size_t max, char **p, size_t *n, struct ffs_s3_response *r)
{
	struct memory m = { .max = max };
	char quoted[160];
	struct ffs_s3_field field = { "If-None-Match", quoted };
	struct ffs_s3_request q = { .method = "GET",
		.bucket = bucket,
		.key = key,
		.fields = &field,
		.nfields = etag ? 1 : 0,
		.data = memory_data,
		.restart = memory_restart,
		.arg = &m,
		.verify = true };
	struct ffs_s3_response mine;
	int rc;

	if (etag)
		snprintf(quoted, sizeof(quoted), "\"%s\"", etag);
	if (!r)
		r = &mine;
	rc = ffs_s3_perform(s3, &q, r);
	*p = NULL;
	*n = 0;
	if (!rc && (!etag || r->status != 304)) {
		*n = m.buf.len;
		*p = ffs_buf_detach(&m.buf);
		if (!*p)
			rc = -ENOMEM;
	}
	ffs_buf_release(&m.buf);
	return rc;
}
