#include "common/get/output.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "common/base/buf.h"
#include "common/base/outfile.h"
#include "common/get/sendfile.h"

enum {
	SMALL = 32 * 1024,       /* writes below this are gathered */
	GATHER = 64 * 1024,      /* up to this */
	PIPE_SIZE = 1024 * 1024, /* what an unprivileged process may ask for */
};

struct queue {
	struct ffs_part *head, **tail;
};

struct ffs_output {
	struct ffs_output_opts o;
	pthread_t thread;
	pthread_mutex_t lock;
	pthread_cond_t more;
	/* Under the lock: */
	struct queue in, back;
	bool ending, drop, wanted;
	int rc;
	char detail[320];
	uint64_t bytes;
	bool working; /* the thread, on a part */
	bool direct;  /* there is no thread, nor will be */
	bool started; /* the maker's: there is one */
	bool joined;  /* and was */
	/* The thread's own: */
	int fd;
	struct ffs_outfile file;
	struct ffs_cut cut;
	size_t header_left;
	struct ffs_buf header, first_header, gathered;
	bool any; /* the first object's header, or that it has none, is known */
	bool header_known;
	const char *doing;
	char told[320];
};

static void
put(struct queue *q, struct ffs_part *part)
{
	part->next = NULL;
	*q->tail = part;
	q->tail = &part->next;
}

static struct ffs_part *
take_all(struct queue *q)
{
	struct ffs_part *list = q->head;

	q->head = NULL;
	q->tail = &q->head;
	return list;
}

/* --- writing --- */

static int
write_all(struct ffs_output *out, const char *p, size_t n)
{
	ssize_t done;

	while (n) {
		done = write(out->fd, p, n);
		if (done < 0) {
			/* Whoever gave us the descriptor may have made it non-blocking. */
			if (errno == EAGAIN)
				poll(&(struct pollfd){ .fd = out->fd, .events = POLLOUT }, 1, -1);
			else if (errno != EINTR)
				return -errno;
			continue;
		}
		p += done;
		n -= (size_t)done;
		__atomic_add_fetch(&out->bytes, (uint64_t)done, __ATOMIC_RELAXED);
	}
	return 0;
}

static int
flush(struct ffs_output *out)
{
	int rc = write_all(out, out->gathered.p, out->gathered.len);

	ffs_buf_reset(&out->gathered);
	return rc;
}

static int
emit(void *arg, const char *p, size_t n)
{
	struct ffs_output *out = arg;
	int rc = 0;

	if (n < SMALL) {
		if (out->gathered.len + n > GATHER)
			rc = flush(out);
		ffs_buf_add(&out->gathered, p, n);
		return rc ? rc : ffs_buf_error(&out->gathered);
	}
	rc = flush(out);
	return rc ? rc : write_all(out, p, n);
}

/* What is wrong with a dataset. */
static void
tell(struct ffs_output *out, const struct ffs_part *part, const char *what)
{
	char line[32] = "";

	if (part->line)
		snprintf(line, sizeof(line), "line %" PRIu64 ": ", part->line);
	snprintf(out->told, sizeof(out->told), "%sdataset '%s': %s", line, part->dataset, what);
	out->doing = out->told;
}

/* One header row at the start of the output; every later dataset must have the same one. */
static int
give_header(struct ffs_output *out, const struct ffs_part *part)
{
	if (out->o.dir)
		return emit(out, out->header.p, out->header.len);
	if (!out->any) {
		out->any = true;
		ffs_buf_add(&out->first_header, out->header.p, out->header.len);
		return emit(out, out->header.p, out->header.len);
	}
	if (out->header.len == out->first_header.len &&
	    (!out->header.len || !memcmp(out->header.p, out->first_header.p, out->header.len)))
		return 0;
	tell(out, part, "its header row is not that of the output so far");
	return -EPROTO;
}

static int
open_file(struct ffs_output *out, const char *name)
{
	struct ffs_buf path = FFS_BUF_INIT;
	int rc;

	ffs_buf_addf(&path, "%s/%s", out->o.dir, name);
	rc = ffs_buf_error(&path);
	if (!rc)
		rc = ffs_outfile_mkdirs(path.p, NULL);
	if (!rc)
		rc = ffs_outfile_open(&out->file, path.p, NULL);
	out->fd = out->file.fd;
	ffs_buf_release(&path);
	return rc;
}

static int
start_object(struct ffs_output *out, const struct ffs_part *part)
{
	int rc;

	out->doing = part->name;
	ffs_cut_release(&out->cut);
	rc = ffs_cut_init(&out->cut, &part->cut);
	out->header_left = part->header_bytes;
	out->header_known = part->header_known;
	ffs_buf_reset(&out->header);
	if (!rc && out->o.dir)
		rc = open_file(out, part->name);
	else if (!rc && !out->header_left && !out->header_known)
		rc = give_header(out, part);
	return rc;
}

/* Bytes that may begin with what is left of a header row: *used of them do. */
static int
take_header(
    struct ffs_output *out, const struct ffs_part *part, const char *p, size_t n, size_t *used)
{
	size_t head = n < out->header_left ? n : out->header_left;
	int rc;

	*used = head;
	if (!head)
		return 0;
	ffs_buf_add(&out->header, p, head);
	out->header_left -= head;
	rc = ffs_buf_error(&out->header);
	if (!rc && !out->header_left && !out->header_known)
		rc = give_header(out, part);
	return rc;
}

/* A part that is in a file: only its header row is looked at. */
static int
write_file(struct ffs_output *out, struct ffs_part *part)
{
	size_t head = part->n < out->header_left ? (size_t)part->n : out->header_left;
	char *p = head ? malloc(head) : NULL;
	int rc = 0;

	if (head && !p)
		return -ENOMEM;
	if (head && pread(part->file->fd, p, head, (off_t)part->off) != (ssize_t)head)
		rc = -ENODATA;
	if (!rc)
		rc = take_header(out, part, p, head, &head);
	free(p);
	if (!rc)
		rc = flush(out);
	if (!rc)
		rc = ffs_sendfile(out->fd, part->file->fd, part->off + head, part->n - head,
		    &out->bytes, &part->us);
	if (rc == -ENODATA) {
		tell(out, part, "a file in the cache became shorter while it was read");
		rc = -EBADMSG;
	}
	return rc;
}

static int
write_bytes(struct ffs_output *out, const struct ffs_part *part)
{
	size_t used;
	int rc = take_header(out, part, part->p, part->n, &used);

	if (!rc)
		rc = ffs_cut_feed(&out->cut, part->p + used, part->n - used, part->last, emit, out);
	if (rc == -EBADMSG)
		tell(out, part, "its rows are not what its manifest says");
	return rc;
}

/* A name for the file that a part is, where it needs no copy.  Fails where it does. */
static int
link_file(struct ffs_output *out, const struct ffs_part *part)
{
	struct ffs_buf path = FFS_BUF_INIT;
	int rc;

	if (!out->o.link || !part->file || !part->first || !part->last)
		return -EOPNOTSUPP;
	ffs_buf_addf(&path, "%s/%s", out->o.dir, part->name);
	rc = ffs_buf_error(&path);
	if (!rc)
		rc = ffs_outfile_mkdirs(path.p, NULL);
	if (!rc)
		rc = ffs_cache_link(part->file, AT_FDCWD, path.p, NULL);
	if (!rc)
		__atomic_add_fetch(&out->bytes, part->n, __ATOMIC_RELAXED);
	ffs_buf_release(&path);
	return rc;
}

static int
write_part(struct ffs_output *out, struct ffs_part *part)
{
	int rc;

	if (!link_file(out, part))
		return 0;
	rc = part->first ? start_object(out, part) : 0;

	if (!rc)
		rc = part->file ? write_file(out, part) : write_bytes(out, part);
	if (rc || !part->last || !out->o.dir)
		return rc;
	rc = flush(out);
	return rc ? rc : ffs_outfile_commit(&out->file, out->o.sync);
}

/* --- the thread --- */

static void
fail(struct ffs_output *out, int rc)
{
	out->rc = rc;
	snprintf(out->detail, sizeof(out->detail), "%s", out->doing ? out->doing : "");
	if (out->o.dir)
		ffs_outfile_abandon(&out->file, false);
}

/* One part, whatever becomes of it.  0 or -errno. */
static int
handle_part(struct ffs_output *out, struct ffs_part *part)
{
	int rc;

	if (!part->broken) {
		rc = write_part(out, part);
		/* What came before it is right, and may not have been written yet. */
		if (rc == -EPROTO || rc == -EBADMSG)
			flush(out);
		return rc;
	}
	if (out->o.dir) {
		ffs_buf_reset(&out->gathered);
		ffs_outfile_abandon(&out->file, false);
	}
	return 0;
}

static void *
run(void *arg)
{
	struct ffs_output *out = arg;
	struct ffs_part *part;
	int rc;

	pthread_mutex_lock(&out->lock);
	for (;;) {
		part = out->in.head;
		out->working = part || out->gathered.len;
		if (!part) {
			/* Nobody waits for less than all that there is to say. */
			if (out->gathered.len && !out->rc && !out->drop) {
				pthread_mutex_unlock(&out->lock);
				rc = flush(out);
				pthread_mutex_lock(&out->lock);
				if (rc)
					fail(out, rc);
				continue;
			}
			if (out->ending)
				break;
			pthread_cond_wait(&out->more, &out->lock);
			continue;
		}
		out->in.head = part->next;
		if (!out->in.head)
			out->in.tail = &out->in.head;
		if (!out->rc && !out->drop) {
			pthread_mutex_unlock(&out->lock);
			rc = handle_part(out, part);
			pthread_mutex_lock(&out->lock);
			if (rc)
				fail(out, rc);
		}
		part->rc = out->rc;
		put(&out->back, part);
		if (out->wanted) {
			out->wanted = false;
			out->o.wake(out->o.arg);
		}
	}
	pthread_mutex_unlock(&out->lock);
	return NULL;
}

/*
 * Files make nobody wait for a reader: a thread would only cost its switches.
 * Of the devices /dev/null is the one that counts.
 */
static bool
needs_thread(const struct ffs_output_opts *o)
{
	struct stat st;

	if (o->dir || fstat(o->fd, &st) < 0)
		return false;
	return !S_ISREG(st.st_mode) && (!S_ISCHR(st.st_mode) || isatty(o->fd));
}

static int
start_thread(struct ffs_output *out)
{
	sigset_t all, old;
	int rc;

	/* Signals are the main thread's. */
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &old);
	rc = pthread_create(&out->thread, NULL, run, out);
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	return -rc;
}

struct ffs_output *
ffs_output_new(const struct ffs_output_opts *o)
{
	struct ffs_output *out = calloc(1, sizeof(*out));

	if (!out)
		return NULL;
	out->o = *o;
	out->fd = o->fd;
	out->file = (struct ffs_outfile)FFS_OUTFILE_INIT;
	out->in.tail = &out->in.head;
	out->back.tail = &out->back.head;
	pthread_mutex_init(&out->lock, NULL);
	pthread_cond_init(&out->more, NULL);
	out->direct = !needs_thread(o);
	if (!out->direct)
		(void)fcntl(out->fd, F_SETPIPE_SZ, PIPE_SIZE); /* fewer switches; fine without */
	return out;
}

/* Without the thread. */
static void
push_direct(struct ffs_output *out, struct ffs_part *part)
{
	int rc = out->rc ? 0 : handle_part(out, part);

	if (!rc && !out->rc)
		rc = flush(out);
	pthread_mutex_lock(&out->lock);
	if (rc)
		fail(out, rc);
	part->rc = out->rc;
	put(&out->back, part);
	pthread_mutex_unlock(&out->lock);
}

/* What is calm, and comes behind nothing that the thread has still to write, needs no thread. */
static bool
needs_none(struct ffs_output *out, const struct ffs_part *part)
{
	bool idle;

	if (out->direct || !out->o.may_block || !part->calm)
		return out->direct;
	if (!out->started)
		return true;
	pthread_mutex_lock(&out->lock);
	idle = !out->in.head && !out->working;
	pthread_mutex_unlock(&out->lock);
	return idle;
}

void
ffs_output_push(struct ffs_output *out, struct ffs_part *part)
{
	int rc = 0;

	if (needs_none(out, part)) {
		push_direct(out, part);
		return;
	}
	if (!out->started) {
		rc = start_thread(out);
		out->started = !rc;
	}
	pthread_mutex_lock(&out->lock);
	if (rc && !out->rc)
		fail(out, rc);
	if (out->rc && !out->started) {
		part->rc = out->rc;
		put(&out->back, part);
	} else {
		put(&out->in, part);
		pthread_cond_signal(&out->more);
	}
	pthread_mutex_unlock(&out->lock);
}

struct ffs_part *
ffs_output_pop(struct ffs_output *out, bool wait)
{
	struct ffs_part *list;

	pthread_mutex_lock(&out->lock);
	list = take_all(&out->back);
	out->wanted = !list && wait;
	pthread_mutex_unlock(&out->lock);
	return list;
}

int
ffs_output_error(struct ffs_output *out, const char **detail)
{
	int rc;

	pthread_mutex_lock(&out->lock);
	rc = out->rc;
	pthread_mutex_unlock(&out->lock);
	if (detail)
		*detail = out->detail;
	return rc;
}

uint64_t
ffs_output_bytes(struct ffs_output *out)
{
	return __atomic_load_n(&out->bytes, __ATOMIC_RELAXED);
}

void
ffs_output_end(struct ffs_output *out)
{
	pthread_mutex_lock(&out->lock);
	out->ending = true;
	pthread_cond_signal(&out->more);
	pthread_mutex_unlock(&out->lock);
}

int
ffs_output_join(struct ffs_output *out, unsigned ms)
{
	struct timespec ts;

	if (out->started && !out->joined) {
		clock_gettime(CLOCK_REALTIME, &ts);
		ts.tv_sec += (time_t)(ms / 1000);
		ts.tv_nsec += (long)(ms % 1000) * 1000000;
		if (ts.tv_nsec >= 1000000000) {
			ts.tv_nsec -= 1000000000;
			ts.tv_sec++;
		}
		if (pthread_timedjoin_np(out->thread, NULL, &ts))
			return -EAGAIN;
		out->joined = true;
	}
	return out->rc;
}

void
ffs_output_stop(struct ffs_output *out)
{
	if (!out->started || out->joined)
		return;
	pthread_mutex_lock(&out->lock);
	out->drop = out->ending = true;
	pthread_cond_signal(&out->more);
	pthread_mutex_unlock(&out->lock);
	pthread_join(out->thread, NULL);
	out->joined = true;
}

void
ffs_output_free(struct ffs_output *out)
{
	if (!out)
		return;
	ffs_output_stop(out);
	if (out->o.dir)
		ffs_outfile_abandon(&out->file, false);
	ffs_cut_release(&out->cut);
	ffs_buf_release(&out->header);
	ffs_buf_release(&out->first_header);
	ffs_buf_release(&out->gathered);
	pthread_cond_destroy(&out->more);
	pthread_mutex_destroy(&out->lock);
	free(out);
}
