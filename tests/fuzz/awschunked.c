/* aws-chunked bodies: never more bytes than announced, and pieces decode as the whole does. */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "common/node/awschunked.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct sum {
	uint64_t n, hash;
};

static int
take(void *arg, const void *p, size_t n)
{
	struct sum *s = arg;
	const uint8_t *b = p;
	size_t i;

	for (i = 0; i < n; i++)
		s->hash = s->hash * 1099511628211u + b[i];
	s->n += n;
	return 0;
}

static int
decode(const struct ffs_awschunked_opts *o, const uint8_t *p, size_t n, size_t piece, struct sum *s)
{
	struct ffs_awschunked *c = ffs_awschunked_new(o);
	int rc = c ? 0 : -1;
	size_t k;

	for (; !rc && n; p += k, n -= k) {
		k = n < piece ? n : piece;
		rc = ffs_awschunked_feed(c, p, k, take, s);
	}
	if (!rc)
		rc = ffs_awschunked_end(c);
	if (s->n > o->length || (!rc && s->n != o->length))
		abort();
	if (!rc)
		ffs_awschunked_trailer(c);
	ffs_awschunked_free(c);
	return rc;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const unsigned char key[32] = "key";
	struct ffs_sigv4_claim claim = { .day = "20130524",
		.date = "20130524T000000Z",
		.region = "us-east-1",
		.service = "s3",
		.signature = "4f232c4386841ef735655705268965c44a0e4690baa4adea153f7db9fa80a0a9" };
	struct ffs_awschunked_opts o = { 0 };
	struct sum whole = { 0 }, pieces = { 0 };
	int a, b;

	if (size < 3)
		return 0;
	o.length = data[0] * (data[2] & 1 ? 257u : 1u);
	o.trailer = data[2] & 2 ? "x-amz-checksum-crc32" : NULL;
	o.claim = data[2] & 4 ? &claim : NULL;
	o.key = key;
	a = decode(&o, data + 3, size - 3, size, &whole);
	b = decode(&o, data + 3, size - 3, 1 + data[1] % 64, &pieces);
	if (a != b || (!a && whole.hash != pieces.hash))
		abort();
	return 0;
}
