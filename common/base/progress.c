#include "common/base/progress.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "common/base/clock.h"

enum { SCREEN_MS = 200, LINE_MS = 2000 };

int
ffs_progress_parse(const char *s, bool screen, enum ffs_progress_mode *mode)
{
	if (!strcmp(s, "auto"))
		*mode = screen ? FFS_PROGRESS_SCREEN : FFS_PROGRESS_NONE;
	else if (!strcmp(s, "line"))
		*mode = FFS_PROGRESS_LINE;
	else if (!strcmp(s, "none"))
		*mode = FFS_PROGRESS_NONE;
	else
		return -EINVAL;
	return 0;
}

void
ffs_progress_start(struct ffs_progress *p, enum ffs_progress_mode mode, FILE *f)
{
	*p = (struct ffs_progress){ .mode = mode, .f = f, .began = ffs_clock_ms() };
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

void
ffs_progress_draw(struct ffs_progress *p, const struct ffs_progress_at *at)
{
	int64_t now = ffs_clock_ms(), every = p->mode == FFS_PROGRESS_LINE ? LINE_MS : SCREEN_MS;
	char of_chunks[32], of_bytes[32], left[48] = "";
	double seconds, rate;

	if (p->mode == FFS_PROGRESS_NONE || now - p->shown < every)
		return;
	p->shown = now;
	seconds = (double)(now - p->began) / 1000;
	rate = (double)(at->bytes - at->had) / seconds;
	of_total(of_chunks, sizeof(of_chunks), at->total_chunks, 1, 0);
	of_total(of_bytes, sizeof(of_bytes), at->total_bytes, 1e6, 1);
	if (at->total_bytes > at->bytes && rate > 0)
		snprintf(left, sizeof(left), ", %.0f s left",
		    (double)(at->total_bytes - at->bytes) / rate);
	p->drawn = p->mode == FFS_PROGRESS_SCREEN;
	fprintf(p->f, "%s%" PRIu64 "%s chunks, %.1f%s MB, %.1f MB/s%s%s", p->drawn ? "\r" : "",
	    at->chunks, of_chunks, (double)at->bytes / 1e6, of_bytes, rate / 1e6, left,
	    p->drawn ? "\033[K" : "\n");
	fflush(p->f);
}

void
ffs_progress_clear(struct ffs_progress *p)
{
	if (p->drawn)
		fputs("\r\033[K", p->f);
	p->drawn = false;
}
