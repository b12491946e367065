/* SPDX-License-Identifier: MIT */
#ifndef FFS_REQUEST_BPF_H
#define FFS_REQUEST_BPF_H

/* Requests: what is asked of which object. */

enum verb {
	VERB_NONE,
	VERB_GET,
	VERB_HEAD,
	VERB_PUT,
	VERB_POST,
	VERB_DELETE,
	VERB_OTHER,
};

/* Parameters of the query. */
enum query {
	QUERY_OTHER = 1, /* one that makes it a request for something else */
	QUERY_PART = 2,
	QUERY_UPLOAD = 4,
	QUERY_DELETE = 8,
};

/* What became of a request's head. */
enum parsed {
	PARSED_OBJECT,
	PARSED_OTHER, /* no key, or of a kind that is not followed */
	PARSED_SPLIT,
	PARSED_LONG,
	PARSED_BAD,
};

/* The parameter whose name begins at in[i]. */
static __always_inline void
query_name(struct scratch *s, __u32 i)
{
	__u64 a = word(s->in + i), b = word(s->in + i + 8);

	if (WORD_IS(a | LOWER, "x-amz-") || WORD_IS(a, "x-id=") || WORD_IS(a, "Expires=") ||
	    (WORD_IS(a, "AWSAcces") && WORD_IS(b, "sKeyId=")) ||
	    (WORD_IS(a, "Signatur") && WORD_IS(b, "e=")) ||
	    (WORD_IS(a, "response") && WORD_IS(b, "-")))
		return;
	if (WORD_IS(a, "versionI") && WORD_IS(b, "d=") && !s->version)
		s->version = i + 10;
	else if (WORD_IS(a, "partNumb") && WORD_IS(b, "er="))
		s->query |= QUERY_PART;
	else if (WORD_IS(a, "uploadId") && WORD_IS(b, "="))
		s->query |= QUERY_UPLOAD;
	else if (WORD_IS(a, "delete ") || WORD_IS(a, "delete=") || WORD_IS(a, "delete&"))
		s->query |= QUERY_DELETE;
	else if (!WORD_IS(a, "&") && !WORD_IS(a, " "))
		s->query |= QUERY_OTHER;
}

static long
query_step(__u32 k, struct scratch **ctx)
{
	struct scratch *s = *ctx;
	__u32 i = s->i;
	__u64 w, marks;

	(void)k;
	if (i >= s->n || i >= WINDOW) {
		s->stopped = STOP_RAN_OUT;
		return 1;
	}
	if (s->fresh)
		query_name(s, i);
	s->fresh = 0;
	w = word(s->in + i);
	marks = word_has_blank(w) | word_has(w, ONES * '&');
	if (!marks) {
		s->i = i + 8;
		return 0;
	}
	i += word_before(marks);
	s->i = i;
	if (i >= s->n || i >= WINDOW) {
		s->stopped = STOP_RAN_OUT;
		return 1;
	}
	if (s->in[i] != '&') {
		s->stopped = s->in[i];
		return 1;
	}
	s->i = i + 1;
	s->fresh = 1;
	return 0;
}

static __always_inline enum parsed
request_stopped(const struct scratch *s)
{
	switch (s->stopped) {
	case STOP_RAN_OUT:
		return s->n < WINDOW ? PARSED_SPLIT : PARSED_LONG;
	case STOP_LONG:
		return PARSED_LONG;
	default:
		return PARSED_BAD;
	}
}

/* The target from in[i] on, where its path begins; a bucket that Host names is in the text. */
static __always_inline enum parsed
request_target(struct scratch *s, __u32 i, __u32 bucket)
{
	struct ffs_event *e = &s->event;
	__u32 end;

	s->i = i + 1;
	s->o = 0;
	s->limit = FFS_BUCKET_MAX + 1 + FFS_KEY_MAX;
	if (bucket && bucket <= FFS_BUCKET_MAX) {
		e->text[bucket] = '/';
		s->o = bucket + 1;
		s->limit = bucket + 1 + FFS_KEY_MAX;
	}
	s->stop = ONES * '?';
	s->query = s->version = 0;
	decode(s);
	end = s->o;
	if (s->stopped == '?') {
		s->i++;
		s->fresh = 1;
		s->stopped = STOP_LONG;
		bpf_loop(WINDOW, query_step, &s, 0);
	}
	if (s->stopped != ' ')
		return request_stopped(s);
	i = s->i;
	if (i >= WINDOW || i + 8 > s->n)
		return s->n < WINDOW ? PARSED_SPLIT : PARSED_LONG;
	if (!WORD_IS(word(s->in + i), " HTTP/1."))
		return PARSED_BAD;

	s->o = end;
	if (s->version) {
		s->i = s->version;
		s->limit = end + FFS_VERSION_MAX;
		s->stop = ONES * '&';
		decode(s);
		if (s->stopped != ' ' && s->stopped != '&')
			return request_stopped(s);
	}
	if (!bucket)
		bucket = name_slash(s);
	if (bucket > end)
		bucket = end;
	e->bucket_len = bucket;
	e->key_len = bucket < end ? end - bucket - 1 : 0;
	e->version_len = s->o - end;
	e->text_len = s->o;
	if (e->text_len > FFS_TEXT_MAX || e->key_len > FFS_KEY_MAX)
		return PARSED_LONG;
	if (!e->bucket_len || e->bucket_len > FFS_BUCKET_MAX || !e->key_len || name_is_service(s))
		return PARSED_OTHER;
	return PARSED_OBJECT;
}

/* Where the path of an absolute target ("http://host/...") begins, whose host is at in[i]; 0:
 * nowhere. */
static __always_inline __u32
request_absolute(struct scratch *s, __u32 i)
{
	__u64 marks;
	__u32 k;

	for (k = 0; k < 32; k++) {
		i = (i + s->zero) & (WINDOW - 1);
		marks = word_has_blank(word(s->in + i)) | word_has(word(s->in + i), ONES * '/');
		if (marks) {
			i += word_before(marks);
			return s->in[i] == '/' ? i : 0;
		}
		i += 8;
	}
	return 0;
}

/* Take the request line apart whose target is at in[i]; where Host may name a bucket, that too. */
static __always_inline int
request_parse(struct scratch *s, __u32 i)
{
	__u32 bucket = 0, host = 0;

	if (!s || i > 16)
		return PARSED_BAD;
	s->endpoint = 0;
	if (s->in[i] != '/') {
		host = i + 7;
		i = request_absolute(s, host);
		if (!i)
			return PARSED_BAD;
	} else if (hosts_n) {
		head_scan(s, i, 1);
		host = s->host;
		if (!host && !s->end)
			return PARSED_SPLIT;
	}
	if (hosts_n && host)
		bucket = host_bucket(s, host);
	if (bucket == HOST_CUT)
		return PARSED_SPLIT;
	return request_target(s, i, bucket);
}

static __always_inline __u32
request_verb(__u64 w, __u32 *len)
{
	*len = 4;
	if (WORD_IS(w, "GET "))
		return VERB_GET;
	if (WORD_IS(w, "PUT "))
		return VERB_PUT;
	*len = 5;
	if (WORD_IS(w, "HEAD "))
		return VERB_HEAD;
	if (WORD_IS(w, "POST "))
		return VERB_POST;
	*len = 7;
	if (WORD_IS(w, "DELETE "))
		return VERB_DELETE;
	*len = 8;
	if (w == WORD("OPTIONS "))
		return VERB_OTHER;
	*len = 6;
	if (WORD_IS(w, "PATCH ") || WORD_IS(w, "TRACE "))
		return VERB_OTHER;
	return VERB_NONE;
}

/* Which server's an object is. */
static __always_inline void
request_server(const struct scratch *s, const struct packet *p, struct conn *c)
{
	__u32 n = s->endpoint - 1;

	__builtin_memcpy(c->id.addr, p->key.server, 16);
	c->id.port = p->key.server_port;
	c->id.tls = p->key.tls;
	if (p->key.tls && n < FFS_HOSTS_MAX && host_ids[n][0])
		for (__u32 i = 0; i < 16; i += 8)
			*(__u64 *)(c->id.addr + i) = *(const volatile __u64 *)&host_ids[n][i];
}

/* Tell user space that an object is written, or (bucket) that some of a bucket are deleted. */
static __always_inline void
request_writes(struct scratch *s, struct packet *p, struct conn *c, __u64 now, __u32 flags)
{
	struct ffs_event *e = &s->event;

	event_begin(s, FFS_EVENT_INVALIDATE, flags, &c->id, now);
	event_send(s, FFS_COUNT_invalidate);
	/* From its lengths on the event is a name, but for one that is a pad there. */
	bpf_map_update_elem(&writes, &p->key, &e->bucket_len, BPF_ANY);
	if (!(flags & FFS_EVENT_BUCKET))
		object_rearm(&c->id);
	c->open = OPEN_WRITE;
	if (flags & FFS_EVENT_BUCKET)
		c->flags |= CONN_BUCKET;
}

/* An object's request, whose name is in the scratch's event. */
static __always_inline void
request_object(struct scratch *s, struct packet *p, struct conn *c, __u32 verb, __u64 now)
{
	struct ffs_event *e = &s->event;
	__u32 write = (verb == VERB_PUT || verb == VERB_DELETE) && !(s->query & QUERY_UPLOAD), which;

	if (verb == VERB_POST)
		write = s->query & QUERY_UPLOAD;
	c->open = OPEN_QUIET;
	which = FFS_COUNT_requests;
	if (name_is_control(s))
		which = FFS_COUNT_requests_control;
	else if (s->query & (QUERY_OTHER | QUERY_DELETE) || (verb == VERB_GET && s->query & QUERY_UPLOAD) ||
	    (verb == VERB_POST && !write))
		which = FFS_COUNT_requests_other;
	if (!(c->flags & CONN_LOCAL))
		count(FFS_COUNT_requests_remote);
	else
		count(which);
	if (s->query & (QUERY_OTHER | QUERY_DELETE))
		return;
	if (!write && (which != FFS_COUNT_requests || !(c->flags & (CONN_LOCAL | CONN_XDP))))
		return;

	request_server(s, p, c);
	c->id.len = e->text_len;
	name_hash(s);
	c->id.hash = e->id.hash;
	if (write) {
		request_writes(s, p, c, now, 0);
	} else if (verb == VERB_HEAD) {
		c->open = OPEN_HEAD;
	} else if (verb == VERB_GET) {
		c->open = OPEN_READ;
		if (!bpf_map_lookup_elem(&objects, &c->id))
			bpf_map_update_elem(&names, &c->id, &e->bucket_len, BPF_NOEXIST);
		if (c->flags & CONN_XDP)
			object_asked(&c->id, now);
	}
}

/* For whom the gateway sends this request: its connections carry one after another. */
static __always_inline void
request_relay(struct __sk_buff *skb, struct conn *c)
{
	struct bpf_sock *sk = skb->sk;
	struct ffs_relay *r;

	if (sk)
		sk = bpf_sk_fullsock(sk);
	r = sk ? bpf_sk_storage_get(&relays, sk, NULL, 0) : NULL;
	if (!r)
		return;
	c->flags |= CONN_RELAY;
	c->uid = r->uid;
	__builtin_memcpy(c->comm, r->comm, sizeof(c->comm));
}

/* Does the connection go to the gateway, on a port that is watched: what it asks a store for is seen
 * there. */
static __always_inline int
request_to_gate(struct packet *p)
{
	const struct ffs_gate_entry *g = gate_entry();
	struct ffs_end end = { .port = p->key.server_port };

	if (!g || (end.port != g->v4.port && end.port != g->v6.port))
		return 0;
	__builtin_memcpy(end.addr, p->key.server, 16);
	return (same_end(&end, &g->v4) || same_end(&end, &g->v6)) && g->deadline_ns > bpf_ktime_get_ns();
}

/*
 * Who sends requests over this connection; looked up once.  This host, where a socket goes with what
 * did not come in by any interface: a tap gives its packets one too.
 */
static __always_inline void
request_who(struct __sk_buff *skb, struct packet *p, struct conn *c)
{
	__u64 cookie = bpf_get_socket_cookie(skb);
	struct comm *comm;

	c->flags |= CONN_KNOWN;
	if (!cookie || skb->ingress_ifindex)
		return;
	c->flags |= CONN_LOCAL;
	if (bpf_map_lookup_elem(&self, &cookie) || request_to_gate(p))
		c->flags |= CONN_SELF;
	c->uid = bpf_get_socket_uid(skb);
	comm = bpf_map_lookup_elem(&comms, &cookie);
	if (comm)
		__builtin_memcpy(c->comm, comm->name, sizeof(c->comm));
	request_relay(skb, c);
}

/* A request before the one before was answered: 1, if this one cannot be followed either. */
static __always_inline int
request_flush(struct packet *p, struct conn *c)
{
	if (c->flags & CONN_PIPELINED) {
		count(FFS_COUNT_pipelined);
		return 1;
	}
	if (c->open == OPEN_READING) {
		object_read(c, !!(c->flags & CONN_NO_LENGTH), 0);
		if ((__s32)(p->ack - c->resp_high) >= 0)
			return 0;
	} else if (c->open == OPEN_NONE || c->open == OPEN_QUIET) {
		return 0;
	} else if ((__s32)(p->ack - c->resp_next) > 0) {
		count(FFS_COUNT_pipelined);
		return 0;
	}
	count(FFS_COUNT_pipelined);
	c->flags |= CONN_PIPELINED;
	c->open = OPEN_NONE;
	return 1;
}

/* Count what a request is, and follow it: what the answer is to be told of. */
static __always_inline void
request_open(struct scratch *s, struct packet *p, struct conn *c, __u32 verb, __u32 parsed, __u64 now)
{
	c->open = OPEN_QUIET;
	switch (parsed) {
	case PARSED_OBJECT:
		request_object(s, p, c, verb, now);
		return;
	case PARSED_OTHER:
		count(c->flags & CONN_LOCAL ? FFS_COUNT_requests_other : FFS_COUNT_requests_remote);
		if (verb == VERB_POST && s->query & QUERY_DELETE && s->event.bucket_len) {
			__builtin_memset(&c->id, 0, sizeof(c->id));
			request_server(s, p, c);
			s->event.key_len = s->event.version_len = 0;
			s->event.text_len = s->event.bucket_len;
			request_writes(s, p, c, now, FFS_EVENT_BUCKET);
		}
		return;
	case PARSED_SPLIT:
		count(FFS_COUNT_split_heads);
		return;
	case PARSED_LONG:
		count(FFS_COUNT_long_names);
		return;
	default:
		count(FFS_COUNT_bad_requests);
	}
}

/* No request begins with word w: the rest of a head, or too little of one, or a stranger. */
static __always_inline int
request_none(struct scratch *s, struct packet *p, struct conn *c, __u64 w, __u32 skip)
{
	if (p->seq + skip == c->req_next)
		c->req_next = p->seq + p->plen;
	if ((w & 0xffff) == 0x0316 || w == WORD("PRI * HT")) {
		count((w & 0xff) == 0x16 ? FFS_COUNT_tls : FFS_COUNT_http2);
		c->flags |= CONN_IGNORED;
	} else if (s->n < 16 && (w & 0xff) >= 'A' && (w & 0xff) <= 'Z' && !head_keep(s, p, c)) {
		c->req_next = p->seq + p->plen;
		c->flags |= CONN_REQ_SEQ;
	} else if (c->open == OPEN_NONE && !(c->flags & (CONN_BAD | CONN_MIDSTREAM))) {
		c->flags |= CONN_BAD;
		count(FFS_COUNT_bad_requests);
	}
	return 0;
}

/*
 * Where answers are not seen, a body ends by its length, which the head in the scratch says.  From
 * its segment n bytes (with what was kept) are of head and body.  1: the head's end is to come.
 */
static __always_inline int
request_body(struct scratch *s, struct packet *p, struct conn *c, __u32 len, __u32 n)
{
	c->left = ~0ull;
	head_scan(s, len, 0);
	if (!s->end)
		return !head_keep(s, p, c);
	if (!s->length || !head_number(s, s->length, &c->left))
		c->left = ~0ull;
	n -= s->end;
	if (c->left != ~0ull)
		c->left = c->left > n ? c->left - n : 0;
	return 0;
}

/*
 * What is in the scratch, kept bytes of an earlier segment before those of this one, whose first
 * skip were seen before.  skb NULL: at XDP.
 */
static __always_inline int
request_take(struct __sk_buff *skb, struct scratch *s, struct packet *p, struct conn *c, __u32 skip,
    __u32 kept)
{
	__u32 verb, len, parsed;
	__u64 w, now;

	w = word(s->in);
	verb = request_verb(w, &len);
	if (verb == VERB_NONE || (verb != VERB_OTHER && s->in[len] != '/' &&
				     !WORD_IS(word(s->in + len) | LOWER, "http://")))
		return request_none(s, p, c, w, skip);
	now = packet_ns(p);
	if (skb && !(c->flags & CONN_KNOWN))
		request_who(skb, p, c);
	else if (skb && c->flags & CONN_RELAY)
		request_relay(skb, c);
	c->req_next = p->seq + p->plen;
	c->flags |= CONN_REQ_SEQ;
	if (request_flush(p, c))
		return 0;
	c->resp_next = c->resp_high = p->ack;
	c->req_ns = now;
	c->flags &= ~(CONN_BODY | CONN_PART | CONN_NO_LENGTH | CONN_BUCKET);
	if (!skb && (verb == VERB_PUT || verb == VERB_POST) &&
	    request_body(s, p, c, len, kept + p->plen - skip)) {
		c->open = OPEN_NONE;
		return 0;
	}
	if (!skb && verb == VERB_OTHER)
		c->left = ~0ull;
	parsed = PARSED_OTHER;
	if (verb != VERB_OTHER && !(c->flags & CONN_SELF)) {
		parsed = request_parse(s, len);
		if (parsed == PARSED_SPLIT && !head_keep(s, p, c)) {
			c->open = OPEN_NONE;
			return 0;
		}
	}
	if ((verb == VERB_PUT || verb == VERB_POST || verb == VERB_OTHER) && (skb || c->left))
		c->flags |= CONN_BODY;
	if (c->flags & CONN_SELF) {
		c->open = OPEN_QUIET;
		count(FFS_COUNT_requests_self);
		return 0;
	}
	request_open(s, p, c, verb, parsed, now);
	return 0;
}

/* A segment in which a request should begin, or go on; skip: of its bytes that were seen before. */
__noinline int
request_read(struct __sk_buff *skb, struct packet *p, struct conn *c, __u32 skip)
{
	struct scratch *s = scratch();
	__u32 kept = 0;

	if (!s || !p || !c)
		return 0;
	if (c->flags & CONN_PIECE)
		kept = head_kept(s, p, c);
	if (packet_load(skb, p, s, skip, kept, WINDOW))
		return 0;
	return request_take(skb, s, p, c, skip, kept);
}

#endif
