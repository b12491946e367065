#include "common/cache/attr.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/xattr.h>

#include "common/base/crc32c.h"
#include "common/base/opt.h"

/* A word: printable ASCII or bytes above it, no space. */
static bool
is_word(const char *s, size_t max)
{
	size_t i;

	for (i = 0; s[i]; i++)
		if (i >= max || (unsigned char)s[i] <= ' ' || s[i] == 0x7f)
			return false;
	return i > 0;
}

int
ffs_attr_name_ok(const struct ffs_cache_name *n)
{
	size_t key = strnlen(n->key, FFS_ATTR_KEY_MAX + 1);

	return is_word(n->endpoint, FFS_ENDPOINT_MAX) && is_word(n->bucket, FFS_BUCKETNAME_MAX) &&
	               key && key <= FFS_ATTR_KEY_MAX
	           ? 0
	           : -EINVAL;
}

int
ffs_attr_etag_ok(const char *etag)
{
	return is_word(etag, FFS_ETAG_MAX) ? 0 : -EINVAL;
}

int
ffs_attr_format(const struct ffs_attr *a, char out[FFS_ATTR_MAX])
{
	struct ffs_cache_name n = { a->endpoint, a->bucket, a->key };
	int len;

	if (ffs_attr_name_ok(&n) || ffs_attr_etag_ok(a->etag) || a->filled < 0)
		return -EINVAL;
	len = snprintf(out, FFS_ATTR_MAX,
	    "size=%" PRIu64 " crc32c=%08" PRIx32 " filled=%" PRId64
	    " decoded=%d etag=%s endpoint=%s bucket=%s key=%s",
	    a->size, a->crc32c, a->filled, a->decoded, a->etag, a->endpoint, a->bucket, a->key);
	return len < FFS_ATTR_MAX ? len : -EINVAL;
}

/* Take "NAME=WORD " off *p, the word to out (of size max + 1).  The last one ends the text. */
static bool
take(const char **p, const char *name, char *out, size_t max, bool last)
{
	size_t n = strlen(name), len;

	if (strncmp(*p, name, n) || (*p)[n] != '=')
		return false;
	*p += n + 1;
	len = last ? strlen(*p) : strcspn(*p, " ");
	if (!len || len > max || (!last && (*p)[len] != ' '))
		return false;
	memcpy(out, *p, len);
	out[len] = '\0';
	*p += len + !last;
	return true;
}

int
ffs_attr_parse(const char *text, size_t n, struct ffs_attr *a)
{
	char copy[FFS_ATTR_MAX], again[FFS_ATTR_MAX];
	char size[21], crc[9], filled[21], decoded[2];
	const char *p = copy;
	uint64_t when;

	memset(a, 0, sizeof(*a));
	if (n >= sizeof(copy) || memchr(text, '\0', n))
		return -EBADMSG;
	memcpy(copy, text, n);
	copy[n] = '\0';
	if (!take(&p, "size", size, sizeof(size) - 1, false) ||
	    !take(&p, "crc32c", crc, sizeof(crc) - 1, false) ||
	    !take(&p, "filled", filled, sizeof(filled) - 1, false) ||
	    !take(&p, "decoded", decoded, sizeof(decoded) - 1, false) ||
	    !take(&p, "etag", a->etag, FFS_ETAG_MAX, false) ||
	    !take(&p, "endpoint", a->endpoint, FFS_ENDPOINT_MAX, false) ||
	    !take(&p, "bucket", a->bucket, FFS_BUCKETNAME_MAX, false) ||
	    !take(&p, "key", a->key, FFS_ATTR_KEY_MAX, true))
		return -EBADMSG;
	if (ffs_opt_uint(size, 0, UINT64_MAX, &a->size) || ffs_crc32c_from_hex(crc, &a->crc32c) ||
	    ffs_opt_uint(filled, 0, INT64_MAX, &when))
		return -EBADMSG;
	a->filled = (int64_t)when;
	a->decoded = *decoded == '1';
	/* One spelling only: what would not be written so is not ours. */
	return ffs_attr_format(a, again) == (int)n && !memcmp(text, again, n) ? 0 : -EBADMSG;
}

bool
ffs_attr_is(const struct ffs_attr *a, const struct ffs_cache_name *n)
{
	return !strcmp(a->key, n->key) && !strcmp(a->bucket, n->bucket) &&
	       !strcmp(a->endpoint, n->endpoint);
}

int
ffs_attr_read(int fd, struct ffs_attr *a)
{
	char text[FFS_ATTR_MAX];
	ssize_t n = fgetxattr(fd, FFS_ATTR_OBJECT, text, sizeof(text));

	if (n < 0)
		return errno == ENODATA ? -ENOENT : errno == ERANGE ? -EBADMSG : -errno;
	return ffs_attr_parse(text, (size_t)n, a);
}
