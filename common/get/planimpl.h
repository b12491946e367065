#ifndef FFS_PLANIMPL_H
#define FFS_PLANIMPL_H

#include "common/get/plan.h"

/* Inside the plan: plan.c makes pieces, resume.c leaves out what is there already. */

enum {
	FFS_PLAN_SOURCES = 512,      /* manifests kept for later lines */
	FFS_PLAN_CHUNKS = 24 * 1024, /* of all of them: about 12 MB */
};

struct ffs_plan_kept {
	char *name;
	uint64_t generation;
	struct ffs_source *src;
	uint64_t used;
};

struct ffs_plan {
	struct ffs_plan_opts o;
	size_t arg;
	char **names; /* what a pattern matched */
	size_t name, nnames;
	/* The one in work. */
	struct ffs_source *src;
	struct ffs_select sel;
	size_t first, next, end; /* chunks: selected, the next one */
	bool bare, header_only, header_known;
	uint64_t offset;
	/* The lines of a batch. */
	char *in;
	size_t at, len;
	bool eof, mark;
	uint64_t line;
	struct ffs_plan_kept kept[FFS_PLAN_SOURCES];
	struct ffs_plan_kept *last;
	uint64_t clock;
};

/* Report.  0 where the plan goes on with what comes next, else -ECANCELED. */
int ffs_plan_fail(struct ffs_plan *p, enum ffs_exit status, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

/* Open the next argument.  1: p->src is set; 0: there is none; -errno. */
int ffs_plan_open_next(struct ffs_plan *p);

#endif
