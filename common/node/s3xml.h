#ifndef FFS_S3XML_H
#define FFS_S3XML_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <time.h>

#include "common/base/buf.h"
#include "common/base/digest.h"

/* The XML that a server of ours writes and reads. */

/* "<?xml ...?>" and the opening tag of a document in S3's name space. */
void ffs_s3xml_open(struct ffs_buf *b, const char *root);
void ffs_s3xml_close(struct ffs_buf *b, const char *name); /* </name> */

/* <name>value</name>, escaped.  Control bytes become references, as S3 writes them. */
void ffs_s3xml_text(struct ffs_buf *b, const char *name, const char *value);
void ffs_s3xml_uint(struct ffs_buf *b, const char *name, uint64_t n);
void ffs_s3xml_bool(struct ffs_buf *b, const char *name, bool yes);

/* <name>2026-11-21T05:00:00.000Z</name> */
void ffs_s3xml_time(struct ffs_buf *b, const char *name, time_t t);

/* The same as text, percent-encoded where url (encoding-type=url). */
void ffs_s3xml_key(struct ffs_buf *b, const char *name, const char *key, bool url);

/* <name>&quot;etag&quot;</name> */
void ffs_s3xml_etag(struct ffs_buf *b, const char *name, const char *etag);

/* <Owner> or <Initiator>: there is one owner. */
void ffs_s3xml_owner(struct ffs_buf *b, const char *name);

/* --- bodies of requests: hostile, bounded --- */

struct ffs_s3xml_part {
	unsigned number;
	char etag[80]; /* without quotes */
	char sum[FFS_SUM_N][FFS_DIGEST_TEXT];
};

/* CompleteMultipartUpload.  Calls each() for every part.  0, -EBADMSG, -ENOMEM, or each()'s value.
 */
int ffs_s3xml_parse_parts(
    const char *xml, size_t n, int (*each)(void *arg, const struct ffs_s3xml_part *p), void *arg);

/* Delete.  The same for every key, at most 1000; quiet is known when it returns. */
int ffs_s3xml_parse_delete(const char *xml, size_t n, bool *quiet,
    int (*each)(void *arg, const char *key, const char *version), void *arg);

#endif
