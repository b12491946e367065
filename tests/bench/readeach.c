/*
 * readeach: read each file named on the command line in pieces of 1 MiB and print the milliseconds
 * that it took, open and close included: what a reader of a mounted store sees.
 */
#include <err.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

static double
now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec * 1e3 + (double)t.tv_nsec / 1e6;
}

int
main(int argc, char **argv)
{
	size_t cap = 1 << 20;
	char *buf = malloc(cap);
	double start;
	ssize_t n;
	int fd, i;

	if (!buf)
		err(1, NULL);
	for (i = 1; i < argc; i++) {
		start = now_ms();
		fd = open(argv[i], O_RDONLY | O_CLOEXEC);
		if (fd < 0)
			err(1, "%s", argv[i]);
		while ((n = read(fd, buf, cap)) > 0)
			;
		if (n < 0)
			err(1, "%s", argv[i]);
		close(fd);
		printf("%.3f\n", now_ms() - start);
	}
	free(buf);
	return 0;
}
