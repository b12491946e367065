/*
 * Any request, as its client signs it for our address, signed anew: it is what he would have signed
 * for the store, or nothing.  And what he did not sign is signed by nobody.
 */
#include "common/gate/resign.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/unit/resigntest.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

#define OURS "127.0.0.1:9009"
#define STORE "store.example:9000"

static void
check(struct ffs_resign *r, const struct ffs_head *h, enum resign_how how)
{
	struct ffs_buf ours = FFS_BUF_INIT, theirs = FFS_BUF_INIT, got = FFS_BUF_INIT;
	struct ffs_head head;

	if (!resign_head(&ours, h, OURS, how) && !resign_head(&theirs, h, STORE, how) &&
	    ffs_head_request(&head, ours.p, ours.len) > 0 &&
	    !ffs_resign_head(r, &got, &head, RESIGN_T0) && strcmp(got.p, theirs.p)) {
		printf("%s\nis not\n%s\n", got.p, theirs.p);
		abort();
	}
	ffs_buf_release(&ours);
	ffs_buf_release(&theirs);
	ffs_buf_release(&got);
}

int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	struct ffs_endpoint ep = { .url = (char *)(size_t) "http://" STORE,
		.access_key = (char *)(size_t)RESIGN_KEY,
		.secret_key = (char *)(size_t)RESIGN_SECRET };
	static struct ffs_vouch *v;
	static struct ffs_resign *r;
	struct ffs_buf b = FFS_BUF_INIT;
	struct ffs_head h;
	char *why;
	int how;

	if (!v) {
		v = ffs_vouch_new(&ep);
		if (!v || ffs_resign_new(&r, v, &ep, true, &why))
			abort();
	}
	if (ffs_head_request(&h, (const char *)p, n) <= 0)
		return 0;
	/* No input has a signature for our address. */
	if (!ffs_resign_head(r, &b, &h, RESIGN_T0))
		abort();
	ffs_buf_release(&b);
	for (how = 0; how < RESIGN_HOWS; how++)
		check(r, &h, (enum resign_how)how);
	return 0;
}
