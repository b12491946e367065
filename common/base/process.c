#include "common/base/process.h"

#include <fcntl.h>
#include <stddef.h>
#include <unistd.h>

static volatile sig_atomic_t stop;

void
ffs_process_begin(void)
{
	int fd;

	do
		fd = open("/dev/null", O_RDWR | O_PATH);
	while (fd >= 0 && fd <= STDERR_FILENO);
	close(fd);
}

static void
on_signal(int sig)
{
	if (stop)
		ffs_process_die(sig);
	stop = sig;
}

void
ffs_process_catch(void)
{
	static const int signals[] = { SIGHUP, SIGINT, SIGTERM };
	struct sigaction sa = { .sa_handler = on_signal }, old;
	size_t i;

	for (i = 0; i < sizeof(signals) / sizeof(*signals); i++)
		if (!sigaction(signals[i], NULL, &old) && old.sa_handler != SIG_IGN)
			sigaction(signals[i], &sa, NULL);
}

const volatile sig_atomic_t *
ffs_process_stop(void)
{
	return &stop;
}

void
ffs_process_die(int sig)
{
	signal(sig, SIG_DFL);
	raise(sig);
}
