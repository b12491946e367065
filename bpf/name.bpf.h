/* SPDX-License-Identifier: MIT */
#ifndef FFS_NAME_BPF_H
#define FFS_NAME_BPF_H

/*
 * An object's name out of a request line: decoded, so that %7E and ~ are one object, into the
 * text of the scratch's event: bucket, '/', key, version.
 */

static __always_inline __u32
hex(__u8 c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c |= 0x20;
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : 256;
}

/* Up to eight plain bytes, and one that is not. */
static long
decode_step(__u32 k, struct scratch **ctx)
{
	struct scratch *s = *ctx;
	__u32 i = s->i, o = s->o, before, v;
	__u64 w, marks;
	__u8 c;

	(void)k;
	if (i >= s->n || i >= WINDOW) {
		s->stopped = STOP_RAN_OUT;
		return 1;
	}
	if (o > s->limit || o > FFS_TEXT_MAX) {
		s->stopped = STOP_LONG;
		return 1;
	}
	w = word(s->in + i);
	*(__u64 *)(s->event.text + o) = w;
	marks = word_has_blank(w) | word_has(w, ONES * '%') | word_has(w, s->stop);
	if (!marks) {
		s->i = i + 8;
		s->o = o + 8;
		return 0;
	}
	before = word_before(marks);
	i += before;
	o = text_at(o + before);
	s->i = i;
	s->o = o;
	if (i >= s->n) {
		s->stopped = STOP_RAN_OUT;
		return 1;
	}
	i = in_at(i);
	c = s->in[i];
	if (c != '%') {
		s->stopped = c;
		return 1;
	}
	if (i + 2 >= s->n) {
		s->stopped = STOP_RAN_OUT;
		return 1;
	}
	v = hex(s->in[i + 1]) << 4 | hex(s->in[i + 2]);
	if (v > 255) {
		s->stopped = STOP_BAD;
		return 1;
	}
	s->event.text[o] = v;
	s->i = i + 3;
	s->o = o + 1;
	return 0;
}

/* From s->i, to s->o at most s->limit, until a blank or s->stop: s->stopped says which. */
static __always_inline int
decode(struct scratch *s)
{
	__u32 i = s->i, o = s->o, k;
	__u64 w, marks = 0;

	/* What most names are, without calls, each of which costs more than a word: some words of
	 * plain bytes, and the end. */
	for (k = 0; k < 8 && !marks; k++) {
		w = word(s->in + in_at(i));
		*(__u64 *)(s->event.text + text_at(o)) = w;
		marks = word_has_blank(w) | word_has(w, ONES * '%') | word_has(w, s->stop);
		w = marks ? word_before(marks) : 8;
		i += w;
		o += w;
	}
	s->i = i;
	s->o = o;
	if (marks && i < s->n && s->in[in_at(i)] != '%') {
		s->stopped = o > s->limit ? STOP_LONG : s->in[in_at(i)];
		return s->stopped;
	}
	s->stopped = STOP_LONG;
	bpf_loop(WINDOW, decode_step, &s, 0);
	if (s->stopped > 0 && s->o > s->limit)
		s->stopped = STOP_LONG;
	return s->stopped;
}

/* Not one of the seed's secrets: 2^64 over the golden ratio. */
#define HASH_K 0x9e3779b97f4a7c15ull

static __always_inline __u64
hash_word(__u64 h, __u64 w)
{
	/* What a change of w does to the product depends on h, which only the seed knows: else
	 * names that collide could be made without it. */
	h ^= w;
	return (h & 0xffffffff) * (h >> 32) + (h << 32 | h >> 32) * HASH_K;
}

/* Of the text in the scratch's event: into its id. */
static __always_inline void
name_hash(struct scratch *s)
{
	struct ffs_event *e = &s->event;
	__u32 n = e->text_len, k;
	__u64 h = seed;

	if (n > FFS_TEXT_MAX)
		return;
	*(__u64 *)(e->text + text_at(n)) = 0;
	/* Lengths first: key "a" of version "bc" is not key "ab" of version "c". */
	h = hash_word(h, (__u64)e->bucket_len << 32 | (__u64)e->key_len << 16 | e->version_len);
	for (k = 0; k < FFS_TEXT_MAX; k += 8) {
		if (k >= n)
			break;
		h = hash_word(h, word(e->text + k));
	}
	e->id.hash = h ^ h >> 32;
}

/* Where the first '/' of the text is, if not behind a bucket's longest name. */
static __always_inline __u32
name_slash(struct scratch *s)
{
	__u64 marks;
	__u32 k;

	for (k = 0; k <= FFS_BUCKET_MAX / 8; k++) {
		marks = word_has(word(s->event.text + k * 8), ONES * '/');
		if (marks)
			return k * 8 + word_before(marks);
	}
	return FFS_BUCKET_MAX + 1;
}

/* What monitors ask MinIO for again and again, in the place of a bucket that it lets nobody make. */
static __always_inline int
name_is_service(struct scratch *s)
{
	__u64 a = word(s->event.text), b = word(s->event.text + 8);

	return (a == WORD("minio/he") && WORD_IS(b, "alth/")) ||
	       (a == WORD("minio/v2") && WORD_IS(b, "/metrics")) ||
	       (a == WORD("minio/me") && WORD_IS(b, "trics/")) ||
	       (a == WORD("minio/pr") && WORD_IS(b, "ometheus")) ||
	       (a == WORD("minio/ad") && WORD_IS(b, "min/"));
}

/* Is the key one of ours: nobody's data. */
static __always_inline int
name_is_control(struct scratch *s)
{
	struct ffs_event *e = &s->event;
	__u32 key = e->bucket_len + 1, end = key + e->key_len;
	__u64 w;

	if (end > FFS_TEXT_MAX || key > FFS_BUCKET_MAX + 1)
		return 0;
	w = word(e->text + text_at(key));
	if (WORD_IS(w, ".ffs/"))
		return 1;
	if (e->key_len < 8)
		return 0;
	w = word(e->text + text_at(end - 8));
	if (w >> 8 == WORD("/.claim"))
		return 1;
	if (w != WORD("est.json") || e->key_len < 14)
		return 0;
	return word(e->text + text_at(end - 14)) == WORD("/manifes");
}

#endif
