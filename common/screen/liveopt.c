#include "common/screen/liveopt.h"

#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "common/base/opt.h"

#define INTERVAL_MIN_MS 50
#define INTERVAL_MAX_MS 3600000

static int
take_mode(enum ffs_live_mode *mode, const char *arg)
{
	if (!arg || !strcmp(arg, "screen"))
		*mode = FFS_LIVE_SCREEN;
	else if (!strcmp(arg, "line"))
		*mode = FFS_LIVE_LINE;
	else
		return -EINVAL;
	return 0;
}

int
ffs_liveopt_take(struct ffs_live_opts *o, int opt, const char *arg, char *why, size_t n)
{
	uint64_t ms = 0;
	int rc;

	switch (opt) {
	case FFS_LIVEOPT_DATASET:
		o->dataset = arg;
		rc = ffs_live_dataset_ok(arg) ? 0 : -EINVAL;
		if (rc)
			snprintf(why, n, "bad dataset '%s'", arg);
		return rc;
	case FFS_LIVEOPT_INTERVAL:
		rc = ffs_opt_duration(arg, INTERVAL_MIN_MS, INTERVAL_MAX_MS, &ms);
		o->interval_ms = (unsigned)ms;
		if (rc)
			snprintf(why, n, "bad value '%s' of --interval: 50ms to 1h", arg);
		break;
	case FFS_LIVEOPT_LIVE:
		rc = take_mode(&o->mode, arg);
		if (rc)
			snprintf(why, n, "bad value '%s' of --live: screen or line", arg);
		break;
	default:
		return 1;
	}
	return rc ? -EINVAL : 0;
}
