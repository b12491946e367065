/*
 * The kernel programs on real sockets, for what frames of our own do not have: data in fragments of
 * the skb, large segments, sockets, cgroups, devices without a link layer.  Runs on host h1 of
 * scripts/lab; "live ADDRESS PATH" is the client that another host runs.
 */
#include "tests/bpf/feed.h"

#include <fcntl.h>
#include <linux/if_tun.h>
#include <net/if.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#define PORT 9000
#define BODY 3000000 /* many segments */

static struct ffs_object_stat o;
static char body[BODY];

/* Serves BODY bytes to every GET, nothing to any other request, one connection after another. */
static void *
serve(void *arg)
{
	int ls = *(int *)arg, fd;

	while ((fd = accept(ls, NULL, NULL)) >= 0) {
		char b[8192];
		ssize_t n;

		while ((n = recv(fd, b, sizeof(b), 0)) > 0) {
			size_t size = b[0] == 'G' ? BODY : 0;
			char head[100];
			int k = snprintf(head, sizeof(head),
			    "HTTP/1.1 200 OK\r\nContent-Length: %zu\r\n\r\n", size);

			if (send(fd, head, k, MSG_MORE | MSG_NOSIGNAL) < 0 ||
			    send(fd, body, size, MSG_NOSIGNAL) < 0)
				break;
		}
		close(fd);
	}
	return NULL;
}

static int
dial(const char *address, uint64_t *cookie, int self)
{
	struct sockaddr_in a = { .sin_family = AF_INET, .sin_port = htons(PORT) };
	int fd = socket(AF_INET, SOCK_STREAM, 0);
	socklen_t n = sizeof(*cookie);

	inet_pton(AF_INET, address, &a.sin_addr);
	if (fd < 0 || (cookie && getsockopt(fd, SOL_SOCKET, SO_COOKIE, cookie, &n)))
		return -1;
	if (self >= 0)
		bpf_map_update_elem(self, cookie, &(uint32_t){ 1 }, BPF_ANY);
	return connect(fd, (struct sockaddr *)&a, sizeof(a)) ? -1 : fd;
}

/* One request, and its whole answer; how many bytes. */
static long
ask(int fd, const char *verb, const char *path)
{
	char b[65536];
	int n = snprintf(
	    b, sizeof(b), "%s %s HTTP/1.1\r\nHost: h\r\nX-Long: %01000d\r\n\r\n", verb, path, 1);
	long got = 0, want = *verb == 'G' ? BODY : 1;

	if (send(fd, b, n, MSG_NOSIGNAL) != n)
		return -1;
	while (got < want && (n = recv(fd, b, sizeof(b), 0)) > 0)
		got += n;
	/* The head came with it, so what is left is at most as long as that. */
	if (got < BODY + 44 && *verb == 'G' && recv(fd, b, 44 - (got - BODY), MSG_WAITALL) > 0)
		got = BODY + 44;
	return got;
}

static void
attach(struct feed *f, const char *name, enum bpf_tc_attach_point where)
{
	LIBBPF_OPTS(bpf_tc_hook, hook, .ifindex = if_nametoindex(name),
	    .attach_point = BPF_TC_INGRESS | BPF_TC_EGRESS);
	LIBBPF_OPTS(bpf_tc_opts, opts, .prog_fd = f->fd);
	int rc = bpf_tc_hook_create(&hook);

	CHECK(rc == 0 || rc == -EEXIST, "%s: %d", name, rc);
	hook.attach_point = where;
	rc = bpf_tc_attach(&hook, &opts);
	CHECK(rc == 0, "%s: %d", name, rc);
}

static int
quiet(enum libbpf_print_level level, const char *fmt, va_list ap)
{
	(void)level;
	(void)fmt;
	(void)ap;
	return 0;
}

/* Requests of this host: whose they are, tuned, and the cache's own not counted. */
static void
local(struct feed *f)
{
	struct ffs_meta m;
	uint64_t cookie, responses;
	int fd = dial("127.0.0.1", NULL, -1);

	for (int i = 0; i < 3; i++)
		CHECK(ask(fd, "GET", "/b/local") == BODY + 44);
	close(fd);
	CHECK(feed_object(f, "b/local", &o) == 0 && o.reads == 3 && o.bytes == 3ull * BODY &&
	      o.size == BODY);
	CHECK(o.uid == 0 && !strcmp(o.comm, "live"), "uid %u, '%s'", o.uid, o.comm);
	CHECK(COUNTER(f, requests) == 3 && COUNTER(f, conns) == 1 && COUNTER(f, hot) == 1);
	CHECK(COUNTER(f, tuned) == 2 && COUNTER(f, nodelay_ok) + COUNTER(f, nodelay_refused) == 2 &&
	      COUNTER(f, delack_ok) + COUNTER(f, delack_refused) == 2);
	CHECK(bpf_map_lookup_elem(bpf_map__fd(f->w->maps.meta), &(uint32_t){ 0 }, &m) == 0);
	CHECK(!m.delack_err == !COUNTER(f, delack_refused) &&
	      !!m.delack_us == !!COUNTER(f, delack_ok));

	/* Another user. */
	CHECK(seteuid(65534) == 0);
	fd = dial("127.0.0.1", NULL, -1);
	CHECK(seteuid(0) == 0);
	CHECK(ask(fd, "GET", "/b/local") == BODY + 44);
	close(fd);
	CHECK(feed_object(f, "b/local", &o) == 0 && o.reads == 4 && o.uid == 65534);

	/* The cache's socket. */
	responses = COUNTER(f, responses);
	fd = dial("127.0.0.1", &cookie, bpf_map__fd(f->w->maps.self));
	CHECK(ask(fd, "GET", "/b/local") == BODY + 44 && ask(fd, "GET", "/b/local") == BODY + 44);
	close(fd);
	CHECK(COUNTER(f, requests_self) == 2 && COUNTER(f, requests) == 4 &&
	      COUNTER(f, responses) == responses);
	CHECK(feed_object(f, "b/local", &o) == 0 && o.reads == 4);
	CHECK(COUNTER(f, requests_remote) == 0);
}

/* Requests of another host make nothing hot, but what it writes is told. */
static void
remote(struct feed *f, const char *self)
{
	char cmd[4096];

	snprintf(cmd, sizeof(cmd), "nsenter --net=$FFS_LAB/h2 %s 10.77.0.1 /b/remote", self);
	feed_events(f);
	CHECK(system(cmd) == 0);
	CHECK(COUNTER(f, requests_remote) == 4 && COUNTER(f, requests) == 4);
	CHECK(feed_object(f, "b/remote", &o) == -ENOENT);
	CHECK(feed_events(f) == 2 && f->events[0].type == FFS_EVENT_INVALIDATE &&
	      f->events[1].flags == FFS_EVENT_DONE);
}

/* A device without a link layer, whose packets have a socket that is nobody's. */
static void
tun(struct feed *f)
{
	struct ifreq r = { .ifr_flags = IFF_TUN | IFF_NO_PI };
	struct flow t = { .cport = 7, .sport = PORT };
	int fd = open("/dev/net/tun", O_RDWR);
	uint64_t n = COUNTER(f, requests_remote);
	uint8_t b[4096];
	size_t len;

	strcpy(r.ifr_name, "tun0");
	if (fd < 0 || ioctl(fd, TUNSETIFF, &r)) {
		fprintf(stderr, "no tun device here\n");
		return;
	}
	CHECK(system("ip link set tun0 up") == 0);
	attach(f, "tun0", BPF_TC_INGRESS);
	for (int i = 0; i < 2; i++) {
		t.v6 = i;
		len = frame_make(b, &t, true, SYN, 1, 0, NULL, 0) - 14;
		CHECK(write(fd, b + 14, len) == (ssize_t)len);
		len = frame_make(b, &t, true, ACK, 2, 1, "GET /b/tun HTTP/1.1\r\n\r\n", 23) - 14;
		CHECK(write(fd, b + 14, len) == (ssize_t)len);
	}
	CHECK(COUNTER(f, requests_remote) == n + 2 && COUNTER(f, load_errors) == 0);
	close(fd);
}

static int
client(const char *address, const char *path)
{
	int fd = dial(address, NULL, -1);

	for (int i = 0; i < 3; i++)
		if (ask(fd, "GET", path) != BODY + 44)
			return 1;
	return ask(fd, "PUT", path) < 0;
}

int
main(int argc, char **argv)
{
	struct sockaddr_in a = { .sin_family = AF_INET, .sin_port = htons(PORT) };
	struct feed *f;
	pthread_t server;
	int ls, cgroup;

	if (argc == 3)
		return client(argv[1], argv[2]);
	libbpf_set_print(quiet);
	ls = socket(AF_INET, SOCK_STREAM, 0);
	CHECK(bind(ls, (struct sockaddr *)&a, sizeof(a)) == 0 && listen(ls, 8) == 0);
	CHECK(pthread_create(&server, NULL, serve, &ls) == 0);
	f = feed_open(PORT);
	CHECK(feed_load(f) == 0);
	attach(f, "lo", BPF_TC_EGRESS);
	attach(f, "eth0", BPF_TC_EGRESS);
	attach(f, "eth0", BPF_TC_INGRESS);
	cgroup = open(getenv("FFS_LAB_CGROUP"), O_RDONLY | O_DIRECTORY);
	CHECK(cgroup >= 0);
	f->w->links.ffs_tune = bpf_program__attach_cgroup(f->w->progs.ffs_tune, cgroup);
	f->w->links.ffs_connect4 = bpf_program__attach_cgroup(f->w->progs.ffs_connect4, cgroup);
	f->w->links.ffs_connect6 = bpf_program__attach_cgroup(f->w->progs.ffs_connect6, cgroup);
	CHECK(f->w->links.ffs_tune && f->w->links.ffs_connect4 && f->w->links.ffs_connect6);
	local(f);
	remote(f, argv[0]);
	tun(f);
	for (uint32_t i = FFS_COUNT_ring_full; i < FFS_COUNTERS_N; i++)
		CHECK(feed_counter(f, i) == 0, "loss %u", i);
	if (failed)
		feed_dump(f);
	feed_free(f);
	return failed;
}
