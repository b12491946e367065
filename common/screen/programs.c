#include "common/screen/programs.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

void
ffs_programs_release(struct ffs_programs *p)
{
	free(p->v);
	*p = (struct ffs_programs){ 0 };
}

int
ffs_programs_add(struct ffs_programs *p, const struct ffs_program *one)
{
	struct ffs_program *v;
	size_t cap;

	if (p->n == p->cap) {
		cap = p->cap ? p->cap * 2 : 64;
		v = reallocarray(p->v, cap, sizeof(*v));
		if (!v)
			return -ENOMEM;
		p->v = v;
		p->cap = cap;
	}
	p->v[p->n++] = *one;
	return 0;
}

uint64_t
ffs_programs_cached(const struct ffs_served_count *c, uint64_t *bytes)
{
	*bytes =
	    c->bytes[FFS_SERVED_CHECKED] + c->bytes[FFS_SERVED_CACHE] + c->bytes[FFS_SERVED_STALE];
	return c->requests[FFS_SERVED_CHECKED] + c->requests[FFS_SERVED_CACHE] +
	       c->requests[FFS_SERVED_STALE];
}

static int
by_name(const void *va, const void *vb)
{
	const struct ffs_program *a = va, *b = vb;
	int c = strncmp(a->comm, b->comm, FFS_COMM_LEN);

	return c ? c : (a->uid > b->uid) - (a->uid < b->uid);
}

static uint64_t
traffic(const struct ffs_program *p)
{
	uint64_t bytes, cached = ffs_programs_cached(&p->served, &bytes),
			origin = p->served.requests[FFS_SERVED_ORIGIN];

	/* The gateway's requests for it are among those that the kernel saw. */
	return cached + (origin > p->reads ? origin : p->reads);
}

static int
by_traffic(const void *va, const void *vb)
{
	uint64_t a = traffic(va), b = traffic(vb);

	return a != b ? (a < b ? 1 : -1) : by_name(va, vb);
}

static uint64_t
larger(uint64_t a, uint64_t b)
{
	return a > b ? a : b;
}

/* What comes twice from one source is the same. */
static void
join(struct ffs_program *to, const struct ffs_program *p)
{
	unsigned i;

	to->reads = larger(to->reads, p->reads);
	to->bytes = larger(to->bytes, p->bytes);
	for (i = 0; i < FFS_SERVED_N; i++) {
		to->served.requests[i] = larger(to->served.requests[i], p->served.requests[i]);
		to->served.bytes[i] = larger(to->served.bytes[i], p->served.bytes[i]);
		to->served.us[i] = larger(to->served.us[i], p->served.us[i]);
	}
	to->age_s = p->age_s < to->age_s ? p->age_s : to->age_s;
	to->user = to->user ? to->user : p->user;
}

void
ffs_programs_settle(struct ffs_programs *p)
{
	size_t i, n = 0;

	if (!p->n)
		return;
	qsort(p->v, p->n, sizeof(*p->v), by_name);
	for (i = 1; i < p->n; i++) {
		if (by_name(&p->v[n], &p->v[i]))
			p->v[++n] = p->v[i];
		else
			join(&p->v[n], &p->v[i]);
	}
	p->n = n + 1;
	qsort(p->v, p->n, sizeof(*p->v), by_traffic);
}
