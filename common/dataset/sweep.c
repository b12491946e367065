#include "common/dataset/sweep.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/clock.h"

enum { WINDOW = 32 }; /* deletions in flight */

struct sweeper {
	struct ffs_sweep *list;
	struct ffs_stores *st;
	const struct ffs_sweep_opts *o;
	size_t in_flight, deleted;
	int rc;
	char *error;
	size_t error_len;
};

/* One deletion in flight. */
struct slot {
	struct sweeper *s;
	const struct ffs_sweep_item *item;
	uint64_t id;
	bool busy;
};

int
ffs_sweep_add(struct ffs_sweep *s, size_t node, const char *key, uint64_t size)
{
	struct ffs_sweep_item *v;
	size_t cap;

	if (s->n == s->cap) {
		cap = s->cap ? s->cap * 2 : 64;
		v = reallocarray(s->v, cap, sizeof(*v));
		if (!v)
			return -ENOMEM;
		s->v = v;
		s->cap = cap;
	}
	s->v[s->n].key = strdup(key);
	if (!s->v[s->n].key)
		return -ENOMEM;
	s->v[s->n].node = node;
	s->v[s->n++].size = size;
	return 0;
}

void
ffs_sweep_release(struct ffs_sweep *s)
{
	size_t i;

	for (i = 0; i < s->n; i++)
		free(s->v[i].key);
	free(s->v);
	memset(s, 0, sizeof(*s));
}

static void
failed(struct sweeper *s, int rc)
{
	if (!s->rc)
		s->rc = rc;
}

static void
deleted(void *arg, const struct ffs_s3_response *r)
{
	struct slot *slot = arg;
	struct sweeper *s = slot->s;
	int rc = r->rc == -ENOENT ? 0 : r->rc;
	char text[512];

	slot->busy = false;
	s->in_flight--;
	if (!rc) {
		s->deleted++;
	} else if (!s->rc && rc != -ECANCELED) {
		snprintf(s->error, s->error_len, "cannot delete '%s': %s", slot->item->key,
		    ffs_s3_error(ffs_stores_get(s->st, slot->item->node), r, text, sizeof(text)));
	}
	if (rc && rc != -ECANCELED)
		failed(s, rc);
	if (s->o->each)
		s->o->each(s->o->arg, slot->item, rc);
}

static int
submit(struct sweeper *s, struct slot *slot, const struct ffs_sweep_item *item)
{
	struct ffs_s3_request q = { .method = "DELETE",
		.bucket = s->o->bucket,
		.key = item->key,
		.done = deleted,
		.arg = slot };
	struct ffs_s3 *s3 = ffs_stores_get(s->st, item->node);
	int rc;

	slot->s = s;
	slot->item = item;
	slot->busy = true;
	rc = s3 ? ffs_s3_submit(s3, &q, &slot->id) : -ENOMEM;
	if (rc)
		slot->busy = false;
	else
		s->in_flight++;
	return rc;
}

static int
must_end(const struct ffs_sweep_opts *o)
{
	if (o->stop && *o->stop)
		return -EINTR;
	return o->deadline_ms && ffs_clock_ms() >= o->deadline_ms ? -ETIMEDOUT : 0;
}

int
ffs_sweep_run(struct ffs_sweep *list, struct ffs_stores *st, const struct ffs_sweep_opts *o,
    size_t *left, char *error, size_t error_len)
{
	struct sweeper s = {
		.list = list, .st = st, .o = o, .error = error, .error_len = error_len
	};
	struct slot slots[WINDOW] = { 0 };
	size_t next = 0, i;
	int rc = 0;

	error[0] = '\0';
	for (;;) {
		rc = must_end(o);
		for (i = 0; i < WINDOW && next < list->n && !rc; i++)
			if (!slots[i].busy)
				rc = submit(&s, &slots[i], &list->v[next++]);
		if (rc || (!s.in_flight && next == list->n))
			break;
		rc = ffs_http_run(st->http, 100);
		if (rc < 0)
			break;
	}
	for (i = 0; i < WINDOW; i++)
		if (slots[i].busy)
			ffs_s3_cancel(ffs_stores_get(st, slots[i].item->node), slots[i].id);
	if (rc < 0)
		failed(&s, rc);
	if (s.rc && !error[0])
		snprintf(error, error_len, "cannot delete all: %s", strerror(-s.rc));
	*left = list->n - s.deleted;
	return s.rc;
}
