#include "common/watch/ring.h"

#include <errno.h>
#include <fcntl.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include <bpf/libbpf.h>

#include "common/watch/maps.h"
#include "common/watch/pins.h"

struct ffs_ring {
	struct ring_buffer *rb;
	int events, lock;
	void (*event)(void *arg, const struct ffs_event *e);
	void *arg;
};

/* What user space may rely on: a whole head, and lengths inside of the text. */
static bool
event_ok(const struct ffs_event *e, size_t len)
{
	size_t head = offsetof(struct ffs_event, text);
	size_t text = (size_t)e->bucket_len + e->key_len + e->version_len;

	if (e->type != FFS_EVENT_HOT && e->type != FFS_EVENT_INVALIDATE)
		return false;
	return e->bucket_len <= FFS_BUCKET_MAX && e->key_len <= FFS_KEY_MAX &&
	       e->version_len <= FFS_VERSION_MAX && e->text_len <= FFS_TEXT_MAX &&
	       head + e->text_len <= len &&
	       text + (e->key_len || e->version_len) <= e->text_len; /* the '/' */
}

static int
on_record(void *ctx, void *data, size_t len)
{
	struct ffs_ring *r = ctx;
	struct ffs_event e = { 0 };

	if (len < offsetof(struct ffs_event, text))
		return 0;
	memcpy(&e, data, len < sizeof(e) ? len : sizeof(e));
	if (event_ok(&e, len < sizeof(e) ? len : sizeof(e)))
		r->event(r->arg, &e);
	return 0;
}

static void
say(char **why, const char *what, const char *dir)
{
	char *own = dir ? NULL : ffs_maps_dir();

	if (why && asprintf(why, "%s in '%s'", what, dir ? dir : own ? own : "") < 0)
		*why = NULL;
	free(own);
}

static int
take_lock(const char *dir, char **why)
{
	char *path = ffs_pins_path(dir, FFS_PINS_CONSUMER);
	int fd = path ? open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC) : -1, rc = errno;

	free(path);
	if (fd < 0) {
		if (rc == EACCES)
			say(why, "another user's is the ring", dir);
		return -rc;
	}
	if (flock(fd, LOCK_EX | LOCK_NB)) {
		rc = errno == EWOULDBLOCK ? EBUSY : errno;
		close(fd);
		if (rc == EBUSY)
			say(why, "another ffs-cache follows the ring", dir);
		return -rc;
	}
	return fd;
}

/* What libbpf has to say of its errors is said by errno, too. */
static struct ring_buffer *
consumer(struct ffs_ring *r)
{
	libbpf_print_fn_t before = libbpf_set_print(NULL);
	struct ring_buffer *rb = ring_buffer__new(r->events, on_record, r, NULL);
	int rc = errno;

	libbpf_set_print(before);
	errno = rc;
	return rb;
}

static int
ring_open(struct ffs_ring *r, const char *dir, char **why)
{
	struct ffs_maps m;
	int rc = ffs_maps_open(&m, dir, why);

	if (rc)
		return rc;
	ffs_maps_release(&m);
	r->lock = take_lock(dir, why);
	if (r->lock < 0)
		return r->lock;
	r->events = ffs_pins_map(dir, "events", true);
	if (r->events < 0) {
		say(why, "another user's is the ring", dir);
		return r->events;
	}
	r->rb = consumer(r);
	return r->rb ? 0 : -errno;
}

struct ffs_ring *
ffs_ring_open(
    const char *dir, void (*event)(void *arg, const struct ffs_event *e), void *arg, char **why)
{
	struct ffs_ring *r = calloc(1, sizeof(*r));
	int rc;

	if (!r)
		return NULL;
	*r = (struct ffs_ring){ .events = -1, .lock = -1, .event = event, .arg = arg };
	rc = ring_open(r, dir, why);
	if (rc) {
		ffs_ring_free(r);
		errno = -rc;
		return NULL;
	}
	return r;
}

void
ffs_ring_free(struct ffs_ring *r)
{
	if (!r)
		return;
	ring_buffer__free(r->rb);
	if (r->events >= 0)
		close(r->events);
	if (r->lock >= 0)
		close(r->lock);
	free(r);
}

int
ffs_ring_fd(const struct ffs_ring *r)
{
	return ring_buffer__epoll_fd(r->rb);
}

int
ffs_ring_poll(struct ffs_ring *r, int ms)
{
	return ring_buffer__poll(r->rb, ms);
}
