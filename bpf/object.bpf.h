/* SPDX-License-Identifier: MIT */
#ifndef FFS_OBJECT_BPF_H
#define FFS_OBJECT_BPF_H

/* What is counted of objects, and when they become hot. */

/* The bucket of a latency: see watch.h. */
static __always_inline __u32
lat_bucket(__u64 ns)
{
	__u64 us = ns / 1000, v = us;
	__u32 e = 0, i;

	if (us < 16)
		return 0;
	if (v >> 32)
		return FFS_LAT_BUCKETS - 1;
	if (v >> 16) {
		e += 16;
		v >>= 16;
	}
	if (v >> 8) {
		e += 8;
		v >>= 8;
	}
	if (v >> 4) {
		e += 4;
		v >>= 4;
	}
	if (v >> 2) {
		e += 2;
		v >>= 2;
	}
	e += v >> 1;
	i = (e - 4) * 4 + (us >> (e - 2) & 3);
	return i < FFS_LAT_BUCKETS ? i : FFS_LAT_BUCKETS - 1;
}

/*
 * The object of an id whose name was written when it was asked for.  NULL, and counted: there is no
 * room, or user space has just swept it.
 */
static __always_inline struct ffs_object_stat *
object_find(const struct ffs_object_id *id)
{
	static const struct ffs_object_stat none = { .uid = (__u32)-1 };
	struct ffs_object_stat *o = bpf_map_lookup_elem(&objects, id);

	if (o)
		return o;
	if (bpf_map_lookup_elem(&names, id)) {
		bpf_map_update_elem(&objects, id, &none, BPF_NOEXIST);
		o = bpf_map_lookup_elem(&objects, id);
		if (o)
			return o;
		bpf_map_delete_elem(&names, id);
	}
	count(FFS_COUNT_objects_full);
	return NULL;
}

/* HOT, of which the object's lock has decided that it is ours to send. */
static __noinline int
object_hot(const struct ffs_object_id *id, struct ffs_object_stat *o, __u64 now)
{
	struct scratch *s = scratch();
	struct ffs_object_name *name = bpf_map_lookup_elem(&names, id);

	if (!name)
		count(FFS_COUNT_objects_full); /* user space is sweeping it */
	if (s && name) {
		event_begin(s, FFS_EVENT_HOT, 0, id, now);
		event_name(s, name);
		s->event.reads = o->reads;
		s->event.size = o->size;
		s->event.interval_ns = o->interval_ns;
		s->event.lat_mean_ns = o->lat_count ? o->lat_sum_ns / o->lat_count : 0;
		s->event.uid = o->uid;
		if (!event_send(s, FFS_COUNT_hot))
			return 0;
	}
	/* So that the next read sends it. */
	bpf_spin_lock(&o->lock);
	o->hot_ns = 0;
	o->hots--;
	bpf_spin_unlock(&o->lock);
	return 0;
}

/* With the lock held, which allows no calls: n more whole reads.  1: HOT is ours to send. */
static __always_inline __u32
object_heat(struct ffs_object_stat *o, __u64 n, __u64 now)
{
	if (!n)
		return 0;
	o->reads += n;
	if (o->last_ns)
		o->interval_ns = now - o->last_ns;
	o->last_ns = now;
	if (!o->heat_ns || (window_ns && now - o->heat_ns > window_ns)) {
		o->heat_ns = now;
		o->heat = 0;
	}
	o->heat += n;
	if (o->heat < threshold || (o->hot_ns && now - o->hot_ns < rearm_ns))
		return 0;
	o->hot_ns = now;
	o->hots++;
	return 1;
}

/* With the lock held: how long a whole answer took. */
static __always_inline void
object_latency(struct ffs_object_stat *o, __u64 lat, __u64 ttfb, __u32 bucket)
{
	o->lat_sum_ns += lat;
	o->ttfb_sum_ns += ttfb;
	o->lat_count++;
	if (!o->lat_min_ns || lat < o->lat_min_ns)
		o->lat_min_ns = lat;
	if (lat > o->lat_max_ns)
		o->lat_max_ns = lat;
	o->lat[bucket]++;
}

/* With the lock held: the bytes that a connection has read; how many whole reads they make. */
static __always_inline __u64
object_bytes(struct ffs_object_stat *o, const struct conn *c, __u32 whole)
{
	__u64 was = o->part_bytes;

	o->bytes += c->got;
	if (c->size)
		o->size = c->size;
	if (whole && !(c->flags & CONN_PART))
		return 1;
	o->part_bytes += c->got;
	return o->size ? o->part_bytes / o->size - was / o->size : 0;
}

/* n whole reads, and these bytes, are a program's. */
static __always_inline void
reader_add(const struct conn *c, __u64 n, __u64 now)
{
	static const struct ffs_reader_stat none;
	struct ffs_reader_id id = { .uid = c->uid };
	struct ffs_reader_stat *r;

	__builtin_memcpy(id.comm, c->comm, sizeof(id.comm));
	r = bpf_map_lookup_elem(&readers, &id);
	if (!r) {
		bpf_map_update_elem(&readers, &id, &none, BPF_NOEXIST);
		r = bpf_map_lookup_elem(&readers, &id);
	}
	if (!r)
		return;
	__sync_fetch_and_add(&r->reads, n);
	__sync_fetch_and_add(&r->bytes, c->got);
	r->last_ns = now;
}

/*
 * The open read of a connection has ended: all its bytes came (whole), or less of them.  now: 0
 * where the caller has not asked yet, which is dear.
 */
__noinline int
object_read(struct conn *c, __u32 whole, __u64 now)
{
	struct ffs_object_stat *o;
	__u64 lat, ttfb, n;
	__u32 hot, bucket;
	__u64 *all;

	if (!c)
		return 0;
	if (!now)
		now = bpf_ktime_get_ns();
	c->open = OPEN_NONE;
	if (!whole)
		count(FFS_COUNT_aborted);
	o = object_find(&c->id);
	if (!o)
		return 0;
	lat = now - c->req_ns;
	ttfb = c->first_ns - c->req_ns;
	bucket = lat_bucket(lat);
	if (bucket >= FFS_LAT_BUCKETS)
		return 0;

	bpf_spin_lock(&o->lock);
	if (!o->first_ns)
		o->first_ns = now;
	o->uid = c->uid;
	__builtin_memcpy(o->comm, c->comm, sizeof(o->comm));
	n = object_bytes(o, c, whole);
	if (whole)
		object_latency(o, lat, ttfb, bucket);
	hot = object_heat(o, n, now);
	bpf_spin_unlock(&o->lock);

	reader_add(c, n, now);
	count_n(FFS_COUNT_read_bytes, c->got);
	if (n)
		count_n(FFS_COUNT_reads, n);
	if (whole) {
		all = bpf_map_lookup_elem(&latency, &bucket);
		if (all)
			(*all)++;
	}
	if (hot)
		object_hot(&c->id, o, now);
	return 0;
}

/*
 * A read was asked for, by another host: what comes of it is not seen.  It makes nothing hot here.
 */
static __always_inline void
object_asked(const struct ffs_object_id *id, __u64 now)
{
	struct ffs_object_stat *o = object_find(id);

	if (!o)
		return;
	bpf_spin_lock(&o->lock);
	if (!o->first_ns)
		o->first_ns = now;
	if (o->last_ns)
		o->interval_ns = now - o->last_ns;
	o->last_ns = now;
	o->reads++;
	bpf_spin_unlock(&o->lock);
	count(FFS_COUNT_reads);
}

/* An object is written: what was read of it is not what the store has. */
static __always_inline void
object_rearm(const struct ffs_object_id *id)
{
	struct ffs_object_stat *o = bpf_map_lookup_elem(&objects, id);

	if (!o)
		return;
	bpf_spin_lock(&o->lock);
	o->hot_ns = 0;
	bpf_spin_unlock(&o->lock);
}

#endif
