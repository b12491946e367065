#include "common/node/op.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "common/base/range.h"
#include "common/node/s3body.h"
#include "common/node/s3xml.h"
#include "common/s3/sigv4.h"

/* --- reading --- */

/* Headers that the object was stored with; with sums only where the client asks for them. */
static void
reply_meta(struct ffs_request *q, const struct ffs_objmeta *m)
{
	const char *mode = ffs_request_field(q, "x-amz-checksum-mode");
	bool sums = mode && !strcasecmp(mode, "ENABLED") && !ffs_request_field(q, "range");
	bool typed = false;
	char name[FFS_OBJMETA_MAX], value[FFS_OBJMETA_MAX], *colon;
	const char *v, *header;
	size_t pos = 0, n;
	char tag;

	while (ffs_objmeta_next(m, &pos, &tag, &v, &n)) {
		memcpy(value, v, n);
		value[n] = '\0';
		header = ffs_objmeta_header(tag);
		if (header) {
			snprintf(name, sizeof(name), "response-%s", header);
			if (!ffs_request_param(q, name))
				ffs_request_reply(q, header, value);
			typed |= tag == 't';
		} else if (tag == FFS_OBJMETA_USER && (colon = strchr(value, ':'))) {
			*colon = '\0';
			n = (size_t)snprintf(name, sizeof(name), "x-amz-meta-%s", value);
			if (n < sizeof(name))
				ffs_request_reply(q, name, colon + 1);
		} else if (sums && tag >= FFS_OBJMETA_SUM && tag < FFS_OBJMETA_SUM + FFS_SUM_N) {
			snprintf(name, sizeof(name), "x-amz-checksum-%s",
			    ffs_digest_name((enum ffs_sum)(tag - FFS_OBJMETA_SUM)));
			ffs_request_reply(q, name, value);
		} else if (sums && tag == FFS_OBJMETA_SUM_TYPE) {
			ffs_request_reply(q, "x-amz-checksum-type", value);
		}
	}
	if (!typed && !ffs_request_param(q, "response-content-type"))
		ffs_request_reply(q, "Content-Type", "binary/octet-stream");
}

/* Headers that the query asks for instead of the stored ones. */
static enum ffs_fault
reply_overrides(struct ffs_request *q)
{
	size_t i;

	for (i = 0; i < q->nparams; i++) {
		if (strncmp(q->params[i].name, "response-", 9))
			continue;
		if (strpbrk(q->params[i].value, "\r\n"))
			return FFS_FAULT_INVALID_ARGUMENT;
		ffs_request_reply(q, q->params[i].name + 9, q->params[i].value);
	}
	return FFS_FAULT_NONE;
}

static enum ffs_fault
check_version(const struct ffs_request *q)
{
	const char *v = ffs_request_param(q, "versionId");

	return v && strcmp(v, "null") ? FFS_FAULT_NO_SUCH_VERSION : FFS_FAULT_NONE;
}

/* Which bytes: Range, or partNumber=1 of an object that was not uploaded in parts. */
static enum ffs_fault
choose_range(struct ffs_request *q, const struct ffs_object *o)
{
	const char *part = ffs_request_param(q, "partNumber");
	const char *range = ffs_request_field(q, "range");
	char text[80];
	int rc;

	q->off = 0;
	q->len = o->size;
	if (part) {
		if (range || strchr(o->etag, '-') || strcmp(part, "1"))
			return ffs_request_fault(q, FFS_FAULT_NOT_IMPLEMENTED,
			    "Reading single parts of an object is not implemented.");
		return FFS_FAULT_NONE;
	}
	if (!range || !ffs_range_if_range(ffs_request_field(q, "if-range"), o->etag, o->mtime))
		return FFS_FAULT_NONE;
	rc = ffs_range_parse(range, o->size, &q->off, &q->len);
	if (rc < 0) {
		snprintf(text, sizeof(text), "bytes */%ju", (uintmax_t)o->size);
		ffs_request_reply(q, "Content-Range", text);
		return FFS_FAULT_INVALID_RANGE;
	}
	if (rc) {
		q->status = 206;
		snprintf(text, sizeof(text), "bytes %ju-%ju/%ju", (uintmax_t)q->off,
		    (uintmax_t)(q->off + q->len - 1), (uintmax_t)o->size);
		ffs_request_reply(q, "Content-Range", text);
	}
	return FFS_FAULT_NONE;
}

enum ffs_fault
ffs_op_get_object(struct ffs_request *q)
{
	struct ffs_range_cond cond = {
		.if_match = ffs_request_field(q, "if-match"),
		.if_none_match = ffs_request_field(q, "if-none-match"),
		.if_modified_since = ffs_request_field(q, "if-modified-since"),
		.if_unmodified_since = ffs_request_field(q, "if-unmodified-since"),
	};
	enum ffs_fault f = check_version(q);
	struct ffs_object o;
	int rc;

	if (f)
		return f;
	rc = ffs_store_get(q->store, q->bucket, q->key, &o);
	if (rc)
		return ffs_fault_of(rc);
	q->fd = o.fd;
	rc = ffs_range_cond(&cond, o.etag, o.mtime);
	if (rc == 412)
		return FFS_FAULT_PRECONDITION;
	ffs_request_reply_version(q, o.etag, o.mtime);
	if (rc) {
		q->status = (unsigned)rc;
		q->off = 0;
		q->len = o.size;
		return FFS_FAULT_NONE;
	}
	f = choose_range(q, &o);
	if (f)
		return f;
	ffs_request_reply(q, "Accept-Ranges", "bytes");
	reply_meta(q, &o.meta);
	return reply_overrides(q);
}

/* --- writing --- */

enum ffs_fault
ffs_op_condition(struct ffs_request *q, struct ffs_store_cond *c)
{
	const char *none = ffs_request_field(q, "if-none-match");

	c->if_match = ffs_request_field(q, "if-match");
	c->if_absent = none;
	return none && strcmp(none, "*") ? FFS_FAULT_NOT_IMPLEMENTED : FFS_FAULT_NONE;
}

/* Ignoring these would be a lie: an object that was to be encrypted or locked is not. */
enum ffs_fault
ffs_op_check_headers(struct ffs_request *q)
{
	static const char *const no[] = { "x-amz-server-side-encryption",
		"x-amz-server-side-encryption-customer-algorithm", "x-amz-tagging",
		"x-amz-object-lock-mode", "x-amz-object-lock-legal-hold",
		"x-amz-object-lock-retain-until-date", "x-amz-website-redirect-location",
		"x-amz-write-offset-bytes", "x-amz-grant-full-control", "x-amz-grant-read",
		"x-amz-grant-read-acp", "x-amz-grant-write-acp" };
	const char *acl = ffs_request_field(q, "x-amz-acl");
	const char *class = ffs_request_field(q, "x-amz-storage-class");
	size_t i;

	for (i = 0; i < sizeof(no) / sizeof(no[0]); i++)
		if (ffs_request_field(q, no[i]))
			return FFS_FAULT_NOT_IMPLEMENTED;
	if (acl && strcmp(acl, "private") && strcmp(acl, "bucket-owner-full-control"))
		return FFS_FAULT_ACL_UNSUPPORTED;
	if (class && *class && strcmp(class, "STANDARD"))
		return FFS_FAULT_STORAGE_CLASS;
	return FFS_FAULT_NONE;
}

enum ffs_fault
ffs_op_put_begin(struct ffs_request *q)
{
	char path[FFS_KEYPATH_MAX];
	struct ffs_store_cond c;
	enum ffs_fault f = ffs_op_check_headers(q);
	struct ffs_object o;
	int rc;

	if (!f)
		f = ffs_op_condition(q, &c);
	if (f)
		return f;
	rc = ffs_keypath_encode(path, q->key);
	if (!rc)
		rc = ffs_store_bucket_stat(q->store, q->bucket, NULL);
	if (rc)
		return ffs_fault_of(rc);
	/* Only a hint, so that a lost race does not cost the whole body: the put decides. */
	if (c.if_absent && !ffs_store_get(q->store, q->bucket, q->key, &o)) {
		close(o.fd);
		return FFS_FAULT_PRECONDITION;
	}
	return ffs_fault_of(ffs_store_blob(q->store, &q->blob, q->length));
}

struct meta_scan {
	struct ffs_objmeta *meta;
	size_t user;
	int rc;
};

/* Content-Encoding without aws-chunked, which was about the transfer. */
static int
add_encoding(struct ffs_objmeta *m, const char *s)
{
	char out[256];
	size_t n, len = 0;

	for (; *(s += strspn(s, " \t,")); s += n) {
		n = strcspn(s, " \t,");
		if (n == 11 && !strncasecmp(s, "aws-chunked", n))
			continue;
		if (len + n + 2 > sizeof(out))
			return -E2BIG;
		if (len)
			out[len++] = ',';
		memcpy(out + len, s, n);
		len += n;
	}
	return len ? ffs_objmeta_add(m, 'n', out, len) : 0;
}

static enum MHD_Result
scan_field(void *arg, enum MHD_ValueKind kind, const char *name, const char *value)
{
	struct meta_scan *s = arg;
	char line[FFS_OBJMETA_USER_MAX + 2], *p;
	char tag = ffs_objmeta_tag(name);
	size_t n = strlen(name), len = strlen(value);

	(void)kind;
	if (tag == 'n') {
		s->rc = add_encoding(s->meta, value);
	} else if (tag) {
		s->rc = ffs_objmeta_add(s->meta, tag, value, len);
	} else if (!strncasecmp(name, "x-amz-meta-", 11)) {
		n -= 11;
		s->user += n + len;
		if (s->user > FFS_OBJMETA_USER_MAX) {
			s->rc = -E2BIG;
			return MHD_NO;
		}
		memcpy(line, name + 11, n);
		for (p = line; p < line + n; p++)
			if (*p >= 'A' && *p <= 'Z')
				*p = (char)(*p | 32);
		line[n] = ':';
		memcpy(line + n + 1, value, len);
		s->rc = ffs_objmeta_add(s->meta, FFS_OBJMETA_USER, line, n + 1 + len);
	}
	return s->rc ? MHD_NO : MHD_YES;
}

enum ffs_fault
ffs_op_meta_from_headers(struct ffs_request *q, struct ffs_objmeta *m)
{
	struct meta_scan s = { .meta = m };

	ffs_objmeta_init(m);
	MHD_get_connection_values(q->conn, MHD_HEADER_KIND, scan_field, &s);
	return ffs_fault_of(s.rc);
}

int
ffs_op_keep_checksum(
    struct ffs_request *q, struct ffs_objmeta *m, enum ffs_sum which, const char *sum)
{
	char name[40];

	snprintf(name, sizeof(name), "x-amz-checksum-%s", ffs_digest_name(which));
	ffs_request_reply(q, name, sum);
	return ffs_objmeta_add(m, (char)(FFS_OBJMETA_SUM + which), sum, strlen(sum));
}

enum ffs_fault
ffs_op_put_object(struct ffs_request *q)
{
	char etag[FFS_DIGEST_TEXT];
	struct ffs_store_cond c;
	struct ffs_objmeta meta;
	enum ffs_fault f = ffs_op_meta_from_headers(q, &meta);
	const char *sum;
	enum ffs_sum which;
	int rc;

	if (!f)
		f = ffs_op_condition(q, &c);
	if (f)
		return f;
	ffs_digest_hex(&q->digest, FFS_SUM_MD5, etag);
	rc = ffs_objmeta_add(&meta, FFS_OBJMETA_ETAG, etag, strlen(etag));
	sum = ffs_s3body_checksum(q, &which);
	if (sum && !rc) {
		rc = ffs_op_keep_checksum(q, &meta, which, sum);
		ffs_request_reply(q, "x-amz-checksum-type", "FULL_OBJECT");
	}
	if (!rc)
		rc = ffs_store_put(q->store, q->bucket, q->key, &q->blob, &meta, &c);
	if (rc)
		return ffs_fault_of(rc);
	ffs_request_reply_etag(q, etag);
	return FFS_FAULT_NONE;
}

enum ffs_fault
ffs_op_delete_object(struct ffs_request *q)
{
	struct ffs_store_cond c = { .if_match = ffs_request_field(q, "if-match") };
	enum ffs_fault f = check_version(q);
	int rc;

	if (f)
		return f;
	rc = ffs_store_delete(q->store, q->bucket, q->key, &c, NULL);
	if (rc == -ENOENT && !c.if_match) /* deleting nothing succeeds, as on S3 */
		rc = ffs_store_bucket_stat(q->store, q->bucket, NULL);
	if (rc)
		return ffs_fault_of(rc);
	q->status = 204;
	return FFS_FAULT_NONE;
}
