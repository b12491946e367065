#include "common/gate/answer.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>
#include <strings.h>
#include <sys/random.h>

#include "common/base/opt.h"
#include "common/base/range.h"

static bool
is(const struct ffs_kept_field *f, const char *name)
{
	return strlen(name) == f->nname && !strncasecmp(f->name, name, f->nname);
}

static void
add(struct ffs_buf *out, const struct ffs_kept_field *f, const char *value, size_t n)
{
	ffs_buf_add(out, f->name, f->nname);
	ffs_buf_adds(out, ": ");
	ffs_buf_add(out, value, n);
	ffs_buf_adds(out, "\r\n");
}

static void
add_length(struct ffs_buf *out, const struct ffs_answer *a)
{
	ffs_buf_addf(out, "Content-Length: %" PRIu64 "\r\n", a->len);
	if (a->part)
		ffs_buf_addf(out, "Content-Range: bytes %" PRIu64 "-%" PRIu64 "/%" PRIu64 "\r\n",
		    a->first, a->first + a->len - 1, a->size);
}

/* What each answer has of its own, where the store says nothing. */
static void
add_own(struct ffs_buf *out, const struct ffs_answer *a, const struct ffs_kept_field *f)
{
	static const char digits[] = "0123456789ABCDEF";
	char date[FFS_RANGE_DATE], id[16];
	size_t i;

	if (is(f, "Date")) {
		ffs_range_date(date, a->now);
		add(out, f, date, strlen(date));
	} else if (is(f, "X-Amz-Request-Id")) {
		if (getrandom(id, sizeof(id), 0) != (ssize_t)sizeof(id))
			memset(id, 0, sizeof(id));
		for (i = 0; i < sizeof(id); i++)
			id[i] = digits[id[i] & 15];
		add(out, f, id, sizeof(id));
	}
}

static void
add_place(struct ffs_buf *out, const struct ffs_answer *a, const struct ffs_kept_field *f)
{
	char name[128];
	const struct ffs_span *v = NULL;

	if (a->fresh && f->nname < sizeof(name)) {
		memcpy(name, f->name, f->nname);
		name[f->nname] = '\0';
		v = ffs_head_get(a->fresh, name, NULL);
	}
	if (v)
		add(out, f, v->p, v->n);
	else
		add_own(out, a, f);
}

void
ffs_answer_head(struct ffs_buf *out, const struct ffs_answer *a)
{
	struct ffs_kept_field f;
	bool length = false;
	size_t at = 0;

	ffs_buf_adds(out, a->part ? "HTTP/1.1 206 Partial Content\r\n" : "HTTP/1.1 200 OK\r\n");
	while (ffs_kept_next(a->kept, &at, &f)) {
		/* Of a part stores give none. */
		if (ffs_kept_is_checksum(f.name, f.nname) && (!a->checksums || a->part))
			continue;
		if (is(&f, "Content-Length")) {
			if (!length)
				add_length(out, a);
			length = true;
		} else if (ffs_kept_class(f.name, f.nname, f.value, f.nvalue) == FFS_KEPT_PLACE) {
			add_place(out, a, &f);
		} else {
			add(out, &f, f.value, f.nvalue);
		}
	}
	if (!length)
		add_length(out, a);
	if (!a->keep_alive)
		ffs_buf_adds(out, "Connection: close\r\n");
	else if (!a->minor)
		ffs_buf_adds(out, "Connection: keep-alive\r\n");
	ffs_buf_adds(out, "\r\n");
}

/* Digits, and nothing but digits. */
static bool
number(const char *p, size_t n, uint64_t *v)
{
	char text[21];

	if (!n || n >= sizeof(text))
		return false;
	memcpy(text, p, n);
	text[n] = '\0';
	return strspn(text, "0123456789") == n && !ffs_opt_uint(text, 0, INT64_MAX, v);
}

bool
ffs_answer_range(const char *text, uint64_t size, uint64_t *first, uint64_t *len)
{
	const char *from = text + 6, *dash, *to;
	uint64_t a = 0, b = 0;
	size_t n;

	if (strncmp(text, "bytes=", 6) || !size || !(dash = strchr(from, '-')))
		return false;
	to = dash + 1;
	n = strlen(to);
	if (dash == from) {
		if (!number(to, n, &b) || !b)
			return false;
		a = b < size ? size - b : 0;
		b = size - 1;
	} else if (!number(from, (size_t)(dash - from), &a) || a >= size ||
		   (n && (!number(to, n, &b) || b < a))) {
		return false;
	}
	if (!n || b >= size)
		b = size - 1;
	*first = a;
	*len = b - a + 1;
	return true;
}

/* Its next number, up to the byte behind it, which is end (0: the end). */
static bool
next_number(const char **p, const char *stop, char end, uint64_t *v)
{
	const char *q = end ? memchr(*p, end, (size_t)(stop - *p)) : stop;

	if (!q || !number(*p, (size_t)(q - *p), v))
		return false;
	*p = q + (end != 0);
	return true;
}

bool
ffs_answer_part(const struct ffs_head *h, struct ffs_answer_part *part)
{
	const struct ffs_span *v = ffs_head_get(h, "Content-Range", NULL);
	const char *p, *stop;
	uint64_t last;

	if (h->status != 206 || h->body != FFS_HEAD_LENGTH || !v || v->n < 6 ||
	    strncasecmp(v->p, "bytes ", 6))
		return false;
	p = v->p + 6;
	stop = v->p + v->n;
	if (!next_number(&p, stop, '-', &part->first) || !next_number(&p, stop, '/', &last) ||
	    !next_number(&p, stop, 0, &part->size) || last < part->first || last >= part->size)
		return false;
	part->len = last - part->first + 1;
	return part->len == h->length;
}

bool
ffs_answer_is_etag(const char *text, size_t n, const char *etag)
{
	size_t len = strlen(etag);

	return n == len + 2 && text[0] == '"' && text[n - 1] == '"' && !memcmp(text + 1, etag, len);
}

void
ffs_answer_keep(struct ffs_kept *k, const struct ffs_head *answer, bool checksums)
{
	const struct ffs_head_field *f;
	bool part = answer->status == 206;
	size_t i;

	ffs_kept_begin(k, checksums && !part);
	for (i = 0; i < answer->n; i++) {
		f = &answer->v[i];
		if (!ffs_head_hop(answer, f) &&
		    !(part && ffs_kept_is_checksum(f->name.p, f->name.n)))
			ffs_kept_add(k, f->name.p, f->name.n, f->value.p, f->value.n);
	}
}

void
ffs_answer_etag(const struct ffs_head *answer, char etag[128])
{
	const struct ffs_span *v = ffs_head_get(answer, "ETag", NULL);

	*etag = '\0';
	if (!v || v->n < 3 || v->n > 129 || v->p[0] != '"' || v->p[v->n - 1] != '"' ||
	    memchr(v->p + 1, '"', v->n - 2))
		return;
	memcpy(etag, v->p + 1, v->n - 2);
	etag[v->n - 2] = '\0';
}
