#ifndef FFS_LOBSTER_H
#define FFS_LOBSTER_H

#include <stdint.h>

#include "common/base/buf.h"

/*
 * File names of LOBSTER (https://lobsterdata.com/info/DataStructure.php):
 * TICKER_YYYY-MM-DD_START_END_{message|orderbook}_LEVEL.csv, times in
 * milliseconds after midnight.
 */
enum ffs_lobster_kind {
	FFS_LOBSTER_MESSAGE,
	FFS_LOBSTER_ORDERBOOK,
};

struct ffs_lobster {
	char ticker[32];
	char date[11];
	enum ffs_lobster_kind kind;
	unsigned level; /* 1 to 1000 */
	uint64_t start_ms, end_ms;
};

/*
 * Parse the last part of a path.  What follows LEVEL must be nothing or begin with a
 * point, so that "..._50.csv.gz" and "..._50.part.csv" are understood.  Returns 0 or -EINVAL.
 */
int ffs_lobster_parse(struct ffs_lobster *l, const char *path);

/* Orders by what makes a pair (ticker, date, level): 0 for two of the same. */
int ffs_lobster_cmp(const struct ffs_lobster *a, const struct ffs_lobster *b);

/*
 * Append template to out with {ticker}, {date} and {level} replaced.  Returns 0;
 * -EINVAL for another {word} or a lone brace; -ENOMEM.
 */
int ffs_lobster_expand(const struct ffs_lobster *l, const char *template, struct ffs_buf *out);

#endif
