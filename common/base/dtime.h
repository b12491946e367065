#ifndef FFS_DTIME_H
#define FFS_DTIME_H

#include <stddef.h>
#include <stdint.h>

/*
 * A point in time as market data writes it: a decimal number, for LOBSTER the
 * seconds after midnight with up to 12 decimals, which no double can hold.
 * frac counts units of 10^-18 and is never negative (-1.5 is sec -2, frac
 * 5*10^17), so two times compare by sec, then frac.
 */
struct ffs_dtime {
	int64_t sec;
	uint64_t frac;
};

/*
 * Parse n bytes of an optional sign, digits, and an optional fraction of any
 * length (digits beyond the 18th must be zeros).  Returns 0; -EINVAL on
 * anything else, exponents included; -ERANGE where it does not fit.
 */
int ffs_dtime_parse(const char *s, size_t n, struct ffs_dtime *t);

/*
 * What people type for a time of day: a decimal number of seconds, or HH:MM,
 * HH:MM:SS or HH:MM:SS.frac after midnight.  Returns as ffs_dtime_parse().
 */
int ffs_dtime_parse_clock(const char *s, size_t n, struct ffs_dtime *t);

/* <0, 0, >0 as a is before, at or after b. */
int ffs_dtime_cmp(const struct ffs_dtime *a, const struct ffs_dtime *b);

#endif
