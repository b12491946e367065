#include "common/watch/ssl.h"

#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include "bpf/tls.h"
#include "common/base/clock.h"
#include "common/base/why.h"
#include "common/watch/sslblind.h"
#include "common/watch/sslfile.h"
#include "common/watch/sslmaps.h"

#define SCAN_MS 2000
#define PLACES_MAX 40 /* files: each has up to 11 probes, of two descriptors */

/* A file whose OpenSSL is watched. */
struct place {
	struct bpf_link *links[2 * FFS_TLS_CALLS];
	int n;
	dev_t dev;
	ino_t ino;
};

struct ffs_ssl {
	struct ffs_ssl_opts o;
	const struct ffs_load *l;
	struct bpf_link *socket;
	struct ring_buffer *ring;
	struct ffs_sslmaps *maps;
	struct ffs_sslblind *blind;
	struct place v[PLACES_MAX];
	int n;
	int64_t due; /* of the next scan */
	int error;   /* the first of attaching */
	bool full;   /* said */
	bool lost;   /* records that the kernel would not take: said */
};

static void __attribute__((format(printf, 3, 4)))
note(const struct ffs_ssl *t, bool detail, const char *fmt, ...)
{
	char text[512];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	t->o.note(t->o.arg, detail, text);
}

/* --- attaching --- */

static void
detach(struct place *p)
{
	while (p->n)
		bpf_link__destroy(p->links[--p->n]);
}

static int
probe(struct ffs_ssl *t, struct place *p, const char *path, uint64_t at, __u64 call)
{
	LIBBPF_OPTS(bpf_uprobe_opts, o, .retprobe = !!(call & FFS_TLS_LEAVE), .bpf_cookie = call);
	const struct bpf_program *prog = ffs_load_program(t->l, FFS_LOAD_PROG_TLS_CALL);
	struct bpf_link *link = bpf_program__attach_uprobe_opts(prog, -1, path, at, &o);

	if (!link)
		return -errno;
	p->links[p->n++] = link;
	return 0;
}

/* All functions of one file, or none. */
static int
attach(struct ffs_ssl *t, int fd, const struct ffs_sslfile *f)
{
	struct place *p = &t->v[t->n];
	struct stat st;
	char path[40];
	unsigned i;
	int rc = fstat(fd, &st) ? -errno : 0;

	/* The very file, wherever it is. */
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	for (i = 1; !rc && i < FFS_TLS_CALLS; i++) {
		if (!f->at[i])
			continue;
		/* Returns first: a call that is seen to return was seen to begin, else it is none.
		 */
		if (i != FFS_TLS_FREE)
			rc = probe(t, p, path, f->at[i], i | FFS_TLS_LEAVE);
		if (!rc)
			rc = probe(t, p, path, f->at[i], i);
	}
	if (rc) {
		detach(p);
		return rc;
	}
	p->dev = st.st_dev;
	p->ino = st.st_ino;
	t->n++;
	return 0;
}

/* A file that code is executed of. */
static void
on_file(void *arg, int fd, const char *path, pid_t pid)
{
	struct ffs_ssl *t = arg;
	struct ffs_sslfile f;
	int rc = ffs_sslfile_read(fd, &f);

	if (rc > 0 && t->n == PLACES_MAX) {
		if (!t->full)
			note(t, false, "more than %d files with OpenSSL: '%s' is not watched",
			    PLACES_MAX, path);
		t->full = true;
		return;
	}
	if (rc > 0)
		rc = attach(t, fd, &f);
	else
		return;
	if (rc) {
		t->error = t->error ? t->error : rc;
		note(t, false, "cannot attach to the OpenSSL of '%s': %s", path, strerror(-rc));
	} else if (pid) {
		note(t, true, "attached to the OpenSSL of '%s' (process %d)", path, (int)pid);
	} else {
		note(t, true, "attached to the OpenSSL of '%s'", path);
	}
}

/* Where the system's libraries are, so that programs that start later are seen from their
 * beginning. */
static void
attach_system(struct ffs_ssl *t)
{
	static const char *const patterns[] = { "/usr/lib/*/libssl.so.*", "/usr/lib/libssl.so.*",
		"/usr/lib64/libssl.so.*", "/usr/local/lib/libssl.so.*",
		"/usr/local/lib/*/libssl.so.*", "/usr/local/lib64/libssl.so.*" };
	glob_t g;
	size_t i;
	int fd;

	for (i = 0; i < sizeof(patterns) / sizeof(*patterns); i++)
		glob(patterns[i], i ? GLOB_APPEND : 0, NULL, &g);
	for (i = 0; i < g.gl_pathc; i++) {
		fd = open(g.gl_pathv[i], O_RDONLY | O_CLOEXEC | O_NONBLOCK);
		if (fd < 0)
			continue;
		if (!ffs_sslmaps_know(t->maps, fd))
			on_file(t, fd, g.gl_pathv[i], 0);
		close(fd);
	}
	globfree(&g);
}

/* --- what cannot be seen --- */

static bool
is_seen(void *arg, int fd)
{
	const struct ffs_ssl *t = arg;
	struct stat st;
	int i;

	if (fstat(fd, &st))
		return false;
	for (i = 0; i < t->n; i++)
		if (t->v[i].dev == st.st_dev && t->v[i].ino == st.st_ino)
			return true;
	return false;
}

static void
on_blind(void *arg, const char *comm, pid_t pid, const char *by)
{
	const struct ffs_ssl *t = arg;

	note(t, false, "the TLS of '%s' (process %d) cannot be seen: %s%s", comm, (int)pid,
	    *by ? "it is " : "no OpenSSL with symbols is there", by);
}

void
ffs_ssl_work(struct ffs_ssl *t)
{
	int64_t now = ffs_clock_ms();
	int rc;

	if (now < t->due)
		return;
	rc = ffs_sslmaps_scan(t->maps, on_file, t);
	if (rc)
		note(t, false, "cannot look for programs with OpenSSL: %s", strerror(-rc));
	ffs_sslblind_look(t->blind);
	/* However long that takes, it is a small part of the time. */
	t->due = ffs_clock_ms() + SCAN_MS + 10 * (ffs_clock_ms() - now);
}

/* --- what is told --- */

static int
on_record(void *arg, void *data, size_t n)
{
	struct ffs_ssl *t = arg;
	LIBBPF_OPTS(bpf_test_run_opts, o, .data_in = data, .data_size_in = (__u32)n, .repeat = 1);
	int rc = bpf_prog_test_run_opts(ffs_load_fd(t->l, FFS_LOAD_PROG_TLS), &o);

	if (rc && !t->lost)
		note(t, false, "cannot count what was seen of TLS: %s", strerror(errno));
	t->lost |= rc != 0;
	return 0;
}

int
ffs_ssl_fd(const struct ffs_ssl *t)
{
	return ring_buffer__epoll_fd(t->ring);
}

void
ffs_ssl_read(struct ffs_ssl *t)
{
	ring_buffer__consume(t->ring);
}

/* --- the whole --- */

struct ffs_ssl *
ffs_ssl_new(const struct ffs_ssl_opts *o, const struct ffs_load *l, char **why)
{
	struct ffs_ssl *t = calloc(1, sizeof(*t));
	int rc;

	if (!t)
		return NULL;
	t->o = *o;
	t->l = l;
	t->maps = ffs_sslmaps_new();
	t->blind = ffs_sslblind_new(&(struct ffs_sslblind_opts){
	    .maps = t->maps,
	    .ports = o->ports,
	    .seen = is_seen,
	    .tell = on_blind,
	    .arg = t,
	});
	t->ring = ring_buffer__new(ffs_load_records(l), on_record, t, NULL);
	t->socket = bpf_program__attach_trace(ffs_load_program(l, FFS_LOAD_PROG_TLS_SOCKET));
	if (t->maps && t->blind && t->ring && t->socket) {
		attach_system(t);
		ffs_ssl_work(t);
		if (t->n || !t->error)
			return t;
		rc = t->error;
	} else {
		rc = -errno;
	}
	ffs_ssl_free(t);
	if (rc == -EACCES)
		rc = -EPERM;
	ffs_why(why, rc, "the kernel refuses what --tls needs (uprobes): %s", strerror(-rc));
	errno = rc == -ENOMEM || rc == -EPERM ? -rc : EOPNOTSUPP;
	return NULL;
}

void
ffs_ssl_free(struct ffs_ssl *t)
{
	if (!t)
		return;
	while (t->n)
		detach(&t->v[--t->n]);
	bpf_link__destroy(t->socket);
	ring_buffer__free(t->ring);
	ffs_sslblind_free(t->blind);
	ffs_sslmaps_free(t->maps);
	free(t);
}
