#include "common/node/s3xml.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/opt.h"
#include "common/base/xml.h"

/* Bodies of requests. */

#define KEYS_MAX 1000

struct parser {
	const char *root;
	int (*leaf)(struct parser *p, const struct ffs_xml *x);  /* an element ended */
	int (*group)(struct parser *p, const struct ffs_xml *x); /* one below the root ended */
	/* CompleteMultipartUpload */
	struct ffs_s3xml_part part;
	int (*each_part)(void *arg, const struct ffs_s3xml_part *p);
	/* Delete */
	char key[1025], version[80];
	bool has_key, quiet;
	unsigned keys;
	int (*each_key)(void *arg, const char *key, const char *version);
	void *arg;
};

static int
on_start(struct ffs_xml *x)
{
	struct parser *p = x->arg;

	return x->depth > 1 || !strcmp(x->name[0], p->root) ? 0 : -EBADMSG;
}

static int
on_end(struct ffs_xml *x)
{
	struct parser *p = x->arg;
	int rc = p->leaf(p, x);

	return rc || x->depth != 2 ? rc : p->group(p, x);
}

static int
parse(struct parser *p, const char *xml, size_t n)
{
	struct ffs_xml x = { .start = on_start, .end = on_end, .arg = p };

	return ffs_xml_parse(&x, xml, n);
}

/* Copy an element's text; too long is malformed. */
static int
take(const struct ffs_xml *x, char *out, size_t cap)
{
	if (x->text.len >= cap)
		return -EBADMSG;
	memcpy(out, x->text.p, x->text.len + 1);
	return 0;
}

static int
part_leaf(struct parser *p, const struct ffs_xml *x)
{
	const char *name = x->name[x->depth - 1];
	char etag[sizeof(p->part.etag)];
	uint64_t number;
	enum ffs_sum s;
	size_t len;

	if (x->depth != 3)
		return 0;
	if (!strcmp(name, "PartNumber")) {
		if (ffs_opt_uint(x->text.p, 1, 10000, &number))
			return -EBADMSG;
		p->part.number = (unsigned)number;
	} else if (!strcmp(name, "ETag")) {
		if (take(x, etag, sizeof(etag)))
			return -EBADMSG;
		len = strlen(etag);
		if (len >= 2 && etag[0] == '"' && etag[len - 1] == '"')
			snprintf(
			    p->part.etag, sizeof(p->part.etag), "%.*s", (int)len - 2, etag + 1);
		else
			memcpy(p->part.etag, etag, len + 1);
	} else if (!strncmp(name, "Checksum", 8)) {
		s = ffs_digest_named(name + 8, strlen(name + 8));
		if (s != FFS_SUM_N)
			return take(x, p->part.sum[s], FFS_DIGEST_TEXT);
	}
	return 0;
}

static int
part_group(struct parser *p, const struct ffs_xml *x)
{
	int rc;

	if (!ffs_xml_at(x, 2, NULL, "Part"))
		return 0;
	if (!p->part.number || !p->part.etag[0])
		return -EBADMSG;
	rc = p->each_part(p->arg, &p->part);
	memset(&p->part, 0, sizeof(p->part));
	return rc;
}

int
ffs_s3xml_parse_parts(
    const char *xml, size_t n, int (*each)(void *arg, const struct ffs_s3xml_part *p), void *arg)
{
	struct parser p = { .root = "CompleteMultipartUpload",
		.leaf = part_leaf,
		.group = part_group,
		.each_part = each,
		.arg = arg };

	return parse(&p, xml, n);
}

static int
delete_leaf(struct parser *p, const struct ffs_xml *x)
{
	if (ffs_xml_at(x, 2, NULL, "Quiet"))
		p->quiet = !strcmp(x->text.p, "true");
	if (ffs_xml_at(x, 3, NULL, "VersionId"))
		return take(x, p->version, sizeof(p->version));
	if (!ffs_xml_at(x, 3, NULL, "Key"))
		return 0;
	p->has_key = true;
	return take(x, p->key, sizeof(p->key));
}

static int
delete_group(struct parser *p, const struct ffs_xml *x)
{
	int rc;

	if (!ffs_xml_at(x, 2, NULL, "Object"))
		return 0;
	if (!p->has_key || ++p->keys > KEYS_MAX)
		return -EBADMSG;
	rc = p->each_key(p->arg, p->key, p->version);
	p->has_key = false;
	p->version[0] = '\0';
	return rc;
}

int
ffs_s3xml_parse_delete(const char *xml, size_t n, bool *quiet,
    int (*each)(void *arg, const char *key, const char *version), void *arg)
{
	struct parser p = { .root = "Delete",
		.leaf = delete_leaf,
		.group = delete_group,
		.each_key = each,
		.arg = arg };
	int rc = parse(&p, xml, n);

	*quiet = p.quiet;
	return rc;
}
