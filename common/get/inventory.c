#include "common/get/inventory.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/dataset/catalog.h"
#include "common/base/json.h"
#include "common/get/show.h"

static void __attribute__((format(printf, 3, 4)))
fail(const struct ffs_inventory *inv, enum ffs_exit status, const char *fmt, ...)
{
	char *text = NULL;
	va_list ap;

	va_start(ap, fmt);
	if (vasprintf(&text, fmt, ap) < 0)
		text = NULL;
	va_end(ap);
	inv->failed(inv->arg, status, text ? text : "out of memory");
	free(text);
}

/* A manifest, or NULL: reported. */
static struct ffs_source *
open_source(const struct ffs_inventory *inv, const char *name, uint64_t generation)
{
	struct ffs_source *src = NULL;
	char *detail = NULL;
	size_t stale;
	int rc =
	    ffs_catalog_open(inv->stores, inv->bucket, name, generation, &src, &stale, &detail);

	if (rc)
		fail(inv, ffs_exit_of(rc), "cannot read dataset '%s': %s", name,
		    detail ? detail : strerror(-rc));
	free(detail);
	return rc ? NULL : src;
}

/* --- datasets --- */

static int
list_datasets(const struct ffs_inventory *inv, const char *pattern)
{
	struct ffs_json j = FFS_JSON_INIT;
	struct ffs_source *src;
	char **names = NULL, *detail;
	size_t i, n = 0;
	int rc, width = 7;

	rc = ffs_catalog_match(inv->stores, inv->bucket, pattern, &names, &n, &detail);
	if (rc) {
		fail(inv, ffs_exit_of(rc), "cannot list datasets: %s",
		    detail ? detail : strerror(-rc));
		free(detail);
		return 0;
	}
	if (!n && pattern)
		fail(inv, FFS_EXIT_NOTFOUND, "no dataset matches '%s'", pattern);
	for (i = 0; i < n; i++)
		if ((int)strlen(names[i]) > width)
			width = (int)strlen(names[i]);
	if (!inv->json && n) {
		ffs_buf_addf(&j.buf, "%-*s %10s %12s %8s %14s  %s", width, "DATASET", "GENERATION",
		    "ROWS", "CHUNKS", "BYTES", "ENCODING");
		rc = ffs_json_print(&j, inv->out);
	}
	for (i = 0; i < n && !rc && !*inv->stop; i++) {
		src = open_source(inv, names[i], 0);
		if (!src)
			continue;
		if (inv->json)
			ffs_show_dataset(&j, src->bucket, &src->m);
		else
			ffs_buf_addf(&j.buf,
			    "%-*s %10" PRIu64 " %12" PRIu64 " %8zu %14" PRIu64 "  %s", width,
			    names[i], src->m.generation, src->m.rows, src->m.nchunks, src->m.bytes,
			    ffs_show_encoding(&src->m));
		rc = ffs_json_print(&j, inv->out);
		ffs_source_unref(src);
	}
	ffs_json_release(&j);
	ffs_catalog_free_names(names);
	return rc;
}

/* --- chunks --- */

/* A signed URL at the first of the object's nodes.  NULL: reported. */
static char *
presign(const struct ffs_inventory *inv, const struct ffs_source *src, const char *node,
    const char *key)
{
	int i = ffs_nodes_find(&inv->stores->nodes, node);
	struct ffs_s3 *s3;
	char text[512], *url;

	if (i < 0) {
		fail(inv, FFS_EXIT_NOTFOUND, "cannot sign for 's3://%s/%s': %s", src->bucket, key,
		    ffs_nodes_unknown(&inv->stores->nodes, node, text, sizeof(text)));
		return NULL;
	}
	s3 = ffs_stores_get(inv->stores, (size_t)i);
	url = s3 ? ffs_s3_presign(s3, src->bucket, key, inv->presign) : NULL;
	if (!url)
		fail(inv, FFS_EXIT_FAIL, "cannot sign for 's3://%s/%s': %s", src->bucket, key,
		    strerror(errno));
	return url;
}

static int
list_chunk(const struct ffs_inventory *inv, const struct ffs_source *src, bool message, size_t i,
    struct ffs_json *j)
{
	const struct ffs_chunk *c = &src->m.chunks[i];
	const struct ffs_object *o = message ? &c->message : &c->data;
	char *url;
	int rc;

	if (inv->presign)
		url = presign(inv, src, c->data.nodes[0], o->key);
	else if (asprintf(&url, "s3://%s/%s", src->bucket, o->key) < 0)
		return -ENOMEM;
	if (!url)
		return 0;
	if (inv->json)
		ffs_show_chunk(j, src->bucket, &src->m, i, url);
	else
		ffs_buf_adds(&j->buf, url);
	rc = ffs_json_print(j, inv->out);
	free(url);
	return rc;
}

static int
list_chunks(const struct ffs_inventory *inv, const struct ffs_select *sel)
{
	struct ffs_source *src = open_source(inv, sel->name, sel->generation);
	struct ffs_json j = FFS_JSON_INIT;
	size_t i, end;
	const char *why;
	int rc;

	if (!src)
		return 0;
	rc = ffs_select_span(sel, &src->m, &i, &end, &why);
	if (rc) {
		fail(inv, rc == -ENODATA ? FFS_EXIT_USAGE : FFS_EXIT_NOTFOUND, "dataset '%s': %s",
		    sel->name, why);
		rc = 0;
		end = i = 0;
	}
	for (; i < end && !rc && !*inv->stop; i++)
		rc = list_chunk(inv, src, sel->message, i, &j);
	ffs_json_release(&j);
	ffs_source_unref(src);
	return rc;
}

static int
list_name(const struct ffs_inventory *inv, const char *name)
{
	struct ffs_select sel = *inv->select;
	int rc;

	if (!name || ffs_select_is_pattern(name))
		return list_datasets(inv, name);
	sel.name = NULL;
	rc = ffs_select_parse_name(&sel, name);
	if (!rc)
		rc = list_chunks(inv, &sel);
	ffs_select_release(&sel);
	return rc;
}

int
ffs_inventory_list(const struct ffs_inventory *inv, char *const *names, size_t n)
{
	size_t i;
	int rc = n ? 0 : list_name(inv, NULL);

	for (i = 0; i < n && !rc; i++)
		rc = list_name(inv, names[i]);
	return rc;
}
