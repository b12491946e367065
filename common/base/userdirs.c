#include "common/base/userdirs.h"

#include <errno.h>
#include <pwd.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/base/buf.h"
#include "common/base/opt.h"

bool
ffs_userdirs_sudo(uid_t *uid, gid_t *gid)
{
	const char *u = ffs_opt_env("SUDO_UID"), *g = ffs_opt_env("SUDO_GID");
	uint64_t un, gn;

	if (geteuid() != 0 || !u || !g || ffs_opt_uint(u, 0, (uid_t)-2, &un) ||
	    ffs_opt_uint(g, 0, (gid_t)-2, &gn))
		return false;
	*uid = (uid_t)un;
	*gid = (gid_t)gn;
	return true;
}

char *
ffs_userdirs_home(void)
{
	const char *home = ffs_opt_env("HOME");
	struct passwd pw, *found = NULL;
	char *room, *out = NULL;
	uid_t uid = getuid();
	gid_t gid;
	int rc;

	if (!ffs_userdirs_sudo(&uid, &gid) && home)
		return strdup(home);
	room = malloc(65536);
	if (!room)
		return NULL;
	rc = getpwuid_r(uid, &pw, room, 65536, &found);
	if (found)
		out = strdup(pw.pw_dir);
	else
		errno = rc ? rc : ENOENT;
	free(room);
	return out;
}

static char *
xdg_path(const char *var, const char *fallback, const char *name)
{
	const char *base = ffs_opt_env(var);
	char *home = NULL, *dir, *out = NULL;

	/* The XDG specification: a relative path is invalid and to be ignored. */
	if (base && *base == '/') {
		dir = ffs_buf_concat(base, "/ffs", "");
	} else {
		home = ffs_userdirs_home();
		dir = home ? ffs_buf_concat(home, fallback, "/ffs") : NULL;
		free(home);
	}
	if (dir)
		out = name ? ffs_buf_concat(dir, "/", name) : strdup(dir);
	free(dir);
	return out;
}

char *
ffs_userdirs_config(const char *name)
{
	return xdg_path("XDG_CONFIG_HOME", "/.config", name);
}

char *
ffs_userdirs_data(const char *name)
{
	return xdg_path("XDG_DATA_HOME", "/.local/share", name);
}

char *
ffs_userdirs_cache(const char *name)
{
	return xdg_path("XDG_CACHE_HOME", "/.cache", name);
}
