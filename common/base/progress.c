#include "common/base/progress.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "common/base/clock.h"

enum { SCREEN_MS = 200, LINE_MS = 2000 };

int
ffs_progress_parse(const char *s, int fd, enum ffs_progress_mode *mode)
{
	if (!strcmp(s, "auto"))
		*mode = isatty(fd) ? FFS_PROGRESS_SCREEN : FFS_PROGRESS_NONE;
	else if (!strcmp(s, "line"))
		*mode = FFS_PROGRESS_LINE;
	else if (!strcmp(s, "none"))
		*mode = FFS_PROGRESS_NONE;
	else
		return -EINVAL;
	return 0;
}

void
ffs_progress_start(struct ffs_progress *p, enum ffs_progress_mode mode)
{
	*p = (struct ffs_progress){ .mode = mode, .began = ffs_clock_ms() };
	p->shown = p->began;
}

/* " of N" where there is a total. */
static void
of_total(char *buf, size_t n, uint64_t total, double unit, int decimals)
{
	buf[0] = '\0';
	if (total)
		snprintf(buf, n, " of %.*f", decimals, (double)total / unit);
}

const char *
ffs_progress_text(struct ffs_progress *p, uint64_t chunks, uint64_t total_chunks, uint64_t bytes,
    uint64_t total_bytes, char *buf, size_t n)
{
	int64_t now = ffs_clock_ms(), every = p->mode == FFS_PROGRESS_LINE ? LINE_MS : SCREEN_MS;
	char of_chunks[32], of_bytes[32], left[48] = "";
	double seconds, rate;

	if (p->mode == FFS_PROGRESS_NONE || now - p->shown < every)
		return NULL;
	p->shown = now;
	seconds = (double)(now - p->began) / 1000;
	rate = (double)bytes / seconds;
	of_total(of_chunks, sizeof(of_chunks), total_chunks, 1, 0);
	of_total(of_bytes, sizeof(of_bytes), total_bytes, 1e6, 1);
	if (total_bytes > bytes && rate > 0)
		snprintf(left, sizeof(left), ", %.0f s left", (double)(total_bytes - bytes) / rate);
	p->drawn = p->mode == FFS_PROGRESS_SCREEN;
	snprintf(buf, n, "%s%" PRIu64 "%s chunks, %.1f%s MB, %.1f MB/s%s%s", p->drawn ? "\r" : "",
	    chunks, of_chunks, (double)bytes / 1e6, of_bytes, rate / 1e6, left,
	    p->drawn ? "\033[K" : "\n");
	return buf;
}

const char *
ffs_progress_clear(struct ffs_progress *p)
{
	bool drawn = p->drawn;

	p->drawn = false;
	return drawn ? "\r\033[K" : "";
}
