#ifndef FFS_UTF8_H
#define FFS_UTF8_H

#include <stdbool.h>
#include <stddef.h>

/*
 * Bytes of the UTF-8 character at s, of which n bytes (at least 1) are there:
 * 1 to 4, or 0 if it is none (RFC 3629: no surrogates, no overlong forms).
 */
size_t ffs_utf8_len(const char *s, size_t n);

/* Whether all n bytes are UTF-8. */
bool ffs_utf8_valid(const char *s, size_t n);

/* Make a hostile name fit for a terminal, in place: '?' for controls and what is no UTF-8. */
void ffs_utf8_mask(char *s);

#endif
