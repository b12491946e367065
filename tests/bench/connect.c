/*
 * What a connect() takes, as a client sees it.
 *
 *	connect PORT...            listen at 127.0.0.1 and accept until killed
 *	connect -n N PORT          N connections there: what they take at the median, in us
 *	connect -n N A PORT B PORT the same by one who is in cgroup A, then in B, by turns, since
 *	                           machines are restless: both, and what they differ by
 *
 * Each is reset and not closed, so that none stays in TIME_WAIT.
 */
#include <arpa/inet.h>
#include <poll.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define PORTS 8
#define BLOCK 64 /* connections in a turn */

static struct sockaddr_in
address(const char *port)
{
	return (struct sockaddr_in){ .sin_family = AF_INET,
		.sin_port = htons((uint16_t)atoi(port)),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
}

static int
serve(char **ports, int n)
{
	struct pollfd v[PORTS] = { 0 };
	struct sockaddr_in sa;
	int i, fd, on = 1;

	for (i = 0; i < n; i++) {
		sa = address(ports[i]);
		v[i] = (struct pollfd){ .fd = socket(AF_INET, SOCK_STREAM, 0), .events = POLLIN };
		setsockopt(v[i].fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
		if (bind(v[i].fd, (struct sockaddr *)&sa, sizeof(sa)) || listen(v[i].fd, 4096)) {
			perror(ports[i]);
			return 1;
		}
	}
	while (poll(v, (nfds_t)n, -1) >= 0)
		for (i = 0; i < n; i++) {
			fd = v[i].revents ? accept(v[i].fd, NULL, NULL) : -1;
			if (fd >= 0)
				close(fd);
		}
	return 1;
}

static int
by_size(const void *a, const void *b)
{
	const double *x = a, *y = b;

	return (*x > *y) - (*x < *y);
}

static double
now_us(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec * 1e6 + (double)t.tv_nsec / 1e3;
}

/* One connection, in microseconds; negative: refused. */
static double
once(const struct sockaddr_in *sa)
{
	const struct linger reset = { .l_onoff = 1 };
	int rc, fd = socket(AF_INET, SOCK_STREAM, 0);
	double us;

	setsockopt(fd, SOL_SOCKET, SO_LINGER, &reset, sizeof(reset));
	us = now_us();
	rc = connect(fd, (const struct sockaddr *)sa, sizeof(*sa));
	us = now_us() - us;
	close(fd);
	return rc ? -1 : us;
}

static int
enter(const char *cgroup)
{
	char path[512];
	FILE *f;

	snprintf(path, sizeof(path), "%s/cgroup.procs", cgroup);
	f = fopen(path, "w");
	return f && fputs("0", f) >= 0 && !fclose(f) ? 0 : -1;
}

/* ends: PORT, or CGROUP PORT CGROUP PORT. */
static int
measure(int n, char **ends, int n_ends)
{
	int i, j, t, turns = n_ends == 1 ? 1 : 2;
	struct sockaddr_in sa[2];
	double *v[2];

	for (t = 0; t < turns; t++) {
		sa[t] = address(ends[turns == 1 ? 0 : 2 * t + 1]);
		v[t] = calloc((size_t)n, sizeof(*v[t]));
		if (!v[t])
			return 1;
	}
	for (i = 0; i < n; i += BLOCK)
		for (t = 0; t < turns; t++) {
			if (turns == 2 && enter(ends[2 * t])) {
				perror(ends[2 * t]);
				return 1;
			}
			for (j = i; j < i + BLOCK && j < n; j++) {
				v[t][j] = once(&sa[t]);
				if (v[t][j] < 0) {
					perror("connect");
					return 1;
				}
			}
			/* Who accepts is to keep up. */
			poll(NULL, 0, 1);
		}
	for (t = 0; t < turns; t++) {
		qsort(v[t], (size_t)n, sizeof(*v[t]), by_size);
		printf("%.2f%c", v[t][n / 2], t == turns - 1 ? '\n' : ' ');
		free(v[t]);
	}
	return 0;
}

int
main(int argc, char **argv)
{
	if ((argc == 4 || argc == 7) && !strcmp(argv[1], "-n") && atoi(argv[2]) > 0)
		return measure(atoi(argv[2]), argv + 3, argc - 3);
	if (argc < 2 || argc > PORTS + 1)
		return 2;
	return serve(argv + 1, argc - 1);
}
