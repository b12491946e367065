#ifndef FFS_OPT_H
#define FFS_OPT_H

#include <stdint.h>

/*
 * Numbers on the command line.  Each parses the whole string, returns 0 and
 * sets *out, -EINVAL on junk, -ERANGE outside [lo, hi]; *out is untouched on
 * error.
 */

/* A plain decimal count. */
int ffs_opt_uint(const char *s, uint64_t lo, uint64_t hi, uint64_t *out);

/* A byte count: digits with an optional k, m, g or t in any case (powers of 1024). */
int ffs_opt_size(const char *s, uint64_t lo, uint64_t hi, uint64_t *out);

/*
 * A rate in bytes a second: a byte count, or bits a second as networks count them, "170mbit",
 * powers of 1000, in any case.
 */
int ffs_opt_rate(const char *s, uint64_t lo, uint64_t hi, uint64_t *out);

/*
 * A duration in milliseconds: "500ms", "60s", "5m", "2h"; a bare number is
 * seconds and may have a fraction ("0.5").  lo and hi are milliseconds.
 */
int ffs_opt_duration(const char *s, uint64_t lo, uint64_t hi, uint64_t *out_ms);

/*
 * An inclusive range "A-B", or "A" alone, or an open "A-".  Sets *first and
 * *last (UINT64_MAX where open).  -ERANGE where B < A.
 */
int ffs_opt_range(const char *s, uint64_t *first, uint64_t *last);

/* A variable of the environment that is set and not empty, or NULL.  Not to be freed. */
const char *ffs_opt_env(const char *name);

#endif
