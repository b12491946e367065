/* SPDX-License-Identifier: MIT */
#ifndef FFS_RESPONSE_BPF_H
#define FFS_RESPONSE_BPF_H

/* Answers: their status, their length, and when the last byte has gone by. */

#define RESPONSE_WINDOW 1024 /* most heads fit into this */

/* The second INVALIDATE of a write, if it was done. */
static __noinline int
response_written(struct packet *p, struct conn *c, __u32 status)
{
	struct scratch *s = scratch();
	struct ffs_object_name *name = bpf_map_lookup_elem(&writes, &p->key);

	if (!s)
		return 0;
	if (!name) {
		/* Too many writes at a time: the second INVALIDATE of this one is lost. */
		if (status / 100 == 2)
			count(FFS_COUNT_conns_full);
		return 0;
	}
	if (status / 100 == 2) {
		event_begin(s, FFS_EVENT_INVALIDATE,
		    FFS_EVENT_DONE | (c->flags & CONN_BUCKET ? FFS_EVENT_BUCKET : 0), &c->id,
		    bpf_ktime_get_ns());
		event_name(s, name);
		if (c->flags & CONN_BUCKET)
			s->event.text_len = s->event.bucket_len;
		else
			object_rearm(&c->id);
		event_send(s, FFS_COUNT_invalidate);
	}
	bpf_map_delete_elem(&writes, &p->key);
	return 0;
}

/* Bytes of the body that is being read, as far as the connection has moved on; now: 0, ask. */
static __always_inline void
response_body(struct conn *c, __u64 n, __u64 now)
{
	if (c->flags & CONN_NO_LENGTH) {
		c->got += n;
		return;
	}
	if (n > c->left)
		n = c->left;
	c->got += n;
	c->left -= n;
	if (!c->left)
		object_read(c, 1, now);
}

/* The head of an object's bytes has ended at in[end]. */
static __always_inline void
response_object(struct scratch *s, struct conn *c, __u32 status, __u32 seq)
{
	__u64 length = 0, total = 0;

	c->open = OPEN_READING;
	c->got = c->left = c->size = 0;
	if (status == 206)
		c->flags |= CONN_PART;
	if (!s->end || !s->length || !head_number(s, s->length, &length)) {
		count(FFS_COUNT_no_length);
		c->flags |= CONN_NO_LENGTH;
		if (!s->end)
			return;
	}
	c->left = length;
	if (status == 200)
		c->size = length;
	else if (s->range && s->range < WINDOW - 80) {
		__u64 marks;
		__u32 i = s->range, k;

		for (k = 0; k < 8; k++) {
			i = (i + s->zero) & (WINDOW - 1);
			marks = word_has(word(s->in + i), ONES * '/');
			if (marks) {
				head_number(s, i + word_before(marks) + 1, &total);
				break;
			}
			i += 8;
		}
		c->size = total;
	}
	response_body(c, c->resp_high - (seq + s->end), c->first_ns);
}

/* The final head of an answer. */
static __always_inline void
response_final(struct scratch *s, struct packet *p, struct conn *c, __u32 status, __u32 seq)
{
	__u32 open = c->open;

	c->flags &= ~CONN_BODY;
	if (open == OPEN_QUIET)
		return;
	c->open = OPEN_NONE;
	count(FFS_COUNT_responses);
	if (status != 200 && status != 206)
		count(FFS_COUNT_responses_other);
	if (open == OPEN_WRITE)
		response_written(p, c, status);
	else if (open == OPEN_READ && (status == 200 || status == 206))
		response_object(s, c, status, seq);
	else if (open == OPEN_READ && !bpf_map_lookup_elem(&objects, &c->id))
		bpf_map_delete_elem(&names, &c->id); /* nothing to be read */
}

static __always_inline __u32
status_digits(const __u8 *d)
{
	__u32 a = d[0] - '0', b = d[1] - '0', c = d[2] - '0';

	return a > 9 || b > 9 || c > 9 ? 0 : a * 100 + b * 10 + c;
}

/* How far a head that begins at in[i] says what is to be known of it: 0, it is not all here; else
 * its status, or -1: it is none. */
static __always_inline int
response_status(struct __sk_buff *skb, struct packet *p, struct scratch *s, __u32 i, __u32 skip, __u32 kept, __u32 whole)
{
	int status;

	if (i + 13 > s->n)
		return s->n < WINDOW ? 0 : -1;
	if (!WORD_IS(word(s->in + i), "HTTP/1."))
		return -1;
	status = status_digits(s->in + i + 9);
	if (status < 100)
		return -1;
	if (status >= 200 && !whole)
		return status;
	head_scan(s, i, 0);
	if (!s->end && !kept && s->n == RESPONSE_WINDOW && !packet_load(skb, p, s, skip, 0, WINDOW))
		head_scan(s, i, 0);
	return s->end || s->n >= WINDOW ? status : 0;
}

/* The segment in which an answer's head begins or goes on; skip: of its bytes that were seen
 * before. */
__noinline int
response_read(struct __sk_buff *skb, struct packet *p, struct conn *c, __u32 skip)
{
	struct scratch *s = scratch();
	__u32 k, i = 0, kept = 0;
	int status = -1;

	if (!s || !p || !c)
		return 0;
	if (c->flags & CONN_PIECE)
		kept = head_kept(s, p, c);
	else
		c->first_ns = packet_ns(p);
	if (packet_load(skb, p, s, skip, kept, kept ? WINDOW : RESPONSE_WINDOW))
		return 0;
	/* Interim heads, then the final one. */
	for (k = 0; k < 4; k++) {
		i = (i + s->zero) & (WINDOW - 1);
		status = response_status(skb, p, s, i, skip, kept, c->open == OPEN_READ);
		if (status < 0 || status >= 200)
			break;
		if (!status || s->end >= s->n) {
			c->resp_next = p->seq + p->plen;
			if (!status && head_keep(s, p, c))
				status = -1;
			break;
		}
		i = s->end;
	}
	if (status >= 200) {
		response_final(s, p, c, status, p->seq + skip - kept);
	} else if (status < 0) {
		count(FFS_COUNT_bad_responses);
		c->flags &= ~CONN_BODY;
		c->open = OPEN_NONE;
	}
	return 0;
}

#endif
