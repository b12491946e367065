#include "common/base/loopback.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>

bool
ffs_loopback_is(const struct sockaddr *a)
{
	const struct in6_addr *six;

	if (!a)
		return false;
	if (a->sa_family == AF_INET)
		return ntohl(((const struct sockaddr_in *)a)->sin_addr.s_addr) >> 24 == 127;
	if (a->sa_family != AF_INET6)
		return false;
	six = &((const struct sockaddr_in6 *)a)->sin6_addr;
	return IN6_IS_ADDR_LOOPBACK(six) || (IN6_IS_ADDR_V4MAPPED(six) && six->s6_addr[12] == 127);
}

bool
ffs_loopback_host(const char *host)
{
	size_t n = strcspn(host, ":");

	/* All of it a number: "127.example.com" may be anywhere. */
	return (!strncmp(host, "127.", 4) && strspn(host, "0123456789.") == n) ||
	       !strncmp(host, "[::1]", 5) || (n == 9 && !strncmp(host, "localhost", 9));
}

void
ffs_loopback_tune(int fd)
{
	static const char name[] = "reno";

	(void)setsockopt(fd, IPPROTO_TCP, TCP_CONGESTION, name, sizeof(name) - 1);
}
