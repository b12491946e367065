#ifndef FFS_REDIRECT_H
#define FFS_REDIRECT_H

#include "common/base/buf.h"
#include "common/watch/addresses.h"
#include "common/watch/load.h"

/*
 * The redirect (bpf/redirect.bpf.h) as options and configuration say it: whose connections to which
 * stores.
 */

/* --uid: users by name or number with commas, or "all".  0 or -EINVAL. */
int ffs_redirect_uids(struct ffs_load_redirect *r, const char *list);
/* --exclude-comm: names of programs with commas, longer ones cut as the kernel does.  0 or -EINVAL
 * (none, an empty one, too many). */
int ffs_redirect_exclude(struct ffs_load_redirect *r, const char *list);

/*
 * Which of the addresses are redirected: those on watched ports of t, into t->stores; no TLS, and
 * not link-local ones, which say no interface.  Returns how many there was no room for.
 */
size_t ffs_redirect_stores(struct ffs_load_targets *t, const struct ffs_addresses *a);

/* Are the stores of both the same, in whatever order. */
bool ffs_redirect_same(const struct ffs_load_targets *a, const struct ffs_load_targets *b);

/* "connections of uid 1000 to 127.0.0.1:9000, [::1]:9000": for the user. */
void ffs_redirect_text(
    struct ffs_buf *b, const struct ffs_load_redirect *r, const struct ffs_load_targets *t);

/* "127.0.0.1:9000" */
void ffs_redirect_end(struct ffs_buf *b, const struct ffs_end *end);

#endif
