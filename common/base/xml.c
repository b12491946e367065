#include "common/base/xml.h"

#include <errno.h>
#include <expat.h>
#include <string.h>

enum {
	MAX_DEPTH =
	    sizeof(((struct ffs_xml *)NULL)->name) / sizeof(((struct ffs_xml *)NULL)->name[0]),
	MAX_TEXT = 8192,     /* a key is 1024 bytes, each three in URL encoding */
	MAX_SIZE = 32 << 20, /* S3's pages have 1000 entries */
};

static void
fail(struct ffs_xml *x, int rc)
{
	if (!x->rc)
		x->rc = rc;
	XML_StopParser(x->parser, XML_FALSE);
}

static void XMLCALL
on_start(void *arg, const XML_Char *name, const XML_Char **attributes)
{
	const char *colon = strrchr(name, ':');
	struct ffs_xml *x = arg;
	int rc;

	(void)attributes;
	if (colon)
		name = colon + 1;
	if (x->rc)
		return;
	if (x->depth == MAX_DEPTH || strlen(name) >= sizeof(x->name[0])) {
		fail(x, -EBADMSG);
		return;
	}
	memcpy(x->name[x->depth++], name, strlen(name) + 1);
	ffs_buf_reset(&x->text);
	rc = x->start ? x->start(x) : 0;
	if (rc)
		fail(x, rc);
}

static void XMLCALL
on_end(void *arg, const XML_Char *name)
{
	struct ffs_xml *x = arg;
	int rc;

	(void)name;
	if (x->rc)
		return;
	ffs_buf_add(&x->text, "", 0);
	rc = ffs_buf_error(&x->text);
	if (!rc)
		rc = x->end(x);
	if (rc)
		fail(x, rc);
	x->depth--;
	ffs_buf_reset(&x->text);
}

static void XMLCALL
on_text(void *arg, const XML_Char *s, int n)
{
	struct ffs_xml *x = arg;

	if (x->rc)
		return;
	if (x->text.len + (size_t)n > MAX_TEXT)
		fail(x, -EBADMSG);
	else
		ffs_buf_add(&x->text, s, (size_t)n);
}

static void XMLCALL
on_doctype(void *arg, const XML_Char *name, const XML_Char *sysid, const XML_Char *pubid, int sub)
{
	(void)name;
	(void)sysid;
	(void)pubid;
	(void)sub;
	fail(arg, -EBADMSG);
}

int
ffs_xml_parse(struct ffs_xml *x, const char *xml, size_t n)
{
	XML_Parser parser;
	int rc;

	if (n > MAX_SIZE)
		return -EBADMSG;
	parser = XML_ParserCreate(NULL);
	if (!parser)
		return -ENOMEM;
	x->parser = parser;
	XML_SetUserData(parser, x);
	XML_SetElementHandler(parser, on_start, on_end);
	XML_SetCharacterDataHandler(parser, on_text);
	XML_SetStartDoctypeDeclHandler(parser, on_doctype);
	rc = XML_Parse(parser, xml, (int)n, XML_TRUE) == XML_STATUS_OK ? 0 : -EBADMSG;
	if (x->rc)
		rc = x->rc;
	else if (rc && XML_GetErrorCode(parser) == XML_ERROR_NO_MEMORY)
		rc = -ENOMEM;
	XML_ParserFree(parser);
	ffs_buf_release(&x->text);
	return rc;
}

bool
ffs_xml_at(const struct ffs_xml *x, int depth, const char *parent, const char *name)
{
	return x->depth == depth && !strcmp(x->name[depth - 1], name) &&
	       (!parent || !strcmp(x->name[depth - 2], parent));
}
