/* ffs_checker: hits are compared by whoever has time, each once, and can be given up at any time.
 */
#include "common/get/checker.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/base/crc32c.h"
#include "check.h"

enum { N = 64, SIZE = 600000 };

static struct ffs_hit hits[N];
static char bytes[SIZE];
static int wakes[2];

static void
wake(void *arg)
{
	CHECK(arg == hits);
	CHECK(write(wakes[1], "", 1) == 1);
}

/* All hits are of one file; every seventh is of other bytes, every eleventh of more of them. */
static void
make_hits(int fd)
{
	uint32_t crc = ffs_crc32c(0, bytes, SIZE);
	int i;

	memset(hits, 0, sizeof(hits));
	for (i = 0; i < N; i++) {
		hits[i].entry.fd = fd;
		hits[i].entry.size = SIZE + (i % 11 == 10);
		hits[i].object.crc32c = crc + (i % 7 == 6);
		hits[i].unchecked = true;
		hits[i].arg = &hits[i];
		hits[i].rc = 1;
	}
}

static int
want(int i)
{
	return i % 7 == 6 || i % 11 == 10 ? -EBADMSG : 0;
}

/* What ffs_hit_settle() does, without a cache. */
static int
take(struct ffs_checker *c)
{
	struct ffs_hit *h = ffs_checker_pop(c);

	if (!h)
		return 0;
	CHECK(h->arg == h && h->rc == want((int)(h - hits)), "%d: %d", (int)(h - hits), h->rc);
	h->arg = NULL;
	free(h->buf);
	return 1;
}

static void
all_done(bool help)
{
	struct ffs_checker *c = ffs_checker_new(wake, hits);
	int i, n = 0;
	char b;

	CHECK(c != NULL);
	for (i = 0; i < N; i++)
		ffs_checker_push(c, &hits[i]);
	while (n < N) {
		if (take(c))
			n++;
		else if (!help || !ffs_checker_help(c))
			CHECK(read(wakes[0], &b, 1) == 1);
	}
	CHECK(!ffs_checker_pop(c) && !ffs_checker_help(c));
	ffs_checker_free(c);
}

/* One alone needs no thread: whoever pushed it does it. */
static void
alone(void)
{
	struct ffs_checker *c = ffs_checker_new(wake, hits);
	struct pollfd fd = { .fd = wakes[0], .events = POLLIN };
	char b;

	while (poll(&fd, 1, 0) == 1)
		CHECK(read(wakes[0], &b, 1) == 1);
	ffs_checker_push(c, &hits[0]);
	CHECK(!ffs_checker_pop(c));
	CHECK(ffs_checker_help(c));
	CHECK(take(c) && !take(c));
	ffs_checker_free(c);
	CHECK(!poll(&fd, 1, 0));
}

static void
given_up(void)
{
	struct ffs_checker *c = ffs_checker_new(wake, hits);
	int i;

	for (i = 0; i < N; i++)
		ffs_checker_push(c, &hits[i]);
	ffs_checker_help(c);
	for (i = N; i-- > 0;) {
		ffs_checker_cancel(c, &hits[i]);
		free(hits[i].buf);
		/* Whoever still looks at it would be found out. */
		memset(&hits[i], 0xff, sizeof(hits[i]));
	}
	CHECK(!ffs_checker_pop(c) && !ffs_checker_help(c));
	ffs_checker_free(c);
}

int
main(void)
{
	char name[] = "bytesXXXXXX";
	int fd = mkstemp(name), i;

	for (i = 0; i < SIZE; i++)
		bytes[i] = (char)(i * 31 + i / 509);
	CHECK(fd >= 0 && write(fd, bytes, SIZE) == SIZE && !pipe(wakes));
	unlink(name);
	for (i = 0; i < 5; i++) {
		make_hits(fd);
		all_done(i % 2);
		make_hits(fd);
		given_up();
	}
	make_hits(fd);
	alone();
	ffs_checker_free(NULL);
	return failed;
}
