#ifndef FFS_CACHETEST_H
#define FFS_CACHETEST_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/cache/cache.h"
#include "tests/unit/check.h"

/* A name of the tests' one dataset. */
struct named {
	char key[64];
	struct ffs_cache_name n;
};

static inline const struct ffs_cache_name *
name_of(struct named *m, int i)
{
	snprintf(m->key, sizeof(m->key), "set/1/%05d.csv", i);
	m->n = (struct ffs_cache_name){ "http://127.0.0.1:9000", "ffs", m->key };
	return &m->n;
}

/* Bytes of object i, the same whenever it is asked for. */
static inline void
bytes_of(int i, char *p, size_t n)
{
	uint32_t x = (uint32_t)i * 2654435761u + 1;
	size_t at;

	for (at = 0; at < n; at++) {
		x = x * 1664525u + 1013904223u;
		p[at] = (char)(x >> 24);
	}
}

/* A cache in ./NAME. */
static inline struct ffs_cache *
open_cache(const char *dir)
{
	char *why;
	struct ffs_cache *c = ffs_cache_open(dir, true, &why);

	if (!c) {
		printf("%s\n", why);
		exit(1);
	}
	free(why);
	return c;
}

static inline void
set_limits(struct ffs_cache *c, uint64_t size, uint64_t entries)
{
	struct ffs_cache_limits l = { size, entries, 0 };

	CHECK(!ffs_cache_limits_set(c, &l));
}

/* Fill object i with n of its bytes under ETag "e".  0, or what begin or commit say. */
static inline int
fill(struct ffs_cache *c, int i, size_t n, const struct ffs_cache_fill_opts *more,
    enum ffs_cache_refusal *refused)
{
	struct ffs_cache_fill_opts o = more ? *more : (struct ffs_cache_fill_opts){ 0 };
	enum ffs_cache_refusal none;
	struct ffs_cache_fill *f;
	char *p = malloc(n + 1);
	struct named m;
	int rc;

	if (!p)
		exit(1);
	bytes_of(i, p, n);
	o.etag = o.etag ? o.etag : "e";
	o.size = n;
	rc = ffs_cache_fill_begin(c, name_of(&m, i), &o, &f, refused ? refused : &none);
	if (!rc) {
		rc = ffs_cache_fill_write(f, p, n / 3);
		if (!rc)
			rc = ffs_cache_fill_write(f, p + n / 3, n - n / 3);
		if (rc)
			ffs_cache_fill_abort(f);
		else
			rc = ffs_cache_fill_commit(f);
	}
	free(p);
	return rc;
}

/* A read of object i: 1 a hit, 0 a miss; both are noted.  Wrong bytes end the program. */
static inline int
read_object(struct ffs_cache *c, int i)
{
	struct ffs_cache_hit hit;
	char *p, *want;
	struct named m;

	if (ffs_cache_find(c, name_of(&m, i), NULL, &hit)) {
		ffs_cache_note_miss(c, &m.n);
		return 0;
	}
	p = malloc(hit.size + 1);
	want = malloc(hit.size + 1);
	if (!p || !want)
		exit(1);
	bytes_of(i, want, hit.size);
	if (pread(hit.fd, p, hit.size, 0) != (ssize_t)hit.size || memcmp(p, want, hit.size)) {
		printf("object %d has wrong bytes\n", i);
		exit(1);
	}
	free(p);
	free(want);
	close(hit.fd);
	ffs_cache_note_hit(c, &m.n, hit.size, 50);
	return 1;
}

#endif
