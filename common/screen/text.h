#ifndef FFS_TEXT_H
#define FFS_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Names and numbers as a screen shows them: never wider than they may be. */

/*
 * A hostile name of len bytes, in exactly as many columns as are returned, at most cols: controls,
 * what is no UTF-8, what combines and what terminals disagree about become '?', and so does all
 * that is not ASCII without utf8.  Of one that is too long the middle is left out, because the
 * names of chunks differ in their last letters.  Always NUL-terminated within n bytes.
 */
unsigned ffs_text_fit(char *out, size_t n, const char *s, size_t len, unsigned cols, bool utf8);

/* Bytes of our own text, one column a character, that have room in cols. */
size_t ffs_text_clip(const char *s, unsigned cols);

/* Into buf, which is returned: "184", "12.3k", "1.2M" */
const char *ffs_text_count(char *buf, size_t n, uint64_t v);
/* "512 B", "1.2 MB": powers of 1000 */
const char *ffs_text_bytes(char *buf, size_t n, uint64_t v);
/* "35 us", "1.25 ms", "58 ms", "1.2 s"; "-" for 0, which is none */
const char *ffs_text_us(char *buf, size_t n, uint64_t us);
/* "3s", "12m", "4h", "2d" */
const char *ffs_text_age(char *buf, size_t n, uint64_t seconds);
/* "0", "0.4", "12.0", "1234" a second */
const char *ffs_text_rate(char *buf, size_t n, double v);

#endif
