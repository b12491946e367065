#include "common/gate/path.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

#include "common/cache/attr.h"
#include "common/s3/sigv4.h"

struct ffs_span
ffs_path_host(const struct ffs_span *field)
{
	const char *p = field->p, *colon = memrchr(p, ':', field->n);
	size_t n = field->n;

	if (n && *p != '[' && colon)
		n = (size_t)(colon - p);
	if (n && p[n - 1] == '.')
		n--;
	return (struct ffs_span){ p, n };
}

bool
ffs_path_is_address(const struct ffs_span *host)
{
	char text[INET_ADDRSTRLEN];
	struct in_addr in;

	if (host->n && *host->p == '[')
		return true;
	if (host->n >= sizeof(text))
		return false;
	memcpy(text, host->p, host->n);
	text[host->n] = '\0';
	return inet_pton(AF_INET, text, &in) == 1;
}

char *
ffs_path_decode(const struct ffs_span *path, int *rc)
{
	struct ffs_buf b = FFS_BUF_INIT;
	char *s = NULL;

	*rc = path->n ? ffs_sigv4_decode(&b, path->p + 1, path->n - 1, false) : 0;
	ffs_buf_adds(&b, "");
	if (!*rc)
		*rc = ffs_buf_error(&b);
	if (!*rc && memchr(b.p, '\0', b.len))
		*rc = -EINVAL;
	else if (!*rc && !(s = ffs_buf_detach(&b)))
		*rc = -ENOMEM;
	ffs_buf_release(&b);
	return s;
}

char *
ffs_path_tidy(const char *text)
{
	char *out = malloc(strlen(text) + 1), *to = out;
	size_t n;

	if (!out)
		return NULL;
	for (; *text; text += n) {
		n = strcspn(text, "/");
		if (n == 2 && !memcmp(text, "..", 2)) {
			if (to > out)
				to--;
			while (to > out && to[-1] != '/')
				to--;
		} else if (n && !(n == 1 && *text == '.')) {
			to = mempcpy(to, text, n);
			if (text[n])
				*to++ = '/';
		}
		n += text[n] != '\0';
	}
	*to = '\0';
	return out;
}

static char *
lower(const char *p, size_t n)
{
	char *s = strndup(p, n), *c;

	for (c = s; c && *c; c++)
		if (*c >= 'A' && *c <= 'Z')
			*c |= 0x20;
	return s;
}

int
ffs_path_names(const char *text, const char *host, size_t n, char **bucket, char **key)
{
	const char *slash = strchrnul(text, '/'), *rest = n ? text : slash + (*slash != '\0');

	*bucket = *key = NULL;
	if (!n && slash == text)
		return -EINVAL;
	if ((n ? n : (size_t)(slash - text)) > FFS_BUCKETNAME_MAX ||
	    strlen(rest) > FFS_ATTR_KEY_MAX)
		return -EINVAL;
	*bucket = n ? lower(host, n) : strndup(text, (size_t)(slash - text));
	*key = *rest ? strdup(rest) : NULL;
	if (*bucket && (*key || !*rest))
		return 0;
	free(*bucket);
	free(*key);
	*bucket = *key = NULL;
	return -ENOMEM;
}
