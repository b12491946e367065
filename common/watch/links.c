#include "common/watch/links.h"

#include <errno.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <linux/netlink.h>
#include <linux/rtnetlink.h>

int
ffs_links_open(void)
{
	struct sockaddr_nl sa = { .nl_family = AF_NETLINK, .nl_groups = RTMGRP_LINK };
	int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, NETLINK_ROUTE);
	int rc;

	if (fd < 0)
		return -errno;
	if (!bind(fd, (struct sockaddr *)&sa, sizeof(sa)))
		return fd;
	rc = -errno;
	close(fd);
	return rc;
}

int
ffs_links_ask(int fd)
{
	struct {
		struct nlmsghdr h;
		struct ifinfomsg i;
	} ask = {
		.h = { .nlmsg_len = sizeof(ask),
		    .nlmsg_type = RTM_GETLINK,
		    .nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP },
		.i = { .ifi_family = AF_UNSPEC },
	};

	return send(fd, &ask, sizeof(ask), 0) < 0 ? -errno : 0;
}

static bool
parse(const struct nlmsghdr *h, struct ffs_link *link)
{
	const struct ifinfomsg *i = NLMSG_DATA(h);
	const struct rtattr *a;
	unsigned left;

	if (h->nlmsg_len < NLMSG_LENGTH(sizeof(*i)))
		return false;
	*link = (struct ffs_link){
		.index = i->ifi_index,
		.flags = i->ifi_flags,
		.type = i->ifi_type,
	};
	left = (unsigned)(h->nlmsg_len - NLMSG_LENGTH(sizeof(*i)));
	for (a = IFLA_RTA(i); RTA_OK(a, left); a = RTA_NEXT(a, left)) {
		if (a->rta_type != IFLA_IFNAME || RTA_PAYLOAD(a) > sizeof(link->name))
			continue;
		memcpy(link->name, RTA_DATA(a), RTA_PAYLOAD(a));
		link->name[sizeof(link->name) - 1] = '\0';
	}
	/* Bridges tell of their ports by messages of their own family, and end with such. */
	return link->name[0] && i->ifi_family == AF_UNSPEC;
}

int
ffs_links_read(int fd, void (*each)(void *arg, const struct ffs_link *link, bool gone), void *arg)
{
	_Alignas(struct nlmsghdr) char buf[32768];
	const struct nlmsghdr *h;
	struct ffs_link link;
	unsigned left;
	ssize_t n;

	for (;;) {
		n = recv(fd, buf, sizeof(buf), 0);
		if (n < 0 && errno == ENOBUFS)
			return ffs_links_ask(fd);
		if (n < 0)
			return errno == EAGAIN || errno == EINTR ? 0 : -errno;
		left = (unsigned)n;
		for (h = (void *)buf; NLMSG_OK(h, left); h = NLMSG_NEXT(h, left))
			if ((h->nlmsg_type == RTM_NEWLINK || h->nlmsg_type == RTM_DELLINK) &&
			    parse(h, &link))
				each(arg, &link, h->nlmsg_type == RTM_DELLINK);
	}
}
