#include "common/watch/load.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include "common/base/clock.h"
#include "common/base/why.h"
#include "common/watch/maps.h"
#include "common/watch/pins.h"
#include "tls.skel.h"
#include "watch.skel.h"

struct ffs_load {
	struct watch_bpf *skel;
	struct tls_bpf *tls; /* NULL: without --tls */
	struct ffs_load_opts o;
	struct ffs_meta meta;
	int stats; /* descriptor that has the kernel measure, or -1 */
};

/* --- loading --- */

static int
configure_redirect(struct ffs_load *l)
{
	struct watch_bpf__rodata *ro = l->skel->rodata;
	const struct ffs_load_redirect *r = &l->o.redirect;
	int rc = bpf_program__set_autoload(l->skel->progs.ffs_peer4, r->on);

	if (!rc)
		rc = bpf_program__set_autoload(l->skel->progs.ffs_peer6, r->on);
	if (rc || !r->on)
		return rc;
	ro->redirect = 1;
	memcpy((void *)ro->uids, r->uids, sizeof(ro->uids));
	memcpy((void *)ro->exclude, r->exclude, sizeof(ro->exclude));
	ro->uids_n = r->uids_n;
	ro->exclude_n = r->exclude_n;
	ro->knows_mptcp = libbpf_probe_bpf_helper(BPF_PROG_TYPE_CGROUP_SOCK_ADDR,
			      BPF_FUNC_skc_to_mptcp_sock, NULL) == 1;
	return 0;
}

static int
configure(struct ffs_load *l)
{
	struct watch_bpf__rodata *ro = l->skel->rodata;
	const struct ffs_load_opts *o = &l->o;
	uint64_t seed;
	int rc;

	if (getrandom(&seed, sizeof(seed), 0) != sizeof(seed))
		return -EIO;
	memcpy(ro->ports, o->targets.ports, sizeof(ro->ports));
	memcpy(ro->hosts, o->targets.hosts, sizeof(ro->hosts));
	ro->hosts_n = o->targets.hosts_n;
	memcpy((void *)ro->host_ids, o->targets.host_ids, sizeof(ro->host_ids));
	ro->threshold = o->threshold;
	ro->rearm_ns = o->rearm_ns;
	ro->window_ns = o->window_ns;
	ro->seed = seed;
	rc = bpf_map__set_max_entries(l->skel->maps.events, o->ring_size);
	if (!rc)
		rc = bpf_map__set_max_entries(l->skel->maps.objects, o->max_objects);
	if (!rc)
		rc = bpf_map__set_max_entries(l->skel->maps.names, o->max_objects);
	if (!rc)
		rc = bpf_map__set_max_entries(l->skel->maps.conns, o->max_conns);
	if (!rc)
		rc = bpf_map__set_autocreate(l->skel->maps.quiet, o->tls);
	if (!rc)
		rc = bpf_map__set_autocreate(l->skel->maps.tls_relays, o->tls);
	if (!rc)
		rc = bpf_program__set_autoload(l->skel->progs.ffs_tls, o->tls);
	if (!rc)
		rc = bpf_program__set_autoload(l->skel->progs.ffs_xdp, o->xdp);
	return rc ? rc : configure_redirect(l);
}

/* The programs at OpenSSL's functions, which share two maps with the others. */
static int
load_tls(struct ffs_load *l, char **why)
{
	struct stat st;
	int rc;

	if (access("/sys/kernel/btf/vmlinux", R_OK))
		return ffs_why(why, -EOPNOTSUPP,
		    "--tls needs a kernel that describes its types (CONFIG_DEBUG_INFO_BTF)");
	if (access("/sys/bus/event_source/devices/uprobe", F_OK))
		return ffs_why(
		    why, -EOPNOTSUPP, "--tls needs a kernel with uprobes (CONFIG_UPROBE_EVENTS)");
	l->tls = tls_bpf__open();
	if (!l->tls || stat("/proc/self/ns/net", &st))
		return -errno;
	memcpy(l->tls->rodata->ports, l->o.targets.tls_ports, sizeof(l->tls->rodata->ports));
	l->tls->rodata->netns = (uint32_t)st.st_ino;
	rc = bpf_map__reuse_fd(l->tls->maps.counters, bpf_map__fd(l->skel->maps.counters));
	if (!rc)
		rc = bpf_map__reuse_fd(l->tls->maps.quiet, bpf_map__fd(l->skel->maps.quiet));
	return rc ? rc : tls_bpf__load(l->tls);
}

/* Which of what the programs need.  Asked only when they were not taken. */
static const char *
missing(void)
{
	if (libbpf_probe_bpf_map_type(BPF_MAP_TYPE_RINGBUF, NULL) != 1)
		return "BPF ring buffers (5.8 or later)";
	if (libbpf_probe_bpf_prog_type(BPF_PROG_TYPE_SCHED_CLS, NULL) != 1)
		return "BPF programs at interfaces (CONFIG_NET_CLS_BPF)";
	if (libbpf_probe_bpf_prog_type(BPF_PROG_TYPE_SOCK_OPS, NULL) != 1 ||
	    libbpf_probe_bpf_prog_type(BPF_PROG_TYPE_CGROUP_SOCK_ADDR, NULL) != 1)
		return "BPF programs of cgroups (CONFIG_CGROUP_BPF)";
	return "something that the programs need (5.17 or later; -v shows what)";
}

static int
explain(int rc, char **why)
{
	switch (-rc) {
	case EPERM:
		return ffs_why(why, rc,
		    "no privilege to load kernel programs (CAP_BPF and CAP_NET_ADMIN), though "
		    "this is root");
	case EACCES:
		return ffs_why(why, rc, "the kernel's verifier rejects a program (-v shows why)");
	case ENOSYS:
	case EOPNOTSUPP:
		return ffs_why(why, -EOPNOTSUPP, "this kernel has no BPF");
	case EINVAL:
		return ffs_why(why, -EOPNOTSUPP, "this kernel lacks %s", missing());
	case E2BIG:
		return ffs_why(why, rc, "a table or a program is too large for this kernel");
	case ENOMEM:
		return ffs_why(why, rc, "no memory for the tables");
	default:
		return ffs_why(why, rc, "cannot load the kernel programs: %s", strerror(-rc));
	}
}

struct ffs_load *
ffs_load_new(const struct ffs_load_opts *o, char **why)
{
	struct ffs_load *l = calloc(1, sizeof(*l));
	int rc = -ENOMEM;

	if (!l)
		return NULL;
	l->o = *o;
	l->stats = -1;
	l->skel = watch_bpf__open();
	if (l->skel)
		rc = configure(l);
	if (!rc)
		rc = watch_bpf__load(l->skel);
	if (!rc)
		rc = ffs_load_stores(l, o->targets.stores, o->targets.stores_n);
	if (!rc && o->tls)
		rc = load_tls(l, why);
	if (rc) {
		rc = why && *why ? rc : explain(rc, why);
		ffs_load_free(l);
		errno = -rc;
		return NULL;
	}
	if (o->stats)
		l->stats = bpf_enable_stats(BPF_STATS_RUN_TIME);
	l->meta = (struct ffs_meta){
		.abi = FFS_ABI,
		.pid = o->stay ? 0 : (uint32_t)getpid(),
		.loaded_ns = ffs_clock_ns(),
		.rearm_ns = o->rearm_ns,
		.window_ns = o->window_ns,
		.threshold = (uint32_t)o->threshold,
		.uid = o->uid,
		.gid = o->gid,
		.max_objects = o->max_objects,
	};
	return l;
}

void
ffs_load_free(struct ffs_load *l)
{
	if (!l)
		return;
	if (l->stats >= 0)
		close(l->stats);
	tls_bpf__destroy(l->tls);
	watch_bpf__destroy(l->skel);
	free(l);
}

const struct bpf_program *
ffs_load_program(const struct ffs_load *l, enum ffs_load_prog p)
{
	switch (p) {
	case FFS_LOAD_PROG_TUNE:
		return l->skel->progs.ffs_tune;
	case FFS_LOAD_PROG_CONNECT4:
		return l->skel->progs.ffs_connect4;
	case FFS_LOAD_PROG_CONNECT6:
		return l->skel->progs.ffs_connect6;
	case FFS_LOAD_PROG_PEER4:
		return l->skel->progs.ffs_peer4;
	case FFS_LOAD_PROG_PEER6:
		return l->skel->progs.ffs_peer6;
	case FFS_LOAD_PROG_TLS:
		return l->skel->progs.ffs_tls;
	case FFS_LOAD_PROG_TLS_CALL:
		return l->tls ? l->tls->progs.ffs_tls_call : NULL;
	case FFS_LOAD_PROG_TLS_SOCKET:
		return l->tls ? l->tls->progs.ffs_tls_socket : NULL;
	case FFS_LOAD_PROG_XDP:
		return l->skel->progs.ffs_xdp;
	case FFS_LOAD_PROG_TRAFFIC:
	default:
		return l->skel->progs.ffs_traffic;
	}
}

int
ffs_load_fd(const struct ffs_load *l, enum ffs_load_prog p)
{
	const struct bpf_program *prog = ffs_load_program(l, p);

	int fd = prog ? bpf_program__fd(prog) : -1;

	return fd < 0 ? -1 : fd;
}

int
ffs_load_records(const struct ffs_load *l)
{
	return bpf_map__fd(l->tls->maps.records);
}

void
ffs_load_maps(const struct ffs_load *l, struct ffs_maps *m)
{
	*m = (struct ffs_maps){
		.objects = bpf_map__fd(l->skel->maps.objects),
		.names = bpf_map__fd(l->skel->maps.names),
		.counters = bpf_map__fd(l->skel->maps.counters),
		.latency = bpf_map__fd(l->skel->maps.latency),
		.readers = bpf_map__fd(l->skel->maps.readers),
		.meta = bpf_map__fd(l->skel->maps.meta),
		.loaded = l->meta,
	};
}

int
ffs_load_meta(struct ffs_load *l, bool tune, bool clsact, bool redirect)
{
	int fd = bpf_map__fd(l->skel->maps.meta);
	struct ffs_meta now;

	/* The programs write into it too: what the kernel refused. */
	if (!bpf_map_lookup_elem(fd, &(__u32){ 0 }, &now)) {
		l->meta.nodelay_err = now.nodelay_err;
		l->meta.delack_err = now.delack_err;
		l->meta.delack_us = now.delack_us;
	}
	l->meta.tune = tune;
	l->meta.clsact = clsact;
	l->meta.redirect = redirect;
	return bpf_map_update_elem(fd, &(__u32){ 0 }, &l->meta, BPF_ANY) ? -errno : 0;
}

/* Make the map fd's keys, of size bytes each, those n. */
static int
set_keys(int fd, const void *keys, size_t size, size_t n)
{
	char key[64], next[64];
	bool more = !bpf_map_get_next_key(fd, NULL, key);
	size_t i;

	while (more) {
		more = !bpf_map_get_next_key(fd, key, next);
		for (i = 0; i < n && memcmp((const char *)keys + i * size, key, size); i++)
			;
		if (i == n)
			bpf_map_delete_elem(fd, key);
		memcpy(key, next, sizeof(key));
	}
	for (i = 0; i < n; i++)
		if (bpf_map_update_elem(
			fd, (const char *)keys + i * size, &(uint32_t){ 1 }, BPF_ANY))
			return -errno;
	return 0;
}

int
ffs_load_stores(struct ffs_load *l, const struct ffs_end *v, size_t n)
{
	return set_keys(bpf_map__fd(l->skel->maps.stores), v, sizeof(*v), n);
}

int
ffs_load_servers(struct ffs_load *l, const uint32_t *pids, size_t n)
{
	return set_keys(bpf_map__fd(l->skel->maps.servers), pids, sizeof(*pids), n);
}

int
ffs_load_gate(const struct ffs_load *l, struct ffs_gate_entry *g)
{
	return bpf_map_lookup_elem(bpf_map__fd(l->skel->maps.gate), &(__u32){ 0 }, g) ? -errno : 0;
}

/* --- pinning --- */

static int
pin(const char *dir, const char *name, int fd, mode_t mode, uid_t uid, gid_t gid)
{
	char *path = ffs_pins_path(dir, name);
	int rc = -errno;

	if (!path)
		return rc;
	rc = bpf_obj_pin(fd, path) || chown(path, uid, gid) || chmod(path, mode) ? -errno : 0;
	free(path);
	return rc;
}

static void
program_path(char *name, size_t n, enum ffs_load_prog p)
{
	static const char *const names[] = { "traffic", "tune", "connect4", "connect6", "peer4",
		"peer6", "tls", "tls-call", "tls-socket", "xdp" };

	snprintf(name, n, FFS_PINS_PROGRAMS "/%s", names[p]);
}

int
ffs_load_pin(struct ffs_load *l, const char *dir)
{
	const struct {
		const struct bpf_map *map;
		mode_t mode;
		uid_t uid;
	} maps[] = {
		{ l->skel->maps.objects, 0640, 0 },
		{ l->skel->maps.names, 0640, 0 },
		{ l->skel->maps.counters, 0640, 0 },
		{ l->skel->maps.latency, 0640, 0 },
		{ l->skel->maps.readers, 0640, 0 },
		{ l->skel->maps.self, 0600, l->o.uid },
		{ l->skel->maps.events, 0600, l->o.uid },
		{ l->skel->maps.gate, 0600, l->o.uid },
		{ l->skel->maps.life, 0600, l->o.uid },
		{ l->skel->maps.relays, 0600, l->o.uid },
		{ l->skel->maps.callers, 0600, l->o.uid },
		{ l->skel->maps.visitors, 0600, l->o.uid },
		{ l->skel->maps.tls_relays, 0600, l->o.uid },
	};
	char name[64];
	size_t i;
	int rc = 0;

	for (i = 0; !rc && i < FFS_LOAD_PROGS; i++) {
		program_path(name, sizeof(name), i);
		if (ffs_load_fd(l, i) >= 0)
			rc = pin(dir, name, ffs_load_fd(l, i), 0600, 0, 0);
	}
	for (i = 0; !rc && i < sizeof(maps) / sizeof(*maps); i++)
		if (bpf_map__autocreate(maps[i].map))
			rc = pin(dir, bpf_map__name(maps[i].map), bpf_map__fd(maps[i].map),
			    maps[i].mode, maps[i].uid, l->o.gid);
	return rc;
}

int
ffs_load_publish(struct ffs_load *l, const char *dir)
{
	/* By rename, so that it is there with its owner and mode. */
	char *as = ffs_pins_path(dir, "meta-new"), *path = ffs_pins_path(dir, "meta");
	int rc = as && path ? 0 : -ENOMEM;

	if (!rc)
		rc = pin(dir, "meta-new", bpf_map__fd(l->skel->maps.meta), 0640, 0, l->o.gid);
	if (!rc && rename(as, path))
		rc = -errno;
	free(as);
	free(path);
	return rc;
}

static int
stats_of(int fd, struct ffs_load_stats *s)
{
	struct bpf_prog_info info = { 0 };
	__u32 len = sizeof(info);

	*s = (struct ffs_load_stats){ 0 };
	if (fd < 0)
		return fd == -ENOENT ? 0 : fd;
	if (bpf_obj_get_info_by_fd(fd, &info, &len))
		return -errno;
	memcpy(s->name, info.name, sizeof(s->name));
	s->name[sizeof(s->name) - 1] = '\0';
	s->runs = info.run_cnt;
	s->ns = info.run_time_ns;
	return 0;
}

int
ffs_load_stats(const struct ffs_load *l, const char *dir, struct ffs_load_stats v[FFS_LOAD_PROGS])
{
	char name[64];
	size_t i;
	int fd, rc = 0;

	for (i = 0; !rc && i < FFS_LOAD_PROGS; i++) {
		program_path(name, sizeof(name), i);
		fd = l ? ffs_load_fd(l, i) : ffs_pins_map(dir, name, true);
		v[i] = (struct ffs_load_stats){ 0 };
		if (i < FFS_LOAD_PROG_PEER4 || (fd != -1 && fd != -ENOENT))
			rc = stats_of(fd, &v[i]);
		if (!l && fd >= 0)
			close(fd);
	}
	return rc;
}
