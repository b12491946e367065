#ifndef FFS_S3_H
#define FFS_S3_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/s3/config.h"
#include "common/s3/http.h"

/*
 * The S3 client: signed requests to one store over a shared pool of
 * connections (common/s3/http.h).  One thread per pool; nothing here blocks but
 * ffs_http_run() and ffs_s3_perform().
 */
struct ffs_s3;

struct ffs_s3_field {
	const char *name, *value;
};

/* The outcome of a request.  Valid inside the callbacks, or as ffs_s3_perform() filled it. */
struct ffs_s3_response {
	int rc;                   /* 0, or -errno: see ffs_s3_submit() */
	int status;               /* HTTP status, 0 where none came */
	char code[64];            /* S3's error code, "" without */
	char message[256];        /* its message or libcurl's, control bytes removed */
	char etag[128];           /* without quotes; "" without */
	uint64_t length;          /* of the body as announced */
	uint64_t object_size;     /* of the whole object: from Content-Range, else length */
	char checksum_crc32c[16]; /* x-amz-checksum-crc32c, base64; "" without */
	char last_modified[40];
	char date[40];        /* the store's own clock; "" without */
	char meta_crc32c[16]; /* x-amz-meta-ffs-crc32c: our own note on a chunk; "" without */
	unsigned attempts;
	uint64_t first_byte_us, total_us; /* of the last attempt, from the moment it was sent */
	unsigned connects; /* new connections the last attempt made: 0 is a reused one */
};

struct ffs_s3_request {
	const char *method;                /* GET HEAD PUT POST DELETE */
	const char *bucket;                /* NULL: the service (list buckets) */
	const char *key;                   /* raw bytes; NULL: the bucket */
	const char *query;                 /* encoded, without '?'; NULL for none */
	const struct ffs_s3_field *fields; /* more headers; signed where x-amz-* */
	size_t nfields;
	const void *body; /* must live until done; NULL for none */
	size_t body_len;
	const uint32_t
	    *crc32c; /* of the body: sent as x-amz-checksum-crc32c, body UNSIGNED-PAYLOAD on http to
	                loopback and on https, hashed elsewhere; NULL: no checksum */
	/*
	 * Bytes of a 2xx body, in order.  Returning non-zero (-errno) aborts the
	 * request with that rc.  FFS_S3_PAUSE: not now, call again after
	 * ffs_s3_resume().
	 */
	int (*data)(void *arg, const struct ffs_s3_response *r, const void *p, size_t n);
	/*
	 * The body starts again from its first byte, because a retry was needed
	 * after some bytes were delivered.  NULL: then there is no such retry.
	 */
	void (*restart)(void *arg);
	/* Exactly once, after the last byte or the last error; may submit again. */
	void (*done)(void *arg, const struct ffs_s3_response *r);
	void *arg;
	bool once; /* no retries: the caller has its own way on */
	/*
	 * A field of the response's head as it came, before data() or done(); an empty name: a head
	 * begins (an earlier one was another attempt's, or a 100).  NULL: nobody wants them.
	 */
	void (*field)(void *arg, const char *name, const char *value);
	/*
	 * Ask for the object's CRC32C and check a whole body (200) against it: a mismatch is
	 * retried like a short body.  For those who have no checksum of their own: it must not be
	 * computed twice.
	 */
	bool verify;
};

#define FFS_S3_PAUSE 1
#define FFS_S3_RETRIES_MAX 100 /* of FFS_RETRIES */

/*
 * A store on a pool.  ep is copied.  NULL with errno.  Freeing cancels its
 * requests; each gets done() with -ECANCELED.
 */
struct ffs_s3 *ffs_s3_new(struct ffs_http *http, const struct ffs_endpoint *ep);
void ffs_s3_free(struct ffs_s3 *s3);
const struct ffs_endpoint *ffs_s3_endpoint(const struct ffs_s3 *s3);

/*
 * Start a request; strings and fields are copied, body is not.  *id (may be
 * NULL) is good for pause and cancel until done().  Returns 0 or -errno
 * (nothing was started, no callback comes): -EINVAL for an empty bucket or key,
 * or a field that cannot travel in a header.  No callback comes from inside this.
 * Signed are x-amz-*, content-md5 and content-type; other fields go along unsigned.
 *
 * Response rc: 0 for 2xx and 304; -ENOENT 404; -EACCES 401, 403; -ESTALE 412;
 * -ERANGE 416; -EEXIST 409; -EOPNOTSUPP 501; -EAGAIN 408, 429, 503 and other
 * throttling, after retries; -EIO other 4xx and 5xx; -ECONNREFUSED, -ECONNRESET,
 * -ETIMEDOUT, -EHOSTUNREACH and the like for transport; -EBADMSG a body shorter or
 * longer than announced after retries, or (verify) not what the store's checksum says;
 * -EPROTO for a certificate that is not trusted or an answer that is no HTTP; what data() returned.
 *
 * Retries: 408, 429, 500, 502, 503, 504, resets and time-outs, full-jitter
 * exponential back-off (at most 50 ms, 200 ms, 800 ms, ... 20 s), Retry-After honoured, FFS_RETRIES
 * (default 4) times (a PUT's or POST's too: all ours are idempotent, but a
 * conditional one may meet its own first try: -ESTALE with attempts > 1 wants a look); never
 * 403 or 404, except RequestTimeTooSkewed: once, with the store's clock.
 */
int ffs_s3_submit(struct ffs_s3 *s3, const struct ffs_s3_request *q, uint64_t *id);

/* Go on with a request whose data() said FFS_S3_PAUSE. */
void ffs_s3_resume(struct ffs_s3 *s3, uint64_t id);

/* Drop a request; done() comes with -ECANCELED before this returns. */
void ffs_s3_cancel(struct ffs_s3 *s3, uint64_t id);

/*
 * Submit, run until done, give the outcome.  q->done and q->arg's use for it
 * are replaced; q->data, restart and field are kept.  Returns r->rc.
 */
int ffs_s3_perform(struct ffs_s3 *s3, const struct ffs_s3_request *q, struct ffs_s3_response *r);

/* A GET into memory, at most max bytes (-EFBIG beyond).  *p is the caller's to free, NUL behind its
 * end. */
int ffs_s3_get(struct ffs_s3 *s3, const char *bucket, const char *key, size_t max, char **p,
    size_t *n, struct ffs_s3_response *r);

/* The same with If-None-Match, where etag is not NULL: 0 with *p NULL says that this is still it.
 */
int ffs_s3_get_newer(struct ffs_s3 *s3, const char *bucket, const char *key, const char *etag,
    size_t max, char **p, size_t *n, struct ffs_s3_response *r);

/*
 * A line for the user about a failed request: "AccessDenied (403): ...; endpoint
 * http://... from AWS_ENDPOINT_URL, credentials from ...", never a secret; hostile bytes removed.
 * Into buf.
 */
const char *ffs_s3_error(
    const struct ffs_s3 *s3, const struct ffs_s3_response *r, char *buf, size_t n);

/* A presigned GET URL, for benchmarks and for tools that cannot sign.  NULL with errno; free it. */
char *ffs_s3_presign(struct ffs_s3 *s3, const char *bucket, const char *key, unsigned expires);

/* --- listings --- */

struct ffs_s3_object {
	const char *key; /* raw bytes, decoded (encoding-type=url is asked for) */
	uint64_t size;
	const char *etag; /* without quotes */
	const char *last_modified;
	bool prefix; /* a common prefix, not an object */
};

/*
 * ListObjectsV2 of everything below prefix, page by page, in key order.  each()
 * returns 0 to go on, else the listing ends with that value.  delimiter NULL:
 * flat.  Returns 0, each()'s value, or -errno; r (may be NULL) holds the last response.
 */
int ffs_s3_list(struct ffs_s3 *s3, const char *bucket, const char *prefix, const char *delimiter,
    int (*each)(void *arg, const struct ffs_s3_object *o), void *arg, struct ffs_s3_response *r);

/*
 * Parse one page of a V2 listing: hostile XML (bounded depth and strings,
 * entities refused).  *token is the continuation token or NULL (free it).  Returns 0,
 * -EBADMSG, -ENOMEM or each()'s value.
 */
int ffs_s3_list_parse(const char *xml, size_t n,
    int (*each)(void *arg, const struct ffs_s3_object *o), void *arg, char **token);

/* Parse an error body into r->code and r->message; anything that is not one leaves them alone. */
void ffs_s3_error_parse(const char *xml, size_t n, struct ffs_s3_response *r);

#endif
