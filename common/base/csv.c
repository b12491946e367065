#include "common/base/csv.h"

#include <csv.h>
#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#ifdef __SSE2__
#include <emmintrin.h>
#endif

#define BLOCK 64
#define FIELD_MAX 64 /* a number; anything longer is none */

struct ffs_csv {
	char delim;
	unsigned column;
	bool slow;     /* see ffs_csv_slow() */
	bool started;  /* a byte-order mark can only come before this */
	size_t bom;    /* length of the mark at the start of this row */
	size_t done;   /* bytes of this row that were looked at */
	size_t delims; /* outside quotes in those, fast path only */
	bool quoted;   /* this row is libcsv's */
	struct csv_parser parser;
	size_t fields;    /* that libcsv finished in this row */
	size_t lines;     /* line ends fed to libcsv in this row */
	size_t open_line; /* lines before the one where the unfinished field began */
	bool ended;       /* libcsv ended the row */
	size_t field_len; /* of the wanted field; SIZE_MAX: none, or too long */
	char field[FIELD_MAX];
};

bool
ffs_csv_delim_ok(const char *s)
{
	return s[0] && !s[1] && !((unsigned char)s[0] & 0x80) && !strchr("\"\r\n", s[0]);
}

struct ffs_csv *
ffs_csv_new(char delim, unsigned column)
{
	struct ffs_csv *c;

	if (delim == '"' || delim == '\r' || delim == '\n') {
		errno = EINVAL;
		return NULL;
	}
	c = calloc(1, sizeof(*c));
	if (!c)
		return NULL;
	c->delim = delim;
	c->column = column;
	c->field_len = SIZE_MAX;
	csv_init(&c->parser, CSV_REPALL_NL);
	csv_set_delim(&c->parser, (unsigned char)delim);
	return c;
}

void
ffs_csv_free(struct ffs_csv *c)
{
	if (!c)
		return;
	csv_free(&c->parser);
	free(c);
}

void
ffs_csv_slow(struct ffs_csv *c)
{
	c->slow = true;
}

/* A bit for each of BLOCK bytes: those that stop the fast path, and delimiters. */
static inline void
classify(const char *p, char delim, uint64_t *stops, uint64_t *delims)
{
#ifdef __SSE2__
	const __m128i lf = _mm_set1_epi8('\n'), cr = _mm_set1_epi8('\r');
	const __m128i quote = _mm_set1_epi8('"'), d = _mm_set1_epi8(delim);
	int i;

	*stops = *delims = 0;
	for (i = 0; i < BLOCK / 16; i++) {
		__m128i v = _mm_loadu_si128((const __m128i *)(const void *)p + i);
		__m128i s = _mm_or_si128(_mm_or_si128(_mm_cmpeq_epi8(v, lf), _mm_cmpeq_epi8(v, cr)),
		    _mm_cmpeq_epi8(v, quote));

		*stops |= (uint64_t)(uint32_t)_mm_movemask_epi8(s) << (16 * i);
		*delims |= (uint64_t)(uint32_t)_mm_movemask_epi8(_mm_cmpeq_epi8(v, d)) << (16 * i);
	}
#else
	int i;

	*stops = *delims = 0;
	for (i = 0; i < BLOCK; i++) {
		*stops |= (uint64_t)(p[i] == '\n' || p[i] == '\r' || p[i] == '"') << i;
		*delims |= (uint64_t)(p[i] == delim) << i;
	}
#endif
}

/* Without -mpopcnt the builtin is a call into libgcc. */
static inline unsigned
count_bits(uint64_t x)
{
	x -= x >> 1 & 0x5555555555555555;
	x = (x & 0x3333333333333333) + (x >> 2 & 0x3333333333333333);
	return (unsigned)(((x + (x >> 4)) & 0x0f0f0f0f0f0f0f0f) * 0x0101010101010101 >> 56);
}

/* Offset of the first LF, CR or quote from off on, or n; *delims grows by the delimiters before it.
 */
static size_t
find_stop(const char *p, size_t off, size_t n, char delim, size_t *delims)
{
	uint64_t stops, found;
	size_t count = *delims, step;
	char tail[BLOCK];

	for (; off < n; off += step) {
		step = n - off < BLOCK ? n - off : BLOCK;
		if (step == BLOCK) {
			classify(p + off, delim, &stops, &found);
		} else {
			memset(tail, '\n', sizeof(tail));
			memcpy(tail, p + off, step);
			classify(tail, delim, &stops, &found);
		}
		if (stops) {
			step = (size_t)__builtin_ctzll(stops);
			count += count_bits(found & ((stops & -stops) - 1));
			off += step;
			break;
		}
		count += count_bits(found);
	}
	*delims = count;
	return off;
}

static bool
is_blank(const char *p, size_t n)
{
	while (n && (*p == ' ' || *p == '\t')) {
		p++;
		n--;
	}
	return !n;
}

/* The wanted field of a row without quotes. */
static void
find_field(const struct ffs_csv *c, const char *p, const char *end, struct ffs_csv_row *row)
{
	const char *stop;
	unsigned i;

	for (i = 1; i < c->column; i++)
		p = (const char *)memchr(p, c->delim, (size_t)(end - p)) + 1;
	stop = memchr(p, c->delim, (size_t)(end - p));
	if (!stop)
		stop = end;
	while (p < stop && (*p == ' ' || *p == '\t'))
		p++;
	while (p < stop && (stop[-1] == ' ' || stop[-1] == '\t'))
		stop--;
	if (stop - p > FIELD_MAX)
		return;
	row->field = p;
	row->field_len = (size_t)(stop - p);
}

/* The row is complete: back to the state between rows. */
static int
finish(struct ffs_csv *c, struct ffs_csv_row *row, size_t len)
{
	row->len = len;
	c->started = true;
	c->quoted = c->ended = false;
	c->bom = c->done = c->delims = c->fields = c->lines = c->open_line = 0;
	return len > FFS_CSV_ROW_MAX ? -EFBIG : 1;
}

static int
need_more(size_t n)
{
	return n > FFS_CSV_ROW_MAX ? -EFBIG : 0;
}

static void
on_field(void *text, size_t n, void *arg)
{
	struct ffs_csv *c = arg;

	c->fields++;
	if (c->fields != c->column)
		return;
	if (n > FIELD_MAX)
		return;
	if (n)
		memcpy(c->field, text, n);
	c->field_len = n;
}

static void
on_row(int end, void *arg)
{
	struct ffs_csv *c = arg;

	(void)end;
	c->ended = true;
}

static int
feed(struct ffs_csv *c, const char *p, size_t n)
{
	if (csv_parse(&c->parser, p, n, on_field, on_row, c) != n)
		return -ENOMEM; /* not strict: there is no other error */
	return 0;
}

/*
 * A row by libcsv, fed one line at a time: a row can only end where a line does,
 * so the bytes of the next row never reach the parser.
 */
static int
next_quoted(struct ffs_csv *c, const char *p, size_t n, bool eof, struct ffs_csv_row *row)
{
	size_t at, fields;
	int rc = 0;

	do {
		for (at = c->done; at < n && p[at] != '\n' && p[at] != '\r'; at++)
			;
		fields = c->fields;
		/* Its buffer for a field grows by this, 128 bytes by default. */
		csv_set_blk_size(&c->parser, 128 + c->done);
		rc = feed(c, p + c->done, at - c->done);
		c->done = at;
		if (c->fields != fields)
			c->open_line = c->lines;
		if (rc || (at == n && !eof))
			break;
		if (at < n && p[at] == '\r' && at + 1 == n && !eof)
			break; /* is there an LF behind it? */
		rc = feed(c, at < n ? p + at : "\n", 1);
		if (rc)
			break;
		if (at == n || p[at] == '\r' || !at || p[at - 1] != '\r')
			c->lines++;
		if (at < n)
			c->done++;
	} while (!c->ended && c->done < n);
	if (rc)
		return rc;
	if (!c->ended) {
		row->lines = c->open_line;
		return eof ? -EBADMSG : need_more(n);
	}
	if (c->done < n && p[c->done - 1] == '\r' && p[c->done] == '\n')
		c->done++;
	row->columns = c->fields;
	row->lines = c->lines;
	if (c->field_len != SIZE_MAX) {
		row->field = c->field;
		row->field_len = c->field_len;
		c->field_len = SIZE_MAX;
	}
	return finish(c, row, c->done);
}

/* A row without quotes.  Where one turns up the row is left for next_quoted(). */
static int
next_plain(struct ffs_csv *c, const char *p, size_t n, bool eof, struct ffs_csv_row *row)
{
	size_t end;

	if (c->done < c->bom)
		c->done = c->bom;
	end = find_stop(p, c->done, n, c->delim, &c->delims);
	c->done = end;
	if (end < n && p[end] == '"') {
		c->quoted = true;
		c->done = c->bom;
		return 0;
	}
	if (!eof && (end == n || (p[end] == '\r' && end + 1 == n)))
		return need_more(n);
	row->columns = c->delims + 1;
	if (!c->delims && is_blank(p + c->bom, end - c->bom))
		row->columns = 0;
	row->lines = 1;
	if (c->column && c->column <= row->columns)
		find_field(c, p + c->bom, p + end, row);
	if (end < n)
		end += p[end] == '\r' && end + 1 < n && p[end + 1] == '\n' ? 2 : 1;
	return finish(c, row, end);
}

int
ffs_csv_next(struct ffs_csv *c, const char *p, size_t n, bool eof, struct ffs_csv_row *row)
{
	int rc;

	*row = (struct ffs_csv_row){ 0 };
	if (!n)
		return 0;
	if (!c->started && !c->done) {
		if (n < 3 && !eof)
			return 0;
		c->bom = n >= 3 && !memcmp(p, "\xef\xbb\xbf", 3) ? 3 : 0;
	}
	if (c->slow && !c->quoted) {
		c->quoted = true;
		c->done = c->bom;
	}
	if (!c->quoted) {
		rc = next_plain(c, p, n, eof, row);
		if (!c->quoted)
			return rc;
	}
	return next_quoted(c, p, n, eof, row);
}
