#include "common/screen/terminal.h"

#include <curses.h>
#include <signal.h>
#include <sys/wait.h>
#include <term.h>
#include <unistd.h>

/* A string that terminfo has, or NULL. */
static const char *
capability(const char *name)
{
	const char *s = tigetstr(name);

	return s == (const char *)-1 ? NULL : s;
}

bool
ffs_terminal_draws(void)
{
	bool draws;
	int err;

	if (setupterm(NULL, STDOUT_FILENO, &err) != OK)
		return false;
	draws = capability("cup");
	del_curterm(cur_term);
	return draws;
}

void
ffs_terminal_save(struct ffs_terminal *t)
{
	t->there = isatty(STDOUT_FILENO) && !tcgetattr(STDOUT_FILENO, &t->was);
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
ffs_terminal_restore(const struct ffs_terminal *t, int status)
{
	static const char *const ends[] = { "rmkx", "sgr0", "cnorm", "rmcup" };
	size_t i, n;
	int err;

	if (!t->there || !WIFSIGNALED(status) || handled(WTERMSIG(status)))
		return;
	n = setupterm(NULL, STDOUT_FILENO, &err) == OK ? sizeof(ends) / sizeof(*ends) : 0;
	for (i = 0; i < n; i++)
		if (capability(ends[i]))
			tputs(capability(ends[i]), 1, put_byte);
	if (n)
		del_curterm(cur_term);
	tcsetattr(STDOUT_FILENO, TCSANOW, &t->was);
}
