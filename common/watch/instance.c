#include "common/watch/instance.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/base/clock.h"

#define STARTING_MS 5000
#define RETRY_MS 20

static int
say(char **why, int rc, const char *text)
{
	if (why && !*why)
		*why = strdup(text);
	return rc;
}

static int
without_root(char **why)
{
	return say(why, -EPERM,
	    "only root can put programs into the kernel or remove them (sudo ffs-hotmon); without "
	    "it --once shows what is pinned, and 'ffs-get --cache=fill' keeps what it reads");
}

/* One whose maps may be read, and that is there to stay or to watch. */
static bool
is_served(struct ffs_meta *m)
{
	struct ffs_maps maps;

	if (ffs_maps_open(&maps, NULL, NULL))
		return false;
	*m = maps.loaded;
	ffs_maps_release(&maps);
	return true;
}

int
ffs_instance_find(struct ffs_bpffs *b, struct ffs_meta *m, char **why)
{
	int64_t end = ffs_clock_ms() + STARTING_MS;
	struct ffs_maps maps;
	char *text = NULL;
	int rc = ffs_maps_open(&maps, NULL, &text);

	if (!rc) {
		*m = maps.loaded;
		ffs_maps_release(&maps);
		return FFS_INSTANCE_SHARES;
	}
	if (rc == -EACCES && geteuid()) {
		*why = text;
		return rc;
	}
	free(text);
	if (geteuid())
		return without_root(why);
	rc = ffs_bpffs_open(b, why);
	while (!rc && (rc = ffs_bpffs_lock(b)) == -EBUSY) {
		/* It has locked, but not pinned all yet; or it is about to end. */
		if (is_served(m)) {
			ffs_bpffs_release(b);
			return FFS_INSTANCE_SHARES;
		}
		if (ffs_clock_ms() > end)
			break;
		poll(NULL, 0, RETRY_MS);
		rc = 0;
	}
	/* Pinned in the meantime, by one that has ended since. */
	if (!rc && is_served(m)) {
		ffs_bpffs_release(b);
		return FFS_INSTANCE_SHARES;
	}
	if (!rc)
		return FFS_INSTANCE_LOADS;
	ffs_bpffs_release(b);
	return say(why, rc, rc == -EBUSY ? "another ffs-hotmon is starting" : strerror(-rc));
}

int
ffs_instance_unpin(char **why)
{
	struct ffs_bpffs b;
	int rc;

	if (geteuid())
		return without_root(why);
	rc = ffs_bpffs_open(&b, why);
	if (!rc)
		rc = ffs_bpffs_lock(&b);
	if (rc == -EBUSY)
		say(why, rc, "cannot remove the programs: an ffs-hotmon runs with them");
	if (!rc)
		rc = ffs_bpffs_clear(&b);
	if (rc < 0)
		say(why, rc, strerror(-rc));
	ffs_bpffs_release(&b);
	return rc < 0 ? rc : 0;
}
