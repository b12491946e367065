#ifndef FFS_ADDRESSES_H
#define FFS_ADDRESSES_H

#include <stdbool.h>
#include <stddef.h>

#include "bpf/watch.h"
#include "common/s3/nodes.h"

/*
 * The kernel knows a server by its address and port; the configuration by its endpoint's URL.  This
 * translates one into the other.
 */
struct ffs_addresses {
	struct {
		__u8 addr[16]; /* IPv4 as v4-mapped */
		__u16 port;
		bool tls;
		char *url;
	} * v;
	size_t n;
};

/*
 * Look up the addresses of all endpoints of the list, by name service where they are names
 * (which may take its time); what cannot be found is left out.  localhost is
 * both 127.0.0.1 and ::1.  0 or -ENOMEM.
 */
int ffs_addresses_init(struct ffs_addresses *a, const struct ffs_nodes *ns);
void ffs_addresses_release(struct ffs_addresses *a);

/* The address that stands for a store with TLS and this name, whatever its addresses are; false for
 * an address, which stands for itself. */
bool ffs_addresses_name(const char *host, __u8 addr[16]);

/* The endpoint's URL as ffs_endpoint_url() spells it, a's; NULL for one that is not configured.  Of
 * several at one address, the first of the list. */
const char *ffs_addresses_find(const struct ffs_addresses *a, const struct ffs_object_id *id);

/* "http://127.0.0.1:9000", "https://[::1]:9000": for one that is not configured, into buf. */
#define FFS_ADDRESSES_URL 64
const char *ffs_addresses_url(const struct ffs_object_id *id, char buf[FFS_ADDRESSES_URL]);

#endif
