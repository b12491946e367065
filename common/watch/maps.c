#include "common/watch/maps.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include "common/base/buf.h"
#include "common/base/opt.h"
#include "common/base/why.h"
#include "common/watch/pins.h"

#define DEFAULT_DIR "/run/ffs/bpf"
#define BATCH 256
#define READERS_MAX 8192
#define BATCH_MAX 65536

#define STRING(x) #x
#define ABI_DIR(abi) "/v" STRING(abi)

char *
ffs_maps_dir(void)
{
	const char *top = ffs_opt_env("FFS_BPF_DIR");

	return ffs_buf_concat(top ? top : DEFAULT_DIR, ABI_DIR(FFS_ABI), "");
}

/* --- opening --- */

static int
explain(const char *dir, int rc, char **why)
{
	char *own = dir ? NULL : ffs_maps_dir();
	const char *where = dir ? dir : own ? own : "";

	switch (-rc) {
	case ENOENT:
		ffs_why(
		    why, rc, "nothing watches: no maps in '%s'; start 'sudo ffs-hotmon'", where);
		break;
	case EACCES:
	case EPERM:
		rc = ffs_why(why, -EACCES,
		    "the maps in '%s' are another user's; start 'sudo ffs-hotmon' as this one, or "
		    "with --group",
		    where);
		break;
	case ESTALE:
		ffs_why(why, rc,
		    "the maps in '%s' were left by an ffs-hotmon that is gone; start "
		    "'sudo ffs-hotmon' again",
		    where);
		break;
	case EPROTONOSUPPORT:
		ffs_why(why, rc, "the maps in '%s' are of another version of ffs-hotmon", where);
		break;
	default:
		ffs_why(why, rc, "cannot open the maps in '%s': %s", where, strerror(-rc));
	}
	free(own);
	return rc;
}

static int
open_one(int *fd, const char *dir, const char *name, unsigned value_size)
{
	struct bpf_map_info info = { 0 };
	__u32 len = sizeof(info);

	*fd = ffs_pins_map(dir, name, false);
	if (*fd < 0)
		return *fd;
	if (bpf_obj_get_info_by_fd(*fd, &info, &len))
		return -errno;
	return info.value_size == value_size ? 0 : -EPROTONOSUPPORT;
}

static int
read_meta(int fd, struct ffs_meta *meta)
{
	if (bpf_map_lookup_elem(fd, &(__u32){ 0 }, meta))
		return -errno;
	return meta->abi == FFS_ABI ? 0 : -EPROTONOSUPPORT;
}

int
ffs_maps_open(struct ffs_maps *m, const char *dir, char **why)
{
	int rc;

	*m = FFS_MAPS_NONE;
	rc = open_one(&m->meta, dir, "meta", sizeof(struct ffs_meta));
	if (!rc)
		rc = read_meta(m->meta, &m->loaded);
	if (!rc)
		rc = open_one(&m->objects, dir, "objects", sizeof(struct ffs_object_stat));
	if (!rc)
		rc = open_one(&m->names, dir, "names", sizeof(struct ffs_object_name));
	if (!rc)
		rc = open_one(&m->counters, dir, "counters", sizeof(uint64_t));
	if (!rc)
		rc = open_one(&m->latency, dir, "latency", sizeof(uint64_t));
	if (!rc)
		rc = open_one(&m->readers, dir, "readers", sizeof(struct ffs_reader_stat));
	if (!rc && !ffs_pins_served(dir, &m->loaded))
		rc = -ESTALE;
	if (rc) {
		ffs_maps_release(m);
		return explain(dir, rc, why);
	}
	return 0;
}

void
ffs_maps_release(struct ffs_maps *m)
{
	int *fds[] = { &m->objects, &m->names, &m->counters, &m->latency, &m->readers, &m->meta };
	size_t i;

	for (i = 0; i < sizeof(fds) / sizeof(*fds); i++) {
		if (*fds[i] >= 0)
			close(*fds[i]);
		*fds[i] = -1;
	}
}

bool
ffs_maps_current(const struct ffs_maps *m, const char *dir)
{
	struct ffs_meta now;
	int fd = ffs_pins_map(dir, "meta", false);
	bool same;

	if (fd < 0)
		return false;
	same = !read_meta(fd, &now) && now.loaded_ns == m->loaded.loaded_ns &&
	       ffs_pins_served(dir, &now);
	close(fd);
	return same;
}

int
ffs_maps_meta(const struct ffs_maps *m, struct ffs_meta *now)
{
	return read_meta(m->meta, now);
}

/* --- objects --- */

/* The parts of a name's text.  -EBADMSG for lengths that no program of ours writes. */
static int
split_name(struct ffs_maps_object *o, const struct ffs_object_name *n)
{
	const char *p = n->text;

	if (n->bucket_len > FFS_BUCKET_MAX || n->key_len > FFS_KEY_MAX ||
	    n->version_len > FFS_VERSION_MAX)
		return -EBADMSG;
	memcpy(o->bucket, p, n->bucket_len);
	o->bucket[n->bucket_len] = '\0';
	p += n->bucket_len + 1;
	memcpy(o->key, p, n->key_len);
	o->key[n->key_len] = '\0';
	o->key_len = n->key_len;
	p += n->key_len;
	memcpy(o->version, p, n->version_len);
	o->version[n->version_len] = '\0';
	return 0;
}

static int
read_name(const struct ffs_maps *m, struct ffs_maps_object *o)
{
	struct ffs_object_name name;

	if (bpf_map_lookup_elem(m->names, &o->id, &name))
		return -errno;
	return split_name(o, &name);
}

int
ffs_maps_object(const struct ffs_maps *m, const struct ffs_object_id *id, struct ffs_maps_object *o)
{
	o->id = *id;
	if (bpf_map_lookup_elem(m->objects, id, &o->stat))
		return -errno;
	return read_name(m, o);
}

struct batch {
	struct ffs_object_id *ids;
	struct ffs_object_stat *stats;
	__u32 room, n;
	__u32 cursor; /* of the kernel: the next bucket of the hash */
	bool started;
};

static void
batch_release(struct batch *b)
{
	free(b->ids);
	free(b->stats);
}

static int
batch_room(struct batch *b, __u32 room)
{
	batch_release(b);
	b->ids = calloc(room, sizeof(*b->ids));
	b->stats = calloc(room, sizeof(*b->stats));
	b->room = room;
	return b->ids && b->stats ? 0 : -ENOMEM;
}

/* The next objects; -ENOENT behind the last ones, which may come with it. */
static int
batch_next(struct batch *b, int fd)
{
	LIBBPF_OPTS(bpf_map_batch_opts, opts);
	__u32 next;
	int rc;

	for (;;) {
		b->n = b->room;
		rc = bpf_map_lookup_batch(
		    fd, b->started ? &b->cursor : NULL, &next, b->ids, b->stats, &b->n, &opts);
		if (!rc || errno != ENOSPC || b->room >= BATCH_MAX)
			break;
		/* One bucket of the hash holds more than there is room for. */
		rc = batch_room(b, b->room * 4);
		if (rc)
			return rc;
	}
	if (rc && errno != ENOENT) {
		b->n = 0;
		return -errno;
	}
	b->cursor = next;
	b->started = true;
	return rc ? -ENOENT : 0;
}

int
ffs_maps_stats(const struct ffs_maps *m,
    int (*each)(void *arg, const struct ffs_object_id *id, const struct ffs_object_stat *s),
    void *arg)
{
	struct batch b = { 0 };
	int rc = batch_room(&b, BATCH), told = 0;
	__u32 i;

	while (!rc && !told) {
		rc = batch_next(&b, m->objects);
		for (i = 0; (!rc || rc == -ENOENT) && !told && i < b.n; i++)
			told = each(arg, &b.ids[i], &b.stats[i]);
	}
	batch_release(&b);
	return told ? told : rc == -ENOENT ? 0 : rc;
}

struct named {
	const struct ffs_maps *m;
	int (*each)(void *arg, const struct ffs_maps_object *o);
	void *arg;
	struct ffs_maps_object o;
};

static int
with_name(void *arg, const struct ffs_object_id *id, const struct ffs_object_stat *s)
{
	struct named *n = arg;
	int rc;

	n->o.id = *id;
	n->o.stat = *s;
	rc = read_name(n->m, &n->o);
	/* Removed just now, or being added: it comes the next time. */
	if (rc == -ENOENT || rc == -EBADMSG)
		return 0;
	return rc ? rc : n->each(n->arg, &n->o);
}

int
ffs_maps_each(
    const struct ffs_maps *m, int (*each)(void *arg, const struct ffs_maps_object *o), void *arg)
{
	struct named n = { .m = m, .each = each, .arg = arg };

	return ffs_maps_stats(m, with_name, &n);
}

int
ffs_maps_readers(const struct ffs_maps *m,
    int (*each)(void *arg, const struct ffs_reader_id *id, const struct ffs_reader_stat *s),
    void *arg)
{
	struct ffs_reader_id id, *before = NULL;
	struct ffs_reader_stat s;
	int rc = 0, n;

	/* One that goes meanwhile lets the walk begin again: not for ever. */
	for (n = 0; !rc && n < READERS_MAX && !bpf_map_get_next_key(m->readers, before, &id); n++) {
		before = &id;
		if (bpf_map_lookup_elem(m->readers, &id, &s))
			continue;
		id.comm[FFS_COMM_LEN - 1] = '\0';
		rc = each(arg, &id, &s);
	}
	return rc;
}
