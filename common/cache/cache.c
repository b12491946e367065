#include "common/cache/cache.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <time.h>
#include <unistd.h>

#include "common/base/crc32c.h"
#include "common/base/opt.h"
#include "common/cache/cacheimpl.h"

uint64_t
ffs_cache_now_us(const struct ffs_cache *c)
{
	struct timespec t;

	if (c->clock)
		return c->clock;
	clock_gettime(CLOCK_REALTIME, &t);
	return (uint64_t)t.tv_sec * 1000000 + (uint64_t)t.tv_nsec / 1000;
}

/* --- names --- */

static void
id_done(struct ffs_cache_id *id)
{
	memcpy(&id->tag, id->b + sizeof(id->b) - sizeof(id->tag), sizeof(id->tag));
	id->tag |= 2; /* 0 and 1 mean something else in the table */
	id->shard = id->b[0];
}

void
ffs_cache_id_make(
    EVP_MD_CTX *ctx, const EVP_MD *type, const struct ffs_cache_name *n, struct ffs_cache_id *id)
{
	unsigned char md[EVP_MAX_MD_SIZE] = { 0 };

	/* NUL keeps the parts apart.  These fail only where a provider of SHA-256 is broken; what
	 * an entry says of itself is compared anyway. */
	EVP_DigestInit_ex(ctx, type, NULL);
	EVP_DigestUpdate(ctx, n->endpoint, strlen(n->endpoint) + 1);
	EVP_DigestUpdate(ctx, n->bucket, strlen(n->bucket) + 1);
	EVP_DigestUpdate(ctx, n->key, strlen(n->key));
	EVP_DigestFinal_ex(ctx, md, NULL);
	memcpy(id->b, md, sizeof(id->b));
	id_done(id);
}

void
ffs_cache_id(struct ffs_cache *c, const struct ffs_cache_name *n, struct ffs_cache_id *id)
{
	ffs_cache_id_make(c->mdctx, c->md, n, id);
}

bool
ffs_cache_id_named(const char *hex, struct ffs_cache_id *id)
{
	static const char digits[] = "0123456789abcdef";
	size_t i;

	if (strlen(hex) != FFS_ID_HEX || strspn(hex, digits) != FFS_ID_HEX)
		return false;
	for (i = 0; i < FFS_ID_BYTES; i++)
		id->b[i] = (unsigned char)((strchr(digits, hex[2 * i]) - digits) << 4 |
					   (strchr(digits, hex[2 * i + 1]) - digits));
	id_done(id);
	return true;
}

void
ffs_cache_shard_name(unsigned shard, char out[8])
{
	if (shard == FFS_SHARD_CONTROL)
		memcpy(out, "control", 8);
	else
		snprintf(out, 8, "%02x", shard & 255);
}

void
ffs_cache_id_path(const struct ffs_cache_id *id, bool control, bool tmp, char out[FFS_PATH_MAX])
{
	static const char digits[] = "0123456789abcdef";
	char *p = out;
	size_t i;

	ffs_cache_shard_name(control ? FFS_SHARD_CONTROL : id->shard, p);
	p += strlen(p);
	*p++ = '/';
	if (tmp)
		*p++ = '.';
	for (i = 0; i < FFS_ID_BYTES; i++) {
		*p++ = digits[id->b[i] >> 4];
		*p++ = digits[id->b[i] & 15];
	}
	*p = '\0';
}

/* --- looking up --- */

/* "BOOT-ID SECONDS.NANOSECONDS" of the file's mtime: a file written to since is not verified. */
static int
verified_text(const struct ffs_cache *c, const struct stat *st, char out[80])
{
	return snprintf(out, 80, "%s %" PRId64 ".%09ld", c->boot, (int64_t)st->st_mtim.tv_sec,
	    st->st_mtim.tv_nsec);
}

static bool
is_verified(const struct ffs_cache *c, int fd, const struct stat *st)
{
	char have[80], want[80];
	int n = verified_text(c, st, want);

	return *c->boot && fgetxattr(fd, FFS_ATTR_VERIFIED, have, sizeof(have)) == n &&
	       !memcmp(have, want, (size_t)n);
}

/* A store's clock is not ours, and this is anybody's text: only digits count. */
static int64_t
validated_at(int fd, int64_t filled)
{
	char text[21];
	ssize_t n = fgetxattr(fd, FFS_ATTR_VALIDATED, text, sizeof(text) - 1);
	uint64_t v;

	if (n <= 0)
		return filled;
	text[n] = '\0';
	return ffs_opt_uint(text, 0, INT64_MAX, &v) || (int64_t)v < filled ? filled : (int64_t)v;
}

int
ffs_cache_hit_open(
    struct ffs_cache *c, const char *path, struct ffs_cache_hit *hit, struct ffs_attr *a)
{
	int datafd = ffs_cache_data(c, false), rc;
	struct stat st;

	memset(hit, 0, sizeof(*hit));
	hit->fd = datafd < 0 ? -1
	                     : openat(datafd, path,
				   O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	if (hit->fd < 0)
		return datafd < 0 ? datafd : errno == ELOOP ? -ENOENT : -errno;
	rc = fstat(hit->fd, &st) < 0 ? -errno : ffs_attr_read(hit->fd, a);
	if (!rc && (!S_ISREG(st.st_mode) || (uint64_t)st.st_size != a->size))
		rc = -ENOENT;
	if (rc) {
		close(hit->fd);
		hit->fd = -1;
		return rc == -EBADMSG ? -ENOENT : rc;
	}
	hit->size = a->size;
	hit->has_crc = true;
	hit->crc32c = a->crc32c;
	hit->filled = a->filled;
	hit->decoded = a->decoded;
	memcpy(hit->etag, a->etag, sizeof(hit->etag));
	hit->validated = validated_at(hit->fd, a->filled);
	hit->verified = is_verified(c, hit->fd, &st);
	return 0;
}

/* In the data, else among the control objects. */
static int
find_in(struct ffs_cache *c, const struct ffs_cache_id *id, bool control,
    const struct ffs_cache_name *n, const char *etag, struct ffs_cache_hit *hit)
{
	char path[FFS_PATH_MAX];
	struct ffs_attr a;
	int rc;

	ffs_cache_id_path(id, control, false, path);
	rc = ffs_cache_hit_open(c, path, hit, &a);
	if (!rc && (!ffs_attr_is(&a, n) || (etag && strcmp(a.etag, etag)))) {
		close(hit->fd);
		hit->fd = -1;
		rc = -ENOENT;
	}
	return rc;
}

int
ffs_cache_find(struct ffs_cache *c, const struct ffs_cache_name *n, const char *etag,
    struct ffs_cache_hit *hit)
{
	struct ffs_cache_id id;
	int rc;

	ffs_cache_id(c, n, &id);
	rc = find_in(c, &id, false, n, etag, hit);
	return rc == -ENOENT ? find_in(c, &id, true, n, etag, hit) : rc;
}

bool
ffs_cache_has(struct ffs_cache *c, const struct ffs_cache_name *n)
{
	int datafd = ffs_cache_data(c, false);
	char path[FFS_PATH_MAX];
	struct ffs_cache_id id;

	if (datafd < 0)
		return false;
	ffs_cache_id(c, n, &id);
	ffs_cache_id_path(&id, false, false, path);
	if (!faccessat(datafd, path, R_OK, AT_EACCESS))
		return true;
	ffs_cache_id_path(&id, true, false, path);
	return !faccessat(datafd, path, R_OK, AT_EACCESS);
}

/* --- what is known of a hit --- */

/*
 * Entries are read-only (0444), so that nobody writes into what he was given a link to; who owns
 * one may put a mark on it all the same.
 */
static void
set_mark(int fd, const char *name, const char *text, int n)
{
	if (fsetxattr(fd, name, text, (size_t)n, 0) && errno == EACCES && !fchmod(fd, 0644)) {
		(void)fsetxattr(fd, name, text, (size_t)n, 0);
		(void)fchmod(fd, 0444);
	}
}

void
ffs_cache_verified(struct ffs_cache *c, const struct ffs_cache_hit *hit)
{
	char text[80];
	struct stat st;

	if (c->writable && *c->boot && !fstat(hit->fd, &st))
		set_mark(hit->fd, FFS_ATTR_VERIFIED, text, verified_text(c, &st, text));
}

void
ffs_cache_validated(struct ffs_cache *c, const struct ffs_cache_hit *hit)
{
	char text[32];

	if (c->writable)
		set_mark(hit->fd, FFS_ATTR_VALIDATED, text,
		    snprintf(text, sizeof(text), "%" PRId64, (int64_t)time(NULL)));
}

bool
ffs_cache_is_verified(struct ffs_cache *c, struct ffs_cache_hit *hit)
{
	struct stat st;

	if (!hit->verified)
		hit->verified = !fstat(hit->fd, &st) && is_verified(c, hit->fd, &st);
	return hit->verified;
}

int
ffs_cache_check(struct ffs_cache *c, struct ffs_cache_hit *hit)
{
	enum { STEP = 256 * 1024 };
	uint64_t at = 0;
	uint32_t crc = 0;
	struct stat before, after;
	ssize_t n;
	char *p;
	int rc = 0;

	if (fstat(hit->fd, &before))
		return -errno;
	p = malloc(STEP);
	if (!p)
		return -ENOMEM;
	while ((n = pread(hit->fd, p, STEP, (off_t)at)) > 0 || (n < 0 && errno == EINTR))
		if (n > 0) {
			crc = ffs_crc32c(crc, p, (size_t)n);
			at += (uint64_t)n;
		}
	if (n < 0 || fstat(hit->fd, &after))
		rc = -errno;
	free(p);
	if (!rc && (at != hit->size || crc != hit->crc32c ||
		       before.st_mtim.tv_sec != after.st_mtim.tv_sec ||
		       before.st_mtim.tv_nsec != after.st_mtim.tv_nsec))
		rc = -EBADMSG;
	if (!rc && !hit->verified)
		ffs_cache_verified(c, hit);
	hit->verified = !rc;
	return rc;
}

/* --- taking away --- */

int
ffs_cache_unlink(struct ffs_cache *c, unsigned shard, const char *path, const struct stat *want)
{
	int datafd = ffs_cache_data(c, false);
	struct stat st;

	if (datafd < 0)
		return datafd;
	if (fstatat(datafd, path, &st, AT_SYMLINK_NOFOLLOW))
		return -errno;
	if (want && (st.st_ino != want->st_ino || st.st_dev != want->st_dev))
		return -ENOENT;
	if (unlinkat(datafd, path, 0))
		return -errno;
	ffs_table_count(&c->table, shard, -1, -(int64_t)st.st_size);
	return 0;
}

void
ffs_cache_damaged(
    struct ffs_cache *c, const struct ffs_cache_name *n, const struct ffs_cache_hit *hit)
{
	char path[FFS_PATH_MAX];
	struct ffs_cache_id id;
	struct stat st;
	int control;

	if (c->table.writable)
		ffs_table_add(&c->table.h->damaged, 1);
	if (!c->writable || fstat(hit->fd, &st))
		return;
	ffs_cache_id(c, n, &id);
	for (control = 0; control < 2; control++) {
		ffs_cache_id_path(&id, control, false, path);
		(void)ffs_cache_unlink(c, control ? FFS_SHARD_CONTROL : id.shard, path, &st);
	}
}

int
ffs_cache_drop(struct ffs_cache *c, const struct ffs_cache_name *n)
{
	char path[FFS_PATH_MAX];
	struct ffs_cache_id id;
	int control, rc = -ENOENT, one;

	ffs_cache_id(c, n, &id);
	for (control = 0; control < 2; control++) {
		ffs_cache_id_path(&id, control, false, path);
		one = ffs_cache_unlink(c, control ? FFS_SHARD_CONTROL : id.shard, path, NULL);
		if (one != -ENOENT)
			rc = one;
	}
	return rc;
}

/* --- notes --- */

void
ffs_cache_note_hit(struct ffs_cache *c, const struct ffs_cache_name *n, uint64_t bytes, uint64_t us)
{
	struct ffs_cache_id id;

	if (!c->table.writable)
		return;
	ffs_cache_id(c, n, &id);
	ffs_table_note(&c->table, id.tag, ffs_cache_now_us(c), true, bytes, us);
}

void
ffs_cache_note_miss(struct ffs_cache *c, const struct ffs_cache_name *n)
{
	struct ffs_cache_id id;

	if (!c->table.writable)
		return;
	ffs_cache_id(c, n, &id);
	ffs_table_note(&c->table, id.tag, ffs_cache_now_us(c), false, 0, 0);
}

int
ffs_cache_noted(struct ffs_cache *c, const struct ffs_cache_name *n, struct ffs_cache_noted *noted)
{
	struct ffs_cache_id id;

	ffs_cache_id(c, n, &id);
	return ffs_table_noted(&c->table, id.tag, noted);
}

void
ffs_cache_refuse(struct ffs_cache *c, enum ffs_cache_refusal r)
{
	if (c->table.writable)
		ffs_table_add(&c->table.h->refused[r], 1);
}

static const struct {
	const char *name, *text;
} refusals[] = {
#define REFUSAL(name, text) { #name, text },
	FFS_CACHE_REFUSALS(REFUSAL)
#undef REFUSAL
};

const char *
ffs_cache_refusal_name(enum ffs_cache_refusal r)
{
	return r < FFS_CACHE_REFUSALS_N ? refusals[r].name : "?";
}

const char *
ffs_cache_refusal_text(enum ffs_cache_refusal r)
{
	return r < FFS_CACHE_REFUSALS_N ? refusals[r].text : "?";
}
