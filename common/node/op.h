#ifndef FFS_OP_H
#define FFS_OP_H

#include "common/node/request.h"

/*
 * What the store's server can do: one entry an operation of S3.  An operation
 * is chosen by method, by what the path names, and by the sub-resource in the query; a
 * request with a parameter that its operation does not know gets 501, so that
 * "PUT key?tagging" can never be taken for "PUT key".
 */
enum ffs_op_scope { FFS_OP_SERVICE, FFS_OP_BUCKET, FFS_OP_OBJECT };

struct ffs_op {
	const char *name; /* as AWS calls it */
	const char *method;
	enum ffs_op_scope scope;
	const char *sub;    /* parameter that chooses it, or NULL */
	const char *header; /* header that chooses it, or NULL */
	const char *params; /* others it knows: " a b c " */
	bool quick;         /* does not block: may run on the event loop */
	enum ffs_request_sink sink;
	size_t text_max;
	bool sums_object; /* x-amz-checksum-* are of the object to be, not of the body */
	enum ffs_fault (*begin)(struct ffs_request *q); /* before the body; or NULL */
	enum ffs_fault (*run)(struct ffs_request *q);   /* with all of the body */
};

/* Set q->op.  A fault where there is none for the request. */
enum ffs_fault ffs_op_find(struct ffs_request *q);

/* opbucket.c, oplist.c */
enum ffs_fault ffs_op_list_buckets(struct ffs_request *q);
enum ffs_fault ffs_op_create_bucket(struct ffs_request *q);
enum ffs_fault ffs_op_head_bucket(struct ffs_request *q);
enum ffs_fault ffs_op_delete_bucket(struct ffs_request *q);
enum ffs_fault ffs_op_bucket_location(struct ffs_request *q);
enum ffs_fault ffs_op_bucket_versioning(struct ffs_request *q);
enum ffs_fault ffs_op_list_objects(struct ffs_request *q);

enum ffs_fault ffs_op_delete_objects(struct ffs_request *q);
enum ffs_fault ffs_op_bucket_acl(struct ffs_request *q);
enum ffs_fault ffs_op_object_tagging(struct ffs_request *q);

/* Close the root element, and say that the answer is XML. */
enum ffs_fault ffs_op_reply_xml(struct ffs_request *q, const char *root);

/* opobject.c */
enum ffs_fault ffs_op_get_object(struct ffs_request *q);
enum ffs_fault ffs_op_put_begin(struct ffs_request *q);
/* Content-Type and friends, and x-amz-meta-*, of the request. */
enum ffs_fault ffs_op_meta_from_headers(struct ffs_request *q, struct ffs_objmeta *m);
enum ffs_fault ffs_op_put_object(struct ffs_request *q);
enum ffs_fault ffs_op_delete_object(struct ffs_request *q);

/* Refuse headers that ask for what this store does not do: encryption, locks, tags. */
enum ffs_fault ffs_op_check_headers(struct ffs_request *q);

/* If-Match and If-None-Match of a write; the latter can only be "*". */
enum ffs_fault ffs_op_condition(struct ffs_request *q, struct ffs_store_cond *c);

/* Answer a checksum as a header, and keep it in m. */
int ffs_op_keep_checksum(
    struct ffs_request *q, struct ffs_objmeta *m, enum ffs_sum which, const char *sum);

/* opcopy.c */
enum ffs_fault ffs_op_copy_object(struct ffs_request *q);
enum ffs_fault ffs_op_copy_part(struct ffs_request *q);

/* opmultipart.c */
enum ffs_fault ffs_op_create_upload(struct ffs_request *q);
enum ffs_fault ffs_op_part_begin(struct ffs_request *q);
enum ffs_fault ffs_op_put_part(struct ffs_request *q);
enum ffs_fault ffs_op_complete_upload(struct ffs_request *q);
enum ffs_fault ffs_op_abort_upload(struct ffs_request *q);
enum ffs_fault ffs_op_list_parts(struct ffs_request *q);
enum ffs_fault ffs_op_list_uploads(struct ffs_request *q);

struct ffs_multipart;

/* The upload that uploadId names, and the part's number (NULL: not wanted). */
enum ffs_fault ffs_op_open_upload(struct ffs_request *q, struct ffs_multipart *m, unsigned *number);

#endif
