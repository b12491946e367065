#include "common/dataset/cached.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "common/base/crc32c.h"
#include "common/dataset/manifest.h"

int
ffs_cached_find(
    const struct ffs_use *u, const char *bucket, const char *key, struct ffs_cache_hit *hit)
{
	struct ffs_cache_name name = ffs_use_name(u, bucket, key);
	int rc = ffs_cache_find(u->cache, &name, NULL, hit);

	if (rc)
		hit->fd = -1;
	return rc ? -ENOENT : 0;
}

int
ffs_cached_read(const struct ffs_use *u, const char *bucket, const char *key,
    struct ffs_cache_hit *hit, char **json, size_t *n)
{
	struct ffs_cache_name name = ffs_use_name(u, bucket, key);
	size_t at = 0, size = (size_t)hit->size;
	ssize_t got = 0;
	int rc = 0;

	*json = NULL;
	*n = size;
	if (hit->size > FFS_MANIFEST_MAX || hit->decoded || !hit->has_crc)
		rc = -EBADMSG;
	else if (!(*json = malloc(size + 1)))
		return -ENOMEM;
	for (; !rc && at < size; at += (size_t)got) {
		got = pread(hit->fd, *json + at, size - at, (off_t)at);
		if (got <= 0)
			rc = got < 0 && errno == EINTR ? (got = 0) : -EBADMSG;
	}
	if (!rc && ffs_crc32c(0, *json, size) == hit->crc32c) {
		(*json)[size] = '\0';
		return 0;
	}
	ffs_cache_damaged(u->cache, &name, hit);
	free(*json);
	*json = NULL;
	return -EBADMSG;
}

void
ffs_cached_close(struct ffs_cache_hit *hit)
{
	if (hit->fd >= 0)
		close(hit->fd);
	hit->fd = -1;
}

void
ffs_cached_keep(const struct ffs_use *u, const char *bucket, const char *key, const char *etag,
    const char *json, size_t n)
{
	struct ffs_cache_name name = ffs_use_name(u, bucket, key);
	struct ffs_cache_fill_opts o = {
		.etag = etag,
		.size = n,
		.has_crc = true,
		.crc32c = ffs_crc32c(0, json, n),
		.checked = true,
		.control = true,
	};
	enum ffs_cache_refusal refused;
	struct ffs_cache_fill *f;

	if (!u->cache || !etag[0] || ffs_cache_fill_begin(u->cache, &name, &o, &f, &refused))
		return;
	if (ffs_cache_fill_write(f, json, n))
		ffs_cache_fill_abort(f);
	else
		(void)ffs_cache_fill_commit(f);
}

void
ffs_cached_drop(const struct ffs_use *u, const char *bucket, const char *key)
{
	struct ffs_cache_name name = ffs_use_name(u, bucket, key);

	(void)ffs_cache_drop(u->cache, &name);
}
