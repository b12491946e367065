/*
 * ffs-split: cut a CSV into chunks of whole rows, as a tar stream or as files.
 */
#include <err.h>
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "common/exit.h"
#include "common/opt.h"
#include "common/split.h"

static void
usage(FILE *f)
{
	fprintf(f, "usage: ffs-split [-n NAME] [-r ROWS] [-s SIZE] FILE\n");
}

int
main(int argc, char **argv)
{
	struct ffs_split_opts o = { .delim = ',' };
	struct ffs_split_stats st = { 0 };
	struct ffs_split_job job = { .dataset = NULL };
	struct ffs_chunkout *out;
	char text[1024];
	int ch, rc;

	while ((ch = getopt(argc, argv, "n:r:s:")) != -1) {
		switch (ch) {
		case 'n':
			job.dataset = optarg;
			break;
		case 'r':
			rc = ffs_opt_uint(optarg, 1, UINT64_MAX, &o.rows);
			if (rc)
				errx(FFS_EXIT_USAGE, "bad rows '%s': %s", optarg, strerror(-rc));
			break;
		case 's':
			rc = ffs_opt_size(optarg, 1, FFS_SPLIT_CHUNK_MAX, &o.size);
			if (rc)
				errx(FFS_EXIT_USAGE, "bad size '%s': %s", optarg, strerror(-rc));
			break;
		default:
			usage(stderr);
			return FFS_EXIT_USAGE;
		}
	}
	if (isatty(STDOUT_FILENO))
		errx(FFS_EXIT_USAGE,
		    "will not write a tar stream to a terminal: pipe it, or use -C");
	job.book.label = argv[optind] ? argv[optind] : "-";
	if (!job.dataset)
		job.dataset = "stdin";
	job.book.in = ffs_input_new(job.book.label);
	if (!job.book.in)
		err(FFS_EXIT_FAIL, "cannot start");
	rc = ffs_input_open(job.book.in);
	if (rc)
		errx(ffs_exit_of(rc), "cannot read '%s': %s", job.book.label,
		    ffs_input_error(job.book.in));
	out = ffs_chunkout_new_tar(STDOUT_FILENO);
	if (!out)
		err(FFS_EXIT_FAIL, "cannot start");
	rc = ffs_split_run(&job, &o, out, &st, text, sizeof(text));
	if (!rc)
		rc = ffs_chunkout_finish(out);
	if (rc)
		warnx("%s", text);
	ffs_chunkout_free(out);
	ffs_input_free(job.book.in);
	return rc ? FFS_EXIT_FAIL : 0;
}
