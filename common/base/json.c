#include "common/base/json.h"

#include <errno.h>
#include <math.h>
#include <string.h>

#include "common/base/utf8.h"

bool
ffs_json_quote(struct ffs_buf *b, const char *s, size_t n)
{
	const unsigned char *p = (const unsigned char *)s;
	bool clean = true;
	size_t i, len;

	ffs_buf_addc(b, '"');
	for (i = 0; i < n; i += len) {
		len = ffs_utf8_len(s + i, n - i);
		if (!len) {
			ffs_buf_adds(b, "\xef\xbf\xbd");
			clean = false;
			len = 1;
		} else if (p[i] < 0x20 || p[i] == 0x7f) {
			ffs_buf_addf(b, "\\u%04x", (unsigned)p[i]);
		} else {
			if (p[i] == '"' || p[i] == '\\')
				ffs_buf_addc(b, '\\');
			ffs_buf_add(b, p + i, len);
		}
	}
	ffs_buf_addc(b, '"');
	return clean;
}

static void
member(struct ffs_json *j, const char *name)
{
	if (j->comma)
		ffs_buf_addc(&j->buf, ',');
	j->comma = true;
	ffs_json_quote(&j->buf, name, strlen(name));
	ffs_buf_addc(&j->buf, ':');
}

void
ffs_json_open(struct ffs_json *j)
{
	ffs_buf_addc(&j->buf, '{');
	j->comma = false;
}

void
ffs_json_open_in(struct ffs_json *j, const char *name)
{
	member(j, name);
	ffs_json_open(j);
}

void
ffs_json_close(struct ffs_json *j)
{
	ffs_buf_addc(&j->buf, '}');
	j->comma = true;
}

void
ffs_json_list(struct ffs_json *j, const char *name)
{
	member(j, name);
	ffs_buf_addc(&j->buf, '[');
	j->comma = false;
}

void
ffs_json_open_next(struct ffs_json *j)
{
	if (j->comma)
		ffs_buf_addc(&j->buf, ',');
	ffs_json_open(j);
}

void
ffs_json_list_end(struct ffs_json *j)
{
	ffs_buf_addc(&j->buf, ']');
	j->comma = true;
}

void
ffs_json_str(struct ffs_json *j, const char *name, const char *s)
{
	member(j, name);
	if (!s) {
		ffs_buf_adds(&j->buf, "null");
		return;
	}
	if (!ffs_json_quote(&j->buf, s, strlen(s))) {
		ffs_buf_addf(&j->buf, ",\"%s_hex\":\"", name);
		ffs_buf_addhex(&j->buf, s, strlen(s));
		ffs_buf_addc(&j->buf, '"');
	}
}

void
ffs_json_uint(struct ffs_json *j, const char *name, uint64_t n)
{
	member(j, name);
	ffs_buf_addf(&j->buf, "%ju", (uintmax_t)n);
}

void
ffs_json_int(struct ffs_json *j, const char *name, int64_t n)
{
	member(j, name);
	ffs_buf_addf(&j->buf, "%jd", (intmax_t)n);
}

void
ffs_json_bool(struct ffs_json *j, const char *name, bool yes)
{
	member(j, name);
	ffs_buf_adds(&j->buf, yes ? "true" : "false");
}

void
ffs_json_fixed(struct ffs_json *j, const char *name, double v, int decimals)
{
	member(j, name);
	if (isfinite(v))
		ffs_buf_addf(&j->buf, "%.*f", decimals, v);
	else
		ffs_buf_adds(&j->buf, "null");
}

void
ffs_json_strs(struct ffs_json *j, const char *name, const char *const *v, size_t n)
{
	size_t i;

	member(j, name);
	ffs_buf_addc(&j->buf, '[');
	for (i = 0; i < n; i++) {
		if (i)
			ffs_buf_addc(&j->buf, ',');
		ffs_json_quote(&j->buf, v[i], strlen(v[i]));
	}
	ffs_buf_addc(&j->buf, ']');
}

int
ffs_json_print(struct ffs_json *j, FILE *f)
{
	int rc;

	ffs_buf_addc(&j->buf, '\n');
	rc = ffs_buf_error(&j->buf);
	if (!rc && fwrite(j->buf.p, 1, j->buf.len, f) != j->buf.len)
		rc = errno ? -errno : -EIO;
	ffs_buf_reset(&j->buf);
	j->comma = false;
	return rc;
}

void
ffs_json_release(struct ffs_json *j)
{
	ffs_buf_release(&j->buf);
}
