#ifndef FFS_CHECKER_H
#define FFS_CHECKER_H

#include <stdbool.h>

#include "common/get/hit.h"

/*
 * Compares hits with their checksums: a thread does, made when there are two to compare at once,
 * and so does its maker when he has nothing better to do.  All but the thread are the maker's.
 */
struct ffs_checker;

/* wake is called in the thread when one is done.  NULL with errno. */
struct ffs_checker *ffs_checker_new(void (*wake)(void *arg), void *arg);

/* Everything that was pushed has been popped or cancelled.  NULL is fine. */
void ffs_checker_free(struct ffs_checker *c);

/* h->arg is for whoever pops it; h stays the caller's. */
void ffs_checker_push(struct ffs_checker *c, struct ffs_hit *h);

/* Compare one that waits, here and now.  false: none waits. */
bool ffs_checker_help(struct ffs_checker *c);

/* One that is done, for ffs_hit_settle(), or NULL. */
struct ffs_hit *ffs_checker_pop(struct ffs_checker *c);

/* Forget one, whatever has become of it; may take as long as comparing it does. */
void ffs_checker_cancel(struct ffs_checker *c, struct ffs_hit *h);

#endif
