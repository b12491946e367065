#include "common/daemon/daemon.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/base/buf.h"
#include "common/follow/errand.h"

enum { AGAIN_MS = 1000 }; /* ffs-hotmon may come later */

struct run {
	struct ffs_daemon d;
	struct ffs_gateopt_run *gate; /* NULL: nothing is served */
	struct ffs_errand *fetch;     /* for it; NULL: not yet */
	bool failed;
};

static void
fail(struct run *r, enum ffs_exit status, const char *text)
{
	r->failed = true;
	r->d.failed(r->d.arg, status, text);
}

static void
fail_rc(struct run *r, int rc)
{
	struct ffs_buf b = FFS_BUF_INIT;

	ffs_buf_addf(&b, "cannot go on: %s", strerror(-rc));
	fail(r, FFS_EXIT_FAIL, ffs_buf_error(&b) ? "cannot go on" : b.p);
	ffs_buf_release(&b);
}

static void
on_note(void *arg, const char *text)
{
	const struct run *r = arg;

	r->d.note(r->d.arg, false, text);
}

static void
on_detail(void *arg, const char *text)
{
	const struct run *r = arg;

	r->d.note(r->d.arg, true, text);
}

static void
on_dropped(void *arg, const char *bucket, const char *key, int64_t entries)
{
	const struct run *r = arg;

	r->d.told(r->d.arg, ffs_tell_dropped(r->d.tell, bucket, key, entries));
}

static void
on_fill(void *arg, const struct ffs_filler_event *e)
{
	const struct run *r = arg;

	r->d.fill.event(r->d.fill.arg, e);
}

/* --- serving --- */

/* Is what the gateway's origin gives called hot by the kernel, and known to who follows: a node of
 * the list, without TLS. */
static bool
is_followed(const struct run *r)
{
	const struct ffs_nodes *nodes = &r->d.fill.stores->nodes;
	const char *origin = r->d.gate->origin;
	char *url = ffs_endpoint_url(origin ? origin : nodes->v[0].ep.url);
	bool found = false;
	size_t i;

	for (i = 0; url && i < nodes->n; i++)
		found |= !strcmp(url, nodes->v[i].ep.url);
	found = found && !strncmp(url, "http://", 7);
	free(url);
	return found;
}

/* followed: what the kernel calls hot is filled, by this process or another. */
static void
serve(struct run *r, bool followed)
{
	const struct ffs_fillopts *how = r->d.fill.how;
	struct ffs_gateopt_with w = { .config = r->d.config,
		.nodes = &r->d.fill.stores->nodes,
		.cache = ffs_cache_path(r->d.fill.cache),
		.keep_all = how->all,
		.keep_second = !followed || !is_followed(r),
		.allow = how->allow,
		.deny = how->deny,
		.note = r->d.note,
		.arg = r->d.arg,
		.stop = r->d.stop };
	char *why = NULL;

	r->gate = ffs_gateopt_start(r->d.gate, &w, &why);
	if (r->gate)
		r->d.told(r->d.arg, ffs_tell_serves(r->d.tell, ffs_gateopt_url(r->gate),
					ffs_gateopt_metrics(r->gate)));
	else
		fail(r, errno == EPERM ? FFS_EXIT_DENIED : FFS_EXIT_FAIL,
		    why ? why : strerror(errno));
	free(why);
}

/* Nobody follows, for a second: fetch what the gateway wants.  -ESTALE: the cache was removed. */
static int
fetch(struct run *r)
{
	struct ffs_errand_opts o = { .fill = r->d.fill,
		.wanted = ffs_gateopt_wanted(r->gate),
		.config = r->d.config,
		.origin = r->d.gate->origin,
		.own = r->d.own,
		.note = on_detail,
		.arg = r,
		.stop = r->d.stop };
	int rc;

	if (!o.wanted) {
		sleep(AGAIN_MS / 1000);
		return 0;
	}
	if (!r->fetch)
		r->fetch = ffs_errand_new(&o);
	rc = r->fetch ? ffs_errand_run(r->fetch, AGAIN_MS) : -errno;
	if (rc && rc != -ESTALE)
		fail_rc(r, rc);
	return rc;
}

static void
leave_fetch(struct run *r)
{
	ffs_errand_free(r->fetch);
	r->fetch = NULL;
}

/* --- following --- */

static int
follow(struct run *r, struct ffs_follow *f)
{
	struct ffs_buf b = FFS_BUF_INIT;
	struct ffs_follow_stats stats;
	int rc;

	/* What it has begun the kernel calls hot again. */
	leave_fetch(r);
	ffs_buf_addf(&b, "following; the cache is '%s'", ffs_cache_path(r->d.fill.cache));
	if (!ffs_buf_error(&b))
		on_detail(r, b.p);
	ffs_buf_release(&b);
	rc = ffs_follow_run(f);
	ffs_follow_stats(f, &stats);
	ffs_follow_free(f);
	if (rc && rc != -ESTALE)
		fail_rc(r, rc);
	if (!rc)
		r->d.told(r->d.arg, ffs_tell_end(r->d.tell, &stats));
	return rc;
}

/* One attempt at following, and what is done where that cannot be.  -ESTALE: the cache was
 * removed. */
static int
turn(struct run *r)
{
	struct ffs_follow_opts o = { .fill = r->d.fill,
		.own = r->d.own,
		.dropped = on_dropped,
		.note = on_note,
		.stop = r->d.stop };
	char *why = NULL;
	struct ffs_follow *f;
	const char *text;
	int rc;

	o.fill.event = on_fill;
	o.fill.arg = r;
	f = ffs_follow_new(&o, &why);
	rc = f ? 0 : errno;
	text = why ? why : strerror(rc);
	if (r->d.gate->serve && !r->gate) {
		serve(r, f || rc == EBUSY);
		if (r->gate)
			on_detail(r, f ? "serving" : text);
	}
	if (!f && !r->gate && !r->failed)
		fail(r,
		    rc == EBUSY ? FFS_EXIT_FAIL
		    : why       ? FFS_EXIT_UNSUP
				: ffs_exit_of(-rc),
		    text);
	free(why);
	if (r->failed)
		ffs_follow_free(f);
	else
		rc = f ? follow(r, f) : fetch(r);
	return rc;
}

void
ffs_daemon_run(const struct ffs_daemon *d)
{
	struct run r = { .d = *d };

	do {
		if (turn(&r) == -ESTALE && !r.failed && !*d->stop) {
			on_note(&r, "the cache was removed: making it anew");
			leave_fetch(&r);
			r.d.fill.cache = d->renew(d->arg);
		}
	} while (!r.failed && !*d->stop);
	leave_fetch(&r);
	if (r.gate && ffs_gateopt_end(r.gate))
		d->failed(d->arg, FFS_EXIT_FAIL, "the gateway ended by an error");
}
