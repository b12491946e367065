#include "common/watch/loadopt.h"

#include <errno.h>
#include <grp.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "common/base/opt.h"
#include "common/base/userdirs.h"
#include "common/watch/redirect.h"
#include "common/watch/targets.h"

#define TIME_MAX (1ull << 40)

void
ffs_loadopt_init(struct ffs_loadopt *o)
{
	struct ffs_load_opts *l = &o->watch.load;

	*o = (struct ffs_loadopt){
		.watch.load = { .threshold = 2,
		    .rearm_ns = 30000000000,
		    .ring_size = 1 << 20,
		    .max_objects = 65536,
		    .max_conns = 32768,
		    .uid = getuid(),
		    .gid = getgid() },
	};
	ffs_userdirs_sudo(&l->uid, &l->gid);
	l->redirect.uids[l->redirect.uids_n++] = l->uid;
	o->watch.attach.names = o->names;
}

const char *
ffs_loadopt_help(void)
{
	return "  -i, --interface NAME   only these (default: loopback and all that are up)\n"
	       "      --ports LIST       watch these (default: the configured endpoints', and "
	       "9000)\n"
	       "      --tls[=PORTS]      and what programs say by OpenSSL (the endpoints' ports, "
	       "or "
	       "443)\n"
	       "      --cgroup PATH      tune and redirect connections of this cgroup (default: "
	       "all)\n"
	       "      --group NAME       who else may read (default: the invoking user's group)\n"
	       "      --hot N            reads that make an object hot (default 2)\n"
	       "      --rearm TIME       tell again after this time at the earliest (30s)\n"
	       "      --window TIME      count the reads of this time (default: of all times)\n"
	       "      --max-objects N    objects that are known at a time (65536)\n"
	       "      --max-conns N      connections (32768)\n"
	       "      --ring-size SIZE   events that wait for ffs-cache (1m)\n"
	       "      --attach=HOW       auto, tcx, clsact\n"
	       "      --xdp              the storage node's view: requests as they arrive at -i\n"
	       "      --redirect         connections to stores go to ffs-cache --serve while it "
	       "runs\n"
	       "      --uid LIST         of these users, or all (default: the invoking one)\n"
	       "      --exclude-comm NAME[,NAME]  but not of programs of these names\n";
}

/* One, or a list with commas, which is cut up. */
static int
add_interfaces(struct ffs_loadopt *o, char *list)
{
	struct ffs_attach_opts *a = &o->watch.attach;
	char *name, *rest = list;

	while ((name = strsep(&rest, ","))) {
		if (!*name || strlen(name) >= IF_NAMESIZE || strchr(name, '/') ||
		    a->names_n == FFS_LOADOPT_INTERFACES)
			return -EINVAL;
		o->names[a->names_n++] = name;
	}
	return 0;
}

static int
take_mode(enum ffs_attach_mode *mode, const char *arg)
{
	static const char *const names[] = { "auto", "tcx", "clsact" };
	size_t i;

	for (i = 0; i < sizeof(names) / sizeof(*names); i++)
		if (!strcmp(arg, names[i])) {
			*mode = (enum ffs_attach_mode)i;
			return 0;
		}
	return -EINVAL;
}

static int
take_group(struct ffs_load_opts *l, const char *arg)
{
	const struct group *g = getgrnam(arg);
	uint64_t n;

	if (!g && ffs_opt_uint(arg, 0, (gid_t)-2, &n))
		return -EINVAL;
	l->gid = g ? g->gr_gid : (gid_t)n;
	return 0;
}

static int
take_size(uint32_t *to, const char *arg, uint64_t lo, uint64_t hi)
{
	uint64_t n;
	int rc = ffs_opt_size(arg, lo, hi, &n);

	if (!rc)
		*to = (uint32_t)n;
	return rc;
}

static int
take_time(uint64_t *ns, const char *arg, uint64_t lo)
{
	uint64_t ms;
	int rc = ffs_opt_duration(arg, lo, TIME_MAX, &ms);

	if (!rc)
		*ns = ms * 1000000;
	return rc;
}

/* Of the kernel's map: a power of two, of whole pages. */
static int
take_ring(uint32_t *size, const char *arg)
{
	uint32_t n, page = (uint32_t)sysconf(_SC_PAGESIZE);
	int rc = take_size(&n, arg, 1, 1 << 30);

	for (*size = rc ? *size : page; !rc && *size < n;)
		*size *= 2;
	return rc;
}

int
ffs_loadopt_take(struct ffs_loadopt *o, int opt, char *arg, char *why, size_t n)
{
	struct ffs_load_opts *l = &o->watch.load;
	const char *what;
	int rc = 0;

	switch (opt) {
	case FFS_LOADOPT_ATTACH:
		what = "way to attach, want auto, tcx or clsact";
		rc = take_mode(&o->watch.attach.mode, arg);
		break;
	case FFS_LOADOPT_CGROUP:
		what = "cgroup";
		o->watch.cgroup = arg;
		break;
	case FFS_LOADOPT_EXCLUDE_COMM:
		what = "list of names of programs";
		rc = ffs_redirect_exclude(&l->redirect, arg);
		o->whom = true;
		break;
	case FFS_LOADOPT_GROUP:
		what = "group";
		rc = take_group(l, arg);
		break;
	case FFS_LOADOPT_HOT:
		what = "number of reads";
		rc = ffs_opt_uint(arg, 1, UINT32_MAX, &l->threshold);
		break;
	case FFS_LOADOPT_INTERFACE:
		what = "interface";
		rc = add_interfaces(o, arg);
		break;
	case FFS_LOADOPT_MAX_CONNS:
		what = "number of connections";
		rc = take_size(&l->max_conns, arg, 16, 1 << 24);
		break;
	case FFS_LOADOPT_MAX_OBJECTS:
		what = "number of objects";
		rc = take_size(&l->max_objects, arg, 16, 1 << 24);
		break;
	case FFS_LOADOPT_PORTS:
		what = "list of ports, want 9000 or 80,8000-8010";
		rc = ffs_targets_ports_ok(arg) ? 0 : -EINVAL;
		o->ports = arg;
		break;
	case FFS_LOADOPT_REARM:
		what = "time";
		rc = take_time(&l->rearm_ns, arg, 0);
		break;
	case FFS_LOADOPT_REDIRECT:
		what = "";
		l->redirect.on = true;
		break;
	case FFS_LOADOPT_RING_SIZE:
		what = "size of a ring";
		rc = take_ring(&l->ring_size, arg);
		break;
	case FFS_LOADOPT_TLS:
		what = "list of ports, want 443 or 443,8443-8450";
		rc = arg && !ffs_targets_ports_ok(arg) ? -EINVAL : 0;
		o->tls = arg ? arg : "";
		l->tls = true;
		break;
	case FFS_LOADOPT_UID:
		what = "list of users, want names, numbers or all";
		rc = ffs_redirect_uids(&l->redirect, arg);
		o->whom = true;
		break;
	case FFS_LOADOPT_WINDOW:
		what = "time";
		rc = take_time(&l->window_ns, arg, 1);
		break;
	case FFS_LOADOPT_XDP:
		what = "";
		l->xdp = true;
		break;
	default:
		return 1;
	}
	o->given = true;
	if (rc)
		snprintf(why, n, "'%s' is no %s", arg, what);
	return rc ? -EINVAL : 0;
}

const char *
ffs_loadopt_conflict(const struct ffs_loadopt *o)
{
	const struct ffs_load_opts *l = &o->watch.load;

	if (o->whom && !l->redirect.on)
		return "--uid and --exclude-comm go with --redirect";
	if (l->xdp && !o->watch.attach.names_n)
		return "--xdp needs -i: the interface at which requests arrive";
	if (l->xdp && o->watch.attach.mode != FFS_ATTACH_AUTO)
		return "--attach does not go with --xdp";
	/* New libraries must be looked for, and what is told of handed on. */
	if (l->tls && l->stay)
		return "--tls does not go with --pin: it needs an ffs-hotmon that stays";
	return NULL;
}
