#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "common/screen/drawimpl.h"
#include "common/screen/text.h"

/* The programs, in the place of the objects. */

unsigned
ffs_draw_who(const struct ffs_draw *d, unsigned y, unsigned x, unsigned cols, uint32_t uid,
    const char *user, const char *comm)
{
	char text[80], number[16];

	if (uid == UINT32_MAX) {
		user = "?";
	} else if (!user) {
		snprintf(number, sizeof(number), "%" PRIu32, uid);
		user = number;
	}
	snprintf(text, sizeof(text), "%s %s", user, *comm ? comm : "?");
	return ffs_draw_name(d, y, x, cols, FFS_DRAW_PLAIN, text, strlen(text));
}

static unsigned
put_count(const struct ffs_draw *d, unsigned y, unsigned x, enum ffs_draw_role role, uint64_t v)
{
	char n[16];

	return ffs_draw_put(d, y, x, role, "%6s ", ffs_text_count(n, sizeof(n), v));
}

unsigned
ffs_draw_from_titles(const struct ffs_draw *d, unsigned y, unsigned x, const struct ffs_model *m)
{
	x = ffs_draw_put(d, y, x, FFS_DRAW_DIM, "   304  CACHE ");
	if (m->served.requests[FFS_SERVED_STALE])
		x = ffs_draw_put(d, y, x, FFS_DRAW_DIM, " STALE ");
	return x;
}

unsigned
ffs_draw_from(const struct ffs_draw *d, unsigned y, unsigned x, enum ffs_draw_role role,
    const struct ffs_model *m, const uint64_t from[FFS_SERVED_N])
{
	x = put_count(d, y, x, role, from[FFS_SERVED_CHECKED]);
	x = put_count(d, y, x, role, from[FFS_SERVED_CACHE]);
	if (m->served.requests[FFS_SERVED_STALE])
		x = put_count(
		    d, y, x, from[FFS_SERVED_STALE] ? FFS_DRAW_BAD : role, from[FFS_SERVED_STALE]);
	return x;
}

static void
put_program(const struct ffs_draw *d, unsigned y, const struct ffs_layout *l,
    const struct ffs_model *m, const struct ffs_program *p)
{
	enum ffs_draw_role role = p->age_s < 2 ? FFS_DRAW_HEAD : FFS_DRAW_PLAIN;
	char a[16], b[16], age[16];
	uint64_t bytes;
	unsigned x;

	x = ffs_draw_put(d, y, 0, role, "%6s %8s ", ffs_text_count(a, sizeof(a), p->reads),
	    ffs_text_bytes(b, sizeof(b), p->bytes));
	x = put_count(d, y, x, role, p->served.requests[FFS_SERVED_ORIGIN]);
	x = ffs_draw_from(d, y, x, role, m, p->served.requests);
	(void)ffs_programs_cached(&p->served, &bytes);
	x = ffs_draw_put(d, y, x, role, "%8s %4s ", ffs_text_bytes(b, sizeof(b), bytes),
	    ffs_text_age(age, sizeof(age), p->age_s));
	ffs_draw_who(d, y, x, l->cols, p->uid, p->user, p->comm);
}

void
ffs_draw_programs(const struct ffs_draw *d, const struct ffs_layout *l, const struct ffs_model *m,
    struct ffs_view *v)
{
	const struct ffs_programs *p = &m->programs;
	unsigned y = l->list.y, x;
	size_t i, most = p->n > v->page ? p->n - v->page : 0;

	if (v->scroll > most)
		v->scroll = most;
	x = ffs_draw_rule(d, y, "programs");
	if (p->n)
		ffs_draw_put(d, y, x - 1, FFS_DRAW_PLAIN, "  %zu-%zu of %zu ", v->scroll + 1,
		    v->scroll + v->page < p->n ? v->scroll + v->page : p->n, p->n);
	x = ffs_draw_put(d, y + 1, 0, FFS_DRAW_DIM, " READS    BYTES ORIGIN ");
	x = ffs_draw_from_titles(d, y + 1, x, m);
	ffs_draw_put(d, y + 1, x, FFS_DRAW_DIM, "   BYTES  AGE PROGRAM");
	for (i = 0; i < v->page && v->scroll + i < p->n; i++)
		put_program(d, y + 2 + (unsigned)i, l, m, &p->v[v->scroll + i]);
}
