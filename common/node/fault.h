#ifndef FFS_FAULT_H
#define FFS_FAULT_H

/*
 * The errors a server of ours answers with.
 * https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html
 */
enum ffs_fault {
	FFS_FAULT_NONE,
	FFS_FAULT_ACCESS_DENIED,
	FFS_FAULT_ACL_UNSUPPORTED,
	FFS_FAULT_AUTH_HEADER,
	FFS_FAULT_AUTH_QUERY,
	FFS_FAULT_BAD_DIGEST,
	FFS_FAULT_BUCKET_EXISTS,
	FFS_FAULT_BUCKET_NAME,
	FFS_FAULT_BUCKET_NOT_EMPTY,
	FFS_FAULT_ENTITY_TOO_LARGE,
	FFS_FAULT_EXPIRED,
	FFS_FAULT_INCOMPLETE_BODY,
	FFS_FAULT_INTERNAL,
	FFS_FAULT_INVALID_ACCESS_KEY,
	FFS_FAULT_INVALID_ARGUMENT,
	FFS_FAULT_INVALID_DIGEST,
	FFS_FAULT_INVALID_PART,
	FFS_FAULT_INVALID_PART_ORDER,
	FFS_FAULT_INVALID_RANGE,
	FFS_FAULT_INVALID_REQUEST,
	FFS_FAULT_INVALID_URI,
	FFS_FAULT_KEY_TOO_LONG,
	FFS_FAULT_MALFORMED_TRAILER,
	FFS_FAULT_MALFORMED_XML,
	FFS_FAULT_METADATA_TOO_LARGE,
	FFS_FAULT_MISSING_LENGTH,
	FFS_FAULT_NO_SPACE,
	FFS_FAULT_NO_SUCH_BUCKET,
	FFS_FAULT_NO_SUCH_KEY,
	FFS_FAULT_NO_SUCH_UPLOAD,
	FFS_FAULT_NO_SUCH_VERSION,
	FFS_FAULT_NOT_IMPLEMENTED,
	FFS_FAULT_PART_TOO_SMALL,
	FFS_FAULT_PRECONDITION,
	FFS_FAULT_SHA256,
	FFS_FAULT_SIGNATURE,
	FFS_FAULT_SKEWED,
	FFS_FAULT_SLOW_DOWN,
	FFS_FAULT_STORAGE_CLASS,
	FFS_FAULT_N
};

/* S3's code ("NoSuchKey"), its HTTP status, and a sentence for people. */
const char *ffs_fault_code(enum ffs_fault f);
unsigned ffs_fault_status(enum ffs_fault f);
const char *ffs_fault_message(enum ffs_fault f);

/*
 * The fault of a -errno of the store: ENOENT no such key, ENODEV no such
 * bucket, ESTALE a condition that does not hold, ENOSPC and EDQUOT a full disk, and so
 * on; anything unexpected is an internal error.
 */
enum ffs_fault ffs_fault_of(int rc);

#endif
