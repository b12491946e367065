/* ffs_sendfile() into whatever an output may be. */
#include "common/get/sendfile.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "check.h"

enum { SIZE = 3 << 20 };

static char bytes[SIZE];

/* A file of those bytes, without a name. */
static int
source(void)
{
	char name[] = "sourceXXXXXX";
	int fd = mkstemp(name);

	CHECK(fd >= 0 && write(fd, bytes, SIZE) == SIZE);
	unlink(name);
	return fd;
}

/* Reads n bytes of fd in a child, which says whether they are those from off on. */
static pid_t
reader(int fd, int other, size_t off, size_t n)
{
	static char got[SIZE];
	size_t at = 0;
	ssize_t r = 1;
	pid_t pid = fork();

	if (pid)
		return pid;
	close(other);
	for (; at < n && r > 0; at += (size_t)r)
		r = read(fd, got + at, n - at < 7777 ? n - at : 7777);
	_exit(r <= 0 || memcmp(got, bytes + off, n) != 0);
}

static void
through(int ends[2], int in, size_t off, size_t n)
{
	uint64_t done = 5, us = 0;
	pid_t pid = reader(ends[0], ends[1], off, n);
	int status;

	CHECK(pid > 0);
	CHECK(!ffs_sendfile(ends[1], in, off, n, &done, &us));
	CHECK(done == n + 5);
	CHECK(waitpid(pid, &status, 0) == pid && status == 0);
	close(ends[0]);
	close(ends[1]);
}

static void
into_file(int in, int flags)
{
	char name[] = "targetXXXXXX", *got = malloc(SIZE);
	uint64_t done = 0, us = 0;
	int fd = mkstemp(name), out = open(name, O_RDWR | flags);

	CHECK(got && fd >= 0 && out >= 0);
	CHECK(write(fd, "head", 4) == 4);
	CHECK(lseek(out, 4, SEEK_SET) == 4);
	CHECK(!ffs_sendfile(out, in, 1000, 2 << 20, &done, &us));
	CHECK(done == 2 << 20);
	CHECK(pread(fd, got, SIZE, 0) == (2 << 20) + 4);
	CHECK(!memcmp(got, "head", 4) && !memcmp(got + 4, bytes + 1000, 2 << 20));
	unlink(name);
	close(out);
	close(fd);
	free(got);
}

static void
failures(int in)
{
	uint64_t done = 0, us = 0;
	int ends[2], full = open("/dev/full", O_WRONLY), null = open("/dev/null", O_WRONLY);

	CHECK(ffs_sendfile(full, in, 0, 100, &done, &us) == -ENOSPC);
	CHECK(ffs_sendfile(-1, in, 0, 100, &done, &us) == -EBADF);
	CHECK(ffs_sendfile(in, in, 0, 0, &done, &us) == 0);
	CHECK(done == 0);
	CHECK(!ffs_sendfile(null, in, 0, SIZE, &done, &us) && done == SIZE);
	/* The file has become shorter than was said. */
	CHECK(ffs_sendfile(null, in, SIZE - 10, 20, &done, &us) == -ENODATA);
	CHECK(!pipe(ends));
	CHECK(ffs_sendfile(ends[1], in, SIZE - 10, 20, &done, &us) == -ENODATA);
	close(ends[0]);
	signal(SIGPIPE, SIG_IGN);
	CHECK(ffs_sendfile(ends[1], in, 0, 20, &done, &us) == -EPIPE);
	close(ends[1]);
	close(full);
	close(null);
}

int
main(void)
{
	int in, ends[2];
	size_t i;

	for (i = 0; i < SIZE; i++)
		bytes[i] = (char)(i * 7 + i / 251);
	in = source();
	CHECK(!pipe(ends));
	through(ends, in, 0, SIZE);
	CHECK(!pipe2(ends, O_NONBLOCK));
	fcntl(ends[0], F_SETFL, 0);
	through(ends, in, 4097, SIZE - 5000);
	CHECK(!socketpair(AF_UNIX, SOCK_STREAM, 0, ends));
	through(ends, in, 1, SIZE - 1);
	into_file(in, 0);
	into_file(in, O_APPEND);
	failures(in);
	close(in);
	return failed;
}
