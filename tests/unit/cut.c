/*
 * Cutting rows out of a stream by number and by time, in blocks of any size, against a model that
 * looks at one line at a time.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "common/get/cut.h"
#include "tests/unit/check.h"

enum { ROWS = 60 };

static unsigned seed = 7;

static unsigned
below(unsigned n)
{
	seed = seed * 1103515245 + 12345;
	return (seed >> 8) % n;
}

static int
emit(void *arg, const char *p, size_t n)
{
	ffs_buf_add(arg, p, n);
	return 0;
}

struct input {
	struct ffs_buf text;
	size_t start[ROWS + 1];
	int times[ROWS];
	char delim;
};

static void
make(struct input *in)
{
	static const char *const ends[] = { "\n", "\r\n" };
	const char *end = ends[below(2)];
	int i, t = 10;
	char d = ",;\t"[below(3)];

	ffs_buf_reset(&in->text);
	in->delim = d;
	for (i = 0; i < ROWS; i++) {
		in->start[i] = in->text.len;
		t += below(2) ? 0 : (int)below(3);
		in->times[i] = t;
		if (below(4))
			ffs_buf_addf(&in->text, "%d.0%c%u%c,x%s", t, d, below(100000), d, end);
		else
			ffs_buf_addf(&in->text, "%d%c\"a\nb%c,\"\"%u\"%cx%s", t, d, d,
			    below(100000), d, end);
	}
	in->start[ROWS] = in->text.len;
	/* A missing last newline. */
	if (below(2))
		in->start[ROWS] = in->text.len -= strlen(end);
}

static void
compare(const struct input *in, const struct ffs_cut_spec *spec, bool rows_only)
{
	struct ffs_buf want = FFS_BUF_INIT, got = FFS_BUF_INIT;
	size_t at = in->start[spec->base], n, block = 1 + below(200);
	uint64_t i, found = 0;
	struct ffs_cut c;
	int rc;

	for (i = spec->base; i < ROWS; i++)
		if (i >= spec->first && i <= spec->last &&
		    (!spec->time_col || ((!spec->has_from || in->times[i] >= spec->from.sec) &&
					    (!spec->has_to || in->times[i] < spec->to.sec)))) {
			ffs_buf_add(
			    &want, in->text.p + in->start[i], in->start[i + 1] - in->start[i]);
			found++;
		}
	rc = ffs_cut_init(&c, spec);
	while (!rc && at < in->text.len) {
		n = in->text.len - at < block ? in->text.len - at : block;
		/* What is behind the block must not be looked at. */
		char *copy = malloc(n);

		memcpy(copy, in->text.p + at, n);
		at += n;
		rc = ffs_cut_feed(&c, copy, n, at == in->text.len, rows_only ? NULL : emit, &got);
		free(copy);
	}
	CHECK(!rc && (rows_only ? c.found_n == found
				: got.len == want.len &&
				      (!got.len || !memcmp(got.p, want.p, got.len))),
	    "rows %ju-%ju of base %ju, time column %u, blocks of %zu: rc %d, %zu bytes and %ju "
	    "rows where %zu and %ju are right",
	    (uintmax_t)spec->first, (uintmax_t)spec->last, (uintmax_t)spec->base, spec->time_col,
	    block, rc, got.len, (uintmax_t)c.found_n, want.len, (uintmax_t)found);
	ffs_cut_release(&c);
	ffs_buf_release(&want);
	ffs_buf_release(&got);
}

static int
feed(const struct ffs_cut_spec *spec, const char *text)
{
	struct ffs_buf got = FFS_BUF_INIT;
	struct ffs_cut c;
	int rc = ffs_cut_init(&c, spec);

	if (!rc)
		rc = ffs_cut_feed(&c, text, strlen(text), true, emit, &got);
	ffs_cut_release(&c);
	ffs_buf_release(&got);
	return rc;
}

int
main(void)
{
	struct ffs_cut_spec time = {
		.delim = ',', .last = UINT64_MAX, .time_col = 1, .has_from = true
	};
	struct ffs_cut_spec rows = { .delim = ',', .first = 1, .last = 2 };
	struct ffs_cut_spec none = { .delim = ',', .first = 1 };
	struct input in = { .text = FFS_BUF_INIT };
	int round;

	for (round = 0; round < 5000 && !failed; round++) {
		struct ffs_cut_spec spec = { .base = below(4) ? 0 : below(ROWS) };

		if (round % 10 == 0)
			make(&in);
		spec.delim = in.delim;
		spec.first = spec.base + below((unsigned)(ROWS - spec.base));
		spec.last =
		    below(5) ? spec.first + below((unsigned)(ROWS - spec.first)) : UINT64_MAX;
		if (below(2)) {
			spec.time_col = 1;
			spec.has_from = below(3) != 0;
			spec.has_to = below(3) != 0;
			spec.from.sec = 10 + below(30);
			spec.to.sec = spec.from.sec + below(20);
		}
		compare(&in, &spec, below(4) == 0 && (spec.time_col || spec.last != UINT64_MAX));
	}
	ffs_buf_release(&in.text);

	CHECK(!feed(&rows, "a\nb\nc"));
	CHECK(feed(&rows, "a\nb\n") == -EBADMSG, "too few rows");
	CHECK(!feed(&none, ""), "no rows wanted");
	CHECK(!feed(&time, "1,2\n"));
	CHECK(feed(&time, "x,2\n") == -EBADMSG, "no time");
	CHECK(feed(&time, ",2\n") == -EBADMSG, "an empty time");
	CHECK(feed(&time, "1,\"x\n") == -EBADMSG, "an open quote");
	return failed;
}
