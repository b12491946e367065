#ifndef FFS_PASS_H
#define FFS_PASS_H

#include "common/base/buf.h"
#include "common/gate/head.h"

/* The head as it is passed on: as it came, but for the fields of one connection; with the fields in
 * add ("" none; each with its CRLF) at its end. */
void ffs_pass_head(struct ffs_buf *out, const struct ffs_head *h, const char *add);

/* An answer of the gateway's own, as S3 tells errors: head, and the body unless to_head.  add as
 * above. */
struct ffs_pass_error {
	int status;
	const char *code, *text; /* "ServiceUnavailable", a sentence */
	const char *add;
	bool to_head;
};
void ffs_pass_error(struct ffs_buf *out, const struct ffs_pass_error *e);

/* For a -errno of head.h or origin.h: status, code and text. */
struct ffs_pass_error ffs_pass_refused(int rc);
struct ffs_pass_error ffs_pass_unreached(int rc);

#endif
