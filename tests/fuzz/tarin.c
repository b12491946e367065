/* The tar stream, from its bytes to entries with legal names. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "common/dataset/manifest.h"
#include "common/load/tarin.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

enum { READ_MAX = 1 << 20 }; /* a bomb shows no more than its start does */

static void
check(const struct ffs_tarin_entry *e)
{
	if (!ffs_dataset_name_ok(e->dataset) || !*e->name || strchr(e->name, '/') || !*e->path)
		abort();
	if (strlen(e->time_first) > 64 || strlen(e->time_last) > 64)
		abort();
}

int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	int fd = memfd_create("tar", MFD_CLOEXEC), rc;
	static char buf[65536];
	struct ffs_tarin_entry e;
	size_t total = 0;
	char path[40];
	const char *const files[] = { path };
	struct ffs_tarin *t;
	ssize_t got = 1;

	if (fd < 0 || write(fd, p, n) != (ssize_t)n)
		abort();
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	t = ffs_tarin_new(files, 1, NULL, -1);
	if (!t)
		abort();
	while ((rc = ffs_tarin_next(t, &e)) > 0 && total < READ_MAX) {
		check(&e);
		while (total < READ_MAX && (got = ffs_tarin_read(t, buf, sizeof(buf))) > 0)
			total += (size_t)got;
		if (got < 0)
			break;
	}
	if ((rc < 0 || got < 0) && !*ffs_tarin_error(t))
		abort();
	ffs_tarin_free(t);
	close(fd);
	return 0;
}
