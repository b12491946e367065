#include "common/node/op.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "common/node/listing.h"
#include "common/node/s3xml.h"

enum ffs_fault
ffs_op_reply_xml(struct ffs_request *q, const char *root)
{
	ffs_s3xml_close(&q->out, root);
	ffs_request_reply(q, "Content-Type", "application/xml");
	return ffs_buf_error(&q->out) ? FFS_FAULT_INTERNAL : FFS_FAULT_NONE;
}

static int
add_bucket(void *arg, const char *bucket, time_t made)
{
	struct ffs_buf *b = arg;

	ffs_buf_adds(b, "<Bucket>");
	ffs_s3xml_text(b, "Name", bucket);
	ffs_s3xml_time(b, "CreationDate", made);
	ffs_s3xml_close(b, "Bucket");
	return 0;
}

enum ffs_fault
ffs_op_list_buckets(struct ffs_request *q)
{
	int rc;

	ffs_s3xml_open(&q->out, "ListAllMyBucketsResult");
	ffs_s3xml_owner(&q->out, "Owner");
	ffs_buf_adds(&q->out, "<Buckets>");
	rc = ffs_listing_buckets(q->store, add_bucket, &q->out);
	if (rc)
		return ffs_fault_of(rc);
	ffs_s3xml_close(&q->out, "Buckets");
	return ffs_op_reply_xml(q, "ListAllMyBucketsResult");
}

enum ffs_fault
ffs_op_create_bucket(struct ffs_request *q)
{
	char location[80];
	const char *lock = ffs_request_field(q, "x-amz-bucket-object-lock-enabled");
	int rc;

	if (lock && strcmp(lock, "false"))
		return FFS_FAULT_NOT_IMPLEMENTED;
	rc = ffs_store_bucket_make(q->store, q->bucket);
	if (rc == -EINVAL)
		return FFS_FAULT_BUCKET_NAME;
	if (rc)
		return ffs_fault_of(rc);
	location[0] = '/';
	memcpy(location + 1, q->bucket, strlen(q->bucket) + 1);
	ffs_request_reply(q, "Location", location);
	return FFS_FAULT_NONE;
}

enum ffs_fault
ffs_op_head_bucket(struct ffs_request *q)
{
	int rc = ffs_store_bucket_stat(q->store, q->bucket, NULL);

	if (rc)
		return ffs_fault_of(rc);
	ffs_request_reply(q, "x-amz-bucket-region", "us-east-1");
	return FFS_FAULT_NONE;
}

enum ffs_fault
ffs_op_delete_bucket(struct ffs_request *q)
{
	int rc = ffs_store_bucket_remove(q->store, q->bucket);

	if (rc)
		return ffs_fault_of(rc);
	q->status = 204;
	return FFS_FAULT_NONE;
}

enum ffs_fault
ffs_op_bucket_location(struct ffs_request *q)
{
	int rc = ffs_store_bucket_stat(q->store, q->bucket, NULL);

	if (rc)
		return ffs_fault_of(rc);
	/* Empty is us-east-1, as on AWS; any region in a signature is accepted. */
	ffs_s3xml_open(&q->out, "LocationConstraint");
	return ffs_op_reply_xml(q, "LocationConstraint");
}

enum ffs_fault
ffs_op_bucket_versioning(struct ffs_request *q)
{
	int rc = ffs_store_bucket_stat(q->store, q->bucket, NULL);

	if (rc)
		return ffs_fault_of(rc);
	ffs_s3xml_open(&q->out, "VersioningConfiguration");
	return ffs_op_reply_xml(q, "VersioningConfiguration");
}

/* The bucket, or the object, of the request is there. */
static enum ffs_fault
check_there(struct ffs_request *q)
{
	struct ffs_object o;
	int rc;

	if (!q->key[0])
		return ffs_fault_of(ffs_store_bucket_stat(q->store, q->bucket, NULL));
	rc = ffs_store_get(q->store, q->bucket, q->key, &o);
	if (!rc)
		close(o.fd);
	return ffs_fault_of(rc);
}

/* No object has tags: "aws s3 mv" of a large one asks. */
enum ffs_fault
ffs_op_object_tagging(struct ffs_request *q)
{
	enum ffs_fault f = check_there(q);

	if (f)
		return f;
	ffs_s3xml_open(&q->out, "Tagging");
	ffs_buf_adds(&q->out, "<TagSet/>");
	return ffs_op_reply_xml(q, "Tagging");
}

/* One owner, who may do everything: what clients that ask expect to read. */
enum ffs_fault
ffs_op_bucket_acl(struct ffs_request *q)
{
	enum ffs_fault f = check_there(q);

	if (f)
		return f;
	ffs_s3xml_open(&q->out, "AccessControlPolicy");
	ffs_s3xml_owner(&q->out, "Owner");
	ffs_buf_adds(&q->out,
	    "<AccessControlList><Grant>"
	    "<Grantee xmlns:xsi=\"http://www.w3.org/2001/XMLSchema-instance\""
	    " xsi:type=\"CanonicalUser\"><ID>ffs</ID><DisplayName>ffs</DisplayName></Grantee>"
	    "<Permission>FULL_CONTROL</Permission></Grant></AccessControlList>");
	return ffs_op_reply_xml(q, "AccessControlPolicy");
}

/* --- deleting many --- */

struct batch {
	struct ffs_request *q;
	struct ffs_buf deleted, failed;
	int pending; /* a directory whose changes are not on the disk yet */
};

static int
count_key(void *arg, const char *key, const char *version)
{
	(void)arg;
	(void)key;
	(void)version;
	return 0;
}

static int
delete_key(void *arg, const char *key, const char *version)
{
	struct batch *b = arg;
	enum ffs_fault f = FFS_FAULT_NONE;
	int rc;

	if (*version && strcmp(version, "null")) {
		f = FFS_FAULT_NO_SUCH_VERSION;
	} else {
		rc = ffs_store_delete(b->q->store, b->q->bucket, key, NULL, &b->pending);
		if (rc != -ENOENT)
			f = ffs_fault_of(rc);
	}
	if (!f) {
		ffs_buf_adds(&b->deleted, "<Deleted>");
		ffs_s3xml_text(&b->deleted, "Key", key);
		ffs_s3xml_close(&b->deleted, "Deleted");
		return ffs_buf_error(&b->deleted);
	}
	ffs_buf_adds(&b->failed, "<Error>");
	ffs_s3xml_text(&b->failed, "Key", key);
	ffs_s3xml_text(&b->failed, "Code", ffs_fault_code(f));
	ffs_s3xml_text(&b->failed, "Message", ffs_fault_message(f));
	ffs_s3xml_close(&b->failed, "Error");
	return ffs_buf_error(&b->failed);
}

enum ffs_fault
ffs_op_delete_objects(struct ffs_request *q)
{
	struct batch b = { .q = q, .pending = -1 };
	int rc = ffs_store_bucket_stat(q->store, q->bucket, NULL), late;
	bool quiet;

	if (rc)
		return ffs_fault_of(rc);
	/* All of it must make sense before any of it is done. */
	if (ffs_s3xml_parse_delete(q->text.p, q->text.len, &quiet, count_key, NULL))
		return FFS_FAULT_MALFORMED_XML;
	rc = ffs_s3xml_parse_delete(q->text.p, q->text.len, &quiet, delete_key, &b);
	late = ffs_store_settle(q->store, &b.pending);
	if (!rc)
		rc = late;
	ffs_s3xml_open(&q->out, "DeleteResult");
	if (!quiet && b.deleted.len)
		ffs_buf_add(&q->out, b.deleted.p, b.deleted.len);
	if (b.failed.len)
		ffs_buf_add(&q->out, b.failed.p, b.failed.len);
	ffs_buf_release(&b.deleted);
	ffs_buf_release(&b.failed);
	return rc ? ffs_fault_of(rc) : ffs_op_reply_xml(q, "DeleteResult");
}
