/* Heads and bodies of messages: what is taken can be read in one way only, whole or in pieces, and
 * is passed on as something that is read the same way again. */
#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "common/gate/ask.h"
#include "common/gate/frame.h"
#include "common/gate/head.h"
#include "common/gate/pass.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
check_fields(const struct ffs_head *h)
{
	size_t i;

	for (i = 0; i < h->n; i++)
		if (h->v[i].name.p < h->all.p ||
		    h->v[i].value.p + h->v[i].value.n > h->all.p + h->all.n || !h->v[i].name.n ||
		    memchr(h->v[i].value.p, '\n', h->v[i].value.n) ||
		    memchr(h->v[i].value.p, '\0', h->v[i].value.n))
			abort();
	if (h->body == FFS_HEAD_LENGTH && h->length > INT64_MAX)
		abort();
}

/* Where the body ends, in pieces of k bytes; SIZE_MAX: it does not, or is none. */
static size_t
end_of(const struct ffs_head *h, const char *p, size_t n, size_t k)
{
	struct ffs_frame f;
	size_t at = 0, used, piece;

	ffs_frame_init(&f, h);
	while (!f.done && at < n) {
		piece = n - at < k ? n - at : k;
		if (ffs_frame_feed(&f, p + at, piece, &used))
			return SIZE_MAX;
		if (used > piece || (used < piece && !f.done))
			abort();
		at += used;
	}
	return f.done ? at : SIZE_MAX;
}

static void
check_body(const struct ffs_head *h, const char *p, size_t n, size_t k)
{
	size_t whole = end_of(h, p, n, n + 1);

	if (whole != end_of(h, p, n, k) || whole != end_of(h, p, n, 1))
		abort();
}

/* What goes on says the same, and nothing of this connection. */
static void
check_passed(const struct ffs_head *h, int (*parse)(struct ffs_head *, const char *, size_t))
{
	static struct ffs_head again;
	struct ffs_buf out = FFS_BUF_INIT;
	size_t i;
	int len;

	ffs_pass_head(&out, h, "X-Added: 1\r\n");
	len = ffs_buf_error(&out) ? -ENOMEM : parse(&again, out.p, out.len);
	/* One field more than came, and a few bytes. */
	if (len != -EMSGSIZE && len != -ENOMEM) {
		if (len != (int)out.len || again.body != h->body || again.length != h->length ||
		    again.status != h->status || again.target.n != h->target.n)
			abort();
		for (i = 0; i < again.n; i++)
			if (ffs_head_hop(&again, &again.v[i]))
				abort();
	}
	ffs_buf_release(&out);
}

static int
parse_answer(struct ffs_head *h, const char *p, size_t n)
{
	return ffs_head_answer(h, p, n, false);
}

static void
check_ask(const struct ffs_head *h)
{
	static const char *const hosts[] = { "127.0.0.1", "store.example", NULL };
	struct ffs_ask ask;

	if (!ffs_ask_parse(&ask, h, hosts) && ask.kind != FFS_ASK_OTHER && !ask.bucket &&
	    !ask.written.n && !ask.written.more)
		abort();
	ffs_ask_release(&ask);
}

/* Less than all of a head is no head yet, or will be none. */
static void
check_short(const char *p, int len, size_t k, int (*parse)(struct ffs_head *, const char *, size_t))
{
	static struct ffs_head h;

	if (parse(&h, p, k % (size_t)len) > 0)
		abort();
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct ffs_head h;
	size_t k;
	char *p;
	int len;

	if (size < 2)
		return 0;
	k = 1 + data[0];
	/* A copy of its own size: what is read behind it is seen. */
	p = malloc(size - 1);
	if (!p)
		return 0;
	memcpy(p, data + 1, size - 1);
	len = ffs_head_request(&h, p, size - 1);
	if (len > 0) {
		check_fields(&h);
		check_body(&h, p + len, size - 1 - (size_t)len, k);
		check_passed(&h, ffs_head_request);
		check_ask(&h);
		check_short(p, len, k * 97, ffs_head_request);
	}
	len = parse_answer(&h, p, size - 1);
	if (len > 0) {
		check_fields(&h);
		check_body(&h, p + len, size - 1 - (size_t)len, k);
		check_passed(&h, parse_answer);
		check_short(p, len, k * 97, parse_answer);
	}
	free(p);
	return 0;
}
