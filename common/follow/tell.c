#include "common/follow/tell.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "common/base/json.h"
#include "common/base/utf8.h"
#include "common/follow/stock.h"

static int
flush(struct ffs_tell *t, struct ffs_json *j)
{
	int rc = ffs_json_print(j, t->out);

	if (!rc && fflush(t->out))
		rc = -errno;
	ffs_json_release(j);
	return rc;
}

static void
add_url(struct ffs_json *j, const struct ffs_tell *t, const char *url, const char *bucket,
    const char *key)
{
	struct ffs_buf b = FFS_BUF_INIT;

	ffs_stock_url(&b, url ? url : t->stores->nodes.v[0].ep.url, bucket, key);
	ffs_json_str(j, "url", b.p);
	ffs_buf_release(&b);
}

/* For a terminal: "s3://BUCKET/KEY" behind what is in the line. */
static void
add_name(struct ffs_json *j, const char *bucket, const char *key)
{
	size_t at = j->buf.len;

	ffs_buf_addf(&j->buf, "s3://%s/%s", bucket, key);
	if (!ffs_buf_error(&j->buf))
		ffs_utf8_mask(j->buf.p + at);
	j->buf.len = j->buf.p ? strlen(j->buf.p) : 0;
}

static void
add_fill(struct ffs_json *j, const struct ffs_tell *t, const struct ffs_filler_event *e)
{
	if (!t->json) {
		ffs_buf_addf(&j->buf, "fill    %11" PRIu64 " %10.3f ms  ", e->bytes,
		    (double)(e->hot_us ? e->hot_us : e->us) / 1000);
		add_name(j, e->bucket, e->key);
		return;
	}
	ffs_json_open(j);
	ffs_json_str(j, "type", "fill");
	add_url(j, t, e->node->url, e->bucket, e->key);
	ffs_json_uint(j, "bytes", e->bytes);
	ffs_json_uint(j, "us", e->us);
	if (e->hot_us)
		ffs_json_uint(j, "hot_to_cached_us", e->hot_us);
	ffs_json_close(j);
}

static void
add_refusal(struct ffs_json *j, const struct ffs_tell *t, const struct ffs_filler_event *e)
{
	if (!t->json) {
		ffs_buf_addf(&j->buf, "refuse  %-24s  ", ffs_cache_refusal_name(e->why));
		add_name(j, e->bucket, e->key);
		ffs_buf_addf(&j->buf, ": %s", e->text);
		return;
	}
	ffs_json_open(j);
	ffs_json_str(j, "type", "refuse");
	add_url(j, t, e->node ? e->node->url : "", e->bucket, e->key);
	ffs_json_str(j, "reason", ffs_cache_refusal_name(e->why));
	ffs_json_str(j, "text", e->text);
	ffs_json_close(j);
}

int
ffs_tell_fill(struct ffs_tell *t, const struct ffs_filler_event *e)
{
	struct ffs_json j = FFS_JSON_INIT;

	if (e->outcome == FFS_FILLER_FILLED && t->fills)
		add_fill(&j, t, e);
	else if (e->outcome == FFS_FILLER_REFUSED && t->refusals)
		add_refusal(&j, t, e);
	else
		return 0;
	return flush(t, &j);
}

int
ffs_tell_dropped(struct ffs_tell *t, const char *bucket, const char *key, int64_t entries)
{
	struct ffs_json j = FFS_JSON_INIT;

	if (!t->fills)
		return 0;
	if (!t->json) {
		ffs_buf_addf(&j.buf, "drop    %11" PRId64 " %13s  ", entries, "");
		add_name(&j, bucket, key ? key : "*");
		return flush(t, &j);
	}
	ffs_json_open(&j);
	ffs_json_str(&j, "type", "drop");
	add_url(&j, t, NULL, bucket, key ? key : "");
	ffs_json_int(&j, "entries", entries);
	ffs_json_close(&j);
	return flush(t, &j);
}

int
ffs_tell_end(struct ffs_tell *t, const struct ffs_follow_stats *s)
{
	struct ffs_json j = FFS_JSON_INIT;

	if (!t->json && !t->refusals)
		return 0;
	if (!t->json) {
		ffs_buf_addf(&j.buf,
		    "%" PRIu64 " HOT, %" PRIu64 " INVALIDATE, %" PRIu64 " walks; %" PRIu64
		    " fills, %.1f MB; from HOT to the file: p50 %.3f ms, p99 %.3f ms",
		    s->hot, s->invalidate, s->walks, s->fills, (double)s->fill_bytes / 1e6,
		    (double)s->p50_us / 1000, (double)s->p99_us / 1000);
		return flush(t, &j);
	}
	ffs_json_open(&j);
	ffs_json_str(&j, "type", "end");
	ffs_json_uint(&j, "hot", s->hot);
	ffs_json_uint(&j, "invalidate", s->invalidate);
	ffs_json_uint(&j, "walks", s->walks);
	ffs_json_uint(&j, "fills", s->fills);
	ffs_json_uint(&j, "fill_bytes", s->fill_bytes);
	ffs_json_uint(&j, "hot_to_cached_p50_us", s->p50_us);
	ffs_json_uint(&j, "hot_to_cached_p99_us", s->p99_us);
	ffs_json_close(&j);
	return flush(t, &j);
}

int
ffs_tell_serves(struct ffs_tell *t, const char *url, const char *metrics)
{
	struct ffs_json j = FFS_JSON_INIT;

	if (!t->json) {
		ffs_buf_adds(&j.buf, url);
		if (metrics)
			ffs_buf_addf(&j.buf, "\n%s/metrics", metrics);
		return flush(t, &j);
	}
	ffs_json_open(&j);
	ffs_json_str(&j, "type", "serve");
	ffs_json_str(&j, "url", url);
	if (metrics)
		ffs_json_str(&j, "metrics", metrics);
	ffs_json_close(&j);
	return flush(t, &j);
}
