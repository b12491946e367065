#ifndef FFS_HTTPLINE_H
#define FFS_HTTPLINE_H

#include <curl/curl.h>

#include "common/s3/exchange.h"

/*
 * A libcurl easy handle, set up for stores, with the callbacks between it and
 * the exchange that it carries.  Only common/s3/http.c uses this.
 */
struct ffs_httpline {
	CURL *easy;
	struct ffs_exchange *x; /* NULL: dropped inside a callback, to be removed after it */
	struct ffs_httpline *next;
	size_t sent; /* of the body */
	bool paused, resume;
	int rc; /* what x->data() ended it with */
	uint64_t progress, moved_us;
	char error[CURL_ERROR_SIZE];
};

/* NULL: out of memory.  o stays as long as any of its connections. */
struct ffs_httpline *ffs_httpline_new(const struct ffs_http_opts *o);
void ffs_httpline_free(struct ffs_httpline *line);

/* Make it carry x.  Returns 0 or -ENOMEM. */
int ffs_httpline_aim(struct ffs_httpline *line, struct ffs_exchange *x);

/* -errno for how libcurl ended it. */
int ffs_httpline_errno(const struct ffs_httpline *line, CURLcode code);

#endif
