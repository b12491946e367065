#include "common/base/place.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "common/base/loopback.h"
#include "common/base/opt.h"

static void
make_url(struct ffs_place *p)
{
	const struct sockaddr_in *in = (const struct sockaddr_in *)&p->sa;
	const struct sockaddr_in6 *in6 = (const struct sockaddr_in6 *)&p->sa;
	char host[INET6_ADDRSTRLEN] = "127.0.0.1";
	bool six = p->sa.ss_family == AF_INET6;
	unsigned port = ntohs(six ? in6->sin6_port : in->sin_port);

	if (six && !IN6_IS_ADDR_UNSPECIFIED(&in6->sin6_addr))
		inet_ntop(AF_INET6, &in6->sin6_addr, host, sizeof(host));
	else if (!six && in->sin_addr.s_addr)
		inet_ntop(AF_INET, &in->sin_addr, host, sizeof(host));
	snprintf(p->url, sizeof(p->url), strchr(host, ':') ? "http://[%s]:%u" : "http://%s:%u",
	    host, port);
}

int
ffs_place_parse(struct ffs_place *p, const char *text, char *why, size_t n)
{
	struct addrinfo hints = { .ai_flags = AI_PASSIVE, .ai_socktype = SOCK_STREAM }, *ai;
	char host[512], *port, *name = host;
	uint64_t number;
	int rc;

	if (snprintf(host, sizeof(host), "%s", text) >= (int)sizeof(host)) {
		snprintf(why, n, "bad address: too long");
		return -EINVAL;
	}
	port = strrchr(host, ':');
	if (!port || port == host) {
		snprintf(why, n, "bad address '%s': want ADDR:PORT", text);
		return -EINVAL;
	}
	*port++ = '\0';
	if (ffs_opt_uint(port, 0, 65535, &number)) {
		snprintf(why, n, "bad port in '%s'", text);
		return -EINVAL;
	}
	if (host[0] == '[' && port[-2] == ']') {
		port[-2] = '\0';
		name++;
	} else if (strchr(host, ':')) {
		snprintf(why, n, "bad address '%s': an IPv6 address goes in brackets", text);
		return -EINVAL;
	}
	rc = getaddrinfo(name, port, &hints, &ai);
	if (rc) {
		snprintf(why, n, "bad address '%s': %s", text, gai_strerror(rc));
		return -EINVAL;
	}
	memset(p, 0, sizeof(*p));
	memcpy(&p->sa, ai->ai_addr, ai->ai_addrlen);
	p->len = ai->ai_addrlen;
	p->loopback = ffs_loopback_is((const struct sockaddr *)&p->sa);
	freeaddrinfo(ai);
	make_url(p);
	return 0;
}

int
ffs_place_listen(struct ffs_place *p)
{
	int on = 1, rc = 0, fd;

	fd = socket(p->sa.ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return -errno;
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	if (bind(fd, (struct sockaddr *)&p->sa, p->len) || listen(fd, SOMAXCONN) ||
	    getsockname(fd, (struct sockaddr *)&p->sa, &p->len))
		rc = -errno;
	if (rc) {
		close(fd);
		return rc;
	}
	make_url(p);
	return fd;
}
