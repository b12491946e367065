#include "common/gate/door.h"

#include <errno.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <bpf/bpf.h>

#include "common/base/clock.h"
#include "common/base/loopback.h"
#include "common/base/linger.h"
#include "common/watch/maps.h"
#include "common/watch/pins.h"

#define GOOD_NS 2000000000ull /* as GATE_NS of the programs */

/* Who was not accepted for so long may be another by now. */
#define STALE_NS 30000000000ull

struct relay {
	bool open;
	struct ffs_relay who;
};

struct ffs_door {
	char *dir;
	int *listeners;
	unsigned n;
	struct ffs_gate_entry entry; /* but for the deadline */
	int life;                    /* UDP; what it is for: struct ffs_gate_entry */
	struct ffs_linger linger;
	/* The pins, -1: none. */
	int gate, marks, relays, callers, visitors;
	int tls_relays;       /* with --tls only */
	int before;           /* callers that were: who has not been accepted yet may be in there */
	struct ffs_maps maps; /* of which only loaded is used */
	bool withdrawn;
	struct relay *v; /* by descriptor */
	size_t room;
};

/* --- addresses --- */

static bool
end_of(struct ffs_end *end, const struct sockaddr_storage *sa)
{
	const struct sockaddr_in *v4 = (const struct sockaddr_in *)sa;
	const struct sockaddr_in6 *v6 = (const struct sockaddr_in6 *)sa;

	*end = (struct ffs_end){ 0 };
	if (sa->ss_family == AF_INET) {
		end->addr[10] = end->addr[11] = 0xff;
		memcpy(end->addr + 12, &v4->sin_addr, 4);
		end->port = ntohs(v4->sin_port);
	} else if (sa->ss_family == AF_INET6) {
		memcpy(end->addr, &v6->sin6_addr, 16);
		end->port = ntohs(v6->sin6_port);
	}
	return end->port;
}

static void
sockaddr_of(struct sockaddr_storage *sa, const struct ffs_end *end)
{
	struct sockaddr_in *v4 = (struct sockaddr_in *)sa;
	struct sockaddr_in6 *v6 = (struct sockaddr_in6 *)sa;

	memset(sa, 0, sizeof(*sa));
	memcpy(&v6->sin6_addr, end->addr, 16);
	if (!IN6_IS_ADDR_V4MAPPED(&v6->sin6_addr)) {
		v6->sin6_family = AF_INET6;
		v6->sin6_port = htons(end->port);
		return;
	}
	memset(sa, 0, sizeof(*sa));
	v4->sin_family = AF_INET;
	v4->sin_port = htons(end->port);
	memcpy(&v4->sin_addr, end->addr + 12, 4);
}

/* Where clients of this machine reach a listener: one for each family, on loopback if any is. */
static void
add_listener(struct ffs_door *d, int fd)
{
	struct sockaddr_storage sa;
	socklen_t len = sizeof(sa);
	struct ffs_end end, *to;
	bool v4;

	if (getsockname(fd, (struct sockaddr *)&sa, &len) || !end_of(&end, &sa))
		return;
	v4 = sa.ss_family == AF_INET;
	if (v4 && ((struct sockaddr_in *)&sa)->sin_addr.s_addr == htonl(INADDR_ANY))
		((struct sockaddr_in *)&sa)->sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	if (!v4 && IN6_IS_ADDR_UNSPECIFIED(&((struct sockaddr_in6 *)&sa)->sin6_addr))
		((struct sockaddr_in6 *)&sa)->sin6_addr = in6addr_loopback;
	to = v4 ? &d->entry.v4 : &d->entry.v6;
	if (!to->port || ffs_loopback_is((struct sockaddr *)&sa))
		end_of(to, &sa);
}

/* A socket at a port of its own, connected to itself: nobody can send it anything, and it is gone
 * when this process is. */
static int
open_life(struct ffs_gate_entry *e)
{
	struct sockaddr_in sa = { .sin_family = AF_INET,
		.sin_addr = { .s_addr = htonl(INADDR_LOOPBACK) } };
	socklen_t len = sizeof(sa);
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	if (fd < 0)
		return -1;
	if (bind(fd, (struct sockaddr *)&sa, sizeof(sa)) ||
	    getsockname(fd, (struct sockaddr *)&sa, &len) ||
	    connect(fd, (struct sockaddr *)&sa, sizeof(sa))) {
		close(fd);
		return -1;
	}
	e->life_port = ntohs(sa.sin_port);
	return fd;
}

struct ffs_door *
ffs_door_new(const char *dir, const int *listeners, unsigned n)
{
	struct ffs_door *d = calloc(1, sizeof(*d));
	unsigned i;

	if (!d)
		return NULL;
	*d = (struct ffs_door){ .n = n,
		.linger = FFS_LINGER_INIT,
		.entry = { .pid = (uint32_t)getpid() },
		.life = -1,
		.gate = -1,
		.marks = -1,
		.relays = -1,
		.callers = -1,
		.visitors = -1,
		.tls_relays = -1,
		.before = -1 };
	d->dir = dir ? strdup(dir) : ffs_maps_dir();
	d->listeners = calloc(n + 1, sizeof(*d->listeners));
	if (!d->dir || !d->listeners) {
		ffs_door_free(d);
		errno = ENOMEM;
		return NULL;
	}
	for (i = 0; i < n; i++) {
		d->listeners[i] = listeners[i];
		add_listener(d, listeners[i]);
	}
	d->life = open_life(&d->entry);
	return d;
}

/* --- the pins --- */

static void
close_pins(struct ffs_door *d)
{
	int *fds[] = { &d->gate, &d->marks, &d->relays, &d->tls_relays, &d->visitors, &d->before };
	size_t i;

	for (i = 0; i < sizeof(fds) / sizeof(*fds); i++) {
		if (*fds[i] >= 0)
			close(*fds[i]);
		*fds[i] = -1;
	}
	d->before = d->callers;
	d->callers = -1;
}

static void
enter(const struct ffs_door *d, int fd, const struct ffs_relay *who)
{
	uint64_t cookie;
	socklen_t len = sizeof(cookie);

	if (d->relays >= 0)
		bpf_map_update_elem(d->relays, &fd, who, BPF_ANY);
	if (d->tls_relays >= 0 && !getsockopt(fd, SOL_SOCKET, SO_COOKIE, &cookie, &len))
		bpf_map_update_elem(d->tls_relays, &cookie, who, BPF_ANY);
}

static bool
open_pins(struct ffs_door *d)
{
	struct ffs_maps maps;
	size_t i;

	if (ffs_maps_open(&maps, d->dir, NULL))
		return false;
	d->maps.loaded = maps.loaded;
	ffs_maps_release(&maps);
	d->gate = ffs_pins_map(d->dir, "gate", true);
	d->marks = ffs_pins_map(d->dir, "life", true);
	d->relays = ffs_pins_map(d->dir, "relays", true);
	d->callers = ffs_pins_map(d->dir, "callers", true);
	d->visitors = ffs_pins_map(d->dir, "visitors", true);
	if (d->gate < 0 || d->marks < 0 || d->relays < 0 || d->callers < 0 || d->visitors < 0 ||
	    bpf_map_update_elem(d->marks, &d->life, &(uint32_t){ 1 }, BPF_ANY)) {
		close_pins(d);
		return false;
	}
	d->tls_relays = ffs_pins_map(d->dir, "tls_relays", true);
	for (i = 0; i < d->room; i++)
		if (d->v[i].open)
			enter(d, (int)i, &d->v[i].who);
	return true;
}

/* --- our life --- */

/* Is the entry another gateway's, which lives. */
static bool
is_taken(const struct ffs_door *d)
{
	struct ffs_gate_entry now;

	if (bpf_map_lookup_elem(d->gate, &(uint32_t){ 0 }, &now))
		return false;
	return now.pid != d->entry.pid && now.deadline_ns > ffs_clock_ns() &&
	       !(kill((pid_t)now.pid, 0) && errno == ESRCH);
}

bool
ffs_door_beat(struct ffs_door *d)
{
	struct ffs_gate_entry e = d->entry;

	if (d->withdrawn || d->life < 0)
		return false;
	if (d->gate >= 0 && !ffs_maps_current(&d->maps, d->dir))
		close_pins(d);
	if (d->gate < 0 && !open_pins(d))
		return false;
	if (is_taken(d))
		return false;
	/* Before anybody is sent here. */
	if (d->maps.loaded.redirect && !ffs_linger_lives(&d->linger) &&
	    ffs_linger_start(&d->linger, d->listeners, d->n))
		return false;
	e.deadline_ns = ffs_clock_ns() + GOOD_NS;
	return !bpf_map_update_elem(d->gate, &(uint32_t){ 0 }, &e, BPF_ANY) &&
	       d->maps.loaded.redirect;
}

void
ffs_door_rest(struct ffs_door *d)
{
	static const struct ffs_gate_entry none;

	if (d->gate >= 0 && !is_taken(d))
		bpf_map_update_elem(d->gate, &(uint32_t){ 0 }, &none, BPF_ANY);
}

void
ffs_door_withdraw(struct ffs_door *d)
{
	if (d->withdrawn)
		return;
	d->withdrawn = true;
	ffs_door_rest(d);
	if (d->life >= 0)
		close(d->life);
	d->life = -1;
	ffs_linger_let_go(&d->linger);
}

void
ffs_door_free(struct ffs_door *d)
{
	if (!d)
		return;
	ffs_door_withdraw(d);
	ffs_linger_end(&d->linger);
	close_pins(d);
	close_pins(d); /* before, too */
	free(d->v);
	free(d->listeners);
	free(d->dir);
	free(d);
}

/* --- connections --- */

/* Of one of the tables, once. */
static bool
take(int fd, const struct ffs_caller_key *k, struct ffs_caller *c)
{
	return fd >= 0 && !bpf_map_lookup_and_delete_elem(fd, k, c);
}

int
ffs_door_caller(struct ffs_door *d, int fd, struct ffs_door_caller *c)
{
	struct sockaddr_storage here, there;
	socklen_t len = sizeof(here), len2 = sizeof(there);
	struct ffs_caller_key k = { 0 };
	struct ffs_caller v;

	*c = (struct ffs_door_caller){ .uid = (uint32_t)-1 };
	if (d->callers < 0 && d->before < 0)
		return -ENOENT;
	/* Reset already: nobody knows any more who that was. */
	if (getsockname(fd, (struct sockaddr *)&here, &len) ||
	    getpeername(fd, (struct sockaddr *)&there, &len2))
		return -ESTALE;
	if (!end_of(&k.gate, &here) || !end_of(&k.client, &there))
		return -ENOENT;
	if (!take(d->callers, &k, &v) && !take(d->visitors, &k, &v) && !take(d->before, &k, &v))
		return -ENOENT;
	if (ffs_clock_ns() - v.ns > STALE_NS)
		return -ESTALE;
	c->uid = v.uid;
	memcpy(c->comm, v.comm, sizeof(c->comm));
	c->comm[sizeof(c->comm) - 1] = '\0';
	c->redirected = v.meant.port;
	if (c->redirected)
		sockaddr_of(&c->meant, &v.meant);
	return 0;
}

void
ffs_door_opened(struct ffs_door *d, int fd, const struct ffs_door_caller *c)
{
	struct relay r = { .open = true, .who.uid = (uint32_t)-1 };
	size_t room = d->room ? d->room : 64;
	struct relay *v;

	if (c) {
		r.who.uid = c->uid;
		memcpy(r.who.comm, c->comm, sizeof(c->comm));
	}
	enter(d, fd, &r.who);
	while (room <= (size_t)fd)
		room *= 2;
	if (room != d->room) {
		v = reallocarray(d->v, room, sizeof(*v));
		if (!v)
			return; /* others' programs, loaded anew, will not know it */
		memset(v + d->room, 0, (room - d->room) * sizeof(*v));
		d->v = v;
		d->room = room;
	}
	d->v[fd] = r;
}

void
ffs_door_closing(struct ffs_door *d, int fd)
{
	/* What the kernel knows of it ends with it. */
	if ((size_t)fd < d->room)
		d->v[fd].open = false;
}

void
ffs_door_carries(struct ffs_door *d, int fd, const struct ffs_door_caller *c)
{
	const struct ffs_relay *now;

	if ((size_t)fd >= d->room || !d->v[fd].open)
		return;
	now = &d->v[fd].who;
	if (now->uid != c->uid || memcmp(now->comm, c->comm, sizeof(c->comm)))
		ffs_door_opened(d, fd, c);
}
