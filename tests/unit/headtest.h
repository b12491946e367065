#ifndef FFS_HEADTEST_H
#define FFS_HEADTEST_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/gate/head.h"

/* Heads of texts whose lines end in "\n"; they live until the next of their kind. */
static inline const struct ffs_head *
head_of(const char *text, bool request, bool to_head)
{
	static struct {
		struct ffs_head h;
		char text[16384];
	} room[2];
	struct ffs_head *h = &room[request].h;
	char *p = room[request].text;
	size_t n = 0;
	int rc;

	for (; *text; text++) {
		if (*text == '\n')
			p[n++] = '\r';
		p[n++] = *text;
	}
	memcpy(p + n, "\r\n", 3);
	n += 2;
	rc = request ? ffs_head_request(h, p, n) : ffs_head_answer(h, p, n, to_head);
	if (rc != (int)n) {
		printf("no head (%d): %s\n", rc, p);
		exit(1);
	}
	return h;
}

static inline const struct ffs_head *
request_of(const char *text)
{
	return head_of(text, true, false);
}

static inline const struct ffs_head *
answer_of(const char *text)
{
	return head_of(text, false, false);
}

#endif
