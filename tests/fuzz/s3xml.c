/* What a store answers: a page of a listing, or an error. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "common/s3/s3.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

static int
each(void *arg, const struct ffs_s3_object *o)
{
	const char **last = arg;

	/* In order, keys not empty, strings always there. */
	if (!*o->key || (*last && strcmp(*last, o->key) > 0))
		abort();
	*last = o->key;
	return strlen(o->etag) + strlen(o->last_modified) > 100000;
}

int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	struct ffs_s3_response r = { 0 };
	const char *last = NULL;
	char *token;
	size_t i;

	ffs_s3_list_parse((const char *)p, n, each, &last, &token);
	free(token);
	ffs_s3_error_parse((const char *)p, n, &r);
	for (i = 0; r.code[i]; i++)
		if ((unsigned char)r.code[i] < 32)
			abort();
	for (i = 0; r.message[i]; i++)
		if ((unsigned char)r.message[i] < 32)
			abort();
	return 0;
}
