#ifndef FFS_CURL_H
#define FFS_CURL_H

#include <stdbool.h>

/*
 * Load libcurl, if that has not been done: before anything of it but lists is called.  false: this
 * machine has none, or one without what we need.
 */
bool ffs_curl_load(void);

#endif
