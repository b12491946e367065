#ifndef FFS_INSTANCE_H
#define FFS_INSTANCE_H

#include "common/watch/bpffs.h"
#include "common/watch/maps.h"

/* Which of several ffs-hotmon loads the programs. */
enum ffs_instance {
	FFS_INSTANCE_LOADS = 1, /* this one: the directory is locked, and its own to empty */
	FFS_INSTANCE_SHARES,    /* another does, or has pinned them: *m says which */
};

/*
 * An enum ffs_instance, or -errno with *why (free it; may be NULL) a line for the user: -EPERM
 * without root; -EACCES where they are another user's.  Another one that is just starting is waited
 * for.
 */
int ffs_instance_find(struct ffs_bpffs *b, struct ffs_meta *m, char **why);

/* --unpin: remove what --pin, or one that was killed, has left.  0; -EBUSY while one runs; -errno.
 */
int ffs_instance_unpin(char **why);

#endif
