#include "common/load/uploadimpl.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "common/base/crc32c.h"
#include "common/load/packer.h"

int
ffs_upload_fail(struct upload *u, int rc, const char *fmt, ...)
{
	va_list ap;

	if (u->rc)
		return rc;
	va_start(ap, fmt);
	vsnprintf(u->error, u->error_len, fmt, ap);
	va_end(ap);
	u->rc = rc;
	return rc;
}

int
ffs_upload_no_memory(struct upload *u)
{
	return ffs_upload_fail(u, -ENOMEM, "out of memory");
}

static struct ffs_chunk *
chunk_of(struct job *j)
{
	return &j->load->draft.m.chunks[j->item->index];
}

static struct ffs_object *
object_of(struct job *j)
{
	struct ffs_chunk *c = chunk_of(j);

	return j->item->kind == FFS_INTAKE_MESSAGE ? &c->message : &c->data;
}

static void
end_job(struct job *j)
{
	struct upload *u = j->u;

	if (j->prev)
		j->prev->next = j->next;
	else
		u->jobs = j->next;
	if (j->next)
		j->next->prev = j->prev;
	u->in_flight--;
	j->load->pending--;
	ffs_intake_put(u->in, j->item);
	free(j);
}

void
ffs_upload_safe(struct upload *u, struct load *l, const struct ffs_intake_item *i,
    const struct ffs_object *o, struct ffs_upload_chunk *c)
{
	const struct ffs_chunk *chunk = &l->draft.m.chunks[i->index];

	c->dataset = l->ds.name;
	c->key = o->key;
	c->node = chunk->data.nodes[0];
	c->etag = o->etags[0];
	c->bytes = o->bytes;
	c->crc32c = o->crc32c;
	c->message = i->kind == FFS_INTAKE_MESSAGE;
	c->rows = chunk->rows; /* a message has as many */
	l->stored += o->bytes;
	l->reused += c->reused;
	if (!c->message) {
		u->at.chunks++;
		u->at.bytes += i->plain_bytes;
	}
	if (u->o->chunk)
		u->o->chunk(u->o->arg, c);
}

/* The object is safe. */
static void
done_job(struct job *j, const char *etag, bool reused)
{
	struct ffs_object *o = object_of(j);
	struct ffs_upload_chunk c = { .reused = reused, .us = j->us, .attempts = j->attempts };

	o->etags[0] = strdup(etag);
	if (o->etags[0])
		ffs_upload_safe(j->u, j->load, j->item, o, &c);
	else
		ffs_upload_no_memory(j->u);
	end_job(j);
}

static void
fail_job(struct job *j, const char *what, const struct ffs_s3_response *r)
{
	struct ffs_s3 *s3 = ffs_stores_get(j->u->st, j->item->node);
	char text[512];

	/* a cancelled one is not the reason */
	if (r->rc != -ECANCELED)
		ffs_upload_fail(j->u, r->rc, "cannot %s '%s': %s", what, object_of(j)->key,
		    ffs_s3_error(s3, r, text, sizeof(text)));
	end_job(j);
}

static bool
is_md5(const char *etag)
{
	return strlen(etag) == 32 && strspn(etag, "0123456789abcdefABCDEF") == 32;
}

/*
 * Has the store what we sent?  One that returns our CRC32C has checked it.
 * Of others an ETag that looks like an MD5 is taken for one; then MD5 is asked of the
 * workers for the chunks to come, and computed here for those already on their way.
 */
static bool
same_bytes(struct job *j, const struct ffs_s3_response *r)
{
	struct ffs_intake_item *i = j->item;
	char ours[33];
	uint32_t crc;
	size_t n;

	if (*r->checksum_crc32c)
		return !ffs_crc32c_from_base64(r->checksum_crc32c, &crc) && crc == i->crc32c;
	if (!is_md5(r->etag))
		return true;
	ffs_intake_want_md5(j->u->in);
	if (!i->has_md5 && ffs_packer_md5(i->md5, i->p, i->n))
		return true;
	for (n = 0; n < sizeof(i->md5); n++)
		snprintf(ours + 2 * n, 3, "%02x", i->md5[n]);
	return !strcasecmp(ours, r->etag);
}

static void send_job(struct job *j);

static void
answered(void *arg, const struct ffs_s3_response *r)
{
	static const struct ffs_s3_response wrong = { .rc = -EBADMSG,
		.message = "the store has other bytes than were sent, twice" };
	static const struct ffs_s3_response anonymous = { .rc = -EBADMSG,
		.message = "the store gives no ETag" };
	struct job *j = arg;
	char crc[9];

	j->us += r->total_us;
	j->attempts += r->attempts;
	if (j->head) {
		snprintf(crc, sizeof(crc), "%08" PRIx32, j->item->crc32c);
		j->head = false;
		if (!r->rc && *r->etag && r->length == j->item->n &&
		    !strcasecmp(r->meta_crc32c, crc))
			done_job(j, r->etag, true);
		else if (!r->rc || r->rc == -ENOENT)
			send_job(j);
		else
			fail_job(j, "look at", r);
	} else if (j->repair) {
		j->repair = false;
		if (r->rc && r->rc != -ENOENT)
			fail_job(j, "delete", r);
		else
			send_job(j);
	} else if (r->rc) {
		fail_job(j, "put", r);
	} else if (!*r->etag) {
		fail_job(j, "put", &anonymous);
	} else if (same_bytes(j, r)) {
		done_job(j, r->etag, false);
	} else if (j->again) {
		fail_job(j, "put", &wrong);
	} else {
		j->repair = j->again = true;
		send_job(j);
	}
}

/* Ask, delete or send, as the job's state says. */
static void
send_job(struct job *j)
{
	char crc[9];
	struct ffs_s3_field fields[] = { { "Content-Type", j->item->encoding == FFS_ENCODING_ZSTD
							       ? "application/zstd"
							       : "text/csv" },
		{ "x-amz-meta-ffs-crc32c", crc } };
	struct ffs_s3_request q = { .method = j->head     ? "HEAD"
		                              : j->repair ? "DELETE"
		                                          : "PUT",
		.bucket = j->u->o->bucket,
		.key = object_of(j)->key,
		.done = answered,
		.arg = j };
	struct ffs_s3 *s3 = ffs_stores_get(j->u->st, j->item->node);
	int rc;

	snprintf(crc, sizeof(crc), "%08" PRIx32, j->item->crc32c);
	if (!j->head && !j->repair) {
		q.fields = fields;
		q.nfields = sizeof(fields) / sizeof(*fields);
		q.body = j->item->p;
		q.body_len = j->item->n;
		q.crc32c = &j->item->crc32c;
	}
	/* after the first failure nothing new starts */
	rc = j->u->rc ? -ECANCELED : s3 ? ffs_s3_submit(s3, &q, &j->id) : -ENOMEM;
	if (!rc)
		return;
	if (rc != -ECANCELED)
		ffs_upload_fail(j->u, rc, "cannot send '%s': %s", object_of(j)->key, strerror(-rc));
	end_job(j);
}

int
ffs_upload_start(struct upload *u, struct load *l, struct ffs_intake_item *i)
{
	struct job *j = calloc(1, sizeof(*j));

	if (!j)
		return ffs_upload_no_memory(u);
	j->u = u;
	j->load = l;
	j->item = i;
	j->head = l->ds.resumed;
	j->next = u->jobs;
	if (u->jobs)
		u->jobs->prev = j;
	u->jobs = j;
	u->in_flight++;
	l->pending++;
	send_job(j);
	return 0;
}
