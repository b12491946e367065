#ifndef FFS_KEYPATH_H
#define FFS_KEYPATH_H

#include <stdbool.h>
#include <stddef.h>

/*
 * How the key of an object becomes a path below its bucket's directory.  An
 * ordinary key is its own path.  What no file system can hold, or what would
 * lead elsewhere, is escaped segment by segment ('/' parts segments):
 *
 *	'%' and control bytes	%XX, upper-case hexadecimal
 *	"." and ".."		%2E and %2E%2E
 *	an empty segment	%
 *
 * So every path has one key, and every key one path.  Where a directory has
 * the path of an object (the keys "a" and "a/b"), the object steps aside: its
 * path gets one more '%' at the end, which no escape leaves there.
 */

#define FFS_KEY_MAX 1024            /* bytes, S3's limit */
#define FFS_KEYPATH_MAX 3200        /* longest path of a key, its NUL, and a step aside */
#define FFS_KEYPATH_SEGMENT_MAX 254 /* NAME_MAX less the step aside */

/*
 * The path of a key.  Returns 0; -ENAMETOOLONG where the key is longer than
 * S3's limit or a segment than a file name can be; -EINVAL for a key that is empty
 * or not UTF-8.
 */
int ffs_keypath_encode(char out[FFS_KEYPATH_MAX], const char *key);

/*
 * The segment of a file's name, and whether it is one that stepped aside.
 * Returns 0, or -EINVAL for a name that no key gives (a stranger's file).
 */
int ffs_keypath_decode(char out[FFS_KEYPATH_SEGMENT_MAX + 1], const char *name, bool *aside);

/* Whether S3 allows it as the name of a bucket, and we do: 3 to 63 of a-z 0-9 . - */
bool ffs_keypath_bucket_ok(const char *name);

#endif
