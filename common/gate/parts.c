#include "common/gate/parts.h"

#include <stdlib.h>

enum { SLOTS = 4096, TRIES = 20 };

struct slot {
	uint64_t hash, size, bytes; /* size 0: free */
	unsigned tries;             /* how often it was wanted */
};

struct ffs_parts {
	struct ffs_wanted *wanted;
	bool once;
	struct slot v[SLOTS];
};

struct ffs_parts *
ffs_parts_new(struct ffs_wanted *w, bool once)
{
	struct ffs_parts *p = calloc(1, sizeof(*p));

	if (p) {
		p->wanted = w;
		p->once = once;
	}
	return p;
}

void
ffs_parts_free(struct ffs_parts *p)
{
	free(p);
}

/* FNV-1a, the end of the string too. */
static uint64_t
hash_of(uint64_t h, const char *s)
{
	do
		h = (h ^ (unsigned char)*s) * 0x100000001b3;
	while (*s++);
	return h;
}

void
ffs_parts_read(struct ffs_parts *p, const struct ffs_cache_name *n, uint64_t size, uint64_t bytes)
{
	uint64_t h = hash_of(hash_of(hash_of(0xcbf29ce484222325, n->endpoint), n->bucket), n->key);
	struct slot *s = &p->v[(h ^ h >> 32) % SLOTS];
	uint64_t left;

	if (!size)
		return;
	if (s->hash != h || s->size != size)
		*s = (struct slot){ .hash = h, .size = size };
	s->bytes = bytes > UINT64_MAX - s->bytes ? UINT64_MAX : s->bytes + bytes;
	left = s->bytes >> s->tries;
	if (p->once ? left < size : left <= size)
		return;
	/* What was wanted in vain is not wanted as often again. */
	s->bytes = 0;
	s->tries += s->tries < TRIES;
	ffs_wanted_add(p->wanted, n);
}
