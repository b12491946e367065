#include "common/watch/bpffs.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include <linux/magic.h>

#include "common/base/buf.h"
#include "common/base/opt.h"
#include "common/watch/clsact.h"
#include "common/watch/maps.h"
#include "common/watch/pins.h"

#define RUN "/run/ffs"
#define MOUNT RUN "/bpf"

/* From the program of connect() to that of its first packet, at the longest. */
#define SENT_MS 20

static int
say(char **why, int rc, const char *what, const char *path)
{
	if (why && asprintf(why, "%s '%s': %s", what, path,
		       rc == -EACCES ? "others may write to it" : strerror(-rc)) < 0)
		*why = NULL;
	return rc;
}

static bool
is_bpffs(const char *path)
{
	struct statfs s;

	return !statfs(path, &s) && (unsigned long)s.f_type == BPF_FS_MAGIC;
}

/* A directory that only root may write to, in nobody else's hands. */
static int
make_dir(const char *path)
{
	struct stat st;

	if (mkdir(path, 0755) && errno != EEXIST)
		return -errno;
	if (lstat(path, &st))
		return -errno;
	if (!S_ISDIR(st.st_mode))
		return -ENOTDIR;
	if (st.st_uid || (st.st_mode & 022))
		return -EACCES;
	/* Whatever the umask took. */
	return chmod(path, 0755) ? -errno : 0;
}

/* Our own mount: a bare one is 1777, where anybody could take the names; systemd's is 0700. */
static int
mount_own(char **why)
{
	int rc = make_dir(RUN);

	if (rc)
		return say(why, rc, "cannot use the directory", RUN);
	if (is_bpffs(MOUNT))
		return 0;
	rc = make_dir(MOUNT);
	if (!rc && mount("bpf", MOUNT, "bpf", MS_NOSUID | MS_NODEV | MS_NOEXEC, "mode=0755"))
		rc = -errno;
	if (rc == -ENODEV)
		rc = -EOPNOTSUPP; /* no such file system: no BPF */
	return rc ? say(why, rc, "cannot mount a bpffs at", MOUNT) : 0;
}

int
ffs_bpffs_open(struct ffs_bpffs *b, char **why)
{
	const char *top = ffs_opt_env("FFS_BPF_DIR");
	int rc;

	*b = (struct ffs_bpffs){ .lock = -1 };
	if (!top) {
		rc = mount_own(why);
		if (rc)
			return rc;
	} else if (!is_bpffs(top)) {
		rc = -EINVAL;
		if (why &&
		    asprintf(why, "FFS_BPF_DIR names '%s', which is no bpffs: mount -t bpf bpf %s",
			top, top) < 0)
			*why = NULL;
		return rc;
	}
	b->dir = ffs_maps_dir();
	if (!b->dir)
		return -errno;
	rc = make_dir(b->dir);
	return rc ? say(why, rc, "cannot use the directory", b->dir) : 0;
}

void
ffs_bpffs_release(struct ffs_bpffs *b)
{
	if (b->lock >= 0)
		close(b->lock);
	free(b->dir);
	*b = (struct ffs_bpffs){ .lock = -1 };
}

static int
make_inside(const struct ffs_bpffs *b, const char *name, mode_t mode, uid_t uid, gid_t gid)
{
	char *path = ffs_pins_path(b->dir, name);
	int rc = -errno;

	if (!path)
		return rc;
	rc = 0;
	if ((mkdir(path, mode) && errno != EEXIST) || chown(path, uid, gid) || chmod(path, mode))
		rc = -errno;
	free(path);
	return rc;
}

int
ffs_bpffs_lock(struct ffs_bpffs *b)
{
	int rc = make_inside(b, FFS_PINS_LOADER, 0700, 0, 0);
	char *path = rc ? NULL : ffs_pins_path(b->dir, FFS_PINS_LOADER);

	if (!path)
		return rc ? rc : -errno;
	b->lock = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	free(path);
	if (b->lock < 0)
		return -errno;
	if (!flock(b->lock, LOCK_EX | LOCK_NB))
		return 0;
	rc = errno == EWOULDBLOCK ? -EBUSY : -errno;
	close(b->lock);
	b->lock = -1;
	return rc;
}

int
ffs_bpffs_fill(struct ffs_bpffs *b, uid_t uid, gid_t gid)
{
	int rc = make_inside(b, FFS_PINS_LINKS, 0755, 0, 0);

	if (!rc)
		rc = make_inside(b, FFS_PINS_PROGRAMS, 0700, 0, 0);
	if (!rc)
		rc = make_inside(b, FFS_PINS_CLSACT, 0700, 0, 0);
	if (!rc)
		rc = make_inside(b, FFS_PINS_CONSUMER, 0700, uid, gid);
	return rc;
}

/* --- clearing --- */

/* Remove what is in a directory, with the directories in it (empty ones) or without. */
static int
empty(int at, const char *name, bool dirs)
{
	int n = 0, fd = openat(at, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
	const struct dirent *e;
	DIR *d = fd < 0 ? NULL : fdopendir(fd);

	if (!d) {
		if (fd >= 0)
			close(fd);
		return 0;
	}
	while ((e = readdir(d)))
		if (e->d_name[0] != '.' && (!unlinkat(fd, e->d_name, 0) ||
					       (dirs && !unlinkat(fd, e->d_name, AT_REMOVEDIR))))
			n++;
	closedir(d);
	return n;
}

static int
clear_filters(const char *dir)
{
	struct if_nameindex *v = if_nameindex();
	int i, rc, n = 0;

	for (i = 0; v && v[i].if_index; i++) {
		rc = ffs_clsact_detach(dir, (int)v[i].if_index);
		if (rc > 0)
			n += rc;
	}
	if (v)
		if_freenameindex(v);
	return n;
}

int
ffs_bpffs_clear(struct ffs_bpffs *b)
{
	static const char *const inner[] = { FFS_PINS_LINKS, FFS_PINS_PROGRAMS, FFS_PINS_CLSACT,
		FFS_PINS_CONSUMER };
	int fd, gone, n = clear_filters(b->dir);
	size_t i;

	fd = open(b->dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	/* meta went in last and goes first: who finds it finds all.  The lock's directory stays:
	 * another one would be another lock. */
	n += !unlinkat(fd, "meta", 0);
	/* Nobody is redirected who is not told of. */
	gone = !unlinkat(fd, FFS_PINS_LINKS "/connect4", 0);
	gone += !unlinkat(fd, FFS_PINS_LINKS "/connect6", 0);
	if (gone) {
		n++;
		poll(NULL, 0, SENT_MS);
	}
	for (i = 0; i < sizeof(inner) / sizeof(*inner); i++) {
		n += empty(fd, inner[i], true);
		unlinkat(fd, inner[i], AT_REMOVEDIR);
	}
	n += empty(AT_FDCWD, b->dir, false);
	close(fd);
	return n > 0;
}
