/*
 * For tests/redirect.bats: one request after another, each over a connection of its own, until
 * SIGTERM; without PATH connections only, as fast as can be.  Then what became of them:
 *
 *	connects HOST PORT [PATH]
 *
 *	1234 answered 2 reset 0 refused 0 other
 */
#include <arpa/inet.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

static volatile sig_atomic_t stop;

static void
on_signal(int sig)
{
	stop = sig;
}

int
main(int argc, char **argv)
{
	struct sockaddr_in sa = { .sin_family = AF_INET };
	const struct linger reset = { .l_onoff = 1 };
	const struct timeval patience = { .tv_sec = 10 };
	unsigned long answered = 0, resets = 0, refused = 0, other = 0;
	char ask[512], buf[65536];
	ssize_t n;
	int fd;

	if (argc < 3 || inet_pton(AF_INET, argv[1], &sa.sin_addr) != 1)
		return 2;
	sa.sin_port = htons((uint16_t)atoi(argv[2]));
	signal(SIGTERM, on_signal);
	snprintf(ask, sizeof(ask), "GET %s HTTP/1.1\r\nHost: x\r\n\r\n", argc > 3 ? argv[3] : "");
	while (!stop) {
		fd = socket(AF_INET, SOCK_STREAM, 0);
		/* No TIME_WAIT, and no connection that hangs for ever. */
		setsockopt(fd, SOL_SOCKET, SO_LINGER, &reset, sizeof(reset));
		setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
		n = -1;
		errno = 0;
		if (!connect(fd, (struct sockaddr *)&sa, sizeof(sa)) && argc < 4) {
			answered++;
			close(fd);
			continue;
		} else if (!errno) {
			n = send(fd, ask, strlen(ask), MSG_NOSIGNAL);
			if (n > 0)
				n = recv(fd, buf, sizeof(buf), 0);
		}
		if (n > 12 && !memcmp(buf, "HTTP/1.1 200", 12))
			answered++;
		else if (n == 0 || (n < 0 && (errno == ECONNRESET || errno == EPIPE)))
			resets++;
		else if (n < 0 && errno == ECONNREFUSED)
			refused++;
		else if (!stop) {
			other++;
			fprintf(
			    stderr, "%zd bytes, %s\n", n, n < 0 ? strerror(errno) : "no answer");
		}
		close(fd);
	}
	printf("%lu answered %lu reset %lu refused %lu other\n", answered, resets, refused, other);
	return 0;
}
