#include "common/s3/s3.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "common/base/xml.h"
#include "common/s3/s3impl.h"

/* --- what a store says --- */

static void
copy_clean(char *to, size_t size, const char *s)
{
	size_t n = 0;

	for (; *s && n + 1 < size; s++)
		to[n++] = (unsigned char)*s < 32 || *s == 127 ? ' ' : *s;
	to[n] = '\0';
}

static int
error_end(struct ffs_xml *x)
{
	struct ffs_s3_response *r = x->arg;

	if (ffs_xml_at(x, 2, "Error", "Code"))
		copy_clean(r->code, sizeof(r->code), x->text.p);
	else if (ffs_xml_at(x, 2, "Error", "Message"))
		copy_clean(r->message, sizeof(r->message), x->text.p);
	return 0;
}

void
ffs_s3_error_parse(const char *xml, size_t n, struct ffs_s3_response *r)
{
	struct ffs_s3_response found = { 0 };
	struct ffs_xml x = { .end = error_end, .arg = &found };

	/* A document that was cut short may still have told its code. */
	ffs_xml_parse(&x, xml, n);
	if (!found.code[0])
		return;
	memcpy(r->code, found.code, sizeof(r->code));
	memcpy(r->message, found.message, sizeof(r->message));
}

/* --- what the user is told --- */

/* A name for a status that came without an error document, as HEAD's do. */
static const char *
status_text(int status)
{
	static const struct {
		int status;
		const char *text;
	} v[] = { { 301, "Moved Permanently" }, { 307, "Temporary Redirect" },
		{ 400, "Bad Request" }, { 401, "Unauthorized" }, { 403, "Forbidden" },
		{ 404, "Not Found" }, { 405, "Method Not Allowed" }, { 408, "Request Timeout" },
		{ 409, "Conflict" }, { 411, "Length Required" }, { 412, "Precondition Failed" },
		{ 413, "Content Too Large" }, { 416, "Range Not Satisfiable" },
		{ 429, "Too Many Requests" }, { 500, "Internal Server Error" },
		{ 501, "Not Implemented" }, { 502, "Bad Gateway" }, { 503, "Service Unavailable" },
		{ 504, "Gateway Timeout" }, { 507, "Insufficient Storage" } };
	size_t i;

	for (i = 0; i < sizeof(v) / sizeof(v[0]); i++)
		if (v[i].status == status)
			return v[i].text;
	return "HTTP status";
}

const char *
ffs_s3_error(const struct ffs_s3 *s3, const struct ffs_s3_response *r, char *buf, size_t n)
{
	const struct ffs_endpoint *ep = &s3->ep;
	struct ffs_buf b = FFS_BUF_INIT;
	size_t i;

	/* A response is told by status and code; what never became one by its errno or libcurl. */
	if (r->status && (r->status < 200 || r->status > 299) && r->rc != -EBADMSG)
		ffs_buf_addf(&b, "%s (%d)%s%s", r->code[0] ? r->code : status_text(r->status),
		    r->status, r->message[0] ? ": " : "", r->message);
	else
		ffs_buf_adds(&b, r->message[0] ? r->message
				 : r->rc       ? strerrordesc_np(-r->rc)
					       : "no error");
	if (b.len && b.p[b.len - 1] == '.')
		b.p[--b.len] = '\0';
	if (r->attempts > 1)
		ffs_buf_addf(&b, " (%u attempts)", r->attempts);
	if (r->rc != -ENOENT || !strcmp(r->code, "NoSuchBucket"))
		ffs_buf_addf(&b, "; endpoint %s from %s", ep->url, ep->url_from);
	if (r->status == 401 || r->status == 403)
		ffs_buf_addf(
		    &b, ", credentials %s%s", ep->access_key ? "from " : "", ep->cred_from);
	snprintf(buf, n, "%s", b.p ? b.p : "out of memory");
	ffs_buf_release(&b);
	for (i = 0; buf[i]; i++)
		if ((unsigned char)buf[i] < 32 || buf[i] == 127)
			buf[i] = '?';
	return buf;
}
