/*
 * For tests/redirect.bats: a gateway that knows nothing of S3.  It hands on what it gets to whom it
 * was meant for, or to the origin, and prints a line for each connection:
 *
 *	gateway ORIGIN-PORT LISTEN-PORT [DIR]
 *
 *	at 127.0.0.1:9009 [::1]:9009     (first: it listens)
 *	on | off                         (the redirect)
 *	127.0.0.1:9000 uid 0 comm curl   (a connection, and whom it was meant for; "direct";
 *"unknown")
 */
#include <arpa/inet.h>
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/base/clock.h"
#include "common/gate/door.h"
#include "tests/unit/check.h"

#define PAIRS 512

struct pair {
	int fd[2]; /* client, store; -1 */
};

static volatile sig_atomic_t stop;

static void
on_signal(int sig)
{
	stop = sig;
}

static int
listener(int family, uint16_t port)
{
	struct sockaddr_in v4 = { .sin_family = AF_INET,
		.sin_port = htons(port),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	struct sockaddr_in6 v6 = {
		.sin6_family = AF_INET6, .sin6_port = htons(port), .sin6_addr = in6addr_loopback
	};
	int fd = socket(family, SOCK_STREAM | SOCK_CLOEXEC, 0), on = 1, tries;
	bool is4 = family == AF_INET;

	CHECK(fd >= 0);
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	if (!is4)
		setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof(on));
	/* One that was killed is lingering. */
	for (tries = 0; bind(fd, is4 ? (struct sockaddr *)&v4 : (struct sockaddr *)&v6,
			    is4 ? sizeof(v4) : sizeof(v6)) &&
			tries < 100;
	     tries++)
		poll(NULL, 0, 10);
	CHECK(!listen(fd, SOMAXCONN));
	return fd;
}

static void
accepts(struct ffs_door *d, int from, struct pair *p, uint16_t origin)
{
	struct sockaddr_in def = { .sin_family = AF_INET,
		.sin_port = htons(origin),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	struct ffs_door_caller c;
	char host[INET6_ADDRSTRLEN];
	const struct sockaddr *to = (struct sockaddr *)&def;
	socklen_t len = sizeof(def);
	int fd = accept(from, NULL, NULL), rc;

	if (fd < 0)
		return;
	rc = ffs_door_caller(d, fd, &c);
	if (rc == -ESTALE) {
		close(fd);
		return;
	}
	if (rc)
		printf("unknown\n");
	else if (!c.redirected)
		printf("direct uid %d comm %s\n", (int)c.uid, c.comm);
	else if (c.meant.ss_family == AF_INET)
		printf("%s:%u uid %d comm %s\n",
		    inet_ntop(
			AF_INET, &((struct sockaddr_in *)&c.meant)->sin_addr, host, sizeof(host)),
		    ntohs(((struct sockaddr_in *)&c.meant)->sin_port), (int)c.uid, c.comm);
	else
		printf("[%s]:%u uid %d comm %s\n",
		    inet_ntop(AF_INET6, &((struct sockaddr_in6 *)&c.meant)->sin6_addr, host,
			sizeof(host)),
		    ntohs(((struct sockaddr_in6 *)&c.meant)->sin6_port), (int)c.uid, c.comm);
	fflush(stdout);
	if (c.redirected) {
		to = (struct sockaddr *)&c.meant;
		len = to->sa_family == AF_INET ? sizeof(struct sockaddr_in)
		                               : sizeof(struct sockaddr_in6);
	}
	p->fd[0] = fd;
	p->fd[1] = socket(to->sa_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
	/* In two steps, as one whose connection is used again. */
	ffs_door_opened(d, p->fd[1], NULL);
	ffs_door_carries(d, p->fd[1], &c);
	if (connect(p->fd[1], to, len)) {
		close(p->fd[0]);
		close(p->fd[1]);
		p->fd[0] = -1;
	}
}

/* What came from one side goes to the other; the end of one is that of both. */
static void
hands_on(struct ffs_door *d, struct pair *p, int from)
{
	char buf[65536];
	ssize_t n = recv(p->fd[from], buf, sizeof(buf), MSG_DONTWAIT), done = 0, w;

	if (n < 0 && errno == EAGAIN)
		return;
	while (
	    done < n && (w = send(p->fd[!from], buf + done, (size_t)(n - done), MSG_NOSIGNAL)) > 0)
		done += w;
	if (n > 0 && done == n)
		return;
	ffs_door_closing(d, p->fd[1]);
	close(p->fd[0]);
	close(p->fd[1]);
	p->fd[0] = -1;
}

int
main(int argc, char **argv)
{
	static struct pair pairs[PAIRS];
	struct pollfd v[2 + 2 * PAIRS];
	int64_t next = 0, now;
	int at[2], on = -1, is, i;
	struct ffs_door *d;

	if (argc < 3)
		return 2;
	at[0] = listener(AF_INET, (uint16_t)atoi(argv[2]));
	at[1] = listener(AF_INET6, (uint16_t)atoi(argv[2]));
	d = ffs_door_new(argc > 3 ? argv[3] : NULL, at, 2);
	CHECK(d);
	signal(SIGTERM, on_signal);
	for (i = 0; i < PAIRS; i++)
		pairs[i].fd[0] = -1;
	printf("at 127.0.0.1:%s [::1]:%s\n", argv[2], argv[2]);
	fflush(stdout);
	while (!stop) {
		now = ffs_clock_ms();
		if (now >= next) {
			next = now + FFS_DOOR_MS;
			is = ffs_door_beat(d);
			if (is != on)
				printf("%s\n", is ? "on" : "off");
			fflush(stdout);
			on = is;
		}
		for (i = 0; i < 2; i++)
			v[i] = (struct pollfd){ .fd = at[i], .events = POLLIN };
		for (i = 0; i < PAIRS; i++) {
			v[2 + 2 * i] = (struct pollfd){ .fd = pairs[i].fd[0], .events = POLLIN };
			v[3 + 2 * i] =
			    (struct pollfd){ .fd = pairs[i].fd[0] < 0 ? -1 : pairs[i].fd[1],
				    .events = POLLIN };
		}
		if (poll(v, 2 + 2 * PAIRS, 100) <= 0)
			continue;
		for (i = 0; i < 2 * PAIRS; i++)
			if (v[2 + i].revents && pairs[i / 2].fd[0] >= 0)
				hands_on(d, &pairs[i / 2], i & 1);
		for (i = 0; i < PAIRS && pairs[i].fd[0] >= 0; i++)
			;
		if (i < PAIRS && v[0].revents)
			accepts(d, at[0], &pairs[i], (uint16_t)atoi(argv[1]));
		else if (i < PAIRS && v[1].revents)
			accepts(d, at[1], &pairs[i], (uint16_t)atoi(argv[1]));
	}
	ffs_door_free(d);
	return 0;
}
