#include "common/cache/served.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "common/cache/cacheimpl.h"

enum {
	VERSION = 1,
	HEADER = 4096,
	WAYS = 8, /* slots an object or a program can be in */
	OBJECTS = 1 << 16,
	OBJECTS_MIN = 1 << 8,
	TAKEN = 1, /* a tag: somebody writes this slot */
};

struct object {
	uint64_t tag;  /* of the name's hash; 0 free */
	uint64_t last; /* CLOCK_REALTIME in microseconds */
	uint64_t requests[FFS_SERVED_N], bytes[FFS_SERVED_N];
};

struct program {
	uint64_t tag; /* of comm and uid, so that one who reads half a name notices; 0 free */
	uint64_t last;
	uint64_t requests[FFS_SERVED_N], bytes[FFS_SERVED_N], us[FFS_SERVED_N];
	char comm[FFS_SERVED_COMM];
	uint32_t uid, unused;
};

struct header {
	char magic[8];
	uint32_t version, header_size;
	uint64_t objects, programs;
	uint64_t last, requests[FFS_SERVED_N], bytes[FFS_SERVED_N], us[FFS_SERVED_N];
};

_Static_assert(sizeof(struct header) <= HEADER && (int)HEADER <= (int)FFS_MAPFILE_HEAD, "header");
_Static_assert(sizeof(struct object) == 80 && sizeof(struct program) == 136, "no holes");

struct ffs_served {
	int dirfd;
	struct ffs_mapfile file;
	struct header *h;
	struct program *programs;
	struct object *objects;
	uint64_t nobjects;
	EVP_MD *md;
	EVP_MD_CTX *mdctx;
};

static const char magic[8] = "ffsserv";

static const char *const names[] = { "origin", "revalidated", "cache", "stale" };

const char *
ffs_served_name(enum ffs_served_from from)
{
	return from < FFS_SERVED_N ? names[from] : "?";
}

/* --- the file --- */

static uint64_t
size_of(uint64_t objects)
{
	return HEADER + FFS_SERVED_PROGRAMS * sizeof(struct program) +
	       objects * sizeof(struct object);
}

static bool
ok(const void *header, uint64_t size)
{
	const struct header *h = header;

	return !memcmp(h->magic, magic, sizeof(magic)) && h->version == VERSION &&
	       h->header_size == HEADER && h->programs == FFS_SERVED_PROGRAMS &&
	       h->objects >= OBJECTS_MIN && h->objects <= OBJECTS &&
	       !(h->objects & (h->objects - 1)) && size == size_of(h->objects);
}

static uint64_t
make(void *header, uint64_t room, bool empty)
{
	struct header *h = header;

	(void)empty;
	memcpy(h->magic, magic, sizeof(magic));
	h->version = VERSION;
	h->header_size = HEADER;
	h->programs = FFS_SERVED_PROGRAMS;
	h->objects = OBJECTS;
	while (h->objects > OBJECTS_MIN && size_of(h->objects) > room)
		h->objects /= 2;
	return size_of(h->objects);
}

static const struct ffs_mapfile_kind kind = { "served", "served.new", HEADER, ok, make };

struct ffs_served *
ffs_served_open(const char *dir, bool writable)
{
	struct ffs_served *s = calloc(1, sizeof(*s));
	int rc;

	if (!s)
		return NULL;
	s->dirfd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	rc = s->dirfd < 0 ? -errno : ffs_mapfile_open(&s->file, s->dirfd, &kind, writable, false);
	if (!rc) {
		s->h = s->file.p;
		s->programs = (struct program *)((char *)s->file.p + HEADER);
		s->objects = (struct object *)(s->programs + FFS_SERVED_PROGRAMS);
		s->nobjects = (s->file.len - size_of(0)) / sizeof(struct object);
		s->md = EVP_MD_fetch(NULL, "SHA256", NULL);
		s->mdctx = EVP_MD_CTX_new();
		rc = s->md && s->mdctx ? 0 : -ENOMEM;
	}
	if (rc) {
		ffs_served_close(s);
		errno = -rc;
		return NULL;
	}
	return s;
}

void
ffs_served_close(struct ffs_served *s)
{
	if (!s)
		return;
	EVP_MD_CTX_free(s->mdctx);
	EVP_MD_free(s->md);
	ffs_mapfile_close(&s->file);
	if (s->dirfd >= 0)
		close(s->dirfd);
	free(s);
}

bool
ffs_served_current(const struct ffs_served *s)
{
	return ffs_mapfile_current(&s->file, s->dirfd, &kind);
}

/* --- slots --- */

static uint64_t
object_tag(const struct ffs_served *s, const struct ffs_cache_name *n)
{
	struct ffs_cache_id id;

	ffs_cache_id_make(s->mdctx, s->md, n, &id);
	return id.tag;
}

static uint64_t
program_tag(const char comm[FFS_SERVED_COMM], uint32_t uid)
{
	uint64_t h = 0xcbf29ce484222325; /* FNV-1a */
	unsigned i;

	for (i = 0; i < FFS_SERVED_COMM; i++)
		h = (h ^ (unsigned char)comm[i]) * 0x100000001b3;
	for (i = 0; i < 32; i += 8)
		h = (h ^ (uid >> i & 255)) * 0x100000001b3;
	return h | 2;
}

/*
 * The slot of a tag among WAYS of them, each size bytes long and beginning with tag and time; where
 * it is not there and make says so the one longest unused, whose tag is TAKEN then: the caller
 * fills it.
 */
static uint64_t *
find(void *set, size_t size, uint64_t tag, bool take, bool *fresh)
{
	uint64_t *slot, *victim = set, seen;
	unsigned i;

	*fresh = false;
	for (i = 0; i < WAYS; i++) {
		slot = (uint64_t *)((char *)set + i * size);
		seen = __atomic_load_n(slot, __ATOMIC_ACQUIRE);
		if (seen == tag)
			return slot;
		if (!seen ||
		    (ffs_table_get(victim) && ffs_table_get(slot + 1) < ffs_table_get(victim + 1)))
			victim = slot;
	}
	if (!take)
		return NULL;
	/* Whoever finds it half emptied counts into nobody's.  One that somebody died in is TAKEN
	 * for ever but for this: its time is old, too. */
	seen = ffs_table_get(victim);
	if (!__atomic_compare_exchange_n(
		victim, &seen, TAKEN, false, __ATOMIC_ACQUIRE, __ATOMIC_RELAXED))
		return NULL;
	*fresh = true;
	return victim;
}

static void
clear(uint64_t *v, size_t n)
{
	size_t i;

	for (i = 0; i < n; i++)
		ffs_table_set(v + i, 0);
}

static struct object *
object_slot(const struct ffs_served *s, uint64_t tag, bool take)
{
	struct object *set = s->objects + tag / WAYS % (s->nobjects / WAYS) * WAYS, *o;
	bool fresh;

	o = (struct object *)find(set, sizeof(*set), tag, take, &fresh);
	if (o && fresh) {
		clear(o->requests, FFS_SERVED_N);
		clear(o->bytes, FFS_SERVED_N);
		__atomic_store_n(&o->tag, tag, __ATOMIC_RELEASE);
	}
	return o;
}

static struct program *
program_slot(const struct ffs_served *s, const char comm[FFS_SERVED_COMM], uint32_t uid)
{
	uint64_t tag = program_tag(comm, uid);
	struct program *set = s->programs + tag / WAYS % (FFS_SERVED_PROGRAMS / WAYS) * WAYS, *p;
	bool fresh;

	p = (struct program *)find(set, sizeof(*set), tag, true, &fresh);
	if (p && fresh) {
		clear(p->requests, FFS_SERVED_N);
		clear(p->bytes, FFS_SERVED_N);
		clear(p->us, FFS_SERVED_N);
		memcpy(p->comm, comm, FFS_SERVED_COMM);
		p->uid = uid;
		__atomic_store_n(&p->tag, tag, __ATOMIC_RELEASE);
	}
	return p;
}

/* --- notes --- */

void
ffs_served_note(struct ffs_served *s, const struct ffs_cache_name *n, const char *comm,
    uint32_t uid, enum ffs_served_from from, uint64_t bytes, uint64_t us)
{
	char name[FFS_SERVED_COMM] = { 0 };
	struct program *p;
	struct timespec t;
	struct object *o;
	uint64_t now;

	if (!s || !s->file.writable || from >= FFS_SERVED_N)
		return;
	clock_gettime(CLOCK_REALTIME, &t);
	now = (uint64_t)t.tv_sec * 1000000 + (uint64_t)t.tv_nsec / 1000;
	ffs_table_set(&s->h->last, now);
	ffs_table_add(&s->h->requests[from], 1);
	ffs_table_add(&s->h->bytes[from], bytes);
	ffs_table_add(&s->h->us[from], us);
	memcpy(name, comm ? comm : "", comm ? strnlen(comm, sizeof(name) - 1) : 0);
	p = program_slot(s, name, uid);
	if (p) {
		ffs_table_set(&p->last, now);
		ffs_table_add(&p->requests[from], 1);
		ffs_table_add(&p->bytes[from], bytes);
		ffs_table_add(&p->us[from], us);
	}
	o = n ? object_slot(s, object_tag(s, n), true) : NULL;
	if (o) {
		ffs_table_set(&o->last, now);
		ffs_table_add(&o->requests[from], 1);
		ffs_table_add(&o->bytes[from], bytes);
	}
}

/* us NULL: not known. */
static void
copy(struct ffs_served_count *c, const uint64_t *last, const uint64_t *requests,
    const uint64_t *bytes, const uint64_t *us)
{
	unsigned i;

	for (i = 0; i < FFS_SERVED_N; i++) {
		c->requests[i] = ffs_table_get(requests + i);
		c->bytes[i] = ffs_table_get(bytes + i);
		c->us[i] = us ? ffs_table_get(us + i) : 0;
	}
	c->last_us = (int64_t)(ffs_table_get(last) & INT64_MAX);
}

void
ffs_served_totals(const struct ffs_served *s, struct ffs_served_count *c)
{
	copy(c, &s->h->last, s->h->requests, s->h->bytes, s->h->us);
}

int
ffs_served_object(
    const struct ffs_served *s, const struct ffs_cache_name *n, struct ffs_served_count *c)
{
	const struct object *o = object_slot(s, object_tag(s, n), false);

	if (!o)
		return -ENOENT;
	copy(c, &o->last, o->requests, o->bytes, NULL);
	return 0;
}

/* Add what slot p of a program has; false: it is none, or one that is being made. */
static bool
add_slot(const struct program *p, uint64_t *tag, char name[FFS_SERVED_COMM], uint32_t *uid,
    struct ffs_served_count *c)
{
	struct ffs_served_count more;
	unsigned i;

	*tag = __atomic_load_n(&p->tag, __ATOMIC_ACQUIRE);
	*uid = p->uid;
	memcpy(name, p->comm, FFS_SERVED_COMM);
	copy(&more, &p->last, p->requests, p->bytes, p->us);
	if (*tag <= TAKEN || name[FFS_SERVED_COMM - 1] || *tag != program_tag(name, *uid))
		return false;
	for (i = 0; i < FFS_SERVED_N; i++) {
		c->requests[i] += more.requests[i];
		c->bytes[i] += more.bytes[i];
		c->us[i] += more.us[i];
	}
	c->last_us = more.last_us > c->last_us ? more.last_us : c->last_us;
	return true;
}

int
ffs_served_programs(const struct ffs_served *s,
    int (*each)(void *arg, const char *comm, uint32_t uid, const struct ffs_served_count *c),
    void *arg)
{
	char name[FFS_SERVED_COMM], again[FFS_SERVED_COMM];
	uint64_t tag, seen[FFS_SERVED_PROGRAMS];
	uint32_t uid, other;
	unsigned i, k, end;
	int rc = 0;

	for (i = 0; i < FFS_SERVED_PROGRAMS; i++)
		seen[i] = ffs_table_get(&s->programs[i].tag);
	for (i = 0; !rc && i < FFS_SERVED_PROGRAMS; i++) {
		struct ffs_served_count c = { 0 };

		if (!seen[i] || !add_slot(s->programs + i, &tag, name, &uid, &c))
			continue;
		/* Two that made its slot at the same time made two. */
		for (k = i + 1, end = i / WAYS * WAYS + WAYS; k < end; k++)
			if (seen[k] == tag) {
				(void)add_slot(s->programs + k, &seen[k], again, &other, &c);
				seen[k] = 0;
			}
		rc = each(arg, name, uid, &c);
	}
	return rc;
}

void
ffs_served_reset(struct ffs_served *s)
{
	uint64_t i;

	if (!s->file.writable)
		return;
	for (i = 0; i < s->nobjects; i++)
		if (ffs_table_get(&s->objects[i].tag))
			ffs_table_set(&s->objects[i].tag, 0);
	for (i = 0; i < FFS_SERVED_PROGRAMS; i++)
		ffs_table_set(&s->programs[i].tag, 0);
	clear(s->h->requests, FFS_SERVED_N);
	clear(s->h->bytes, FFS_SERVED_N);
	clear(s->h->us, FFS_SERVED_N);
	ffs_table_set(&s->h->last, 0);
}
