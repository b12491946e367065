#ifndef FFS_PROGRAMS_H
#define FFS_PROGRAMS_H

#include <stddef.h>
#include <stdint.h>

#include "bpf/watch.h"
#include "common/cache/served.h"

/*
 * The programs that read, and where each was served from: from stores as the kernel saw it, and
 * what the gateway and ffs-get noted (served.h).
 */
struct ffs_program {
	uint32_t uid; /* UINT32_MAX: unknown */
	char comm[FFS_COMM_LEN];
	const char *user;      /* its name, not the program's; NULL: it has none */
	uint64_t reads, bytes; /* from stores */
	struct ffs_served_count served;
	uint64_t age_s; /* since it last read */
};

struct ffs_programs {
	struct ffs_program *v;
	size_t n, cap;
};

void ffs_programs_release(struct ffs_programs *p);

/* Add one, perhaps in parts, or one twice.  0 or -ENOMEM. */
int ffs_programs_add(struct ffs_programs *p, const struct ffs_program *one);

/* All were added: parts of one become one, and who has read most comes first. */
void ffs_programs_settle(struct ffs_programs *p);

/* All requests and bytes of a count that a cache served. */
uint64_t ffs_programs_cached(const struct ffs_served_count *c, uint64_t *bytes);

#endif
