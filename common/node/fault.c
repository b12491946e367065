#include "common/node/fault.h"

#include <errno.h>

static const struct {
	const char *code;
	unsigned status;
	const char *message;
} faults[FFS_FAULT_N] = {
	[FFS_FAULT_NONE] = { "", 200, "" },
	[FFS_FAULT_ACCESS_DENIED] = { "AccessDenied", 403, "Access denied." },
	[FFS_FAULT_ACL_UNSUPPORTED] = { "AccessControlListNotSupported", 400,
	    "This store keeps no access control lists." },
	[FFS_FAULT_AUTH_HEADER] = { "AuthorizationHeaderMalformed", 400,
	    "The Authorization header is not one of Signature Version 4." },
	[FFS_FAULT_AUTH_QUERY] = { "AuthorizationQueryParametersError", 400,
	    "The X-Amz-* parameters are not a presigned Signature Version 4." },
	[FFS_FAULT_BAD_DIGEST] = { "BadDigest", 400,
	    "The checksum that was sent does not match the bytes that arrived." },
	[FFS_FAULT_BUCKET_EXISTS] = { "BucketAlreadyOwnedByYou", 409,
	    "The bucket exists, and it is yours." },
	[FFS_FAULT_BUCKET_NAME] = { "InvalidBucketName", 400,
	    "A bucket's name is 3 to 63 of a-z, 0-9, '-' and '.'." },
	[FFS_FAULT_BUCKET_NOT_EMPTY] = { "BucketNotEmpty", 409, "The bucket is not empty." },
	[FFS_FAULT_ENTITY_TOO_LARGE] = { "EntityTooLarge", 400, "The body is too large." },
	[FFS_FAULT_EXPIRED] = { "AccessDenied", 403, "Request has expired." },
	[FFS_FAULT_INCOMPLETE_BODY] = { "IncompleteBody", 400,
	    "The body is not as long as announced, or its chunks are malformed." },
	[FFS_FAULT_INTERNAL] = { "InternalError", 500, "The server failed." },
	[FFS_FAULT_INVALID_ACCESS_KEY] = { "InvalidAccessKeyId", 403,
	    "No such access key is known here." },
	[FFS_FAULT_INVALID_ARGUMENT] = { "InvalidArgument", 400, "An argument is not valid." },
	[FFS_FAULT_INVALID_DIGEST] = { "InvalidDigest", 400,
	    "A checksum header is not well formed." },
	[FFS_FAULT_INVALID_PART] = { "InvalidPart", 400,
	    "A part was not found, or its ETag does not match." },
	[FFS_FAULT_INVALID_PART_ORDER] = { "InvalidPartOrder", 400,
	    "The parts are not in ascending order." },
	[FFS_FAULT_INVALID_RANGE] = { "InvalidRange", 416, "The range is outside the object." },
	[FFS_FAULT_INVALID_REQUEST] = { "InvalidRequest", 400, "The request is not valid." },
	[FFS_FAULT_INVALID_URI] = { "InvalidURI", 400, "The URI cannot be understood." },
	[FFS_FAULT_KEY_TOO_LONG] = { "KeyTooLongError", 400,
	    "The key is over 1024 bytes, or a segment of it over 254." },
	[FFS_FAULT_MALFORMED_TRAILER] = { "MalformedTrailerError", 400,
	    "The trailer of the body is malformed." },
	[FFS_FAULT_MALFORMED_XML] = { "MalformedXML", 400, "The XML of the body is not valid." },
	[FFS_FAULT_METADATA_TOO_LARGE] = { "MetadataTooLarge", 400,
	    "The metadata headers are too large." },
	[FFS_FAULT_MISSING_LENGTH] = { "MissingContentLength", 411,
	    "The length of the body has to be announced." },
	[FFS_FAULT_NO_SPACE] = { "InsufficientStorage", 507, "The disk of the store is full." },
	[FFS_FAULT_NO_SUCH_BUCKET] = { "NoSuchBucket", 404, "The bucket does not exist." },
	[FFS_FAULT_NO_SUCH_KEY] = { "NoSuchKey", 404, "The key does not exist." },
	[FFS_FAULT_NO_SUCH_UPLOAD] = { "NoSuchUpload", 404, "The upload does not exist." },
	[FFS_FAULT_NO_SUCH_VERSION] = { "NoSuchVersion", 404, "This store keeps no versions." },
	[FFS_FAULT_NOT_IMPLEMENTED] = { "NotImplemented", 501,
	    "This store does not implement that." },
	[FFS_FAULT_PART_TOO_SMALL] = { "EntityTooSmall", 400,
	    "A part that is not the last one is under 5 MiB." },
	[FFS_FAULT_PRECONDITION] = { "PreconditionFailed", 412,
	    "A condition of the request does not hold." },
	[FFS_FAULT_SHA256] = { "XAmzContentSHA256Mismatch", 400,
	    "The x-amz-content-sha256 header does not match the body." },
	[FFS_FAULT_SIGNATURE] = { "SignatureDoesNotMatch", 403,
	    "The signature does not match: check the secret key and how it signs." },
	[FFS_FAULT_SKEWED] = { "RequestTimeTooSkewed", 403,
	    "The clocks of client and server differ by more than 15 minutes." },
	[FFS_FAULT_SLOW_DOWN] = { "SlowDown", 503, "Too many requests at once." },
	[FFS_FAULT_STORAGE_CLASS] = { "InvalidStorageClass", 400,
	    "The only storage class here is STANDARD." },
};

const char *
ffs_fault_code(enum ffs_fault f)
{
	return faults[f].code;
}

unsigned
ffs_fault_status(enum ffs_fault f)
{
	return faults[f].status;
}

const char *
ffs_fault_message(enum ffs_fault f)
{
	return faults[f].message;
}

enum ffs_fault
ffs_fault_of(int rc)
{
	switch (-rc) {
	case 0:
		return FFS_FAULT_NONE;
	case ENOENT:
		return FFS_FAULT_NO_SUCH_KEY;
	case ENODEV:
		return FFS_FAULT_NO_SUCH_BUCKET;
	case EEXIST:
		return FFS_FAULT_BUCKET_EXISTS;
	case ENOTEMPTY:
		return FFS_FAULT_BUCKET_NOT_EMPTY;
	case ENAMETOOLONG:
		return FFS_FAULT_KEY_TOO_LONG;
	case EINVAL:
		return FFS_FAULT_INVALID_ARGUMENT;
	case E2BIG:
		return FFS_FAULT_METADATA_TOO_LARGE;
	case ESTALE:
		return FFS_FAULT_PRECONDITION;
	case ENOSPC:
	case EDQUOT:
	case EFBIG:
		return FFS_FAULT_NO_SPACE;
	case EMFILE:
	case ENFILE:
		return FFS_FAULT_SLOW_DOWN;
	default:
		return FFS_FAULT_INTERNAL;
	}
}
