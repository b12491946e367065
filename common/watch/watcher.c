#include "common/watch/watcher.h"

#include <errno.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/base/clock.h"
#include "common/base/why.h"
#include "common/watch/cgroup.h"
#include "common/watch/redirect.h"
#include "common/watch/servers.h"
#include "common/watch/thin.h"
#include "common/watch/ssl.h"

#define DUMP_MS 2000
#define SERVERS_MS 1000

struct ffs_watcher {
	struct ffs_watcher_opts o;
	struct ffs_bpffs *b;
	struct ffs_load *load;
	struct ffs_attach *attach;
	struct ffs_cgroup cgroup;
	struct ffs_ssl *tls; /* NULL: without --tls */
	int links;           /* rtnetlink */
	bool tune, clsact, redirect;
	uint32_t gate; /* the gateway's process, 0: it is not there */
	struct ffs_servers servers;
	int64_t servers_ms; /* when to look again */
	bool filled;        /* the directory */
	struct ffs_thin thin;
};

static void __attribute__((format(printf, 3, 4)))
note(const struct ffs_watcher *w, bool detail, const char *fmt, ...)
{
	char text[256];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	w->o.attach.note(w->o.attach.arg, detail, text);
}

/* --- sockops --- */

/* Where there is no cgroup v2, or the kernel refuses, traffic is watched all the same. */
static int
tune(struct ffs_watcher *w, char **why)
{
	char *root = w->o.cgroup ? strdup(w->o.cgroup) : ffs_cgroup_root();
	const char *which;
	int rc = root ? 0 : -errno;

	if (!root) {
		note(w, false, "no cgroup v2 is mounted: connections are watched, not tuned%s",
		    w->o.load.redirect.on ? " or redirected" : "");
		return rc == -ENOMEM ? rc : 0;
	}
	rc =
	    ffs_cgroup_attach(&w->cgroup, w->load, root, w->o.load.stay ? w->b->dir : NULL, &which);
	w->tune = !rc || (which && strcmp(which, "tune"));
	w->redirect = !rc && w->o.load.redirect.on;
	if (rc && w->o.cgroup && !which)
		rc = ffs_why(why, rc, "cannot use the cgroup '%s': %s", root,
		    rc == -EINVAL ? "not of a cgroup v2 tree" : strerror(-rc));
	else if (rc) {
		note(w, false, "the kernel refuses %s at '%s': %s%s", which ? which : "programs",
		    root, strerror(-rc), w->o.load.redirect.on ? "; nothing is redirected" : "");
		/* Half of it would be worse than none. */
		if (w->o.load.redirect.on)
			ffs_cgroup_release(&w->cgroup);
		rc = 0;
	} else {
		note(w, true, "attached to the cgroup '%s'", root);
	}
	free(root);
	return rc;
}

/* --- interfaces --- */

static int
attach_all(struct ffs_watcher *w, char **why)
{
	struct pollfd p = { .events = POLLIN };
	int rc;

	w->attach = ffs_attach_new(&w->o.attach, w->load);
	w->links = ffs_links_open();
	if (!w->attach || w->links < 0)
		return ffs_why(why, w->attach ? w->links : -ENOMEM, "cannot ask for interfaces");
	p.fd = w->links;
	rc = ffs_links_ask(w->links);
	/* The answer is there when the question has been sent. */
	if (!rc && poll(&p, 1, DUMP_MS) >= 0)
		rc = ffs_links_read(w->links, ffs_attach_link, w->attach);
	if (rc)
		return ffs_why(why, rc, "cannot ask for interfaces: %s", strerror(-rc));
	if (!ffs_attach_error(w->attach))
		ffs_attach_absent(w->attach);
	if (ffs_attach_count(w->attach, &w->clsact) ||
	    (!ffs_attach_error(w->attach) && !w->o.load.stay))
		return 0;
	rc = ffs_attach_error(w->attach) ? ffs_attach_error(w->attach) : -ENODEV;
	return ffs_why(why, rc == -EINVAL ? -EOPNOTSUPP : rc,
	    "the programs could be attached to no interface");
}

/* --- OpenSSL --- */

static int
watch_tls(struct ffs_watcher *w, char **why)
{
	const struct ffs_ssl_opts o = { .ports = w->o.load.targets.tls_ports,
		.note = w->o.attach.note,
		.arg = w->o.attach.arg };

	if (!w->o.load.tls)
		return 0;
	w->tls = ffs_ssl_new(&o, w->load, why);
	return w->tls ? 0 : -errno;
}

int
ffs_watcher_tls_fd(const struct ffs_watcher *w)
{
	return w->tls ? ffs_ssl_fd(w->tls) : -1;
}

void
ffs_watcher_tls(struct ffs_watcher *w)
{
	ffs_ssl_read(w->tls);
}

/* --- stores on this machine --- */

static void
look_at_servers(struct ffs_watcher *w)
{
	const struct ffs_load_targets *t = &w->o.load.targets;
	struct ffs_buf b = FFS_BUF_INIT;
	int64_t now = ffs_clock_ms();
	size_t i;
	int rc;

	if (!w->o.load.redirect.on || now < w->servers_ms)
		return;
	w->servers_ms = now + SERVERS_MS;
	rc = ffs_servers_find(&w->servers, t->stores, t->stores_n);
	if (rc > 0) {
		rc = ffs_load_servers(w->load, w->servers.pids, w->servers.n);
		for (i = 0; i < w->servers.n; i++)
			ffs_buf_addf(&b, "%s%u", i ? ", " : "", w->servers.pids[i]);
		if (!rc)
			note(w, true,
			    "stores on this machine, which are not redirected: process %s",
			    b.len && !ffs_buf_error(&b) ? b.p : "none");
		ffs_buf_release(&b);
	}
	if (rc < 0)
		note(w, true, "cannot tell which processes are stores: %s", strerror(-rc));
}

/* --- the whole --- */

static int
start(struct ffs_watcher *w, char **why)
{
	int rc = ffs_bpffs_clear(w->b);

	if (rc < 0)
		return ffs_why(why, rc, "cannot empty '%s': %s", w->b->dir, strerror(-rc));
	if (rc)
		note(w, true, "removed what an ffs-hotmon that was killed has left");
	w->load = ffs_load_new(&w->o.load, why);
	if (!w->load)
		return -errno;
	w->filled = true;
	rc = ffs_bpffs_fill(w->b, w->o.load.uid, w->o.load.gid);
	if (!rc)
		rc = ffs_load_pin(w->load, w->b->dir);
	if (rc)
		return ffs_why(
		    why, rc, "cannot pin the maps in '%s': %s", w->b->dir, strerror(-rc));
	look_at_servers(w);
	rc = tune(w, why);
	if (!rc)
		rc = attach_all(w, why);
	if (!rc)
		rc = watch_tls(w, why);
	if (rc)
		return rc;
	/* Last of all.  Whoever finds it may take it that each of his reads is seen; what is killed
	 * before is found by nobody, and begun anew. */
	rc = ffs_load_meta(w->load, w->tune, w->clsact, w->redirect);
	if (!rc)
		rc = ffs_load_publish(w->load, w->b->dir);
	return rc ? ffs_why(why, rc, "cannot pin the maps in '%s': %s", w->b->dir, strerror(-rc))
	          : 0;
}

struct ffs_watcher *
ffs_watcher_new(const struct ffs_watcher_opts *o, struct ffs_bpffs *b, char **why)
{
	struct ffs_watcher *w = calloc(1, sizeof(*w));
	int rc;

	if (!w)
		return NULL;
	*w = (struct ffs_watcher){ .o = *o, .b = b, .cgroup = FFS_CGROUP_INIT, .links = -1 };
	w->o.attach.dir = b->dir;
	w->o.attach.stay = o->load.stay;
	w->o.attach.xdp = o->load.xdp;
	rc = start(w, why);
	if (!rc)
		return w;
	w->o.load.stay = false; /* half of it is of no use */
	ffs_watcher_free(w);
	errno = -rc;
	return NULL;
}

void
ffs_watcher_free(struct ffs_watcher *w)
{
	if (!w)
		return;
	ffs_attach_free(w->attach);
	ffs_ssl_free(w->tls);
	ffs_cgroup_release(&w->cgroup);
	if (w->links >= 0)
		close(w->links);
	if (w->filled && !w->o.load.stay)
		ffs_bpffs_clear(w->b);
	ffs_load_free(w->load);
	free(w);
}

int
ffs_watcher_fd(const struct ffs_watcher *w)
{
	return w->links;
}

void
ffs_watcher_stores(struct ffs_watcher *w, const struct ffs_load_targets *t)
{
	struct ffs_load_targets *now = &w->o.load.targets;
	struct ffs_buf b = FFS_BUF_INIT;
	int rc;

	if (t->stores_n > FFS_STORES_MAX || ffs_redirect_same(t, now))
		return;
	memcpy(now->stores, t->stores, sizeof(now->stores));
	now->stores_n = t->stores_n;
	rc = ffs_load_stores(w->load, now->stores, now->stores_n);
	ffs_redirect_text(&b, &w->o.load.redirect, now);
	if (!rc)
		rc = ffs_buf_error(&b);
	if (rc)
		note(w, false, "cannot redirect from other addresses: %s", strerror(-rc));
	else
		note(w, true, "stores have other addresses: the gateway gets %.200s", b.p);
	ffs_buf_release(&b);
}

/* Tell when the gateway comes and goes. */
static void
look_at_gate(struct ffs_watcher *w)
{
	struct ffs_buf b = FFS_BUF_INIT;
	struct ffs_gate_entry g;
	uint32_t there;

	if (!w->redirect || ffs_load_gate(w->load, &g))
		return;
	there = g.deadline_ns > ffs_clock_ns() ? g.pid : 0;
	if (there == w->gate)
		return;
	w->gate = there;
	if (g.v4.port)
		ffs_redirect_end(&b, &g.v4);
	if (g.v6.port) {
		ffs_buf_adds(&b, g.v4.port ? ", " : "");
		ffs_redirect_end(&b, &g.v6);
	}
	if (there && !ffs_buf_error(&b))
		note(w, true, "the gateway (process %u) is there: redirecting to %s", g.pid,
		    b.len ? b.p : "nowhere");
	else if (!there)
		note(w, true, "the gateway is not there: nothing is redirected");
	ffs_buf_release(&b);
}

void
ffs_watcher_work(struct ffs_watcher *w)
{
	struct ffs_maps maps;
	bool clsact;
	int rc = ffs_links_read(w->links, ffs_attach_link, w->attach);

	if (rc)
		note(w, false, "interfaces are no longer followed: %s", strerror(-rc));
	ffs_attach_count(w->attach, &clsact);
	if (clsact != w->clsact && !ffs_load_meta(w->load, w->tune, clsact, w->redirect))
		w->clsact = clsact;
	look_at_gate(w);
	look_at_servers(w);
	if (w->tls)
		ffs_ssl_work(w->tls);
	ffs_load_maps(w->load, &maps);
	w->thin.max = w->o.load.max_objects;
	rc = ffs_thin(&w->thin, &maps);
	if (rc > 0)
		note(w, true, "forgot the %d objects that were read least recently", rc);
}

char *
ffs_watcher_list(const struct ffs_watcher *w)
{
	return ffs_attach_list(w->attach);
}

int
ffs_watcher_stats(const struct ffs_watcher *w, struct ffs_load_stats v[FFS_LOAD_PROGS])
{
	return ffs_load_stats(w->load, NULL, v);
}
