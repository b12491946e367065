/* SPDX-License-Identifier: MIT */
#ifndef FFS_HOST_BPF_H
#define FFS_HOST_BPF_H

/*
 * Virtual-hosted addressing: the bucket is what stands before an endpoint's name in Host.  An
 * address, a name without dots, an endpoint's own name and one that is no endpoint's have none.
 */
#define HOST_MAX (FFS_BUCKET_MAX + 1 + FFS_HOST_LEN)

/* Copy Host from s->i to s->o of the text, in small letters, until it ends. */
static long
host_copy_step(__u32 k, struct scratch **ctx)
{
	struct scratch *s = *ctx;
	__u32 i = s->i, o = s->o;
	__u64 w, marks;

	(void)k;
	if (i >= WINDOW || o > HOST_MAX)
		return 1;
	w = word(s->in + i);
	*(__u64 *)(s->event.text + o) = word_lower(w);
	marks = word_has_blank(w) | word_has(w, ONES * ':') | word_has(w, ONES * '/');
	s->i = i + 8;
	s->o = o + (marks ? word_before(marks) : 8);
	return marks != 0;
}

/* Is the text from o on, which ends with 8 NULs, the name of an endpoint: s->endpoint says of which. */
static __noinline int
host_is_endpoint(struct scratch *s, __u32 o)
{
	__u64 w, h;
	__u32 n, k;

	for (n = 0; n < FFS_HOSTS_MAX; n++) {
		if (n >= hosts_n)
			break;
		for (k = 0; k < FFS_HOST_LEN / 8; k++) {
			__u32 at = (o + k * 8 + s->zero) & 511;

			w = word(s->event.text + at);
			h = *(const volatile __u64 *)&hosts[n][k * 8];
			if (w != h)
				break;
			if (word_has(w, 0)) {
				s->endpoint = n + 1;
				return 1;
			}
		}
	}
	return 0;
}

/* Behind which dot of the text does an endpoint's name begin: s->o becomes the dot's place. */
static long
host_dot_step(__u32 k, struct scratch **ctx)
{
	struct scratch *s = *ctx;
	__u64 marks;
	__u32 i = s->i;

	(void)k;
	if (i > FFS_BUCKET_MAX)
		return 1;
	marks = word_has(word(s->event.text + i), ONES * '.');
	if (!marks) {
		s->i = i + 8;
		return 0;
	}
	i += word_before(marks);
	if (i && i <= FFS_BUCKET_MAX && host_is_endpoint(s, i + 1)) {
		s->o = i;
		return 1;
	}
	s->i = i + 1;
	return 0;
}

#define HOST_CUT ((__u32)-1)

/* Write the bucket that in[at], Host's value, names to the text; its length, 0: it names none,
 * HOST_CUT: it is not all here. */
static __noinline __u32
host_bucket(struct scratch *s, __u32 at)
{
	__u32 k;

	for (k = 0; k < 4 && at < WINDOW && s->in[at] == ' '; k++)
		at++;
	s->i = at;
	s->o = 0;
	bpf_loop(HOST_MAX / 8 + 1, host_copy_step, &s, 0);
	k = s->o;
	if (at + k >= s->n)
		return HOST_CUT;
	if (k < 3 || k > HOST_MAX)
		return 0;
	*(__u64 *)(s->event.text + text_at(k)) = 0;
	if (host_is_endpoint(s, 0))
		return 0;
	s->i = s->o = 0;
	bpf_loop(FFS_BUCKET_MAX + 1, host_dot_step, &s, 0);
	return s->o;
}

#endif
