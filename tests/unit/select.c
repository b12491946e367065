/*
 * Selections: what is parsed, and which rows of which chunks they come to, against a scan of all
 * rows.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/get/select.h"
#include "tests/unit/check.h"

enum { CHUNKS = 7, ROWS = 40 };

static void
test_names(void)
{
	static const struct {
		const char *arg, *name;
		uint64_t generation;
	} good[] = {
		{ "lobster", "lobster", 0 },
		{ "AAPL/2012-06-21", "AAPL/2012-06-21", 0 },
		{ "a@1", "a", 1 },
		{ "a/b@18446744073709551615", "a/b", UINT64_MAX },
		{ "AAPL/*", "AAPL/*", 0 },
		{ "A[AB]?L", "A[AB]?L", 0 },
	};
	static const char *const bad[] = { "", "@1", "a@", "a@0", "a@x", "a@1x", "a@-1", "a@1@2",
		"a//b", "/a", "a/", "..", "a/../b", "a b", ".a", "a*@1", "a@18446744073709551616" };
	size_t i;

	for (i = 0; i < COUNT(good); i++) {
		struct ffs_select s = { 0 };

		CHECK(!ffs_select_parse_name(&s, good[i].arg) && !strcmp(s.name, good[i].name) &&
			  s.generation == good[i].generation,
		    "a name was misread: '%s'", good[i].arg);
		ffs_select_release(&s);
	}
	for (i = 0; i < COUNT(bad); i++) {
		struct ffs_select s = { 0 };

		CHECK(ffs_select_parse_name(&s, bad[i]) == -EINVAL && !s.name,
		    "a bad name was taken: '%s'", bad[i]);
		ffs_select_release(&s);
	}
}

static void
test_times(void)
{
	static const struct {
		const char *arg;
		bool from, to;
		int64_t a, b;
	} good[] = {
		{ "34200..34260", true, true, 34200, 34260 },
		{ "09:30..09:31", true, true, 34200, 34260 },
		{ "9:30:01..09:31:00.5", true, true, 34201, 34260 },
		{ "1..", true, false, 1, 0 },
		{ "..2", false, true, 0, 2 },
		{ "5..5", true, true, 5, 5 },
		{ "1.5..2.5", true, true, 1, 2 },
	};
	static const char *const bad[] = { "", "..", "1", "1.2", "2..1", "x..1", "1..x", "1..2..3",
		"09:60..10:00", "1 ..2", "1e3..2e3" };
	size_t i;

	for (i = 0; i < COUNT(good); i++) {
		struct ffs_select s = { 0 };

		CHECK(!ffs_select_parse_time(&s, good[i].arg) && s.has_from == good[i].from &&
			  s.has_to == good[i].to && (!s.has_from || s.from.sec == good[i].a) &&
			  (!s.has_to || s.to.sec == good[i].b),
		    "a time was misread: '%s'", good[i].arg);
	}
	for (i = 0; i < COUNT(bad); i++) {
		struct ffs_select s = { 0 };

		CHECK(ffs_select_parse_time(&s, bad[i]) == -EINVAL && !s.has_from && !s.has_to,
		    "a bad time was taken: '%s'", bad[i]);
	}
}

static void
test_lines(void)
{
	static const char *const good[] = { "a", " a ", "a rows 1-2", "a\trows\t1-2\r",
		"a@3 time 09:30..", "a chunks 0", "a rows 1-2 time ..5 chunks 0-1 message",
		"a message rows 5-" };
	static const char *const bad[] = { "", " ", "a rows", "a rows x", "a rows 2-1",
		"a rows 1 2", "a columns 1-2", "a rows 1-2 rows 1-2", "a* rows 1-2", "a time 1",
		"../x", "a 1-2", "a chunks -1" };
	const char *detail;
	char line[100];
	size_t i;

	for (i = 0; i < COUNT(good); i++) {
		struct ffs_select s = { 0 };

		strcpy(line, good[i]);
		CHECK(!ffs_select_parse_line(&s, line, &detail) && !strcmp(s.name, "a") && !detail,
		    "a line was refused: '%s'", good[i]);
		CHECK(s.by_rows == (strstr(good[i], "rows") != NULL) &&
			  s.by_chunks == (strstr(good[i], "chunks") != NULL) &&
			  s.message == (strstr(good[i], "message") != NULL),
		    "a line was misread: '%s'", good[i]);
		ffs_select_release(&s);
	}
	for (i = 0; i < COUNT(bad); i++) {
		struct ffs_select s = { 0 };

		strcpy(line, bad[i]);
		CHECK(ffs_select_parse_line(&s, line, &detail) == -EINVAL && detail,
		    "a bad line was taken: '%s'", bad[i]);
		ffs_select_release(&s);
	}
}

/* --- which rows --- */

static unsigned seed = 1;

static unsigned
below(unsigned n)
{
	seed = seed * 1103515245 + 12345;
	return (seed >> 8) % n;
}

/* Chunks of different sizes, times that often repeat, also from one chunk to the next. */
static void
make(struct ffs_manifest *m, int *times)
{
	static char key[] = "d/1/x", text[CHUNKS][2][16];
	size_t i;
	int t = 5;

	for (i = 0; i < ROWS; i++) {
		t += below(3) ? 0 : (int)below(3);
		times[i] = t;
	}
	m->nchunks = CHUNKS;
	m->rows = 0;
	for (i = 0; i < CHUNKS; i++) {
		struct ffs_chunk *c = &m->chunks[i];

		c->first_row = m->rows;
		c->rows = i + 1 < CHUNKS ? 1 + below(6) : ROWS - m->rows;
		c->data.key = c->message.key = key;
		m->rows += c->rows;
		snprintf(text[i][0], sizeof(text[i][0]), "%d", times[c->first_row]);
		snprintf(text[i][1], sizeof(text[i][1]), "%d.0", times[m->rows - 1]);
		c->time_first = text[i][0];
		c->time_last = text[i][1];
	}
}

static bool
wanted(const struct ffs_select *s, const struct ffs_manifest *m, const int *times, uint64_t row)
{
	size_t chunk = ffs_manifest_find_row(m, row);

	return (!s->by_chunks || (chunk >= s->chunk_first && chunk <= s->chunk_last)) &&
	       (!s->by_rows || (row >= s->row_first && row <= s->row_last)) &&
	       (!s->has_from || times[row] >= s->from.sec) &&
	       (!s->has_to || times[row] < s->to.sec);
}

static void
compare(const struct ffs_select *s, const struct ffs_manifest *m, const int *times)
{
	bool given[ROWS] = { false };
	struct ffs_slice slice;
	const char *detail;
	size_t first, end, i;
	uint64_t k;
	char what[200];

	snprintf(what, sizeof(what), "chunks %d %ju-%ju rows %d %ju-%ju time %d %jd %d %jd",
	    s->by_chunks, (uintmax_t)s->chunk_first, (uintmax_t)s->chunk_last, s->by_rows,
	    (uintmax_t)s->row_first, (uintmax_t)s->row_last, s->has_from, (intmax_t)s->from.sec,
	    s->has_to, (intmax_t)s->to.sec);
	if (ffs_select_span(s, m, &first, &end, &detail)) {
		CHECK(false, "a selection was refused: '%s'", what);
		return;
	}
	for (i = first; i < end; i++) {
		ffs_select_slice(s, m, i, &slice);
		CHECK(!slice.whole ||
			  (!slice.by_time && !slice.first && slice.last + 1 == m->chunks[i].rows),
		    "a chunk is whole and is not: '%s'", what);
		for (k = slice.first; k <= slice.last; k++) {
			uint64_t row = m->chunks[i].first_row + k;

			/* by_time: the rows are looked at one by one, as ffs_cut does. */
			if (!slice.by_time || ((!s->has_from || times[row] >= s->from.sec) &&
						  (!s->has_to || times[row] < s->to.sec)))
				given[row] = true;
		}
	}
	for (k = 0; k < ROWS; k++)
		if (given[k] != wanted(s, m, times, k)) {
			CHECK(false, "the wrong rows: '%s'", what);
			return;
		}
}

static void
test_rows(void)
{
	struct ffs_chunk chunks[CHUNKS] = { 0 };
	struct ffs_manifest m = { .chunks = chunks };
	int times[ROWS], round;

	for (round = 0; round < 20000; round++) {
		struct ffs_select s = { 0 };

		if (round % 100 == 0)
			make(&m, times);
		if (below(3) == 0) {
			s.by_chunks = true;
			s.chunk_first = below(CHUNKS);
			s.chunk_last = s.chunk_first + below((unsigned)(CHUNKS - s.chunk_first));
			if (below(5) == 0)
				s.chunk_last = UINT64_MAX;
		}
		if (below(3) == 0) {
			s.by_rows = true;
			s.row_first = below(ROWS);
			s.row_last = s.row_first + below((unsigned)(ROWS - s.row_first));
			if (below(5) == 0)
				s.row_last = UINT64_MAX;
		}
		s.has_from = below(2) == 0;
		s.has_to = below(2) == 0;
		s.from.sec = below(40);
		s.to.sec = s.from.sec + below(10);
		compare(&s, &m, times);
	}
}

static void
test_errors(void)
{
	struct ffs_chunk chunks[2] = { { .rows = 3 }, { .first_row = 3, .rows = 2 } };
	struct ffs_manifest m = { .chunks = chunks, .nchunks = 2, .rows = 5 }, none = { 0 };
	struct ffs_select rows = { .by_rows = true, .row_first = 4, .row_last = 5 },
			  from = { .by_rows = true, .row_first = 5, .row_last = UINT64_MAX },
			  chunk = { .by_chunks = true, .chunk_first = 1, .chunk_last = 2 },
			  message = { .message = true }, time = { .has_from = true }, all = { 0 };
	const char *detail;
	size_t a, b;

	CHECK(ffs_select_span(&rows, &m, &a, &b, &detail) == -ERANGE, "rows beyond");
	CHECK(ffs_select_span(&from, &m, &a, &b, &detail) == -ERANGE, "rows from beyond");
	CHECK(ffs_select_span(&chunk, &m, &a, &b, &detail) == -ERANGE, "chunks beyond");
	CHECK(ffs_select_span(&message, &m, &a, &b, &detail) == -ENODATA, "no messages");
	CHECK(ffs_select_span(&time, &m, &a, &b, &detail) == -ENODATA, "no times");
	CHECK(ffs_select_span(&time, &none, &a, &b, &detail) == -ENODATA, "empty, times");
	CHECK(!ffs_select_span(&all, &none, &a, &b, &detail) && a == b, "empty");
}

int
main(void)
{
	test_names();
	test_times();
	test_lines();
	test_rows();
	test_errors();
	return failed;
}
