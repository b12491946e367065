/*
 * The limit order book of lobster-gen: orders first in first out at their price, the prices of each
 * side in order, and all orders by the time at which they are to leave.
 */
#ifndef FFS_TESTDATA_LOBSTER_BOOK_H
#define FFS_TESTDATA_LOBSTER_BOOK_H

#include <err.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define TEXT_SIZE 32 /* "price,size," of a level: 25 bytes at most */

enum side_id { ASK, BID };

struct order {
	uint64_t id;
	int64_t expires;
	int64_t size;
	struct level *level;
	struct order *prev,
	    *next; /* the queue at this price, oldest first; next: chain of the free */
	struct order *skipped;
	size_t heap_at;
};

struct level {
	int64_t price, size;
	struct order *first, *last;
	struct level *next_free;
	enum side_id side;
	unsigned int text_len; /* 0: text is to be made again */
	char text[TEXT_SIZE];
};

/* Levels from the worst to the best price: most changes happen at the end. */
struct side {
	struct level **at;
	size_t n, cap;
};

struct book {
	struct side side[2];
	struct order **heap; /* by expires, then id */
	size_t heap_n, heap_cap;
	struct order *free_orders;
	struct level *free_levels;
};

static void *
xrealloc(void *p, size_t n, size_t size)
{
	p = reallocarray(p, n, size);
	if (!p)
		err(FFS_EXIT_FAIL, "cannot allocate memory");
	return p;
}

static int64_t
key_of(enum side_id side, int64_t price)
{
	return side == BID ? price : -price;
}

/* The first index whose price is not worse. */
static size_t
side_find(const struct side *s, enum side_id id, int64_t price)
{
	size_t lo = 0, hi = s->n;

	while (lo < hi) {
		size_t mid = (lo + hi) / 2;

		if (key_of(id, s->at[mid]->price) < key_of(id, price))
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo;
}

static struct level *
best(const struct book *b, enum side_id id)
{
	return b->side[id].at[b->side[id].n - 1];
}

/* How many levels are better than this one. */
static size_t
level_rank(const struct book *b, const struct level *l)
{
	const struct side *s = &b->side[l->side];

	return s->n - 1 - side_find(s, l->side, l->price);
}

static struct level *
level_at(struct book *b, enum side_id id, int64_t price)
{
	struct side *s = &b->side[id];
	size_t i = side_find(s, id, price);
	struct level *l;

	if (i < s->n && s->at[i]->price == price)
		return s->at[i];
	if (s->n == s->cap) {
		s->cap = s->cap ? 2 * s->cap : 128;
		s->at = xrealloc(s->at, s->cap, sizeof(*s->at));
	}
	l = b->free_levels;
	if (l)
		b->free_levels = l->next_free;
	else
		l = xrealloc(NULL, 1, sizeof(*l));
	*l = (struct level){ .price = price, .side = id };
	memmove(s->at + i + 1, s->at + i, (s->n - i) * sizeof(*s->at));
	s->at[i] = l;
	s->n++;
	return l;
}

static void
level_drop(struct book *b, struct level *l)
{
	struct side *s = &b->side[l->side];
	size_t i = side_find(s, l->side, l->price);

	s->n--;
	memmove(s->at + i, s->at + i + 1, (s->n - i) * sizeof(*s->at));
	l->next_free = b->free_levels;
	b->free_levels = l;
}

static bool
sooner(const struct order *a, const struct order *b)
{
	return a->expires != b->expires ? a->expires < b->expires : a->id < b->id;
}

static void
heap_set(struct book *b, size_t i, struct order *o)
{
	b->heap[i] = o;
	o->heap_at = i;
}

/* Puts o where it belongs, beginning at the hole i. */
static void
heap_sift(struct book *b, size_t i, struct order *o)
{
	size_t child;

	for (; i > 0 && sooner(o, b->heap[(i - 1) / 2]); i = (i - 1) / 2)
		heap_set(b, i, b->heap[(i - 1) / 2]);
	while ((child = 2 * i + 1) < b->heap_n) {
		if (child + 1 < b->heap_n && sooner(b->heap[child + 1], b->heap[child]))
			child++;
		if (!sooner(b->heap[child], o))
			break;
		heap_set(b, i, b->heap[child]);
		i = child;
	}
	heap_set(b, i, o);
}

static void
heap_push(struct book *b, struct order *o)
{
	if (b->heap_n == b->heap_cap) {
		b->heap_cap = b->heap_cap ? 2 * b->heap_cap : 1024;
		b->heap = xrealloc(b->heap, b->heap_cap, sizeof(struct order *));
	}
	heap_sift(b, b->heap_n++, o);
}

static void
heap_remove(struct book *b, struct order *o)
{
	struct order *last = b->heap[--b->heap_n];

	if (last != o)
		heap_sift(b, o->heap_at, last);
}

static void
order_add(
    struct book *b, enum side_id id, int64_t price, int64_t size, uint64_t number, int64_t expires)
{
	struct level *l = level_at(b, id, price);
	struct order *o = b->free_orders;

	if (o)
		b->free_orders = o->next;
	else
		o = xrealloc(NULL, 1, sizeof(*o));
	*o = (struct order){ .id = number, .expires = expires, .size = size, .level = l };
	o->prev = l->last;
	if (l->last)
		l->last->next = o;
	else
		l->first = o;
	l->last = o;
	l->size += size;
	l->text_len = 0;
	heap_push(b, o);
}

/* Takes size off an order, and the order off the book where nothing is left of it. */
static void
order_reduce(struct book *b, struct order *o, int64_t size)
{
	struct level *l = o->level;

	o->size -= size;
	l->size -= size;
	l->text_len = 0;
	if (o->size > 0)
		return;
	if (o->prev)
		o->prev->next = o->next;
	else
		l->first = o->next;
	if (o->next)
		o->next->prev = o->prev;
	else
		l->last = o->prev;
	heap_remove(b, o);
	o->next = b->free_orders;
	b->free_orders = o;
	if (!l->first)
		level_drop(b, l);
}

static void
book_release(struct book *b)
{
	for (size_t i = 0; i < b->heap_n; i++)
		free(b->heap[i]);
	for (struct order *o = b->free_orders, *next; o; o = next) {
		next = o->next;
		free(o);
	}
	for (struct level *l = b->free_levels, *next; l; l = next) {
		next = l->next_free;
		free(l);
	}
	for (int id = ASK; id <= BID; id++) {
		for (size_t i = 0; i < b->side[id].n; i++)
			free(b->side[id].at[i]);
		free(b->side[id].at);
	}
	free(b->heap);
}

#endif
