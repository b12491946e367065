#include "common/node/op.h"

#include <string.h>
#include <strings.h>

#define XML_MAX (6u << 20) /* 1000 keys of 1024 bytes, escaped; 10,000 parts with checksums */

#define LIST_PARAMS                                                                                \
	" list-type prefix delimiter max-keys marker start-after continuation-token encoding-type" \
	" fetch-owner "
#define GET_PARAMS                                                                                 \
	" partNumber response-cache-control response-content-disposition"                          \
	" response-content-encoding response-content-language response-content-type"               \
	" response-expires versionId "

/* An entry with a sub-resource or header comes before the one without. */
static const struct ffs_op ops[] = {
	{ .name = "HeadObject",
	    .method = "HEAD",
	    .scope = FFS_OP_OBJECT,
	    .params = GET_PARAMS,
	    .quick = true,
	    .run = ffs_op_get_object },
	{ .name = "ListParts",
	    .method = "GET",
	    .scope = FFS_OP_OBJECT,
	    .sub = "uploadId",
	    .params = " max-parts part-number-marker ",
	    .run = ffs_op_list_parts },
	{ .name = "GetObjectAcl",
	    .method = "GET",
	    .scope = FFS_OP_OBJECT,
	    .sub = "acl",
	    .quick = true,
	    .run = ffs_op_bucket_acl },
	{ .name = "GetObjectTagging",
	    .method = "GET",
	    .scope = FFS_OP_OBJECT,
	    .sub = "tagging",
	    .params = " versionId ",
	    .quick = true,
	    .run = ffs_op_object_tagging },
	{ .name = "UploadPartCopy",
	    .method = "PUT",
	    .scope = FFS_OP_OBJECT,
	    .sub = "uploadId",
	    .header = "x-amz-copy-source",
	    .params = " partNumber ",
	    .run = ffs_op_copy_part },
	{ .name = "UploadPart",
	    .method = "PUT",
	    .scope = FFS_OP_OBJECT,
	    .sub = "uploadId",
	    .params = " partNumber ",
	    .sink = FFS_SINK_BLOB,
	    .begin = ffs_op_part_begin,
	    .run = ffs_op_put_part },
	{ .name = "CreateMultipartUpload",
	    .method = "POST",
	    .scope = FFS_OP_OBJECT,
	    .sub = "uploads",
	    .run = ffs_op_create_upload },
	{ .name = "CompleteMultipartUpload",
	    .method = "POST",
	    .scope = FFS_OP_OBJECT,
	    .sub = "uploadId",
	    .sink = FFS_SINK_TEXT,
	    .text_max = XML_MAX,
	    .sums_object = true,
	    .run = ffs_op_complete_upload },
	{ .name = "AbortMultipartUpload",
	    .method = "DELETE",
	    .scope = FFS_OP_OBJECT,
	    .sub = "uploadId",
	    .run = ffs_op_abort_upload },
	{ .name = "GetObject",
	    .method = "GET",
	    .scope = FFS_OP_OBJECT,
	    .params = GET_PARAMS,
	    .quick = true,
	    .run = ffs_op_get_object },
	{ .name = "CopyObject",
	    .method = "PUT",
	    .scope = FFS_OP_OBJECT,
	    .header = "x-amz-copy-source",
	    .run = ffs_op_copy_object },
	{ .name = "PutObject",
	    .method = "PUT",
	    .scope = FFS_OP_OBJECT,
	    .sink = FFS_SINK_BLOB,
	    .begin = ffs_op_put_begin,
	    .run = ffs_op_put_object },
	{ .name = "DeleteObject",
	    .method = "DELETE",
	    .scope = FFS_OP_OBJECT,
	    .params = " versionId ",
	    .run = ffs_op_delete_object },
	{ .name = "GetBucketLocation",
	    .method = "GET",
	    .scope = FFS_OP_BUCKET,
	    .sub = "location",
	    .quick = true,
	    .run = ffs_op_bucket_location },
	{ .name = "GetBucketVersioning",
	    .method = "GET",
	    .scope = FFS_OP_BUCKET,
	    .sub = "versioning",
	    .quick = true,
	    .run = ffs_op_bucket_versioning },
	{ .name = "GetBucketAcl",
	    .method = "GET",
	    .scope = FFS_OP_BUCKET,
	    .sub = "acl",
	    .quick = true,
	    .run = ffs_op_bucket_acl },
	{ .name = "ListMultipartUploads",
	    .method = "GET",
	    .scope = FFS_OP_BUCKET,
	    .sub = "uploads",
	    .params = " prefix key-marker upload-id-marker max-uploads encoding-type ",
	    .run = ffs_op_list_uploads },
	{ .name = "DeleteObjects",
	    .method = "POST",
	    .scope = FFS_OP_BUCKET,
	    .sub = "delete",
	    .sink = FFS_SINK_TEXT,
	    .text_max = XML_MAX,
	    .run = ffs_op_delete_objects },
	{ .name = "ListObjects",
	    .method = "GET",
	    .scope = FFS_OP_BUCKET,
	    .params = LIST_PARAMS,
	    .run = ffs_op_list_objects },
	{ .name = "HeadBucket",
	    .method = "HEAD",
	    .scope = FFS_OP_BUCKET,
	    .quick = true,
	    .run = ffs_op_head_bucket },
	{ .name = "CreateBucket",
	    .method = "PUT",
	    .scope = FFS_OP_BUCKET,
	    .sink = FFS_SINK_TEXT,
	    .text_max = 65536,
	    .run = ffs_op_create_bucket },
	{ .name = "DeleteBucket",
	    .method = "DELETE",
	    .scope = FFS_OP_BUCKET,
	    .run = ffs_op_delete_bucket },
	{ .name = "ListBuckets",
	    .method = "GET",
	    .scope = FFS_OP_SERVICE,
	    .run = ffs_op_list_buckets },
};

/*
 * Parameters that any request may have: those of a signature, the SDKs' x-id, and what
 * SDKs move from headers into presigned URLs and means nothing here.
 */
static bool
common_param(const char *name)
{
	static const char *const names[] = { "X-Amz-Algorithm", "X-Amz-Credential", "X-Amz-Date",
		"X-Amz-Expires", "X-Amz-SignedHeaders", "X-Amz-Signature", "X-Amz-Content-Sha256",
		"X-Amz-Security-Token", "x-amz-checksum-mode", "x-amz-sdk-checksum-algorithm",
		"x-id" };
	size_t i;

	for (i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (!strcasecmp(names[i], name))
			return true;
	return false;
}

/* Whether an operation knows a parameter. */
static bool
knows(const struct ffs_op *op, const char *name)
{
	const char *at;
	size_t n = strlen(name);

	if (common_param(name))
		return true;
	if (op->sub && !strcmp(op->sub, name))
		return true;
	if (!op->params || !n || strchr(name, ' '))
		return false;
	for (at = op->params; (at = strstr(at, name)); at++)
		if (at[-1] == ' ' && at[n] == ' ')
			return true;
	return false;
}

enum ffs_fault
ffs_op_find(struct ffs_request *q)
{
	enum ffs_op_scope scope = q->key[0]      ? FFS_OP_OBJECT
	                          : q->bucket[0] ? FFS_OP_BUCKET
	                                         : FFS_OP_SERVICE;
	const struct ffs_op *op;
	size_t i, k;

	for (i = 0; i < sizeof(ops) / sizeof(ops[0]); i++) {
		op = &ops[i];
		if (op->scope != scope || strcmp(op->method, q->method) ||
		    (op->sub && !ffs_request_param(q, op->sub)) ||
		    (op->header && !ffs_request_field(q, op->header)))
			continue;
		for (k = 0; k < q->nparams; k++)
			if (!knows(op, q->params[k].name))
				return FFS_FAULT_NOT_IMPLEMENTED;
		q->op = op;
		return FFS_FAULT_NONE;
	}
	return FFS_FAULT_NOT_IMPLEMENTED;
}
