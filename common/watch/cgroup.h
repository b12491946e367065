#ifndef FFS_CGROUP_H
#define FFS_CGROUP_H

#include "common/base/linger.h"
#include "common/watch/load.h"

/* Where the cgroup v2 tree is mounted, from /proc/self/mounts.  NULL with errno (ENOENT: nowhere);
 * free it. */
char *ffs_cgroup_root(void);

/*
 * Attach all but traffic, as far as it is loaded, to a cgroup, by links.  They end with it, or are
 * pinned below pin_dir (the directory of the pins) where that is given.
 */
struct ffs_cgroup {
	int links[FFS_LOAD_PROGS]; /* -1: none */
	struct ffs_linger tune;    /* that of tune, where anybody is redirected */
};
#define FFS_CGROUP_INIT                                                                            \
	{                                                                                          \
		.links = { [0 ... FFS_LOAD_PROGS - 1] = -1 }, .tune = FFS_LINGER_INIT              \
	}

/* 0 or -errno: of tune with *which set to what was refused (a constant), or of the path. */
int ffs_cgroup_attach(struct ffs_cgroup *c, const struct ffs_load *l, const char *path,
    const char *pin_dir, const char **which);
void ffs_cgroup_release(struct ffs_cgroup *c);

#endif
