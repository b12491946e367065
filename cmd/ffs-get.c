/*
 * ffs-get: read datasets, parts of them, and objects.
 */
#include <err.h>
#include <errno.h>
#include <getopt.h>
#include <malloc.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/base/exit.h"
#include "common/base/json.h"
#include "common/base/opt.h"
#include "common/base/process.h"
#include "common/base/progress.h"
#include "common/get/inventory.h"
#include "common/get/plan.h"
#include "common/get/select.h"
#include "common/get/show.h"
#include "common/get/transfer.h"
#include "common/s3/s3url.h"
#include "common/s3/stores.h"

#define JOBS 8
#define JOBS_LOCAL 3 /* whole chunks, no latency to hide: more only crowd the processor's cache */
#define KEEP_BYTES (24 << 20) /* for windows of a batch that lie in the same chunks */

struct opts {
	struct ffs_select select;
	struct ffs_config_opts config;
	struct ffs_use use;
	const char *output, *dir;
	unsigned jobs, presign;
	bool batch, resume, fsync, json, link, list, quiet, time_each, verbose;
	enum ffs_progress_mode progress;
};

/* What a run has come to. */
struct run {
	const struct opts *o;
	enum ffs_exit status;
	struct ffs_progress progress;
};

static void
help(void)
{
	puts(
	    "usage: ffs-get [--chunks A-B] [--rows A-B] [--time A..B] [--message]\n"
	    "               [-o FILE [--continue] | -C DIR] DATASET[@GEN]... | s3://BUCKET/KEY...\n"
	    "       ffs-get --batch < selections\n"
	    "       ffs-get --list [DATASET...]\n"
	    "      --chunks A-B, --rows A-B   these chunks or rows, from 0, inclusive\n"
	    "      --time A..B       rows with A <= time < B, seconds or HH:MM[:SS]\n"
	    "      --message         the message file instead\n"
	    "      --batch           read 'DATASET rows A-B' and the like from stdin\n"
	    "  -o, --output FILE     complete or not at all; --continue: go on with a part\n"
	    "  -C, --directory DIR   one file for each chunk; --link: links to cached ones\n"
	    "      --fsync           files are on disk before it ends\n"
	    "      --cache=auto|fill|only|bypass|refresh\n"
	    "      --max-age TIME    what a store confirmed since then is not asked about\n"
	    "      --verify=once|full|sample|never    of what is cached\n"
	    "      --list            datasets, or the URLs of chunks\n"
	    "      --presign[=TIME]  with --list: signed URLs (default 1h)\n"
	    "      --time-each       a line for each chunk on stderr: key, bytes, ms\n"
	    "      --json            --list and --time-each as JSON Lines\n"
	    "  -j, --jobs N          requests in flight (default 8, or 3 on this machine)\n"
	    "      --progress=auto|line|none, --endpoint URL, --region NAME, --profile NAME\n"
	    "  -q, --quiet, -v, --verbose, -h, --help, -V, --version");
}

/* --- what the library reports --- */

static void
on_tick(void *arg, const struct ffs_progress_at *at)
{
	struct run *run = arg;

	ffs_progress_draw(&run->progress, at);
}

static void
on_warn(void *arg, const char *text)
{
	struct run *run = arg;

	ffs_progress_clear(&run->progress);
	warnx("%s", text);
}

/* Files are independent; a stream with a hole is wrong from there on. */
static bool
on_failed(void *arg, enum ffs_exit status, const char *text)
{
	struct run *run = arg;

	on_warn(run, text);
	run->status = ffs_exit_add(run->status, status);
	return run->o->dir != NULL;
}

static void
on_event(void *arg, const struct ffs_reader_event *e)
{
	struct ffs_json j = FFS_JSON_INIT;
	struct run *run = arg;

	if (!run->o->time_each)
		return;
	ffs_progress_clear(&run->progress);
	if (run->o->json)
		ffs_show_event(&j, e);
	else
		ffs_show_event_text(&j.buf, e);
	(void)ffs_json_print(&j, stderr);
	ffs_json_release(&j);
}

/* --- reading --- */

static void
get_run(struct run *run, struct ffs_stores *st, char *const *args, size_t nargs)
{
	const struct opts *o = run->o;
	struct ffs_transfer t = {
		.stores = st,
		.use = &o->use,
		.bucket = ffs_config_bucket(),
		.select = &o->select,
		.args = args,
		.nargs = nargs,
		.batch_fd = o->batch ? STDIN_FILENO : -1,
		.jobs = o->jobs,
		.keep = o->batch ? KEEP_BYTES : 0,
		.path = o->output,
		.dir = o->dir,
		.link = o->link,
		.fd = STDOUT_FILENO,
		.resume = o->resume,
		.sync = o->fsync,
		.event = on_event,
		.failed = on_failed,
		.warn = o->quiet ? NULL : on_warn,
		.tick = o->progress ? on_tick : NULL,
		.arg = run,
		.stop = ffs_process_stop(),
	};
	int rc;

	ffs_progress_start(&run->progress, o->progress, stderr);
	rc = ffs_transfer_run(&t);
	ffs_progress_clear(&run->progress);
	if (rc == -EPIPE)
		ffs_process_die(SIGPIPE);
	if (rc && rc != -EINTR && rc != -ECANCELED)
		on_failed(run, t.status, t.error);
	if (t.complete && o->verbose)
		warnx("'%s' is complete already", o->output);
}

static void
list_run(struct run *run, struct ffs_stores *st, char *const *args, size_t nargs)
{
	struct ffs_inventory inv = {
		.stores = st,
		.bucket = ffs_config_bucket(),
		.select = &run->o->select,
		.json = run->o->json,
		.presign = run->o->presign,
		.out = stdout,
		.failed = on_failed,
		.arg = run,
		.stop = ffs_process_stop(),
	};

	(void)ffs_inventory_list(&inv, args, nargs); /* main's end tells what cannot be written */
}

/* --- the command line --- */

static void
check_opts(const struct opts *o, char *const *args, int nargs)
{
	const struct ffs_select *s = &o->select;
	bool object = false,
	     part = s->by_chunks || s->by_rows || s->has_from || s->has_to || s->message;
	int i;

	if (o->list ? o->batch || o->output || o->dir || o->time_each || o->use.mode : o->presign)
		ffs_exit_usage(o->list ? "--list goes with --json and --presign only"
				       : "--presign goes with --list");
	if (o->batch && nargs)
		ffs_exit_usage("--batch takes its selections from standard input");
	if (o->batch && (s->by_chunks || s->by_rows || s->has_from || s->has_to || o->dir))
		ffs_exit_usage("with --batch each line says what it wants");
	if (!o->batch && !o->list && !nargs)
		ffs_exit_usage("no dataset or object is named");
	if (o->output && o->dir)
		ffs_exit_usage("-o and -C exclude each other");
	if (o->link && (!o->dir || o->fsync || o->use.mode == FFS_USE_BYPASS))
		ffs_exit_usage("--link goes with -C and the cache, without --fsync");
	for (i = 0; i < nargs; i++) {
		if (!ffs_plan_arg_ok(args[i]))
			ffs_exit_usage(
			    "bad name '%s', want DATASET[@GEN] or s3://BUCKET/KEY", args[i]);
		object = ffs_s3url_is(args[i]);
		if (o->use.mode == FFS_USE_ONLY && !object && ffs_select_is_pattern(args[i]))
			ffs_exit_usage("'%s': only a store knows what matches", args[i]);
		if (object && (part || o->dir || o->list))
			ffs_exit_usage("'%s': an object is given whole, to one output", args[i]);
	}
	if (o->resume && (!o->output || nargs != 1 || (!object && ffs_select_is_pattern(args[0]))))
		ffs_exit_usage("--continue goes with -o and one dataset or object");
}

enum {
	OPT_BATCH = 256, /* up to TIME_EACH as in flags[] */
	OPT_CONTINUE,
	OPT_FSYNC,
	OPT_JSON,
	OPT_LINK,
	OPT_LIST,
	OPT_MESSAGE,
	OPT_TIME_EACH,
	OPT_PRESIGN,
	OPT_PROGRESS,
};

static const struct option longopts[] = {
	{ "batch", no_argument, NULL, OPT_BATCH },
	{ "cache", required_argument, NULL, FFS_USE_OPT_CACHE },
	{ "chunks", required_argument, NULL, FFS_SELECT_OPT_CHUNKS },
	{ "continue", no_argument, NULL, OPT_CONTINUE },
	{ "directory", required_argument, NULL, 'C' },
	{ "endpoint", required_argument, NULL, FFS_CONFIG_ENDPOINT },
	{ "fsync", no_argument, NULL, OPT_FSYNC },
	{ "help", no_argument, NULL, 'h' },
	{ "jobs", required_argument, NULL, 'j' },
	{ "json", no_argument, NULL, OPT_JSON },
	{ "link", no_argument, NULL, OPT_LINK },
	{ "list", no_argument, NULL, OPT_LIST },
	{ "max-age", required_argument, NULL, FFS_USE_OPT_MAX_AGE },
	{ "message", no_argument, NULL, OPT_MESSAGE },
	{ "output", required_argument, NULL, 'o' },
	{ "presign", optional_argument, NULL, OPT_PRESIGN },
	{ "profile", required_argument, NULL, FFS_CONFIG_PROFILE },
	{ "progress", required_argument, NULL, OPT_PROGRESS },
	{ "quiet", no_argument, NULL, 'q' },
	{ "region", required_argument, NULL, FFS_CONFIG_REGION },
	{ "rows", required_argument, NULL, FFS_SELECT_OPT_ROWS },
	{ "time", required_argument, NULL, FFS_SELECT_OPT_TIME },
	{ "time-each", no_argument, NULL, OPT_TIME_EACH },
	{ "verbose", no_argument, NULL, 'v' },
	{ "verify", required_argument, NULL, FFS_USE_OPT_VERIFY },
	{ "version", no_argument, NULL, 'V' },
	{ 0 },
};

/* An option that the library knows. */
static void
take(struct opts *o, int opt)
{
	const char *want;
	int rc = ffs_select_opt(&o->select, opt, optarg, &want);

	if (rc == -ENOENT)
		rc = ffs_use_opt(&o->use, opt, optarg, &want);
	if (rc == -EINVAL)
		ffs_exit_usage("bad value '%s', want %s", optarg, want);
	if (rc && !ffs_config_opt(&o->config, opt, optarg))
		ffs_exit_usage(NULL);
}

static void
parse_opts(struct opts *o, int argc, char **argv)
{
	bool *const flags[] = { &o->batch, &o->resume, &o->fsync, &o->json, &o->link, &o->list,
		&o->select.message, &o->time_each };
	const char *progress = "auto";
	bool screen;
	uint64_t n;
	int ch;

	while ((ch = getopt_long(argc, argv, "C:hj:o:qvV", longopts, NULL)) != -1) {
		if (ch >= OPT_BATCH && ch <= OPT_TIME_EACH) {
			*flags[ch - OPT_BATCH] = true;
			continue;
		}
		switch (ch) {
		case 'C':
			o->dir = optarg;
			break;
		case 'h':
			help();
			exit(ffs_exit_flush(FFS_EXIT_OK));
		case 'j':
			if (ffs_opt_uint(optarg, 1, 256, &n))
				ffs_exit_usage("bad number of jobs '%s', want 1 to 256", optarg);
			o->jobs = (unsigned)n;
			break;
		case 'o':
			o->output = strcmp(optarg, "-") ? optarg : NULL;
			break;
		case 'q':
			o->quiet = true;
			break;
		case 'v':
			o->verbose = true;
			break;
		case 'V':
			puts("ffs-get " FFS_VERSION);
			exit(ffs_exit_flush(FFS_EXIT_OK));
		case OPT_PRESIGN:
			n = 3600 * 1000;
			if (optarg && ffs_opt_duration(optarg, 1000, 604800000, &n))
				ffs_exit_usage("bad time '%s', want 1s to 168h", optarg);
			o->presign = (unsigned)(n / 1000);
			break;
		case OPT_PROGRESS:
			progress = optarg;
			break;
		default:
			take(o, ch);
		}
	}
	/* Beside data on a terminal, or what a pipe's end shows there, it would only disturb. */
	screen = !o->quiet && !o->list && (o->output || o->dir) && isatty(STDERR_FILENO);
	if (ffs_progress_parse(progress, screen, &o->progress))
		ffs_exit_usage("bad progress '%s', want auto, line or none", progress);
}

/* Without a cache everything is read from the stores, unless that is what was not wanted. */
static void
open_cache(struct opts *o, const char *endpoint)
{
	int rc = ffs_use_open(&o->use, endpoint);

	if (rc && o->use.mode == FFS_USE_ONLY)
		errx(ffs_exit_of(rc), "%s", o->use.trouble ? o->use.trouble : strerror(-rc));
	if (o->use.trouble && (rc ? !o->quiet : o->verbose))
		warnx("%s", o->use.trouble);
}

int
main(int argc, char **argv)
{
	struct opts o = { 0 };
	struct run run = { .o = &o };
	struct ffs_http_opts http = { 0 };
	struct ffs_stores stores;
	char *detail, *exposed;
	int rc;

	/*
	 * libcurl takes and frees half a megabyte for each request: unless the heap keeps
	 * it, each request costs 128 page faults.
	 */
	mallopt(M_MMAP_THRESHOLD, 1 << 20);
	mallopt(M_TRIM_THRESHOLD, 16 << 20);
	ffs_process_begin();
	parse_opts(&o, argc, argv);
	argc -= optind;
	argv += optind;
	check_opts(&o, argv, argc);
	if (o.link && o.use.mode == FFS_USE_AUTO)
		o.use.mode = FFS_USE_FILL;
	/* Without files there is nothing to tidy up: a signal simply ends the program. */
	if (o.output || o.dir)
		ffs_process_catch();
	signal(SIGPIPE, SIG_IGN);
	http.max_connections = o.jobs ? o.jobs : JOBS;
	rc = ffs_stores_init(&stores, &o.config, &http, &detail);
	if (rc)
		errx(ffs_exit_of(rc), "%s", detail ? detail : strerror(-rc));
	exposed = o.quiet ? NULL : ffs_stores_exposed(&stores);
	if (exposed)
		warnx("%s", exposed);
	free(exposed);
	if (!o.jobs)
		o.jobs = ffs_stores_local(&stores) && !o.batch ? JOBS_LOCAL : JOBS;
	if (o.verbose)
		ffs_stores_show(&stores, stderr);
	if (!o.list)
		open_cache(&o, stores.nodes.v[0].ep.url);
	if (o.list)
		list_run(&run, &stores, argv, (size_t)argc);
	else
		get_run(&run, &stores, argv, (size_t)argc);
	if (*ffs_process_stop())
		ffs_process_die(*ffs_process_stop());
	ffs_use_close(&o.use);
	ffs_stores_release(&stores);
	return ffs_exit_flush(run.status);
}
