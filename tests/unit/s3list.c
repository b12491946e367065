/* Listings and error documents, also hostile ones. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/buf.h"
#include "common/s3/s3.h"
#include "tests/unit/check.h"

static int
each(void *arg, const struct ffs_s3_object *o)
{
	struct ffs_buf *b = arg;

	if (!strcmp(o->key, "stop"))
		return 7;
	ffs_buf_addf(b, "%s%s %ju [%s] %s\n", o->prefix ? "P " : "", o->key, (uintmax_t)o->size,
	    o->etag, o->last_modified);
	return 0;
}

static void
parse_at(int line, const char *xml, int rc, const char *want, const char *want_token)
{
	struct ffs_buf b = FFS_BUF_INIT;
	char *token = NULL;
	int got = ffs_s3_list_parse(xml, strlen(xml), each, &b, &token);

	CHECK(got == rc, "called at %d: %d", line, got);
	CHECK(!want || (b.p && !strcmp(b.p, want)), "called at %d: %s", line, b.p ? b.p : "-");
	CHECK(want_token ? token && !strcmp(token, want_token) : !token, "called at %d: %s", line,
	    token ? token : "-");
	free(token);
	ffs_buf_release(&b);
}
#define PARSE(...) parse_at(__LINE__, __VA_ARGS__)
#define LIST(s) "<ListBucketResult>" s "</ListBucketResult>"
#define KEY(k) "<Contents><Key>" k "</Key><Size>1</Size></Contents>"

static void
check_pages(void)
{
	/* The shape of AWS: a namespace, the encoding before the entries. */
	PARSE(
	    "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
	    "<ListBucketResult xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\"><Name>b</Name>"
	    "<Prefix>a+b</Prefix><EncodingType>url</EncodingType><IsTruncated>true</IsTruncated>"
	    "<NextContinuationToken>a&amp;b==</NextContinuationToken>"
	    "<Contents><Key>z+%2B%C3%A9</Key><LastModified>2024-01-01T00:00:00.000Z</LastModified>"
	    "<ETag>&quot;0123&quot;</ETag><Size>18446744073709551</Size>"
	    "<Owner><ID>x</ID></Owner></Contents>"
	    "<CommonPrefixes><Prefix>dir/</Prefix></CommonPrefixes></ListBucketResult>",
	    0,
	    "P dir/ 0 [] \n"
	    "z +\xc3\xa9 18446744073709551 [0123] 2024-01-01T00:00:00.000Z\n",
	    "a&b==");
	/* The shape of MinIO: the encoding behind them.  A token without truncation is none. */
	PARSE(LIST(KEY("b%2Fa")
		      KEY("a") "<NextContinuationToken>x</NextContinuationToken>"
			       "<IsTruncated>false</IsTruncated><EncodingType>url</EncodingType>"),
	    0, "a 1 [] \nb/a 1 [] \n", NULL);
	/* Another prefix for the namespace; no encoding: '%' and '+' are themselves. */
	PARSE("<s3:ListBucketResult xmlns:s3='x'><s3:Contents><s3:Key>a%2B+</s3:Key></s3:Contents>"
	      "</s3:ListBucketResult>",
	    0, "a%2B+ 0 [] \n", NULL);
	PARSE(LIST(""), 0, NULL, NULL);
	PARSE(LIST(KEY("a") KEY("stop") KEY("z")), 7, "a 1 [] \n", NULL);
	PARSE(LIST(KEY("<![CDATA[a&b]]>") "<Comment><Key>no</Key></Comment>"), 0, "a&b 1 [] \n",
	    NULL);
}

static void
check_hostile(void)
{
	static const char *const bad[] = { "", "hello", "<a/>", "<Error/>", "<ListBucketResult>",
		LIST(KEY("")), LIST("<Contents></Contents>"),
		LIST("<Contents><Key>a</Key><Key>b</Key></Contents>"),
		LIST("<Contents><Key>a</Key><Size>-1</Size></Contents>"),
		LIST("<Contents><Key>a</Key><Size>99999999999999999999</Size></Contents>"),
		LIST("<Contents><Key>a</Key><Size></Size></Contents>"),
		LIST("<IsTruncated>true</IsTruncated>"),
		LIST("<EncodingType>url</EncodingType>" KEY("a%00b")),
		LIST("<EncodingType>url</EncodingType>" KEY("a%0")),
		LIST("<a><a><a><a><a><a><a><a></a></a></a></a></a></a></a></a>"),
		LIST("<aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa/>"),
		"<!DOCTYPE x [<!ENTITY a \"b\">]><ListBucketResult>&a;</ListBucketResult>",
		"<!DOCTYPE x SYSTEM \"file:///etc/passwd\"><ListBucketResult/>",
		LIST(KEY("&undefined;")), LIST(KEY("a\xff")), LIST("") "<x/>" };
	struct ffs_buf b = FFS_BUF_INIT;
	size_t i;

	for (i = 0; i < COUNT(bad); i++)
		parse_at((int)i, bad[i], -EBADMSG, NULL, NULL);
	ffs_buf_adds(&b, "<ListBucketResult><Contents><Key>");
	for (i = 0; i < 9000; i++)
		ffs_buf_addc(&b, 'k');
	ffs_buf_adds(&b, "</Key></Contents></ListBucketResult>");
	PARSE(b.p, -EBADMSG, NULL, NULL);
	ffs_buf_reset(&b);
	ffs_buf_adds(&b, "<ListBucketResult>");
	for (i = 0; i < 20000; i++)
		ffs_buf_adds(&b, KEY("a"));
	ffs_buf_adds(&b, "</ListBucketResult>");
	PARSE(b.p, -EBADMSG, NULL, NULL);
	ffs_buf_release(&b);
}

static void
check_errors(void)
{
	static const struct {
		const char *xml, *code, *message;
	} v[] = {
		{ "<?xml version=\"1.0\"?>\n<Error><Code>NoSuchKey</Code><Message>no &lt;key&gt;"
		  "\x1b[31m</Message><Key>k</Key></Error>",
		    "old", "old" }, /* a control byte is no XML */
		{ "<Error><Code>NoSuchKey</Code><Message>no &lt;key&gt;&#10;x</Message></Error>",
		    "NoSuchKey", "no <key> x" },
		{ "<Error><Code>SlowDown</Code><Mess", "SlowDown", "" },
		{ "<Error><Message>m</Message></Error>", "old", "old" },
		{ "<html><Code>x</Code></html>", "old", "old" },
		{ "", "old", "old" },
		{ "<Error><Code>&#x7f;A</Code></Error>", " A", "" },
	};
	struct ffs_s3_response r;
	size_t i;

	for (i = 0; i < COUNT(v); i++) {
		r = (struct ffs_s3_response){ .code = "old", .message = "old" };
		ffs_s3_error_parse(v[i].xml, strlen(v[i].xml), &r);
		if (i == 0) /* expat gives what came before it */
			CHECK(!strchr(r.message, '\x1b'), "%s", r.message);
		else
			CHECK(!strcmp(r.code, v[i].code) && !strcmp(r.message, v[i].message),
			    "%zu: %s %s", i, r.code, r.message);
	}
}

int
main(void)
{
	check_pages();
	check_hostile();
	check_errors();
	return failed;
}
