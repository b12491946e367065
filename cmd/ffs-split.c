/*
 * ffs-split: cut CSVs into chunks of whole rows, as a tar stream or as files.
 */
#include <err.h>
#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <locale.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "common/split/chunkout.h"
#include "common/base/csv.h"
#include "common/base/exit.h"
#include "common/base/opt.h"
#include "common/base/process.h"
#include "common/split/sources.h"
#include "common/split/split.h"

struct opts {
	struct ffs_split_opts split;
	struct ffs_sources_opts sources;
	const char *dir; /* -C, NULL: a tar stream */
	bool quiet, verbose;
};

/* What notes need: are they wanted, and did one of them tell of a failure? */
struct notes {
	bool quiet, failed;
};

static void
on_note(void *arg, const char *line, bool failed)
{
	struct notes *n = arg;

	n->failed |= failed;
	if (failed || !n->quiet)
		warnx("%s", line);
}

static double
now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void
print_summary(const struct opts *o, const struct ffs_split_stats *st, size_t datasets, double start)
{
	double s = now() - start;

	if (o->quiet || (!o->verbose && !isatty(STDERR_FILENO)))
		return;
	fprintf(stderr,
	    "ffs-split: %zu dataset%s, %" PRIu64 " rows, %" PRIu64
	    " chunks, %.1f MB, %.2f s, %.0f MB/s\n",
	    datasets, datasets == 1 ? "" : "s", st->rows, st->chunks, (double)st->bytes / 1e6, s,
	    (double)st->bytes / 1e6 / (s > 1e-6 ? s : 1e-6));
}

/* All datasets, one after the other, into out.  Returns 0 or -errno, reported. */
static int
split_all(const struct opts *o, struct ffs_sources *sources, struct ffs_chunkout *out)
{
	struct ffs_split_job job = { .stop = ffs_process_stop() };
	struct ffs_split_stats st = { 0 };
	double start = now();
	char text[1024];
	int rc;

	while ((rc = ffs_sources_next(sources, &job)) > 0) {
		rc = ffs_split_run(&job, &o->split, out, &st, text, sizeof(text));
		if (rc) {
			if (rc != -EPIPE && rc != -EINTR)
				warnx("%s", text);
			return rc;
		}
	}
	if (rc) {
		warnx("%s", ffs_sources_error(sources));
		return rc;
	}
	rc = ffs_chunkout_finish(out);
	if (rc && rc != -EPIPE)
		warnx("cannot write the end of the stream: %s", strerror(-rc));
	if (!rc)
		print_summary(o, &st, ffs_sources_count(sources), start);
	return rc;
}

static enum ffs_exit
run(struct opts *o, const char *const *files, size_t n)
{
	struct notes notes = { .quiet = o->quiet };
	struct ffs_chunkout *out;
	struct ffs_sources *sources;
	enum ffs_exit status;
	int rc;

	o->sources.note = on_note;
	o->sources.arg = &notes;
	sources = ffs_sources_new(files, n, &o->sources, &rc);
	if (!sources)
		err(FFS_EXIT_FAIL, "cannot start");
	if (rc) {
		warnx("%s", ffs_sources_error(sources));
		ffs_sources_free(sources);
		if (rc == -EINVAL)
			ffs_exit_usage(NULL);
		return ffs_exit_of(rc);
	}
	out = o->dir ? ffs_chunkout_new_dir(o->dir) : ffs_chunkout_new_tar(STDOUT_FILENO);
	if (!out)
		err(FFS_EXIT_FAIL, "cannot start");
	rc = split_all(o, sources, out);
	ffs_chunkout_free(out);
	ffs_sources_free(sources);
	if (*ffs_process_stop())
		ffs_process_die(*ffs_process_stop());
	if (rc == -EPIPE) /* silently, also where our parent ignores SIGPIPE */
		ffs_process_die(SIGPIPE);
	status = ffs_exit_of(rc);
	return status == FFS_EXIT_OK && notes.failed ? FFS_EXIT_FAIL : status;
}

static void
help(void)
{
	fputs("usage: ffs-split [-hqVv] [-C DIR] [-d CHAR] [-m MESSAGE] [-n NAME] [-r ROWS]\n"
	      "                 [-s SIZE] [--header] [--member GLOB] [--ragged] [--time-col N]\n"
	      "                 [FILE ...]\n"
	      "Cut CSVs into chunks of whole rows and write them as a tar stream for ffs-load.\n"
	      "FILE may be compressed or an archive; '-' or none is stdin.\n\n"
	      "  -C, --directory DIR  write DIR/DATASET/00000.csv and so on, no tar stream\n"
	      "  -d, --delimiter CHAR what separates columns (','; \\t is a tab)\n"
	      "      --header         the first row is a header: begin every chunk with it\n"
	      "  -m, --message FILE   the LOBSTER message file beside the order book\n"
	      "      --member GLOB    take these members of archives\n"
	      "  -n, --name NAME      name of the dataset; may have {ticker} {date} {level}\n"
	      "  -r, --rows ROWS      rows a chunk (1000, or as many thousands as reach 1 MiB)\n"
	      "      --ragged         rows may differ in their number of columns\n"
	      "  -s, --size SIZE      bytes a chunk at most, k m g are powers of 1024\n"
	      "      --time-col N     column N has times: index by it\n"
	      "  -q, --quiet  -v, --verbose  -h, --help  -V, --version\n",
	    stdout);
}

/* -d: one character, or the two characters \t. */
static char
parse_delimiter(const char *s)
{
	if (!strcmp(s, "\\t"))
		return '\t';
	if (!ffs_csv_delim_ok(s))
		ffs_exit_usage("bad delimiter '%s': one ASCII character, no quote or line end", s);
	return s[0];
}

static uint64_t
parse_number(const char *what, const char *s, uint64_t max)
{
	uint64_t n;
	int rc = ffs_opt_uint(s, 1, max, &n);

	if (rc)
		ffs_exit_usage("bad %s '%s': %s", what, s, strerror(-rc));
	return n;
}

enum { OPT_HEADER = 256, OPT_MEMBER, OPT_RAGGED, OPT_TIME_COL };

static void
parse(struct opts *o, int argc, char **argv)
{
	static const struct option longopts[] = {
		{ "delimiter", required_argument, NULL, 'd' },
		{ "directory", required_argument, NULL, 'C' },
		{ "header", no_argument, NULL, OPT_HEADER },
		{ "help", no_argument, NULL, 'h' },
		{ "member", required_argument, NULL, OPT_MEMBER },
		{ "message", required_argument, NULL, 'm' },
		{ "name", required_argument, NULL, 'n' },
		{ "quiet", no_argument, NULL, 'q' },
		{ "ragged", no_argument, NULL, OPT_RAGGED },
		{ "rows", required_argument, NULL, 'r' },
		{ "size", required_argument, NULL, 's' },
		{ "time-col", required_argument, NULL, OPT_TIME_COL },
		{ "verbose", no_argument, NULL, 'v' },
		{ "version", no_argument, NULL, 'V' },
		{ 0 },
	};
	int ch, rc;

	while ((ch = getopt_long(argc, argv, "C:d:hm:n:qr:s:Vv", longopts, NULL)) != -1) {
		switch (ch) {
		case 'C':
			o->dir = optarg;
			break;
		case 'd':
			o->split.delim = parse_delimiter(optarg);
			break;
		case 'h':
			help();
			exit(ffs_exit_flush(FFS_EXIT_OK));
		case 'm':
			o->sources.message = optarg;
			break;
		case 'n':
			o->sources.name = optarg;
			break;
		case 'q':
			o->quiet = true;
			break;
		case 'r':
			o->split.rows = parse_number("rows", optarg, UINT64_MAX);
			break;
		case 's':
			rc = ffs_opt_size(optarg, 1, FFS_SPLIT_CHUNK_MAX, &o->split.size);
			if (rc)
				ffs_exit_usage("bad size '%s': %s", optarg, strerror(-rc));
			break;
		case 'V':
			puts("ffs-split " FFS_VERSION);
			exit(ffs_exit_flush(FFS_EXIT_OK));
		case 'v':
			o->verbose = true;
			break;
		case OPT_HEADER:
			o->split.header = true;
			break;
		case OPT_MEMBER:
			o->sources.member = optarg;
			break;
		case OPT_RAGGED:
			o->split.ragged = true;
			break;
		case OPT_TIME_COL:
			o->split.time_col = (unsigned)parse_number("column", optarg, 1000000);
			break;
		default:
			ffs_exit_usage(NULL);
		}
	}
}

int
main(int argc, char **argv)
{
	static const char *const standard_input[] = { "-" };
	struct opts o = { .split = { .delim = ',' } };

	setlocale(LC_CTYPE, ""); /* libarchive turns names of members into this one's characters */
	ffs_process_begin();
	parse(&o, argc, argv);
	argc -= optind;
	argv += optind;
	if (o.sources.message && o.split.time_col)
		ffs_exit_usage("-m and --time-col exclude each other: times come from one of them");
	if (!argc && isatty(STDIN_FILENO))
		ffs_exit_usage("stdin is a terminal: pipe a CSV in, or name files");
	if (!o.dir && isatty(STDOUT_FILENO))
		ffs_exit_usage("no tar stream to a terminal: pipe it into ffs-load, or use -C");
	if (o.dir)
		ffs_process_catch();
	return run(&o, argc ? (const char *const *)argv : standard_input, argc ? (size_t)argc : 1);
}
