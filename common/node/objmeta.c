#include "common/node/objmeta.h"

#include <errno.h>
#include <string.h>
#include <strings.h>
#include <sys/xattr.h>

static const struct {
	char tag;
	const char *header;
} headers[] = {
	{ 't', "content-type" },
	{ 'c', "cache-control" },
	{ 'd', "content-disposition" },
	{ 'n', "content-encoding" },
	{ 'l', "content-language" },
	{ 'x', "expires" },
};

#define NHEADERS (sizeof(headers) / sizeof(headers[0]))

void
ffs_objmeta_init(struct ffs_objmeta *m)
{
	m->len = 0;
	m->text[0] = '\0';
}

int
ffs_objmeta_add(struct ffs_objmeta *m, char tag, const char *value, size_t n)
{
	if (memchr(value, '\n', n))
		return -EINVAL;
	if (n > FFS_OBJMETA_MAX || m->len + n + 2 > FFS_OBJMETA_MAX)
		return -E2BIG;
	m->text[m->len++] = tag;
	memcpy(m->text + m->len, value, n);
	m->len += n;
	m->text[m->len++] = '\n';
	m->text[m->len] = '\0';
	return 0;
}

bool
ffs_objmeta_next(const struct ffs_objmeta *m, size_t *pos, char *tag, const char **value, size_t *n)
{
	const char *end;

	if (*pos >= m->len)
		return false;
	end = memchr(m->text + *pos, '\n', m->len - *pos);
	if (!end || end == m->text + *pos)
		return false;
	*tag = m->text[*pos];
	*value = m->text + *pos + 1;
	*n = (size_t)(end - *value);
	*pos = (size_t)(end - m->text) + 1;
	return true;
}

int
ffs_objmeta_set(struct ffs_objmeta *m, char tag, const char *value)
{
	size_t pos = 0, from = 0, n;
	const char *v;
	char t;

	for (; ffs_objmeta_next(m, &pos, &t, &v, &n); from = pos) {
		if (t != tag)
			continue;
		memmove(m->text + from, m->text + pos, m->len - pos + 1);
		m->len -= pos - from;
		break;
	}
	return ffs_objmeta_add(m, tag, value, strlen(value));
}

bool
ffs_objmeta_get(const struct ffs_objmeta *m, char tag, char *out, size_t cap)
{
	size_t pos = 0, n;
	const char *v;
	char t;

	while (ffs_objmeta_next(m, &pos, &t, &v, &n)) {
		if (t != tag)
			continue;
		if (n >= cap)
			n = cap - 1;
		memcpy(out, v, n);
		out[n] = '\0';
		return true;
	}
	out[0] = '\0';
	return false;
}

const char *
ffs_objmeta_header(char tag)
{
	size_t i;

	for (i = 0; i < NHEADERS; i++)
		if (headers[i].tag == tag)
			return headers[i].header;
	return NULL;
}

char
ffs_objmeta_tag(const char *header)
{
	size_t i;

	for (i = 0; i < NHEADERS; i++)
		if (!strcasecmp(headers[i].header, header))
			return headers[i].tag;
	return 0;
}

int
ffs_objmeta_load(struct ffs_objmeta *m, int fd)
{
	ssize_t n = fgetxattr(fd, FFS_OBJMETA_XATTR, m->text, FFS_OBJMETA_MAX);

	if (n < 0) {
		ffs_objmeta_init(m);
		return -errno;
	}
	m->len = (size_t)n;
	m->text[n] = '\0';
	return 0;
}

int
ffs_objmeta_save(const struct ffs_objmeta *m, int fd)
{
	if (fsetxattr(fd, FFS_OBJMETA_XATTR, m->text, m->len, 0))
		return errno == ERANGE ? -E2BIG : -errno;
	return 0;
}
