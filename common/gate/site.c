#include "common/gate/site.h"

#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A look-up in a thread: outlives its site where that goes first. */
struct lookup {
	struct ffs_loop_work work;
	struct ffs_site *site;
	char host[256], port[6];
	struct sockaddr_storage v[FFS_SITE_ADDRESSES];
	unsigned n;
};

socklen_t
ffs_site_len(const struct sockaddr_storage *a)
{
	return a->ss_family == AF_INET6 ? sizeof(struct sockaddr_in6) : sizeof(struct sockaddr_in);
}

static bool
plain4(const struct sockaddr_storage *a, struct in_addr *ip, in_port_t *port)
{
	const struct sockaddr_in6 *six = (const struct sockaddr_in6 *)a;
	const struct sockaddr_in *four = (const struct sockaddr_in *)a;

	if (a->ss_family == AF_INET) {
		*ip = four->sin_addr;
		*port = four->sin_port;
		return true;
	}
	if (a->ss_family != AF_INET6 || !IN6_IS_ADDR_V4MAPPED(&six->sin6_addr))
		return false;
	memcpy(ip, six->sin6_addr.s6_addr + 12, 4);
	*port = six->sin6_port;
	return true;
}

bool
ffs_site_same(const struct sockaddr_storage *a, const struct sockaddr_storage *b)
{
	const struct sockaddr_in6 *a6 = (const struct sockaddr_in6 *)a;
	const struct sockaddr_in6 *b6 = (const struct sockaddr_in6 *)b;
	struct in_addr x, y;
	in_port_t p, q;
	bool four = plain4(a, &x, &p);

	if (four != plain4(b, &y, &q))
		return false;
	if (four)
		return x.s_addr == y.s_addr && p == q;
	return a->ss_family == AF_INET6 && b->ss_family == AF_INET6 &&
	       a6->sin6_port == b6->sin6_port &&
	       !memcmp(&a6->sin6_addr, &b6->sin6_addr, sizeof(a6->sin6_addr));
}

static unsigned
look_up(const char *host, const char *port, int flags, struct sockaddr_storage *v)
{
	struct addrinfo hints = { .ai_socktype = SOCK_STREAM, .ai_flags = flags }, *all, *a;
	unsigned n = 0;

	if (getaddrinfo(host, port, &hints, &all))
		return 0;
	for (a = all; a && n < FFS_SITE_ADDRESSES; a = a->ai_next)
		if (a->ai_addrlen <= sizeof(v[0]))
			memcpy(&v[n++], a->ai_addr, a->ai_addrlen);
	freeaddrinfo(all);
	return n;
}

static void
lookup_work(struct ffs_loop_work *w)
{
	struct lookup *l = (struct lookup *)w;

	l->n = look_up(l->host, l->port, AI_ADDRCONFIG, l->v);
	if (!l->n)
		l->n = look_up(l->host, l->port, 0, l->v); /* a machine with loopback only */
}

/* The address that was reached last goes on being the first. */
static void
take(struct ffs_site *p, const struct lookup *l)
{
	struct sockaddr_storage good = p->v[p->good];
	unsigned i;

	p->good = 0;
	for (i = 0; p->n && i < l->n; i++)
		if (ffs_site_same(&l->v[i], &good))
			p->good = i;
	memcpy(p->v, l->v, sizeof(p->v));
	p->n = l->n;
}

static void
lookup_done(struct ffs_loop_call *c)
{
	struct lookup *l = (struct lookup *)((char *)c - offsetof(struct ffs_loop_work, done));
	struct ffs_site *p = l->site;

	if (p) {
		p->looking = false;
		p->lookup = NULL;
		p->at = ffs_loop_now(p->loop);
		p->rc = l->n || p->n ? 0 : -EHOSTUNREACH;
		if (l->n) {
			take(p, l);
		}
		p->known(p->arg);
	}
	free(l);
}

int
ffs_site_init(struct ffs_site *p, struct ffs_loop *loop, const char *url)
{
	const char *host, *end, *port;

	*p = (struct ffs_site){ .loop = loop, .https = !strncmp(url, "https://", 8) };
	if (!p->https && strncmp(url, "http://", 7))
		return -EINVAL;
	host = url + (p->https ? 8 : 7);
	end = *host == '[' ? strchr(host, ']') : host + strcspn(host, ":");
	if (!end)
		return -EINVAL;
	port = *end == ']' ? end + 1 : end;
	host += *host == '[';
	if (end == host || (size_t)(end - host) >= sizeof(p->host) || strlen(port) > 6)
		return -EINVAL;
	memcpy(p->host, host, (size_t)(end - host));
	snprintf(p->port, sizeof(p->port), "%s", *port ? port + 1 : p->https ? "443" : "80");
	p->n = look_up(p->host, p->port, AI_NUMERICHOST, p->v);
	p->fixed = p->n > 0;
	return 0;
}

void
ffs_site_look(struct ffs_site *p)
{
	if (!p->fixed)
		p->n = look_up(p->host, p->port, 0, p->v);
}

void
ffs_site_exact(struct ffs_site *p, struct ffs_loop *loop, const struct sockaddr_storage *addr)
{
	*p = (struct ffs_site){ .loop = loop, .n = 1, .fixed = true };
	p->v[0] = *addr;
}

void
ffs_site_release(struct ffs_site *p)
{
	if (p->lookup)
		p->lookup->site = NULL;
	p->lookup = NULL;
}

bool
ffs_site_want(struct ffs_site *p)
{
	int64_t age = ffs_loop_now(p->loop) - p->at;
	struct lookup *l;

	if (p->fixed || p->looking || (p->at && age < (p->n ? FFS_SITE_AGE_MS : FFS_SITE_AGAIN_MS)))
		return p->n > 0;
	l = calloc(1, sizeof(*l));
	if (!l)
		return p->n > 0;
	l->site = p;
	l->work.work = lookup_work;
	l->work.done.run = lookup_done;
	memcpy(l->host, p->host, sizeof(l->host));
	memcpy(l->port, p->port, sizeof(l->port));
	p->lookup = l;
	p->looking = true;
	ffs_loop_work(p->loop, &l->work);
	return p->n > 0;
}
