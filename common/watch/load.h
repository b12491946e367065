#ifndef FFS_LOAD_H
#define FFS_LOAD_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "bpf/watch.h"

/* Names of programs as the kernel shows them (15 bytes of them). */
#define FFS_LOAD_TRAFFIC "ffs_traffic"

/* What the kernel programs look at: of the configuration, found by ffs_ports_*(). */
struct ffs_load_targets {
	uint8_t ports[FFS_PORTS_BYTES];
	uint8_t tls_ports[FFS_PORTS_BYTES]; /* --tls: where stores speak TLS */
	char hosts[FFS_HOSTS_MAX][FFS_HOST_LEN];
	uint32_t hosts_n;
	uint8_t host_ids[FFS_HOSTS_MAX][16];   /* of those with TLS: ffs_addresses_name() */
	struct ffs_end stores[FFS_STORES_MAX]; /* for the redirect: ffs_redirect_stores() */
	uint32_t stores_n;
};

/* Whose connections to stores go to the gateway. */
struct ffs_load_redirect {
	bool on;
	uint32_t uids[FFS_UIDS_MAX], uids_n;         /* uids_n 0: everybody's */
	char exclude[FFS_EXCLUDE_MAX][FFS_COMM_LEN]; /* but for programs of these names */
	uint32_t exclude_n;
};

struct ffs_load_opts {
	struct ffs_load_targets targets;
	uint64_t threshold, rearm_ns, window_ns;
	uint32_t ring_size; /* a power of two, of pages */
	uint32_t max_objects, max_conns;
	uid_t uid; /* whose ring it is */
	gid_t gid; /* who may read */
	struct ffs_load_redirect redirect;
	bool stay; /* --pin: nobody is the loader afterwards */
	bool stats;
	bool tls; /* with what --tls needs */
	bool xdp; /* with the program of XDP */
};

/* All kernel programs and their maps, loaded in one go. */
struct ffs_load;

/*
 * Load.  NULL with errno and *why (free it; may be NULL), a line for the user: EPERM without
 * privilege, EOPNOTSUPP where the kernel lacks something, EACCES where its verifier rejects a
 * program.
 */
struct ffs_load *ffs_load_new(const struct ffs_load_opts *o, char **why);
/* The programs go with it, where no link or pin keeps them. */
void ffs_load_free(struct ffs_load *l);

enum ffs_load_prog {
	FFS_LOAD_PROG_TRAFFIC,
	FFS_LOAD_PROG_TUNE,
	FFS_LOAD_PROG_CONNECT4,
	FFS_LOAD_PROG_CONNECT6,
	FFS_LOAD_PROG_PEER4, /* these with the redirect only */
	FFS_LOAD_PROG_PEER6,
	FFS_LOAD_PROG_TLS, /* and these with TLS only */
	FFS_LOAD_PROG_TLS_CALL,
	FFS_LOAD_PROG_TLS_SOCKET,
	FFS_LOAD_PROG_XDP, /* and this with XDP only */
};
#define FFS_LOAD_PROGS 10
/* -1: not loaded. */
int ffs_load_fd(const struct ffs_load *l, enum ffs_load_prog p);

/* The maps as for those who only look, but writable; not to be released. */
struct ffs_maps;
void ffs_load_maps(const struct ffs_load *l, struct ffs_maps *m);

/* For libbpf to attach: FFS_LOAD_PROG_TLS_CALL or _SOCKET. */
struct bpf_program;
const struct bpf_program *ffs_load_program(const struct ffs_load *l, enum ffs_load_prog p);
/* The ring of what they tell: struct ffs_tls_record, see bpf/tls.h; not to be closed. */
int ffs_load_records(const struct ffs_load *l);

/* What the kernel measured of each program since its statistics were switched on (stats above). */
struct ffs_load_stats {
	char name[16]; /* "": not loaded */
	uint64_t runs, ns;
};
/* Of the loaded ones (one that is not has no name), or (l NULL) of those pinned below dir.  0 or
 * -errno. */
int ffs_load_stats(
    const struct ffs_load *l, const char *dir, struct ffs_load_stats v[FFS_LOAD_PROGS]);

/* What the map meta says from now on.  0 or -errno. */
int ffs_load_meta(struct ffs_load *l, bool tune, bool clsact, bool redirect);

/* These stores, and no others: what is redirected from now on.  0 or -errno. */
int ffs_load_stores(struct ffs_load *l, const struct ffs_end *v, size_t n);
/* These processes are stores, and no others. */
int ffs_load_servers(struct ffs_load *l, const uint32_t *pids, size_t n);
/* What the gateway says of itself; it lives if its deadline is not over.  0 or -errno. */
int ffs_load_gate(const struct ffs_load *l, struct ffs_gate_entry *g);

/* Pin maps and programs below dir, with their owners, but for meta.  0 or -errno. */
int ffs_load_pin(struct ffs_load *l, const char *dir);

/* Pin meta: all is attached, and others may come.  0 or -errno. */
int ffs_load_publish(struct ffs_load *l, const char *dir);

#endif
