#include "common/get/hit.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/base/clock.h"
#include "common/base/crc32c.h"

enum {
	STEP = 8 << 20,     /* of a check, some milliseconds */
	BUFFER = 128 << 10, /* stays in the processor's cache */
};

/* Is it one of the versions that are wanted: -ENOENT, or -EBADMSG where it says so but cannot be.
 */
static int
match(const struct ffs_cache_hit *e, const struct ffs_object *o, bool bare)
{
	size_t i;

	if (e->decoded != (!bare && o->encoding == FFS_ENCODING_ZSTD))
		return -ENOENT;
	for (i = 0; i < o->copies && strcmp(o->etags[i], e->etag) != 0; i++)
		;
	if (o->copies && i == o->copies)
		return -ENOENT;
	if (o->copies && e->size != o->plain_bytes)
		return -EBADMSG;
	return !bare && e->has_crc && e->crc32c != o->plain_crc32c ? -EBADMSG : 0;
}

int
ffs_hit_find(const struct ffs_use *u, const char *bucket, const struct ffs_object *o, bool bare,
    struct ffs_hit **out)
{
	uint64_t start = ffs_clock_us();
	struct ffs_hit *h = calloc(1, sizeof(*h));
	int rc = h ? 0 : -ENOENT;

	if (!rc) {
		h->refs = 1;
		h->use = u;
		h->name = ffs_use_name(u, bucket, o->key);
		h->entry.fd = -1;
		rc = ffs_cache_find(u->cache, &h->name, NULL, &h->entry);
	}
	if (!rc) {
		rc = match(&h->entry, o, bare);
		if (rc == -EBADMSG)
			ffs_hit_damaged(h);
	}
	if (rc) {
		ffs_hit_put(h);
		return -ENOENT;
	}
	h->object = (struct ffs_object){ .key = o->key,
		.bytes = h->entry.size,
		.plain_bytes = h->entry.size,
		.crc32c = bare ? h->entry.crc32c : o->plain_crc32c };
	h->object.plain_crc32c = h->object.crc32c;
	h->fresh = o->copies || ffs_use_fresh(u, &h->entry);
	h->unchecked = (!bare || h->entry.has_crc) && ffs_use_verifies(u, &h->entry);
	h->us = ffs_clock_us() - start;
	*out = h;
	return 0;
}

void
ffs_hit_put(struct ffs_hit *h)
{
	if (!h || --h->refs)
		return;
	if (h->entry.fd >= 0)
		close(h->entry.fd);
	free(h->buf);
	free(h);
}

void
ffs_hit_damaged(struct ffs_hit *h)
{
	ffs_cache_damaged(h->use->cache, &h->name, &h->entry);
}

static int
read_all(struct ffs_hit *h, uint64_t off, char *p, size_t n)
{
	ssize_t got;

	while (n) {
		got = pread(h->entry.fd, p, n, (off_t)off);
		if (got < 0 && errno == EINTR)
			continue;
		if (got <= 0)
			return got ? -errno : -EBADMSG;
		off += (uint64_t)got;
		p += got;
		n -= (size_t)got;
	}
	return 0;
}

/* Was nobody writing into it meanwhile: what was read counts for this mtime only. */
static int
unchanged(struct ffs_hit *h, bool first)
{
	struct stat st;

	if (fstat(h->entry.fd, &st) < 0)
		return -errno;
	if (first)
		h->mtime = st.st_mtim;
	return st.st_mtim.tv_sec == h->mtime.tv_sec && st.st_mtim.tv_nsec == h->mtime.tv_nsec
	           ? 0
	           : -EBADMSG;
}

static int
check(struct ffs_hit *h)
{
	uint64_t end = h->at + STEP;
	size_t n;
	int rc = 0;

	if (!h->buf) {
		h->buf = malloc(BUFFER);
		rc = h->buf ? unchanged(h, true) : -ENOMEM;
	}
	while (!rc && h->at < h->entry.size) {
		if (h->at >= end)
			return -EAGAIN;
		n = h->entry.size - h->at < BUFFER ? (size_t)(h->entry.size - h->at) : BUFFER;
		rc = read_all(h, h->at, h->buf, n);
		if (!rc)
			h->crc = ffs_crc32c(h->crc, h->buf, n);
		h->at += n;
	}
	if (!rc && h->crc != h->object.crc32c)
		rc = -EBADMSG;
	return rc ? rc : unchanged(h, false);
}

static void
check_more(struct ffs_hit *h)
{
	uint64_t start = ffs_clock_us();

	h->rc = check(h);
	h->us += ffs_clock_us() - start;
}

void
ffs_hit_compare(struct ffs_hit *h)
{
	do
		check_more(h);
	while (h->rc == -EAGAIN);
}

int
ffs_hit_settle(struct ffs_hit *h)
{
	free(h->buf);
	h->buf = NULL;
	h->unchecked = false;
	if (!h->rc)
		ffs_cache_verified(h->use->cache, &h->entry);
	else if (h->rc == -EBADMSG || h->rc == -EIO)
		ffs_hit_damaged(h);
	return h->rc;
}

int
ffs_hit_check(struct ffs_hit *h)
{
	if (!h->unchecked)
		return 0;
	check_more(h);
	return h->rc == -EAGAIN ? h->rc : ffs_hit_settle(h);
}

int
ffs_hit_read(struct ffs_hit *h, uint64_t off, char *p, size_t n)
{
	uint64_t start = ffs_clock_us();
	int rc = read_all(h, off, p, n);

	h->us += ffs_clock_us() - start;
	return rc;
}

int
ffs_hit_keep(const struct ffs_use *u, const char *bucket, const struct ffs_object *o, bool bare,
    const char *etag, int64_t since, struct ffs_cache_fill **fill, enum ffs_cache_refusal *refused)
{
	struct ffs_cache_name name = ffs_use_name(u, bucket, o->key);
	bool control = bare && ffs_manifest_is_control(o->key);
	struct ffs_cache_fill_opts fo = {
		.etag = etag,
		.since = since,
		.size = o->plain_bytes,
		.has_crc = !bare,
		.crc32c = o->plain_crc32c,
		.checked = !bare,
		.decoded = !bare && o->encoding == FFS_ENCODING_ZSTD,
	};

	*refused = control ? FFS_CACHE_REFUSED_control : FFS_CACHE_REFUSED_version;
	/* What cannot be asked for again by its ETag is of no use. */
	if (control || !etag[0]) {
		ffs_cache_refuse(u->cache, *refused);
		return -ENOSPC;
	}
	return ffs_cache_fill_begin(u->cache, &name, &fo, fill, refused);
}

void
ffs_hit_note(const struct ffs_hit *h, uint64_t bytes, uint64_t us)
{
	ffs_use_note(
	    h->use, &h->name, h->asked ? FFS_SERVED_CHECKED : FFS_SERVED_CACHE, bytes, h->us + us);
}
