#include <errno.h>
#include <stdlib.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include "common/watch/maps.h"

#define LAT_FIRST_US 16

/* --- counters --- */

/* n values of an array for each processor, summed. */
static int
read_percpu(int fd, uint64_t *v, __u32 n)
{
	int i, rc = 0, cpus = libbpf_num_possible_cpus();
	uint64_t *each;
	__u32 k;

	if (cpus < 0)
		return cpus;
	each = calloc((size_t)cpus, sizeof(*each));
	if (!each)
		return -ENOMEM;
	for (k = 0; k < n; k++) {
		if (bpf_map_lookup_elem(fd, &k, each)) {
			rc = -errno;
			break;
		}
		v[k] = 0;
		for (i = 0; i < cpus; i++)
			v[k] += each[i];
	}
	free(each);
	return rc;
}

int
ffs_maps_counters(const struct ffs_maps *m, uint64_t v[FFS_COUNTERS_N])
{
	return read_percpu(m->counters, v, FFS_COUNTERS_N);
}

int
ffs_maps_latency(const struct ffs_maps *m, uint64_t v[FFS_LAT_BUCKETS])
{
	return read_percpu(m->latency, v, FFS_LAT_BUCKETS);
}

static const struct {
	const char *name, *text;
	bool loss;
} counters[] = {
#define COUNTER(name, loss, text) { #name, text, loss },
	FFS_COUNTERS(COUNTER)
#undef COUNTER
};

const char *
ffs_maps_counter_name(enum ffs_counter c)
{
	return counters[c].name;
}

const char *
ffs_maps_counter_text(enum ffs_counter c)
{
	return counters[c].text;
}

bool
ffs_maps_counter_loss(enum ffs_counter c)
{
	return counters[c].loss;
}

/* --- histograms --- */

uint64_t
ffs_maps_bucket_us(unsigned i)
{
	return (uint64_t)(4 + i % 4) << (i / 4 + 2);
}

static uint64_t
quantile(const uint64_t *v, double q)
{
	uint64_t total = 0, below = 0, from, to;
	double want;
	unsigned i;

	for (i = 0; i < FFS_LAT_BUCKETS; i++)
		total += v[i];
	if (!total)
		return 0;
	want = q * (double)total;
	for (i = 0; i < FFS_LAT_BUCKETS - 1; i++) {
		if (v[i] && (double)(below + v[i]) >= want)
			break;
		below += v[i];
	}
	/* The first holds all that is faster. */
	from = i ? ffs_maps_bucket_us(i) : 0;
	if (i == FFS_LAT_BUCKETS - 1)
		return from;
	to = ffs_maps_bucket_us(i + 1);
	return from + (uint64_t)((double)(to - from) * (want - (double)below) / (double)v[i]);
}

uint64_t
ffs_maps_quantile_us(const uint64_t *v, double q)
{
	return quantile(v, q);
}

uint64_t
ffs_maps_quantile32_us(const uint32_t *v, double q)
{
	uint64_t wide[FFS_LAT_BUCKETS];
	unsigned i;

	for (i = 0; i < FFS_LAT_BUCKETS; i++)
		wide[i] = v[i];
	return quantile(wide, q);
}
