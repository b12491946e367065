/* Jobs run, all of them, and those that come after the end as well. */
#include "common/base/jobs.h"

#include <stdatomic.h>
#include <stdio.h>

#include "tests/unit/check.h"

#define JOBS 1000

struct counted {
	struct ffs_job job;
	atomic_uint *ran;
};

static void
count(struct ffs_job *j)
{
	atomic_fetch_add(((struct counted *)j)->ran, 1);
}

int
main(void)
{
	struct ffs_jobs *q = ffs_jobs_new(4);
	static struct counted c[JOBS + 1];
	atomic_uint ran = 0;
	unsigned i;

	if (!q) {
		puts("no threads");
		return 1;
	}
	for (i = 0; i <= JOBS; i++)
		c[i] = (struct counted){ .job = { .run = count }, .ran = &ran };
	for (i = 0; i < JOBS; i++)
		ffs_jobs_add(q, &c[i].job);
	ffs_jobs_stop(q);
	CHECK(ran == JOBS, "%u of %u jobs ran before the end", ran, JOBS);
	ffs_jobs_add(q, &c[JOBS].job);
	CHECK(ran == JOBS + 1, "a job that came after the end did not run");
	ffs_jobs_free(q);
	return failed;
}
