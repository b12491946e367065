#ifndef FFS_HEAD_H
#define FFS_HEAD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/base/buf.h"

/*
 * The head of a request or an answer (RFC 9112).  Strict: whatever two programs could read in two
 * ways is refused, because the next one to read it is the origin.  The head is passed on as it came
 * but for the fields that speak of one connection.
 */
enum {
	FFS_HEAD_MAX = 32768, /* bytes of a head */
	FFS_HEAD_FIELDS = 128,
};

struct ffs_span {
	const char *p;
	size_t n;
};

struct ffs_head_field {
	struct ffs_span name, value; /* value without blanks around it */
};

enum ffs_head_body {
	FFS_HEAD_NONE,
	FFS_HEAD_LENGTH,
	FFS_HEAD_CHUNKED,
	FFS_HEAD_CLOSE, /* an answer's: to the end of the connection */
};

struct ffs_head {
	struct ffs_span all;            /* with the empty line; everything points into it */
	struct ffs_span method, target; /* of a request, else empty */
	int status;                     /* of an answer, else 0 */
	unsigned minor;                 /* HTTP/1.minor */
	enum ffs_head_body body;
	uint64_t length; /* what Content-Length says (HEAD's and 304's answers too), UINT64_MAX
	                    without */
	bool keep_alive, expect; /* Expect: 100-continue */
	size_t n;
	struct ffs_head_field v[FFS_HEAD_FIELDS];
};

/*
 * Take apart the head at the start of n bytes.  Its length; 0: it is not all there; -EBADMSG: none
 * (400); -EMSGSIZE: too large or too many fields (431); -EPROTONOSUPPORT: another version (505);
 * -EOPNOTSUPP: another Transfer-Encoding than chunked (501).  An answer needs the method it answers
 * ("HEAD" has no body).
 */
int ffs_head_request(struct ffs_head *h, const char *p, size_t n);
int ffs_head_answer(struct ffs_head *h, const char *p, size_t n, bool to_head);

/* The value of a field by its name (any case); NULL without, or where it comes more than once and
 * *twice (may be NULL) is set. */
const struct ffs_span *ffs_head_get(const struct ffs_head *h, const char *name, bool *twice);

/* Is the field one of those that end with this connection: Connection and what it names,
 * Keep-Alive, Proxy-*, TE, Upgrade.  Not Transfer-Encoding and Trailer: bodies pass as they are. */
bool ffs_head_hop(const struct ffs_head *h, const struct ffs_head_field *f);

/* Compare without regard to case. */
bool ffs_span_is(const struct ffs_span *s, const char *text);

#endif
