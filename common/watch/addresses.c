#include "common/watch/addresses.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <errno.h>
#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/watch/targets.h"

static const __u8 mapped[12] = { 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff };

static int
add(struct ffs_addresses *a, const __u8 addr[16], uint16_t port, const char *url)
{
	void *v = reallocarray(a->v, a->n + 1, sizeof(*a->v));

	if (!v)
		return -ENOMEM;
	a->v = v;
	memcpy(a->v[a->n].addr, addr, 16);
	a->v[a->n].port = port;
	a->v[a->n].tls = !strncmp(url, "https:", 6);
	a->v[a->n].url = strdup(url);
	return a->v[a->n++].url ? 0 : -ENOMEM;
}

static int
add_sockaddr(struct ffs_addresses *a, const struct sockaddr *sa, uint16_t port, const char *url)
{
	__u8 addr[16];

	if (sa->sa_family == AF_INET) {
		memcpy(addr, mapped, 12);
		memcpy(addr + 12, &((const struct sockaddr_in *)sa)->sin_addr, 4);
	} else if (sa->sa_family == AF_INET6) {
		memcpy(addr, &((const struct sockaddr_in6 *)sa)->sin6_addr, 16);
	} else {
		return 0;
	}
	return add(a, addr, port, url);
}

bool
ffs_addresses_name(const char *host, __u8 addr[16])
{
	/* RFC 6666: what is sent there is dropped. */
	static const __u8 discard[8] = { 0x01 };
	uint64_t h = 0xcbf29ce484222325; /* FNV-1a */
	unsigned char any[16];

	if (inet_pton(AF_INET, host, any) == 1 || inet_pton(AF_INET6, host, any) == 1)
		return false;
	for (; *host; host++)
		h = (h ^ (__u8)tolower((unsigned char)*host)) * 0x100000001b3;
	memcpy(addr, discard, 8);
	memcpy(addr + 8, &h, 8);
	return true;
}

static int
add_node(struct ffs_addresses *a, const char *url)
{
	static const struct sockaddr_in v4 = { .sin_family = AF_INET,
		.sin_addr = { .s_addr = __builtin_bswap32(INADDR_LOOPBACK) } };
	static const struct sockaddr_in6 v6 = { .sin6_family = AF_INET6,
		.sin6_addr = IN6ADDR_LOOPBACK_INIT };
	__u8 named[16];
	struct addrinfo hints = { .ai_socktype = SOCK_STREAM }, *ai = NULL, *p;
	char *host = NULL;
	uint16_t port;
	bool tls;
	int rc = ffs_targets_split(url, &host, &port, &tls);

	if (rc)
		return rc == -ENOMEM ? rc : 0;
	if (tls && ffs_addresses_name(host, named))
		rc = add(a, named, port, url);
	if (getaddrinfo(host, NULL, &hints, &ai))
		ai = NULL;
	for (p = ai; !rc && p; p = p->ai_next)
		rc = add_sockaddr(a, p->ai_addr, port, url);
	if (!rc && !strcasecmp(host, "localhost")) {
		rc = add_sockaddr(a, (const struct sockaddr *)&v4, port, url);
		if (!rc)
			rc = add_sockaddr(a, (const struct sockaddr *)&v6, port, url);
	}
	if (ai)
		freeaddrinfo(ai);
	free(host);
	return rc;
}

int
ffs_addresses_init(struct ffs_addresses *a, const struct ffs_nodes *ns)
{
	size_t i;
	int rc = 0;

	*a = (struct ffs_addresses){ 0 };
	for (i = 0; !rc && i < ns->n; i++)
		rc = add_node(a, ns->v[i].ep.url);
	if (rc)
		ffs_addresses_release(a);
	return rc;
}

void
ffs_addresses_release(struct ffs_addresses *a)
{
	size_t i;

	for (i = 0; i < a->n; i++)
		free(a->v[i].url);
	free(a->v);
	*a = (struct ffs_addresses){ 0 };
}

const char *
ffs_addresses_find(const struct ffs_addresses *a, const struct ffs_object_id *id)
{
	size_t i;

	for (i = 0; i < a->n; i++)
		if (a->v[i].port == id->port && a->v[i].tls == !!id->tls &&
		    !memcmp(a->v[i].addr, id->addr, 16))
			return a->v[i].url;
	return NULL;
}

const char *
ffs_addresses_url(const struct ffs_object_id *id, char buf[FFS_ADDRESSES_URL])
{
	char host[INET6_ADDRSTRLEN];
	const char *scheme = id->tls ? "https" : "http";

	if (!memcmp(id->addr, mapped, 12)) {
		inet_ntop(AF_INET, id->addr + 12, host, sizeof(host));
		snprintf(buf, FFS_ADDRESSES_URL, "%s://%s:%u", scheme, host, id->port);
	} else {
		inet_ntop(AF_INET6, id->addr, host, sizeof(host));
		snprintf(buf, FFS_ADDRESSES_URL, "%s://[%s]:%u", scheme, host, id->port);
	}
	return buf;
}
