#include "common/get/plan.h"

#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/base/buf.h"
#include "common/get/planimpl.h"
#include "common/s3/s3url.h"

enum {
	LINE_MAX_BYTES = 4096,
};

int
ffs_plan_fail(struct ffs_plan *p, enum ffs_exit status, const char *fmt, ...)
{
	struct ffs_buf b = FFS_BUF_INIT;
	char *text = NULL;
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vasprintf(&text, fmt, ap);
	va_end(ap);
	if (p->line)
		ffs_buf_addf(&b, "line %" PRIu64 ": ", p->line);
	ffs_buf_adds(&b, n < 0 ? "out of memory" : text);
	if (n >= 0)
		free(text);
	n = p->o.failed(p->o.arg, status, b.p ? b.p : "out of memory") ? 0 : -ECANCELED;
	ffs_buf_release(&b);
	return n;
}

/* --- sources --- */

static struct ffs_plan_kept *
find_kept(struct ffs_plan *p, const char *name, uint64_t generation)
{
	struct ffs_plan_kept *k = p->last, *oldest = &p->kept[0];

	if (k && k->src && k->generation == generation && !strcmp(k->name, name))
		return k;
	for (k = p->kept; k < p->kept + FFS_PLAN_SOURCES; k++) {
		if (k->src && k->generation == generation && !strcmp(k->name, name))
			return k;
		if (k->used < oldest->used)
			oldest = k;
	}
	free(oldest->name);
	ffs_source_unref(oldest->src);
	*oldest = (struct ffs_plan_kept){ .name = strdup(name), .generation = generation };
	return oldest->name ? oldest : NULL;
}

/* Keep what is kept below a bound, the last one in any case. */
static void
forget_sources(struct ffs_plan *p)
{
	struct ffs_plan_kept *k, *oldest;
	size_t chunks, n;

	for (;;) {
		oldest = NULL;
		chunks = n = 0;
		for (k = p->kept; k < p->kept + FFS_PLAN_SOURCES; k++) {
			if (!k->src)
				continue;
			chunks += k->src->m.nchunks;
			n++;
			if (!oldest || k->used < oldest->used)
				oldest = k;
		}
		if (n < 2 || chunks <= FFS_PLAN_CHUNKS)
			return;
		free(oldest->name);
		ffs_source_unref(oldest->src);
		*oldest = (struct ffs_plan_kept){ 0 };
	}
}

/* Set p->src to the dataset that p->sel names.  1, 0 where that failed and the next is wanted. */
static int
open_source(struct ffs_plan *p)
{
	const char *name = p->sel.name;
	uint64_t generation = p->sel.generation;
	struct ffs_plan_kept *k = find_kept(p, name, generation);
	char *detail = NULL, text[256];
	size_t stale = 0;
	int rc = k ? 0 : -ENOMEM;

	if (!rc && !k->src) {
		rc = ffs_catalog_open_cached(
		    p->o.use, p->o.stores, p->o.bucket, name, generation, &k->src, &stale, &detail);
		k->used = ++p->clock;
		forget_sources(p);
		if (!rc && stale && p->o.warn) {
			snprintf(text, sizeof(text),
			    "the primary cannot be reached: manifest of '%s' from node '%s'", name,
			    p->o.stores->nodes.v[stale].name);
			p->o.warn(p->o.arg, text);
		}
	}
	if (rc) {
		rc = ffs_plan_fail(p, ffs_exit_of(rc), "cannot read dataset '%s': %s", name,
		    detail ? detail : strerror(-rc));
		free(detail);
		return rc;
	}
	k->used = ++p->clock;
	p->last = k;
	p->src = ffs_source_ref(k->src);
	return 1;
}

/* Which chunks of p->src are selected.  As open_source(). */
static int
select_chunks(struct ffs_plan *p)
{
	const struct ffs_manifest *m = &p->src->m;
	const char *detail;
	int rc = ffs_select_span(&p->sel, m, &p->next, &p->end, &detail);

	if (rc == -ENODATA)
		return ffs_plan_fail(p, FFS_EXIT_USAGE, "dataset '%s': %s", m->dataset, detail);
	if (rc)
		return ffs_plan_fail(p, FFS_EXIT_NOTFOUND,
		    "dataset '%s': %s (%zu chunks, %" PRIu64 " rows)", m->dataset, detail,
		    m->nchunks, m->rows);
	/* An answer without rows still has its header. */
	p->header_only =
	    p->next == p->end && m->nchunks && m->header && !p->sel.message && !p->o.files;
	if (p->header_only) {
		p->next = 0;
		p->end = 1;
	}
	p->first = p->next;
	return 1;
}

static int
open_dataset(struct ffs_plan *p)
{
	int rc = open_source(p);

	if (rc > 0) {
		rc = select_chunks(p);
		if (rc <= 0) {
			ffs_source_unref(p->src);
			p->src = NULL;
		}
	}
	return rc;
}

static int
open_bare(struct ffs_plan *p, const char *url)
{
	char *bucket = NULL, *key = NULL;
	int rc = ffs_s3url_parse(url, &bucket, &key);

	if (!rc)
		p->src = ffs_catalog_bare(bucket, key);
	free(bucket);
	free(key);
	if (!p->src)
		return ffs_plan_fail(p, FFS_EXIT_FAIL, "%s", strerror(ENOMEM));
	p->bare = true;
	p->first = p->next = 0;
	p->end = 1;
	return 1;
}

/* --- arguments --- */

bool
ffs_plan_arg_ok(const char *arg)
{
	struct ffs_select sel = { 0 };
	char *bucket = NULL, *key = NULL;
	int rc = ffs_s3url_is(arg) ? ffs_s3url_parse(arg, &bucket, &key)
	                           : ffs_select_parse_name(&sel, arg);

	free(bucket);
	free(key);
	ffs_select_release(&sel);
	return !rc;
}

static int
expand(struct ffs_plan *p, const char *pattern)
{
	char *detail = NULL;
	int rc;

	ffs_catalog_free_names(p->names);
	p->names = NULL;
	p->name = p->nnames = 0;
	rc = ffs_catalog_match(p->o.stores, p->o.bucket, pattern, &p->names, &p->nnames, &detail);
	if (rc)
		rc = ffs_plan_fail(p, ffs_exit_of(rc), "cannot list datasets: %s",
		    detail ? detail : strerror(-rc));
	else if (!p->nnames)
		rc = ffs_plan_fail(p, FFS_EXIT_NOTFOUND, "no dataset matches '%s'", pattern);
	free(detail);
	return rc;
}

static int
set_name(struct ffs_plan *p, const char *arg)
{
	free(p->sel.name);
	p->sel = *p->o.select;
	p->sel.name = NULL;
	return ffs_select_parse_name(&p->sel, arg);
}

int
ffs_plan_open_next(struct ffs_plan *p)
{
	const char *arg;
	int rc = 0;

	while (!rc) {
		if (p->name < p->nnames) {
			rc = set_name(p, p->names[p->name++]);
			if (!rc)
				rc = open_dataset(p);
			continue;
		}
		if (p->arg == p->o.nargs)
			return 0;
		arg = p->o.args[p->arg++];
		if (ffs_s3url_is(arg)) {
			rc = open_bare(p, arg);
			continue;
		}
		rc = set_name(p, arg);
		if (!rc)
			rc = ffs_select_is_pattern(arg) ? expand(p, arg) : open_dataset(p);
	}
	return rc;
}

/* --- lines --- */

/* The next line, cut at its end.  1; 0: none left; -EAGAIN; -errno; -EILSEQ for a NUL in it. */
static int
read_line(struct ffs_plan *p, char **line)
{
	struct pollfd fd = { .fd = p->o.batch_fd, .events = POLLIN };
	char *nl, *end;
	ssize_t n;

	for (;;) {
		nl = memchr(p->in + p->at, '\n', p->len - p->at);
		if (nl || (p->eof && p->at < p->len)) {
			*line = p->in + p->at;
			end = nl ? nl : p->in + p->len;
			p->at = nl ? (size_t)(nl - p->in) + 1 : p->len;
			*end = '\0';
			if (strlen(*line) != (size_t)(end - *line))
				return -EILSEQ;
			p->line++;
			return 1;
		}
		if (p->eof)
			return 0;
		memmove(p->in, p->in + p->at, p->len - p->at);
		p->len -= p->at;
		p->at = 0;
		if (p->len == LINE_MAX_BYTES)
			return -EMSGSIZE;
		if (poll(&fd, 1, 0) == 0)
			return -EAGAIN;
		n = read(p->o.batch_fd, p->in + p->len, LINE_MAX_BYTES - p->len);
		if (n < 0 && (errno == EINTR || errno == EAGAIN))
			return -EAGAIN;
		if (n < 0)
			return -errno;
		p->len += (size_t)n;
		p->eof = !n;
	}
}

static int
next_line(struct ffs_plan *p)
{
	const char *detail;
	char *line = NULL;
	int rc = 0;

	while (!rc) {
		rc = read_line(p, &line);
		if (rc == -EAGAIN || !rc)
			return rc;
		if (rc < 0) {
			p->line++;
			return ffs_plan_fail(p,
			    rc == -EMSGSIZE || rc == -EILSEQ ? FFS_EXIT_USAGE : FFS_EXIT_FAIL,
			    "cannot read selections: %s",
			    rc == -EILSEQ ? "a NUL byte in the line" : strerror(-rc));
		}
		if (!line[strspn(line, " \t\r")]) {
			p->mark = true;
			return 1;
		}
		free(p->sel.name);
		p->sel = *p->o.select;
		p->sel.name = NULL;
		rc = ffs_select_parse_line(&p->sel, line, &detail);
		if (rc)
			return ffs_plan_fail(p, FFS_EXIT_USAGE, "%s", detail);
		rc = open_dataset(p);
	}
	return rc;
}

/* --- pieces --- */

/* "DATASET/00042.csv" from the key "DATASET/GEN/00042.csv.zst". */
static char *
file_name(const struct ffs_manifest *m, const struct ffs_object *o)
{
	const char *name = strrchr(o->key, '/') + 1;
	size_t len = strlen(name);
	struct ffs_buf b = FFS_BUF_INIT;

	if (o->encoding == FFS_ENCODING_ZSTD && len > 4 && !strcmp(name + len - 4, ".zst"))
		len -= 4;
	ffs_buf_addf(&b, "%s/%.*s", m->dataset, (int)len, name);
	return ffs_buf_detach(&b);
}

static void
set_cut(struct ffs_plan *p, struct ffs_piece *piece, const struct ffs_slice *slice)
{
	const struct ffs_manifest *m = &p->src->m;
	struct ffs_cut_spec *cut = &piece->cut;

	cut->whole = slice->whole && !p->header_only;
	cut->delim = p->bare || p->sel.message ? ',' : m->delimiter;
	cut->first = slice->first;
	cut->last = slice->last + 1 == piece->chunk->rows ? UINT64_MAX : slice->last;
	if (p->header_only) {
		cut->first = 1;
		cut->last = 0;
		return;
	}
	if (!slice->by_time)
		return;
	cut->has_from = p->sel.has_from;
	cut->has_to = p->sel.has_to;
	cut->from = p->sel.from;
	cut->to = p->sel.to;
	/* A message file has its times in column 1. */
	if (p->sel.message)
		cut->time_col = 1;
	else if (m->time_col)
		cut->time_col = m->time_col;
	else
		piece->scan = true;
}

static int
make_piece(struct ffs_plan *p, size_t i, struct ffs_piece *piece)
{
	struct ffs_manifest *m = &p->src->m;
	struct ffs_slice slice = { .whole = true };

	*piece = (struct ffs_piece){
		.src = ffs_source_ref(p->src),
		.chunk = &m->chunks[i],
		.bare = p->bare,
		.offset = p->offset,
		.header_known = p->header_known,
		.line = p->line,
	};
	piece->object = p->sel.message && !p->bare ? &piece->chunk->message : &piece->chunk->data;
	if (!p->bare) {
		piece->header_bytes = p->sel.message ? 0 : m->header_bytes;
		ffs_select_slice(&p->sel, m, i, &slice);
		if (p->o.files && !(piece->file = file_name(m, piece->object))) {
			ffs_source_unref(piece->src);
			return -ENOMEM;
		}
	} else {
		piece->header_known = true;
	}
	set_cut(p, piece, &slice);
	return 0;
}

int
ffs_plan_next(void *plan, struct ffs_piece *piece)
{
	struct ffs_plan *p = plan;
	int rc;

	while (!p->src || p->next == p->end) {
		ffs_source_unref(p->src);
		p->src = NULL;
		p->bare = p->header_known = false;
		p->offset = 0;
		rc = p->o.batch_fd < 0 ? ffs_plan_open_next(p) : next_line(p);
		if (rc <= 0)
			return rc;
		if (p->mark) {
			p->mark = false;
			*piece = (struct ffs_piece){ .mark = true, .cut.whole = true };
			return 1;
		}
	}
	rc = make_piece(p, p->next++, piece);
	return rc ? rc : 1;
}

struct ffs_plan *
ffs_plan_new(const struct ffs_plan_opts *o)
{
	struct ffs_plan *p = calloc(1, sizeof(*p));

	if (!p)
		return NULL;
	p->o = *o;
	p->in = malloc(LINE_MAX_BYTES + 1);
	if (!p->in) {
		free(p);
		return NULL;
	}
	return p;
}

void
ffs_plan_free(struct ffs_plan *p)
{
	size_t i;

	if (!p)
		return;
	for (i = 0; i < FFS_PLAN_SOURCES; i++) {
		free(p->kept[i].name);
		ffs_source_unref(p->kept[i].src);
	}
	ffs_source_unref(p->src);
	ffs_catalog_free_names(p->names);
	free(p->sel.name);
	free(p->in);
	free(p);
}
