#include "common/node/s3xml.h"

#include <errno.h>
#include <expat.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/*
 * Bodies of requests.  Depth and text are bounded, and a document type, with which
 * entities would come, ends the parse.
 */

#define DEPTH_MAX 8
#define TEXT_MAX 3072 /* a key of 1024 bytes, each a character reference, is shorter decoded */
#define KEYS_MAX 1000

struct parser {
	XML_Parser xml;
	int rc;
	int depth;
	size_t len;
	char text[TEXT_MAX + 1];
	const char *root;
	void (*leaf)(struct parser *p, const char *name);  /* an element with text ended */
	void (*group)(struct parser *p, const char *name); /* an element below the root ended */
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

static void
stop(struct parser *p, int rc)
{
	if (!p->rc)
		p->rc = rc;
	XML_StopParser(p->xml, XML_FALSE);
}

/* Names without the name space, which some clients leave out. */
static const char *
local(const char *name)
{
	const char *bar = strrchr(name, '|');

	return bar ? bar + 1 : name;
}

static void
on_start(void *arg, const char *name, const char **attr)
{
	struct parser *p = arg;

	(void)attr;
	if (++p->depth > DEPTH_MAX || (p->depth == 1 && strcmp(local(name), p->root)))
		stop(p, -EINVAL);
	p->len = 0;
}

static void
on_end(void *arg, const char *name)
{
	struct parser *p = arg;

	p->text[p->len] = '\0';
	if (p->rc)
		return;
	p->leaf(p, local(name));
	if (p->depth == 2 && !p->rc)
		p->group(p, local(name));
	p->depth--;
	p->len = 0;
}

static void
on_text(void *arg, const char *s, int n)
{
	struct parser *p = arg;

	if (p->len + (size_t)n > TEXT_MAX) {
		stop(p, -EINVAL);
		return;
	}
	memcpy(p->text + p->len, s, (size_t)n);
	p->len += (size_t)n;
}

static void
on_doctype(void *arg, const char *name, const char *sysid, const char *pubid, int internal)
{
	(void)name;
	(void)sysid;
	(void)pubid;
	(void)internal;
	stop(arg, -EINVAL);
}

static int
parse(struct parser *p, const char *xml, size_t n)
{
	if (!n || n > INT_MAX)
		return -EINVAL;
	p->xml = XML_ParserCreateNS("UTF-8", '|');
	if (!p->xml)
		return -ENOMEM;
	XML_SetUserData(p->xml, p);
	XML_SetElementHandler(p->xml, on_start, on_end);
	XML_SetCharacterDataHandler(p->xml, on_text);
	XML_SetStartDoctypeDeclHandler(p->xml, on_doctype);
	if (XML_Parse(p->xml, xml, (int)n, 1) != XML_STATUS_OK && !p->rc)
		p->rc = -EINVAL;
	XML_ParserFree(p->xml);
	return p->rc;
}

/* Copy the text of a leaf; too long is malformed. */
static void
take(struct parser *p, char *out, size_t cap)
{
	if (p->len >= cap)
		stop(p, -EINVAL);
	else
		memcpy(out, p->text, p->len + 1);
}

static void
part_leaf(struct parser *p, const char *name)
{
	char *end, etag[FFS_DIGEST_TEXT + 40];
	unsigned long n;
	enum ffs_sum s;
	size_t len;

	if (p->depth != 3)
		return;
	if (!strcmp(name, "PartNumber")) {
		n = strtoul(p->text, &end, 10);
		if (end == p->text || *end || n < 1 || n > 10000)
			stop(p, -EINVAL);
		p->part.number = (unsigned)n;
	} else if (!strcmp(name, "ETag")) {
		take(p, etag, sizeof(p->part.etag));
		if (p->rc)
			return;
		len = strlen(etag);
		if (len >= 2 && etag[0] == '"' && etag[len - 1] == '"')
			snprintf(
			    p->part.etag, sizeof(p->part.etag), "%.*s", (int)len - 2, etag + 1);
		else
			snprintf(p->part.etag, sizeof(p->part.etag), "%.79s", etag);
	} else if (!strncmp(name, "Checksum", 8)) {
		s = ffs_digest_named(name + 8, strlen(name + 8));
		if (s != FFS_SUM_N)
			take(p, p->part.sum[s], FFS_DIGEST_TEXT);
	}
}

static void
part_group(struct parser *p, const char *name)
{
	int rc;

	if (strcmp(name, "Part"))
		return;
	if (!p->part.number || !p->part.etag[0]) {
		stop(p, -EINVAL);
		return;
	}
	rc = p->each_part(p->arg, &p->part);
	if (rc)
		stop(p, rc);
	memset(&p->part, 0, sizeof(p->part));
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

static void
delete_leaf(struct parser *p, const char *name)
{
	if (p->depth == 2 && !strcmp(name, "Quiet")) {
		p->quiet = !strcmp(p->text, "true");
	} else if (p->depth == 3 && !strcmp(name, "Key")) {
		take(p, p->key, sizeof(p->key));
		p->has_key = true;
	} else if (p->depth == 3 && !strcmp(name, "VersionId")) {
		take(p, p->version, sizeof(p->version));
	}
}

static void
delete_group(struct parser *p, const char *name)
{
	int rc;

	if (strcmp(name, "Object"))
		return;
	if (!p->has_key || ++p->keys > KEYS_MAX) {
		stop(p, -EINVAL);
		return;
	}
	rc = p->each_key(p->arg, p->key, p->version);
	if (rc)
		stop(p, rc);
	p->has_key = false;
	p->version[0] = '\0';
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
