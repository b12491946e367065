/*
 * ffs-cache: keep hot objects on local disk.
 */
#include <err.h>
#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <malloc.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/base/exit.h"
#include "common/base/process.h"
#include "common/base/progress.h"
#include "common/daemon/daemon.h"
#include "common/follow/fillopts.h"
#include "common/follow/stock.h"
#include "common/follow/tell.h"
#include "common/follow/warm.h"
#include "common/watch/halves.h"

enum mode {
	FOLLOW,
	WARM,
	LIST, /* as enum ffs_stock_mode, from here on */
	STAT,
	PIN,
	UNPIN,
	EVICT,
	VERIFY,
	CLEAR,
};

struct opts {
	enum mode mode;
	struct ffs_config_opts config;
	struct ffs_fillopts fill;
	struct ffs_gateopt gate;
	const char *dir;
	bool json, quiet, verbose;
	enum ffs_progress_mode progress;
};

struct run {
	const struct opts *o;
	struct ffs_cache *cache;
	struct ffs_stores stores;
	struct ffs_own own;
	struct ffs_tell tell;
	struct ffs_progress progress;
	enum ffs_exit status;
};

static void
help(void)
{
	printf("usage: ffs-cache [OPTION...]                   fill what the kernel says is hot\n"
	       "       ffs-cache --serve [ADDR:PORT] [--origin URL]   and serve programs from it\n"
	       "       ffs-cache DATASET[@GEN]... | s3://BUCKET/KEY... | URL... | -   fill these\n"
	       "       ffs-cache --list [GLOB...] | --stat | --verify | --clear\n"
	       "       ffs-cache --pin [DATASET...] | --unpin DATASET... | --evict GLOB...\n"
	       "\n"
	       "      --dir DIR         the cache's directory (default $FFS_CACHE, ~/.cache/ffs)\n"
	       "%s%s      --json, --progress=auto|line|none\n"
	       "      --endpoint URL, --region NAME, --profile NAME\n"
	       "  -q, --quiet, -v, --verbose, -h, --help, -V, --version\n",
	    ffs_fillopts_help(), ffs_gateopt_help());
}

/* --- what the library reports --- */

/* Nobody reads any more: end as if told to, so that fills are abandoned tidily. */
static void
on_told(void *arg, int rc)
{
	struct run *run = arg;

	if (rc)
		run->status = FFS_EXIT_FAIL;
	if (rc && !*ffs_process_stop())
		raise(SIGTERM);
}

static void
on_fill(void *arg, const struct ffs_filler_event *e)
{
	struct run *run = arg;

	ffs_progress_clear(&run->progress);
	on_told(run, ffs_tell_fill(&run->tell, e));
}

static void
on_note(void *arg, bool detail, const char *text)
{
	const struct run *run = arg;

	if (!run->o->quiet && (!detail || run->o->verbose))
		warnx("%s", text);
}

static void
on_failed(void *arg, enum ffs_exit status, const char *text)
{
	struct run *run = arg;

	ffs_progress_clear(&run->progress);
	warnx("%s", text);
	run->status = ffs_exit_add(run->status, status);
	if (run->o->mode == FOLLOW)
		raise(SIGTERM); /* there is no going on */
}

/* --- what is done --- */

static void
open_cache(struct run *run, bool create)
{
	char *why = NULL;
	int rc;

	run->cache = ffs_cache_open(run->o->dir, create, &why);
	if (!run->cache)
		errx(ffs_exit_of(-errno), "%s", why ? why : strerror(errno));
	if (run->o->mode < LIST && !ffs_cache_writable(run->cache))
		errx(FFS_EXIT_DENIED, "the cache '%s' cannot be written",
		    ffs_cache_path(run->cache));
	rc = ffs_fillopts_limit(&run->o->fill, run->cache);
	if (rc)
		errx(ffs_exit_of(rc), "cannot set limits of '%s': %s", ffs_cache_path(run->cache),
		    strerror(-rc));
}

static void
open_stores(struct run *run)
{
	struct ffs_http_opts http = { .max_connections = run->o->fill.jobs + 1,
		.opened = ffs_own_opened,
		.closing = ffs_own_closing,
		.socket_arg = &run->own };
	char *detail = NULL, *exposed;
	int rc = ffs_gateopt_stores(&run->o->gate, &run->stores, &run->o->config, &http, &detail);

	if (rc)
		errx(ffs_exit_of(rc), "%s", detail ? detail : strerror(-rc));
	exposed = run->o->quiet ? NULL : ffs_stores_exposed(&run->stores);
	if (exposed)
		warnx("%s", exposed);
	free(exposed);
	if (run->o->verbose)
		ffs_stores_show(&run->stores, stderr);
	run->tell.stores = &run->stores;
}

static struct ffs_filler_opts
filler_opts(struct run *run)
{
	return (struct ffs_filler_opts){ .stores = &run->stores,
		.cache = run->cache,
		.how = &run->o->fill,
		.event = on_fill,
		.arg = run };
}

static struct ffs_cache *
renew(void *arg)
{
	struct run *run = arg;

	ffs_cache_free(run->cache);
	open_cache(run, true);
	return run->cache;
}

static void
daemon_run(struct run *run)
{
	struct ffs_daemon d = { .config = &run->o->config,
		.gate = &run->o->gate,
		.fill = filler_opts(run),
		.own = &run->own,
		.tell = &run->tell,
		.told = on_told,
		.note = on_note,
		.failed = on_failed,
		.renew = renew,
		.arg = run,
		.stop = ffs_process_stop() };

	ffs_daemon_run(&d);
}

static void
warm_run(struct run *run, char *const *args, size_t n)
{
	struct ffs_warm w = { .fill = filler_opts(run),
		.args = args,
		.nargs = n,
		.fd = STDIN_FILENO,
		.failed = on_failed,
		.progress = &run->progress,
		.stop = ffs_process_stop() };
	char unwanted[48] = "";
	int rc;

	(void)ffs_own_open(&run->own, NULL); /* where nothing watches, nothing counts */
	ffs_progress_start(&run->progress, run->o->progress, stderr);
	rc = ffs_warm_run(&w);
	ffs_progress_clear(&run->progress);
	if (rc && rc != -EINTR)
		on_failed(run, FFS_EXIT_FAIL, strerror(-rc));
	if (w.unwanted)
		snprintf(unwanted, sizeof(unwanted), "; %" PRIu64 " not wanted", w.unwanted);
	if (!run->o->quiet)
		fprintf(stderr, "%" PRIu64 " filled, %.1f MB; %" PRIu64 " were there%s\n", w.filled,
		    (double)w.bytes / 1e6, w.present, unwanted);
}

static void
maintain(struct run *run, char *const *args, size_t n)
{
	struct ffs_stock s = { .cache = run->cache,
		.json = run->o->json,
		.out = stdout,
		.bucket = ffs_config_bucket(),
		.stop = ffs_process_stop(),
		.failed = on_failed,
		.arg = run };

	if (n && (run->o->mode == PIN || run->o->mode == UNPIN)) {
		open_stores(run);
		s.endpoint = run->stores.nodes.v[0].ep.url;
	}
	/* What stdout did not take ffs_exit_flush() says. */
	(void)ffs_stock_run(&s, (enum ffs_stock_mode)(run->o->mode - LIST), args, n);
}

/* --- the command line --- */

enum { OPT_DIR = 256, OPT_JSON, OPT_PROGRESS, OPT_MODE /* and the modes behind it */ };

static const struct option longopts[] = {
	{ "admit", required_argument, NULL, FFS_FILLOPT_ADMIT },
	{ "allow", required_argument, NULL, FFS_FILLOPT_ALLOW },
	{ "bwlimit", required_argument, NULL, FFS_FILLOPT_BWLIMIT },
	{ "clear", no_argument, NULL, OPT_MODE + CLEAR },
	{ "deny", required_argument, NULL, FFS_FILLOPT_DENY },
	{ "dir", required_argument, NULL, OPT_DIR },
	{ "endpoint", required_argument, NULL, FFS_CONFIG_ENDPOINT },
	{ "evict", no_argument, NULL, OPT_MODE + EVICT },
	{ "help", no_argument, NULL, 'h' },
	{ "jobs", required_argument, NULL, 'j' },
	{ "json", no_argument, NULL, OPT_JSON },
	{ "list", no_argument, NULL, OPT_MODE + LIST },
	{ "max-age", required_argument, NULL, FFS_GATEOPT_MAX_AGE },
	{ "metrics", required_argument, NULL, FFS_GATEOPT_METRICS },
	{ "min-free", required_argument, NULL, FFS_FILLOPT_MIN_FREE },
	{ "origin", required_argument, NULL, FFS_GATEOPT_ORIGIN },
	{ "pin", no_argument, NULL, OPT_MODE + PIN },
	{ "profile", required_argument, NULL, FFS_CONFIG_PROFILE },
	{ "progress", required_argument, NULL, OPT_PROGRESS },
	{ "quiet", no_argument, NULL, 'q' },
	{ "readahead", required_argument, NULL, FFS_FILLOPT_READAHEAD },
	{ "region", required_argument, NULL, FFS_CONFIG_REGION },
	{ "resign", no_argument, NULL, FFS_GATEOPT_RESIGN },
	{ "serve", no_argument, NULL, FFS_GATEOPT_SERVE },
	{ "size", required_argument, NULL, FFS_FILLOPT_SIZE },
	{ "stale-if-error", required_argument, NULL, FFS_GATEOPT_STALE },
	{ "stat", no_argument, NULL, OPT_MODE + STAT },
	{ "unpin", no_argument, NULL, OPT_MODE + UNPIN },
	{ "verbose", no_argument, NULL, 'v' },
	{ "verify", no_argument, NULL, OPT_MODE + VERIFY },
	{ "version", no_argument, NULL, 'V' },
	{ 0 },
};

/* An option that the library knows. */
static void
take(struct opts *o, int opt)
{
	const char *want = "memory";
	int rc = ffs_fillopts_take(&o->fill, opt, optarg, &want);

	if (rc > 0)
		rc = ffs_gateopt_take(&o->gate, opt, optarg, &want);
	if (rc < 0)
		ffs_exit_usage("bad value '%s', want %s", optarg, want);
	if (rc && !ffs_config_opt(&o->config, opt, optarg))
		ffs_exit_usage(NULL);
}

static void
parse_opts(struct opts *o, int argc, char **argv)
{
	const char *progress = "auto";
	int ch;

	while ((ch = getopt_long(argc, argv, "hj:qvV", longopts, NULL)) != -1) {
		switch (ch) {
		case 'h':
			help();
			exit(ffs_exit_flush(FFS_EXIT_OK));
		case 'q':
			o->quiet = true;
			break;
		case 'v':
			o->verbose = true;
			break;
		case 'V':
			puts("ffs-cache " FFS_VERSION);
			exit(ffs_exit_flush(FFS_EXIT_OK));
		case OPT_DIR:
			o->dir = optarg;
			break;
		case OPT_JSON:
			o->json = true;
			break;
		case OPT_PROGRESS:
			progress = optarg;
			break;
		default:
			if (ch < OPT_MODE || ch > OPT_MODE + (int)CLEAR)
				take(o, ch == 'j' ? FFS_FILLOPT_JOBS : ch);
			else if (o->mode != FOLLOW && o->mode != (enum mode)(ch - OPT_MODE))
				ffs_exit_usage("two things to do");
			else
				o->mode = (enum mode)(ch - OPT_MODE);
		}
	}
	if (ffs_progress_parse(progress, !o->quiet && isatty(STDERR_FILENO), &o->progress))
		ffs_exit_usage("bad progress '%s', want auto, line or none", progress);
}

static void
check_opts(struct opts *o, int nargs, char *const *args)
{
	if (o->gate.serve ? o->mode != FOLLOW || nargs > 1 : o->gate.given)
		ffs_exit_usage("--serve goes with one ADDR:PORT, and what goes with it needs it");
	if (o->gate.serve)
		o->gate.listen = nargs ? args[0] : NULL;
	else if (o->mode == FOLLOW && nargs)
		o->mode = WARM;
	if (nargs && (o->mode == STAT || o->mode == VERIFY || o->mode == CLEAR))
		ffs_exit_usage("--stat, --verify and --clear take no names");
	if ((o->mode == EVICT || o->mode == UNPIN) && !nargs)
		ffs_exit_usage("nothing is named");
	if (o->mode > WARM && o->fill.given)
		ffs_exit_usage("that goes with filling only");
	if (o->mode == WARM && (o->fill.all || o->fill.ahead))
		ffs_exit_usage("--admit and --readahead go with following only");
}

int
main(int argc, char **argv)
{
	struct opts o = { .fill = FFS_FILLOPTS_INIT };
	struct run run = { .o = &o, .own = FFS_OWN_INIT };
	int rc;

	/* libcurl takes and frees half a megabyte for each request, a fill one. */
	mallopt(M_MMAP_THRESHOLD, 4 << 20);
	mallopt(M_TRIM_THRESHOLD, 16 << 20);
	ffs_process_begin();
	parse_opts(&o, argc, argv);
	argc -= optind;
	check_opts(&o, argc, argv + optind);
	/* What root makes in a user's cache the user could not use: be the user. */
	rc = ffs_halves_drop();
	if (rc)
		errx(FFS_EXIT_UNSUP, "cannot become the user behind sudo: %s", strerror(-rc));
	ffs_process_catch();
	signal(SIGPIPE, SIG_IGN);
	open_cache(
	    &run, o.mode < LIST || (o.mode == PIN && argc) || o.fill.has_size || o.fill.has_free);
	run.tell = (struct ffs_tell){ .out = stdout,
		.json = o.json,
		.fills = o.json || (!o.quiet && (o.mode == FOLLOW || o.verbose)),
		.refusals = o.mode == FOLLOW && (o.json || o.verbose) };
	if (o.mode == FOLLOW || o.mode == WARM)
		open_stores(&run);
	if (o.mode == FOLLOW)
		daemon_run(&run);
	else if (o.mode == WARM)
		warm_run(&run, argv + optind, (size_t)argc);
	else
		maintain(&run, argv + optind, (size_t)argc);
	ffs_stores_release(&run.stores);
	ffs_own_release(&run.own);
	ffs_cache_free(run.cache);
	ffs_fillopts_release(&o.fill);
	if (*ffs_process_stop() && o.mode != FOLLOW && !ferror(stdout))
		ffs_process_die(*ffs_process_stop());
	return ffs_exit_flush(run.status);
}
