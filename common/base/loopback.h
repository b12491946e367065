#ifndef FFS_LOOPBACK_H
#define FFS_LOOPBACK_H

#include <stdbool.h>
#include <sys/socket.h>

/* Whether a is 127.0.0.0/8, ::1 or the former mapped into IPv6.  NULL is not. */
bool ffs_loopback_is(const struct sockaddr *a);

/* The same of a URL's "HOST[:PORT]...", without asking anybody; localhost too. */
bool ffs_loopback_host(const char *host);

/*
 * For a TCP socket between two programs of this machine: Reno, which every kernel has and
 * anybody may choose, instead of the system's congestion control.  There is no congestion to
 * find on loopback, but BBR paces (tcp_bbr.c) by what it takes for a bottleneck: 1.2 MB, for
 * which Reno needs 0.35 ms, take 0.3 or 0.55 ms, as the connection's first samples fall.
 * Other connections keep what the administrator chose.  Errors do not matter.
 */
void ffs_loopback_tune(int fd);

#endif
