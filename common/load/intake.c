#include "common/load/intakeimpl.h"

#include <errno.h>
#include <inttypes.h>
#include <search.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/base/crc32c.h"

enum { PIECE = 256 * 1024 }; /* read and summed up at once, while it is in the cache */

/* --- items --- */

static struct ffs_intake_item *
new_item(struct ffs_intake *in, enum ffs_intake_kind kind)
{
	struct ffs_intake_item *i = calloc(1, sizeof(*i));

	if (!i)
		return NULL;
	i->kind = kind;
	i->set = in->now.set;
	i->dataset = strdup(in->now.dataset ? in->now.dataset : "");
	if (!i->dataset) {
		free(i);
		return NULL;
	}
	return i;
}

static void
free_item(struct ffs_intake *in, struct ffs_intake_item *i)
{
	ffs_pool_put(in->pool, i->p, i->cap);
	free(i->dataset);
	free(i->path);
	free(i);
}

/* Wait until another chunk may be read.  False when it is over. */
static bool
wait_for_room(struct ffs_intake *in)
{
	bool go;

	pthread_mutex_lock(&in->lock);
	while (!in->stop && in->items >= in->o.depth)
		pthread_cond_wait(&in->room, &in->lock);
	go = !in->stop;
	if (go)
		in->items++;
	pthread_mutex_unlock(&in->lock);
	return go;
}

/* To the end of the queue; to the workers, too, where there is something left to do with it. */
static void
append(struct ffs_intake *in, struct ffs_intake_item *i, bool ready)
{
	pthread_mutex_lock(&in->lock);
	i->ready = ready;
	if (in->tail)
		in->tail->next = i;
	else
		in->head = i;
	in->tail = i;
	if (!ready) {
		if (!in->todo)
			in->todo = i;
		pthread_cond_signal(&in->work);
	}
	if (i->kind == FFS_INTAKE_ERROR)
		in->end = true;
	pthread_mutex_unlock(&in->lock);
	if (ready)
		in->o.wake(in->o.arg);
}

/* --- reading --- */

static int
no_memory(struct ffs_intake_item *i)
{
	return ffs_intake_fail(i, -ENOMEM, "out of memory");
}

/* The bytes of an entry and their CRC32C. */
static int
read_body(struct ffs_intake *in, struct ffs_intake_item *i, const struct ffs_tarin_entry *e)
{
	size_t want = e->size ? (size_t)e->size : 1, cap;
	unsigned char *p;
	ssize_t got;

	if (e->size <= FFS_INTAKE_CHUNK_MAX) {
		/* a byte more, so that the end shows before the memory does */
		i->p = ffs_pool_get(in->pool, want + 1, &i->cap, true);
		if (!i->p)
			return ffs_intake_fail(i, -errno, "%s", strerror(errno));
	}
	for (;;) {
		if (e->size > FFS_INTAKE_CHUNK_MAX || i->n > FFS_INTAKE_CHUNK_MAX)
			return ffs_intake_fail(i, -EFBIG,
			    "'%s' is larger than 1 GiB: cut smaller chunks (ffs-split -s)",
			    i->path);
		if (i->n == i->cap) {
			/* a compressed file is longer than it looked */
			p = ffs_pool_get(in->pool, i->cap * 2, &cap, false);
			if (!p)
				return no_memory(i);
			memcpy(p, i->p, i->n);
			ffs_pool_put(in->pool, i->p, i->cap);
			i->p = p;
			i->cap = cap;
		}
		want = i->cap - i->n < PIECE ? i->cap - i->n : PIECE;
		got = ffs_tarin_read(in->t, i->p + i->n, want);
		if (got < 0)
			return ffs_intake_fail(i, (int)got, "%s", ffs_tarin_error(in->t));
		if (!got)
			break;
		i->plain_crc32c = ffs_crc32c(i->plain_crc32c, i->p + i->n, (size_t)got);
		i->n += (size_t)got;
	}
	i->plain_bytes = i->n;
	i->open_end = i->n && i->p[i->n - 1] != '\n' && i->p[i->n - 1] != '\r';
	i->crc32c = i->plain_crc32c;
	if ((e->have & FFS_TARIN_CRC32C) && e->crc32c != i->plain_crc32c)
		return ffs_intake_fail(i, -EBADMSG,
		    "'%s' is damaged: its CRC32C is %08" PRIx32 ", its attribute says %08" PRIx32,
		    i->path, i->plain_crc32c, e->crc32c);
	return 0;
}

/* Does "00001.csv" follow "00000.csv": numbered names count, others rise. */
static bool
follows(const char *last, const char *name)
{
	size_t a = strspn(last, "0123456789"), b = strspn(name, "0123456789");

	if (a && b && a < 19 && b < 19 && !strcmp(last + a, name + b))
		return strtoull(name, NULL, 10) == strtoull(last, NULL, 10) + 1;
	return strverscmp(last, name) < 0;
}

/* A contiguous share of the input's bytes for each node; runs in turn where its length is unknown.
 */
static size_t
choose_node(const struct ffs_intake *in)
{
	double share, sum = 0;
	size_t i;

	if (in->o.nodes == 1)
		return 0;
	if (!in->now.total)
		return in->now.chunks / FFS_INTAKE_RUN % in->o.nodes;
	share = (double)in->now.bytes / (double)in->now.total * in->weight_sum;
	for (i = 0; i < in->o.nodes - 1; i++) {
		sum += in->o.weights[i];
		if (share < sum)
			break;
	}
	return i;
}

static int
by_name(const void *a, const void *b)
{
	return strcmp(a, b);
}

static int
end_set(struct ffs_intake *in)
{
	struct ffs_intake_item *i;

	if (!in->now.dataset)
		return 0;
	i = new_item(in, FFS_INTAKE_END);
	if (!i || !tsearch(in->now.dataset, &in->seen, by_name)) {
		if (i)
			free_item(in, i);
		return -ENOMEM;
	}
	i->index = in->now.chunks;
	free(in->now.last);
	in->now = (struct reading){ .set = in->now.set + 1 };
	append(in, i, true);
	return 0;
}

static int
start_set(struct ffs_intake *in, struct ffs_intake_item *err, const struct ffs_tarin_entry *e)
{
	if (end_set(in))
		return no_memory(err);
	if (tfind(e->dataset, &in->seen, by_name))
		return ffs_intake_fail(err, -EINVAL,
		    "'%s': the chunks of '%s' are not together in the stream", e->path, e->dataset);
	in->now.dataset = strdup(e->dataset);
	if (!in->now.dataset)
		return no_memory(err);
	if (e->have & FFS_TARIN_INPUT_BYTES)
		in->now.total = e->input_bytes;
	return 0;
}

/* A message has to follow its chunk, and a chunk the one before it. */
static int
check_order(struct ffs_intake *in, struct ffs_intake_item *i, const struct ffs_tarin_entry *e)
{
	const char *last = in->now.last;
	size_t n = last ? strlen(last) : 0;

	if (e->message) {
		n = n > 4 && !strcmp(last + n - 4, ".csv") ? n - 4 : n;
		if (!last || in->now.message || strncmp(e->name, last, n) ||
		    strcmp(e->name + n, ".message.csv"))
			return ffs_intake_fail(
			    i, -EINVAL, "'%s' does not follow its chunk", e->path);
		in->now.message = true;
		return 0;
	}
	if (last && !e->file && !follows(last, e->name))
		return ffs_intake_fail(i, -EINVAL,
		    "'%s' follows '%s': chunks are missing or out of order (tar --sort=name)",
		    e->path, last);
	free(in->now.last);
	in->now.last = strdup(e->name);
	in->now.message = false;
	return in->now.last ? 0 : no_memory(i);
}

/* From the entry to the queue. */
static int
read_entry(struct ffs_intake *in, const struct ffs_tarin_entry *e)
{
	struct ffs_intake_item *i =
	    new_item(in, e->message ? FFS_INTAKE_MESSAGE : FFS_INTAKE_CHUNK);
	bool busy = false;
	int rc;

	if (!i)
		return -ENOMEM;
	if (!in->now.dataset || strcmp(in->now.dataset, e->dataset)) {
		rc = start_set(in, i, e);
		if (rc)
			goto out;
		free(i->dataset);
		i->dataset = strdup(in->now.dataset);
		i->set = in->now.set;
	}
	i->path = strdup(e->path);
	rc = i->path && i->dataset ? check_order(in, i, e) : no_memory(i);
	if (!rc)
		rc = read_body(in, i, e);
	if (rc)
		goto out;
	if (!e->message) {
		in->now.node = choose_node(in);
		in->now.chunks++;
		in->now.bytes += i->plain_bytes;
	}
	i->index = in->now.chunks - 1;
	i->node = in->now.node;
	i->have = e->have;
	i->first_row = e->first_row;
	i->rows = e->rows;
	i->columns = e->columns;
	i->header_bytes = e->header_bytes;
	i->time_col = e->time_col;
	i->delimiter = e->delimiter;
	i->input_bytes = e->input_bytes;
	memcpy(i->time_first, e->time_first, sizeof(i->time_first));
	memcpy(i->time_last, e->time_last, sizeof(i->time_last));
	busy = ffs_intake_has_work(in, i);
	if (busy && ffs_intake_start_workers(in))
		rc = no_memory(i);
out:
	append(in, i, rc || !busy);
	return rc;
}

/* Queue what ended the stream: rc, or 0 for its proper end. */
static void
finish(struct ffs_intake *in, int rc, const char *why)
{
	struct ffs_intake_item *i = NULL;

	if (!rc)
		rc = end_set(in);
	if (rc)
		i = new_item(in, FFS_INTAKE_ERROR);
	if (i) {
		ffs_intake_fail(i, rc, "%s", why && *why ? why : strerror(-rc));
		append(in, i, true);
	}
	pthread_mutex_lock(&in->lock);
	in->end = true;
	pthread_mutex_unlock(&in->lock);
	in->o.wake(in->o.arg);
}

static void *
read_all(void *arg)
{
	struct ffs_intake *in = arg;
	struct ffs_tarin_entry e;
	int rc;

	while (wait_for_room(in)) {
		rc = ffs_tarin_next(in->t, &e);
		if (rc <= 0) {
			finish(in, rc, ffs_tarin_error(in->t));
			break;
		}
		rc = read_entry(in, &e);
		if (rc) {
			/* the item in the queue says it, unless there was no memory for one */
			if (!in->end)
				finish(in, rc, NULL);
			break;
		}
	}
	return NULL;
}

/* --- the owner's side --- */

static int
start(struct ffs_intake *in)
{
	sigset_t all, old;
	int rc;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &old);
	rc = pthread_create(&in->reader, NULL, read_all, in);
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	in->reading = !rc;
	return -rc;
}

struct ffs_intake *
ffs_intake_new(struct ffs_tarin *t, const struct ffs_intake_opts *o)
{
	struct ffs_intake *in = calloc(1, sizeof(*in));
	long cpus = sysconf(_SC_NPROCESSORS_ONLN);
	size_t i;
	int rc;

	if (!in)
		return NULL;
	in->t = t;
	in->o = *o;
	in->workers_wanted = cpus < 1                    ? 1
	                     : cpus > FFS_INTAKE_WORKERS ? FFS_INTAKE_WORKERS
	                                                 : (size_t)cpus;
	for (i = 0; i < o->nodes; i++)
		in->weight_sum += o->weights[i];
	pthread_mutex_init(&in->lock, NULL);
	pthread_cond_init(&in->room, NULL);
	pthread_cond_init(&in->work, NULL);
	/* what a chunk is compressed to may need as much again */
	in->pool = ffs_pool_new(o->level ? FFS_INTAKE_BYTES / 2 : FFS_INTAKE_BYTES);
	rc = in->pool ? start(in) : -ENOMEM;
	if (rc) {
		ffs_intake_free(in);
		errno = -rc;
		return NULL;
	}
	return in;
}

void
ffs_intake_free(struct ffs_intake *in)
{
	struct ffs_intake_item *i;
	size_t n;

	if (!in)
		return;
	if (in->pool)
		ffs_pool_stop(in->pool);
	pthread_mutex_lock(&in->lock);
	in->stop = true;
	pthread_cond_broadcast(&in->room);
	pthread_cond_broadcast(&in->work);
	pthread_mutex_unlock(&in->lock);
	if (in->reading)
		pthread_join(in->reader, NULL);
	for (n = 0; n < in->workers; n++)
		pthread_join(in->worker[n], NULL);
	while ((i = in->head)) {
		in->head = i->next;
		free_item(in, i);
	}
	ffs_pool_free(in->pool);
	tdestroy(in->seen, free);
	free(in->now.dataset);
	free(in->now.last);
	pthread_cond_destroy(&in->work);
	pthread_cond_destroy(&in->room);
	pthread_mutex_destroy(&in->lock);
	free(in);
}

struct ffs_intake_item *
ffs_intake_take(struct ffs_intake *in, bool *end)
{
	struct ffs_intake_item *i;

	pthread_mutex_lock(&in->lock);
	i = in->head;
	if (i && i->ready) {
		in->head = i->next;
		if (!in->head)
			in->tail = NULL;
		if (in->todo == i)
			in->todo = i->next;
		i->next = NULL;
	} else {
		*end = !i && in->end;
		i = NULL;
	}
	pthread_mutex_unlock(&in->lock);
	return i;
}

void
ffs_intake_put(struct ffs_intake *in, struct ffs_intake_item *i)
{
	bool counted = i->kind != FFS_INTAKE_END;

	free_item(in, i);
	if (!counted)
		return;
	pthread_mutex_lock(&in->lock);
	in->items--;
	pthread_cond_signal(&in->room);
	pthread_mutex_unlock(&in->lock);
}

void
ffs_intake_want_md5(struct ffs_intake *in)
{
	in->want_md5 = true;
}
