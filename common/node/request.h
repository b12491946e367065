#ifndef FFS_REQUEST_H
#define FFS_REQUEST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <time.h>

#include <microhttpd.h>

#include "common/node/awschunked.h"
#include "common/base/buf.h"
#include "common/base/digest.h"
#include "common/node/fault.h"
#include "common/base/jobs.h"
#include "common/node/keypath.h"
#include "common/node/store.h"

/*
 * One request that the store's server (common/node/serve.h) is answering: what was
 * asked, where its body goes, and the answer as it grows.  Operations
 * (common/node/op.h) see this and the store, and nothing of the connection.
 */
struct ffs_op;
struct ffs_peer;
struct ffs_serve;

#define FFS_REQUEST_PARAMS_MAX 48

struct ffs_request_param {
	char *name, *value; /* decoded; value "" where there is none */
};

/* What becomes of the body. */
enum ffs_request_sink {
	FFS_SINK_DROP, /* read and forgotten: the answer is known already */
	FFS_SINK_TEXT, /* kept in memory, bounded: XML */
	FFS_SINK_BLOB, /* a file of the store */
};

struct ffs_request {
	struct ffs_serve *serve;
	struct ffs_store *store;
	struct MHD_Connection *conn;
	struct ffs_peer *peer; /* or NULL */
	struct timespec start;
	struct ffs_job job;
	int stage; /* of common/node/serve.c */

	/* the question */
	const char *method;
	char *target; /* as sent; cut into path and query */
	char *path, *query;
	struct ffs_request_param params[FFS_REQUEST_PARAMS_MAX];
	size_t nparams;
	char bucket[FFS_KEY_MAX + 1]; /* "": the service */
	char key[FFS_KEY_MAX + 1];    /* "": the bucket */
	const struct ffs_op *op;      /* NULL: /healthz, or refused before it was known */
	bool head, local;             /* HEAD; from this machine */
	bool anonymous;               /* not signed */
	uint64_t length;              /* of the body as the object will have it */
	char request_id[17];

	/* the body */
	enum ffs_request_sink sink;
	size_t text_max;
	struct ffs_buf text;
	struct ffs_blob blob;
	struct ffs_digest digest;
	struct ffs_awschunked *chunked; /* NULL: the body is as sent */
	char sha256[65];                /* that the body must have; "": not told */
	enum ffs_sum sum;               /* sent as x-amz-checksum-*; FFS_SUM_N: none */
	uint64_t received;              /* bytes of it on the wire */

	/* the answer */
	enum ffs_fault fault;
	const char *message;   /* instead of the fault's own */
	unsigned status;       /* 0: 200 */
	struct ffs_buf fields; /* name NUL value NUL ... */
	struct ffs_buf out;
	int fd; /* bytes [off, off + len) of a file instead of out, or -1 */
	uint64_t off, len;
};

/* A header, or NULL. */
const char *ffs_request_field(const struct ffs_request *q, const char *name);

/* A query parameter: "" where it has no value, NULL where it is absent. */
const char *ffs_request_param(const struct ffs_request *q, const char *name);

/* Add a header to the answer. */
void ffs_request_reply(struct ffs_request *q, const char *name, const char *value);

/* ETag, to which this adds the quotes; and that with Last-Modified. */
void ffs_request_reply_etag(struct ffs_request *q, const char *etag);
void ffs_request_reply_version(struct ffs_request *q, const char *etag, time_t mtime);

/* The fault with a message of its own (a string that stays). */
enum ffs_fault ffs_request_fault(struct ffs_request *q, enum ffs_fault f, const char *message);

/*
 * Parse the target into path, query, params, bucket and key.  Returns a fault for a
 * target that cannot name anything.
 */
enum ffs_fault ffs_request_parse(struct ffs_request *q);

/* Write the XML of q->fault into q->out. */
void ffs_request_error_body(struct ffs_request *q);

/* Free all that it holds, and it. */
void ffs_request_free(struct ffs_request *q);

#endif
