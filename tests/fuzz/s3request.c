/* XML bodies that a client sends: part lists and batches of deletes, bounded. */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "common/node/s3xml.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int
on_part(void *arg, const struct ffs_s3xml_part *p)
{
	unsigned *n = arg;

	if (!p->number || p->number > 10000 || strlen(p->etag) >= sizeof(p->etag))
		abort();
	++*n;
	return 0;
}

static int
on_key(void *arg, const char *key, const char *version)
{
	unsigned *n = arg;

	if (strlen(key) > 1024 || strlen(version) > 79 || ++*n > 1000)
		abort();
	return 0;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	unsigned n = 0;
	bool quiet;

	ffs_s3xml_parse_parts((const char *)data, size, on_part, &n);
	n = 0;
	ffs_s3xml_parse_delete((const char *)data, size, &quiet, on_key, &n);
	return 0;
}
