#include "common/node/op.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "common/node/multipart.h"
#include "common/base/range.h"
#include "common/node/s3xml.h"
#include "common/s3/sigv4.h"

/* "/BUCKET/KEY" or "BUCKET/KEY", percent-encoded, with an optional "?versionId=null". */
static enum ffs_fault
parse_source(struct ffs_request *q, char bucket[64], char key[FFS_KEY_MAX + 1])
{
	const char *s = ffs_request_field(q, "x-amz-copy-source"), *version, *slash;
	struct ffs_buf b = FFS_BUF_INIT;
	enum ffs_fault f = FFS_FAULT_INVALID_ARGUMENT;
	size_t n;

	s += *s == '/';
	version = strchrnul(s, '?');
	if (*version && strcmp(version, "?versionId=null"))
		return FFS_FAULT_NO_SUCH_VERSION;
	if (ffs_sigv4_decode(&b, s, (size_t)(version - s), false) || memchr(b.p, '\0', b.len))
		goto out;
	slash = strchr(b.p, '/');
	if (!slash || slash - b.p > 63 || !slash[1])
		goto out;
	n = strlen(slash + 1);
	f = n > FFS_KEY_MAX ? FFS_FAULT_KEY_TOO_LONG : FFS_FAULT_NONE;
	if (f)
		goto out;
	memcpy(bucket, b.p, (size_t)(slash - b.p));
	bucket[slash - b.p] = '\0';
	memcpy(key, slash + 1, n + 1);
out:
	ffs_buf_release(&b);
	return f ? ffs_request_fault(q, f, "x-amz-copy-source is not BUCKET/KEY.") : f;
}

/* Open what is to be copied, if the conditions on it hold. */
static enum ffs_fault
open_source(struct ffs_request *q, struct ffs_object *o)
{
	struct ffs_range_cond cond = {
		.if_match = ffs_request_field(q, "x-amz-copy-source-if-match"),
		.if_none_match = ffs_request_field(q, "x-amz-copy-source-if-none-match"),
		.if_modified_since = ffs_request_field(q, "x-amz-copy-source-if-modified-since"),
		.if_unmodified_since =
		    ffs_request_field(q, "x-amz-copy-source-if-unmodified-since"),
	};
	char bucket[64], key[FFS_KEY_MAX + 1];
	enum ffs_fault f = ffs_op_check_headers(q);
	int rc;

	if (!f)
		f = parse_source(q, bucket, key);
	if (f)
		return f;
	rc = ffs_store_get(q->store, bucket, key, o);
	if (rc)
		return ffs_fault_of(rc);
	if (!ffs_range_cond(&cond, o->etag, o->mtime))
		return FFS_FAULT_NONE;
	close(o->fd);
	return FFS_FAULT_PRECONDITION;
}

/* Checksums of the bytes go with the bytes; headers are the source's or the request's. */
static enum ffs_fault
copy_meta(struct ffs_request *q, const struct ffs_object *o, struct ffs_objmeta *m)
{
	const char *directive = ffs_request_field(q, "x-amz-metadata-directive"), *v;
	bool replace = directive && !strcasecmp(directive, "REPLACE");
	size_t pos = 0, n;
	enum ffs_fault f;
	char tag;
	int rc;

	if (directive && !replace && strcasecmp(directive, "COPY"))
		return FFS_FAULT_INVALID_ARGUMENT;
	f = replace ? ffs_op_meta_from_headers(q, m) : FFS_FAULT_NONE;
	if (f)
		return f;
	if (!replace)
		ffs_objmeta_init(m);
	rc = ffs_objmeta_add(m, FFS_OBJMETA_ETAG, o->etag, strlen(o->etag));
	while (!rc && ffs_objmeta_next(&o->meta, &pos, &tag, &v, &n)) {
		if (tag == FFS_OBJMETA_ETAG || tag == FFS_OBJMETA_STAMP)
			continue;
		if (replace && (ffs_objmeta_header(tag) || tag == FFS_OBJMETA_USER))
			continue;
		rc = ffs_objmeta_add(m, tag, v, n);
	}
	return ffs_fault_of(rc);
}

static enum ffs_fault
reply_copy(struct ffs_request *q, const char *root, const char *etag)
{
	ffs_s3xml_open(&q->out, root);
	ffs_s3xml_time(&q->out, "LastModified", time(NULL));
	ffs_s3xml_etag(&q->out, "ETag", etag);
	return ffs_op_reply_xml(q, root);
}

enum ffs_fault
ffs_op_copy_object(struct ffs_request *q)
{
	struct ffs_store_cond c;
	struct ffs_objmeta m;
	struct ffs_object o;
	enum ffs_fault f = ffs_op_condition(q, &c);
	int rc;

	if (!f)
		f = open_source(q, &o);
	if (f)
		return f;
	f = copy_meta(q, &o, &m);
	if (f)
		goto out;
	rc = ffs_store_blob(q->store, &q->blob, o.size);
	if (!rc)
		rc = ffs_blob_copy(&q->blob, o.fd, 0, o.size);
	if (!rc)
		rc = ffs_store_put(q->store, q->bucket, q->key, &q->blob, &m, &c);
	f = rc ? ffs_fault_of(rc) : reply_copy(q, "CopyObjectResult", o.etag);
out:
	close(o.fd);
	return f;
}

/* "bytes=A-B", all of it inside the source. */
static enum ffs_fault
source_range(const struct ffs_request *q, const struct ffs_object *o, uint64_t *off, uint64_t *n)
{
	const char *s = ffs_request_field(q, "x-amz-copy-source-range");
	int rc;

	*off = 0;
	*n = o->size;
	if (!s)
		return FFS_FAULT_NONE;
	rc = ffs_range_parse(s, o->size, off, n);
	if (rc < 0)
		return FFS_FAULT_INVALID_RANGE;
	return rc ? FFS_FAULT_NONE : FFS_FAULT_INVALID_ARGUMENT;
}

/* The part's bytes are in the blob: its ETag is their MD5. */
static int
place_part(
    struct ffs_request *q, struct ffs_multipart *m, unsigned number, char etag[FFS_DIGEST_TEXT])
{
	struct ffs_objmeta meta;
	struct ffs_digest d;
	int rc = ffs_digest_file(&d, 1u << FFS_SUM_MD5, q->blob.fd, q->blob.len);

	if (rc)
		return rc;
	ffs_digest_hex(&d, FFS_SUM_MD5, etag);
	ffs_digest_release(&d);
	ffs_objmeta_init(&meta);
	rc = ffs_objmeta_add(&meta, FFS_OBJMETA_ETAG, etag, strlen(etag));
	return rc ? rc : ffs_multipart_put(m, number, &q->blob, &meta);
}

enum ffs_fault
ffs_op_copy_part(struct ffs_request *q)
{
	struct ffs_multipart m;
	struct ffs_object o;
	char etag[FFS_DIGEST_TEXT];
	uint64_t off, n;
	unsigned number;
	enum ffs_fault f = ffs_op_open_upload(q, &m, &number);
	int rc;

	if (f)
		return f;
	f = open_source(q, &o);
	if (f)
		goto out;
	f = source_range(q, &o, &off, &n);
	if (!f) {
		rc = ffs_store_blob(q->store, &q->blob, n);
		if (!rc)
			rc = ffs_blob_copy(&q->blob, o.fd, off, n);
		if (!rc)
			rc = place_part(q, &m, number, etag);
		f = rc ? ffs_fault_of(rc) : reply_copy(q, "CopyPartResult", etag);
	}
	close(o.fd);
out:
	ffs_multipart_close(&m);
	return f;
}
