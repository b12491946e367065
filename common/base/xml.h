#ifndef FFS_XML_H
#define FFS_XML_H

#include <stdbool.h>
#include <stddef.h>

#include "common/base/buf.h"

/*
 * A reader of the small documents that S3's clients and stores send each other.  They may be
 * hostile: size, depth, names and texts are bounded, and a document type, with which entities and
 * their explosions would come, is refused.  Name spaces are left out.
 */
struct ffs_xml {
	/* The caller's: an element begins (may be NULL), or ends.  Other than 0 ends the parse. */
	int (*start)(struct ffs_xml *x);
	int (*end)(struct ffs_xml *x);
	void *arg;
	/* The element, inside those that it is in: name[0..depth). */
	char name[8][64];
	int depth;
	struct ffs_buf text; /* at its end: what is in it, p never NULL */
	/* Its own. */
	int rc;
	void *parser;
};

/* Returns 0; -EBADMSG; -ENOMEM; or what start() or end() returned. */
int ffs_xml_parse(struct ffs_xml *x, const char *xml, size_t n);

/* Is the element of this name, at this depth (the root has 1), in such a parent (NULL: any). */
bool ffs_xml_at(const struct ffs_xml *x, int depth, const char *parent, const char *name);

#endif
