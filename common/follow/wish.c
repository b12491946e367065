#include "common/follow/wish.h"

#include <errno.h>
#include <jansson.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/buf.h"
#include "common/base/opt.h"
#include "common/dataset/manifest.h"
#include "common/s3/s3url.h"
#include "common/s3/sigv4.h"

void
ffs_wish_release(struct ffs_wish *w)
{
	free(w->dataset);
	free(w->bucket);
	free(w->key);
	*w = (struct ffs_wish){ 0 };
}

static int
parse_dataset(struct ffs_wish *w, const char *text, const char **why)
{
	const char *at = strrchr(text, '@');
	bool pattern = strpbrk(text, "*?[");

	*why = "it is no name of a dataset";
	if (at && (pattern || ffs_opt_uint(at + 1, 1, UINT64_MAX, &w->generation) < 0))
		return -EINVAL;
	w->dataset = at ? strndup(text, (size_t)(at - text)) : strdup(text);
	if (!w->dataset)
		return -ENOMEM;
	if (!pattern)
		return ffs_dataset_name_ok(w->dataset) ? 0 : -EINVAL;
	for (; *text; text++)
		if ((unsigned char)*text < 0x20 || *text == 0x7f)
			return -EINVAL;
	return strlen(w->dataset) > FFS_DATASET_NAME_MAX ? -EINVAL : 0;
}

/* A query may sign (presigned URLs) or say what is done (x-id), but not ask for something else. */
static int
check_query(const char *q, const char **why)
{
	size_t n;

	for (; *q; q += n + (q[n] == '&')) {
		n = strcspn(q, "&");
		if (!n || !strncasecmp(q, "x-amz-", 6) || !strncmp(q, "x-id=", 5) ||
		    !strncmp(q, "response-", 9))
			continue;
		if (!strncmp(q, "versionId=", 10) || !strncmp(q, "partNumber=", 11)) {
			*why = "a version or a part of an object is not cached";
			return -EOPNOTSUPP;
		}
		*why = "it is no object's URL";
		return -EINVAL;
	}
	return 0;
}

/* Which node's endpoint this is, and of which bucket where that is part of the host. */
static int
find_endpoint(struct ffs_wish *w, const struct ffs_nodes *nodes, const char *url)
{
	const char *host = strstr(url, "://") + 3, *ep;
	size_t i, n = strlen(host), len;

	for (i = 0; i < nodes->n; i++) {
		ep = nodes->v[i].ep.url;
		w->node = i;
		if (!strcmp(ep, url))
			return 0;
		ep = strstr(ep, "://") + 3;
		len = strlen(ep);
		if (strncmp(nodes->v[i].ep.url, url, (size_t)(host - url)) || n < len + 2 ||
		    host[n - len - 1] != '.' || strcmp(host + n - len, ep))
			continue;
		w->bucket = strndup(host, n - len - 1);
		return w->bucket ? 0 : -ENOMEM;
	}
	return -ENOTCONN;
}

static int
split_path(struct ffs_wish *w, const char *path, size_t n)
{
	struct ffs_buf b = FFS_BUF_INIT;
	char *slash, *whole, *s3;
	int rc = ffs_sigv4_decode(&b, path, n, false);

	if (!rc && (!b.len || memchr(b.p, '\0', b.len)))
		rc = -EINVAL;
	if (!rc && !w->bucket) {
		slash = memchr(b.p, '/', b.len);
		w->bucket = slash ? strndup(b.p, (size_t)(slash - b.p)) : NULL;
		w->key = slash ? strdup(slash + 1) : NULL;
	} else if (!rc) {
		w->key = strdup(b.p);
	}
	ffs_buf_release(&b);
	if (rc || !w->bucket || !w->key)
		return -EINVAL;
	/* One place knows what a bucket and a key may be. */
	s3 = ffs_buf_concat("s3://", w->bucket, "/");
	whole = s3 ? ffs_buf_concat(s3, w->key, "") : NULL;
	free(s3);
	free(w->bucket);
	free(w->key);
	w->bucket = w->key = NULL;
	rc = whole ? ffs_s3url_parse(whole, &w->bucket, &w->key) : -ENOMEM;
	free(whole);
	return rc;
}

static int
parse_url(struct ffs_wish *w, const struct ffs_nodes *nodes, const char *text, const char **why)
{
	const char *host = strstr(text, "://") + 3, *path = host + strcspn(host, "/?#");
	size_t n = strcspn(path, "?#");
	char *base = strndup(text, (size_t)(path - text)), *url = NULL;
	int rc = base ? 0 : -ENOMEM;

	if (!rc) {
		url = ffs_endpoint_url(base);
		*why = "it is no URL";
		rc = url && *path == '/' ? 0 : -EINVAL;
	}
	if (!rc) {
		*why = "its endpoint is not configured";
		rc = find_endpoint(w, nodes, url);
	}
	if (!rc) {
		*why = "it is no object's URL";
		rc = split_path(w, path + 1, n - 1);
	}
	if (!rc && path[n] == '?')
		rc = check_query(path + n + 1, why);
	free(url);
	free(base);
	return rc;
}

int
ffs_wish_parse(
    struct ffs_wish *w, const struct ffs_nodes *nodes, const char *text, const char **why)
{
	int rc;

	*w = (struct ffs_wish){ .node = SIZE_MAX };
	*why = "out of memory";
	if (ffs_s3url_is(text)) {
		*why = "want s3://BUCKET/KEY";
		rc = ffs_s3url_parse(text, &w->bucket, &w->key);
	} else if (!strncmp(text, "http://", 7) || !strncmp(text, "https://", 8)) {
		rc = parse_url(w, nodes, text, why);
	} else {
		rc = parse_dataset(w, text, why);
	}
	if (rc)
		ffs_wish_release(w);
	return rc;
}

/* The bytes of a name that is no UTF-8.  NULL: it is no hexadecimal, or holds a NUL. */
static char *
from_hex(const char *hex)
{
	static const char digits[] = "0123456789abcdef";
	size_t n = strlen(hex), i;
	char *s = malloc(n / 2 + 1);
	const char *hi, *lo;

	if (!s)
		return NULL;
	for (i = 0; i < n / 2; i++) {
		hi = strchr(digits, hex[i * 2]);
		lo = strchr(digits, hex[i * 2 + 1]);
		s[i] = hi && lo ? (char)((hi - digits) << 4 | (lo - digits)) : '\0';
		if (!s[i])
			break;
	}
	s[i] = '\0';
	if (n % 2 || i < n / 2) {
		free(s);
		return NULL;
	}
	return s;
}

static int
parse_json(
    struct ffs_wish *w, const struct ffs_nodes *nodes, const char *line, size_t n, const char **why)
{
	json_t *root = json_loadb(line, n, JSON_REJECT_DUPLICATES, NULL);
	const char *type = json_string_value(json_object_get(root, "type"));
	const char *name = json_string_value(json_object_get(root, "url"));
	const char *hex = json_string_value(json_object_get(root, "url_hex"));
	char *raw = hex ? from_hex(hex) : NULL;
	int rc = -EINVAL;

	if (hex)
		name = raw;
	else if (!json_object_get(root, "url"))
		name = json_string_value(json_object_get(root, "dataset"));
	*why = root ? "it has no \"url\"" : "it is no JSON";
	if (json_object_get(root, "counters") ||
	    (type && strcmp(type, "hot") && strcmp(type, "object")))
		rc = 1;
	else if (name)
		rc = ffs_wish_parse(w, nodes, name, why);
	free(raw);
	json_decref(root);
	return rc;
}

int
ffs_wish_parse_line(
    struct ffs_wish *w, const struct ffs_nodes *nodes, const char *line, size_t n, const char **why)
{
	char *text;
	int rc;

	*w = (struct ffs_wish){ 0 };
	while (n && (line[n - 1] == ' ' || line[n - 1] == '\t' || line[n - 1] == '\r'))
		n--;
	if (!n)
		return 1;
	if (*line == '{')
		return parse_json(w, nodes, line, n, why);
	*why = "it holds a NUL";
	if (memchr(line, '\0', n))
		return -EINVAL;
	*why = "out of memory";
	text = strndup(line, n);
	rc = text ? ffs_wish_parse(w, nodes, text, why) : -ENOMEM;
	free(text);
	return rc;
}
