#include "common/get/select.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/opt.h"

bool
ffs_select_is_pattern(const char *name)
{
	return strpbrk(name, "*?[") != NULL;
}

int
ffs_select_parse_name(struct ffs_select *s, const char *arg)
{
	const char *at = strrchr(arg, '@');
	uint64_t generation = 0;
	char *name;

	if (at && ffs_opt_uint(at + 1, 1, UINT64_MAX, &generation) < 0)
		return -EINVAL;
	name = at ? strndup(arg, (size_t)(at - arg)) : strdup(arg);
	if (!name)
		return -ENOMEM;
	/* Which generation a pattern's datasets have differs from one to the next. */
	if (ffs_select_is_pattern(name) ? at != NULL || strlen(name) > FFS_DATASET_NAME_MAX
					: !ffs_dataset_name_ok(name)) {
		free(name);
		return -EINVAL;
	}
	free(s->name);
	s->name = name;
	s->generation = generation;
	return 0;
}

int
ffs_select_parse_chunks(struct ffs_select *s, const char *arg)
{
	if (ffs_opt_range(arg, &s->chunk_first, &s->chunk_last) < 0)
		return -EINVAL;
	s->by_chunks = true;
	return 0;
}

int
ffs_select_parse_rows(struct ffs_select *s, const char *arg)
{
	if (ffs_opt_range(arg, &s->row_first, &s->row_last) < 0)
		return -EINVAL;
	s->by_rows = true;
	return 0;
}

int
ffs_select_parse_time(struct ffs_select *s, const char *arg)
{
	const char *dots = strstr(arg, "..");
	struct ffs_dtime from = { 0 }, to = { 0 };

	if (!dots)
		return -EINVAL;
	if (dots > arg && ffs_dtime_parse_clock(arg, (size_t)(dots - arg), &from) < 0)
		return -EINVAL;
	if (dots[2] && ffs_dtime_parse_clock(dots + 2, strlen(dots + 2), &to) < 0)
		return -EINVAL;
	if (dots == arg && !dots[2])
		return -EINVAL;
	if (dots > arg && dots[2] && ffs_dtime_cmp(&from, &to) > 0)
		return -EINVAL;
	s->has_from = dots > arg;
	s->has_to = dots[2] != '\0';
	s->from = from;
	s->to = to;
	return 0;
}

int
ffs_select_opt(struct ffs_select *s, int opt, const char *arg, const char **want)
{
	switch (opt) {
	case FFS_SELECT_OPT_CHUNKS:
		*want = "chunks A-B";
		return ffs_select_parse_chunks(s, arg);
	case FFS_SELECT_OPT_ROWS:
		*want = "rows A-B";
		return ffs_select_parse_rows(s, arg);
	case FFS_SELECT_OPT_TIME:
		*want = "A..B, A.. or ..B";
		return ffs_select_parse_time(s, arg);
	default:
		return -ENOENT;
	}
}

int
ffs_select_parse_line(struct ffs_select *s, char *line, const char **detail)
{
	static const struct {
		const char *word, *bad;
		int (*parse)(struct ffs_select *, const char *);
	} parts[] = {
		{ "chunks", "bad chunks, want A-B", ffs_select_parse_chunks },
		{ "rows", "bad rows, want A-B", ffs_select_parse_rows },
		{ "time", "bad time, want A..B", ffs_select_parse_time },
	};
	enum { NPARTS = sizeof(parts) / sizeof(*parts) };
	char *save, *word = strtok_r(line, " \t\r", &save), *arg;
	unsigned seen = 0;
	size_t i;
	int rc;

	*detail = "no dataset";
	if (!word)
		return -EINVAL;
	rc = ffs_select_parse_name(s, word);
	if (rc) {
		*detail = "bad dataset name";
		return rc;
	}
	if (ffs_select_is_pattern(s->name)) {
		*detail = "a pattern has no place here";
		return -EINVAL;
	}
	while ((word = strtok_r(NULL, " \t\r", &save))) {
		if (!strcmp(word, "message")) {
			s->message = true;
			continue;
		}
		for (i = 0; i < NPARTS && strcmp(word, parts[i].word); i++)
			;
		*detail = "want chunks, rows, time or message";
		if (i == NPARTS)
			return -EINVAL;
		*detail = parts[i].bad;
		arg = strtok_r(NULL, " \t\r", &save);
		if (!arg || parts[i].parse(s, arg) < 0)
			return -EINVAL;
		*detail = "the same word twice";
		if (seen & 1u << i)
			return -EINVAL;
		seen |= 1u << i;
	}
	*detail = NULL;
	return 0;
}

void
ffs_select_release(struct ffs_select *s)
{
	free(s->name);
	memset(s, 0, sizeof(*s));
}

static bool
by_time(const struct ffs_select *s)
{
	return s->has_from || s->has_to;
}

/* The manifest's parser has read every one of these, so that it cannot fail. */
static struct ffs_dtime
time_of(const char *text)
{
	struct ffs_dtime t = { 0 };

	(void)ffs_dtime_parse(text, strlen(text), &t);
	return t;
}

static bool
before(const char *text, const struct ffs_dtime *t)
{
	struct ffs_dtime c = time_of(text);

	return ffs_dtime_cmp(&c, t) < 0;
}

/* The first chunk from lo on whose last (or first) time is not before t. */
static size_t
find_time(const struct ffs_manifest *m, size_t lo, bool last, const struct ffs_dtime *t)
{
	size_t hi = m->nchunks, mid;

	while (lo < hi) {
		mid = lo + (hi - lo) / 2;
		if (before(last ? m->chunks[mid].time_last : m->chunks[mid].time_first, t))
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo;
}

int
ffs_select_span(const struct ffs_select *s, const struct ffs_manifest *m, size_t *first,
    size_t *end, const char **detail)
{
	size_t lo = 0, hi = m->nchunks, n;

	*detail = "it has no messages";
	if (s->message && (!m->nchunks || !m->chunks[0].message.key))
		return -ENODATA;
	*detail = "it has no times";
	if (by_time(s) && (!m->nchunks || !m->chunks[0].time_first))
		return -ENODATA;
	*detail = "it has not so many chunks";
	if (s->by_chunks) {
		if (s->chunk_first >= m->nchunks ||
		    (s->chunk_last >= m->nchunks && s->chunk_last != UINT64_MAX))
			return -ERANGE;
		lo = (size_t)s->chunk_first;
		if (s->chunk_last != UINT64_MAX)
			hi = (size_t)s->chunk_last + 1;
	}
	*detail = "it has not so many rows";
	if (s->by_rows) {
		if (s->row_first >= m->rows ||
		    (s->row_last >= m->rows && s->row_last != UINT64_MAX))
			return -ERANGE;
		n = ffs_manifest_find_row(m, s->row_first);
		lo = n > lo ? n : lo;
		n = ffs_manifest_find_row(m, s->row_last < m->rows ? s->row_last : m->rows - 1) + 1;
		hi = n < hi ? n : hi;
	}
	*detail = NULL;
	if (s->has_from && lo < hi)
		lo = find_time(m, lo, true, &s->from);
	if (s->has_to && lo < hi) {
		n = find_time(m, lo, false, &s->to);
		hi = n < hi ? n : hi;
	}
	*first = lo;
	*end = lo < hi ? hi : lo;
	return 0;
}

void
ffs_select_slice(
    const struct ffs_select *s, const struct ffs_manifest *m, size_t i, struct ffs_slice *out)
{
	const struct ffs_chunk *c = &m->chunks[i];
	uint64_t first = 0, end = c->rows;

	if (s->by_rows) {
		if (s->row_first > c->first_row)
			first = s->row_first - c->first_row;
		if (s->row_last < c->first_row + c->rows)
			end = s->row_last - c->first_row + 1;
	}
	out->first = first;
	out->last = end - 1;
	out->by_time = (s->has_from && before(c->time_first, &s->from)) ||
	               (s->has_to && !before(c->time_last, &s->to));
	out->whole = !out->by_time && !first && end == c->rows;
}
