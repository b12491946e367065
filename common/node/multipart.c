#include "common/node/multipart.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/base/buf.h"

#define ABOUT "upload" /* bucket NUL key NUL metadata */
#define ABOUT_MAX (64 + FFS_KEY_MAX + 1 + FFS_OBJMETA_MAX)
#define PATH_MAX_UPLOAD 64

static int
upload_path(char out[PATH_MAX_UPLOAD], const char *id)
{
	if (strlen(id) != FFS_MULTIPART_ID - 1 || strspn(id, "0123456789abcdef") != strlen(id))
		return -ENOENT;
	snprintf(out, PATH_MAX_UPLOAD, FFS_STORE_UPLOADS "/%s", id);
	return 0;
}

static int
new_id(char id[FFS_MULTIPART_ID])
{
	struct ffs_buf hex = FFS_BUF_INIT;
	unsigned char raw[16];
	int rc;

	if (getrandom(raw, sizeof(raw), 0) != sizeof(raw))
		return -EIO;
	ffs_buf_addhex(&hex, raw, sizeof(raw));
	rc = ffs_buf_error(&hex);
	if (!rc)
		memcpy(id, hex.p, FFS_MULTIPART_ID);
	ffs_buf_release(&hex);
	return rc;
}

/* The file that says what the upload is for. */
static int
write_about(struct ffs_store *s, int dirfd, const char *bucket, const char *key,
    const struct ffs_objmeta *meta)
{
	struct ffs_blob b = FFS_BLOB_INIT;
	struct ffs_objmeta none;
	int rc = ffs_store_blob(s, &b, 0);

	ffs_objmeta_init(&none);
	if (!rc)
		rc = ffs_blob_write(&b, bucket, strlen(bucket) + 1);
	if (!rc)
		rc = ffs_blob_write(&b, key, strlen(key) + 1);
	if (!rc)
		rc = ffs_blob_write(&b, meta->text, meta->len);
	if (!rc)
		return ffs_store_place(s, &b, &none, dirfd, ABOUT);
	ffs_blob_discard(&b);
	return rc;
}

/* A directory with the file, made among the temporaries, so that a crash leaves no half of it. */
static int
make_upload(struct ffs_store *s, int root, const char *id, const char *bucket, const char *key,
    const struct ffs_objmeta *meta)
{
	char tmp[PATH_MAX_UPLOAD], path[PATH_MAX_UPLOAD];
	int rc, dirfd;

	snprintf(tmp, sizeof(tmp), FFS_STORE_TMP "/%s", id);
	rc = upload_path(path, id);
	if (rc)
		return rc;
	if (mkdirat(root, tmp, 0777))
		return -errno;
	dirfd = openat(root, tmp, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	rc = dirfd < 0 ? -errno : write_about(s, dirfd, bucket, key, meta);
	if (dirfd >= 0)
		close(dirfd);
	if (!rc && renameat(root, tmp, root, path))
		rc = -errno;
	if (rc)
		ffs_store_drop(s, tmp);
	return rc;
}

int
ffs_multipart_create(struct ffs_store *s, const char *bucket, const char *key,
    const struct ffs_objmeta *meta, char id[FFS_MULTIPART_ID])
{
	char path[FFS_KEYPATH_MAX];
	int rc, root, all;

	rc = ffs_store_bucket_stat(s, bucket, NULL);
	if (!rc)
		rc = ffs_keypath_encode(path, key);
	if (!rc)
		rc = new_id(id);
	if (rc)
		return rc;
	root = ffs_store_opendir(s, "");
	if (root < 0)
		return root;
	all = ffs_store_opendir(s, FFS_STORE_UPLOADS);
	rc = all < 0 ? all : make_upload(s, root, id, bucket, key, meta);
	if (!rc)
		rc = ffs_store_sync(s, all);
	if (all >= 0)
		close(all);
	close(root);
	return rc;
}

static int
read_about(struct ffs_multipart *m)
{
	char text[ABOUT_MAX + 1], *key, *meta;
	struct stat st;
	ssize_t n;
	int fd = openat(m->dirfd, ABOUT, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);

	if (fd < 0)
		return -errno;
	n = pread(fd, text, ABOUT_MAX, 0);
	if (n >= 0 && fstat(fd, &st))
		n = -1;
	close(fd);
	if (n < 0)
		return -EIO;
	text[n] = '\0';
	key = memchr(text, '\0', (size_t)n);
	meta = key ? memchr(key + 1, '\0', (size_t)(text + n - key - 1)) : NULL;
	if (!meta || key - text > 63 || meta - key - 1 > FFS_KEY_MAX)
		return -ENOENT;
	key++;
	meta++;
	memcpy(m->bucket, text, (size_t)(key - text));
	memcpy(m->key, key, (size_t)(meta - key));
	m->started = st.st_mtime;
	m->meta.len = (size_t)(text + n - meta);
	if (m->meta.len > FFS_OBJMETA_MAX)
		return -ENOENT;
	memcpy(m->meta.text, meta, m->meta.len + 1);
	return 0;
}

int
ffs_multipart_open(struct ffs_multipart *m, struct ffs_store *s, const char *bucket,
    const char *key, const char *id)
{
	char path[PATH_MAX_UPLOAD];
	int rc;

	m->store = s;
	m->dirfd = -1;
	rc = upload_path(path, id);
	if (rc)
		return rc;
	memcpy(m->id, id, sizeof(m->id));
	rc = m->dirfd = ffs_store_opendir(s, path);
	if (rc < 0)
		return rc;
	rc = read_about(m);
	if (!rc && (strcmp(m->bucket, bucket) || (key && strcmp(m->key, key))))
		rc = -ENOENT;
	if (rc)
		ffs_multipart_close(m);
	return rc;
}

void
ffs_multipart_close(struct ffs_multipart *m)
{
	if (m->dirfd >= 0)
		close(m->dirfd);
	m->dirfd = -1;
}

static void
part_name(char out[16], unsigned number)
{
	snprintf(out, 16, "%05u", number);
}

int
ffs_multipart_put(
    struct ffs_multipart *m, unsigned number, struct ffs_blob *b, struct ffs_objmeta *meta)
{
	char name[16];

	part_name(name, number);
	return ffs_store_place(m->store, b, meta, m->dirfd, name);
}

int
ffs_multipart_get(struct ffs_multipart *m, unsigned number, struct ffs_object *o)
{
	char name[16];
	int fd;

	part_name(name, number);
	o->fd = -1;
	fd = openat(m->dirfd, name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	return fd < 0 ? -errno : ffs_store_take(fd, o);
}

/* One bit a part: the numbers are few, their order is free. */
static int
read_parts(struct ffs_multipart *m, unsigned char seen[FFS_MULTIPART_PARTS + 1])
{
	int fd = openat(m->dirfd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *d = fd < 0 ? NULL : fdopendir(fd);
	struct dirent *e;
	unsigned long n;
	char *end;

	if (!d) {
		int rc = -errno;

		if (fd >= 0)
			close(fd);
		return rc;
	}
	while ((e = readdir(d))) {
		n = strtoul(e->d_name, &end, 10);
		if (end != e->d_name && !*end && n <= FFS_MULTIPART_PARTS)
			seen[n] = 1;
	}
	closedir(d);
	return 0;
}

int
ffs_multipart_each(struct ffs_multipart *m, unsigned after,
    int (*each)(void *arg, unsigned number, const struct ffs_object *o), void *arg)
{
	unsigned char seen[FFS_MULTIPART_PARTS + 1] = { 0 };
	struct ffs_object o;
	unsigned i;
	int rc = read_parts(m, seen);

	for (i = after + 1; !rc && i <= FFS_MULTIPART_PARTS; i++) {
		if (!seen[i] || ffs_multipart_get(m, i, &o))
			continue;
		rc = each(arg, i, &o);
		close(o.fd);
	}
	return rc;
}

int
ffs_multipart_remove(struct ffs_multipart *m)
{
	char path[PATH_MAX_UPLOAD];
	int rc = upload_path(path, m->id);

	return rc ? rc : ffs_store_drop(m->store, path);
}

/* --- listing --- */

static int
compare(const char *key, const char *id, const struct ffs_multipart_entry *e)
{
	int d = strcmp(key, e->key);

	return d ? d : strcmp(id, e->id);
}

/* Keep the max smallest of what comes by, sorted. */
static void
insert(struct ffs_multipart_entry *v, size_t max, size_t *n, bool *truncated,
    const struct ffs_multipart *m)
{
	size_t i = *n;

	while (i && compare(m->key, m->id, &v[i - 1]) < 0)
		i--;
	if (*n == max)
		*truncated = true;
	if (i == max)
		return;
	if (*n < max)
		(*n)++;
	memmove(v + i + 1, v + i, (*n - 1 - i) * sizeof(*v));
	memcpy(v[i].key, m->key, sizeof(v[i].key));
	memcpy(v[i].id, m->id, sizeof(v[i].id));
	v[i].started = m->started;
}

int
ffs_multipart_list(struct ffs_store *s, const char *bucket, const char *prefix,
    const char *after_key, const char *after_id, struct ffs_multipart_entry *v, size_t max,
    size_t *n, bool *truncated)
{
	struct ffs_multipart m;
	struct dirent *e;
	int rc, fd = ffs_store_opendir(s, FFS_STORE_UPLOADS);
	DIR *d = fd < 0 ? NULL : fdopendir(fd);

	*n = 0;
	*truncated = false;
	if (!d) {
		rc = fd < 0 ? fd : -errno;
		if (fd >= 0)
			close(fd);
		return rc;
	}
	while ((e = readdir(d))) {
		if (ffs_multipart_open(&m, s, bucket, NULL, e->d_name))
			continue;
		rc = strcmp(m.key, after_key);
		if (!rc)
			rc = *after_id ? strcmp(m.id, after_id) : *after_key ? -1 : 1;
		if (rc > 0 && !strncmp(m.key, prefix, strlen(prefix)))
			insert(v, max, n, truncated, &m);
		ffs_multipart_close(&m);
	}
	closedir(d);
	return 0;
}
