#ifndef FFS_EXIT_H
#define FFS_EXIT_H

/* Exit statuses of all tools; every page lists them (ffs.7). */
enum ffs_exit {
	FFS_EXIT_OK = 0,
	FFS_EXIT_FAIL = 1,      /* the work, or some items of it, failed; also a full disk */
	FFS_EXIT_USAGE = 2,     /* bad command line */
	FFS_EXIT_NOTFOUND = 3,  /* no such object, dataset, bucket or file */
	FFS_EXIT_DENIED = 4,    /* access denied */
	FFS_EXIT_UNREACH = 5,   /* store unreachable, or throttled after all retries */
	FFS_EXIT_INTEGRITY = 6, /* checksum, ETag or size mismatch */
	FFS_EXIT_UNSUP = 7,     /* no privilege or kernel feature for it here */
};

/*
 * The exit status for a -errno of common/ (0 gives FFS_EXIT_OK): ENOENT 3;
 * EACCES, EPERM 4; ECONN*, E*UNREACH, ETIMEDOUT, EAGAIN, EHOSTDOWN 5;
 * EBADMSG, ESTALE 6; EOPNOTSUPP, ENOSYS 7; anything else 1.
 */
enum ffs_exit ffs_exit_of(int rc);

/* The status after one more failure: of one kind they keep it, several kinds give 1. */
enum ffs_exit ffs_exit_add(enum ffs_exit before, enum ffs_exit now);

/*
 * Flush stdout and report a write error.  Call last in main():
 * "return ffs_exit_flush(rc);".  A closed pipe ends the tool by SIGPIPE,
 * silently, as the shell expects.
 */
int ffs_exit_flush(int rc);

/*
 * A bad command line: says what is wrong (fmt NULL: getopt has said it) and where to look, two
 * lines, and ends the tool with FFS_EXIT_USAGE.
 */
void ffs_exit_usage(const char *fmt, ...) __attribute__((noreturn, format(printf, 1, 2)));

#endif
