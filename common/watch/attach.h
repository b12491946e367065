#ifndef FFS_ATTACH_H
#define FFS_ATTACH_H

#include <stdbool.h>
#include <stddef.h>

#include "common/watch/links.h"
#include "common/watch/load.h"

enum ffs_attach_mode { FFS_ATTACH_AUTO, FFS_ATTACH_TCX, FFS_ATTACH_CLSACT };

/* The program traffic on interfaces, or that of XDP. */
struct ffs_attach_opts {
	enum ffs_attach_mode mode;
	bool xdp;                 /* and by nothing else */
	const char *const *names; /* only these, there already or not */
	size_t names_n;           /* 0: loopback, and all that are up */
	const char *dir;          /* of the pins */
	bool stay;                /* pin what is attached */
	/* A line for the user: something went wrong, or (detail) all is well. */
	void (*note)(void *arg, bool detail, const char *text);
	void *arg;
};

struct ffs_attach;

/* Nothing is attached yet.  NULL with errno. */
struct ffs_attach *ffs_attach_new(const struct ffs_attach_opts *o, const struct ffs_load *l);

/* Detach from all, but for what was to stay. */
void ffs_attach_free(struct ffs_attach *a);

/* An interface is there, has changed or (gone) is no more: attach, or forget it.  For
 * ffs_links_read(). */
void ffs_attach_link(void *a, const struct ffs_link *link, bool gone);

/* When all that are there were told of: note which of names are not. */
void ffs_attach_absent(const struct ffs_attach *a);

/* On how many interfaces it is, and whether on any of them by clsact. */
size_t ffs_attach_count(const struct ffs_attach *a, bool *clsact);

/* The first error of attaching, where it is nowhere; 0 where there was none. */
int ffs_attach_error(const struct ffs_attach *a);

/* "lo egress, eth0 egress and ingress": for the user, by TCX or clsact.  NULL with errno; free it.
 */
char *ffs_attach_list(const struct ffs_attach *a);

#endif
