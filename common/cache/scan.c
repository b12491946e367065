#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "common/cache/cacheimpl.h"

/* Remove what dead fillers left.  Is there one who lives. */
static bool
sweep(struct ffs_cache *c, DIR *d, unsigned shard, const char *shard_name)
{
	char tmp[FFS_PATH_MAX];
	struct ffs_cache_id id;
	struct dirent *de;
	bool live = false;

	while ((de = readdir(d)))
		if (*de->d_name == '.' && ffs_cache_id_named(de->d_name + 1, &id)) {
			snprintf(tmp, sizeof(tmp), "%s/.%.32s", shard_name, de->d_name + 1);
			live = ffs_cache_sweep(c, tmp, shard) == -EBUSY || live;
		}
	rewinddir(d);
	return live;
}

/* Put right what the table says of a shard, where it says still what it said when we began. */
static void
correct(struct ffs_table_shard *t, const struct ffs_table_shard *was, uint64_t n, uint64_t bytes)
{
	uint64_t e = was->entries, b = was->bytes;

	if (ffs_table_get(&t->entries) != e || ffs_table_get(&t->bytes) != b)
		return;
	if (e != n)
		__atomic_compare_exchange_n(
		    &t->entries, &e, n, false, __ATOMIC_RELAXED, __ATOMIC_RELAXED);
	if (b != bytes)
		__atomic_compare_exchange_n(
		    &t->bytes, &b, bytes, false, __ATOMIC_RELAXED, __ATOMIC_RELAXED);
}

static DIR *
open_shard(struct ffs_cache *c, unsigned shard, char name[8])
{
	int datafd = ffs_cache_data(c, false), fd;
	DIR *d;

	ffs_cache_shard_name(shard, name);
	if (datafd < 0) {
		errno = -datafd;
		return NULL;
	}
	fd = openat(datafd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0)
		return NULL;
	d = fdopendir(fd);
	if (!d)
		close(fd);
	return d;
}

int
ffs_cache_scan(struct ffs_cache *c, unsigned shard,
    int (*each)(void *arg, const struct ffs_scan_entry *e), void *arg)
{
	struct ffs_table_shard *t = c->table.writable ? &c->table.h->shards[shard] : NULL;
	struct ffs_table_shard was = { 0 };
	struct ffs_scan_entry e;
	uint64_t n = 0, bytes = 0;
	bool live = false;
	struct dirent *de;
	struct stat st;
	char name[8];
	DIR *d;
	int rc = 0;

	d = open_shard(c, shard, name);
	if (!d && errno != ENOENT)
		return -errno;
	live = d && sweep(c, d, shard, name);
	if (t) {
		was.entries = ffs_table_get(&t->entries);
		was.bytes = ffs_table_get(&t->bytes);
	}
	while (d && !rc && (de = readdir(d))) {
		if (*de->d_name == '.') {
			live = live || ffs_cache_id_named(de->d_name + 1, &e.id);
			continue;
		}
		if (!ffs_cache_id_named(de->d_name, &e.id) ||
		    fstatat(dirfd(d), de->d_name, &st, AT_SYMLINK_NOFOLLOW) || !S_ISREG(st.st_mode))
			continue;
		e.size = (uint64_t)st.st_size;
		e.mtime_ns =
		    (uint64_t)st.st_mtim.tv_sec * 1000000000 + (uint64_t)st.st_mtim.tv_nsec;
		n++;
		bytes += e.size;
		rc = each ? each(arg, &e) : 0;
	}
	if (d)
		closedir(d);
	if (!rc && t && !live)
		correct(t, &was, n, bytes);
	return rc;
}
