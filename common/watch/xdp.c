#include "common/watch/xdp.h"

#include <errno.h>

#include <bpf/bpf.h>
#include <linux/if_link.h>

static int
attach(int ifindex, int prog, unsigned mode)
{
	LIBBPF_OPTS(bpf_link_create_opts, o, .flags = mode);
	int fd = bpf_link_create(prog, ifindex, BPF_XDP, &o);

	return fd < 0 ? -errno : fd;
}

int
ffs_xdp_attach(int ifindex, int prog, bool *native, int *instead)
{
	int fd = attach(ifindex, prog, XDP_FLAGS_DRV_MODE);

	*native = fd >= 0;
	*instead = 0;
	/* EEXIST: others have one there generically, and a device has either. */
	if (fd == -EBUSY || fd == -EEXIST)
		return -EBUSY;
	if (fd >= 0 || fd == -EPERM || fd == -ENODEV || fd == -ENOMEM)
		return fd;
	*instead = fd;
	fd = attach(ifindex, prog, XDP_FLAGS_SKB_MODE);
	return fd == -EEXIST ? -EBUSY : fd;
}
