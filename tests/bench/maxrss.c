/*
 * maxrss FILE COMMAND...: run a command and write the most memory it had resident, in KiB, to FILE.
 * A process starts with its parent's mark, so the one that measures must itself be small.
 */
#include <err.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

int
main(int argc, char **argv)
{
	struct rusage ru;
	int status;
	pid_t pid;
	FILE *f;

	if (argc < 3)
		errx(2, "usage: maxrss file command...");
	pid = fork();
	if (pid < 0)
		err(1, "fork");
	if (pid == 0) {
		execvp(argv[2], argv + 2);
		err(127, "cannot run '%s'", argv[2]);
	}
	if (wait4(pid, &status, 0, &ru) < 0)
		err(1, "wait4");
	f = fopen(argv[1], "w");
	if (!f || fprintf(f, "%ld\n", ru.ru_maxrss) < 0 || fclose(f))
		err(1, "cannot write '%s'", argv[1]);
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}
