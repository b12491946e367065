#ifndef FFS_TARGETS_H
#define FFS_TARGETS_H

#include "common/base/buf.h"
#include "common/s3/nodes.h"
#include "common/watch/load.h"

/*
 * What to watch, from the configured endpoints: their ports and host names, and always port 9000,
 * where ffs-node serves by default.  ports (--ports; NULL: none) says "9000,8000-8010" instead of
 * those.  tls (--tls; NULL: not) says the same of TLS, "" that of HTTPS endpoints, or 443 where
 * there are none.  *told is a text for the user: each port and where it came from; *not_told
 * endpoints that are not watched (HTTPS without tls), "" where there are none.  0 or -errno;
 * -EINVAL for ports that are none.
 */
int ffs_targets_find(struct ffs_load_targets *t, const struct ffs_nodes *ns, const char *ports,
    const char *tls, struct ffs_buf *told, struct ffs_buf *not_told);

/* Is this a list of ports. */
bool ffs_targets_ports_ok(const char *ports);

/* "http://[::1]:9000" to "::1" (free it), 9000, and whether it is https.  0 or -errno. */
int ffs_targets_split(const char *url, char **host, uint16_t *port, bool *tls);

#endif
