#include "common/s3/s3url.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static const char scheme[] = "s3://";

/* https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucketnamingrules.html */
enum {
	BUCKET_MIN = 3,
	BUCKET_MAX = 63,
	KEY_MAX = 1024,
};

bool
ffs_s3url_is(const char *s)
{
	return !strncmp(s, scheme, sizeof(scheme) - 1);
}

int
ffs_s3url_parse(const char *s, char **bucket, char **key)
{
	static const char allowed[] = "abcdefghijklmnopqrstuvwxyz0123456789.-";
	size_t n;

	if (!ffs_s3url_is(s))
		return -EINVAL;
	s += sizeof(scheme) - 1;
	n = strspn(s, allowed);
	if (n < BUCKET_MIN || n > BUCKET_MAX || s[n] != '/' || strchr(".-", s[0]) ||
	    strchr(".-", s[n - 1]) || !s[n + 1] || strlen(s + n + 1) > KEY_MAX)
		return -EINVAL;
	*bucket = strndup(s, n);
	*key = strdup(s + n + 1);
	if (*bucket && *key)
		return 0;
	free(*bucket);
	free(*key);
	*bucket = *key = NULL;
	return -ENOMEM;
}
