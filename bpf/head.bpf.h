/* SPDX-License-Identifier: MIT */
#ifndef FFS_HEAD_BPF_H
#define FFS_HEAD_BPF_H

/* The lines of an HTTP head, which lies in the scratch. */

enum stopped {
	STOP_RAN_OUT = -1, /* of bytes */
	STOP_BAD = -2,
	STOP_LONG = -3,
};

/* Keep the scratch's head until more of it comes.  0: kept. */
static __noinline int
head_keep(struct scratch *s, struct packet *p, struct conn *c)
{
	if (s->n >= WINDOW || bpf_map_update_elem(&pieces, &p->key, &s->n, BPF_ANY))
		return -1;
	c->flags |= CONN_PIECE;
	return 0;
}

/* What was kept, back into the scratch; how much that is. */
static __noinline __u32
head_kept(struct scratch *s, struct packet *p, struct conn *c)
{
	struct piece *piece = bpf_map_lookup_elem(&pieces, &p->key);
	__u32 k, n;

	c->flags &= ~CONN_PIECE;
	if (!piece)
		return 0;
	n = piece->n;
	for (k = 0; k < WINDOW / 8; k++) {
		if (k * 8 >= n)
			break;
		*(__u64 *)(s->in + k * 8) = word(piece->in + k * 8);
	}
	bpf_map_delete_elem(&pieces, &p->key);
	return n < WINDOW ? n : 0;
}

/*
 * Find where, from byte i on, the head ends, and the values of the fields that are of use.
 * until_host: no further than to Host.
 *
 * A plain loop is faster than bpf_loop(), but its positions must not be known to the verifier, or
 * it would follow every path to every one of them: adding s->zero hides them.
 */
__noinline int
head_scan(struct scratch *s, __u32 i, __u32 until_host)
{
	__u64 w;
	__u32 k;

	if (!s)
		return 0;
	s->length = s->range = s->host = s->end = 0;
	for (k = 0; k < WINDOW / 8 + 128; k++) {
		i = (i + s->zero) & (2 * WINDOW - 1);
		if (i >= WINDOW || i >= s->n)
			break;
		w = word_has(word(s->in + i), ONES * '\n');
		if (!w) {
			i += 8;
			continue;
		}
		i += word_before(w) + 1;
		w = word(s->in + i);
		if (WORD_IS(w, "\r\n") || WORD_IS(w, "\n")) {
			i += WORD_IS(w, "\n") ? 1 : 2;
			if (i <= s->n)
				s->end = i;
			break;
		}
		w |= LOWER;
		if (until_host) {
			if (WORD_IS(w, "host:")) {
				s->host = i + 5;
				break;
			}
		} else if (w == WORD("content-")) {
			w = word(s->in + i + 8) | LOWER;
			if (WORD_IS(w, "length:"))
				s->length = i + 15;
			else if (WORD_IS(w, "range:"))
				s->range = i + 14;
		}
	}
	return 0;
}

/* The number at in[i], between blanks; *value stays where there is none.  1: there is one. */
static __always_inline int
head_number(struct scratch *s, __u32 i, __u64 *value)
{
	__u64 v = 0;
	__u32 k, digits = 0;
	__u8 c = 0;

	if (i >= WINDOW)
		return 0;
	for (k = 0; k < 24; k++) {
		c = s->in[i + k];
		if (c >= '0' && c <= '9') {
			v = v * 10 + (c - '0');
			digits++;
		} else if (digits || (c != ' ' && c != '\t')) {
			break;
		}
	}
	if (!digits || digits > 19 || c > ' ')
		return 0;
	*value = v;
	return 1;
}

#endif
