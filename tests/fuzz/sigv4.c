/*
 * A request as a server sees it: lines "METHOD", path, query, then "name:value"; what parses is
 * verified too, and canonical text must be stable.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "common/s3/sigv4.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

static void
check_codec(const char *s)
{
	struct ffs_buf a = FFS_BUF_INIT, b = FFS_BUF_INIT;

	/* Whatever decodes encodes into something that decodes to the same. */
	if (!ffs_sigv4_decode(&a, s, strlen(s), false)) {
		ffs_sigv4_encode(&b, a.p, a.len, true);
		struct ffs_buf c = FFS_BUF_INIT;
		if (ffs_sigv4_decode(&c, b.p, b.len, false) || c.len != a.len ||
		    memcmp(c.p, a.p, a.len))
			abort();
		ffs_buf_release(&c);
	}
	ffs_buf_release(&a);
	ffs_buf_release(&b);
}

int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	static const unsigned char key[32] = { 1 };
	char *text = malloc(n + 1), *line, *next, *colon;
	struct ffs_sigv4_field f[64];
	struct ffs_sigv4_request r = { .method = "", .path = "", .fields = f };
	struct ffs_buf out = FFS_BUF_INIT;
	struct ffs_sigv4_claim c;
	char sig[65];
	time_t t;
	int i = 0;

	if (!text)
		return 0;
	memcpy(text, p, n);
	text[n] = '\0';
	for (line = text; line && r.nfields < 64; line = next, i++) {
		next = strchr(line, '\n');
		if (next)
			*next++ = '\0';
		if (i == 0) {
			r.method = line;
		} else if (i == 1) {
			r.path = line;
		} else if (i == 2) {
			r.query = line;
		} else if ((colon = strchr(line, ':'))) {
			*colon = '\0';
			f[r.nfields++] = (struct ffs_sigv4_field){ line, colon + 1 };
		}
	}
	check_codec(r.path);
	ffs_sigv4_canonical(&out, &r, NULL, true);
	if (!ffs_sigv4_claim_parse(&c, &r)) {
		if (ffs_sigv4_parse_date(c.date, &t))
			abort();
		ffs_sigv4_verify(&c, &r, "secret", NULL, t);
		if (!ffs_sigv4_verify(&c, &r, NULL, key, t))
			abort(); /* it cannot know the key */
		if (ffs_sigv4_chunk(
			sig, key, &c, "AWS4-HMAC-SHA256-PAYLOAD", c.signature, FFS_SIGV4_EMPTY))
			abort();
	}
	ffs_buf_release(&out);
	free(text);
	return 0;
}
