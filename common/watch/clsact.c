#include "common/watch/clsact.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <linux/netlink.h>
#include <linux/pkt_sched.h>
#include <linux/rtnetlink.h>

#include "common/watch/load.h"
#include "common/watch/pins.h"

/* Ours, and unlikely to be anybody else's.  Early in the chain, since a filter that says TC_ACT_OK
 * hides what it saw from those behind it. */
#define HANDLE 0xff5
#define PRIORITY 7

static const enum bpf_tc_attach_point points[] = { BPF_TC_EGRESS, BPF_TC_INGRESS };

/* libbpf prints what the kernel says of a qdisc or filter that is there, or not there, already. */
static int
hook_create(struct bpf_tc_hook *hook)
{
	libbpf_print_fn_t before = libbpf_set_print(NULL);
	int rc = bpf_tc_hook_create(hook);

	libbpf_set_print(before);
	return rc;
}

static int
query(const struct bpf_tc_hook *hook, struct bpf_tc_opts *opts)
{
	libbpf_print_fn_t before = libbpf_set_print(NULL);
	int rc = bpf_tc_query(hook, opts);

	libbpf_set_print(before);
	return rc;
}

static char *
marker(const char *dir, int ifindex)
{
	char name[32];

	snprintf(name, sizeof(name), FFS_PINS_CLSACT "/%d", ifindex);
	return ffs_pins_path(dir, name);
}

int
ffs_clsact_attach(const char *dir, int ifindex, bool both, int prog_fd)
{
	LIBBPF_OPTS(
	    bpf_tc_hook, hook, .ifindex = ifindex, .attach_point = BPF_TC_INGRESS | BPF_TC_EGRESS);
	char *made = marker(dir, ifindex);
	int i, rc = -errno;

	if (!made)
		return rc;
	rc = hook_create(&hook);
	if (!rc && mkdir(made, 0700) && errno != EEXIST)
		rc = -errno;
	free(made);
	if (rc && rc != -EEXIST)
		return rc;
	for (i = 0; i < 1 + both; i++) {
		LIBBPF_OPTS(bpf_tc_opts, opts, .prog_fd = prog_fd, .flags = BPF_TC_F_REPLACE,
		    .handle = HANDLE, .priority = PRIORITY);

		hook.attach_point = points[i];
		rc = bpf_tc_attach(&hook, &opts);
		if (rc)
			return rc;
	}
	return 0;
}

/* Is it a program of ours, by its name: the number is another load's. */
static bool
is_ours(__u32 prog_id)
{
	struct bpf_prog_info info = { 0 };
	__u32 len = sizeof(info);
	int fd = bpf_prog_get_fd_by_id(prog_id);
	bool ours;

	if (fd < 0)
		return false;
	ours = !bpf_obj_get_info_by_fd(fd, &info, &len) &&
	       !strncmp(info.name, FFS_LOAD_TRAFFIC, sizeof(info.name) - 1);
	close(fd);
	return ours;
}

/* Does any filter hang below this handle of an interface: asked of rtnetlink, as tc filter show. */
static int
has_filters(int fd, int ifindex, __u32 parent)
{
	_Alignas(struct nlmsghdr) char buf[16384];
	struct {
		struct nlmsghdr h;
		struct tcmsg t;
	} ask = {
		.h = { .nlmsg_len = sizeof(ask),
		    .nlmsg_type = RTM_GETTFILTER,
		    .nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP },
		.t = { .tcm_ifindex = ifindex, .tcm_parent = parent },
	};
	const struct nlmsghdr *h;
	unsigned left;
	int found = 0;
	ssize_t n;

	if (send(fd, &ask, sizeof(ask), 0) < 0)
		return -errno;
	for (;;) {
		n = recv(fd, buf, sizeof(buf), 0);
		if (n < 0)
			return -errno;
		left = (unsigned)n;
		for (h = (void *)buf; NLMSG_OK(h, left); h = NLMSG_NEXT(h, left)) {
			if (h->nlmsg_type == NLMSG_DONE || h->nlmsg_type == NLMSG_ERROR)
				return found;
			found |= h->nlmsg_type == RTM_NEWTFILTER;
		}
	}
}

static bool
in_use(int ifindex)
{
	static const __u32 parents[] = { TC_H_MAKE(TC_H_CLSACT, TC_H_MIN_INGRESS),
		TC_H_MAKE(TC_H_CLSACT, TC_H_MIN_EGRESS) };
	int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);
	bool used = fd < 0;
	int i;

	/* In doubt it stays. */
	for (i = 0; !used && i < 2; i++)
		used = has_filters(fd, ifindex, parents[i]) != 0;
	if (fd >= 0)
		close(fd);
	return used;
}

/* Remove the qdisc, if the directory remembers that we made it. */
static void
destroy(const char *dir, int ifindex)
{
	LIBBPF_OPTS(
	    bpf_tc_hook, hook, .ifindex = ifindex, .attach_point = BPF_TC_INGRESS | BPF_TC_EGRESS);
	char *made = marker(dir, ifindex);
	libbpf_print_fn_t before;

	if (made && !rmdir(made) && !in_use(ifindex)) {
		before = libbpf_set_print(NULL);
		bpf_tc_hook_destroy(&hook);
		libbpf_set_print(before);
	}
	free(made);
}

int
ffs_clsact_detach(const char *dir, int ifindex)
{
	int i, rc, n = 0;

	for (i = 0; i < 2; i++) {
		LIBBPF_OPTS(bpf_tc_hook, hook, .ifindex = ifindex, .attach_point = points[i]);
		LIBBPF_OPTS(bpf_tc_opts, opts, .handle = HANDLE, .priority = PRIORITY);

		if (query(&hook, &opts) || !is_ours(opts.prog_id))
			continue;
		opts.flags = opts.prog_fd = opts.prog_id = 0;
		rc = bpf_tc_detach(&hook, &opts);
		if (rc && rc != -ENOENT)
			return rc;
		n++;
	}
	destroy(dir, ifindex);
	return n;
}

void
ffs_clsact_forget(const char *dir, int ifindex)
{
	char *made = marker(dir, ifindex);

	if (made)
		rmdir(made);
	free(made);
}
