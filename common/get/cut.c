#include "common/get/cut.h"

#include <errno.h>
#include <string.h>

enum {
	CARRY_STEP = 4096,
};

/* What to do with a row. */
enum verdict {
	SKIP,
	GIVE,
	STOP, /* neither this row nor any later one */
};

int
ffs_cut_init(struct ffs_cut *c, const struct ffs_cut_spec *spec)
{
	memset(c, 0, sizeof(*c));
	c->spec = *spec;
	c->row = spec->base;
	if (spec->whole)
		return 0;
	c->over = spec->last < spec->first;
	c->csv = ffs_csv_new(spec->delim, spec->time_col);
	return c->csv ? 0 : -errno;
}

void
ffs_cut_release(struct ffs_cut *c)
{
	ffs_csv_free(c->csv);
	ffs_buf_release(&c->carry);
	memset(c, 0, sizeof(*c));
}

/* A verdict, or -EBADMSG. */
static int
judge(const struct ffs_cut *c, const struct ffs_csv_row *row)
{
	const struct ffs_cut_spec *s = &c->spec;
	struct ffs_dtime t;

	if (c->row > s->last)
		return STOP;
	if (c->row < s->first)
		return SKIP;
	if (!s->time_col)
		return GIVE;
	if (!row->field || ffs_dtime_parse(row->field, row->field_len, &t) < 0)
		return -EBADMSG;
	if (s->has_from && ffs_dtime_cmp(&t, &s->from) < 0)
		return SKIP;
	return s->has_to && ffs_dtime_cmp(&t, &s->to) >= 0 ? STOP : GIVE;
}

/* Count a row in; returns its verdict or -EBADMSG. */
static int
take(struct ffs_cut *c, const struct ffs_csv_row *row)
{
	int v = judge(c, row);

	if (v == GIVE && !c->found_n++)
		c->found = c->row;
	c->over = v == STOP || c->row == c->spec.last;
	c->row++;
	return v;
}

/* As ffs_csv_next(), but -EFBIG is for write(2) to say. */
static int
next_row(struct ffs_cut *c, const char *p, size_t n, bool eof, struct ffs_csv_row *row)
{
	int rc = ffs_csv_next(c->csv, p, n, eof, row);

	return rc == -EFBIG ? -EBADMSG : rc;
}

/*
 * Finish what earlier bytes began, most often one row.  *used of the new ones
 * belong to it.
 */
static int
feed_carry(struct ffs_cut *c, const char *p, size_t n, bool eof, size_t *used,
    int (*emit)(void *arg, const char *p, size_t n), void *arg)
{
	size_t step = CARRY_STEP, add, left;
	struct ffs_csv_row row;
	int rc, v;

	*used = 0;
	while (!c->over && c->carry.len) {
		rc = next_row(c, c->carry.p, c->carry.len, eof && *used == n, &row);
		if (rc < 0)
			return rc;
		if (!rc) {
			add = n - *used < step ? n - *used : step;
			step *= 2;
			if (!add)
				return 0;
			ffs_buf_add(&c->carry, p + *used, add);
			*used += add;
			if (ffs_buf_error(&c->carry))
				return -ENOMEM;
			continue;
		}
		v = take(c, &row);
		if (v < 0)
			return v;
		rc = v == GIVE && emit ? emit(arg, c->carry.p, row.len) : 0;
		if (rc)
			return rc;
		/* From here on the new bytes can do without the old ones, or not yet. */
		left = c->carry.len - row.len;
		if (left <= *used) {
			*used -= left;
			left = 0;
		}
		memmove(c->carry.p, c->carry.p + row.len, left);
		c->carry.len = left;
	}
	return 0;
}

static int
feed_rows(struct ffs_cut *c, const char *p, size_t n, bool eof,
    int (*emit)(void *arg, const char *p, size_t n), void *arg)
{
	size_t at = 0, start = 0, end = 0;
	struct ffs_csv_row row;
	int rc = 0, v;

	while (!c->over && at < n) {
		if (c->row >= c->spec.first && c->spec.last == UINT64_MAX && !c->spec.time_col &&
		    emit) {
			/* Everything from here on: no need to look at it. */
			rc = end > start ? emit(arg, p + start, end - start) : 0;
			return rc ? rc : emit(arg, p + at, n - at);
		}
		rc = next_row(c, p + at, n - at, eof, &row);
		if (rc <= 0)
			break;
		rc = v = take(c, &row);
		if (v < 0)
			break;
		rc = 0;
		if (v == GIVE) {
			/* One piece in general; more where times do run backwards. */
			if (end > start && at != end && emit)
				rc = emit(arg, p + start, end - start);
			if (rc)
				break;
			start = end > start && at == end ? start : at;
			end = at + row.len;
		}
		at += row.len;
	}
	if (rc < 0)
		return rc;
	if (end > start && emit)
		rc = emit(arg, p + start, end - start);
	if (!rc && !c->over && at < n) {
		ffs_buf_add(&c->carry, p + at, n - at);
		rc = ffs_buf_error(&c->carry);
	}
	return rc;
}

int
ffs_cut_feed(struct ffs_cut *c, const char *p, size_t n, bool eof,
    int (*emit)(void *arg, const char *p, size_t n), void *arg)
{
	size_t used = 0;
	int rc = 0;

	if (c->spec.whole)
		return emit && n ? emit(arg, p, n) : 0;
	if (!c->over && c->carry.len)
		rc = feed_carry(c, p, n, eof, &used, emit, arg);
	if (!rc && !c->over && used < n)
		rc = feed_rows(c, p + used, n - used, eof, emit, arg);
	/* A chunk that is shorter than its manifest says must not pass for a short answer. */
	if (!rc && eof && !c->over && !c->spec.time_col && c->spec.last != UINT64_MAX)
		rc = -EBADMSG;
	return rc;
}
