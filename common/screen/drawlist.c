#include <arpa/inet.h>
#include <curses.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/screen/drawimpl.h"
#include "common/screen/text.h"

/* Columns of the screen from which on there is room for more columns of the list. */
#define WITH_READER 72
#define WITH_HITS 100
#define WITH_FROM 116
#define WITH_SERVER 148

static const char *const sorts[] = { "reads", "bytes", "hits", "latency", "name", "age" };

static int
sort_rows(struct ffs_draw *d, const struct ffs_model *m, enum ffs_model_sort by)
{
	const struct ffs_model_row **p;

	if (d->sorted_cap < m->nrows) {
		p = reallocarray(d->sorted, m->nrows, sizeof(*p));
		if (!p)
			return -ENOMEM;
		d->sorted = p;
		d->sorted_cap = m->nrows;
	}
	ffs_model_sorted(m, by, d->sorted);
	return 0;
}

/* "127.0.0.1:9000" */
static void
put_server(
    const struct ffs_draw *d, unsigned y, unsigned x, unsigned cols, const struct ffs_object_id *id)
{
	static const unsigned char v4[12] = { [10] = 0xff, 0xff };
	char addr[INET6_ADDRSTRLEN], text[INET6_ADDRSTRLEN + 16];
	bool four = !memcmp(id->addr, v4, sizeof(v4));

	if (!inet_ntop(
		four ? AF_INET : AF_INET6, four ? id->addr + 12 : id->addr, addr, sizeof(addr)))
		return;
	snprintf(text, sizeof(text), four ? "%s:%u" : "[%s]:%u", addr, id->port);
	ffs_draw_name(d, y, x, cols, FFS_DRAW_DIM, text, strlen(text));
}

static unsigned
reader_width(const struct ffs_layout *l)
{
	return l->cols >= WITH_SERVER   ? 24
	       : l->cols >= WITH_HITS   ? 16
	       : l->cols >= WITH_READER ? 12
	                                : 0;
}

static void
put_titles(
    const struct ffs_draw *d, unsigned y, const struct ffs_layout *l, const struct ffs_model *m)
{
	unsigned x = ffs_draw_put(d, y, 0, FFS_DRAW_DIM, " READS    BYTES     P50     P99  AGE ");

	if (l->cols >= WITH_HITS)
		x = ffs_draw_put(d, y, x, FFS_DRAW_DIM, "  HITS    MEAN ");
	if (l->cols >= WITH_FROM)
		x = ffs_draw_from_titles(d, y, x, m);
	if (reader_width(l))
		x = ffs_draw_put(
		    d, y, x, FFS_DRAW_DIM, "%-*s ", (int)reader_width(l), "LAST READER");
	x = ffs_draw_put(d, y, x, FFS_DRAW_DIM, "STATE    ");
	if (l->cols >= WITH_SERVER)
		x = ffs_draw_put(d, y, x, FFS_DRAW_DIM, "%-23s", "SERVER");
	ffs_draw_put(d, y, x, FFS_DRAW_DIM, "OBJECT");
}

static void
put_object(const struct ffs_draw *d, unsigned y, unsigned x, const struct ffs_model_row *row)
{
	char name[FFS_BUCKET_MAX + FFS_KEY_MAX + 2];
	size_t n = strlen(row->bucket);

	if (n > FFS_BUCKET_MAX || row->key_len > FFS_KEY_MAX)
		return;
	memcpy(name, row->bucket, n);
	name[n] = '/';
	memcpy(name + n + 1, row->key, row->key_len);
	ffs_draw_name(d, y, x, (unsigned)COLS, row->active ? FFS_DRAW_HEAD : FFS_DRAW_PLAIN, name,
	    n + 1 + row->key_len);
}

static void
put_row(const struct ffs_draw *d, unsigned y, const struct ffs_layout *l, const struct ffs_model *m,
    const struct ffs_model_row *row)
{
	char a[16], b[16], p50[16], p99[16], age[16];
	enum ffs_draw_role role = row->active ? FFS_DRAW_HEAD : FFS_DRAW_PLAIN;
	uint64_t ns = m->now_ns > row->last_ns ? m->now_ns - row->last_ns : 0;
	unsigned x;

	x = ffs_draw_put(d, y, 0, role, "%6s %8s %7s %7s %4s ",
	    ffs_text_count(a, sizeof(a), row->reads), ffs_text_bytes(b, sizeof(b), row->bytes),
	    ffs_text_us(p50, sizeof(p50), row->p50_us), ffs_text_us(p99, sizeof(p99), row->p99_us),
	    ffs_text_age(age, sizeof(age), ns / 1000000000));
	if (l->cols >= WITH_HITS)
		x = ffs_draw_put(d, y, x, role, "%6s %7s ",
		    ffs_text_count(a, sizeof(a), row->kept.hits),
		    ffs_text_us(b, sizeof(b), row->kept.hit_us));
	if (l->cols >= WITH_FROM)
		x = ffs_draw_from(d, y, x, role, m, row->kept.from);
	if (reader_width(l)) {
		ffs_draw_who(d, y, x, reader_width(l), row->uid, row->user, row->comm);
		x += reader_width(l) + 1;
	}
	ffs_draw_put(d, y, x, FFS_DRAW_COLD + row->state, "%s %s", d->signs->heat[row->state],
	    ffs_heat_name(row->state));
	x += 9;
	if (l->cols >= WITH_SERVER) {
		put_server(d, y, x, 22, &row->id);
		x += 23;
	}
	put_object(d, y, x, row);
}

int
ffs_draw_list(
    struct ffs_draw *d, const struct ffs_layout *l, const struct ffs_model *m, struct ffs_view *v)
{
	unsigned y = l->list.y, x;
	char title[64];
	size_t i, most;
	int rc;

	if (!l->list.n)
		return 0;
	v->page = l->list.n - 2;
	if (v->programs) {
		ffs_draw_programs(d, l, m, v);
		return 0;
	}
	rc = sort_rows(d, m, v->sort);
	if (rc)
		return rc;
	most = m->nrows > v->page ? m->nrows - v->page : 0;
	if (v->scroll > most)
		v->scroll = most;
	snprintf(title, sizeof(title), "objects by %s", sorts[v->sort]);
	x = ffs_draw_rule(d, y, title);
	if (m->nrows)
		ffs_draw_put(d, y, x - 1, FFS_DRAW_PLAIN, "  %zu-%zu of %zu ", v->scroll + 1,
		    v->scroll + v->page < m->nrows ? v->scroll + v->page : m->nrows, m->nrows);
	put_titles(d, y + 1, l, m);
	for (i = 0; i < v->page && v->scroll + i < m->nrows; i++)
		put_row(d, y + 2 + (unsigned)i, l, m, d->sorted[v->scroll + i]);
	return 0;
}
