#include "common/load/draft.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int
ffs_draft_init(struct ffs_draft *d, const char *dataset, uint64_t generation)
{
	memset(d, 0, sizeof(*d));
	d->m.generation = generation;
	d->m.dataset = strdup(dataset);
	return d->m.dataset ? 0 : -ENOMEM;
}

void
ffs_draft_release(struct ffs_draft *d)
{
	ffs_manifest_release(&d->m);
}

static int __attribute__((format(printf, 3, 4)))
fail(struct ffs_draft *d, int rc, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(d->error, sizeof(d->error), fmt, ap);
	va_end(ap);
	return rc;
}

static int
no_memory(struct ffs_draft *d)
{
	return fail(d, -ENOMEM, "out of memory");
}

static int
bad_chunk(struct ffs_draft *d, const struct ffs_intake_item *i, const char *what)
{
	return fail(d, -EINVAL, "'%s' does not fit the chunks before it: %s", i->path, what);
}

static int
set_object(struct ffs_draft *d, struct ffs_object *o, const struct ffs_intake_item *i)
{
	const char *kind = i->kind == FFS_INTAKE_MESSAGE ? ".message.csv" : ".csv";

	if (asprintf(&o->key, "%s/%" PRIu64 "/%05zu%s%s", d->m.dataset, d->m.generation, i->index,
		kind, i->encoding == FFS_ENCODING_ZSTD ? ".zst" : "") < 0) {
		o->key = NULL;
		return no_memory(d);
	}
	o->encoding = i->encoding;
	o->bytes = i->n;
	o->crc32c = i->crc32c;
	o->plain_bytes = i->plain_bytes;
	o->plain_crc32c = i->plain_crc32c;
	o->etags = calloc(1, sizeof(*o->etags));
	if (!o->etags)
		return no_memory(d);
	o->copies = 1;
	return 0;
}

/* Times must not run backwards, within a chunk or from one to the next. */
static int
set_times(struct ffs_draft *d, struct ffs_chunk *c, const struct ffs_intake_item *i)
{
	const unsigned both = FFS_TARIN_TIME_FIRST | FFS_TARIN_TIME_LAST;
	struct ffs_dtime first, last;

	if ((i->have & both) != both)
		return 0;
	if (ffs_dtime_parse(i->time_first, strlen(i->time_first), &first) ||
	    ffs_dtime_parse(i->time_last, strlen(i->time_last), &last))
		return bad_chunk(d, i, "its times are no decimal numbers");
	if (ffs_dtime_cmp(&first, &last) > 0 || (i->index && ffs_dtime_cmp(&d->last, &first) > 0))
		return bad_chunk(d, i, "time runs backwards");
	d->last = last;
	c->time_first = strdup(i->time_first);
	c->time_last = strdup(i->time_last);
	return c->time_first && c->time_last ? 0 : no_memory(d);
}

/* What the first chunk says of the dataset; the others have to agree. */
static int
check_chunk(struct ffs_draft *d, const struct ffs_intake_item *i)
{
	struct ffs_manifest *m = &d->m;
	bool header = i->have & FFS_TARIN_HEADER_BYTES;
	unsigned time_col = i->have & FFS_TARIN_TIME_COL ? (unsigned)i->time_col : 0;

	if (!i->index) {
		m->columns = i->columns;
		m->header = header;
		m->header_bytes = header ? i->header_bytes : 0;
		m->time_col = time_col;
		m->delimiter = i->delimiter;
		m->chunk_rows = i->rows;
	}
	if (i->index && !i->rows)
		return bad_chunk(d, i, "it is empty");
	if (i->index && d->open_end)
		return bad_chunk(d, i, "the last row of the one before has no line end");
	if (m->delimiter != i->delimiter)
		return bad_chunk(d, i, "it has another delimiter");
	if (m->columns != i->columns)
		return bad_chunk(d, i, "it has another number of columns");
	if (m->header != header || (header && m->header_bytes != i->header_bytes) ||
	    i->plain_bytes < m->header_bytes || m->time_col != time_col ||
	    (m->columns && time_col > m->columns))
		return bad_chunk(d, i, "its header or its time column is another one");
	if ((i->have & FFS_TARIN_FIRST_ROW) && i->first_row != m->rows)
		return bad_chunk(d, i, "rows are missing or out of order");
	return 0;
}

static int
add_chunk(struct ffs_draft *d, const struct ffs_intake_item *i, const char *node)
{
	struct ffs_manifest *m = &d->m;
	struct ffs_chunk *c;
	int rc = check_chunk(d, i);

	if (rc)
		return rc;
	if (m->nchunks == d->cap) {
		d->cap = d->cap ? d->cap * 2 : 64;
		c = reallocarray(m->chunks, d->cap, sizeof(*c));
		if (!c)
			return no_memory(d);
		m->chunks = c;
	}
	c = &m->chunks[m->nchunks++];
	memset(c, 0, sizeof(*c));
	d->open_end = i->open_end;
	c->first_row = m->rows;
	c->rows = i->rows;
	m->rows += i->rows;
	m->bytes += i->plain_bytes - (i->index ? m->header_bytes : 0);
	rc = set_object(d, &c->data, i);
	if (rc)
		return rc;
	c->data.nodes = calloc(1, sizeof(*c->data.nodes));
	if (c->data.nodes)
		c->data.nodes[0] = strdup(node);
	if (!c->data.nodes || !c->data.nodes[0])
		return no_memory(d);
	return set_times(d, c, i);
}

static int
add_message(struct ffs_draft *d, const struct ffs_intake_item *i)
{
	struct ffs_chunk *c = &d->m.chunks[i->index];
	int rc;

	if ((i->have & FFS_TARIN_ROWS) && i->rows != c->rows)
		return fail(d, -EINVAL, "'%s' has %" PRIu64 " rows, its chunk has %" PRIu64,
		    i->path, i->rows, c->rows);
	rc = set_object(d, &c->message, i);
	/* without attributes the message's first column gives the times, if it has any */
	if (rc || c->time_first || (i->index && !d->m.chunks[0].time_first))
		return rc;
	return set_times(d, c, i);
}

int
ffs_draft_add(struct ffs_draft *d, const struct ffs_intake_item *i, const char *node)
{
	return i->kind == FFS_INTAKE_MESSAGE ? add_message(d, i) : add_chunk(d, i, node);
}

/* All chunks have messages and times, or none has. */
int
ffs_draft_end(struct ffs_draft *d)
{
	struct ffs_manifest *m = &d->m;
	size_t i;

	for (i = 1; i < m->nchunks; i++) {
		if (!m->chunks[i].message.key != !m->chunks[0].message.key)
			return fail(d, -EINVAL,
			    "some chunks of '%s' have messages and some have none", d->m.dataset);
		if (!m->chunks[i].time_first != !m->chunks[0].time_first)
			return fail(d, -EINVAL, "some chunks of '%s' have times and some have none",
			    d->m.dataset);
		if (i + 1 < m->nchunks && m->chunks[i].rows != m->chunk_rows)
			m->chunk_rows = 0;
	}
	if (m->nchunks && m->chunks[m->nchunks - 1].rows > m->chunk_rows)
		m->chunk_rows = 0;
	return 0;
}
