/*
 * ffs-load: upload chunks to the nodes, then publish the manifest.
 */
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <inttypes.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <zstd.h>

#include "common/base/exit.h"
#include "common/base/json.h"
#include "common/base/opt.h"
#include "common/base/process.h"
#include "common/base/progress.h"
#include "common/dataset/manifest.h"
#include "common/dataset/prune.h"
#include "common/load/upload.h"
#include "common/s3/stores.h"

struct opts {
	struct ffs_config_opts config;
	const char *name, *dataset; /* dataset: of --prune and --delete */
	uint64_t generation;
	uint64_t jobs;
	int level;
	unsigned flags; /* enum ffs_dataset_flags */
	bool keep, json, quiet, prune, delete;
	int verbose;
	enum ffs_progress_mode progress;
};

/* What the callbacks need. */
struct shown {
	const struct opts *o;
	const struct ffs_nodes *nodes;
	struct ffs_progress progress;
	struct ffs_json json;
	uint64_t datasets, chunks, bytes;
};

static void
help(void)
{
	puts("usage: ffs-load [-qv] [-j jobs] [-n name] [-z[level]] [--replace] [--keep]\n"
	     "                [--resume] [--progress=auto|line|none] [--json] [file ...]\n"
	     "       ffs-load [-qv] [--json] --prune dataset\n"
	     "       ffs-load [-qv] [--json] --delete dataset[@generation]\n"
	     "Upload the chunks of a tar stream (stdin, or files), then publish their manifest.\n"
	     "  -j, --jobs N         requests in flight (8)\n"
	     "  -n, --name NAME      the dataset's name (default: as the stream says)\n"
	     "  -z, --zstd[=LEVEL]   store chunks compressed (3)\n"
	     "      --replace        publish the next generation of a dataset that exists\n"
	     "      --keep           keep what was uploaded when the load fails\n"
	     "      --resume         go on where a load stopped\n"
	     "      --prune, --delete DATASET   remove what is old; everything\n"
	     "      --progress WHEN  auto, line (every 2 s) or none\n"
	     "      --json           a line of JSON per chunk and dataset on stdout\n"
	     "      --endpoint URL, --region NAME, --profile NAME\n"
	     "  -q, --quiet   -v, --verbose   -h, --help   -V, --version\n"
	     "Exit: 0 done, 1 failed, 2 usage, 3 not found, 4 denied, 5 unreachable, 6 integrity.");
}

static void
on_chunk(void *arg, const struct ffs_upload_chunk *c)
{
	struct shown *s = arg;

	if (!s->o->json)
		return;
	ffs_upload_show_chunk(&s->json, c);
	ffs_json_print(&s->json, stdout);
}

static void
on_dataset(void *arg, const struct ffs_upload_dataset *d)
{
	struct shown *s = arg;
	char buf[512];

	s->datasets++;
	s->chunks += d->chunks;
	s->bytes += d->bytes;
	if (s->o->json) {
		ffs_upload_show_dataset(&s->json, d);
		ffs_json_print(&s->json, stdout);
	}
	if (s->o->quiet)
		return;
	ffs_progress_clear(&s->progress);
	fprintf(stderr, "%s\n", ffs_upload_show_summary(d, buf, sizeof(buf)));
}

static void
on_tick(void *arg, const struct ffs_progress_at *at)
{
	struct shown *s = arg;

	ffs_progress_draw(&s->progress, at);
}

static void
on_warning(void *arg, const char *text)
{
	struct shown *s = arg;

	ffs_progress_clear(&s->progress);
	warnx("%s", text);
}

static void
on_removed(void *arg, const struct ffs_sweep_item *i, int rc)
{
	struct shown *s = arg;
	struct ffs_json *j = &s->json;

	if (rc)
		return;
	if (s->o->json) {
		ffs_json_open(j);
		ffs_json_str(j, "type", "removed");
		ffs_json_str(j, "key", i->key);
		ffs_json_str(j, "node", s->nodes->v[i->node].name);
		ffs_json_uint(j, "bytes", i->size);
		ffs_json_close(j);
		ffs_json_print(j, stdout);
	} else if (s->o->verbose) {
		printf("%s\n", i->key);
	}
}

static int
run_prune(const struct opts *o, struct ffs_stores *st, struct shown *s)
{
	struct ffs_prune_opts po = { .bucket = ffs_config_bucket(),
		.dataset = o->dataset,
		.generation = o->generation,
		.all = o->delete,
		.stop = ffs_process_stop(),
		.each = on_removed,
		.warn = on_warning,
		.arg = s };
	struct ffs_prune_result res = { 0 };
	int rc;

	ffs_http_stop_on(st->http, ffs_process_stop());
	rc = ffs_prune_run(st, &po, &res);

	if (rc && rc != -EINTR)
		warnx("%s", res.error);
	if (!o->quiet && (!rc || res.objects))
		fprintf(stderr, "%s: removed %" PRIu64 " objects, %.1f MB\n", o->dataset,
		    res.objects, (double)res.bytes / 1e6);
	return rc;
}

static int
run_load(const struct opts *o, struct ffs_stores *st, struct shown *s, char **files, int n)
{
	struct ffs_upload_opts uo = { .bucket = ffs_config_bucket(),
		.jobs = (unsigned)o->jobs,
		.level = o->level,
		.flags = o->flags,
		.keep = o->keep,
		.stop = ffs_process_stop(),
		.chunk = on_chunk,
		.dataset = on_dataset,
		.tick = on_tick,
		.warn = on_warning,
		.arg = s };
	int fds[2], rc;
	struct ffs_tarin *t;
	char error[1024];

	if (pipe2(fds, O_CLOEXEC) < 0)
		err(FFS_EXIT_FAIL, "cannot make a pipe");
	t = ffs_tarin_new((const char *const *)files, (size_t)n, o->name, fds[0]);
	if (!t)
		err(FFS_EXIT_FAIL, "cannot start");
	rc = ffs_upload_run(st, t, fds[1], &uo, error, sizeof(error));
	ffs_progress_clear(&s->progress);
	if (rc && rc != -EINTR)
		warnx("%s", error);
	else if (rc && !o->quiet)
		warnx(o->keep ? "interrupted, --resume goes on" : "interrupted");
	if (!rc && !s->datasets) {
		warnx("there are no chunks in the input");
		rc = -EINVAL;
	}
	if (!rc && s->datasets > 1 && !o->quiet)
		fprintf(stderr, "%" PRIu64 " datasets, %" PRIu64 " chunks, %.1f MB\n", s->datasets,
		    s->chunks, (double)s->bytes / 1e6);
	ffs_tarin_free(t);
	close(fds[0]);
	close(fds[1]);
	return rc;
}

static int
run(const struct opts *o, char **files, int n)
{
	struct ffs_http_opts ho = { .max_connections = (unsigned)o->jobs,
		.verbose = o->verbose > 1 };
	struct shown s = { .o = o, .json = FFS_JSON_INIT };
	struct ffs_stores st;
	char *detail = NULL, *exposed;
	int rc = ffs_stores_init(&st, &o->config, &ho, &detail);

	if (rc) {
		warnx("%s", detail ? detail : strerror(-rc));
		free(detail);
		return rc;
	}
	s.nodes = &st.nodes;
	exposed = ffs_stores_exposed(&st);
	if (exposed)
		warnx("%s", exposed);
	free(exposed);
	if (o->verbose)
		ffs_stores_show(&st, stderr);
	/* whoever follows sees each line when it is true */
	if (o->json)
		setvbuf(stdout, NULL, _IOLBF, 0);
	ffs_progress_start(&s.progress, o->progress, stderr);
	rc = o->dataset ? run_prune(o, &st, &s) : run_load(o, &st, &s, files, n);
	ffs_json_release(&s.json);
	ffs_stores_release(&st);
	return rc;
}

static int
level(const char *s)
{
	uint64_t n = 3;

	if (s && ffs_opt_uint(s, 1, (uint64_t)ZSTD_maxCLevel(), &n))
		ffs_exit_usage("bad zstd level '%s': 1 to %d", s, ZSTD_maxCLevel());
	return (int)n;
}

/* DATASET, for --delete also DATASET@GENERATION. */
static void
set_dataset(struct opts *o, char *arg)
{
	char *at = o->delete ? strchr(arg, '@') : NULL;

	if (at) {
		*at = '\0';
		if (ffs_opt_uint(at + 1, 1, INT64_MAX, &o->generation))
			ffs_exit_usage("bad generation '%s'", at + 1);
	}
	if (!ffs_dataset_name_ok(arg))
		ffs_exit_usage("'%s' is no name for a dataset", arg);
	o->dataset = arg;
}

enum { OPT_DELETE = 256, OPT_JSON, OPT_KEEP, OPT_PROGRESS, OPT_PRUNE, OPT_REPLACE, OPT_RESUME };

static void
parse(struct opts *o, int argc, char **argv)
{
	static const struct option longopts[] = {
		{ "delete", required_argument, NULL, OPT_DELETE },
		{ "endpoint", required_argument, NULL, FFS_CONFIG_ENDPOINT },
		{ "help", no_argument, NULL, 'h' },
		{ "jobs", required_argument, NULL, 'j' },
		{ "json", no_argument, NULL, OPT_JSON },
		{ "keep", no_argument, NULL, OPT_KEEP },
		{ "name", required_argument, NULL, 'n' },
		{ "profile", required_argument, NULL, FFS_CONFIG_PROFILE },
		{ "progress", required_argument, NULL, OPT_PROGRESS },
		{ "prune", required_argument, NULL, OPT_PRUNE },
		{ "quiet", no_argument, NULL, 'q' },
		{ "region", required_argument, NULL, FFS_CONFIG_REGION },
		{ "replace", no_argument, NULL, OPT_REPLACE },
		{ "resume", no_argument, NULL, OPT_RESUME },
		{ "verbose", no_argument, NULL, 'v' },
		{ "version", no_argument, NULL, 'V' },
		{ "zstd", optional_argument, NULL, 'z' },
		{ 0 },
	};
	const char *progress = "auto";
	char *dataset = NULL;
	int ch;

	while ((ch = getopt_long(argc, argv, "hj:n:qvVz::", longopts, NULL)) != -1) {
		switch (ch) {
		case OPT_DELETE:
		case OPT_PRUNE:
			*(ch == OPT_DELETE ? &o->delete : &o->prune) = true;
			dataset = optarg;
			break;
		case 'h':
			help();
			exit(ffs_exit_flush(FFS_EXIT_OK));
		case 'j':
			if (ffs_opt_uint(optarg, 1, 256, &o->jobs))
				ffs_exit_usage("bad number of jobs '%s', want 1 to 256", optarg);
			break;
		case OPT_JSON:
			o->json = true;
			break;
		case OPT_KEEP:
			o->keep = true;
			break;
		case 'n':
			if (!ffs_dataset_name_ok(optarg))
				ffs_exit_usage("'%s' is no name for a dataset", optarg);
			o->name = optarg;
			break;
		case OPT_PROGRESS:
			progress = optarg;
			break;
		case 'q':
			o->quiet = true;
			break;
		case OPT_REPLACE:
			o->flags |= FFS_DATASET_REPLACE;
			break;
		case OPT_RESUME:
			o->flags |= FFS_DATASET_RESUME;
			break;
		case 'v':
			o->verbose++;
			break;
		case 'V':
			puts("ffs-load " FFS_VERSION);
			exit(ffs_exit_flush(FFS_EXIT_OK));
		case 'z':
			o->level = level(optarg);
			break;
		default:
			if (!ffs_config_opt(&o->config, ch, optarg))
				ffs_exit_usage(NULL);
		}
	}
	if (ffs_progress_parse(progress, !o->quiet && isatty(STDERR_FILENO), &o->progress))
		ffs_exit_usage("bad progress '%s', want auto, line or none", progress);
	if (o->prune && o->delete)
		ffs_exit_usage("--prune and --delete do not go together");
	if (dataset && optind < argc)
		ffs_exit_usage("--prune and --delete take no files");
	if (dataset)
		set_dataset(o, dataset);
	else if (optind == argc && isatty(STDIN_FILENO))
		ffs_exit_usage("stdin is a terminal: pipe a tar stream in, or name files");
}

int
main(int argc, char **argv)
{
	struct opts o = { .jobs = 8 };
	int rc;

	ffs_process_begin();
	parse(&o, argc, argv);
	ffs_process_catch();
	signal(SIGPIPE, SIG_IGN);
	rc = run(&o, argv + optind, argc - optind);
	if (rc && *ffs_process_stop())
		ffs_process_die(*ffs_process_stop());
	return ffs_exit_flush((int)ffs_exit_of(rc));
}
