#include "common/node/request.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/base/range.h"
#include "common/node/s3xml.h"
#include "common/s3/sigv4.h"
#include "common/base/utf8.h"

const char *
ffs_request_field(const struct ffs_request *q, const char *name)
{
	return MHD_lookup_connection_value(q->conn, MHD_HEADER_KIND, name);
}

const char *
ffs_request_param(const struct ffs_request *q, const char *name)
{
	size_t i;

	for (i = 0; i < q->nparams; i++)
		if (!strcmp(q->params[i].name, name))
			return q->params[i].value;
	return NULL;
}

void
ffs_request_reply(struct ffs_request *q, const char *name, const char *value)
{
	ffs_buf_add(&q->fields, name, strlen(name) + 1);
	ffs_buf_add(&q->fields, value, strlen(value) + 1);
}

void
ffs_request_reply_etag(struct ffs_request *q, const char *etag)
{
	char text[96];
	size_t n = strnlen(etag, sizeof(text) - 3);

	text[0] = '"';
	memcpy(text + 1, etag, n);
	memcpy(text + 1 + n, "\"", 2);
	ffs_request_reply(q, "ETag", text);
}

void
ffs_request_reply_version(struct ffs_request *q, const char *etag, time_t mtime)
{
	char date[FFS_RANGE_DATE];

	ffs_request_reply_etag(q, etag);
	ffs_range_date(date, mtime);
	ffs_request_reply(q, "Last-Modified", date);
}

enum ffs_fault
ffs_request_fault(struct ffs_request *q, enum ffs_fault f, const char *message)
{
	q->message = message;
	return f;
}

/* Decode n bytes to a string; NULL for a broken sequence or a NUL (S3 has no such names). */
static char *
decode(const char *s, size_t n, bool plus)
{
	struct ffs_buf b = FFS_BUF_INIT;

	if (ffs_sigv4_decode(&b, s, n, plus) || (b.len && memchr(b.p, '\0', b.len))) {
		ffs_buf_release(&b);
		return NULL;
	}
	return ffs_buf_detach(&b);
}

static enum ffs_fault
parse_params(struct ffs_request *q)
{
	struct ffs_request_param *p;
	const char *s = q->query, *eq;
	size_t n;

	for (; *s; s += n + (s[n] == '&')) {
		n = strcspn(s, "&");
		if (!n)
			continue;
		if (q->nparams == FFS_REQUEST_PARAMS_MAX)
			return FFS_FAULT_INVALID_URI;
		p = &q->params[q->nparams++];
		eq = memchr(s, '=', n);
		p->name = decode(s, eq ? (size_t)(eq - s) : n, true);
		p->value =
		    eq ? decode(eq + 1, n - (size_t)(eq + 1 - s), true) : decode("", 0, true);
		if (!p->name || !p->value)
			return FFS_FAULT_INVALID_URI;
	}
	return FFS_FAULT_NONE;
}

enum ffs_fault
ffs_request_parse(struct ffs_request *q)
{
	enum ffs_fault f;
	char *path, *slash;
	size_t n;

	/* The absolute form of a request target (RFC 9112, 3.2.2) comes from proxies only. */
	q->path = q->target;
	q->query = strchr(q->target, '?');
	if (q->query)
		*q->query++ = '\0';
	else
		q->query = q->target + strlen(q->target);
	if (q->path[0] != '/')
		return FFS_FAULT_INVALID_URI;
	f = parse_params(q);
	if (f)
		return f;
	path = decode(q->path + 1, strlen(q->path + 1), false);
	if (!path)
		return FFS_FAULT_INVALID_URI;
	slash = strchrnul(path, '/');
	n = strlen(slash);
	if (!ffs_utf8_valid(path, strlen(path)))
		f = FFS_FAULT_INVALID_URI;
	else if (slash - path > FFS_KEY_MAX)
		f = FFS_FAULT_BUCKET_NAME;
	else if (n > FFS_KEY_MAX + 1)
		f = FFS_FAULT_KEY_TOO_LONG;
	if (!f) {
		memcpy(q->bucket, path, (size_t)(slash - path));
		if (n)
			memcpy(q->key, slash + 1, n);
		if (!q->bucket[0] && q->key[0])
			f = FFS_FAULT_BUCKET_NAME;
	}
	free(path);
	return f;
}

void
ffs_request_error_body(struct ffs_request *q)
{

	ffs_buf_reset(&q->out);
	ffs_buf_adds(&q->out, "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<Error>");
	ffs_s3xml_text(&q->out, "Code", ffs_fault_code(q->fault));
	ffs_s3xml_text(&q->out, "Message", q->message ? q->message : ffs_fault_message(q->fault));
	if (q->bucket[0])
		ffs_s3xml_text(&q->out, "BucketName", q->bucket);
	if (q->key[0])
		ffs_s3xml_text(&q->out, "Key", q->key);
	if (q->fault == FFS_FAULT_SKEWED) {
		ffs_s3xml_time(&q->out, "ServerTime", time(NULL));
	}
	ffs_s3xml_text(&q->out, "Resource", q->path ? q->path : "/");
	ffs_s3xml_text(&q->out, "RequestId", q->request_id);
	ffs_s3xml_close(&q->out, "Error");
}

void
ffs_request_free(struct ffs_request *q)
{
	size_t i;

	if (!q)
		return;
	for (i = 0; i < q->nparams; i++) {
		free(q->params[i].name);
		free(q->params[i].value);
	}
	free(q->target);
	ffs_buf_release(&q->text);
	ffs_blob_discard(&q->blob);
	ffs_digest_release(&q->digest);
	ffs_awschunked_free(q->chunked);
	ffs_buf_release(&q->fields);
	ffs_buf_release(&q->out);
	if (q->fd >= 0)
		close(q->fd);
	free(q);
}
