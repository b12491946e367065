#include "common/cache/kept.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <sys/xattr.h>

#include "common/cache/attr.h"

static const char version[] = "1 checksums=";

enum { HEADER = sizeof(version) + 1 }; /* "1 checksums=0\n" */

/* --- which fields --- */

static bool
is(const char *name, size_t n, const char *what)
{
	return strlen(what) == n && !strncasecmp(name, what, n);
}

static bool
begins(const char *name, size_t n, const char *what)
{
	size_t len = strlen(what);

	return n >= len && !strncasecmp(name, what, len);
}

static bool
is_any(const char *name, size_t n, const char *const *list)
{
	for (; *list; list++)
		if (is(name, n, *list))
			return true;
	return false;
}

/* A list by which an answer varies: what of it needs no look, because requests that have it never
 * come to the cache, or because S3 gives the same bytes to all. */
static bool
varies(const char *v, size_t n)
{
	static const char *const known[] = { "Origin", "Accept-Encoding",
		"Access-Control-Request-Headers", "Access-Control-Request-Method", NULL };
	const char *end = v + n, *comma;
	size_t len;

	for (; v < end; v = comma + 1) {
		comma = memchr(v, ',', (size_t)(end - v));
		if (!comma)
			comma = end;
		for (len = (size_t)(comma - v); len && strchr(" \t", *v); len--)
			v++;
		while (len && strchr(" \t", v[len - 1]))
			len--;
		if (len && !is_any(v, len, known))
			return true;
	}
	return false;
}

static bool
strong_etag(const char *v, size_t n)
{
	return n > 2 && v[0] == '"' && v[n - 1] == '"' && !memchr(v + 1, '"', n - 2);
}

enum ffs_kept_class
ffs_kept_class(const char *name, size_t n, const char *value, size_t nvalue)
{
	static const char *const gone[] = { "Connection", "Keep-Alive", "Proxy-Authenticate",
		"Proxy-Connection", "TE", "Trailer", "Transfer-Encoding", "Upgrade",
		"Content-Range", NULL };
	static const char *const place[] = { "Date", "Content-Length", "Age", "Via", "Alt-Svc",
		"Server-Timing", "X-Amz-Request-Id", "X-Amz-Id-2", "X-Amz-Cf-Id", "X-Amz-Cf-Pop",
		"X-Cache", "X-Request-Id", "X-Trans-Id", "X-Openstack-Request-Id",
		"X-Minio-Request-Id", "CF-Ray", NULL };
	static const char *const bad[] = { "Set-Cookie", "WWW-Authenticate",
		"X-Amz-Request-Charged", "X-Amz-Delete-Marker", NULL };

	if (is_any(name, n, gone))
		return FFS_KEPT_GONE;
	if (is_any(name, n, place) || begins(name, n, "X-Ratelimit-"))
		return FFS_KEPT_PLACE;
	if (is_any(name, n, bad) || begins(name, n, "X-Amz-Server-Side-Encryption-Customer-") ||
	    (is(name, n, "X-Amz-Server-Side-Encryption") && begins(value, nvalue, "aws:kms")) ||
	    (is(name, n, "Vary") && varies(value, nvalue)) ||
	    (is(name, n, "ETag") && !strong_etag(value, nvalue)))
		return FFS_KEPT_BAD;
	return FFS_KEPT_VALUE;
}

bool
ffs_kept_is_checksum(const char *name, size_t n)
{
	return begins(name, n, "X-Amz-Checksum-");
}

/* --- making --- */

void
ffs_kept_begin(struct ffs_kept *k, bool checksums)
{
	k->checksums = checksums;
	k->bad = false;
	k->len = HEADER;
	snprintf(k->text, sizeof(k->text), "%s%d\n", version, checksums);
}

/* A token and a value without control bytes (RFC 9110, 5). */
static bool
is_field(const char *name, size_t n, const char *value, size_t nvalue)
{
	static const char token[] = "!#$%&'*+-.^_`|~0123456789"
				    "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";
	size_t i;

	for (i = 0; i < n; i++)
		if (!name[i] || !strchr(token, name[i]))
			return false;
	for (i = 0; i < nvalue; i++)
		if (((unsigned char)value[i] < ' ' && value[i] != '\t') || value[i] == 0x7f)
			return false;
	return n > 0;
}

static void
put(struct ffs_kept *k, const char *p, size_t n)
{
	memcpy(k->text + k->len, p, n);
	k->len += n;
}

void
ffs_kept_add(struct ffs_kept *k, const char *name, size_t n, const char *value, size_t nvalue)
{
	enum ffs_kept_class class;

	while (nvalue && strchr(" \t", value[nvalue - 1]))
		nvalue--;
	while (nvalue && strchr(" \t", *value)) {
		value++;
		nvalue--;
	}
	class = ffs_kept_class(name, n, value, nvalue);
	if (class == FFS_KEPT_GONE)
		return;
	if (class == FFS_KEPT_PLACE)
		nvalue = 0;
	if (class == FFS_KEPT_BAD || !is_field(name, n, value, nvalue) ||
	    n + nvalue + 3 > FFS_KEPT_MAX - k->len) {
		k->bad = true;
		return;
	}
	put(k, name, n);
	put(k, ": ", nvalue ? 2 : 1);
	put(k, value, nvalue);
	put(k, "\n", 1);
	k->text[k->len] = '\0';
}

bool
ffs_kept_ok(const struct ffs_kept *k, const char *etag)
{
	struct ffs_kept_field f;
	size_t at = 0, n = strlen(etag), etags = 0;

	if (k->bad)
		return false;
	while (ffs_kept_next(k, &at, &f)) {
		if (!is(f.name, f.nname, "ETag"))
			continue;
		if (f.nvalue != n + 2 || memcmp(f.value + 1, etag, n))
			return false;
		etags++;
	}
	return etags == 1;
}

/* --- reading --- */

bool
ffs_kept_next(const struct ffs_kept *k, size_t *at, struct ffs_kept_field *f)
{
	const char *line, *colon, *end;

	if (!*at)
		*at = HEADER;
	if (*at >= k->len)
		return false;
	line = k->text + *at;
	end = memchr(line, '\n', k->len - *at);
	colon = end ? memchr(line, ':', (size_t)(end - line)) : NULL;
	if (!colon)
		return false;
	f->name = line;
	f->nname = (size_t)(colon - line);
	f->value = colon + 1 + (colon + 1 < end);
	f->nvalue = (size_t)(end - f->value);
	*at = (size_t)(end + 1 - k->text);
	return true;
}

int
ffs_kept_parse(const char *p, size_t n, struct ffs_kept *k)
{
	struct ffs_kept_field f;
	struct ffs_kept in;
	size_t at = 0;

	if (n < HEADER || n > FFS_KEPT_MAX || memcmp(p, version, HEADER - 2) ||
	    (p[HEADER - 2] != '0' && p[HEADER - 2] != '1') || p[HEADER - 1] != '\n')
		return -EBADMSG;
	memcpy(in.text, p, n);
	in.len = n;
	/* One spelling only: made again of its own fields it is the same. */
	ffs_kept_begin(k, p[HEADER - 2] == '1');
	while (ffs_kept_next(&in, &at, &f))
		ffs_kept_add(k, f.name, f.nname, f.value, f.nvalue);
	return !k->bad && k->len == n && !memcmp(k->text, p, n) ? 0 : -EBADMSG;
}

/* The attribute's text, its length or -errno. */
static ssize_t
get(int fd, char text[FFS_KEPT_MAX])
{
	ssize_t n = fgetxattr(fd, FFS_ATTR_HEAD, text, FFS_KEPT_MAX);

	if (n < 0)
		return errno == ENODATA ? -ENOENT : errno == ERANGE ? -EBADMSG : -errno;
	return n;
}

int
ffs_kept_read(const struct ffs_cache_hit *hit, struct ffs_kept *k)
{
	char text[FFS_KEPT_MAX];
	ssize_t n = get(hit->fd, text);
	int rc = n < 0 ? (int)n : ffs_kept_parse(text, (size_t)n, k);

	if (rc)
		return rc;
	if (k->len == HEADER)
		return -ENOENT;
	return ffs_kept_ok(k, hit->etag) ? 0 : -EBADMSG;
}

bool
ffs_kept_tried(const struct ffs_cache_hit *hit)
{
	char text[FFS_KEPT_MAX];
	struct ffs_kept k;
	ssize_t n = get(hit->fd, text);

	return n > 0 && !ffs_kept_parse(text, (size_t)n, &k) && k.checksums;
}

int
ffs_kept_write(int fd, const struct ffs_kept *k, const char *etag)
{
	size_t n = ffs_kept_ok(k, etag) ? k->len : HEADER;

	return fsetxattr(fd, FFS_ATTR_HEAD, k->text, n, 0) ? -errno : 0;
}
