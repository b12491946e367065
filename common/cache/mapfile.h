#ifndef FFS_MAPFILE_H
#define FFS_MAPFILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * A file of the cache's directory that many processes map and write by atomic stores: the readers'
 * table (table.h), who was served from where (served.h).  Its blocks are allocated when it is
 * made: a hole that a full disk cannot fill would end its reader by SIGBUS.
 */
struct ffs_mapfile {
	void *p; /* NULL: none */
	size_t len;
	bool writable;
	uint64_t ino;
};

enum { FFS_MAPFILE_HEAD = 8192 }; /* of a header at most */

/* What one kind of them is. */
struct ffs_mapfile_kind {
	const char *name, *tmp; /* below the directory; tmp while it is made */
	size_t header;          /* bytes of it at the file's start, the rest begins as zeroes */
	/* Is this header one of ours, of a file of that size. */
	bool (*ok)(const void *header, uint64_t size);
	/* Fill a header, all zeroes; room: bytes the file may have.  The file's size. */
	uint64_t (*make)(void *header, uint64_t room, bool empty);
};

/*
 * Map it; where it is missing, damaged or another version's and writable says so, a fresh one
 * takes its place.  0 or -errno: -ENOENT, -EBADMSG.
 */
int ffs_mapfile_open(
    struct ffs_mapfile *m, int dirfd, const struct ffs_mapfile_kind *k, bool writable, bool empty);
void ffs_mapfile_close(struct ffs_mapfile *m);

/* Is it still the file at its name. */
bool ffs_mapfile_current(const struct ffs_mapfile *m, int dirfd, const struct ffs_mapfile_kind *k);

#endif
