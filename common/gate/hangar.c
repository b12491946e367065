#include "common/gate/flightimpl.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

/*
 * What may block: to make room and open a file, to put it in its place, to remove it.  One thread
 * does it with a handle of its own, one flight after another.
 */

/* Somebody has removed the directory, or put another in its place: only what comes is there. */
static void
reopen(struct ffs_flights *fs)
{
	struct ffs_cache *c;

	if (fs->fills || ffs_cache_current(fs->cache))
		return;
	c = ffs_cache_open(ffs_cache_path(fs->cache), true, NULL);
	if (!c)
		return;
	ffs_cache_free(fs->cache);
	fs->cache = c;
}

static int
open_file(struct ffs_flight *f)
{
	struct ffs_flights *fs = f->fs;
	enum ffs_cache_refusal refused;
	int rc;

	reopen(fs);
	rc = ffs_cache_fill_begin(fs->cache, &f->name, &f->opts, &f->worked, &refused);
	if (rc)
		return rc;
	ffs_cache_fill_head(f->worked, &f->kept);
	f->fd = fcntl(ffs_cache_fill_fd(f->worked), F_DUPFD_CLOEXEC, 0);
	if (f->fd < 0) {
		rc = -errno;
		ffs_cache_fill_abort(f->worked);
		return rc;
	}
	fs->fills++;
	return 0;
}

static void
work(struct ffs_job *j)
{
	struct ffs_flight *f = (struct ffs_flight *)((char *)j - offsetof(struct ffs_flight, job));
	struct ffs_flights *fs = f->fs;

	f->rc = 0;
	switch (f->work) {
	case FFS_HANGAR_OPEN:
		f->rc = open_file(f);
		break;
	case FFS_HANGAR_COMMIT:
		f->rc = ffs_cache_fill_commit(f->worked);
		fs->fills--;
		break;
	case FFS_HANGAR_ABORT:
		ffs_cache_fill_abort(f->worked);
		fs->fills--;
		break;
	case FFS_HANGAR_DROP:
		(void)ffs_cache_drop(fs->cache, &f->name);
		break;
	}
	pthread_mutex_lock(&fs->lock);
	f->landed = NULL;
	*fs->last = f;
	fs->last = &f->landed;
	pthread_mutex_unlock(&fs->lock);
	fs->ready(fs->arg);
}

void
ffs_hangar_add(struct ffs_flight *f, enum ffs_hangar_work what)
{
	f->busy = true;
	f->work = what;
	f->worked = f->fill;
	f->fill = NULL;
	f->job.run = work;
	ffs_jobs_add(f->fs->jobs, &f->job);
}

/* The file is there, or will never be. */
static void
opened(struct ffs_flight *f)
{
	f->flies = true;
	if (f->rc) {
		f->alone = true;
		ffs_flight_unkeep(f);
	} else {
		f->fill = f->worked;
		if (f->unkept)
			ffs_hangar_add(f, FFS_HANGAR_ABORT);
		else if (f->paused || f->ended)
			ffs_flight_flush(f);
	}
	if (f->ended)
		ffs_flight_commit(f);
	ffs_flight_wake(f, true);
	ffs_flight_advance(f);
}

static void
finished(struct ffs_flight *f)
{
	f->busy = false;
	switch (f->work) {
	case FFS_HANGAR_OPEN:
		opened(f);
		break;
	case FFS_HANGAR_COMMIT:
		ffs_flight_unlist(f);
		ffs_count_add(f->rc ? &f->fs->count->flights_lost : &f->fs->count->flights, 1);
		/* It was written while we were about it. */
		if (!f->rc && f->spoiled)
			ffs_hangar_add(f, FFS_HANGAR_DROP);
		break;
	case FFS_HANGAR_ABORT:
	case FFS_HANGAR_DROP:
		break;
	}
}

void
ffs_flights_step(struct ffs_flights *fs)
{
	struct ffs_flight *f, *next;

	pthread_mutex_lock(&fs->lock);
	f = fs->landed;
	fs->landed = NULL;
	fs->last = &fs->landed;
	pthread_mutex_unlock(&fs->lock);
	for (; f; f = next) {
		next = f->landed;
		f->held++;
		finished(f);
		f->held--;
		ffs_flight_settle(f);
	}
}
