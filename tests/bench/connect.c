/*
 * What a connect() takes, as a client sees it.
 *
 *	connect PORT...            listen at 127.0.0.1 and accept until killed
 *	connect -n N PORT          N connections there: "P50 P99" in microseconds
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

static int
measure(int n, const char *port)
{
	const struct linger reset = { .l_onoff = 1 };
	struct sockaddr_in sa = address(port);
	double *v = calloc((size_t)n, sizeof(*v)), began;
	int i, fd;

	for (i = 0; v && i < n; i++) {
		fd = socket(AF_INET, SOCK_STREAM, 0);
		setsockopt(fd, SOL_SOCKET, SO_LINGER, &reset, sizeof(reset));
		began = now_us();
		if (connect(fd, (struct sockaddr *)&sa, sizeof(sa))) {
			perror(port);
			return 1;
		}
		v[i] = now_us() - began;
		close(fd);
		/* Who accepts is to keep up. */
		poll(NULL, 0, i % 64 ? 0 : 1);
	}
	if (!v)
		return 1;
	qsort(v, (size_t)n, sizeof(*v), by_size);
	printf("%.2f %.2f\n", v[n / 2], v[n * 99 / 100]);
	return 0;
}

int
main(int argc, char **argv)
{
	if (argc == 4 && !strcmp(argv[1], "-n") && atoi(argv[2]) > 0)
		return measure(atoi(argv[2]), argv[3]);
	if (argc < 2 || argc > PORTS + 1)
		return 2;
	return serve(argv + 1, argc - 1);
}
