/* What progress writes, when, and what takes it away. */
#include "common/base/progress.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/exit.h"
#include "tests/unit/check.h"

/* What is written after so many seconds in this mode. */
static void
drawn(enum ffs_progress_mode mode, int seconds, const struct ffs_progress_at *at, const char *want)
{
	struct ffs_progress p;
	char *text = NULL;
	size_t n;
	FILE *f = open_memstream(&text, &n);

	ffs_progress_start(&p, mode, f);
	ffs_progress_draw(&p, at); /* too early */
	p.began -= seconds * 1000;
	p.shown -= seconds * 1000;
	ffs_progress_draw(&p, at);
	ffs_progress_clear(&p);
	ffs_progress_clear(&p); /* nothing there */
	fclose(f);
	CHECK(!strcmp(text, want), "drew '%s', not '%s'", text, want);
	free(text);
}

int
main(void)
{
	static const struct ffs_progress_at open = { .chunks = 3, .bytes = 110000000 }, known = {
		.chunks = 3, .total_chunks = 9, .bytes = 110000000, .total_bytes = 120000000
	};
	struct ffs_progress_at resumed = known;
	enum ffs_progress_mode mode;

	drawn(FFS_PROGRESS_NONE, 1000, &known, "");
	drawn(FFS_PROGRESS_LINE, 1, &known, "");
	drawn(FFS_PROGRESS_LINE, 1000, &open, "3 chunks, 110.0 MB, 0.1 MB/s\n");
	drawn(FFS_PROGRESS_LINE, 1000, &known,
	    "3 of 9 chunks, 110.0 of 120.0 MB, 0.1 MB/s, 91 s left\n");
	resumed.had = 100000000;
	drawn(FFS_PROGRESS_LINE, 100, &resumed,
	    "3 of 9 chunks, 110.0 of 120.0 MB, 0.1 MB/s, 100 s left\n");
	drawn(FFS_PROGRESS_SCREEN, 1000, &open,
	    "\r3 chunks, 110.0 MB, 0.1 MB/s\033[K"
	    "\r\033[K");

	CHECK(!ffs_progress_parse("auto", true, &mode) && mode == FFS_PROGRESS_SCREEN, "auto");
	CHECK(!ffs_progress_parse("auto", false, &mode) && mode == FFS_PROGRESS_NONE, "no screen");
	CHECK(!ffs_progress_parse("line", false, &mode) && mode == FFS_PROGRESS_LINE, "line");
	CHECK(!ffs_progress_parse("none", true, &mode) && mode == FFS_PROGRESS_NONE, "none");
	CHECK(ffs_progress_parse("", true, &mode) < 0, "an empty word");

	CHECK(ffs_exit_add(FFS_EXIT_OK, FFS_EXIT_DENIED) == FFS_EXIT_DENIED, "one failure");
	CHECK(ffs_exit_add(FFS_EXIT_DENIED, FFS_EXIT_DENIED) == FFS_EXIT_DENIED, "two alike");
	CHECK(ffs_exit_add(FFS_EXIT_DENIED, FFS_EXIT_UNREACH) == FFS_EXIT_FAIL, "two kinds");
	CHECK(ffs_exit_add(FFS_EXIT_FAIL, FFS_EXIT_DENIED) == FFS_EXIT_FAIL, "and one more");
	return failed;
}
