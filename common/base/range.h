#ifndef FFS_RANGE_H
#define FFS_RANGE_H

#include <stdint.h>
#include <time.h>

/*
 * What a GET may ask for besides the key: a byte range and conditions on the
 * version (RFC 9110, 13 and 14).
 */

/*
 * A Range header over size bytes.  Returns 1 and sets *first and *len for one
 * satisfiable range; 0 where the header has no effect: NULL, malformed, another
 * unit, or more than one range (S3 sends the whole object); -ERANGE where
 * nothing of it exists (416).
 */
int ffs_range_parse(const char *s, uint64_t size, uint64_t *first, uint64_t *len);

/* The condition headers of a request; NULL where absent. */
struct ffs_range_cond {
	const char *if_match, *if_none_match;
	const char *if_modified_since, *if_unmodified_since;
};

/*
 * Evaluate them in RFC 9110's order (13.2.2) against an object.  etag without
 * quotes.  Returns 0, 304 or 412.
 */
int ffs_range_cond(const struct ffs_range_cond *c, const char *etag, time_t mtime);

/* Whether a list of entity tags ("a", W/"b", bare ones as some clients send, or *) has etag. */
int ffs_range_etag_in(const char *list, const char *etag);

/* Whether an If-Range header (NULL: yes) allows a part of this version to be sent. */
int ffs_range_if_range(const char *s, const char *etag, time_t mtime);

#define FFS_RANGE_DATE 30

/* "Sun, 06 Nov 1994 08:49:37 GMT" of a time. */
void ffs_range_date(char out[FFS_RANGE_DATE], time_t t);

/* Any of HTTP's three forms of a date.  Returns 0, or -EINVAL. */
int ffs_range_parse_date(const char *s, time_t *t);

#endif
