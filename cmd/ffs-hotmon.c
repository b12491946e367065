/*
 * ffs-hotmon: put the programs into the kernel, and show what they see.
 */
#include <err.h>
#include <errno.h>
#include <getopt.h>
#include <grp.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <bpf/libbpf.h>

#include "common/base/exit.h"
#include "common/base/opt.h"
#include "common/base/process.h"
#include "common/base/userdirs.h"
#include "common/screen/live.h"
#include "common/watch/guard.h"
#include "common/watch/halves.h"
#include "common/watch/report.h"
#include "common/watch/session.h"
#include "common/watch/targets.h"

#define POLL_MS 100
#define MAX_INTERFACES 64

struct opts {
	struct ffs_watcher_opts watch;
	const char *interfaces[MAX_INTERFACES];
	const char *ports, *group;
	bool pin, unpin, once, json, quiet;
	bool loads; /* an option was given that only matters to the loader */
	int verbose;
	struct ffs_live_opts live;
};

static void
help(void)
{
	puts("usage: ffs-hotmon [-i NAME[,NAME...]]... [--ports LIST] [--json] [OPTION...]\n"
	     "       ffs-hotmon --pin [OPTION...] | --unpin\n"
	     "       ffs-hotmon --once [--json]\n"
	     "\n"
	     "Watches the S3 traffic of this machine in the kernel, and prints a line for every\n"
	     "object that becomes hot.\n"
	     "\n"
	     "  -i, --interface NAME   only these (default: loopback and all that are up)\n"
	     "      --ports LIST       watch these (default: the configured endpoints', and 9000)\n"
	     "      --cgroup PATH      tune connections of this cgroup (default: all)\n"
	     "      --group NAME       who else may read (default: the invoking user's group)\n"
	     "      --hot N            reads that make an object hot (default 2)\n"
	     "      --rearm TIME       tell again after this time at the earliest (30s)\n"
	     "      --window TIME      count the reads of this time (default: of all times)\n"
	     "      --max-objects N    objects that are known at a time (65536)\n"
	     "      --max-conns N      connections (32768)\n"
	     "      --ring-size SIZE   events that wait for ffs-cache (1m)\n"
	     "      --attach=HOW       auto, tcx, clsact\n"
	     "      --pin              leave the programs in place, and exit\n"
	     "      --unpin            remove them\n"
	     "      --once             print the table of what is pinned, and exit\n"
	     "      --json             JSON Lines\n"
	     "      --live[=HOW]       on the whole screen (screen), or a line a second (line)\n"
	     "      --dataset NAME     with --live: its chunks, read or not\n"
	     "      --interval TIME    with --live: between two looks (500ms; lines: 1s)\n"
	     "      --stats            what the programs cost, at the end\n"
	     "  -q, --quiet            no chatter\n"
	     "  -v, --verbose          more of it; twice: libbpf's too\n"
	     "  -h, --help             this text\n"
	     "  -V, --version          the version");
}

static int
log_warnings(enum libbpf_print_level level, const char *fmt, va_list ap)
{
	return level == LIBBPF_WARN ? vfprintf(stderr, fmt, ap) : 0;
}

static int
log_all(enum libbpf_print_level level, const char *fmt, va_list ap)
{
	(void)level;
	return vfprintf(stderr, fmt, ap);
}

/* --- the half that talks to the user --- */

static void
on_note(void *arg, bool detail, const char *text)
{
	const struct opts *o = arg;

	if (detail ? o->verbose : !o->quiet)
		warnx("%s", text);
}

struct printing {
	const struct opts *o;
	const struct ffs_session *s;
	const char *type;
};

static int
on_object(void *arg, const struct ffs_maps_object *object)
{
	const struct printing *p = arg;

	return ffs_report_print_object(
	    stdout, p->o->json ? p->type : NULL, &p->s->maps, object, &p->s->addresses);
}

static void __attribute__((noreturn)) die(enum ffs_exit status, int rc, const char *why)
{
	errx(status, "%s", why ? why : strerror(-rc));
}

/* For what cannot be printed. */
static void
check_print(int rc)
{
	if (rc == -EPIPE)
		ffs_process_die(SIGPIPE);
	if (rc)
		errx(FFS_EXIT_FAIL, "cannot go on: %s", strerror(-rc));
}

static void
begin(struct ffs_session *s, const struct opts *o, int fd)
{
	char *why = NULL;
	int rc;

	s->note = on_note;
	s->arg = (void *)o;
	libbpf_set_print(o->verbose > 1 ? log_all : o->verbose ? log_warnings : NULL);
	rc = ffs_session_begin(s, fd, &why);
	if (rc)
		die(rc == -EINVAL ? FFS_EXIT_USAGE : ffs_exit_of(rc), rc, why);
}

static void
open_maps(struct ffs_session *s)
{
	char *why = NULL;
	int rc = ffs_session_open(s, &why);

	if (rc)
		die(rc == -ESTALE ? FFS_EXIT_NOTFOUND : ffs_exit_of(rc), rc, why);
}

/* Print what becomes hot, until a signal. */
static int
follow(struct ffs_session *s, const struct opts *o)
{
	struct printing p = { .o = o, .s = s, .type = "hot" };
	struct ffs_load_stats stats[FFS_LOAD_PROGS];
	struct ffs_report_hot *hot = ffs_report_hot_new(&s->maps);
	int rc = hot ? 0 : -errno, stop = 0;

	if (!rc && !o->json)
		rc = ffs_report_print_head(stdout);
	while (!rc && !stop) {
		rc = ffs_report_hot_poll(hot, on_object, &p);
		if (!rc)
			stop = ffs_session_wait(s, POLL_MS);
	}
	if (!rc && stop > 0 && o->watch.load.stats && s->fd >= 0) {
		rc = ffs_session_stats(s, stats);
		if (!rc)
			rc = ffs_report_print_stats(stdout, o->json, stats, FFS_LOAD_PROGS);
	}
	ffs_report_hot_free(hot);
	check_print(rc);
	return stop;
}

/* --live: on the screen, until a signal or a key. */
static int
live(struct ffs_session *s, const struct opts *o)
{
	char *why;
	int sig, rc = ffs_live_run(s, &o->live, &sig, &why);

	if (rc == -ESHUTDOWN)
		return -EPIPE;
	if (rc == -EPIPE)
		ffs_process_die(SIGPIPE);
	if (rc)
		die(ffs_exit_of(rc), rc, why);
	return sig ? sig : SIGINT; /* a key: as Ctrl-C */
}

/* fd: to root's half, or -1 where the programs are another's. */
static int
view(const struct opts *o, int fd)
{
	struct ffs_session s = { 0 };
	char *why = NULL;
	int rc = 0, stop;

	begin(&s, o, fd);
	ffs_process_catch();
	if (fd >= 0)
		rc = ffs_session_load(&s, o->ports, &why);
	if (rc)
		die(rc == -EPERM || rc == -EOPNOTSUPP ? FFS_EXIT_UNSUP : FFS_EXIT_FAIL, rc, why);
	if (o->pin) {
		ffs_session_release(&s);
		return FFS_EXIT_OK;
	}
	open_maps(&s);
	if (fd < 0)
		on_note((void *)o, !o->loads,
		    "the programs were loaded by another ffs-hotmon: "
		    "options for them do not matter");
	stop = o->live.mode ? live(&s, o) : follow(&s, o);
	ffs_session_release(&s);
	if (stop < 0)
		errx(FFS_EXIT_FAIL, "the ffs-hotmon that loaded the programs has ended");
	if (stop != SIGINT) /* Ctrl-C is how a monitor ends */
		ffs_process_die(stop);
	return FFS_EXIT_OK;
}

/* --- the modes --- */

static int
once(const struct opts *o)
{
	struct ffs_session s = { 0 };
	struct printing p = { .o = o, .s = &s, .type = "object" };
	struct ffs_load_stats stats[FFS_LOAD_PROGS];
	int rc;

	if (o->watch.load.stats && (rc = ffs_load_stats(NULL, NULL, stats)))
		errx(rc == -EACCES || rc == -EPERM ? FFS_EXIT_UNSUP : ffs_exit_of(rc),
		    "cannot ask the programs: %s", strerror(-rc));
	begin(&s, o, -1);
	open_maps(&s);
	rc = o->json ? 0 : ffs_report_print_head(stdout);
	if (!rc)
		rc = ffs_maps_each(&s.maps, on_object, &p);
	if (!rc && o->watch.load.stats)
		rc = ffs_report_print_stats(stdout, o->json, stats, FFS_LOAD_PROGS);
	if (!rc && o->json)
		rc = ffs_report_print_counters(stdout, &s.maps);
	ffs_session_release(&s);
	check_print(rc);
	return ffs_exit_flush(FFS_EXIT_OK);
}

static void
need_root(const char *what)
{
	if (geteuid())
		errx(FFS_EXIT_UNSUP,
		    "%s needs root (sudo ffs-hotmon); without it --once shows what is pinned, and "
		    "'ffs-get --cache=fill' keeps what it reads",
		    what);
}

static int
unpin(void)
{
	struct ffs_bpffs b;
	char *why = NULL;
	int rc;

	need_root("removing programs");
	libbpf_set_print(NULL);
	rc = ffs_bpffs_open(&b, &why);
	if (rc)
		errx(FFS_EXIT_FAIL, "%s", why ? why : strerror(-rc));
	rc = ffs_bpffs_lock(&b);
	if (rc == -EBUSY)
		errx(FFS_EXIT_FAIL, "cannot remove the programs: an ffs-hotmon runs with them");
	if (!rc)
		rc = ffs_bpffs_clear(&b);
	if (rc < 0)
		errx(FFS_EXIT_FAIL, "cannot remove the programs: %s", strerror(-rc));
	ffs_bpffs_release(&b);
	return FFS_EXIT_OK;
}

/* Two halves: this one stays root. */
static int
load_and_view(struct opts *o, struct ffs_bpffs *b)
{
	struct ffs_guard g = { .b = b, .o = o->watch };
	sigset_t before;
	int status;

	ffs_guard_block(&before);
	g.child = ffs_halves_fork(&g.fd);
	if (g.child < 0)
		errx(FFS_EXIT_FAIL, "cannot fork: %s", strerror(-g.child));
	if (!g.child) {
		sigprocmask(SIG_SETMASK, &before, NULL);
		ffs_bpffs_release(b);
		return view(o, g.fd);
	}
	status = ffs_guard_run(&g);
	ffs_bpffs_release(b);
	sigprocmask(SIG_SETMASK, &before, NULL);
	if (status < 0)
		errx(FFS_EXIT_FAIL, "cannot wait: %s", strerror(-status));
	if (WIFSIGNALED(status))
		ffs_process_die(WTERMSIG(status));
	return WIFEXITED(status) ? WEXITSTATUS(status) : FFS_EXIT_FAIL;
}

static int
watch(struct opts *o)
{
	struct ffs_bpffs b;
	struct ffs_maps m;
	char *why = NULL;
	int rc;

	rc = ffs_maps_open(&m, NULL, NULL);
	if (!rc)
		ffs_maps_release(&m);
	if (rc && geteuid())
		need_root("putting programs into the kernel");
	if (!rc && o->pin && m.loaded.pid)
		errx(FFS_EXIT_FAIL,
		    "cannot pin: ffs-hotmon %u has loaded the programs, and will "
		    "take them with it",
		    m.loaded.pid);
	if (!rc && o->pin) {
		warnx("the programs are pinned already (--unpin removes them)");
		return FFS_EXIT_OK;
	}
	if (!rc)
		return view(o, -1);
	libbpf_set_print(o->verbose > 1 ? log_all : o->verbose ? log_warnings : NULL);
	rc = ffs_bpffs_open(&b, &why);
	if (!rc)
		rc = ffs_bpffs_lock(&b);
	if (rc)
		errx(rc == -EPERM || rc == -EOPNOTSUPP ? FFS_EXIT_UNSUP : FFS_EXIT_FAIL, "%s",
		    why            ? why
		    : rc == -EBUSY ? "another ffs-hotmon is starting"
				   : strerror(-rc));
	return load_and_view(o, &b);
}

/* --- the command line --- */

static void
add_interfaces(struct opts *o, const char *list)
{
	char *copy = strdup(list), *name;

	if (!copy)
		err(FFS_EXIT_FAIL, NULL);
	for (name = strtok(copy, ","); name; name = strtok(NULL, ",")) {
		if (strlen(name) >= IF_NAMESIZE || strchr(name, '/'))
			ffs_exit_usage("bad interface '%s'", name);
		if (o->watch.attach.names_n == MAX_INTERFACES)
			ffs_exit_usage("too many interfaces");
		o->interfaces[o->watch.attach.names_n++] = name;
	}
	if (!o->watch.attach.names_n)
		ffs_exit_usage("bad interface '%s'", list);
	o->watch.attach.names = o->interfaces;
}

static enum ffs_attach_mode
attach_mode(const char *arg)
{
	if (!strcmp(arg, "tcx"))
		return FFS_ATTACH_TCX;
	if (!strcmp(arg, "clsact"))
		return FFS_ATTACH_CLSACT;
	if (strcmp(arg, "auto"))
		ffs_exit_usage("bad value '%s' of --attach: auto, tcx or clsact", arg);
	return FFS_ATTACH_AUTO;
}

/* Who may read: --group, the user behind sudo, or whoever this is. */
static void
find_owner(struct opts *o)
{
	struct ffs_load_opts *l = &o->watch.load;
	const struct group *g;
	uint64_t n;

	l->uid = getuid();
	l->gid = getgid();
	ffs_userdirs_sudo(&l->uid, &l->gid);
	if (!o->group)
		return;
	g = getgrnam(o->group);
	if (!g && ffs_opt_uint(o->group, 0, (gid_t)-2, &n))
		ffs_exit_usage("no group '%s'", o->group);
	l->gid = g ? g->gr_gid : (gid_t)n;
}

static void
check_number(int rc, const char *option, const char *arg)
{
	if (rc)
		ffs_exit_usage("bad value '%s' of %s", arg, option);
}

/* Of the kernel's map: a power of two, of whole pages. */
static uint32_t
ring_size(uint64_t n)
{
	uint32_t size = 4096;

	while (size < n)
		size *= 2;
	return size;
}

enum {
	OPT_ATTACH = 256,
	OPT_CGROUP,
	OPT_DATASET,
	OPT_GROUP,
	OPT_HOT,
	OPT_INTERVAL,
	OPT_JSON,
	OPT_LIVE,
	OPT_MAX_CONNS,
	OPT_MAX_OBJECTS,
	OPT_ONCE,
	OPT_PIN,
	OPT_PORTS,
	OPT_REARM,
	OPT_RING_SIZE,
	OPT_STATS,
	OPT_UNPIN,
	OPT_WINDOW,
};

static const struct option longopts[] = {
	{ "attach", required_argument, NULL, OPT_ATTACH },
	{ "cgroup", required_argument, NULL, OPT_CGROUP },
	{ "dataset", required_argument, NULL, OPT_DATASET },
	{ "group", required_argument, NULL, OPT_GROUP },
	{ "help", no_argument, NULL, 'h' },
	{ "hot", required_argument, NULL, OPT_HOT },
	{ "interface", required_argument, NULL, 'i' },
	{ "interval", required_argument, NULL, OPT_INTERVAL },
	{ "json", no_argument, NULL, OPT_JSON },
	{ "live", optional_argument, NULL, OPT_LIVE },
	{ "max-conns", required_argument, NULL, OPT_MAX_CONNS },
	{ "max-objects", required_argument, NULL, OPT_MAX_OBJECTS },
	{ "once", no_argument, NULL, OPT_ONCE },
	{ "pin", no_argument, NULL, OPT_PIN },
	{ "ports", required_argument, NULL, OPT_PORTS },
	{ "quiet", no_argument, NULL, 'q' },
	{ "rearm", required_argument, NULL, OPT_REARM },
	{ "ring-size", required_argument, NULL, OPT_RING_SIZE },
	{ "stats", no_argument, NULL, OPT_STATS },
	{ "unpin", no_argument, NULL, OPT_UNPIN },
	{ "verbose", no_argument, NULL, 'v' },
	{ "version", no_argument, NULL, 'V' },
	{ "window", required_argument, NULL, OPT_WINDOW },
	{ 0 },
};

/* Options of the loader.  false: it is none. */
static bool
load_opt(struct opts *o, int ch, const char *arg)
{
	struct ffs_load_opts *l = &o->watch.load;
	uint64_t n = 0;

	switch (ch) {
	case OPT_ATTACH:
		o->watch.attach.mode = attach_mode(arg);
		break;
	case OPT_CGROUP:
		o->watch.cgroup = arg;
		break;
	case OPT_GROUP:
		o->group = arg;
		break;
	case OPT_HOT:
		check_number(ffs_opt_uint(arg, 1, UINT32_MAX, &l->threshold), "--hot", arg);
		break;
	case OPT_MAX_CONNS:
		check_number(ffs_opt_size(arg, 16, 1 << 24, &n), "--max-conns", arg);
		l->max_conns = (uint32_t)n;
		break;
	case OPT_MAX_OBJECTS:
		check_number(ffs_opt_size(arg, 16, 1 << 24, &n), "--max-objects", arg);
		l->max_objects = (uint32_t)n;
		break;
	case OPT_PORTS:
		if (!ffs_targets_ports_ok(arg))
			ffs_exit_usage("bad ports '%s', want 9000 or 80,8000-8010", arg);
		o->ports = arg;
		break;
	case OPT_REARM:
		check_number(ffs_opt_duration(arg, 0, 1ull << 40, &n), "--rearm", arg);
		l->rearm_ns = n * 1000000;
		break;
	case OPT_RING_SIZE:
		check_number(ffs_opt_size(arg, 1, 1 << 30, &n), "--ring-size", arg);
		l->ring_size = ring_size(n);
		break;
	case OPT_WINDOW:
		check_number(ffs_opt_duration(arg, 1, 1ull << 40, &n), "--window", arg);
		l->window_ns = n * 1000000;
		break;
	case 'i':
		add_interfaces(o, arg);
		break;
	default:
		return false;
	}
	o->loads = true;
	return true;
}

/* Options of the screen.  false: it is none. */
static bool
live_opt(struct ffs_live_opts *l, int ch, const char *arg)
{
	uint64_t n = 0;

	switch (ch) {
	case OPT_DATASET:
		if (!ffs_live_dataset_ok(arg))
			ffs_exit_usage("bad dataset '%s'", arg);
		l->dataset = arg;
		return true;
	case OPT_INTERVAL:
		check_number(ffs_opt_duration(arg, 50, 3600000, &n), "--interval", arg);
		l->interval_ms = (unsigned)n;
		return true;
	case OPT_LIVE:
		if (ffs_live_parse(arg, &l->mode))
			ffs_exit_usage("bad value '%s' of --live: screen or line", arg);
		return true;
	default:
		return false;
	}
}

static void
parse_opts(struct opts *o, int argc, char **argv)
{
	int ch;

	while ((ch = getopt_long(argc, argv, "hi:qvV", longopts, NULL)) != -1) {
		if (load_opt(o, ch, optarg) || live_opt(&o->live, ch, optarg))
			continue;
		switch (ch) {
		case 'h':
			help();
			exit(ffs_exit_flush(FFS_EXIT_OK));
		case 'q':
			o->quiet = true;
			break;
		case 'v':
			o->verbose++;
			break;
		case 'V':
			puts("ffs-hotmon " FFS_VERSION);
			exit(ffs_exit_flush(FFS_EXIT_OK));
		case OPT_JSON:
			o->json = true;
			break;
		case OPT_ONCE:
			o->once = true;
			break;
		case OPT_PIN:
			o->pin = o->watch.load.stay = true;
			break;
		case OPT_STATS:
			o->watch.load.stats = true;
			break;
		case OPT_UNPIN:
			o->unpin = true;
			break;
		default:
			ffs_exit_usage(NULL);
		}
	}
	if (optind < argc)
		ffs_exit_usage("unexpected argument '%s'", argv[optind]);
	if (o->pin + o->unpin + o->once + (o->live.mode != 0) > 1)
		ffs_exit_usage("--pin, --unpin, --once and --live exclude each other");
	if ((o->live.dataset || o->live.interval_ms) && !o->live.mode)
		ffs_exit_usage("--dataset and --interval go with --live");
	if (o->json && o->live.mode)
		ffs_exit_usage("--json does not go with --live (--live=line is for programs)");
	if ((o->unpin || o->once) && o->loads)
		ffs_exit_usage("%s loads nothing: no option for that goes with it",
		    o->once ? "--once" : "--unpin");
	if (o->json && (o->pin || o->unpin))
		ffs_exit_usage("--json prints nothing with --pin or --unpin");
}

int
main(int argc, char **argv)
{
	struct opts o = {
		.watch.load = { .threshold = 2,
		    .rearm_ns = 30000000000,
		    .ring_size = 1 << 20,
		    .max_objects = 65536,
		    .max_conns = 32768 },
	};

	ffs_process_begin();
	parse_opts(&o, argc, argv);
	find_owner(&o);
	if (o.once)
		return once(&o);
	return o.unpin ? unpin() : watch(&o);
}
