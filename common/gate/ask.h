#ifndef FFS_ASK_H
#define FFS_ASK_H

#include <stdbool.h>
#include <stddef.h>

#include "common/gate/head.h"
#include "common/gate/written.h"

/*
 * What a request is, as far as the cache is concerned.  Only a GET or HEAD of one whole current
 * object, or a range of it, without anything whose effect on the answer is not known here, is a
 * read; everything else is passed on.
 */
enum ffs_ask_kind {
	FFS_ASK_OTHER, /* pass */
	FFS_ASK_READ,  /* GET of an object */
	FFS_ASK_HEAD,
	FFS_ASK_WRITE,        /* PUT, POST, DELETE: what is written goes, before and after */
	FFS_ASK_WRITE_BUCKET, /* POST ?delete and the like: a bucket's entries are among it */
};

struct ffs_ask {
	enum ffs_ask_kind kind;
	char *bucket, *key;         /* decoded; NULL for OTHER; of a write perhaps, too */
	struct ffs_written written; /* of a write: all that it may be of */
	bool hosted;    /* the bucket is in the host's name: where the store knows no such names it
	                   reads another object */
	bool checksums; /* x-amz-checksum-mode: ENABLED */
	bool conditional; /* it has conditions of its own: pass it as it is */
	bool if_match;    /* only If-Match: ours may be added, where match is the cache's */
	bool may_add;     /* If-None-Match is not among the signed headers */
	bool anonymous;   /* neither Authorization, nor a signature in the query, nor Cookie */
	bool no_cache;    /* Cache-Control: no-cache, no-store, max-age=0: ask the origin */
	bool plain;       /* nothing but what a signed read needs, and a key that is the same to any
	                     store ("a//b" is "a/b" to some): --max-age may answer */
	char range[256];  /* "" none; longer ones: OTHER */
	char if_range[160], match[160]; /* values of If-Range and If-Match */
};

/*
 * hosts: the names by which the store itself is addressed (origin's host, ours; a port does not
 * count), NULL at the end, so that BUCKET.HOST is virtual-hosted.  "localhost" is one of them, an
 * IP address the store itself; a read by any other name is OTHER.  Names are those of the cache and
 * of the kernel's programs: the path, percent-decoded.  0 or -ENOMEM; ffs_ask_release() frees the
 * members.
 */
int ffs_ask_parse(struct ffs_ask *a, const struct ffs_head *h, const char *const *hosts);
void ffs_ask_release(struct ffs_ask *a);

/* How many bytes of a Host field's value are a bucket's: 0, it addresses the store itself; -1,
 * nobody knows.  hosts as above. */
int ffs_ask_label(const struct ffs_span *field, const char *const *hosts);

#endif
