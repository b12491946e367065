/*
 * A line that ffs-cache reads: whatever it is, what is taken from it is a name that may be asked
 * for.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "common/dataset/manifest.h"
#include "common/follow/shelf.h"
#include "common/follow/wish.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static char name[] = "a", url[] = "http://h:9000";
	static struct ffs_node node = { .name = name, .ep.url = url };
	static const struct ffs_nodes nodes = { .v = &node, .n = 1 };
	const char *why = NULL;
	struct ffs_wish w;
	int rc = ffs_wish_parse_line(&w, &nodes, (const char *)data, size, &why);

	if (rc < 0 && !why)
		abort();
	if (!rc && w.dataset && strlen(w.dataset) > FFS_DATASET_NAME_MAX)
		abort();
	if (!rc && !w.dataset && (!w.bucket || strlen(w.bucket) > 63 || !*w.key))
		abort();
	if (!rc && w.key)
		ffs_shelf_is_chunk(w.key, NULL);
	ffs_wish_release(&w);
	return 0;
}
