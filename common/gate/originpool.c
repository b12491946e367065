#include "common/gate/originimpl.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/base/loopback.h"

enum {
	IDLE_MAX = 512, /* of all sites */
	SITES_MAX = 64,
};

/* --- sockets --- */

static void
hang_up(struct ffs_origin *o)
{
	struct ffs_origins *os = o->at->all;

	if (o->wire.fd < 0)
		return;
	if (o->told)
		ffs_door_closing(os->o.door, o->wire.fd);
	o->told = false;
	if (o->s.fd >= 0) {
		ffs_count_add(&os->o.count->origin_connections_active, -1);
		ffs_loop_remove(os->o.loop, &o->s);
	}
	ffs_wire_close(&o->wire);
}

static struct ffs_origin_late **
late_place(const struct ffs_origin_late *l)
{
	struct ffs_origin_late **at = &l->o->late;

	while (*at != l)
		at = &(*at)->next;
	return at;
}

static void
late_end(struct ffs_origin_late *l)
{
	struct ffs_origins *os = l->o->at->all;
	int fd = l->s.fd;

	*late_place(l) = l->next;
	if (l->told)
		ffs_door_closing(os->o.door, fd);
	ffs_count_add(&os->o.count->origin_connections_active, -1);
	ffs_loop_remove(os->o.loop, &l->s);
	close(fd);
	free(l);
}

void
ffs_origin_disconnect(struct ffs_origin *o)
{
	while (o->late)
		late_end(o->late);
	hang_up(o);
}

static int
open_socket(struct ffs_origin *o, const struct sockaddr_storage *a)
{
	struct ffs_origins *os = o->at->all;
	int one = 1, fd;

	do
		fd = socket(a->ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	while (fd < 0 && (errno == EMFILE || errno == ENFILE) && ffs_origins_yield(os));
	if (fd < 0)
		return -errno;
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	if (ffs_loopback_is((const struct sockaddr *)a))
		ffs_loopback_tune(fd);
	o->wire.fd = fd;
	o->wire.can_read = o->wire.can_write = o->wire.ends = false;
	if (os->o.door)
		ffs_door_opened(os->o.door, fd, &o->who);
	o->told = os->o.door;
	if (connect(fd, (const struct sockaddr *)a, ffs_site_len(a)) && errno != EINPROGRESS)
		return -errno;
	o->s.fd = fd;
	ffs_count_add(&os->o.count->origin_connections, 1);
	ffs_count_add(&os->o.count->origin_connections_active, 1);
	return ffs_loop_add(os->o.loop, &o->s, false);
}

/* Close the socket, but keep what is to be sent by the next one. */
static void
close_socket(struct ffs_origin *o)
{
	struct ffs_wire kept = o->wire;

	o->wire.rest = NULL;
	hang_up(o);
	o->wire.rest = kept.rest;
	o->wire.rest_at = kept.rest_at;
	o->wire.rest_n = kept.rest_n;
}

/* It is there, before those that were tried behind it: from here on it is o's. */
static void
late_wins(struct ffs_origin_late *l)
{
	struct ffs_origin *o = l->o;
	struct ffs_loop *loop = o->at->all->o.loop;

	close_socket(o);
	*late_place(l) = l->next;
	o->wire.fd = o->s.fd = l->s.fd;
	o->told = l->told;
	o->index = l->index;
	ffs_loop_remove(loop, &l->s);
	free(l);
	o->wire.can_read = o->wire.can_write = o->wire.ends = false;
	o->failed = ffs_loop_add(loop, &o->s, false);
	if (o->failed)
		ffs_loop_soon(loop, &o->soon);
}

static void
late_ready(struct ffs_loop_fd *s, uint32_t events)
{
	struct ffs_origin_late *l = (struct ffs_origin_late *)s;
	struct ffs_origin *o = l->o;
	socklen_t len = sizeof(int);
	int err = 0;

	if (!(events & (EPOLLOUT | EPOLLERR | EPOLLHUP)))
		return;
	if (getsockopt(s->fd, SOL_SOCKET, SO_ERROR, &err, &len))
		err = errno;
	if (!err) {
		late_wins(l);
		return;
	}
	late_end(l);
	if (o->wire.fd >= 0 || o->late)
		return;
	o->failed = -err;
	ffs_loop_soon(o->at->all->o.loop, &o->soon);
}

/* The one that is under way goes on beside the next. */
static void
make_late(struct ffs_origin *o)
{
	struct ffs_loop *loop = o->at->all->o.loop;
	struct ffs_origin_late *l = calloc(1, sizeof(*l));

	if (!l) {
		close_socket(o);
		return;
	}
	*l = (struct ffs_origin_late){ .s = { late_ready, o->wire.fd },
		.o = o,
		.next = o->late,
		.index = o->index,
		.told = o->told };
	o->late = l;
	ffs_loop_remove(loop, &o->s);
	o->wire.fd = -1;
	o->told = false;
	if (ffs_loop_add(loop, &l->s, false))
		late_end(l);
}

int
ffs_origin_connect(struct ffs_origin *o)
{
	struct ffs_site *p = &o->at->site;
	int rc = p->rc ? p->rc : -EHOSTUNREACH;

	if (!ffs_site_want(p) && p->looking) {
		o->state = FFS_ORIGIN_LOOKING;
		return 0;
	}
	o->state = FFS_ORIGIN_CONNECTING;
	if (!o->tried)
		o->first = p->good;
	while (o->tried < p->n) {
		o->index = (o->first + o->tried++) % p->n;
		rc = open_socket(o, &p->v[o->index]);
		if (!rc)
			return 0;
		close_socket(o);
	}
	return o->late ? 0 : rc;
}

int
ffs_origin_elsewhere(struct ffs_origin *o)
{
	if (o->tried >= o->at->site.n)
		return -ETIMEDOUT;
	make_late(o);
	o->moved = ffs_loop_now(o->at->all->o.loop);
	return ffs_origin_connect(o);
}

static int
shake(struct ffs_origin *o)
{
	int rc = ffs_tls_shake(o->wire.tls);

	if (rc && rc != -EAGAIN)
		o->why = ffs_tls_why(o->wire.tls);
	if (!rc)
		o->state = FFS_ORIGIN_OPEN;
	return rc;
}

static int
connected(struct ffs_origin *o)
{
	struct ffs_site *p = &o->at->site;
	int err = 0;
	socklen_t len = sizeof(err);

	if (getsockopt(o->wire.fd, SOL_SOCKET, SO_ERROR, &err, &len))
		err = errno;
	if (err) {
		close_socket(o);
		if (o->tried < p->n)
			return ffs_origin_connect(o) ? -err : -EAGAIN;
		return o->late ? -EAGAIN : -err;
	}
	while (o->late)
		late_end(o->late);
	p->good = o->index < p->n ? o->index : 0;
	if (!p->https) {
		o->state = FFS_ORIGIN_OPEN;
		return 0;
	}
	o->wire.tls = ffs_tls_new(o->at->all->roots, o->wire.fd, p->host);
	if (!o->wire.tls)
		return -ENOMEM;
	o->state = FFS_ORIGIN_SHAKING;
	return shake(o);
}

int
ffs_origin_connecting(struct ffs_origin *o)
{
	return o->state == FFS_ORIGIN_SHAKING ? shake(o) : connected(o);
}

/* --- the pool --- */

static void
enlist(struct ffs_origin *o, bool idle)
{
	struct ffs_origin **list = idle ? &o->at->idle : &o->at->busy;

	o->idle = idle;
	o->at->all->nidle += idle;
	o->next = *list;
	o->prev = list;
	if (o->next)
		o->next->prev = &o->next;
	*list = o;
}

static void
delist(struct ffs_origin *o)
{
	if (o->at->all->next == o)
		o->at->all->next = o->next;
	*o->prev = o->next;
	if (o->next)
		o->next->prev = o->prev;
	o->at->all->nidle -= o->idle;
}

struct ffs_origin *
ffs_origin_take(struct ffs_origin_site *p, bool fresh)
{
	struct ffs_origins *os = p->all;
	struct ffs_origin *o = p->idle;

	if (o && fresh && ffs_loop_now(os->o.loop) - o->moved > os->o.times->fresh)
		o = NULL;
	if (o) {
		delist(o);
		enlist(o, false);
		o->reused = true;
		ffs_count_add(&os->o.count->origin_connections_reused, 1);
		return o;
	}
	o = calloc(1, sizeof(*o));
	if (!o)
		return NULL;
	o->s = (struct ffs_loop_fd){ ffs_origin_ready, -1 };
	o->soon.run = ffs_origin_soon;
	o->wire.fd = -1;
	o->at = p;
	enlist(o, false);
	return o;
}

/* The one of a site, or of all, that is idle for longest. */
static struct ffs_origin *
oldest(struct ffs_origins *os)
{
	struct ffs_origin *o, *found = NULL;
	struct ffs_origin_site *p;

	for (p = os->first; p; p = p->next)
		for (o = p->idle; o; o = o->next)
			if (!found || o->moved <= found->moved)
				found = o;
	return found;
}

bool
ffs_origins_yield(struct ffs_origins *os)
{
	struct ffs_origin *o = oldest(os);

	if (o)
		ffs_origin_free(o);
	return o;
}

void
ffs_origin_put(struct ffs_origin *o)
{
	struct ffs_origins *os = o->at->all;

	delist(o);
	enlist(o, true);
	o->moved = ffs_loop_now(os->o.loop);
	if (os->nidle > IDLE_MAX)
		ffs_origins_yield(os);
}

void
ffs_origin_free(struct ffs_origin *o)
{
	ffs_origin_disconnect(o);
	ffs_wire_close(&o->wire); /* what was to be sent */
	ffs_loop_cancel(o->at->all->o.loop, &o->soon);
	delist(o);
	ffs_buf_release(&o->in);
	free(o->request);
	free(o);
}

/* --- sites --- */

static struct ffs_origin_site *
new_site(struct ffs_origins *os)
{
	struct ffs_origin_site *p = calloc(1, sizeof(*p)), **end;

	if (!p)
		return NULL;
	p->all = os;
	for (end = &os->first; *end; end = &(*end)->next)
		;
	*end = p;
	return p;
}

/* Too many addresses, which only somebody who tries has: one that nobody uses goes. */
static void
drop_unused(struct ffs_origins *os)
{
	struct ffs_origin_site **at = &os->first->next, *p;
	unsigned n = 0;

	for (p = os->first; p; p = p->next)
		n++;
	while (n >= SITES_MAX && (p = *at)) {
		if (p->busy) {
			at = &p->next;
			continue;
		}
		*at = p->next;
		ffs_origin_site_free(p);
		n--;
	}
}

struct ffs_origin_site *
ffs_origin_site(struct ffs_origins *os, const struct ffs_origin_to *to)
{
	struct ffs_origin_site *p;

	if (!to->exact)
		return os->first;
	for (p = os->first->next; p; p = p->next)
		if (ffs_site_same(&p->site.v[0], &to->addr))
			return p;
	drop_unused(os);
	p = new_site(os);
	if (p)
		ffs_site_exact(&p->site, os->o.loop, &to->addr);
	return p;
}

void
ffs_origin_site_free(struct ffs_origin_site *p)
{
	while (p->idle)
		ffs_origin_free(p->idle);
	while (p->busy)
		ffs_origin_free(p->busy);
	ffs_site_release(&p->site);
	free(p);
}

struct ffs_origins *
ffs_origins_new(const struct ffs_origins_opts *o, char **why)
{
	struct ffs_origins *os = calloc(1, sizeof(*os));
	struct ffs_origin_site *p;
	int rc = ENOMEM;

	if (!os)
		return NULL;
	os->o = *o;
	p = new_site(os);
	if (!p)
		goto failed;
	rc = -ffs_site_init(&p->site, o->loop, o->url);
	if (rc)
		goto failed;
	p->site.known = ffs_origin_known;
	p->site.arg = p;
	if (p->site.https) {
		os->roots = ffs_tls_roots_new(why);
		rc = errno;
		if (!os->roots)
			goto failed;
	}
	ffs_site_want(&p->site);
	return os;
failed:
	ffs_origins_free(os);
	errno = rc;
	return NULL;
}

void
ffs_origins_free(struct ffs_origins *os)
{
	struct ffs_origin_site *p;

	if (!os)
		return;
	while ((p = os->first)) {
		os->first = p->next;
		ffs_origin_site_free(p);
	}
	ffs_tls_roots_free(os->roots);
	free(os);
}
