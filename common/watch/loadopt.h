#ifndef FFS_LOADOPT_H
#define FFS_LOADOPT_H

#include "common/watch/watcher.h"

/* The options of what is loaded, for the table of getopt_long(3), by these values. */
enum ffs_loadopt_opt {
	FFS_LOADOPT_ATTACH = 0x2000,
	FFS_LOADOPT_CGROUP,
	FFS_LOADOPT_EXCLUDE_COMM,
	FFS_LOADOPT_GROUP,
	FFS_LOADOPT_HOT,
	FFS_LOADOPT_INTERFACE = 'i',
	FFS_LOADOPT_MAX_CONNS = 0x2010,
	FFS_LOADOPT_MAX_OBJECTS,
	FFS_LOADOPT_PORTS,
	FFS_LOADOPT_REARM,
	FFS_LOADOPT_REDIRECT,
	FFS_LOADOPT_RING_SIZE,
	FFS_LOADOPT_TLS,
	FFS_LOADOPT_UID,
	FFS_LOADOPT_WINDOW,
	FFS_LOADOPT_XDP,
};

#define FFS_LOADOPT_INTERFACES 64

struct ffs_loadopt {
	struct ffs_watcher_opts watch;
	const char *ports; /* --ports; NULL: the endpoints' */
	const char *tls;   /* --tls: "" the endpoints' ports; NULL: not */
	const char *names[FFS_LOADOPT_INTERFACES];
	bool given; /* any of them */
	bool whom;  /* --uid or --exclude-comm */
};

/* Defaults; who may read is the user behind sudo.  It points into itself: not to be copied. */
void ffs_loadopt_init(struct ffs_loadopt *o);

/* Their lines of the tool's help. */
const char *ffs_loadopt_help(void);

/*
 * Take the option with this value.  Returns 1 where it is none of them; 0; -EINVAL with what is
 * wrong with arg in why.  Keeps arg.
 */
int ffs_loadopt_take(struct ffs_loadopt *o, int opt, char *arg, char *why, size_t n);

/* Which of them do not go together: a line for the user, or NULL. */
const char *ffs_loadopt_conflict(const struct ffs_loadopt *o);

#endif
