#include "common/gate/pass.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "common/base/range.h"

void
ffs_pass_head(struct ffs_buf *out, const struct ffs_head *h, const char *add)
{
	const char *from = h->all.p, *line, *next;
	size_t i;

	/* Runs of fields as they came, between those that stay here. */
	for (i = 0; i < h->n; i++) {
		if (!ffs_head_hop(h, &h->v[i]))
			continue;
		line = h->v[i].name.p;
		next = i + 1 < h->n ? h->v[i + 1].name.p : h->all.p + h->all.n - 2;
		ffs_buf_add(out, from, (size_t)(line - from));
		from = next;
	}
	ffs_buf_add(out, from, (size_t)(h->all.p + h->all.n - 2 - from));
	ffs_buf_adds(out, add);
	ffs_buf_add(out, "\r\n", 2);
}

static const char *
reason(int status)
{
	switch (status) {
	case 400:
		return "Bad Request";
	case 403:
		return "Forbidden";
	case 408:
		return "Request Timeout";
	case 431:
		return "Request Header Fields Too Large";
	case 501:
		return "Not Implemented";
	case 502:
		return "Bad Gateway";
	case 503:
		return "Service Unavailable";
	case 504:
		return "Gateway Timeout";
	case 505:
		return "HTTP Version Not Supported";
	default:
		return "Error";
	}
}

void
ffs_pass_error(struct ffs_buf *out, const struct ffs_pass_error *e)
{
	char body[512], date[FFS_RANGE_DATE];
	int n = snprintf(body, sizeof(body),
	    "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
	    "<Error><Code>%s</Code><Message>%s</Message></Error>",
	    e->code, e->text);

	ffs_range_date(date, time(NULL));
	ffs_buf_addf(out,
	    "HTTP/1.1 %d %s\r\nDate: %s\r\nServer: ffs-cache\r\nContent-Type: application/xml\r\n"
	    "Content-Length: %d\r\n%s\r\n",
	    e->status, reason(e->status), date, n, e->add);
	if (!e->to_head)
		ffs_buf_add(out, body, (size_t)n);
}

struct ffs_pass_error
ffs_pass_refused(int rc)
{
	switch (rc) {
	case -EMSGSIZE:
		return (struct ffs_pass_error){ 431, "RequestHeaderSectionTooLarge",
			"The head of the request is too large.", "", false };
	case -EPROTONOSUPPORT:
		return (struct ffs_pass_error){ 505, "HttpVersionNotSupported",
			"Only HTTP/1.0 and HTTP/1.1 are spoken here.", "", false };
	case -EOPNOTSUPP:
		return (struct ffs_pass_error){ 501, "NotImplemented",
			"Neither CONNECT nor a Transfer-Encoding but chunked is known here.", "",
			false };
	case -ENOSYS:
		return (struct ffs_pass_error){ 501, "NotImplemented",
			"The store wants its own name signed, and a body whose chunks are signed "
			"cannot be signed anew: send its hash, or UNSIGNED-PAYLOAD, or write to "
			"the store itself.",
			"", false };
	case -ETIMEDOUT:
		return (struct ffs_pass_error){ 408, "RequestTimeout",
			"The request did not come in time.", "", false };
	case -EACCES:
		return (struct ffs_pass_error){ 403, "SignatureDoesNotMatch",
			"The signature is not what the secret key gives.", "", false };
	case -ETIME:
		return (struct ffs_pass_error){ 403, "RequestTimeTooSkewed",
			"The time of the request is too far from now.", "", false };
	case -ENOKEY:
		return (struct ffs_pass_error){ 403, "InvalidAccessKeyId",
			"The access key is not one of this gateway.", "", false };
	case -ENOENT:
	case -EKEYEXPIRED:
	case -EINVAL:
		return (struct ffs_pass_error){ 403, "AccessDenied",
			"This gateway wants requests that are signed, and in time.", "", false };
	case -ENOMEM:
		return (struct ffs_pass_error){ 503, "SlowDown", "Out of memory.", "", false };
	default:
		return (struct ffs_pass_error){ 400, "BadRequest",
			"The request is not one of HTTP/1.1.", "", false };
	}
}

struct ffs_pass_error
ffs_pass_unreached(int rc)
{
	switch (rc) {
	case -ETIME:
		return (struct ffs_pass_error){ 504, "GatewayTimeout",
			"The store did not answer in time.", "", false };
	case -EBADMSG:
	case -ECONNRESET:
	case -EPIPE:
	case -EPROTO:
		return (struct ffs_pass_error){ 502, "BadGateway",
			"The store broke the connection off, or its answer is no HTTP/1.1.", "",
			false };
	case -EKEYREJECTED:
		return (struct ffs_pass_error){ 502, "BadGateway",
			"The store's certificate is not to be trusted.", "", false };
	case -EMFILE:
	case -ENFILE:
	case -ENOMEM:
		return (struct ffs_pass_error){ 503, "SlowDown", "Too many requests at once.", "",
			false };
	default:
		return (struct ffs_pass_error){ 503, "ServiceUnavailable",
			"The store cannot be reached.", "", false };
	}
}
