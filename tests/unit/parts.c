/*
 * Which of the objects that are read in parts are wanted, and how a thread hears of them.
 */
#include "common/gate/parts.h"

#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/unit/check.h"

static struct ffs_wanted *wanted;

static bool
readable(void)
{
	struct pollfd p = { ffs_wanted_fd(wanted), POLLIN, 0 };

	return poll(&p, 1, 0) == 1;
}

/* The next one is this; NULL: there is none. */
static bool
next_is(const char *key)
{
	struct ffs_wanted_item *i = ffs_wanted_take(wanted);
	bool is = i ? key && !strcmp(i->name.key, key) && !strcmp(i->name.bucket, "b") &&
	                  !strcmp(i->name.endpoint, "http://s")
	            : !key;

	free(i);
	return is;
}

static void
read_of(struct ffs_parts *p, const char *key, uint64_t size, uint64_t bytes)
{
	struct ffs_cache_name n = { "http://s", "b", key };

	ffs_parts_read(p, &n, size, bytes);
}

static void
check_once(void)
{
	struct ffs_parts *p = ffs_parts_new(wanted, true);
	int i;

	read_of(p, "a", 100, 60);
	read_of(p, "b", 100, 60);
	read_of(p, "a", 100, 39);
	read_of(p, "none", 0, 0);
	CHECK(!readable() && next_is(NULL));
	read_of(p, "a", 100, 1);
	CHECK(readable() && next_is("a") && next_is(NULL) && !readable());
	/* In vain, it seems: twice as much. */
	read_of(p, "a", 100, 199);
	CHECK(next_is(NULL));
	read_of(p, "a", 100, 1);
	CHECK(next_is("a"));
	/* Another object by now. */
	read_of(p, "a", 50, 49);
	CHECK(next_is(NULL));
	read_of(p, "a", 50, 1);
	CHECK(next_is("a") && next_is(NULL));
	for (i = 0; i < 100; i++)
		read_of(p, "a", 50, UINT64_MAX);
	while (next_is("a"))
		i--;
	CHECK(i == 0, "%d", i);
	ffs_parts_free(p);
}

static void
check_again(void)
{
	struct ffs_parts *p = ffs_parts_new(wanted, false);

	read_of(p, "a", 100, 50);
	read_of(p, "a", 100, 50);
	CHECK(next_is(NULL));
	read_of(p, "a", 100, 1);
	CHECK(next_is("a") && next_is(NULL));
	ffs_parts_free(p);
}

static void
check_bound(void)
{
	struct ffs_cache_name n = { "http://s", "b", "k" };
	int i;

	for (i = 0; i < FFS_WANTED_MAX + 10; i++)
		ffs_wanted_add(wanted, &n);
	for (i = 0; readable() && next_is("k"); i++)
		continue;
	CHECK(i == FFS_WANTED_MAX, "%d", i);
	ffs_wanted_add(wanted, &n);
	CHECK(readable());
}

int
main(void)
{
	wanted = ffs_wanted_new();
	CHECK(wanted && !readable());
	check_once();
	check_again();
	check_bound();
	ffs_wanted_free(wanted);
	return failed;
}
