#include "common/screen/rescue.h"

#include <curses.h>
#include <signal.h>
#include <sys/wait.h>
#include <term.h>
#include <unistd.h>

void
ffs_rescue_save(struct ffs_rescue *r)
{
	r->terminal = isatty(STDOUT_FILENO) && !tcgetattr(STDOUT_FILENO, &r->was);
}

/* By these it ends itself, with the terminal restored. */
static bool
handled(int sig)
{
	return sig == SIGHUP || sig == SIGINT || sig == SIGTERM || sig == SIGQUIT || sig == SIGPIPE;
}

static int
put_byte(int c)
{
	char byte = (char)c;

	return write(STDOUT_FILENO, &byte, 1) == 1 ? c : EOF;
}

void
ffs_rescue_restore(const struct ffs_rescue *r, int status)
{
	static const char *const ends[] = { "rmkx", "sgr0", "cnorm", "rmcup" };
	const char *s;
	size_t i, n;
	int err;

	if (!r->terminal || !WIFSIGNALED(status) || handled(WTERMSIG(status)))
		return;
	n = setupterm(NULL, STDOUT_FILENO, &err) == OK ? sizeof(ends) / sizeof(*ends) : 0;
	for (i = 0; i < n; i++) {
		s = tigetstr(ends[i]);
		if (s && s != (const char *)-1)
			tputs(s, 1, put_byte);
	}
	tcsetattr(STDOUT_FILENO, TCSANOW, &r->was);
}
