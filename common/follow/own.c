#include "common/follow/own.h"

#include <bpf/bpf.h>
#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/watch/pins.h"

static bool
cookie_of(int fd, uint64_t *cookie)
{
	socklen_t len = sizeof(*cookie);

	return !getsockopt(fd, SOL_SOCKET, SO_COOKIE, cookie, &len);
}

static int
enter(const struct ffs_own *o, int fd)
{
	uint64_t cookie;

	if (!cookie_of(fd, &cookie))
		return -errno;
	return bpf_map_update_elem(o->self, &cookie, &(uint32_t){ 1 }, BPF_ANY) ? -errno : 0;
}

/* Full: of processes that were killed.  Who is still there loses what he has entered, which costs
 * a read that is counted. */
static void
sweep(const struct ffs_own *o)
{
	uint64_t cookie;

	while (
	    !bpf_map_get_next_key(o->self, NULL, &cookie) && !bpf_map_delete_elem(o->self, &cookie))
		;
}

static void
enter_all(const struct ffs_own *o)
{
	size_t i;

	for (i = 0; i < o->n; i++)
		if (enter(o, o->fds[i]) == -E2BIG) {
			sweep(o);
			i = (size_t)-1;
		}
}

void
ffs_own_release(struct ffs_own *o)
{
	if (o->self >= 0)
		close(o->self);
	free(o->fds);
	*o = (struct ffs_own)FFS_OWN_INIT;
}

int
ffs_own_open(struct ffs_own *o, const char *dir)
{
	if (o->self >= 0)
		close(o->self);
	o->self = ffs_pins_map(dir, "self", true);
	if (o->self < 0)
		return o->self;
	enter_all(o);
	return 0;
}

void
ffs_own_opened(void *own, int fd)
{
	struct ffs_own *o = own;
	size_t cap = o->cap ? o->cap * 2 : 64;
	int *grown;

	if (o->n == o->cap) {
		grown = reallocarray(o->fds, cap, sizeof(*grown));
		if (!grown)
			return; /* its requests are counted */
		o->fds = grown;
		o->cap = cap;
	}
	o->fds[o->n++] = fd;
	if (o->self >= 0 && enter(o, fd) == -E2BIG) {
		sweep(o);
		enter_all(o);
	}
}

void
ffs_own_closing(void *own, int fd)
{
	struct ffs_own *o = own;
	uint64_t cookie;
	size_t i;

	for (i = 0; i < o->n && o->fds[i] != fd; i++)
		;
	if (i == o->n)
		return;
	o->fds[i] = o->fds[--o->n];
	if (o->self >= 0 && cookie_of(fd, &cookie))
		bpf_map_delete_elem(o->self, &cookie);
}
