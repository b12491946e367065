#ifndef FFS_USERDIRS_H
#define FFS_USERDIRS_H

#include <stdbool.h>
#include <sys/types.h>

/* Under sudo (root, with SUDO_UID set): the invoking user, who shall own what is made for him. */
bool ffs_userdirs_sudo(uid_t *uid, gid_t *gid);

/*
 * The home directory that configuration comes from: under sudo that of
 * SUDO_UID's passwd entry, else $HOME, else the passwd entry.  NULL with errno
 * where there is none; free it.
 */
char *ffs_userdirs_home(void);

/*
 * A path below the configuration directory ($XDG_CONFIG_HOME/ffs, else
 * HOME/.config/ffs), the data directory ($XDG_DATA_HOME/ffs, else
 * HOME/.local/share/ffs) or the cache directory ($XDG_CACHE_HOME/ffs, else
 * HOME/.cache/ffs), or that directory itself for NULL.  Under sudo the
 * invoking user's.  Nothing is created.  NULL with errno; free it.
 */
char *ffs_userdirs_config(const char *name);
char *ffs_userdirs_data(const char *name);
char *ffs_userdirs_cache(const char *name);

#endif
