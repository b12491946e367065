#include "common/watch/attach.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <bpf/bpf.h>
#include <net/if_arp.h>

#include "common/base/buf.h"
#include "common/watch/clsact.h"
#include "common/watch/pins.h"
#include "common/watch/xdp.h"

/* Linux 6.6; the headers of Debian 12 do not have them. */
#define TCX_INGRESS 46
#define TCX_EGRESS 47

struct place {
	int ifindex;
	char name[IF_NAMESIZE];
	bool both; /* directions */
	bool clsact;
	unsigned type; /* ARPHRD_ETHER and so on */
	bool native;   /* XDP, by the driver */
	bool failed;   /* to attach: said once, not whenever the interface tells of itself */
	int links[2];  /* egress, ingress; -1 */
};

struct ffs_attach {
	struct ffs_attach_opts o;
	const struct ffs_load *l;
	struct place *v;
	size_t n;
	int error;
};

static void __attribute__((format(printf, 3, 4)))
note(const struct ffs_attach *a, bool detail, const char *fmt, ...)
{
	char text[256];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	a->o.note(a->o.arg, detail, text);
}

struct ffs_attach *
ffs_attach_new(const struct ffs_attach_opts *o, const struct ffs_load *l)
{
	struct ffs_attach *a = calloc(1, sizeof(*a));

	if (a) {
		a->o = *o;
		a->l = l;
	}
	return a;
}

/* --- one interface --- */

static void
close_links(struct place *p)
{
	int i;

	for (i = 0; i < 2; i++) {
		if (p->links[i] >= 0)
			close(p->links[i]);
		p->links[i] = -1;
	}
}

static int
pin_link(const struct ffs_attach *a, const struct place *p, int i)
{
	char name[64], *path;
	int rc;

	/* By number: names may hold dots, which a bpffs refuses. */
	snprintf(name, sizeof(name), FFS_PINS_LINKS "/%d-%s", p->ifindex,
	    a->o.xdp ? "xdp"
	    : i      ? "ingress"
		     : "egress");
	path = ffs_pins_path(a->o.dir, name);
	if (!path)
		return -errno;
	/* An interface that is gone left a link that does nothing. */
	unlink(path);
	rc = bpf_obj_pin(p->links[i], path) ? -errno : 0;
	free(path);
	return rc;
}

static int
attach_tcx(const struct ffs_attach *a, struct place *p, int prog)
{
	int i, rc;

	for (i = 0; i < 1 + p->both; i++) {
		p->links[i] = bpf_link_create(prog, p->ifindex, i ? TCX_INGRESS : TCX_EGRESS, NULL);
		rc = p->links[i] < 0 ? -errno : a->o.stay ? pin_link(a, p, i) : 0;
		if (rc) {
			close_links(p);
			return rc;
		}
	}
	return 0;
}

/* What arrives, and that without TC.  Not on loopback, where it would copy what is sent. */
static int
attach_xdp(const struct ffs_attach *a, struct place *p)
{
	int rc, instead;

	if (!p->both || p->type != ARPHRD_ETHER)
		return -EOPNOTSUPP;
	rc = ffs_xdp_attach(p->ifindex, ffs_load_fd(a->l, FFS_LOAD_PROG_XDP), &p->native, &instead);
	if (rc < 0)
		return rc;
	p->links[0] = rc;
	rc = a->o.stay ? pin_link(a, p, 0) : 0;
	if (rc)
		close_links(p);
	else if (!p->native)
		note(a, false,
		    "interface '%s' is watched by generic XDP, for its driver takes none: %s",
		    p->name, strerror(-instead));
	return rc;
}

static int
attach(const struct ffs_attach *a, struct place *p)
{
	int prog = ffs_load_fd(a->l, FFS_LOAD_PROG_TRAFFIC);
	int rc = -EINVAL;

	if (a->o.xdp)
		return attach_xdp(a, p);
	if (a->o.mode != FFS_ATTACH_CLSACT)
		rc = attach_tcx(a, p, prog);
	/* A kernel before 6.6 knows no such place to attach to. */
	if (a->o.mode == FFS_ATTACH_CLSACT || (a->o.mode == FFS_ATTACH_AUTO && rc == -EINVAL)) {
		p->clsact = true;
		rc = ffs_clsact_attach(a->o.dir, p->ifindex, p->both, prog);
		if (rc)
			ffs_clsact_detach(a->o.dir, p->ifindex);
	}
	return rc;
}

/* Why not, for the user. */
static const char *
reason(const struct ffs_attach *a, const struct place *p, int rc)
{
	if (a->o.xdp && !p->both)
		return "XDP on loopback would copy all that is sent; without --xdp it is watched";
	if (a->o.xdp && p->type != ARPHRD_ETHER)
		return "XDP needs frames of Ethernet; without --xdp it is watched";
	if (a->o.xdp && rc == -EBUSY)
		return "it has an XDP program of others, which stays";
	return rc == -EINVAL && !p->clsact ? "the kernel has no TCX (6.6 or later)" : strerror(-rc);
}

static void
add(struct ffs_attach *a, const struct ffs_link *link)
{
	struct place *v, p = {
		.ifindex = link->index,
		/* On loopback every packet passes egress and then ingress: seen once, and where it
		 * still has its socket. */
		.both = !(link->flags & IFF_LOOPBACK),
		.type = link->type,
		.links = { -1, -1 },
	};
	int rc;

	memcpy(p.name, link->name, sizeof(p.name));
	v = reallocarray(a->v, a->n + 1, sizeof(*v));
	if (v)
		a->v = v;
	rc = v ? attach(a, &p) : -ENOMEM;
	if (rc == -ENODEV) /* gone in the meantime */
		return;
	if (rc) {
		p.failed = true;
		a->error = a->error ? a->error : rc;
		note(a, false, "cannot attach to interface '%s': %s", p.name, reason(a, &p, rc));
		if (!v)
			return;
	}
	a->v[a->n++] = p;
	if (!rc)
		note(a, true, "attached to interface '%s' by %s", p.name,
		    a->o.xdp   ? p.native ? "native XDP" : "generic XDP"
		    : p.clsact ? "clsact"
			       : "TCX");
}

/* --- all of them --- */

static bool
is_wanted(const struct ffs_attach *a, const struct ffs_link *link)
{
	size_t i;

	for (i = 0; i < a->o.names_n; i++)
		if (!strcmp(a->o.names[i], link->name))
			return true;
	return !a->o.names_n && (link->flags & (IFF_UP | IFF_LOOPBACK));
}

static struct place *
find(const struct ffs_attach *a, int ifindex)
{
	size_t i;

	for (i = 0; i < a->n; i++)
		if (a->v[i].ifindex == ifindex)
			return &a->v[i];
	return NULL;
}

static void
forget(struct ffs_attach *a, struct place *p)
{
	note(a, true, "interface '%s' is gone", p->name);
	close_links(p);
	if (p->clsact)
		ffs_clsact_forget(a->o.dir, p->ifindex);
	*p = a->v[--a->n];
}

void
ffs_attach_link(void *arg, const struct ffs_link *link, bool gone)
{
	struct ffs_attach *a = arg;
	struct place *p = find(a, link->index);

	if (p && gone)
		forget(a, p);
	else if (p)
		memcpy(p->name, link->name, sizeof(p->name));
	else if (!gone && is_wanted(a, link))
		add(a, link);
}

void
ffs_attach_absent(const struct ffs_attach *a)
{
	size_t i, k;

	for (i = 0; i < a->o.names_n; i++) {
		for (k = 0; k < a->n && strcmp(a->v[k].name, a->o.names[i]); k++)
			;
		if (k == a->n)
			note(a, false, "interface '%s' is not there%s", a->o.names[i],
			    a->o.stay ? "" : " yet");
	}
}

void
ffs_attach_free(struct ffs_attach *a)
{
	size_t i;

	if (!a)
		return;
	for (i = 0; i < a->n; i++) {
		close_links(&a->v[i]);
		if (a->v[i].clsact && !a->o.stay)
			ffs_clsact_detach(a->o.dir, a->v[i].ifindex);
	}
	free(a->v);
	free(a);
}

size_t
ffs_attach_count(const struct ffs_attach *a, bool *clsact)
{
	size_t i, n = 0;

	*clsact = false;
	for (i = 0; i < a->n; i++) {
		*clsact |= a->v[i].clsact && !a->v[i].failed;
		n += !a->v[i].failed;
	}
	return n;
}

int
ffs_attach_error(const struct ffs_attach *a)
{
	return a->error;
}

char *
ffs_attach_list(const struct ffs_attach *a)
{
	struct ffs_buf b = FFS_BUF_INIT;
	size_t i;

	for (i = 0; i < a->n; i++)
		if (!a->v[i].failed)
			ffs_buf_addf(&b, "%s%s", b.len ? ", " : "", a->v[i].name);
	if (!b.len)
		ffs_buf_adds(&b, "none");
	return ffs_buf_detach(&b);
}
