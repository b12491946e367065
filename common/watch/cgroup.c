#include "common/watch/cgroup.h"

#include <errno.h>
#include <fcntl.h>
#include <mntent.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/vfs.h>
#include <unistd.h>

#include <bpf/bpf.h>
#include <linux/magic.h>

#include "common/watch/pins.h"

char *
ffs_cgroup_root(void)
{
	FILE *f = setmntent("/proc/self/mounts", "re");
	const struct mntent *m;
	char *root = NULL;

	if (!f)
		return NULL;
	errno = ENOENT;
	while (!root && (m = getmntent(f)))
		if (!strcmp(m->mnt_type, "cgroup2"))
			root = strdup(m->mnt_dir);
	endmntent(f);
	return root;
}

static int
open_cgroup(const char *path)
{
	int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	struct statfs s;

	if (fd < 0)
		return -errno;
	if (!fstatfs(fd, &s) && (unsigned long)s.f_type == CGROUP2_SUPER_MAGIC)
		return fd;
	close(fd);
	return -EINVAL;
}

static int
pin(int fd, const char *dir, const char *name)
{
	char link[64], *path;
	int rc;

	snprintf(link, sizeof(link), FFS_PINS_LINKS "/%s", name);
	path = ffs_pins_path(dir, link);
	rc = path && !bpf_obj_pin(fd, path) ? 0 : -errno;
	free(path);
	return rc;
}

/* Have a link at a descriptor that was there before, which is used up.  Those of a process that is
 * killed are closed in order, and nobody may be redirected when tune does not tell of it any more.
 */
static int
move_to(int link, int *early)
{
	int to = *early;

	if (to < 0 || dup3(link, to, O_CLOEXEC) < 0)
		return link;
	*early = -1;
	close(link);
	return to;
}

int
ffs_cgroup_attach(struct ffs_cgroup *c, const struct ffs_load *l, const char *path,
    const char *pin_dir, const char **which)
{
	static const struct {
		enum ffs_load_prog prog;
		enum bpf_attach_type type;
		const char *name;
		int redirects;
	} hooks[] = {
		{ FFS_LOAD_PROG_TUNE, BPF_CGROUP_SOCK_OPS, "tune", 0 },
		/* Who asks for his peer's name gets the right one, before there is another. */
		{ FFS_LOAD_PROG_PEER4, BPF_CGROUP_INET4_GETPEERNAME, "peer4", 0 },
		{ FFS_LOAD_PROG_PEER6, BPF_CGROUP_INET6_GETPEERNAME, "peer6", 0 },
		{ FFS_LOAD_PROG_CONNECT4, BPF_CGROUP_INET4_CONNECT, "connect4", 1 },
		{ FFS_LOAD_PROG_CONNECT6, BPF_CGROUP_INET6_CONNECT, "connect6", 2 },
	};
	int fd = open_cgroup(path), early[2], link, rc = 0;
	size_t i;

	*which = NULL;
	if (fd < 0)
		return fd;
	for (i = 0; i < 2; i++)
		early[i] = fcntl(fd, F_DUPFD_CLOEXEC, 0);
	for (i = 0; !rc && i < sizeof(hooks) / sizeof(*hooks); i++) {
		if (ffs_load_fd(l, hooks[i].prog) < 0)
			continue;
		link = bpf_link_create(ffs_load_fd(l, hooks[i].prog), fd, hooks[i].type, NULL);
		rc = link < 0 ? -errno : 0;
		if (!rc && hooks[i].redirects)
			link = move_to(link, &early[hooks[i].redirects - 1]);
		c->links[hooks[i].prog] = link;
		if (!rc && pin_dir)
			rc = pin(link, pin_dir, hooks[i].name);
		if (rc)
			*which = hooks[i].name;
	}
	for (i = 0; i < 2; i++)
		if (early[i] >= 0)
			close(early[i]);
	close(fd);
	return rc;
}

void
ffs_cgroup_release(struct ffs_cgroup *c)
{
	bool redirects = c->links[FFS_LOAD_PROG_PEER4] >= 0;
	size_t i;

	/* The last first: tune tells of whom connect4 redirects, and has been redirected just now.
	 */
	for (i = FFS_LOAD_PROGS; i-- > 0;) {
		if (redirects && i == FFS_LOAD_PROG_TUNE)
			poll(NULL, 0, FFS_CGROUP_SENT_MS);
		if (c->links[i] >= 0)
			close(c->links[i]);
		c->links[i] = -1;
	}
}
