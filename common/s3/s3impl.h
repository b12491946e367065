#ifndef FFS_S3IMPL_H
#define FFS_S3IMPL_H

#include <time.h>

#include "common/base/buf.h"
#include "common/s3/exchange.h"
#include "common/s3/s3.h"
#include "common/s3/sigv4.h"

/* What common/s3*.c share; nobody else includes this. */
struct ffs_s3 {
	struct ffs_http *http;
	struct ffs_endpoint ep;
	const char *host; /* of ep.url, with the port */
	bool loopback, tls;
	unsigned retries;
	unsigned active;    /* exchanges with this host that are under way */
	time_t clock_ahead; /* the store's clock minus ours */
	/* The signing key of a day: four HMACs less a request. */
	char day[9];
	unsigned char key[32];
	uint64_t last_id;
	struct ffs_s3_call *first; /* requests */
};

/* One request of s3.h, with its attempts. */
struct ffs_s3_call {
	struct ffs_exchange x; /* first: callbacks get this one */
	struct ffs_s3 *s3;
	struct ffs_s3_call *next, *prev;
	uint64_t id;
	struct ffs_s3_request q; /* strings are not used after submit, but for the callbacks */
	char *method, *path, *query, *host, *url;
	struct ffs_sigv4_field *fields; /* signed ones first */
	size_t nfields, nsigned;
	char payload[65]; /* SHA-256 of the body, "" where unsigned */
	struct curl_slist *list;
	struct ffs_s3_response r;
	char region[65];      /* x-amz-bucket-region */
	unsigned retry_after; /* seconds */
	bool composite;       /* the checksum is not of the bytes but of parts' checksums */
	struct ffs_buf error; /* body of a response that is not 2xx */
	bool delivered;       /* bytes of the body went to data() */
	bool aborted;         /* by data() */
	bool skew_tried;
	bool in_data; /* inside data(): */
	bool gone;    /* cancelled from there, to be freed after it */
	uint64_t received;
	uint32_t crc;
};

/* s3sign.c: the request's constant part (path, query, URL, fields).  0 or -errno. */
int ffs_s3_call_prepare(struct ffs_s3_call *c);

/* s3sign.c: sign for now and fill list.  0 or -errno. */
int ffs_s3_call_sign(struct ffs_s3_call *c);

#endif
