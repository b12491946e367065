#include "common/gate/known.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/gate/site.h"

struct store {
	struct ffs_site site;
	const char *name; /* in the cache */
};

struct ffs_known {
	struct store *v; /* the origin, and the nodes */
	size_t n;
	const char **hosts;
};

static void
looked_up(void *arg)
{
	(void)arg;
}

static int
add(struct ffs_known *s, struct ffs_loop *loop, const char *url, const char *name)
{
	struct store *st = &s->v[s->n];
	int rc = ffs_site_init(&st->site, loop, url);

	if (rc)
		return rc;
	st->site.known = looked_up;
	st->name = name;
	s->hosts[s->n++] = st->site.host;
	return 0;
}

/* Copies of an object are one: its endpoint is the first node's, for every node. */
static const char *
name_of(const char *url, const struct ffs_nodes *nodes)
{
	size_t i;

	for (i = 0; nodes && i < nodes->n; i++)
		if (!strcmp(nodes->v[i].ep.url, url))
			return nodes->v[0].ep.url;
	return url;
}

struct ffs_known *
ffs_known_new(
    struct ffs_loop *loop, const struct ffs_endpoint *origin, const struct ffs_nodes *nodes)
{
	struct ffs_known *s = calloc(1, sizeof(*s));
	size_t n = 1 + (nodes ? nodes->n : 0), i;

	if (!s)
		return NULL;
	s->v = calloc(n, sizeof(*s->v));
	s->hosts = calloc(n + 1, sizeof(*s->hosts));
	if (!s->v || !s->hosts || add(s, loop, origin->url, name_of(origin->url, nodes))) {
		ffs_known_free(s);
		return NULL;
	}
	/* A node whose URL is of no use is nobody's origin. */
	for (i = 0; nodes && i < nodes->n; i++)
		(void)add(s, loop, nodes->v[i].ep.url, nodes->v[0].ep.url);
	return s;
}

void
ffs_known_free(struct ffs_known *s)
{
	size_t i;

	if (!s)
		return;
	for (i = 0; i < s->n; i++)
		ffs_site_release(&s->v[i].site);
	free(s->v);
	free(s->hosts);
	free(s);
}

void
ffs_known_tick(struct ffs_known *s)
{
	size_t i;

	/* Nothing else is redirected. */
	for (i = 0; i < s->n; i++)
		if (!s->v[i].site.https)
			ffs_site_want(&s->v[i].site);
}

static bool
has(const struct ffs_site *p, const struct sockaddr_storage *a)
{
	unsigned i;

	for (i = 0; i < p->n; i++)
		if (ffs_site_same(&p->v[i], a))
			return true;
	return false;
}

const char *
ffs_known_name(const struct ffs_known *s, const struct sockaddr_storage *meant)
{
	size_t i;

	if (!meant)
		return s->v[0].name;
	for (i = 0; i < s->n; i++)
		if (!s->v[i].site.https && has(&s->v[i].site, meant))
			return s->v[i].name;
	return NULL;
}

const char *const *
ffs_known_hosts(const struct ffs_known *s)
{
	return s->hosts;
}

/* All addresses of this machine are one that is bound to none. */
static bool
is_here(const struct sockaddr_storage *a)
{
	struct sockaddr_storage any = *a;
	int fd = socket(a->ss_family, SOCK_DGRAM | SOCK_CLOEXEC, 0), rc;

	((struct sockaddr_in *)&any)->sin_port = 0; /* where IPv6 has it, too */
	rc = fd < 0 ? -1 : bind(fd, (struct sockaddr *)&any, ffs_site_len(a));
	if (fd >= 0)
		close(fd);
	return !rc;
}

static bool
is_any(const struct sockaddr_storage *a)
{
	return a->ss_family == AF_INET6
	           ? IN6_IS_ADDR_UNSPECIFIED(&((const struct sockaddr_in6 *)a)->sin6_addr)
	           : ((const struct sockaddr_in *)a)->sin_addr.s_addr == INADDR_ANY;
}

bool
ffs_known_own(const char *url, const struct ffs_place *place)
{
	unsigned port = ntohs(((const struct sockaddr_in *)&place->sa)->sin_port), i;
	struct ffs_site p;

	if (ffs_site_init(&p, NULL, url) || p.https || strtoul(p.port, NULL, 10) != port)
		return false;
	ffs_site_look(&p);
	for (i = 0; is_any(&place->sa) && i < p.n; i++)
		if (is_here(&p.v[i]))
			return true;
	return has(&p, &place->sa);
}
