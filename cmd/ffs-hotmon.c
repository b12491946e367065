/*
 * ffs-hotmon: put the programs into the kernel, and show what they see.
 */
#include <err.h>
#include <errno.h>
#include <getopt.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <bpf/libbpf.h>

#include "common/base/exit.h"
#include "common/base/process.h"
#include "common/base/utf8.h"
#include "common/screen/liveopt.h"
#include "common/screen/terminal.h"
#include "common/watch/display.h"
#include "common/watch/guard.h"
#include "common/watch/instance.h"
#include "common/watch/loadopt.h"
#include "common/watch/session.h"

struct opts {
	struct ffs_loadopt load;
	bool pin, unpin, once, json, quiet;
	int verbose;
	struct ffs_live_opts live;
};

static void
help(void)
{
	fputs("usage: ffs-hotmon [-i NAME[,NAME...]]... [--ports LIST] [--json] [OPTION...]\n"
	      "       ffs-hotmon --pin [OPTION...] | --unpin\n"
	      "       ffs-hotmon --once [--json]\n"
	      "\n"
	      "Watches the S3 traffic of this machine in the kernel, and prints a line for every\n"
	      "object that becomes hot.\n"
	      "\n",
	    stdout);
	fputs(ffs_loadopt_help(), stdout);
	puts("      --pin              leave the programs in place, and exit\n"
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

static int __attribute__((format(printf, 2, 0)))
log_warnings(enum libbpf_print_level level, const char *fmt, va_list ap)
{
	return level == LIBBPF_WARN ? vfprintf(stderr, fmt, ap) : 0;
}

static int __attribute__((format(printf, 2, 0)))
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
	char line[1024];

	if (detail ? !o->verbose : o->quiet)
		return;
	snprintf(line, sizeof(line), "%s", text);
	ffs_utf8_mask(line); /* names of interfaces hold what they like */
	warnx("%s", line);
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
	int stop;

	check_print(ffs_display_hot(s, stdout, o->json, o->load.watch.load.stats, &stop));
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
	int rc, stop;

	begin(&s, o, fd);
	ffs_process_catch();
	rc = fd < 0 ? 0 : ffs_session_load(&s, &o->load, &why);
	if (rc)
		die(rc == -EPERM || rc == -EOPNOTSUPP ? FFS_EXIT_UNSUP : FFS_EXIT_FAIL, rc, why);
	if (o->pin) {
		ffs_session_release(&s);
		return FFS_EXIT_OK;
	}
	open_maps(&s);
	if (fd < 0)
		on_note((void *)o, !o->load.given,
		    "the programs were loaded by another ffs-hotmon: "
		    "options for them do not matter");
	if (o->load.watch.load.redirect.on && !s.maps.loaded.redirect)
		on_note(
		    (void *)o, false, "nothing is redirected: they were loaded without --redirect");
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
	struct ffs_load_stats stats[FFS_LOAD_PROGS];
	int rc = o->load.watch.load.stats ? ffs_load_stats(NULL, NULL, stats) : 0;

	if (rc)
		errx(rc == -EACCES || rc == -EPERM ? FFS_EXIT_UNSUP : ffs_exit_of(rc),
		    "cannot ask the programs: %s", strerror(-rc));
	begin(&s, o, -1);
	open_maps(&s);
	rc = ffs_display_table(&s, stdout, o->json, o->load.watch.load.stats ? stats : NULL);
	ffs_session_release(&s);
	check_print(rc);
	return ffs_exit_flush(FFS_EXIT_OK);
}

static int
unpin(void)
{
	char *why = NULL;
	int rc = ffs_instance_unpin(&why);

	if (rc)
		die(rc == -EPERM ? FFS_EXIT_UNSUP : FFS_EXIT_FAIL, rc, why);
	return FFS_EXIT_OK;
}

/* Two halves: this one stays root. */
static int
load_and_view(struct opts *o, struct ffs_bpffs *b)
{
	struct ffs_guard g = { .b = b, .o = o->load.watch };
	struct ffs_terminal terminal;
	sigset_t before;
	int status, rc;

	ffs_terminal_save(&terminal);
	rc = ffs_guard_fork(&g, &before);
	if (rc)
		errx(FFS_EXIT_FAIL, "cannot fork: %s", strerror(-rc));
	if (!g.child)
		return view(o, g.fd);
	status = ffs_guard_run(&g);
	if (o->live.mode == FFS_LIVE_SCREEN)
		ffs_terminal_restore(&terminal, status);
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
	struct ffs_meta m;
	struct ffs_bpffs b;
	char *why = NULL;
	int rc = ffs_instance_find(&b, &m, &why);

	if (rc == -EACCES && geteuid())
		die(FFS_EXIT_DENIED, rc, why);
	if (rc < 0)
		die(rc == -EPERM || rc == -EOPNOTSUPP ? FFS_EXIT_UNSUP : FFS_EXIT_FAIL, rc, why);
	if (rc == FFS_INSTANCE_LOADS)
		return load_and_view(o, &b);
	if (!o->pin)
		return view(o, -1);
	if (m.pid)
		errx(FFS_EXIT_FAIL,
		    "cannot pin: ffs-hotmon %u has loaded the programs, and will take them with it",
		    m.pid);
	if (o->load.watch.load.redirect.on && !m.redirect)
		errx(FFS_EXIT_FAIL,
		    "cannot redirect: the programs are pinned already, without --redirect (--unpin "
		    "removes them)");
	on_note(o, false,
	    "the programs are pinned already, as they were loaded (--unpin removes them)");
	return FFS_EXIT_OK;
}

/* --- the command line --- */

enum {
	OPT_JSON = 256,
	OPT_ONCE,
	OPT_PIN,
	OPT_STATS,
	OPT_UNPIN,
};

static const struct option longopts[] = {
	{ "attach", required_argument, NULL, FFS_LOADOPT_ATTACH },
	{ "cgroup", required_argument, NULL, FFS_LOADOPT_CGROUP },
	{ "dataset", required_argument, NULL, FFS_LIVEOPT_DATASET },
	{ "exclude-comm", required_argument, NULL, FFS_LOADOPT_EXCLUDE_COMM },
	{ "group", required_argument, NULL, FFS_LOADOPT_GROUP },
	{ "help", no_argument, NULL, 'h' },
	{ "hot", required_argument, NULL, FFS_LOADOPT_HOT },
	{ "interface", required_argument, NULL, 'i' },
	{ "interval", required_argument, NULL, FFS_LIVEOPT_INTERVAL },
	{ "json", no_argument, NULL, OPT_JSON },
	{ "live", optional_argument, NULL, FFS_LIVEOPT_LIVE },
	{ "max-conns", required_argument, NULL, FFS_LOADOPT_MAX_CONNS },
	{ "max-objects", required_argument, NULL, FFS_LOADOPT_MAX_OBJECTS },
	{ "once", no_argument, NULL, OPT_ONCE },
	{ "pin", no_argument, NULL, OPT_PIN },
	{ "ports", required_argument, NULL, FFS_LOADOPT_PORTS },
	{ "quiet", no_argument, NULL, 'q' },
	{ "rearm", required_argument, NULL, FFS_LOADOPT_REARM },
	{ "redirect", no_argument, NULL, FFS_LOADOPT_REDIRECT },
	{ "ring-size", required_argument, NULL, FFS_LOADOPT_RING_SIZE },
	{ "stats", no_argument, NULL, OPT_STATS },
	{ "tls", optional_argument, NULL, FFS_LOADOPT_TLS },
	{ "uid", required_argument, NULL, FFS_LOADOPT_UID },
	{ "unpin", no_argument, NULL, OPT_UNPIN },
	{ "verbose", no_argument, NULL, 'v' },
	{ "version", no_argument, NULL, 'V' },
	{ "window", required_argument, NULL, FFS_LOADOPT_WINDOW },
	{ "xdp", no_argument, NULL, FFS_LOADOPT_XDP },
	{ 0 },
};

/* What goes with what. */
static void
check_opts(const struct opts *o)
{
	if (o->pin + o->unpin + o->once + (o->live.mode != 0) > 1)
		ffs_exit_usage("--pin, --unpin, --once and --live exclude each other");
	if ((o->live.dataset || o->live.interval_ms) && !o->live.mode)
		ffs_exit_usage("--dataset and --interval go with --live");
	if (o->load.watch.load.stats && (o->pin || o->unpin))
		ffs_exit_usage("--stats measures while this runs, not with --pin or --unpin");
	if ((o->unpin || o->once) && o->load.given)
		ffs_exit_usage("%s loads nothing: no option for that goes with it",
		    o->once ? "--once" : "--unpin");
	if (ffs_loadopt_conflict(&o->load))
		ffs_exit_usage("%s", ffs_loadopt_conflict(&o->load));
	if (o->json && (o->pin || o->unpin))
		ffs_exit_usage("--json prints nothing with --pin or --unpin");
}

static void
parse_opts(struct opts *o, int argc, char **argv)
{
	char why[512];
	int ch, rc;

	while ((ch = getopt_long(argc, argv, "hi:qvV", longopts, NULL)) != -1) {
		rc = ffs_loadopt_take(&o->load, ch, optarg, why, sizeof(why));
		if (rc > 0)
			rc = ffs_liveopt_take(&o->live, ch, optarg, why, sizeof(why));
		if (rc < 0)
			ffs_exit_usage("%s", why);
		if (!rc)
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
			o->json = o->live.json = true;
			break;
		case OPT_ONCE:
			o->once = true;
			break;
		case OPT_PIN:
			o->pin = o->load.watch.load.stay = true;
			break;
		case OPT_STATS:
			o->load.watch.load.stats = true;
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
	check_opts(o);
}

int
main(int argc, char **argv)
{
	struct opts o = { 0 };

	ffs_process_begin();
	ffs_loadopt_init(&o.load);
	parse_opts(&o, argc, argv);
	libbpf_set_print(o.verbose > 1 ? log_all : o.verbose ? log_warnings : NULL);
	if (o.once)
		return once(&o);
	return o.unpin ? unpin() : watch(&o);
}
