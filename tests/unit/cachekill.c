/*
 * A thousand fillers killed at any point, while two readers read and an evictor evicts: no wrong
 * byte is ever served, and nothing is left behind.
 */
#include <dirent.h>
#include <errno.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/wait.h>

#include "tests/unit/cachetest.h"

enum { KILLS = 1000, OBJECTS = 24, LIMIT = 12 * 40000 };

struct shared {
	int stop;
	int began; /* fillers that opened the cache */
	uint64_t hits[2];
};

static size_t
size_of(int i)
{
	return 1000 + (size_t)i * 4567 % 60000;
}

static void __attribute__((noreturn)) filler(struct shared *s, unsigned seed)
{
	struct ffs_cache *c = open_cache("k");
	struct ffs_cache_fill_opts o = { 0 };
	int i, rc;

	srandom(seed);
	__atomic_fetch_add(&s->began, 1, __ATOMIC_RELAXED);
	for (;;) {
		i = (int)(random() % OBJECTS);
		o.asked_us = 1 + (uint64_t)random() % 3000;
		rc = fill(c, i, size_of(i), &o, NULL);
		if (rc && rc != -ENOSPC) {
			printf("a fill failed: %s\n", strerror(-rc));
			_exit(1);
		}
	}
}

static void __attribute__((noreturn)) reader(struct shared *s, int which)
{
	struct ffs_cache *c = open_cache("k");
	struct ffs_cache_hit hit;
	struct named m;
	int i = which;

	while (!__atomic_load_n(&s->stop, __ATOMIC_RELAXED)) {
		i = (i + 7) % OBJECTS;
		if (!read_object(c, i))
			continue;
		s->hits[which]++;
		/* Complete or not at all: nobody crashed but processes. */
		if (ffs_cache_find(c, name_of(&m, i), "e", &hit))
			continue;
		if (hit.size != size_of(i) || ffs_cache_check(c, &hit)) {
			printf("object %d is served wrong\n", i);
			_exit(1);
		}
		close(hit.fd);
	}
	ffs_cache_free(c);
	_exit(failed);
}

static void __attribute__((noreturn)) evictor(struct shared *s)
{
	struct ffs_cache *c = open_cache("k");
	int rc = ffs_cache_lock(c);

	while (!rc && !__atomic_load_n(&s->stop, __ATOMIC_RELAXED)) {
		rc = ffs_cache_tick(c);
		if (rc == 0)
			usleep(500);
		rc = rc < 0 ? rc : 0;
	}
	if (rc)
		printf("the evictor failed: %s\n", strerror(-rc));
	ffs_cache_free(c);
	_exit(rc != 0);
}

/* Files that are no entries. */
static int
leftovers(void)
{
	char shard[32];
	struct dirent *e;
	int i, n = 0;
	DIR *d;

	for (i = 0; i < 256; i++) {
		snprintf(shard, sizeof(shard), "k/v1/%02x", i);
		d = opendir(shard);
		while (d && (e = readdir(d)))
			n += e->d_name[0] == '.' && e->d_name[1] && strcmp(e->d_name, "..");
		if (d)
			closedir(d);
	}
	return n;
}

/* How many of some kills left a file: they do hit fills. */
static int
kill_fillers(struct shared *s)
{
	int k, status, halves = 0;
	pid_t pid;

	for (k = 0; k < KILLS; k++) {
		pid = fork();
		if (!pid)
			filler(s, (unsigned)k);
		while (__atomic_load_n(&s->began, __ATOMIC_RELAXED) <= k)
			usleep(100);
		usleep((useconds_t)random() % 3000);
		kill(pid, SIGKILL);
		CHECK(waitpid(pid, &status, 0) == pid && WIFSIGNALED(status), "%x", status);
		if (k % 10 == 0)
			halves += leftovers() > 0;
	}
	__atomic_store_n(&s->stop, 1, __ATOMIC_RELAXED);
	return halves;
}

int
main(void)
{
	struct shared *s =
	    mmap(NULL, sizeof(*s), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	struct ffs_cache *c = open_cache("k");
	struct ffs_cache_totals t;
	struct ffs_cache_verify v;
	int i, status, halves;

	if (s == MAP_FAILED)
		return 1;
	set_limits(c, LIMIT, 0);
	for (i = 0; i < 3; i++)
		if (!fork()) {
			if (i < 2)
				reader(s, i);
			evictor(s);
		}
	halves = kill_fillers(s);
	while (wait(&status) > 0)
		CHECK(!status, "%x", status);
	CHECK(!ffs_cache_verify_all(c, &v, NULL, NULL, NULL) && v.entries && !v.wrong);
	CHECK(halves && !leftovers(), "%d halves, %d are left", halves, leftovers());
	ffs_cache_totals(c, &t);
	CHECK(t.entries == v.entries && t.bytes == v.bytes, "the counts are wrong");
	CHECK(t.bytes <= LIMIT + 60000 && t.fills > 20 && t.evictions && !t.damaged,
	    "%lu bytes, %lu fills, %lu evictions", t.bytes, t.fills, t.evictions);
	CHECK(s->hits[0] && s->hits[1], "%lu %lu hits", s->hits[0], s->hits[1]);
	if (getenv("CACHEKILL_SHOW"))
		printf("%d halves, %lu fills, %lu evictions, %lu hits\n", halves, t.fills,
		    t.evictions, s->hits[0] + s->hits[1]);
	ffs_cache_free(c);
	return failed;
}
