#ifndef FFS_WHY_H
#define FFS_WHY_H

#include "common/base/exit.h"

/*
 * A line for the user about the error rc: into *why, for the caller to free, NULL where there is no
 * memory; nothing where why is NULL.  Returns rc, so that an error is said where it is returned.
 */
int ffs_why(char **why, int rc, const char *fmt, ...) __attribute__((format(printf, 3, 4)));

/* Give such a line, fit for a terminal, to who reports what could not be done. */
void ffs_why_give(void (*failed)(void *arg, enum ffs_exit status, const char *text), void *arg,
    enum ffs_exit status, const char *fmt, ...) __attribute__((format(printf, 4, 5)));

#endif
