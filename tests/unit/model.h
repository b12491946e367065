#ifndef FFS_UNIT_MODEL_H
#define FFS_UNIT_MODEL_H

#include <stdio.h>
#include <string.h>

#include "common/screen/model.h"

/* Objects as the kernel would tell of them, for the tests of model and drawing. */

static struct ffs_object_id
object_id(unsigned i)
{
	struct ffs_object_id id = { .addr = { [10] = 0xff, 0xff, 127, 0, 0, 1 },
		.port = 9000,
		.hash = i * 0x9e3779b97f4a7c15ull };

	return id;
}

/* Tell the model of object i, read so often, named by fmt if it asks. */
static struct ffs_model_row *
object_see(struct ffs_model *m, unsigned i, uint64_t reads, const char *key, size_t key_len)
{
	struct ffs_object_id id = object_id(i);
	struct ffs_object_stat s = { .reads = reads,
		.heat = reads,
		.bytes = reads * 1000 * (i + 1),
		.last_ns = m->now_ns > i * 1000 ? m->now_ns - i * 1000 : 0,
		.lat_count = reads,
		.lat_sum_ns = reads * 500000 * (i + 1),
		.hot_ns = reads >= 2,
		.uid = 1000,
		.comm = "python3" };
	struct ffs_model_row *row;
	bool fresh;

	s.lat[i % FFS_LAT_BUCKETS] = (uint32_t)reads;
	row = ffs_model_see(m, &id, &s, &fresh);
	if (row && fresh)
		ffs_model_name(m, row, "http://127.0.0.1:9000", "ffs", key, key_len, false);
	return row;
}

static void
object_see_nth(struct ffs_model *m, unsigned i, uint64_t reads)
{
	char key[64];

	snprintf(key, sizeof(key), "lobster/1/%05u.csv", i);
	object_see(m, i, reads, key, strlen(key));
}

#endif
