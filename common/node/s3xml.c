#include "common/node/s3xml.h"

#include <string.h>

#include "common/s3/sigv4.h"

void
ffs_s3xml_open(struct ffs_buf *b, const char *root)
{
	ffs_buf_addf(b,
	    "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
	    "<%s xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\">",
	    root);
}

void
ffs_s3xml_close(struct ffs_buf *b, const char *name)
{
	ffs_buf_addf(b, "</%s>", name);
}

static void
escape(struct ffs_buf *b, const char *s)
{
	size_t n;

	for (;;) {
		for (n = 0; (unsigned char)s[n] >= 0x20 && !strchr("&<>\"\x7f", s[n]); n++)
			;
		ffs_buf_add(b, s, n);
		s += n;
		switch (*s) {
		case '\0':
			return;
		case '&':
			ffs_buf_adds(b, "&amp;");
			break;
		case '<':
			ffs_buf_adds(b, "&lt;");
			break;
		case '>':
			ffs_buf_adds(b, "&gt;");
			break;
		case '"':
			ffs_buf_adds(b, "&quot;");
			break;
		default:
			ffs_buf_addf(b, "&#x%X;", (unsigned)(unsigned char)*s);
		}
		s++;
	}
}

void
ffs_s3xml_text(struct ffs_buf *b, const char *name, const char *value)
{
	ffs_buf_addf(b, "<%s>", name);
	escape(b, value);
	ffs_s3xml_close(b, name);
}

void
ffs_s3xml_uint(struct ffs_buf *b, const char *name, uint64_t n)
{
	ffs_buf_addf(b, "<%s>%ju</%s>", name, (uintmax_t)n, name);
}

void
ffs_s3xml_bool(struct ffs_buf *b, const char *name, bool yes)
{
	ffs_s3xml_text(b, name, yes ? "true" : "false");
}

void
ffs_s3xml_time(struct ffs_buf *b, const char *name, time_t t)
{
	char text[40];
	struct tm tm;

	if (!gmtime_r(&t, &tm) || !strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%S.000Z", &tm))
		text[0] = '\0';
	ffs_s3xml_text(b, name, text);
}

void
ffs_s3xml_key(struct ffs_buf *b, const char *name, const char *key, bool url)
{
	if (!url) {
		ffs_s3xml_text(b, name, key);
		return;
	}
	ffs_buf_addf(b, "<%s>", name);
	ffs_sigv4_encode(b, key, strlen(key), true);
	ffs_s3xml_close(b, name);
}

void
ffs_s3xml_etag(struct ffs_buf *b, const char *name, const char *etag)
{
	ffs_buf_addf(b, "<%s>&quot;", name);
	escape(b, etag);
	ffs_buf_addf(b, "&quot;</%s>", name);
}

void
ffs_s3xml_owner(struct ffs_buf *b, const char *name)
{
	ffs_buf_addf(b, "<%s><ID>ffs</ID><DisplayName>ffs</DisplayName></%s>", name, name);
}
