#ifndef FFS_BPFFS_H
#define FFS_BPFFS_H

#include <stdbool.h>
#include <sys/types.h>

/*
 * The directory of the pins as its owner, root, sees it: made, locked, emptied.
 */
struct ffs_bpffs {
	char *dir;
	int lock; /* held; or -1 */
};

/*
 * Find or make the directory: a bpffs, mounted by us (root's, 0755) where $FFS_BPF_DIR does not say
 * where one is, and "v1" below it.  0 or -errno with *why (free it; may be NULL).
 */
int ffs_bpffs_open(struct ffs_bpffs *b, char **why);
void ffs_bpffs_release(struct ffs_bpffs *b);

/* Become the one loader.  0; -EBUSY while another lives; -errno. */
int ffs_bpffs_lock(struct ffs_bpffs *b);

/* Make the directories inside, before programs are pinned; that of the ring's consumer is uid's.
 * 0 or -errno. */
int ffs_bpffs_fill(struct ffs_bpffs *b, uid_t uid, gid_t gid);

/*
 * Remove all that is pinned, and the filters and qdiscs of ours on this namespace's interfaces.
 * Returns whether there was anything, or -errno.
 */
int ffs_bpffs_clear(struct ffs_bpffs *b);

#endif
