#include "common/watch/halves.h"

#include <errno.h>
#include <grp.h>
#include <poll.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/base/userdirs.h"

pid_t
ffs_halves_fork(int *fd)
{
	int pair[2], rc;
	pid_t pid;

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair))
		return -errno;
	pid = fork();
	if (pid < 0) {
		rc = -errno;
		close(pair[0]);
		close(pair[1]);
		return rc;
	}
	*fd = pair[pid ? 0 : 1];
	close(pair[pid ? 1 : 0]);
	return pid;
}

/* No way back: not by the saved ids either. */
static bool
is_for_ever(uid_t uid, gid_t gid)
{
	uid_t r, e, s;
	gid_t rg, eg, sg;

	if (getresuid(&r, &e, &s) || getresgid(&rg, &eg, &sg))
		return false;
	if (r != uid || e != uid || s != uid || rg != gid || eg != gid || sg != gid)
		return false;
	return !uid || (setuid(0) && seteuid(0));
}

int
ffs_halves_drop(void)
{
	struct passwd *pw;
	char *home;
	uid_t uid;
	gid_t gid;
	int rc;

	if (!ffs_userdirs_sudo(&uid, &gid))
		return 0;
	home = ffs_userdirs_home();
	pw = getpwuid(uid);
	rc = pw ? initgroups(pw->pw_name, gid) : setgroups(1, &gid);
	if (rc || setresgid(gid, gid, gid) || setresuid(uid, uid, uid))
		rc = -errno;
	else if (!is_for_ever(uid, gid))
		rc = -EPERM;
	if (!rc && home)
		rc = setenv("HOME", home, 1) ? -errno : 0;
	else if (!rc)
		unsetenv("HOME");
	free(home);
	return rc;
}

int
ffs_halves_send(int fd, const struct ffs_halves_msg *m)
{
	return send(fd, m, sizeof(*m), MSG_NOSIGNAL | MSG_DONTWAIT) < 0 ? -errno : 0;
}

int
ffs_halves_say(int fd, enum ffs_halves_type type, int rc, const char *text)
{
	struct ffs_halves_msg m = { .type = (int)type, .rc = rc };

	snprintf(m.text, sizeof(m.text), "%s", text ? text : "");
	return ffs_halves_send(fd, &m);
}

int
ffs_halves_recv(int fd, struct ffs_halves_msg *m, int ms)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };
	ssize_t n = poll(&p, 1, ms);

	if (n <= 0)
		return n ? -errno : -EAGAIN;
	n = recv(fd, m, sizeof(*m), MSG_DONTWAIT);
	if (n < 0)
		return errno == ECONNRESET ? -EPIPE : -errno;
	if (!n)
		return -EPIPE;
	if (n != sizeof(*m))
		return -EBADMSG;
	if (m->type != FFS_HALVES_TARGETS && m->type != FFS_HALVES_STORES &&
	    m->type != FFS_HALVES_STATS)
		m->text[sizeof(m->text) - 1] = '\0';
	return 0;
}
