#include "common/watch/pins.h"

#include <dirent.h>
#include <errno.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <bpf/bpf.h>

#include "common/base/buf.h"
#include "common/watch/maps.h"

char *
ffs_pins_path(const char *dir, const char *name)
{
	char *own = dir ? NULL : ffs_maps_dir();
	char *path = NULL;

	if (dir || own)
		path = ffs_buf_concat(dir ? dir : own, "/", name);
	free(own);
	return path;
}

int
ffs_pins_map(const char *dir, const char *name, bool write)
{
	LIBBPF_OPTS(bpf_obj_get_opts, opts, .file_flags = write ? 0 : BPF_F_RDONLY);
	char *path = ffs_pins_path(dir, name);
	int fd;

	if (!path)
		return -errno;
	fd = bpf_obj_get_opts(path, &opts);
	if (fd < 0)
		fd = -errno;
	free(path);
	return fd;
}

static uint64_t
now_ns(clockid_t clock)
{
	struct timespec t;

	clock_gettime(clock, &t);
	return (uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_nsec;
}

/* When a process began, in CLOCK_BOOTTIME, rounded down; 0 where that cannot be known. */
static uint64_t
started_ns(uint32_t pid)
{
	char path[32], text[1024], *p;
	unsigned long long ticks = 0;
	size_t n;
	FILE *f;
	int i;

	snprintf(path, sizeof(path), "/proc/%u/stat", pid);
	f = fopen(path, "re");
	if (!f)
		return 0;
	n = fread(text, 1, sizeof(text) - 1, f);
	fclose(f);
	text[n] = '\0';
	/* proc(5): field 22; the second is in parentheses and may hold anything. */
	p = strrchr(text, ')');
	for (i = 2; p && i < 22; i++)
		p = strchr(p + 1, ' ');
	if (p)
		ticks = strtoull(p, NULL, 10);
	return (uint64_t)ticks * (1000000000u / (uint64_t)sysconf(_SC_CLK_TCK));
}

static bool
has_entry(const char *dir, const char *name)
{
	char *path = ffs_pins_path(dir, name);
	DIR *d = path ? opendir(path) : NULL;
	const struct dirent *e;
	bool found = false;

	free(path);
	while (d && !found && (e = readdir(d)))
		found = e->d_name[0] != '.';
	if (d)
		closedir(d);
	return found;
}

bool
ffs_pins_served(const char *dir, const struct ffs_meta *m)
{
	uint64_t asleep;

	if (!m->pid)
		return m->clsact || has_entry(dir, FFS_PINS_LINKS);
	if (kill((pid_t)m->pid, 0) && errno == ESRCH)
		return false;
	/* The number may be another process's by now: one that began later. */
	asleep = now_ns(CLOCK_BOOTTIME) - now_ns(CLOCK_MONOTONIC);
	return started_ns(m->pid) <= m->loaded_ns + asleep;
}
