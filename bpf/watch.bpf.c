/* SPDX-License-Identifier: MIT */
/*
 * All kernel programs, one object: see maps.bpf.h for why.  Each file below says what it is for;
 * they are in the order in which a packet meets them.
 *
 * What is __noinline is verified once, however often it is called; what every request passes is
 * not, for a return costs as much as ten instructions where processors are guarded (Safe RET).
 */
#include <stddef.h>

#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/in.h>
#include <linux/ip.h>
#include <linux/ipv6.h>
#include <linux/pkt_cls.h>
#include <linux/tcp.h>

#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

#include "bpf/tls.h"
#include "bpf/watch.h"

#include "bpf/maps.bpf.h"
#include "bpf/word.bpf.h"
#include "bpf/packet.bpf.h"
#include "bpf/event.bpf.h"
#include "bpf/object.bpf.h"
#include "bpf/head.bpf.h"
#include "bpf/name.bpf.h"
#include "bpf/host.bpf.h"
#include "bpf/request.bpf.h"
#include "bpf/response.bpf.h"
#include "bpf/traffic.bpf.h"
#include "bpf/xdp.bpf.h"
#include "bpf/redirect.bpf.h"
#include "bpf/tls.bpf.h"
#include "bpf/tune.bpf.h"

char LICENSE[] SEC("license") = "Dual MIT/GPL";
