/* SPDX-License-Identifier: MIT */
#ifndef FFS_WORD_BPF_H
#define FFS_WORD_BPF_H

/*
 * Eight bytes at a time: a loop over single bytes costs small requests a fifth of their rate.
 * Bytes are in memory order, the first one lowest, as on every little-endian machine.
 */
#if __BYTE_ORDER__ != __ORDER_LITTLE_ENDIAN__
#error "words are read as little-endian"
#endif

#define ONES 0x0101010101010101ull
#define HIGH 0x8080808080808080ull
#define LOWER (ONES * 0x20) /* or'ed to letters */

/* Up to eight characters as a word. */
#define WORD_AT(s, i) ((__u64)(__u8)((i) < sizeof(s) - 1 ? (s)[(i) < sizeof(s) ? (i) : 0] : 0) << (8 * (i)))
#define WORD(s)                                                                                    \
	(WORD_AT(s, 0) | WORD_AT(s, 1) | WORD_AT(s, 2) | WORD_AT(s, 3) | WORD_AT(s, 4) |            \
	    WORD_AT(s, 5) | WORD_AT(s, 6) | WORD_AT(s, 7))
#define WORD_MASK(s) (sizeof(s) > 8 ? ~0ull : (1ull << (8 * (sizeof(s) - 1) & 63)) - 1)
/* Does word w begin with s. */
#define WORD_IS(w, s) (((w)&WORD_MASK(s)) == WORD(s))

static __always_inline __u64
word(const void *p)
{
	return *(const __u64 *)p;
}

/* The high bit of bytes that are c, and perhaps of some behind the first of them. */
static __always_inline __u64
word_has(__u64 w, __u64 c8)
{
	w ^= c8;
	return (w - ONES) & ~w & HIGH;
}

/* The same, of bytes that are blanks or controls: below 0x21. */
static __always_inline __u64
word_has_blank(__u64 w)
{
	return (w - ONES * 0x21) & ~w & HIGH;
}

/* Capitals become small letters, all else stays. */
static __always_inline __u64
word_lower(__u64 w)
{
	__u64 low = w & ~HIGH;
	__u64 capital = (low + ONES * (0x80 - 'A')) & ~(low + ONES * (0x80 - 'Z' - 1)) & ~w & HIGH;

	return w | capital >> 2;
}

/* How many bytes are before the first that is marked; not for 0. */
static __always_inline __u32
word_before(__u64 marks)
{
	return (((marks - 1) & ~marks) >> 7 & ONES) * ONES >> 56 & 7; /* 7: for the verifier */
}

#endif
