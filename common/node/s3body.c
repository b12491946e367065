#include "common/node/s3body.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "common/base/opt.h"
#include "common/node/op.h"

#define LENGTH_MAX (5ull << 40) /* S3's largest object */
#define CHECKSUM "x-amz-checksum-"

/* x-amz-checksum-crc32c or the like, from the head. */
static const char *
sum_field(const struct ffs_request *q, enum ffs_sum s)
{
	char header[40];

	snprintf(header, sizeof(header), CHECKSUM "%s", ffs_digest_name(s));
	return ffs_request_field(q, header);
}

const char *
ffs_s3body_checksum(const struct ffs_request *q, enum ffs_sum *which)
{
	const char *value = NULL;

	*which = q->sum;
	if (q->sum == FFS_SUM_N)
		return NULL;
	if (!q->op->sums_object)
		value = sum_field(q, q->sum);
	return value || !q->chunked ? value : ffs_awschunked_trailer(q->chunked);
}

static enum ffs_fault
begin_chunked(struct ffs_request *q, const char *payload, const struct ffs_sigv4_claim *claim,
    const unsigned char *key)
{
	struct ffs_awschunked_opts o = { .length = q->length,
		.trailer = ffs_request_field(q, "x-amz-trailer") };

	if (!strcmp(payload, "STREAMING-AWS4-HMAC-SHA256-PAYLOAD")) {
		o.trailer = NULL;
		o.claim = claim;
	} else if (!strcmp(payload, "STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER")) {
		o.claim = claim;
	} else if (!strncmp(payload, "STREAMING-", 10) &&
		   strcmp(payload, "STREAMING-UNSIGNED-PAYLOAD-TRAILER")) {
		return FFS_FAULT_NOT_IMPLEMENTED;
	}
	o.key = key;
	q->chunked = ffs_awschunked_new(&o);
	return q->chunked ? FFS_FAULT_NONE : FFS_FAULT_INTERNAL;
}

/* Whether the last content coding is aws-chunked: some clients say so, and only so. */
static bool
coded(const struct ffs_request *q)
{
	const char *s = ffs_request_field(q, "content-encoding");

	return s && strcasestr(s, "aws-chunked");
}

/* Bodies that nobody vouches for are taken from this machine only: there is no TLS here. */
static enum ffs_fault
check_unsigned(struct ffs_request *q, const char *payload)
{
	if (q->local || !strcmp(q->method, "GET") || q->head || !strcmp(q->method, "DELETE"))
		return FFS_FAULT_NONE;
	if (strcmp(payload, FFS_SIGV4_UNSIGNED) &&
	    strcmp(payload, "STREAMING-UNSIGNED-PAYLOAD-TRAILER"))
		return FFS_FAULT_NONE;
	return ffs_request_fault(q, FFS_FAULT_ACCESS_DENIED,
	    "An unsigned payload is refused from beyond loopback: there is no TLS here. Sign it.");
}

static enum ffs_fault
begin_length(struct ffs_request *q)
{
	const char *plain = ffs_request_field(q, "content-length");
	const char *decoded = ffs_request_field(q, "x-amz-decoded-content-length");
	const char *s = decoded ? decoded : plain;

	q->length = 0;
	if (!s)
		return q->op->sink == FFS_SINK_BLOB ? FFS_FAULT_MISSING_LENGTH : FFS_FAULT_NONE;
	if (ffs_opt_uint(s, 0, UINT64_MAX, &q->length))
		return ffs_request_fault(
		    q, FFS_FAULT_INVALID_ARGUMENT, "The length is not a number.");
	if (q->length > LENGTH_MAX || (q->op->sink == FFS_SINK_TEXT && q->length > q->op->text_max))
		return FFS_FAULT_ENTITY_TOO_LARGE;
	return FFS_FAULT_NONE;
}

/* Which checksum the client sends, in a header, or behind the body as x-amz-trailer says. */
static enum ffs_fault
find_sum(struct ffs_request *q)
{
	const char *trailer = ffs_request_field(q, "x-amz-trailer");
	const size_t n = strlen(CHECKSUM);
	enum ffs_sum s;

	if (trailer) {
		if (!strncasecmp(trailer, CHECKSUM, n))
			q->sum = ffs_digest_named(trailer + n, strlen(trailer + n));
		if (q->sum == FFS_SUM_N)
			return FFS_FAULT_NOT_IMPLEMENTED;
	}
	for (s = FFS_SUM_CRC32; s < FFS_SUM_N && !q->op->sums_object; s++) {
		if (!sum_field(q, s))
			continue;
		if (q->sum != FFS_SUM_N && q->sum != s)
			return ffs_request_fault(
			    q, FFS_FAULT_INVALID_REQUEST, "Send one x-amz-checksum- of one kind.");
		q->sum = s;
	}
	return FFS_FAULT_NONE;
}

/* The sums to compute: what S3 makes the ETag of, and what the client sent or will send. */
static enum ffs_fault
begin_sums(struct ffs_request *q)
{
	unsigned want = 0;
	enum ffs_fault f = find_sum(q);

	if (f)
		return f;
	if (q->op->sink == FFS_SINK_BLOB || ffs_request_field(q, "content-md5"))
		want |= 1u << FFS_SUM_MD5;
	if (q->sha256[0])
		want |= 1u << FFS_SUM_SHA256;
	if (q->sum != FFS_SUM_N)
		want |= 1u << q->sum;
	return ffs_digest_init(&q->digest, want) ? FFS_FAULT_INTERNAL : FFS_FAULT_NONE;
}

enum ffs_fault
ffs_s3body_begin(
    struct ffs_request *q, const struct ffs_sigv4_claim *claim, const unsigned char *key)
{
	const char *payload = claim ? claim->payload : ffs_request_field(q, "x-amz-content-sha256");
	const char *decoded = ffs_request_field(q, "x-amz-decoded-content-length");
	bool plain;
	enum ffs_fault f;

	if (!payload)
		payload = FFS_SIGV4_UNSIGNED;
	plain = !strcmp(payload, FFS_SIGV4_UNSIGNED);
	q->sink = q->op->sink;
	q->text_max = q->op->text_max;
	q->sum = FFS_SUM_N;
	f = check_unsigned(q, payload);
	if (!f)
		f = begin_length(q);
	if (f || q->sink == FFS_SINK_DROP)
		return f;
	if (!strncmp(payload, "STREAMING-", 10) || (plain && (coded(q) || decoded))) {
		f = begin_chunked(q, payload, claim, key);
		if (f)
			return f;
	} else if (!plain) {
		if (strlen(payload) != 64)
			return FFS_FAULT_NOT_IMPLEMENTED;
		/* The hash is of the bytes as sent: decoding them would leave it unchecked. */
		if (coded(q) || decoded)
			return ffs_request_fault(q, FFS_FAULT_INVALID_REQUEST,
			    "An aws-chunked body needs a STREAMING- payload, not a hash.");
		memcpy(q->sha256, payload, 65);
	}
	if (q->chunked && !decoded)
		return FFS_FAULT_MISSING_LENGTH;
	return begin_sums(q);
}

/* Bytes of the object itself. */
static int
sink(void *arg, const void *p, size_t n)
{
	struct ffs_request *q = arg;
	int rc = ffs_digest_update(&q->digest, p, n);

	if (rc)
		return rc;
	if (q->sink == FFS_SINK_BLOB)
		return ffs_blob_write(&q->blob, p, n);
	if (q->text.len + n > q->text_max)
		return -EFBIG;
	ffs_buf_add(&q->text, p, n);
	return ffs_buf_error(&q->text);
}

enum ffs_fault
ffs_s3body_feed(struct ffs_request *q, const void *p, size_t n)
{
	int rc;

	q->received += n;
	if (q->sink == FFS_SINK_DROP)
		return FFS_FAULT_NONE;
	if (q->chunked)
		rc = ffs_awschunked_feed(q->chunked, p, n, sink, q);
	else
		rc = sink(q, p, n);
	if (rc == -EPROTO)
		return FFS_FAULT_INCOMPLETE_BODY;
	if (rc == -ENOMSG)
		return FFS_FAULT_MALFORMED_TRAILER;
	if (rc == -EACCES)
		return FFS_FAULT_SIGNATURE;
	if (rc == -EFBIG && q->sink == FFS_SINK_TEXT)
		return FFS_FAULT_ENTITY_TOO_LARGE;
	return ffs_fault_of(rc);
}

/* A sum that the client sent, base64, against ours. */
static enum ffs_fault
compare(const struct ffs_request *q, enum ffs_sum s, const char *sent)
{
	unsigned char raw[32];
	char text[FFS_DIGEST_TEXT];

	if (ffs_digest_from_base64(s, sent, raw))
		return FFS_FAULT_INVALID_DIGEST;
	ffs_digest_base64(&q->digest, s, text);
	return strcmp(text, sent) ? FFS_FAULT_BAD_DIGEST : FFS_FAULT_NONE;
}

enum ffs_fault
ffs_s3body_finish(struct ffs_request *q)
{
	const char *sent, *trailer;
	enum ffs_fault f = FFS_FAULT_NONE;
	char hex[FFS_DIGEST_TEXT];
	enum ffs_sum s;

	if (q->sink == FFS_SINK_DROP)
		return FFS_FAULT_NONE;
	if (q->chunked ? ffs_awschunked_end(q->chunked) : q->received != q->length)
		return FFS_FAULT_INCOMPLETE_BODY;
	if (ffs_digest_finish(&q->digest))
		return FFS_FAULT_INTERNAL;
	if (q->sha256[0]) {
		ffs_digest_hex(&q->digest, FFS_SUM_SHA256, hex);
		if (strcasecmp(hex, q->sha256))
			return FFS_FAULT_SHA256;
	}
	sent = ffs_request_field(q, "content-md5");
	if (sent)
		f = compare(q, FFS_SUM_MD5, sent);
	if (f)
		return f;
	sent = ffs_s3body_checksum(q, &s);
	if (!sent) /* announced, and not there */
		return q->sum == FFS_SUM_N ? FFS_FAULT_NONE : FFS_FAULT_MALFORMED_TRAILER;
	f = compare(q, s, sent);
	trailer = q->chunked ? ffs_awschunked_trailer(q->chunked) : NULL;
	return f || !trailer ? f : compare(q, s, trailer);
}
