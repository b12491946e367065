/* SPDX-License-Identifier: MIT */
#ifndef FFS_EVENT_BPF_H
#define FFS_EVENT_BPF_H

/* Events to user space.  They are put together in the scratch, so that only as much of the ring is
 * used as the name is long. */

/* The scratch's event, but for its name. */
static __always_inline void
event_begin(struct scratch *s, __u32 type, __u32 flags, const struct ffs_object_id *id, __u64 now)
{
	struct ffs_event *e = &s->event;

	e->ns = now;
	e->type = type;
	e->flags = flags;
	e->id = *id;
	e->reads = e->size = e->interval_ns = e->lat_mean_ns = 0;
	e->uid = (__u32)-1;
	e->pad = 0;
}

/* 0: sent. */
static __always_inline int
event_send(struct scratch *s, __u32 counter)
{
	__u32 n = s->event.text_len;

	if (n > FFS_TEXT_MAX)
		return -1;
	n += offsetof(struct ffs_event, text);
	asm volatile("" : "+r"(n));
	if (n > sizeof(s->event))
		return -1;
	if (bpf_ringbuf_output(&events, &s->event, n, 0)) {
		count(FFS_COUNT_ring_full);
		return -1;
	}
	count(counter);
	return 0;
}

/* A stored name into the scratch's event. */
static __always_inline void
event_name(struct scratch *s, const struct ffs_object_name *name)
{
	const __u64 *from = (const __u64 *)name;
	__u64 *to = (__u64 *)&s->event.bucket_len;
	__u32 len = name->bucket_len + 1 + name->key_len + name->version_len;

	for (__u32 i = 0; i < sizeof(*name) / 8; i++) {
		if (i * 8 >= 8 + len)
			break;
		to[i] = from[i];
	}
	s->event.text_len = len;
}

#endif
