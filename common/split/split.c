#include "common/split/split.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/crc32c.h"
#include "common/base/csv.h"
#include "common/base/dtime.h"

enum {
	READ = 256 * 1024,     /* stays in the second-level cache until it is cut and summed */
	CRC_STEP = 128 * 1024, /* and so does this */
	TIME_MAX = 64,
	MESSAGE_COLUMNS = 6,
	ATTRS = 10,
};

struct when {
	struct ffs_dtime t;
	char text[TIME_MAX + 1];
};

/* A CSV being read.  buf: [0, end) rows of the chunk, [end, len) bytes behind them. */
struct table {
	const struct ffs_split_input *from;
	struct ffs_csv *csv;
	char *buf;
	size_t end, len, cap;
	bool eof;
	bool ragged, timed;
	uint64_t line;    /* number of lines before the next row */
	uint64_t columns; /* every row has; 0: the next row tells */
	struct ffs_csv_row row;
	bool have;    /* row is the next one, checked, and not yet in the chunk */
	size_t rows;  /* in the chunk */
	uint32_t crc; /* of [0, summed) */
	size_t summed;
	bool any_time;
	struct when now, first, last; /* of the next row; of the chunk */
};

struct split {
	const struct ffs_split_job *job;
	const struct ffs_split_opts *o;
	struct ffs_chunkout *out;
	struct ffs_split_stats st;
	struct table book, message;
	char *header;
	size_t header_len;
	uint64_t rows_limit, size_limit;
	char *text;
	size_t text_len;
};

static int __attribute__((format(printf, 3, 4))) fail(struct split *s, int rc, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(s->text, s->text_len, fmt, ap);
	va_end(ap);
	return rc;
}

static int __attribute__((format(printf, 4, 5)))
fail_line(struct split *s, const struct table *t, uint64_t line, const char *fmt, ...)
{
	char what[256];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(what, sizeof(what), fmt, ap);
	va_end(ap);
	return fail(s, -EINVAL, "'%s': line %" PRIu64 ": %s", t->from->label, line, what);
}

static int
table_init(struct table *t, const struct ffs_split_input *from, char delim, unsigned time_col)
{
	t->from = from;
	t->timed = time_col;
	t->csv = ffs_csv_new(delim, time_col);
	t->cap = FFS_SPLIT_BYTES + 2 * READ;
	t->buf = malloc(t->cap);
	return t->csv && t->buf ? 0 : -ENOMEM;
}

static void
table_release(struct table *t)
{
	ffs_csv_free(t->csv);
	free(t->buf);
}

/* More bytes behind those that are there, or eof. */
static int
fill(struct split *s, struct table *t)
{
	size_t cap = t->cap;
	ssize_t got;
	char *p;

	if (s->job->stop && *s->job->stop)
		return fail(s, -EINTR, "interrupted");
	if (cap - t->len < READ) {
		if (__builtin_mul_overflow(cap, 2, &cap))
			return fail(s, -ENOMEM, "'%s': %s", t->from->label, strerror(ENOMEM));
		p = realloc(t->buf, cap);
		if (!p)
			return fail(s, -ENOMEM, "'%s': %s", t->from->label, strerror(ENOMEM));
		t->buf = p;
		t->cap = cap;
	}
	got = ffs_input_read(t->from->in, t->buf + t->len, READ);
	if (got == -EINTR)
		return fail(s, -EINTR, "interrupted");
	if (got < 0)
		return fail(s, (int)got, "cannot read '%s': %s", t->from->label,
		    ffs_input_error(t->from->in));
	t->len += (size_t)got;
	t->eof = !got;
	return 0;
}

static int
check_columns(struct split *s, struct table *t)
{
	if (t->ragged) {
		if (!t->line)
			t->columns = t->row.columns;
		return 0;
	}
	if (!t->row.columns)
		return fail_line(s, t, t->line + 1, "blank line");
	if (!t->columns)
		t->columns = t->row.columns;
	if (s->job->message.in && t == &s->book && t->columns % 4)
		return fail_line(
		    s, t, t->line + 1, "%zu columns, an order book has 4 a level", t->row.columns);
	if (t->row.columns == t->columns)
		return 0;
	return fail_line(s, t, t->line + 1, "%zu column%s, expected %" PRIu64, t->row.columns,
	    t->row.columns == 1 ? "" : "s", t->columns);
}

static int
check_time(struct split *s, struct table *t)
{
	struct ffs_dtime before = t->now.t;

	if (!t->row.field || t->row.field_len > TIME_MAX ||
	    ffs_dtime_parse(t->row.field, t->row.field_len, &t->now.t))
		return fail_line(s, t, t->line + 1, "no time (a decimal number) in its column");
	memcpy(t->now.text, t->row.field, t->row.field_len);
	t->now.text[t->row.field_len] = '\0';
	if (t->any_time && ffs_dtime_cmp(&t->now.t, &before) < 0)
		return fail_line(s, t, t->line + 1, "time runs backwards, to %s", t->now.text);
	t->any_time = true;
	return 0;
}

/* Have the next row in t->row, checked.  Returns 1, 0 at the end, or -errno. */
static int
peek(struct split *s, struct table *t, bool header)
{
	int rc = 0;

	if (t->have)
		return 1;
	while (!(rc = ffs_csv_next(t->csv, t->buf + t->end, t->len - t->end, t->eof, &t->row))) {
		if (t->eof)
			return 0;
		rc = fill(s, t);
		if (rc)
			return rc;
	}
	if (rc == -EBADMSG)
		return fail_line(s, t, t->line + t->row.lines + 1, "quote is never closed");
	if (rc == -EFBIG)
		return fail_line(s, t, t->line + 1,
		    "row is over %zu MiB (a quote that is never closed?)", FFS_CSV_ROW_MAX >> 20);
	if (rc < 0)
		return fail(s, rc, "'%s': %s", t->from->label, strerror(-rc));
	rc = check_columns(s, t);
	if (!rc && t->timed && !header)
		rc = check_time(s, t);
	t->have = !rc;
	return rc ? rc : 1;
}

static void
sum(struct table *t)
{
	t->crc = ffs_crc32c(t->crc, t->buf + t->summed, t->end - t->summed);
	t->summed = t->end;
}

/* The row that peek() found joins the chunk. */
static void
take(struct table *t)
{
	if (t->timed) {
		if (!t->rows)
			t->first = t->now;
		t->last = t->now;
	}
	t->rows++;
	t->end += t->row.len;
	t->line += t->row.lines;
	t->have = false;
	if (t->end - t->summed >= CRC_STEP)
		sum(t);
}

/* The chunk is written: what is behind it moves to the front, to stay in the cache. */
static void
next_chunk(struct table *t)
{
	memmove(t->buf, t->buf + t->end, t->len - t->end);
	t->len -= t->end;
	t->end = t->summed = t->rows = 0;
	t->crc = 0;
}

static int
read_header(struct split *s)
{
	struct table *t = &s->book;
	int rc = peek(s, t, true);

	if (rc <= 0)
		return rc;
	s->header = malloc(t->row.len);
	if (!s->header)
		return fail(s, -ENOMEM, "%s", strerror(ENOMEM));
	s->header_len = t->row.len;
	memcpy(s->header, t->buf, t->row.len);
	s->st.bytes += t->row.len;
	t->end = t->row.len;
	t->line += t->row.lines;
	t->have = false;
	next_chunk(t);
	return 1;
}

/* Is the chunk complete?  Settles how many rows a chunk has, where that is ours to say. */
static bool
is_full(struct split *s)
{
	struct table *t = &s->book;

	if (!s->rows_limit && !s->size_limit && t->rows % FFS_SPLIT_ROWS == 0 &&
	    t->end >= FFS_SPLIT_BYTES)
		s->rows_limit = t->rows;
	return s->rows_limit && t->rows == s->rows_limit;
}

/* Rows of the book up to a full chunk.  Returns 1, 0 where there are none, or -errno. */
static int
gather(struct split *s)
{
	uint64_t bytes;
	struct table *t = &s->book;
	int rc;

	do {
		rc = peek(s, t, false);
		if (rc <= 0)
			break;
		bytes = s->header_len + t->end + t->row.len;
		if (t->rows && s->size_limit && bytes > s->size_limit)
			break;
		if (bytes > FFS_SPLIT_CHUNK_MAX)
			return fail(s, -EFBIG,
			    "'%s': line %" PRIu64 ": chunk is over 1 GiB: choose -r or -s",
			    t->from->label, t->line + 1);
		take(t);
	} while (!is_full(s));
	sum(t);
	return rc < 0 ? rc : t->rows > 0;
}

/* As many rows of the message file as the book's chunk has. */
static int
gather_messages(struct split *s)
{
	struct table *t = &s->message;
	int rc;

	while (t->rows < s->book.rows) {
		rc = peek(s, t, false);
		if (rc < 0)
			return rc;
		if (!rc)
			return fail(s, -EINVAL,
			    "'%s': ends after %" PRIu64 " rows, but '%s' goes on", t->from->label,
			    s->st.rows + t->rows, s->book.from->label);
		take(t);
	}
	sum(t);
	return 0;
}

struct attrs {
	struct ffs_chunkout_attr v[ATTRS];
	char text[ATTRS][24];
	size_t n;
};

static void
add_str(struct attrs *a, const char *name, const char *value)
{
	a->v[a->n++] = (struct ffs_chunkout_attr){ name, value };
}

static void
add_uint(struct attrs *a, const char *name, uint64_t value)
{
	snprintf(a->text[a->n], sizeof(a->text[0]), "%" PRIu64, value);
	add_str(a, name, a->text[a->n]);
}

static void
add_crc(struct attrs *a, uint32_t crc)
{
	snprintf(a->text[a->n], sizeof(a->text[0]), "%08" PRIx32, crc);
	add_str(a, "crc32c", a->text[a->n]);
}

static void
add_char(struct attrs *a, const char *name, char c)
{
	snprintf(a->text[a->n], sizeof(a->text[0]), "%c", c);
	add_str(a, name, a->text[a->n]);
}

static int
put(struct split *s, struct table *t, const char *suffix)
{
	bool book = t == &s->book;
	const struct table *clock = s->message.csv ? &s->message : &s->book;
	struct iovec parts[2] = { { s->header, book ? s->header_len : 0 }, { t->buf, t->end } };
	struct attrs a = { .n = 0 };
	char name[64];
	int rc;

	add_uint(&a, "first_row", s->st.rows);
	add_uint(&a, "rows", t->rows);
	add_uint(&a, "columns", t->columns);
	if (clock->timed) {
		add_str(&a, "time_first", clock->first.text);
		add_str(&a, "time_last", clock->last.text);
	}
	add_crc(&a, t->crc);
	if (book && s->o->header)
		add_uint(&a, "header_bytes", s->header_len);
	if (book && s->o->time_col)
		add_uint(&a, "time_col", s->o->time_col);
	if (book && s->o->delim != ',')
		add_char(&a, "delimiter", s->o->delim);
	if (book && !s->st.chunks && ffs_input_size(t->from->in))
		add_uint(&a, "input_bytes", ffs_input_size(t->from->in));
	snprintf(name, sizeof(name), "%05" PRIu64 "%s", s->st.chunks, suffix);
	rc = ffs_chunkout_put(s->out, name, a.v, a.n, parts, 2);
	return rc ? fail(s, rc, "cannot write '%s/%s': %s", s->job->dataset, name, strerror(-rc))
	          : 0;
}

static int
write_chunks(struct split *s)
{
	bool message = s->message.csv;
	int rc;

	for (;;) {
		if (s->header_len)
			s->book.crc = ffs_crc32c(0, s->header, s->header_len);
		rc = gather(s);
		if (rc <= 0)
			break;
		rc = message ? gather_messages(s) : 0;
		if (!rc)
			rc = put(s, &s->book, ".csv");
		if (!rc && message)
			rc = put(s, &s->message, ".message.csv");
		if (rc)
			return rc;
		s->st.chunks++;
		s->st.rows += s->book.rows;
		s->st.bytes += s->book.end;
		next_chunk(&s->book);
		if (message)
			next_chunk(&s->message);
	}
	if (rc)
		return rc;
	if (!s->st.rows)
		return fail(s, -ENODATA, "'%s': no rows", s->book.from->label);
	rc = message ? peek(s, &s->message, false) : 0;
	if (rc > 0)
		rc = fail_line(s, &s->message, s->message.line + 1,
		    "more rows than '%s' has (%" PRIu64 ")", s->book.from->label, s->st.rows);
	return rc;
}

int
ffs_split_run(const struct ffs_split_job *job, const struct ffs_split_opts *o,
    struct ffs_chunkout *out, struct ffs_split_stats *st, char *text, size_t n)
{
	struct split s = { .job = job,
		.o = o,
		.out = out,
		.text = text,
		.text_len = n,
		.rows_limit = o->rows,
		.size_limit = o->size };
	int rc;

	rc = table_init(&s.book, &job->book, o->delim, o->time_col);
	if (!rc && job->message.in)
		rc = table_init(&s.message, &job->message, ',', 1);
	if (rc) {
		fail(&s, rc, "%s", strerror(-rc));
		goto out;
	}
	if (job->message.in && o->time_col) {
		rc = fail(&s, -EINVAL, "'%s': its times are in its message file: no --time-col",
		    job->book.label);
		goto out;
	}
	s.book.ragged = o->ragged;
	s.book.columns = 4 * (uint64_t)job->level;
	s.message.columns = MESSAGE_COLUMNS;
	rc = ffs_chunkout_begin(out, job->dataset);
	if (rc) {
		fail(&s, rc, "cannot begin '%s': %s", job->dataset,
		    rc == -EEXIST ? "such a directory is there" : strerror(-rc));
		goto out;
	}
	rc = o->header ? read_header(&s) : 1;
	if (rc >= 0)
		rc = write_chunks(&s);
	if (rc)
		goto out;
	rc = ffs_chunkout_end(out);
	if (rc) {
		fail(&s, rc, "cannot finish '%s': %s", job->dataset, strerror(-rc));
		goto out;
	}
	st->rows += s.st.rows;
	st->chunks += s.st.chunks;
	st->bytes += s.st.bytes;
	st->columns = s.book.columns;
out:
	table_release(&s.book);
	table_release(&s.message);
	free(s.header);
	return rc;
}
