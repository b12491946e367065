/* The programs of connections pass the verifier whatever they are loaded with: it looks at less of
 * them where constants say that it is never run. */
#include <bpf/libbpf.h>

#include "bpf/watch.h"
#include "tests/unit/check.h"

#include "watch.skel.h"

static void
load(int on, unsigned uids, unsigned exclude, int mptcp)
{
	struct watch_bpf *w = watch_bpf__open();
	struct bpf_program *p;

	CHECK(w);
	if (!w)
		return;
	bpf_object__for_each_program(p, w->obj)
	    bpf_program__set_autoload(p, p != w->progs.ffs_traffic);
	w->rodata->redirect = on;
	w->rodata->uids_n = uids;
	w->rodata->exclude_n = exclude;
	w->rodata->knows_mptcp = mptcp;
	CHECK(!watch_bpf__load(w), "redirect %d, %u users, %u programs, MPTCP %d", on, uids,
	    exclude, mptcp);
	watch_bpf__destroy(w);
}

int
main(void)
{
	int on, mptcp;

	libbpf_set_print(NULL);
	for (on = 0; on < 2; on++)
		for (mptcp = 0; mptcp < 2; mptcp++) {
			load(on, 0, 0, mptcp);
			load(on, 1, FFS_EXCLUDE_MAX, mptcp);
			load(on, FFS_UIDS_MAX, 1, mptcp);
			load(on, FFS_UIDS_MAX, FFS_EXCLUDE_MAX, mptcp);
		}
	return failed;
}
