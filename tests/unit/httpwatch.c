/* What a pool of connections tells of its sockets, and that it waits for another descriptor. */
#include "common/s3/http.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/s3/s3.h"
#include "tests/unit/check.h"

struct seen {
	int opened, closing, connected, ready, fd;
};

static void
on_opened(void *arg, int fd)
{
	struct sockaddr_storage a;
	socklen_t n = sizeof(a);
	struct seen *s = arg;

	s->opened++;
	s->connected += !getpeername(fd, (struct sockaddr *)&a, &n);
	s->fd = fd;
}

static void
on_closing(void *arg, int fd)
{
	struct seen *s = arg;

	s->closing++;
	CHECK(fd == s->fd && fcntl(fd, F_GETFD) >= 0, "fd %d", fd);
}

static void
on_ready(void *arg)
{
	struct seen *s = arg;
	eventfd_t n;

	s->ready++;
	CHECK(!eventfd_read(s->fd, &n));
}

/* Answers two requests on one connection. */
static void *
serve(void *arg)
{
	static const char answer[] =
	    "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nETag: \"e\"\r\n\r\nok";
	int fd = accept4(*(int *)arg, NULL, NULL, SOCK_CLOEXEC), i;
	char head[4096];

	for (i = 0; i < 2; i++)
		if (read(fd, head, sizeof(head)) <= 0 || write(fd, answer, strlen(answer)) < 0)
			break;
	if (read(fd, head, sizeof(head)) < 0)
		i = 0;
	close(fd);
	return NULL;
}

static void
check_sockets(void)
{
	struct sockaddr_in a = { .sin_family = AF_INET, .sin_addr = { htonl(INADDR_LOOPBACK) } };
	socklen_t len = sizeof(a);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), i;
	struct seen seen = { .fd = -1 };
	struct ffs_http_opts o = {
		.opened = on_opened, .closing = on_closing, .socket_arg = &seen
	};
	struct ffs_endpoint ep = { .region = (char[]){ "r" }, .path_style = true };
	struct ffs_http *http;
	struct ffs_s3 *s3;
	pthread_t thread;
	char url[64], *p;
	size_t n;

	CHECK(!bind(fd, (struct sockaddr *)&a, len) && !listen(fd, 1));
	CHECK(!getsockname(fd, (struct sockaddr *)&a, &len));
	CHECK(!pthread_create(&thread, NULL, serve, &fd));
	snprintf(url, sizeof(url), "http://127.0.0.1:%u", ntohs(a.sin_port));
	ep.url = url;
	http = ffs_http_new(&o);
	s3 = ffs_s3_new(http, &ep);
	for (i = 0; i < 2; i++) {
		CHECK(!ffs_s3_get(s3, "bucket", "key", 10, &p, &n, NULL));
		CHECK(n == 2 && !memcmp(p, "ok", 2));
		free(p);
	}
	CHECK(seen.opened == 1 && !seen.connected && !seen.closing, "%d %d %d", seen.opened,
	    seen.connected, seen.closing);
	ffs_s3_free(s3);
	ffs_http_free(http);
	CHECK(seen.closing == 1, "%d", seen.closing);
	pthread_join(thread, NULL);
	close(fd);
}

static void
check_watch(void)
{
	struct ffs_http *http = ffs_http_new(NULL);
	struct seen seen = { .fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK) };

	CHECK(ffs_http_watch(http, 1000, on_ready, &seen) == -EBADF);
	CHECK(!ffs_http_watch(http, seen.fd, on_ready, &seen));
	CHECK(!ffs_http_run(http, 0) && !seen.ready);
	CHECK(!eventfd_write(seen.fd, 1));
	CHECK(!ffs_http_run(http, 60000) && seen.ready == 1, "%d", seen.ready);
	CHECK(!ffs_http_watch(http, -1, NULL, NULL));
	CHECK(!eventfd_write(seen.fd, 1));
	CHECK(!ffs_http_run(http, 0) && seen.ready == 1, "%d", seen.ready);
	close(seen.fd);
	ffs_http_free(http);
}

int
main(void)
{
	check_sockets();
	check_watch();
	return failed;
}
