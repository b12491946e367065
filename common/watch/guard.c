#include "common/watch/guard.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/base/clock.h"
#include "common/watch/halves.h"

#define WORK_MS 250

/* Those that ask to end, where they are not ignored (nohup); SIGCHLD, that the other half has. */
static void
handled(sigset_t *set)
{
	static const int signals[] = { SIGCHLD, SIGHUP, SIGINT, SIGQUIT, SIGTERM };
	struct sigaction sa;
	size_t i;

	sigemptyset(set);
	for (i = 0; i < sizeof(signals) / sizeof(*signals); i++)
		if (!sigaction(signals[i], NULL, &sa) && sa.sa_handler != SIG_IGN)
			sigaddset(set, signals[i]);
}

static void
block(sigset_t *before)
{
	static const int open[] = { SIGTSTP, SIGTTIN, SIGTTOU, SIGCONT, SIGSEGV, SIGBUS, SIGFPE,
		SIGILL, SIGABRT };
	sigset_t set;
	size_t i;

	/* Any other would end this half with the programs attached. */
	sigfillset(&set);
	for (i = 0; i < sizeof(open) / sizeof(*open); i++)
		sigdelset(&set, open[i]);
	sigprocmask(SIG_BLOCK, &set, before);
	signal(SIGCHLD, SIG_DFL); /* an ignored one would leave no status to wait for */
}

int
ffs_guard_fork(struct ffs_guard *g, sigset_t *before)
{
	block(before);
	g->child = ffs_halves_fork(&g->fd);
	if (!g->child) {
		sigprocmask(SIG_SETMASK, before, NULL);
		ffs_bpffs_release(g->b);
	}
	return g->child < 0 ? (int)g->child : 0;
}

static void
note(void *arg, bool detail, const char *text)
{
	const struct ffs_guard *g = arg;

	ffs_halves_say(g->fd, detail ? FFS_HALVES_DETAIL : FFS_HALVES_NOTE, 0, text);
}

/* The other half's first message, then the programs. */
static struct ffs_watcher *
begin(struct ffs_guard *g)
{
	struct ffs_halves_msg m;
	struct ffs_watcher *w;
	char *text = NULL;
	int rc = ffs_halves_recv(g->fd, &m, -1);

	/* It found nothing to watch, and has said so. */
	if (rc || m.type != FFS_HALVES_TARGETS || m.targets.hosts_n > FFS_HOSTS_MAX ||
	    m.targets.stores_n > FFS_STORES_MAX)
		return NULL;
	g->o.load.targets = m.targets;
	g->o.attach.note = note;
	g->o.attach.arg = g;
	w = ffs_watcher_new(&g->o, g->b, &text);
	rc = w ? 0 : errno;
	if (w)
		text = ffs_watcher_list(w);
	ffs_halves_say(
	    g->fd, w ? FFS_HALVES_READY : FFS_HALVES_FAILED, rc, text ? text : strerror(rc));
	free(text);
	return w;
}

/* Signals that came.  Whether the other half has ended, with *status. */
static bool
take_signals(const struct ffs_guard *g, int sigfd, int *status, int *asked)
{
	struct signalfd_siginfo si;

	while (read(sigfd, &si, sizeof(si)) == sizeof(si)) {
		if (si.ssi_signo == SIGCHLD)
			continue;
		/* From the terminal it came to both.  One that will not end is ended by the
		 * third. */
		if (++*asked > 2)
			kill(g->child, SIGKILL);
		else if (ffs_halves_say(g->fd, FFS_HALVES_STOP, (int)si.ssi_signo, NULL))
			kill(g->child, SIGTERM); /* it does not listen */
	}
	return waitpid(g->child, status, WNOHANG) == g->child;
}

/* What the other half asks.  false: it has closed its end. */
static bool
answer(const struct ffs_guard *g, struct ffs_watcher *w)
{
	struct ffs_halves_msg m;
	int rc = ffs_halves_recv(g->fd, &m, 0);

	if (!rc && m.type == FFS_HALVES_STATS) {
		m.rc = ffs_watcher_stats(w, m.stats);
		ffs_halves_send(g->fd, &m);
	}
	if (!rc && m.type == FFS_HALVES_STORES)
		ffs_watcher_stores(w, &m.targets);
	return rc != -EPIPE;
}

/* The interfaces, where they are others than was told last. */
static void
tell_interfaces(const struct ffs_guard *g, const struct ffs_watcher *w, char **told)
{
	char *now = ffs_watcher_list(w);

	if (!now || (*told && !strcmp(now, *told)) ||
	    ffs_halves_say(g->fd, FFS_HALVES_READY, 0, now)) {
		free(now);
		return;
	}
	free(*told);
	*told = now;
}

/* Whether the work of every quarter of a second is due, or something else has happened. */
static bool
is_due(int64_t *due, int happened)
{
	int64_t now = ffs_clock_ms();

	if (happened <= 0 && now < *due)
		return false;
	*due = now + WORK_MS;
	return true;
}

int
ffs_guard_run(struct ffs_guard *g)
{
	struct ffs_watcher *w;
	char *told = NULL;
	struct pollfd p[4];
	size_t i;
	int sigfd, n, status = 0, asked = 0;
	int64_t due = 0;
	sigset_t set;

	handled(&set);
	sigfd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	if (sigfd < 0)
		return -errno;
	w = begin(g);
	for (i = 0; i < 4; i++)
		p[i] = (struct pollfd){ .fd = -1, .events = POLLIN };
	p[0].fd = sigfd;
	p[1].fd = w ? ffs_watcher_fd(w) : -1;
	p[2].fd = w ? g->fd : -1;
	p[3].fd = w ? ffs_watcher_tls_fd(w) : -1;
	while (!take_signals(g, sigfd, &status, &asked)) {
		n = poll(p, 4, WORK_MS);
		if (n < 0 && errno != EINTR)
			break;
		if (w && n > 0 && p[3].revents)
			ffs_watcher_tls(w);
		/* The rest can wait while a lot is told. */
		if (w && is_due(&due, n - (n > 0 && p[3].revents))) {
			ffs_watcher_work(w);
			tell_interfaces(g, w, &told);
		}
		if (w && p[2].revents && !answer(g, w))
			p[2].fd = -1;
	}
	ffs_watcher_free(w);
	free(told);
	close(sigfd);
	return status;
}
