#include "common/screen/text.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <wchar.h>

#include "common/base/utf8.h"

/* One character of a name. */
struct letter {
	size_t len;     /* bytes of the name */
	unsigned width; /* columns */
	bool shown;     /* as it is; else '?' */
};

static uint32_t
decode(const unsigned char *s, size_t len)
{
	static const unsigned char lead[] = { 0, 0x7f, 0x1f, 0x0f, 0x07 };
	uint32_t c = s[0] & lead[len];
	size_t i;

	for (i = 1; i < len; i++)
		c = c << 6 | (s[i] & 0x3f);
	return c;
}

static struct letter
look(const char *s, size_t left, bool utf8)
{
	struct letter l = { .len = ffs_utf8_len(s, left), .width = 1 };
	uint32_t c;
	int w;

	if (!l.len) {
		l.len = 1;
		return l;
	}
	c = decode((const unsigned char *)s, l.len);
	if (c < 0x80) {
		l.shown = c >= 0x20 && c < 0x7f;
	} else if (utf8) {
		w = wcwidth((wchar_t)c);
		/* Emoji and the like: terminals are of different opinions. */
		if (w == 1 || (w == 2 && c < 0x1f000)) {
			l.shown = true;
			l.width = (unsigned)w;
		}
	}
	return l;
}

/* Columns of the whole name. */
static size_t
measure(const char *s, size_t len, bool utf8)
{
	struct letter l;
	size_t i, w = 0;

	for (i = 0; i < len; i += l.len) {
		l = look(s + i, len - i, utf8);
		w += l.width;
	}
	return w;
}

struct out {
	char *p;
	size_t n, len;
	unsigned cols, width; /* may have, has */
};

static bool
add(struct out *o, const char *s, size_t len, unsigned width)
{
	if (o->width + width > o->cols || o->len + len >= o->n)
		return false;
	memcpy(o->p + o->len, s, len);
	o->len += len;
	o->width += width;
	return true;
}

static bool
add_letter(struct out *o, const char *s, struct letter l)
{
	return l.shown ? add(o, s, l.len, l.width) : add(o, "?", 1, 1);
}

unsigned
ffs_text_fit(char *out, size_t n, const char *s, size_t len, unsigned cols, bool utf8)
{
	struct out o = { .p = out, .n = n, .cols = cols };
	size_t total = measure(s, len, utf8), i, skip, gone = 0;
	const char *dots = utf8 ? "\u2026" : "~";
	bool cut = total > cols;
	unsigned head = cut ? cols / 4 : 0;
	struct letter l;

	if (!n)
		return 0;
	for (i = 0; i < len; i += l.len) {
		l = look(s + i, len - i, utf8);
		if (cut && o.width + l.width > head)
			break;
		if (!add_letter(&o, s + i, l))
			break;
	}
	if (cut && cols) {
		add(&o, dots, strlen(dots), 1);
		/* What follows must fit: leave out from here as much as there is too much. */
		skip = total - (o.width - 1) - (cols - o.width);
		for (; i < len && gone < skip; i += l.len) {
			l = look(s + i, len - i, utf8);
			gone += l.width;
		}
		for (; i < len; i += l.len) {
			l = look(s + i, len - i, utf8);
			if (!add_letter(&o, s + i, l))
				break;
		}
	}
	out[o.len] = '\0';
	return o.width;
}

size_t
ffs_text_clip(const char *s, unsigned cols)
{
	size_t i, len, n = strlen(s);

	for (i = 0; i < n && cols; i += len ? len : 1, cols--)
		len = ffs_utf8_len(s + i, n - i);
	return i;
}

/* Three digits that count and a unit; units[] are 1000 apart. */
static const char *
scaled(char *buf, size_t n, uint64_t v, const char *const *units, size_t nunits)
{
	double x = (double)v;
	size_t u = 0;

	while (x >= 999.5 && u + 1 < nunits) {
		x /= 1000;
		u++;
	}
	snprintf(buf, n, "%.*f%s", u && x < 99.95 ? 1 : 0, x, units[u]);
	return buf;
}

const char *
ffs_text_count(char *buf, size_t n, uint64_t v)
{
	static const char *const units[] = { "", "k", "M", "G", "T", "P", "E" };

	if (v < 100000)
		snprintf(buf, n, "%" PRIu64, v);
	else
		scaled(buf, n, v, units, 7);
	return buf;
}

const char *
ffs_text_bytes(char *buf, size_t n, uint64_t v)
{
	static const char *const units[] = { " B", " kB", " MB", " GB", " TB", " PB", " EB" };

	return scaled(buf, n, v, units, 7);
}

const char *
ffs_text_us(char *buf, size_t n, uint64_t us)
{
	double ms = (double)us / 1e3;

	if (!us)
		snprintf(buf, n, "-");
	else if (us < 1000)
		snprintf(buf, n, "%" PRIu64 " us", us);
	else if (ms < 999.5)
		snprintf(buf, n, "%.*f ms", ms < 9.995 ? 2 : ms < 99.95 ? 1 : 0, ms);
	else
		snprintf(buf, n, "%.1f s", ms / 1e3);
	return buf;
}

const char *
ffs_text_age(char *buf, size_t n, uint64_t s)
{
	if (s < 100)
		snprintf(buf, n, "%" PRIu64 "s", s);
	else if (s < 100 * 60)
		snprintf(buf, n, "%" PRIu64 "m", s / 60);
	else if (s < 72 * 3600)
		snprintf(buf, n, "%" PRIu64 "h", s / 3600);
	else
		snprintf(buf, n, "%" PRIu64 "d", s / 86400);
	return buf;
}

const char *
ffs_text_rate(char *buf, size_t n, double v)
{
	if (v < 0.05)
		snprintf(buf, n, "0");
	else
		snprintf(buf, n, "%.*f", v < 99.95 ? 1 : 0, v);
	return buf;
}
