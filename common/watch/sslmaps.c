#include "common/watch/sslmaps.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "common/base/clock.h"

#define WAIT_MS 1000
#define WAIT_MAX_MS 8000
#define FILES_MAX 65536

struct file {
	dev_t dev;
	ino_t ino;
};

/* Sorted. */
struct files {
	struct file *v;
	size_t n, room;
};

struct process {
	pid_t pid;
	int64_t due, wait;
	bool seen; /* in the scan that runs */
};

struct ffs_sslmaps {
	struct files files; /* that were told */
	struct files lines; /* as maps has them: a file system may tell other numbers there */
	struct process *v;  /* sorted by pid */
	size_t n, room;
	char netns[64];
	char *line;
	size_t line_room;
};

/* The network namespace of a process ("self"), as its link says. */
static void
netns_of(const char *pid, char text[64])
{
	char path[96];
	ssize_t n;

	snprintf(path, sizeof(path), "/proc/%s/ns/net", pid);
	n = readlink(path, text, 63);
	text[n > 0 ? n : 0] = '\0';
}

struct ffs_sslmaps *
ffs_sslmaps_new(void)
{
	struct ffs_sslmaps *m = calloc(1, sizeof(*m));

	if (m)
		netns_of("self", m->netns);
	return m;
}

void
ffs_sslmaps_free(struct ffs_sslmaps *m)
{
	if (!m)
		return;
	free(m->files.v);
	free(m->lines.v);
	free(m->v);
	free(m->line);
	free(m);
}

/* --- files --- */

static int
compare(const struct file *a, const struct file *b)
{
	if (a->dev != b->dev)
		return a->dev < b->dev ? -1 : 1;
	return a->ino == b->ino ? 0 : a->ino < b->ino ? -1 : 1;
}

/* 1: it was there before; 0; -errno. */
static int
know(struct files *s, struct file f)
{
	size_t lo = 0, hi = s->n, mid, room;
	void *v;
	int rc;

	while (lo < hi) {
		mid = lo + (hi - lo) / 2;
		rc = compare(&s->v[mid], &f);
		if (!rc)
			return 1;
		if (rc < 0)
			lo = mid + 1;
		else
			hi = mid;
	}
	if (s->n == FILES_MAX) /* of who makes them without end: begin anew */
		s->n = lo = 0;
	if (s->n == s->room) {
		room = s->room ? s->room * 2 : 256;
		v = reallocarray(s->v, room, sizeof(*s->v));
		if (!v)
			return -ENOMEM;
		s->v = v;
		s->room = room;
	}
	memmove(s->v + lo + 1, s->v + lo, (s->n - lo) * sizeof(*s->v));
	s->v[lo] = f;
	s->n++;
	return 0;
}

int
ffs_sslmaps_know(struct ffs_sslmaps *m, int fd)
{
	struct stat st;

	if (fstat(fd, &st))
		return -errno;
	return know(&m->files, (struct file){ .dev = st.st_dev, .ino = st.st_ino });
}

/* --- one process --- */

struct telling {
	void (*each)(void *arg, int fd, const char *path, pid_t pid);
	void *arg;
};

/* A line of maps, of a file that code is executed of. */
struct line {
	unsigned long from, to;
	struct file file;
	const char *path;
};

static bool
parse(struct line *l, char *text)
{
	unsigned long ino;
	unsigned major, minor;
	char modes[5];
	int at = 0;

	if (sscanf(text, "%lx-%lx %4s %*x %x:%x %lu %n", &l->from, &l->to, modes, &major, &minor,
		&ino, &at) < 6 ||
	    !ino || !strchr(modes, 'x') || text[at] != '/')
		return false;
	l->file = (struct file){ .dev = makedev(major, minor), .ino = ino };
	l->path = text + at;
	text[at + (int)strcspn(text + at, "\n")] = '\0';
	return true;
}

/* The very file, though it may be gone, or in another mount namespace.  -1: not any more. */
static int
open_line(const struct line *l, pid_t pid)
{
	char path[96];

	snprintf(path, sizeof(path), "/proc/%d/map_files/%lx-%lx", (int)pid, l->from, l->to);
	return open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
}

static int
take_line(struct ffs_sslmaps *m, const struct telling *t, pid_t pid, char *text)
{
	struct line l;
	int fd, rc = parse(&l, text) ? know(&m->lines, l.file) : 1;

	if (rc)
		return rc < 0 ? rc : 0;
	fd = open_line(&l, pid);
	if (fd < 0)
		return 0;
	rc = ffs_sslmaps_know(m, fd);
	if (!rc)
		t->each(t->arg, fd, l.path, pid);
	close(fd);
	return rc < 0 ? rc : 0;
}

bool
ffs_sslmaps_here(const struct ffs_sslmaps *m, pid_t pid)
{
	char text[16], netns[64];

	snprintf(text, sizeof(text), "%d", (int)pid);
	netns_of(text, netns);
	return !strcmp(netns, m->netns);
}

static FILE *
open_maps(pid_t pid)
{
	char path[64];

	snprintf(path, sizeof(path), "/proc/%d/maps", (int)pid);
	return fopen(path, "re");
}

static int
look(struct ffs_sslmaps *m, const struct telling *t, pid_t pid)
{
	FILE *f = ffs_sslmaps_here(m, pid) ? open_maps(pid) : NULL;
	int rc = 0;

	if (!f)
		return 0;
	while (!rc && getline(&m->line, &m->line_room, f) > 0)
		rc = take_line(m, t, pid, m->line);
	fclose(f);
	return rc;
}

int
ffs_sslmaps_of(pid_t pid, int (*each)(void *arg, int fd, const char *path), void *arg)
{
	FILE *f = open_maps(pid);
	char *text = NULL;
	size_t room = 0;
	struct line l;
	int fd, rc = 0;

	while (f && !rc && getline(&text, &room, f) > 0) {
		fd = parse(&l, text) ? open_line(&l, pid) : -1;
		if (fd < 0)
			continue;
		rc = each(arg, fd, l.path);
		close(fd);
	}
	free(text);
	if (f)
		fclose(f);
	return rc;
}

/* --- all --- */

static struct process *
find(struct ffs_sslmaps *m, pid_t pid)
{
	size_t lo = 0, hi = m->n, mid, room;
	void *v;

	while (lo < hi) {
		mid = lo + (hi - lo) / 2;
		if (m->v[mid].pid == pid)
			return &m->v[mid];
		if (m->v[mid].pid < pid)
			lo = mid + 1;
		else
			hi = mid;
	}
	if (m->n == m->room) {
		room = m->room ? m->room * 2 : 256;
		v = reallocarray(m->v, room, sizeof(*m->v));
		if (!v)
			return NULL;
		m->v = v;
		m->room = room;
	}
	memmove(m->v + lo + 1, m->v + lo, (m->n - lo) * sizeof(*m->v));
	m->v[lo] = (struct process){ .pid = pid, .wait = WAIT_MS };
	m->n++;
	return &m->v[lo];
}

static void
forget_gone(struct ffs_sslmaps *m)
{
	size_t i, n = 0;

	for (i = 0; i < m->n; i++)
		if (m->v[i].seen) {
			m->v[n] = m->v[i];
			m->v[n++].seen = false;
		}
	m->n = n;
}

int
ffs_sslmaps_scan(
    struct ffs_sslmaps *m, void (*each)(void *arg, int fd, const char *path, pid_t pid), void *arg)
{
	const struct telling t = { .each = each, .arg = arg };
	int64_t now = ffs_clock_ms();
	DIR *d = opendir("/proc");
	const struct dirent *e;
	struct process *p;
	int rc = d ? 0 : -errno;

	while (!rc && (e = readdir(d))) {
		if (!isdigit((unsigned char)e->d_name[0]))
			continue;
		p = find(m, (pid_t)atoi(e->d_name));
		if (!p) {
			rc = -ENOMEM;
			break;
		}
		p->seen = true;
		if (now < p->due)
			continue;
		p->due = now + p->wait;
		p->wait = p->wait * 2 < WAIT_MAX_MS ? p->wait * 2 : WAIT_MAX_MS;
		rc = look(m, &t, p->pid);
	}
	if (d)
		closedir(d);
	if (!rc)
		forget_gone(m);
	return rc;
}
