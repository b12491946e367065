#include "common/watch/cgroup.h"

#include <errno.h>
#include <fcntl.h>
#include <mntent.h>
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

int
ffs_cgroup_attach(struct ffs_cgroup *c, const struct ffs_load *l, const char *path,
    const char *pin_dir, const char **which)
{
	static const struct {
		enum ffs_load_prog prog;
		enum bpf_attach_type type;
		const char *name;
	} hooks[] = {
		{ FFS_LOAD_PROG_TUNE, BPF_CGROUP_SOCK_OPS, "tune" },
		/* Who asks for his peer's name gets the right one, before there is another. */
		{ FFS_LOAD_PROG_PEER4, BPF_CGROUP_INET4_GETPEERNAME, "peer4" },
		{ FFS_LOAD_PROG_PEER6, BPF_CGROUP_INET6_GETPEERNAME, "peer6" },
		{ FFS_LOAD_PROG_CONNECT4, BPF_CGROUP_INET4_CONNECT, "connect4" },
		{ FFS_LOAD_PROG_CONNECT6, BPF_CGROUP_INET6_CONNECT, "connect6" },
	};
	int fd = open_cgroup(path), link, rc = 0;
	size_t i;

	*which = NULL;
	if (fd < 0)
		return fd;
	for (i = 0; !rc && i < sizeof(hooks) / sizeof(*hooks); i++) {
		if (ffs_load_fd(l, hooks[i].prog) < 0)
			continue;
		link = bpf_link_create(ffs_load_fd(l, hooks[i].prog), fd, hooks[i].type, NULL);
		rc = link < 0 ? -errno : 0;
		c->links[hooks[i].prog] = link;
		if (!rc && pin_dir)
			rc = pin(link, pin_dir, hooks[i].name);
		if (rc)
			*which = hooks[i].name;
		/* However this process ends; without that, some microseconds are not covered. */
		if (!rc && !pin_dir && hooks[i].prog == FFS_LOAD_PROG_TUNE &&
		    ffs_load_fd(l, FFS_LOAD_PROG_PEER4) >= 0)
			ffs_linger_start(&c->tune, &link, 1);
	}
	close(fd);
	return rc;
}

void
ffs_cgroup_release(struct ffs_cgroup *c)
{
	size_t i;

	/* The last first: tune tells of whom connect4 redirects, and has redirected just now. */
	for (i = FFS_LOAD_PROGS; i-- > 0;) {
		if (i == FFS_LOAD_PROG_TUNE)
			ffs_linger_end(&c->tune);
		if (c->links[i] >= 0)
			close(c->links[i]);
		c->links[i] = -1;
	}
}
