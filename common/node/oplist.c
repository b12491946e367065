#include "common/node/op.h"

#include <string.h>

#include "common/node/listing.h"
#include "common/base/opt.h"
#include "common/node/s3xml.h"

#define KEYS_MAX 1000 /* a page of S3 */

struct page {
	struct ffs_buf *out, prefixes;
	bool url, owner;
	size_t count;
};

static int
add_item(void *arg, const char *name, const struct ffs_object *o)
{
	struct page *p = arg;

	p->count++;
	if (!o) {
		ffs_buf_adds(&p->prefixes, "<CommonPrefixes>");
		ffs_s3xml_key(&p->prefixes, "Prefix", name, p->url);
		ffs_s3xml_close(&p->prefixes, "CommonPrefixes");
		return ffs_buf_error(&p->prefixes);
	}
	ffs_buf_adds(p->out, "<Contents>");
	ffs_s3xml_key(p->out, "Key", name, p->url);
	ffs_s3xml_time(p->out, "LastModified", o->mtime);
	ffs_s3xml_etag(p->out, "ETag", o->etag);
	ffs_s3xml_uint(p->out, "Size", o->size);
	if (p->owner)
		ffs_s3xml_owner(p->out, "Owner");
	ffs_s3xml_text(p->out, "StorageClass", "STANDARD");
	ffs_s3xml_close(p->out, "Contents");
	return ffs_buf_error(p->out);
}

static const char *
param_or(const struct ffs_request *q, const char *name, const char *otherwise)
{
	const char *s = ffs_request_param(q, name);

	return s ? s : otherwise;
}

/* What V1 and V2 do not have in common: where the page starts, and where the next one does. */
static void
add_position(struct ffs_request *q, const struct page *p, const struct ffs_listing *l, bool v2,
    const char *token)
{
	struct ffs_buf *b = &q->out;

	if (!v2) {
		ffs_s3xml_key(b, "Marker", l->after, p->url);
		if (l->truncated)
			ffs_s3xml_key(b, "NextMarker", l->last, p->url);
		return;
	}
	ffs_s3xml_uint(b, "KeyCount", p->count);
	if (token)
		ffs_s3xml_text(b, "ContinuationToken", token);
	if (ffs_request_param(q, "start-after"))
		ffs_s3xml_key(b, "StartAfter", param_or(q, "start-after", ""), p->url);
	if (l->truncated) {
		/* Hexadecimal, so that any client can carry it. */
		ffs_buf_adds(b, "<NextContinuationToken>");
		ffs_buf_addhex(b, l->last, strlen(l->last));
		ffs_s3xml_close(b, "NextContinuationToken");
	}
}

static int
nibble(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* The key in a continuation token.  False: it is none of ours. */
static bool
parse_token(const char *s, char out[FFS_KEY_MAX + 1])
{
	size_t n = 0;
	int hi, lo;

	for (; *s; s += 2) {
		hi = nibble(s[0]);
		lo = hi < 0 ? -1 : nibble(s[1]);
		if (lo < 0 || n == FFS_KEY_MAX || (!hi && !lo))
			return false;
		out[n++] = (char)(hi << 4 | lo);
	}
	out[n] = '\0';
	return n > 0;
}

enum ffs_fault
ffs_op_list_objects(struct ffs_request *q)
{
	const char *type = ffs_request_param(q, "list-type");
	const char *encoding = ffs_request_param(q, "encoding-type");
	const char *token = ffs_request_param(q, "continuation-token");
	bool v2 = type && !strcmp(type, "2");
	struct page p = { .out = &q->out, .url = encoding, .prefixes = FFS_BUF_INIT };
	struct ffs_listing l = { .each = add_item, .arg = &p };
	char after[FFS_KEY_MAX + 1];
	uint64_t max;
	int rc;

	if ((type && !v2) || (encoding && strcmp(encoding, "url")) || (token && !v2))
		return FFS_FAULT_INVALID_ARGUMENT;
	if (ffs_opt_uint(param_or(q, "max-keys", "1000"), 0, INT32_MAX, &max))
		return ffs_request_fault(q, FFS_FAULT_INVALID_ARGUMENT, "max-keys is no number.");
	if (token && !parse_token(token, after))
		return ffs_request_fault(
		    q, FFS_FAULT_INVALID_ARGUMENT, "The continuation token is not one of ours.");
	l.max = max > KEYS_MAX ? KEYS_MAX : max;
	l.prefix = param_or(q, "prefix", "");
	l.delimiter = param_or(q, "delimiter", "");
	l.after = token ? after : param_or(q, v2 ? "start-after" : "marker", "");
	p.owner = !v2 || !strcmp(param_or(q, "fetch-owner", ""), "true");
	ffs_s3xml_open(&q->out, "ListBucketResult");
	rc = ffs_listing_run(q->store, q->bucket, &l);
	if (!rc)
		rc = ffs_buf_error(&p.prefixes);
	if (!rc) {
		if (p.prefixes.len)
			ffs_buf_add(&q->out, p.prefixes.p, p.prefixes.len);
		ffs_s3xml_text(&q->out, "Name", q->bucket);
		ffs_s3xml_key(&q->out, "Prefix", l.prefix, p.url);
		if (*l.delimiter)
			ffs_s3xml_key(&q->out, "Delimiter", l.delimiter, p.url);
		if (p.url)
			ffs_s3xml_text(&q->out, "EncodingType", "url");
		ffs_s3xml_uint(&q->out, "MaxKeys", l.max);
		ffs_s3xml_bool(&q->out, "IsTruncated", l.truncated);
		add_position(q, &p, &l, v2, token);
	}
	ffs_buf_release(&p.prefixes);
	return rc ? ffs_fault_of(rc) : ffs_op_reply_xml(q, "ListBucketResult");
}
