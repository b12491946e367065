#ifndef FFS_SIGV4_H
#define FFS_SIGV4_H

#include <stdbool.h>
#include <stddef.h>
#include <time.h>

#include "common/base/buf.h"

/*
 * AWS Signature Version 4 as S3 uses it, one implementation for the client and
 * the server.
 * https://docs.aws.amazon.com/AmazonS3/latest/API/sig-v4-header-based-auth.html
 * https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-query-string-auth.html
 * https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-streaming.html
 */

#define FFS_SIGV4_UNSIGNED "UNSIGNED-PAYLOAD"
#define FFS_SIGV4_EMPTY "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"

struct ffs_sigv4_field {
	const char *name; /* any case */
	const char *value;
};

/* A request as it travels.  All pointers are the caller's. */
struct ffs_sigv4_request {
	const char *method;
	const char *path;  /* percent-encoded as sent, from '/' on, without the query */
	const char *query; /* as sent, without '?'; NULL or "" for none */
	const struct ffs_sigv4_field *fields;
	size_t nfields;
	const char *payload; /* value of x-amz-content-sha256, or a hex SHA-256 */
};

struct ffs_sigv4_scope {
	const char *access_key, *secret_key;
	const char *token; /* or NULL */
	const char *region;
	const char *service; /* NULL: "s3" */
	/* ffs_sigv4_key() for the day of now, kept by the caller; NULL: derived (four HMACs) */
	const unsigned char *signing_key;
};

/*
 * The canonical request over the fields listed in signed_headers
 * ("host;x-amz-date", sorted lower case; NULL: all fields).  A listed field
 * that the request has not counts as empty.  The path is decoded and encoded
 * once, never normalised, as S3 does; a '+' in the query is a space; with
 * skip_signature X-Amz-Signature is left out of the query.  Appends to out.
 * Returns 0, -EINVAL for a broken percent sequence, a field without a name, or more than 1000 query
 * parameters or fields, -ENOMEM.
 */
int ffs_sigv4_canonical(struct ffs_buf *out, const struct ffs_sigv4_request *r,
    const char *signed_headers, bool skip_signature);

/* The signing key of a day ("20130524").  Returns 0 or -EIO from OpenSSL. */
int ffs_sigv4_key(unsigned char key[32], const struct ffs_sigv4_scope *s, const char *day);

/* Percent-encode as SigV4 asks (RFC 3986 unreserved stay; '/' too where keep_slash). */
void ffs_sigv4_encode(struct ffs_buf *out, const char *s, size_t n, bool keep_slash);

/*
 * Percent-decode n bytes, '+' as a space too where plus.  The result may hold any byte, NUL too.
 * Returns 0, -EINVAL for a broken sequence, -ENOMEM.
 */
int ffs_sigv4_decode(struct ffs_buf *out, const char *s, size_t n, bool plus);

/*
 * The signature of a canonical request: date is "20130524T000000Z", the day of
 * the scope is its first eight characters.  Writes 64 hex digits and a NUL.
 * Returns 0 or -errno.
 */
int ffs_sigv4_sign(char out[65], const unsigned char key[32], const char *date, const char *region,
    const char *service, const char *canonical, size_t n);

/*
 * Sign for the Authorization header.  r->fields must hold host, x-amz-date
 * (of the time now) and x-amz-content-sha256, and every other field to be
 * signed.  Appends the header's value to out.  Returns 0 or -errno.
 */
int ffs_sigv4_authorize(struct ffs_buf *out, const struct ffs_sigv4_request *r,
    const struct ffs_sigv4_scope *s, time_t now);

/*
 * Presign: appends the whole query (r->query first), signature included, valid
 * for expires seconds (1 to 604800, else -EINVAL).  Of r->fields only host is signed.
 * r->payload NULL: UNSIGNED-PAYLOAD.
 */
int ffs_sigv4_presign(struct ffs_buf *out, const struct ffs_sigv4_request *r,
    const struct ffs_sigv4_scope *s, time_t now, unsigned expires);

/* "20130524T000000Z" of a time, and back (-EINVAL on anything else). */
void ffs_sigv4_date(char out[17], time_t t);
int ffs_sigv4_parse_date(const char *s, time_t *t);

/* --- the server's side --- */

/* What the client's signature says, found in a request; strings are inside this struct. */
struct ffs_sigv4_claim {
	char access_key[129];
	char day[9], date[17]; /* of the scope; of the request */
	char region[65];
	char service[17];
	char signature[65];
	char signed_headers[2048];
	char payload[80]; /* what x-amz-content-sha256 says; UNSIGNED-PAYLOAD where presigned
	                     without */
	bool presigned;
	unsigned expires; /* seconds, presigned only */
};

/*
 * Read a request's Authorization header or presigned query into c.  Returns 0;
 * -ENOENT where it has neither; -EINVAL where it is malformed (S3:
 * AuthorizationHeaderMalformed, AuthorizationQueryParametersError);
 * -EOPNOTSUPP for another algorithm (SigV2, SigV4A).
 */
int ffs_sigv4_claim_parse(struct ffs_sigv4_claim *c, const struct ffs_sigv4_request *r);

/*
 * Check a claim against the secret.  host, and every x-amz-* field of the request, must be
 * among the signed headers.  signing_key may be NULL, or from ffs_sigv4_key() for c->day, c->region
 * and c->service (servers keep it: four HMACs less a request).  Comparison takes constant time.
 * Returns 0; -EACCES: wrong signature (SignatureDoesNotMatch); -ETIME: more than 15 minutes from
 * now (RequestTimeTooSkewed); -EKEYEXPIRED: presigned and too old; -EINVAL: a header that has to be
 * signed is not.
 */
int ffs_sigv4_verify(const struct ffs_sigv4_claim *c, const struct ffs_sigv4_request *r,
    const char *secret_key, const unsigned char *signing_key, time_t now);

/*
 * Signature of one chunk, or of the trailers, of a STREAMING-* body: kind is
 * "AWS4-HMAC-SHA256-PAYLOAD" or "AWS4-HMAC-SHA256-TRAILER", prev the previous
 * signature (the request's own first), hash the lower-case hex SHA-256 of the chunk or of
 * the trailer's canonical text.  Writes 64 digits and a NUL.
 */
int ffs_sigv4_chunk(char out[65], const unsigned char key[32], const struct ffs_sigv4_claim *c,
    const char *kind, const char *prev, const char *hash);

/* Lower-case hex SHA-256 of n bytes. */
int ffs_sigv4_sha256(char out[65], const void *p, size_t n);

/* Compare two NUL-terminated strings in a time that depends on their lengths only. */
bool ffs_sigv4_same(const char *a, const char *b);

#endif
