#include <errno.h>
#include <stdio.h>

#include "common/watch/report.h"

/* Written at once: the next program of a pipe reads it now. */
static int
put(FILE *f, struct ffs_json *j, struct ffs_buf *b)
{
	int rc = j ? ffs_json_print(j, f) : ffs_buf_error(b);

	if (!j && !rc && fwrite(b->p, 1, b->len, f) != b->len)
		rc = -errno;
	if (!rc && fflush(f))
		rc = -errno;
	return rc;
}

int
ffs_report_print_head(FILE *f)
{
	struct ffs_buf b = FFS_BUF_INIT;
	int rc;

	ffs_report_head(&b);
	rc = put(f, NULL, &b);
	ffs_buf_release(&b);
	return rc;
}

int
ffs_report_print_object(FILE *f, const char *json, const struct ffs_maps *m,
    const struct ffs_maps_object *o, const struct ffs_addresses *a)
{
	struct ffs_json j = FFS_JSON_INIT;
	struct ffs_buf b = FFS_BUF_INIT;
	int rc;

	if (json)
		ffs_report_object(&j, json, m, o, a);
	else
		ffs_report_row(&b, m, o, a);
	rc = put(f, json ? &j : NULL, &b);
	ffs_json_release(&j);
	ffs_buf_release(&b);
	return rc;
}

int
ffs_report_print_counters(FILE *f, const struct ffs_maps *m)
{
	struct ffs_json j = FFS_JSON_INIT;
	int rc = ffs_report_counters(&j, m);

	if (!rc)
		rc = put(f, &j, NULL);
	ffs_json_release(&j);
	return rc;
}

static void
stats_json(struct ffs_json *j, const struct ffs_load_stats *s, double each)
{
	ffs_json_open(j);
	ffs_json_str(j, "type", "program");
	ffs_json_str(j, "name", s->name);
	ffs_json_uint(j, "runs", s->runs);
	ffs_json_uint(j, "run_ns", s->ns);
	ffs_json_fixed(j, "ns_per_run", each, 1);
	ffs_json_close(j);
}

int
ffs_report_print_stats(FILE *f, bool json, const struct ffs_load_stats *s, size_t n)
{
	struct ffs_json j = FFS_JSON_INIT;
	struct ffs_buf b = FFS_BUF_INIT;
	size_t i;
	int rc = 0;

	for (i = 0; !rc && i < n; i++) {
		if (!*s[i].name)
			continue;
		double each = s[i].runs ? (double)s[i].ns / (double)s[i].runs : 0;

		if (!*s[i].name)
			continue;
		ffs_buf_reset(&b);
		if (json)
			stats_json(&j, &s[i], each);
		else
			ffs_buf_addf(&b, "%-16s %12ju runs %9.1f ns each\n", s[i].name,
			    (uintmax_t)s[i].runs, each);
		rc = put(f, json ? &j : NULL, &b);
	}
	ffs_json_release(&j);
	ffs_buf_release(&b);
	return rc;
}
