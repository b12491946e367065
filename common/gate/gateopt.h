#ifndef FFS_GATEOPT_H
#define FFS_GATEOPT_H

#include <stdbool.h>
#include <stdint.h>

#include "common/gate/gate.h"
#include "common/s3/stores.h"

/* Serving as a command line asks for it, in a thread beside whatever else the tool does. */
struct ffs_gateopt {
	bool serve, given; /* --serve; any that goes with it only */
	bool resign;
	const char *listen, *metrics, *origin;
	uint64_t max_age_ms, stale_ms;
};

/* The options for the table of getopt_long(3), by these values. */
enum ffs_gateopt_opt {
	FFS_GATEOPT_MAX_AGE = 0x3000,
	FFS_GATEOPT_METRICS,
	FFS_GATEOPT_ORIGIN,
	FFS_GATEOPT_RESIGN,
	FFS_GATEOPT_SERVE,
	FFS_GATEOPT_STALE,
};

/* Take the option with this value; arg stays.  0; 1: it is none of them; -EINVAL, *want says what
 * it takes. */
int ffs_gateopt_take(struct ffs_gateopt *o, int opt, const char *arg, const char **want);

/* Their lines of the tool's help. */
const char *ffs_gateopt_help(void);

struct ffs_gateopt_with {
	const struct ffs_config_opts *config;
	const struct ffs_nodes *nodes; /* the first is the origin where none is named */
	const char *cache;             /* its directory */
	bool keep_all, keep_second;    /* these as ffs_gate_opts' */
	const char *const *allow, *const *deny;
	void (*note)(void *arg, bool detail, const char *text);
	void *arg;
	const volatile sig_atomic_t *stop;
};

/* ffs_stores_init(), by which objects are filled: where no store is named but the origin, and there
 * is no list of nodes, they are the origin's. */
int ffs_gateopt_stores(const struct ffs_gateopt *o, struct ffs_stores *st,
    const struct ffs_config_opts *config, const struct ffs_http_opts *http, char **detail);

/* Serve.  What w points to lives longer.  NULL with errno as ffs_gate_new()'s; *why (free it) is a
 * line for the user. */
struct ffs_gateopt_run;
struct ffs_gateopt_run *ffs_gateopt_start(
    const struct ffs_gateopt *o, const struct ffs_gateopt_with *w, char **why);
const char *ffs_gateopt_url(const struct ffs_gateopt_run *r);
const char *ffs_gateopt_metrics(const struct ffs_gateopt_run *r); /* as ffs_gate_metrics()'s */

/* What its clients read in parts and is to be fetched; NULL where the kernel tells that. */
struct ffs_wanted *ffs_gateopt_wanted(const struct ffs_gateopt_run *r);

/* Wait for its end, and free it.  0 or -errno. */
int ffs_gateopt_end(struct ffs_gateopt_run *r);

#endif
