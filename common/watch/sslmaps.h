#ifndef FFS_SSLMAPS_H
#define FFS_SSLMAPS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/*
 * Which files the processes of this network namespace execute code of, from /proc/PID/maps.  Each
 * file is told once.
 */
struct ffs_sslmaps;

struct ffs_sslmaps *ffs_sslmaps_new(void); /* NULL with errno */
void ffs_sslmaps_free(struct ffs_sslmaps *m);

/*
 * Look at processes that are new, or were not looked at for a while, which gets longer with their
 * age (8 s at most).  each() is told of files that were not told before: an open descriptor, the
 * path as the process sees it, and the process.  0 or -errno.
 */
int ffs_sslmaps_scan(
    struct ffs_sslmaps *m, void (*each)(void *arg, int fd, const char *path, pid_t pid), void *arg);

/* All files that one process executes code of, told already or not; each() returns 0 to go on. What
 * it returned last, or 0. */
int ffs_sslmaps_of(pid_t pid, int (*each)(void *arg, int fd, const char *path), void *arg);

/* Is a process in this network namespace. */
bool ffs_sslmaps_here(const struct ffs_sslmaps *m, pid_t pid);

/* A file that is known otherwise is not told.  1 where it was known before; 0; -errno. */
int ffs_sslmaps_know(struct ffs_sslmaps *m, int fd);

#endif
