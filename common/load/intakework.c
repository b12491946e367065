#include "common/load/intakeimpl.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "common/base/crc32c.h"
#include "common/load/packer.h"

int
ffs_intake_fail(struct ffs_intake_item *i, int rc, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(i->error, sizeof(i->error), fmt, ap);
	va_end(ap);
	i->kind = FFS_INTAKE_ERROR;
	i->rc = rc;
	return rc;
}

static int
no_csv(struct ffs_intake_item *i, int rc)
{
	return ffs_intake_fail(i, -EINVAL, "'%s' is no CSV: %s", i->path,
	    rc == -EBADMSG ? "a quote is open at its end" : strerror(-rc));
}

static int
count(struct ffs_packer *packer, struct ffs_intake_item *i)
{
	uint64_t row;
	int rc = ffs_packer_count(packer, i->p, i->n, i->delimiter, &i->rows, &i->columns, &row);

	if (rc == -EINVAL)
		return ffs_intake_fail(i, rc,
		    "'%s': row %" PRIu64 " has not as many columns as the first", i->path, row);
	if (rc)
		return no_csv(i, rc);
	i->have |= FFS_TARIN_ROWS | FFS_TARIN_COLUMNS;
	return 0;
}

static int
look_into_message(struct ffs_intake_item *i)
{
	int rc = ffs_packer_message(i->p, i->n, &i->rows, i->time_first, i->time_last);

	if (rc == -EINVAL)
		return ffs_intake_fail(
		    i, rc, "'%s': row %" PRIu64 ": time runs backwards", i->path, i->rows);
	if (rc && rc != -ENODATA)
		return no_csv(i, rc);
	i->have |= FFS_TARIN_ROWS;
	if (!rc)
		i->have |= FFS_TARIN_TIME_FIRST | FFS_TARIN_TIME_LAST;
	return 0;
}

static int
compress(struct ffs_intake *in, struct ffs_packer *packer, struct ffs_intake_item *i)
{
	size_t cap, n, old_cap = i->cap;
	unsigned char *old = i->p, *p = ffs_pool_get(in->pool, ffs_packer_bound(i->n), &cap, false);
	int rc;

	if (!p)
		return ffs_intake_fail(i, -ENOMEM, "out of memory");
	n = cap;
	rc = ffs_packer_compress(packer, i->p, i->n, p, &n);
	i->p = p;
	i->cap = cap;
	ffs_pool_put(in->pool, old, old_cap);
	if (rc)
		return ffs_intake_fail(i, rc, "cannot compress '%s'", i->path);
	i->n = n;
	i->crc32c = ffs_crc32c(0, p, n);
	i->encoding = FFS_ENCODING_ZSTD;
	return 0;
}

static bool
must_count(const struct ffs_intake_item *i)
{
	return i->kind == FFS_INTAKE_CHUNK && (~i->have & (FFS_TARIN_ROWS | FFS_TARIN_COLUMNS));
}

static bool
is_unknown_message(const struct ffs_intake_item *i)
{
	return i->kind == FFS_INTAKE_MESSAGE && !(i->have & FFS_TARIN_CRC32C);
}

static void
prepare(struct ffs_intake *in, struct ffs_packer *packer, struct ffs_intake_item *i)
{
	int rc = 0;

	if (must_count(i))
		rc = count(packer, i);
	else if (is_unknown_message(i))
		rc = look_into_message(i);
	if (!rc && in->o.level)
		rc = compress(in, packer, i);
	if (!rc && in->want_md5)
		i->has_md5 = ffs_packer_md5(i->md5, i->p, i->n) == 0;
}

static void *
work(void *arg)
{
	struct ffs_intake *in = arg;
	struct ffs_packer *packer = ffs_packer_new(in->o.level);
	struct ffs_intake_item *i;

	pthread_mutex_lock(&in->lock);
	while (!in->stop) {
		for (i = in->todo; i && i->ready; i = i->next)
			;
		in->todo = i ? i->next : NULL;
		if (!i) {
			pthread_cond_wait(&in->work, &in->lock);
			continue;
		}
		pthread_mutex_unlock(&in->lock);
		if (packer)
			prepare(in, packer, i);
		else
			ffs_intake_fail(i, -ENOMEM, "out of memory");
		pthread_mutex_lock(&in->lock);
		i->ready = true;
		pthread_mutex_unlock(&in->lock);
		in->o.wake(in->o.arg);
		pthread_mutex_lock(&in->lock);
	}
	pthread_mutex_unlock(&in->lock);
	ffs_packer_free(packer);
	return NULL;
}

bool
ffs_intake_has_work(const struct ffs_intake *in, const struct ffs_intake_item *i)
{
	return must_count(i) || is_unknown_message(i) || in->o.level || in->want_md5;
}

int
ffs_intake_start_workers(struct ffs_intake *in)
{
	int rc = 0;

	while (in->workers < in->workers_wanted && !rc) {
		rc = pthread_create(&in->worker[in->workers], NULL, work, in);
		if (!rc)
			in->workers++;
	}
	return in->workers ? 0 : -rc;
}
