#ifndef FFS_CSVSAME_H
#define FFS_CSVSAME_H

/* Is a text cut and counted as libcsv says?  For tests/unit/csv.c and tests/fuzz/csv.c. */
#include <csv.h>
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/csv.h"

#define CSVSAME_ROWS 3072
#define CSVSAME_FIELD 64

struct csvsame_row {
	size_t len, columns, lines, field_len;
	bool has_field;
	char field[CSVSAME_FIELD];
};

struct csvsame {
	size_t n;
	int rc; /* 0, or -EBADMSG with lines */
	size_t open_lines;
	struct csvsame_row row[CSVSAME_ROWS];
	/* while parsing */
	unsigned column;
	size_t fields;
	bool ended;
};

static void
csvsame_field(void *p, size_t n, void *arg)
{
	struct csvsame *s = arg;
	struct csvsame_row *r = &s->row[s->n];

	if (++s->fields != s->column || n > CSVSAME_FIELD)
		return;
	r->has_field = true;
	r->field_len = n;
	if (n)
		memcpy(r->field, p, n);
}

static void
csvsame_row_end(int c, void *arg)
{
	(void)c;
	((struct csvsame *)arg)->ended = true;
}

static size_t
csvsame_lines(const char *p, size_t n)
{
	size_t i, lines = 0;

	for (i = 0; i < n; i++)
		lines += p[i] == '\r' || (p[i] == '\n' && (!i || p[i - 1] != '\r'));
	return lines;
}

/* libcsv alone, a byte at a time. */
static void
csvsame_reference(struct csvsame *s, const char *p, size_t n, char delim, unsigned column)
{
	size_t at = n >= 3 && !memcmp(p, "\xef\xbb\xbf", 3) ? 3 : 0, start = 0, field_at = 0,
	       before;
	struct csv_parser parser;

	memset(s, 0, sizeof(*s));
	s->column = column;
	csv_init(&parser, CSV_REPALL_NL);
	csv_set_delim(&parser, (unsigned char)delim);
	while (start < n && s->n < CSVSAME_ROWS) {
		before = s->fields;
		csv_parse(&parser, at < n ? p + at : "\n", 1, csvsame_field, csvsame_row_end, s);
		if (s->fields != before)
			field_at = at;
		if (at < n)
			at++;
		else if (!s->ended) {
			s->rc = -EBADMSG;
			s->open_lines = csvsame_lines(p + start, field_at - start);
			break;
		}
		if (!s->ended)
			continue;
		if (at < n && p[at - 1] == '\r' && p[at] == '\n')
			at++;
		s->row[s->n].columns = s->fields;
		s->row[s->n].len = at - start;
		s->row[s->n].lines = csvsame_lines(p + start, at - start);
		if (at == n && p[n - 1] != '\n' && p[n - 1] != '\r')
			s->row[s->n].lines++; /* the line end that is not there counts */
		s->n++;
		s->fields = 0;
		s->ended = false;
		start = field_at = at;
	}
	csv_free(&parser);
}

/* Ours, given step bytes more at a time (0: all), each time at another place. */
static const char *
csvsame_check(const struct csvsame *want, const char *p, size_t n, char delim, unsigned column,
    size_t step, bool slow)
{
	struct ffs_csv *c = ffs_csv_new(delim, column);
	const struct csvsame_row *w;
	struct ffs_csv_row row;
	const char *wrong = NULL;
	size_t start = 0, have = step ? 0 : n, i = 0;
	char *copy;
	int rc;

	if (!c)
		return "ffs_csv_new";
	if (slow)
		ffs_csv_slow(c);
	while (!wrong && i < CSVSAME_ROWS) {
		copy = malloc(have - start ? have - start : 1);
		if (!copy)
			abort();
		memcpy(copy, p + start, have - start);
		rc = ffs_csv_next(c, copy, have - start, have == n, &row);
		if (rc > 0) {
			w = &want->row[i];
			if (i == want->n)
				wrong = "one row too many";
			else if (row.len != w->len)
				wrong = "length";
			else if (row.columns != w->columns)
				wrong = "columns";
			else if (row.lines != w->lines)
				wrong = "lines";
			else if ((row.field != NULL) != w->has_field)
				wrong = "field there";
			else if (row.field && (row.field_len != w->field_len ||
						  memcmp(row.field, w->field, row.field_len)))
				wrong = "field";
			start += row.len;
			i++;
		} else if (rc == -EBADMSG) {
			if (want->rc != rc || row.lines != want->open_lines)
				wrong = "quote that is never closed";
			free(copy);
			break;
		} else if (rc < 0) {
			wrong = "error";
		} else if (have == n) {
			if (i != want->n || want->rc || start != n)
				wrong = "early end";
			free(copy);
			break;
		} else {
			have = n - have < step ? n : have + step;
		}
		free(copy);
	}
	ffs_csv_free(c);
	return wrong;
}

#endif
