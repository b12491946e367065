#include "common/watch/sslblind.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/watch/sslfile.h"

#define SOCKETS_MAX 1024
#define TOLD_MAX 256

struct ffs_sslblind {
	struct ffs_sslblind_opts o;
	uint64_t sockets[SOCKETS_MAX], before[SOCKETS_MAX]; /* inodes: now, at the last look */
	size_t n, before_n;
	ino_t told[TOLD_MAX]; /* programs' files */
	size_t told_n;
};

struct ffs_sslblind *
ffs_sslblind_new(const struct ffs_sslblind_opts *o)
{
	struct ffs_sslblind *b = calloc(1, sizeof(*b));

	if (b)
		b->o = *o;
	return b;
}

void
ffs_sslblind_free(struct ffs_sslblind *b)
{
	free(b);
}

/* --- sockets --- */

static bool
has(const uint64_t *v, size_t n, uint64_t x)
{
	size_t i;

	for (i = 0; i < n && v[i] != x; i++)
		;
	return i < n;
}

/* Established connections to watched ports, of /proc/net/tcp or tcp6. */
static int
read_sockets(struct ffs_sslblind *b, const char *path)
{
	FILE *f = fopen(path, "re");
	unsigned long long inode;
	unsigned port, state;
	char line[512];

	if (!f)
		return errno == ENOENT ? 0 : -errno;
	while (fgets(line, sizeof(line), f))
		if (sscanf(line,
			" %*u: %*[0-9A-F]:%*x %*[0-9A-F]:%x %x %*x:%*x %*x:%*x %*x %*u %*d %llu",
			&port, &state, &inode) == 3 &&
		    state == 1 && inode && port < 65536 &&
		    b->o.ports[port >> 3] >> (port & 7) & 1 && b->n < SOCKETS_MAX)
			b->sockets[b->n++] = inode;
	fclose(f);
	return 0;
}

/* One that was not there at the last look. */
static bool
is_any_new(const struct ffs_sslblind *b)
{
	size_t i;

	for (i = 0; i < b->n; i++)
		if (!has(b->before, b->before_n, b->sockets[i]))
			return true;
	return false;
}

/* Has a process one of the new ones. */
static bool
has_socket(const struct ffs_sslblind *b, const char *pid)
{
	char path[64], text[64];
	const struct dirent *e;
	unsigned long long inode;
	bool found = false;
	ssize_t n;
	DIR *d;

	snprintf(path, sizeof(path), "/proc/%.16s/fd", pid);
	d = opendir(path);
	while (d && !found && (e = readdir(d))) {
		n = readlinkat(dirfd(d), e->d_name, text, sizeof(text) - 1);
		text[n > 0 ? n : 0] = '\0';
		found = sscanf(text, "socket:[%llu]", &inode) == 1 &&
		        has(b->sockets, b->n, inode) && !has(b->before, b->before_n, inode);
	}
	if (d)
		closedir(d);
	return found;
}

/* --- programs --- */

struct program {
	const struct ffs_sslblind *b;
	const char *by;
	ino_t file; /* the first that it executes code of: its own */
};

static int
on_file(void *arg, int fd, const char *path)
{
	static const struct {
		const char *name, *by;
	} libraries[] = {
		{ "/libgnutls", "GnuTLS" },
		{ "/libnss3", "NSS" },
		{ "/libmbedtls", "Mbed TLS" },
		{ "/libwolfssl", "wolfSSL" },
		{ "/libjvm", "Java's" },
	};
	struct program *p = arg;
	struct stat st;
	size_t i;

	if (p->b->o.seen(p->b->o.arg, fd))
		return 1;
	if (!p->file && !fstat(fd, &st)) {
		p->file = st.st_ino;
		p->by = ffs_sslfile_other(fd);
	}
	for (i = 0; !p->by && i < sizeof(libraries) / sizeof(*libraries); i++)
		if (strstr(path, libraries[i].name))
			p->by = libraries[i].by;
	return 0;
}

static void
look_at(struct ffs_sslblind *b, pid_t pid)
{
	struct program p = { .b = b };
	char path[64], comm[32] = "";
	size_t i;
	FILE *f;

	if (ffs_sslmaps_of(pid, on_file, &p) || !p.file)
		return;
	for (i = 0; i < b->told_n; i++)
		if (b->told[i] == p.file)
			return;
	if (b->told_n == TOLD_MAX)
		return;
	b->told[b->told_n++] = p.file;
	snprintf(path, sizeof(path), "/proc/%d/comm", (int)pid);
	f = fopen(path, "re");
	if (f && !fgets(comm, sizeof(comm), f))
		*comm = '\0';
	if (f)
		fclose(f);
	comm[strcspn(comm, "\n")] = '\0';
	b->o.tell(b->o.arg, comm, pid, p.by ? p.by : "");
}

int
ffs_sslblind_look(struct ffs_sslblind *b)
{
	const struct dirent *e;
	DIR *d = NULL;
	int rc;

	b->n = 0;
	rc = read_sockets(b, "/proc/self/net/tcp");
	if (!rc)
		rc = read_sockets(b, "/proc/self/net/tcp6");
	if (!rc && is_any_new(b)) {
		d = opendir("/proc");
		rc = d ? 0 : -errno;
	}
	while (d && (e = readdir(d)))
		if (isdigit((unsigned char)e->d_name[0]) &&
		    ffs_sslmaps_here(b->o.maps, (pid_t)atoi(e->d_name)) && has_socket(b, e->d_name))
			look_at(b, (pid_t)atoi(e->d_name));
	if (d)
		closedir(d);
	memcpy(b->before, b->sockets, b->n * sizeof(*b->sockets));
	b->before_n = b->n;
	return rc;
}
