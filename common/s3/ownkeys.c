#include "common/s3/config.h"

#include <errno.h>
#include <fcntl.h>
#include <openssl/rand.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/base/buf.h"
#include "common/base/opt.h"
#include "common/base/userdirs.h"
#include "common/s3/ini.h"

#define MAX_FILE (1U << 20)

/*
 * Under sudo the invoking user owns what is made, and things are made in his directories only:
 * root must not follow a link of his into somebody else's.  Where XDG_CONFIG_HOME was given it is
 * root's own choice.  Returns 1 where things made in dir are for *uid, 0 where not, -errno.
 */
static int
owner(int dir, uid_t *uid, gid_t *gid)
{
	const char *given = ffs_opt_env("XDG_CONFIG_HOME");
	struct stat st;

	if (!ffs_userdirs_sudo(uid, gid))
		return 0;
	if (fstat(dir, &st))
		return -errno;
	if (st.st_uid == *uid)
		return 1;
	return given ? 0 : -EPERM;
}

/* Open a directory, making what is missing of its path (0700). */
static int
open_dir(const char *path)
{
	int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC), parent, rc = 0;
	const char *slash = strrchr(path, '/');
	uid_t uid;
	gid_t gid;
	char *up;

	if (fd >= 0)
		return fd;
	if (errno != ENOENT || !slash || slash == path)
		return -errno;
	up = strndup(path, (size_t)(slash - path));
	if (!up)
		return -ENOMEM;
	parent = open_dir(up);
	free(up);
	if (parent < 0)
		return parent;
	rc = owner(parent, &uid, &gid);
	if (rc < 0)
		goto out;
	if (mkdirat(parent, slash + 1, 0700) && errno != EEXIST) {
		rc = -errno;
		goto out;
	}
	fd = openat(parent, slash + 1, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0 || (rc && fchown(fd, uid, gid)))
		rc = -errno;
	else
		rc = 0;
out:
	close(parent);
	if (rc && fd >= 0)
		close(fd);
	return rc ? rc : fd;
}

/* n characters of [A-Za-z0-9], each as likely as the others. */
static int
random_text(char *out, size_t n)
{
	static const char letters[] =
	    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
	unsigned char b;
	size_t i = 0;

	while (i < n) {
		if (RAND_bytes(&b, 1) != 1)
			return -EIO;
		if (b < 4 * 62)
			out[i++] = letters[b % 62];
	}
	out[n] = '\0';
	return 0;
}

/* The key pair of url in the file's text.  -ENOENT where it has none. */
static int
find(const char *text, size_t n, const char *url, char **access_key, char **secret_key)
{
	struct ffs_ini ini;
	const char *a, *s;
	char *u = NULL;
	size_t i;
	int rc = ffs_ini_parse(&ini, text, n, NULL);

	for (i = 0; !rc && i < ini.n; i++) {
		if (ini.v[i].key)
			continue;
		free(u);
		u = ffs_endpoint_url(ini.v[i].section);
		if (u && !strcmp(u, url))
			break;
	}
	if (rc || i == ini.n) {
		rc = rc ? rc : -ENOENT;
		goto out;
	}
	a = ffs_ini_get(&ini, ini.v[i].section, NULL, "aws_access_key_id");
	s = ffs_ini_get(&ini, ini.v[i].section, NULL, "aws_secret_access_key");
	if (!a || !s) {
		rc = -EINVAL;
		goto out;
	}
	*access_key = strdup(a);
	*secret_key = strdup(s);
	if (!*access_key || !*secret_key)
		rc = -ENOMEM;
out:
	free(u);
	ffs_ini_release(&ini);
	return rc;
}

/* Put text into the file credentials of dir: complete or not at all. */
static int
replace(int dir, const struct ffs_buf *text)
{
	char tmp[64], unique[17];
	const char *p = text->p;
	size_t left = text->len;
	ssize_t put;
	uid_t uid;
	gid_t gid;
	int fd = -1, rc = random_text(unique, 16);

	if (rc)
		return rc;
	snprintf(tmp, sizeof(tmp), ".credentials.%s", unique);
	rc = owner(dir, &uid, &gid);
	if (rc < 0)
		return rc;
	fd = openat(dir, tmp, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (fd < 0)
		return -errno;
	if (rc && fchown(fd, uid, gid)) {
		rc = -errno;
		goto out;
	}
	rc = 0;
	while (left) {
		put = write(fd, p, left);
		if (put < 0 && errno != EINTR) {
			rc = -errno;
			goto out;
		}
		if (put > 0) {
			p += put;
			left -= (size_t)put;
		}
	}
	if (fsync(fd) || renameat(dir, tmp, dir, "credentials"))
		rc = -errno;
	else
		fsync(dir);
out:
	if (rc)
		unlinkat(dir, tmp, 0);
	close(fd);
	return rc;
}

/* Add a section with new keys to what the file says. */
static int
make_keys(
    int dir, const char *text, size_t n, const char *url, char **access_key, char **secret_key)
{
	struct ffs_buf b = FFS_BUF_INIT;
	char access[21] = "FFS", secret[41];
	int rc = random_text(access + 3, 17);

	if (!rc)
		rc = random_text(secret, 40);
	if (rc)
		return rc;
	ffs_buf_add(&b, text, n);
	if (n && text[n - 1] != '\n')
		ffs_buf_addc(&b, '\n');
	ffs_buf_addf(&b, "%s[%s]\naws_access_key_id = %s\naws_secret_access_key = %s\n",
	    n ? "\n" : "", url, access, secret);
	rc = ffs_buf_error(&b);
	if (!rc)
		rc = replace(dir, &b);
	if (!rc) {
		*access_key = strdup(access);
		*secret_key = strdup(secret);
		if (!*access_key || !*secret_key)
			rc = -ENOMEM;
	}
	if (b.p)
		explicit_bzero(b.p, b.cap);
	explicit_bzero(secret, sizeof(secret));
	ffs_buf_release(&b);
	return rc;
}

int
ffs_config_own_keys(const char *url, char **access_key, char **secret_key, bool *made)
{
	char *dir_path = ffs_userdirs_config(NULL), *path = ffs_userdirs_config("credentials");
	char *one = ffs_endpoint_url(url), *text = NULL;
	size_t n = 0;
	int dir = -1, rc;

	*access_key = *secret_key = NULL;
	*made = false;
	if (!dir_path || !path || !one) {
		rc = -errno;
		goto out;
	}
	dir = open_dir(dir_path);
	if (dir < 0) {
		rc = dir;
		goto out;
	}
	while ((rc = flock(dir, LOCK_EX)) && errno == EINTR)
		;
	if (rc) {
		rc = -errno;
		goto out;
	}
	rc = ffs_ini_slurp(path, MAX_FILE, &text, &n);
	if (!rc)
		rc = find(text, n, one, access_key, secret_key);
	if (rc != -ENOENT)
		goto out;
	rc = make_keys(dir, text ? text : "", n, one, access_key, secret_key);
	*made = !rc;
out:
	if (rc) {
		free(*access_key);
		free(*secret_key);
		*access_key = *secret_key = NULL;
	}
	if (dir >= 0)
		close(dir);
	if (text)
		explicit_bzero(text, n);
	free(text);
	free(dir_path);
	free(path);
	free(one);
	return rc;
}
