#include "common/screen/livedataset.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/opt.h"
#include "common/dataset/catalog.h"
#include "common/screen/live.h"

/* "NAME@GENERATION" into its parts; *name is to be freed.  0, -EINVAL, -ENOMEM. */
static int
split(const char *s, char **name, uint64_t *generation)
{
	char *at;
	int rc = 0;

	*generation = 0;
	*name = strdup(s);
	if (!*name)
		return -ENOMEM;
	at = strchr(*name, '@');
	if (at) {
		*at = '\0';
		rc = ffs_opt_uint(at + 1, 1, UINT64_MAX, generation);
	}
	return rc || !ffs_dataset_name_ok(*name) ? -EINVAL : 0;
}

bool
ffs_live_dataset_ok(const char *s)
{
	uint64_t generation;
	char *name;
	int rc = split(s, &name, &generation);

	free(name);
	return !rc;
}

static int
show(struct ffs_model *m, const struct ffs_source *src, const char *primary)
{
	const char **keys = calloc(src->m.nchunks + 1, sizeof(*keys));
	char *title = NULL;
	size_t i;
	int rc = -ENOMEM;

	if (!keys || asprintf(&title, "%s@%" PRIu64, src->m.dataset, src->m.generation) < 0)
		goto out;
	for (i = 0; i < src->m.nchunks; i++)
		keys[i] = src->m.chunks[i].data.key;
	rc = ffs_model_dataset(m, title, primary, src->bucket, keys, src->m.nchunks);
	free(title);
out:
	free(keys);
	return rc;
}

int
ffs_live_dataset_read(struct ffs_model *m, const char *dataset, const char *primary, char **why)
{
	struct ffs_config_opts config = { 0 };
	struct ffs_stores st;
	struct ffs_source *src = NULL;
	char *name = NULL, *detail = NULL;
	uint64_t generation;
	size_t stale;
	int rc;

	rc = ffs_stores_init(&st, &config, NULL, &detail);
	if (rc)
		goto out;
	rc = split(dataset, &name, &generation);
	if (!rc)
		rc = ffs_catalog_open(
		    &st, ffs_config_bucket(), name, generation, &src, &stale, &detail);
	if (!rc)
		rc = show(m, src, primary);
	ffs_source_unref(src);
	ffs_stores_release(&st);
out:
	if (rc && asprintf(why, "cannot read dataset '%s': %s", dataset,
		      detail ? detail : strerror(-rc)) < 0)
		*why = NULL;
	free(detail);
	free(name);
	return rc;
}
