#include "common/base/linger.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define HELD_MAX 16

static int
by_number(const void *a, const void *b)
{
	return *(const int *)a - *(const int *)b;
}

/* Close all but these, which are in order. */
static void
close_others(const int *fds, unsigned n)
{
	unsigned i, first = 0;

	for (i = 0; i < n; i++) {
		if ((unsigned)fds[i] > first)
			close_range(first, (unsigned)fds[i] - 1, 0);
		first = (unsigned)fds[i] + 1;
	}
	close_range(first, ~0u, 0);
}

/* In the other process, of which only this thread is left: nothing here may take a lock. */
static void __attribute__((noreturn)) hold(const int *fds, unsigned n, int end)
{
	sigset_t all;
	char c;

	/* Ctrl-C and whatever else is not meant for this one. */
	setsid();
	sigfillset(&all);
	sigprocmask(SIG_SETMASK, &all, NULL);
	prctl(PR_SET_NAME, "ffs-linger");
	close_others(fds, n);
	while (read(end, &c, 1) < 0 && errno == EINTR)
		;
	poll(NULL, 0, FFS_LINGER_MS);
	for (;;) /* nothing of the gateway's is to be flushed or run */
		syscall(SYS_exit_group, 0);
}

int
ffs_linger_start(struct ffs_linger *l, const int *fds, unsigned n)
{
	int held[HELD_MAX + 1], ends[2], ready[2], rc;
	char c;

	if (n > HELD_MAX)
		return -E2BIG;
	if (pipe2(ends, O_CLOEXEC))
		return -errno;
	if (pipe2(ready, O_CLOEXEC)) {
		rc = -errno;
		close(ends[0]);
		close(ends[1]);
		return rc;
	}
	memcpy(held, fds, n * sizeof(*fds));
	held[n] = ends[0];
	qsort(held, n + 1, sizeof(*held), by_number);
	l->pid = fork();
	if (!l->pid)
		hold(held, n + 1, ends[0]);
	rc = l->pid < 0 ? -errno : 0;
	close(ends[0]);
	close(ready[1]);
	/* Until it has closed all else: that is to end with us. */
	while (!rc && read(ready[0], &c, 1) < 0 && errno == EINTR)
		;
	close(ready[0]);
	if (rc)
		close(ends[1]);
	else
		l->fd = ends[1];
	return rc;
}

bool
ffs_linger_lives(struct ffs_linger *l)
{
	if (l->pid > 0 && waitpid(l->pid, NULL, WNOHANG) == l->pid) {
		ffs_linger_let_go(l);
		l->pid = -1;
	}
	return l->pid > 0;
}

void
ffs_linger_let_go(struct ffs_linger *l)
{
	if (l->fd >= 0)
		close(l->fd);
	l->fd = -1;
}

void
ffs_linger_end(struct ffs_linger *l)
{
	ffs_linger_let_go(l);
	if (l->pid > 0)
		while (waitpid(l->pid, NULL, 0) < 0 && errno == EINTR)
			;
	l->pid = -1;
}
