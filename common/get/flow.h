#ifndef FFS_FLOW_H
#define FFS_FLOW_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/get/block.h"
#include "common/dataset/manifest.h"

/*
 * The stored bytes of one large object, in order, on their way out: checksums
 * over them, and decoding.  Memory does not grow with the object.
 */
struct ffs_flow {
	const struct ffs_object *object;
	bool unchecked; /* no checksum is known */
	uint32_t crc, plain_crc;
	uint64_t plain;   /* bytes given out */
	void *zstd;       /* decoder, or NULL */
	size_t at, begun; /* of the block in work: what was decoded, was it counted */
	/* A block for plain bytes, or NULL with errno; EAGAIN: ask again when others came back. */
	struct ffs_block *(*room)(void *arg, size_t n);
	/* Takes a block of plain bytes (NULL: none), the last ones with last.  0 or -errno. */
	int (*give)(void *arg, struct ffs_block *block, bool last);
	void *arg;
};

void ffs_flow_init(struct ffs_flow *f, const struct ffs_object *object, bool unchecked);
void ffs_flow_release(struct ffs_flow *f);

/*
 * The next stored bytes.  Takes *block and sets it to NULL where it could be
 * given on as it is.  Returns 0; -EAGAIN from room(): call again with the same block;
 * -EBADMSG for wrong bytes; -errno of give().
 */
int ffs_flow_feed(struct ffs_flow *f, struct ffs_block **block, bool last);

/*
 * All of a stored object at once: decode block into plain, which has room for
 * object->plain_bytes, and check them.  0, -EBADMSG or -ENOMEM.
 */
int ffs_flow_decode(
    const struct ffs_object *object, const struct ffs_block *block, struct ffs_block *plain);

#endif
