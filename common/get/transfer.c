#include "common/get/transfer.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/base/outfile.h"
#include "common/get/output.h"

struct state {
	struct ffs_transfer *t;
	struct ffs_plan *plan;
	struct ffs_output *out;
	struct ffs_progress_at at;
	const char *unkept; /* why something was not kept that should have been: said once */
};

static int __attribute__((format(printf, 4, 5)))
explain(struct ffs_transfer *t, int rc, enum ffs_exit status, const char *fmt, ...)
{
	va_list ap;

	t->status = status;
	va_start(ap, fmt);
	vsnprintf(t->error, sizeof(t->error), fmt, ap);
	va_end(ap);
	return rc;
}

static void
on_event(void *arg, const struct ffs_reader_event *e)
{
	struct state *s = arg;

	s->at.chunks++;
	s->t->event(s->t->arg, e);
}

static bool
on_failed(void *arg, const struct ffs_piece *piece, const struct ffs_object *object, int rc,
    const char *error)
{
	char text[2048], line[32] = "";
	struct state *s = arg;

	if (piece->line)
		snprintf(line, sizeof(line), "line %" PRIu64 ": ", piece->line);
	snprintf(text, sizeof(text), "%scannot read 's3://%s/%s': %s%s", line, piece->src->bucket,
	    object->key, error,
	    piece->src->unasked && (rc == -ENOENT || rc == -ESTALE) &&
		    s->t->use->mode != FFS_USE_ONLY
		? "; its manifest is the cache's: --cache=refresh asks for a newer one"
		: "");
	return s->t->failed(s->t->arg, ffs_exit_of(rc), text);
}

static void
on_unkept(
    void *arg, const struct ffs_piece *piece, const struct ffs_object *object, const char *why)
{
	struct state *s = arg;
	char text[2048];

	if (s->unkept && !strcmp(s->unkept, why))
		return;
	s->unkept = why;
	snprintf(text, sizeof(text), "cannot keep 's3://%s/%s' in the cache: %s",
	    piece->src->bucket, object->key, why);
	s->t->warn(s->t->arg, text);
}

static void
on_tick(void *arg)
{
	struct state *s = arg;
	size_t chunks;
	uint64_t bytes = ffs_plan_total(s->plan, &chunks);

	/* At the end the plan knows nothing any more. */
	if (chunks) {
		s->at.total_chunks = chunks;
		s->at.total_bytes = bytes;
	}
	s->at.bytes = s->at.had + ffs_output_bytes(s->out);
	s->t->tick(s->t->arg, &s->at);
}

/* Why the output stopped. */
static int
explain_output(struct state *s, int rc)
{
	struct ffs_transfer *t = s->t;
	const char *detail, *name = t->path ? t->path : "standard output";
	int wrc = ffs_output_error(s->out, &detail);

	if (!wrc)
		return rc == -ECANCELED
		           ? rc
		           : explain(t, rc, ffs_exit_of(rc), "cannot read: %s", strerror(-rc));
	if (wrc == -EBADMSG || wrc == -EPROTO)
		return explain(
		    t, wrc, wrc == -EPROTO ? FFS_EXIT_FAIL : FFS_EXIT_INTEGRITY, "%s", detail);
	if (wrc == -EPIPE && !t->path && !t->dir)
		return wrc;
	/* As if it were another failure than the -errnos with a meaning of their own. */
	return explain(t, -EIO, FFS_EXIT_FAIL, "cannot write '%s%s%s': %s", t->dir ? t->dir : name,
	    t->dir ? "/" : "", t->dir ? detail : "", strerror(-wrc));
}

static int
transfer(struct state *s, int fd)
{
	struct ffs_transfer *t = s->t;
	struct ffs_reader_opts ro = {
		.stores = t->stores,
		.use = t->use,
		.link = t->link,
		.jobs = t->jobs,
		.keep = t->keep,
		.next = ffs_plan_next,
		.next_arg = s->plan,
		.in_fd = t->batch_fd,
		.event = on_event,
		.failed = on_failed,
		.unkept = t->warn ? on_unkept : NULL,
		.tick = t->tick ? on_tick : NULL,
		.arg = s,
		.stop = t->stop,
	};
	struct ffs_output_opts oo = {
		.fd = fd,
		.dir = t->dir,
		.link = t->link,
		.may_block = !t->path && !t->dir, /* then a signal simply ends it */
		.sync = t->sync,
		.wake = ffs_reader_wake,
	};
	struct ffs_reader *reader = ffs_reader_new(&ro);
	int rc = reader ? 0 : -errno;

	oo.arg = reader;
	if (!rc && !(s->out = ffs_output_new(&oo)))
		rc = -errno;
	if (rc) {
		ffs_reader_free(reader);
		return explain(t, rc, FFS_EXIT_FAIL, "cannot start: %s", strerror(-rc));
	}
	rc = ffs_reader_run(reader, s->out);
	/* A descriptor may be stuck for ever; files are tidied up. */
	if (rc == -EINTR && !t->path && !t->dir)
		return rc;
	if (t->tick)
		on_tick(s);
	if (rc && rc != -EINTR)
		rc = explain_output(s, rc);
	ffs_reader_free(reader);
	ffs_output_free(s->out);
	return rc;
}

/* The file at t->path, behind what an earlier run left of it. */
static int
open_file(struct state *s, struct ffs_outfile *file)
{
	struct ffs_transfer *t = s->t;
	char *identity = NULL;
	uint64_t size;
	int rc = 0;

	if (t->resume) {
		rc = ffs_plan_identify(s->plan, &identity, &size);
		if (rc == -ECANCELED)
			return rc;
		t->complete =
		    !rc && size != UINT64_MAX && ffs_outfile_complete(t->path, identity, size);
	}
	if (!rc && !t->complete)
		rc = ffs_outfile_open(file, t->path, identity);
	free(identity);
	if (!rc && file->id) {
		s->at.had = ffs_plan_skip(s->plan, file->size, &s->at.chunks);
		if (ftruncate(file->fd, (off_t)s->at.had) < 0 || lseek(file->fd, 0, SEEK_END) < 0)
			rc = -errno;
	}
	if (!rc)
		return 0;
	ffs_outfile_abandon(file, true);
	return explain(t, -EIO, FFS_EXIT_FAIL, "cannot write '%s': %s", t->path, strerror(-rc));
}

static int
transfer_to_file(struct state *s)
{
	struct ffs_outfile file = FFS_OUTFILE_INIT;
	struct ffs_transfer *t = s->t;
	int rc = open_file(s, &file);

	if (rc || t->complete)
		return rc;
	rc = transfer(s, file.fd);
	if (rc) {
		ffs_outfile_abandon(&file, true);
		return rc;
	}
	rc = ffs_outfile_commit(&file, t->sync);
	return rc ? explain(t, -EIO, FFS_EXIT_FAIL, "cannot write '%s': %s", t->path, strerror(-rc))
	          : 0;
}

int
ffs_transfer_run(struct ffs_transfer *t)
{
	struct ffs_plan_opts po = {
		.stores = t->stores,
		.use = t->use,
		.bucket = t->bucket,
		.select = t->select,
		.args = t->args,
		.nargs = t->nargs,
		.batch_fd = t->batch_fd,
		.files = t->dir != NULL,
		.failed = t->failed,
		.warn = t->warn,
		.arg = t->arg,
	};
	struct state s = { .t = t, .plan = ffs_plan_new(&po) };
	int rc;

	if (!s.plan)
		return explain(t, -ENOMEM, FFS_EXIT_FAIL, "cannot start: %s", strerror(ENOMEM));
	rc = t->path ? transfer_to_file(&s) : transfer(&s, t->dir ? -1 : t->fd);
	if (rc != -EINTR) /* then the reader may still use it */
		ffs_plan_free(s.plan);
	return rc;
}
