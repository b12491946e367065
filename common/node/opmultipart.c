#include "common/node/op.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include <openssl/evp.h>

#include "common/node/multipart.h"
#include "common/base/opt.h"
#include "common/node/s3body.h"
#include "common/node/s3xml.h"

#define PART_MIN (5u << 20) /* of every part but the last one */
#define PAGE 1000
#define ALGORITHM 'g' /* tag of an upload's metadata: the checksum that its parts will have */

enum ffs_fault
ffs_op_open_upload(struct ffs_request *q, struct ffs_multipart *m, unsigned *number)
{
	const char *part = ffs_request_param(q, "partNumber");
	uint64_t n;
	int rc;

	if (number) {
		if (!part || ffs_opt_uint(part, 1, FFS_MULTIPART_PARTS, &n))
			return ffs_request_fault(
			    q, FFS_FAULT_INVALID_ARGUMENT, "partNumber is not 1 to 10000.");
		*number = (unsigned)n;
	}
	rc = ffs_multipart_open(m, q->store, q->bucket, q->key, ffs_request_param(q, "uploadId"));
	if (rc == -ENOENT)
		return FFS_FAULT_NO_SUCH_UPLOAD;
	return ffs_fault_of(rc);
}

enum ffs_fault
ffs_op_create_upload(struct ffs_request *q)
{
	const char *algorithm = ffs_request_field(q, "x-amz-checksum-algorithm");
	const char *type = ffs_request_field(q, "x-amz-checksum-type");
	char id[FFS_MULTIPART_ID];
	struct ffs_objmeta meta;
	enum ffs_fault f = ffs_op_check_headers(q);
	enum ffs_sum s;
	int rc = 0;

	if (!f)
		f = ffs_op_meta_from_headers(q, &meta);
	if (f)
		return f;
	if (algorithm) {
		s = ffs_digest_named(algorithm, strlen(algorithm));
		if (s == FFS_SUM_N)
			return FFS_FAULT_NOT_IMPLEMENTED;
		if (!type)
			type = s == FFS_SUM_CRC64NVME ? "FULL_OBJECT" : "COMPOSITE";
		if (strcmp(type, "FULL_OBJECT") && strcmp(type, "COMPOSITE"))
			return FFS_FAULT_INVALID_ARGUMENT;
		rc = ffs_objmeta_set(&meta, ALGORITHM, ffs_digest_name(s));
		if (!rc)
			rc = ffs_objmeta_set(&meta, FFS_OBJMETA_SUM_TYPE, type);
		ffs_request_reply(q, "x-amz-checksum-algorithm", algorithm);
		ffs_request_reply(q, "x-amz-checksum-type", type);
	}
	if (!rc)
		rc = ffs_multipart_create(q->store, q->bucket, q->key, &meta, id);
	if (rc)
		return ffs_fault_of(rc);
	ffs_s3xml_open(&q->out, "InitiateMultipartUploadResult");
	ffs_s3xml_text(&q->out, "Bucket", q->bucket);
	ffs_s3xml_text(&q->out, "Key", q->key);
	ffs_s3xml_text(&q->out, "UploadId", id);
	return ffs_op_reply_xml(q, "InitiateMultipartUploadResult");
}

enum ffs_fault
ffs_op_part_begin(struct ffs_request *q)
{
	struct ffs_multipart m;
	unsigned number;
	enum ffs_fault f = ffs_op_open_upload(q, &m, &number);

	if (f)
		return f;
	ffs_multipart_close(&m);
	return ffs_fault_of(ffs_store_blob(q->store, &q->blob, q->length));
}

enum ffs_fault
ffs_op_put_part(struct ffs_request *q)
{
	char etag[FFS_DIGEST_TEXT];
	struct ffs_multipart m;
	struct ffs_objmeta meta;
	enum ffs_sum which;
	unsigned number;
	const char *sum;
	enum ffs_fault f = ffs_op_open_upload(q, &m, &number);
	int rc;

	if (f)
		return f;
	ffs_objmeta_init(&meta);
	ffs_digest_hex(&q->digest, FFS_SUM_MD5, etag);
	rc = ffs_objmeta_add(&meta, FFS_OBJMETA_ETAG, etag, strlen(etag));
	sum = ffs_s3body_checksum(q, &which);
	if (sum && !rc)
		rc = ffs_op_keep_checksum(q, &meta, which, sum);
	if (!rc)
		rc = ffs_multipart_put(&m, number, &q->blob, &meta);
	ffs_multipart_close(&m);
	/* Completed or aborted while this part was on its way. */
	if (rc == -ENOENT)
		return FFS_FAULT_NO_SUCH_UPLOAD;
	if (rc)
		return ffs_fault_of(rc);
	ffs_request_reply_etag(q, etag);
	return FFS_FAULT_NONE;
}

enum ffs_fault
ffs_op_abort_upload(struct ffs_request *q)
{
	struct ffs_multipart m;
	enum ffs_fault f = ffs_op_open_upload(q, &m, NULL);
	int rc;

	if (f)
		return f;
	rc = ffs_multipart_remove(&m);
	ffs_multipart_close(&m);
	q->status = 204;
	return rc == -ENOENT ? FFS_FAULT_NONE : ffs_fault_of(rc);
}

/* --- completing --- */

struct assembly {
	struct ffs_request *q;
	struct ffs_multipart *m;
	struct ffs_digest etags; /* of the parts' MD5s */
	struct ffs_digest sums;  /* of the parts' checksums, where the upload has an algorithm */
	enum ffs_sum algorithm;  /* FFS_SUM_N: none */
	bool composite;          /* every part has had its checksum */
	unsigned parts, last;
	uint64_t last_size;
	enum ffs_fault fault;
};

static int
fail(struct assembly *a, enum ffs_fault f)
{
	a->fault = f;
	return -EINVAL;
}

static int
unhex(unsigned char out[16], const char *s)
{
	unsigned v;
	int i;

	for (i = 0; i < 16; i++, s += 2) {
		if (sscanf(s, "%2x", &v) != 1)
			return -EINVAL;
		out[i] = (unsigned char)v;
	}
	return *s ? -EINVAL : 0;
}

/* The checksums that the list and the part give must agree; the part's goes into the whole. */
static int
add_sum(struct assembly *a, const struct ffs_s3xml_part *p, const struct ffs_object *o)
{
	char kept[FFS_DIGEST_TEXT];
	unsigned char raw[32];
	enum ffs_sum s;
	bool has;

	for (s = FFS_SUM_CRC32; s < FFS_SUM_N; s++) {
		has = ffs_objmeta_get(&o->meta, (char)(FFS_OBJMETA_SUM + s), kept, sizeof(kept));
		if (p->sum[s][0] && (!has || strcmp(kept, p->sum[s])))
			return fail(a, FFS_FAULT_INVALID_PART);
		if (s != a->algorithm)
			continue;
		if (!has || ffs_digest_from_base64(s, kept, raw))
			a->composite = false;
		else if (ffs_digest_update(&a->sums, raw, ffs_digest_size(s)))
			return fail(a, FFS_FAULT_INTERNAL);
	}
	return 0;
}

static int
add_part(void *arg, const struct ffs_s3xml_part *p)
{
	struct assembly *a = arg;
	unsigned char md5[16];
	struct ffs_object o;
	int rc;

	if (a->parts && p->number <= a->last)
		return fail(a, FFS_FAULT_INVALID_PART_ORDER);
	if (a->parts && a->last_size < PART_MIN)
		return fail(a, FFS_FAULT_PART_TOO_SMALL);
	if (ffs_multipart_get(a->m, p->number, &o))
		return fail(a, FFS_FAULT_INVALID_PART);
	rc = strcasecmp(o.etag, p->etag) || unhex(md5, o.etag) ? fail(a, FFS_FAULT_INVALID_PART)
	                                                       : add_sum(a, p, &o);
	if (!rc)
		rc = ffs_digest_update(&a->etags, md5, sizeof(md5));
	if (!rc)
		rc = ffs_blob_copy(&a->q->blob, o.fd, 0, o.size);
	if (rc && !a->fault)
		a->fault = ffs_fault_of(rc);
	close(o.fd);
	a->parts++;
	a->last = p->number;
	a->last_size = o.size;
	return rc;
}

static int
assembly_begin(struct assembly *a)
{
	char name[16], type[16];
	int rc = ffs_digest_init(&a->etags, 1u << FFS_SUM_MD5);

	a->algorithm = FFS_SUM_N;
	ffs_objmeta_get(&a->m->meta, FFS_OBJMETA_SUM_TYPE, type, sizeof(type));
	if (ffs_objmeta_get(&a->m->meta, ALGORITHM, name, sizeof(name)))
		a->algorithm = ffs_digest_named(name, strlen(name));
	a->composite = a->algorithm != FFS_SUM_N && !strcmp(type, "COMPOSITE");
	if (!rc && a->algorithm != FFS_SUM_N)
		rc = ffs_digest_init(&a->sums, 1u << a->algorithm);
	return rc ? rc : ffs_store_blob(a->q->store, &a->q->blob, 0);
}

/* The checksum of the whole, as its type asks; "" where there is none. */
static int
whole_sum(struct assembly *a, char out[FFS_DIGEST_TEXT + 8], const char **type)
{
	char text[FFS_DIGEST_TEXT];
	struct ffs_digest d;
	int rc;

	out[0] = '\0';
	if (a->algorithm == FFS_SUM_N)
		return 0;
	if (a->composite) {
		*type = "COMPOSITE";
		rc = ffs_digest_finish(&a->sums);
		if (rc)
			return rc;
		ffs_digest_base64(&a->sums, a->algorithm, text);
		snprintf(out, FFS_DIGEST_TEXT + 8, "%s-%u", text, a->parts);
		return 0;
	}
	*type = "FULL_OBJECT";
	rc = ffs_digest_file(&d, 1u << a->algorithm, a->q->blob.fd, a->q->blob.len);
	if (rc)
		return rc;
	ffs_digest_base64(&d, a->algorithm, text);
	ffs_digest_release(&d);
	snprintf(out, FFS_DIGEST_TEXT + 8, "%s", text);
	return 0;
}

/* A checksum of the whole that the client sent, in a header; mc sends a composite one without "-N".
 */
static enum ffs_fault
check_whole(struct assembly *a, const char *sum)
{
	char header[40];
	const char *sent;
	size_t n;

	if (!*sum)
		return FFS_FAULT_NONE;
	snprintf(header, sizeof(header), "x-amz-checksum-%s", ffs_digest_name(a->algorithm));
	sent = ffs_request_field(a->q, header);
	if (!sent)
		return FFS_FAULT_NONE;
	n = strchr(sent, '-') ? strlen(sum) : strcspn(sum, "-");
	return strlen(sent) != n || strncmp(sent, sum, n) ? FFS_FAULT_BAD_DIGEST : FFS_FAULT_NONE;
}

static enum ffs_fault
reply_complete(struct assembly *a, const char *etag, const char *sum, const char *type)
{
	struct ffs_request *q = a->q;
	const char *s, *host = ffs_request_field(q, "host");
	char name[32] = "Checksum";
	size_t n = strlen(name);

	ffs_s3xml_open(&q->out, "CompleteMultipartUploadResult");
	ffs_buf_adds(&q->out, "<Location>http://");
	ffs_buf_adds(&q->out, host && !strpbrk(host, "<>&\"") ? host : "localhost");
	ffs_buf_adds(&q->out, q->path);
	ffs_s3xml_close(&q->out, "Location");
	ffs_s3xml_text(&q->out, "Bucket", q->bucket);
	ffs_s3xml_text(&q->out, "Key", q->key);
	ffs_s3xml_etag(&q->out, "ETag", etag);
	if (*sum) {
		for (s = ffs_digest_name(a->algorithm); *s; s++)
			name[n++] = (char)(*s >= 'a' && *s <= 'z' ? *s - 32 : *s);
		name[n] = '\0';
		ffs_s3xml_text(&q->out, name, sum);
		ffs_s3xml_text(&q->out, "ChecksumType", type);
	}
	return ffs_op_reply_xml(q, "CompleteMultipartUploadResult");
}

/* All parts are in the blob: give it its key, and drop the upload. */
static enum ffs_fault
publish(struct assembly *a, const struct ffs_store_cond *c)
{
	char md5[FFS_DIGEST_TEXT], etag[FFS_DIGEST_TEXT + 8], sum[FFS_DIGEST_TEXT + 8];
	struct ffs_objmeta meta = a->m->meta;
	const char *type = "";
	enum ffs_fault f;
	int rc = ffs_digest_finish(&a->etags);

	if (rc)
		return FFS_FAULT_INTERNAL;
	ffs_digest_hex(&a->etags, FFS_SUM_MD5, md5);
	snprintf(etag, sizeof(etag), "%s-%u", md5, a->parts);
	rc = whole_sum(a, sum, &type);
	if (rc)
		return ffs_fault_of(rc);
	f = check_whole(a, sum);
	if (f)
		return f;
	rc = ffs_objmeta_set(&meta, FFS_OBJMETA_ETAG, etag);
	if (!rc && *sum) {
		rc = ffs_objmeta_set(&meta, (char)(FFS_OBJMETA_SUM + a->algorithm), sum);
		if (!rc)
			rc = ffs_objmeta_set(&meta, FFS_OBJMETA_SUM_TYPE, type);
	}
	if (!rc)
		rc = ffs_store_put(a->q->store, a->q->bucket, a->q->key, &a->q->blob, &meta, c);
	if (rc)
		return ffs_fault_of(rc);
	/* The object is there: parts that cannot be removed are no reason to fail. */
	ffs_multipart_remove(a->m);
	return reply_complete(a, etag, sum, type);
}

enum ffs_fault
ffs_op_complete_upload(struct ffs_request *q)
{
	struct ffs_multipart m;
	struct assembly a = { .q = q, .m = &m };
	struct ffs_store_cond c;
	enum ffs_fault f = ffs_op_condition(q, &c);
	int rc;

	if (!f)
		f = ffs_op_open_upload(q, &m, NULL);
	if (f)
		return f;
	rc = assembly_begin(&a);
	if (!rc) {
		rc = ffs_s3xml_parse_parts(q->text.p, q->text.len, add_part, &a);
		if (rc == -EBADMSG && !a.fault)
			a.fault = FFS_FAULT_MALFORMED_XML;
	}
	if (a.fault)
		f = a.fault;
	else if (rc)
		f = ffs_fault_of(rc);
	else
		f = a.parts ? publish(&a, &c) : FFS_FAULT_MALFORMED_XML;
	ffs_digest_release(&a.etags);
	ffs_digest_release(&a.sums);
	ffs_multipart_close(&m);
	return f;
}

/* --- listing --- */

struct parts {
	struct ffs_request *q;
	struct ffs_buf items;
	uint64_t max, n;
	unsigned last;
	bool truncated;
};

static int
list_part(void *arg, unsigned number, const struct ffs_object *o)
{
	struct parts *p = arg;

	if (p->n == p->max) {
		p->truncated = true;
		return 1;
	}
	p->n++;
	p->last = number;
	ffs_buf_adds(&p->items, "<Part>");
	ffs_s3xml_uint(&p->items, "PartNumber", number);
	ffs_s3xml_time(&p->items, "LastModified", o->mtime);
	ffs_s3xml_etag(&p->items, "ETag", o->etag);
	ffs_s3xml_uint(&p->items, "Size", o->size);
	ffs_s3xml_close(&p->items, "Part");
	return ffs_buf_error(&p->items);
}

/* A number in the query, or its default; page sizes are cut to a page. */
static enum ffs_fault
page_param(struct ffs_request *q, const char *name, uint64_t otherwise, uint64_t *out)
{
	const char *s = ffs_request_param(q, name);

	*out = otherwise;
	if (s && ffs_opt_uint(s, 0, INT32_MAX, out))
		return ffs_request_fault(
		    q, FFS_FAULT_INVALID_ARGUMENT, "A parameter is no number.");
	return FFS_FAULT_NONE;
}

enum ffs_fault
ffs_op_list_parts(struct ffs_request *q)
{
	struct parts p = { .q = q, .items = FFS_BUF_INIT };
	struct ffs_multipart m;
	uint64_t after;
	enum ffs_fault f = page_param(q, "max-parts", PAGE, &p.max);
	int rc;

	if (!f)
		f = page_param(q, "part-number-marker", 0, &after);
	if (!f)
		f = ffs_op_open_upload(q, &m, NULL);
	if (f)
		return f;
	if (p.max > PAGE)
		p.max = PAGE;
	rc = after >= FFS_MULTIPART_PARTS ? 0
	                                  : ffs_multipart_each(&m, (unsigned)after, list_part, &p);
	ffs_multipart_close(&m);
	ffs_s3xml_open(&q->out, "ListPartsResult");
	ffs_s3xml_text(&q->out, "Bucket", q->bucket);
	ffs_s3xml_text(&q->out, "Key", q->key);
	ffs_s3xml_text(&q->out, "UploadId", ffs_request_param(q, "uploadId"));
	ffs_s3xml_owner(&q->out, "Initiator");
	ffs_s3xml_owner(&q->out, "Owner");
	ffs_s3xml_text(&q->out, "StorageClass", "STANDARD");
	ffs_s3xml_uint(&q->out, "PartNumberMarker", after);
	if (p.truncated)
		ffs_s3xml_uint(&q->out, "NextPartNumberMarker", p.last);
	ffs_s3xml_uint(&q->out, "MaxParts", p.max);
	ffs_s3xml_bool(&q->out, "IsTruncated", p.truncated);
	if (p.items.len)
		ffs_buf_add(&q->out, p.items.p, p.items.len);
	ffs_buf_release(&p.items);
	return rc < 0 ? ffs_fault_of(rc) : ffs_op_reply_xml(q, "ListPartsResult");
}

static void
add_upload(struct ffs_buf *b, const struct ffs_multipart_entry *e, bool url)
{
	ffs_buf_adds(b, "<Upload>");
	ffs_s3xml_key(b, "Key", e->key, url);
	ffs_s3xml_text(b, "UploadId", e->id);
	ffs_s3xml_owner(b, "Initiator");
	ffs_s3xml_owner(b, "Owner");
	ffs_s3xml_text(b, "StorageClass", "STANDARD");
	ffs_s3xml_time(b, "Initiated", e->started);
	ffs_s3xml_close(b, "Upload");
}

enum ffs_fault
ffs_op_list_uploads(struct ffs_request *q)
{
	const char *prefix = ffs_request_param(q, "prefix");
	const char *key = ffs_request_param(q, "key-marker");
	const char *id = ffs_request_param(q, "upload-id-marker");
	bool url = ffs_request_param(q, "encoding-type"), truncated = false;
	struct ffs_multipart_entry *v;
	enum ffs_fault f;
	uint64_t max;
	size_t n = 0, i;
	int rc = ffs_store_bucket_stat(q->store, q->bucket, NULL);

	f = rc ? ffs_fault_of(rc) : page_param(q, "max-uploads", PAGE, &max);
	if (f)
		return f;
	if (max > PAGE)
		max = PAGE;
	v = calloc(max + 1, sizeof(*v));
	if (!v)
		return FFS_FAULT_INTERNAL;
	rc = ffs_multipart_list(q->store, q->bucket, prefix ? prefix : "", key ? key : "",
	    id ? id : "", v, max, &n, &truncated);
	ffs_s3xml_open(&q->out, "ListMultipartUploadsResult");
	ffs_s3xml_text(&q->out, "Bucket", q->bucket);
	ffs_s3xml_key(&q->out, "KeyMarker", key ? key : "", url);
	ffs_s3xml_text(&q->out, "UploadIdMarker", id ? id : "");
	if (truncated && n) {
		ffs_s3xml_key(&q->out, "NextKeyMarker", v[n - 1].key, url);
		ffs_s3xml_text(&q->out, "NextUploadIdMarker", v[n - 1].id);
	}
	ffs_s3xml_key(&q->out, "Prefix", prefix ? prefix : "", url);
	if (url)
		ffs_s3xml_text(&q->out, "EncodingType", "url");
	ffs_s3xml_uint(&q->out, "MaxUploads", max);
	ffs_s3xml_bool(&q->out, "IsTruncated", truncated);
	for (i = 0; i < n; i++)
		add_upload(&q->out, &v[i], url);
	free(v);
	return rc ? ffs_fault_of(rc) : ffs_op_reply_xml(q, "ListMultipartUploadsResult");
}
