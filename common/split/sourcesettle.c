/* Which parts belong together, and what the datasets are called. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/buf.h"
#include "common/base/utf8.h"
#include "common/dataset/manifest.h"
#include "common/split/sourcesimpl.h"

static int
fail_both(struct ffs_sources *s, const struct ffs_sources_part *a, const struct ffs_sources_part *b,
    const char *what)
{
	char *la = ffs_sources_label(s, a), *lb = ffs_sources_label(s, b);
	int rc = la && lb ? ffs_sources_fail(s, -EINVAL, "'%s' and '%s' %s", la, lb, what)
	                  : ffs_sources_fail_memory(s);

	free(la);
	free(lb);
	return rc;
}

/* Pairs are neighbours, the message file first. */
static int
by_pair(const void *a, const void *b)
{
	const struct ffs_sources_part *pa = *(struct ffs_sources_part *const *)a,
				      *pb = *(struct ffs_sources_part *const *)b;
	int rc = ffs_lobster_cmp(&pa->l, &pb->l);

	return rc ? rc : (int)pa->l.kind - (int)pb->l.kind;
}

static int
by_dataset(const void *a, const void *b)
{
	return strcmp((*(struct ffs_sources_part *const *)a)->dataset,
	    (*(struct ffs_sources_part *const *)b)->dataset);
}

static int
pair(struct ffs_sources *s, struct ffs_sources_part **sorted, size_t n)
{
	struct ffs_sources_part *p, *next;
	size_t i;

	qsort(sorted, n, sizeof(struct ffs_sources_part *), by_pair);
	for (i = 0; i + 1 < n; i++) {
		p = sorted[i];
		next = sorted[i + 1];
		if (!ffs_sources_is_message(p) || ffs_lobster_cmp(&p->l, &next->l))
			continue;
		if (ffs_sources_is_message(next))
			return fail_both(s, p, next, "are message files of the same order book");
		next->partner = p;
		p->partner = next;
	}
	return 0;
}

/* The file's name without directories, compression and extension. */
static char *
stem(const char *path)
{
	static const char *const packed[] = { ".gz", ".bz2", ".xz", ".zst", ".lz4" };
	const char *name = basename(path), *dot;
	size_t i, n;

	if (!strcmp(path, "-"))
		return strdup("stdin");
	n = strlen(name);
	for (i = 0; i < sizeof(packed) / sizeof(packed[0]); i++)
		if (n > strlen(packed[i]) && !strcmp(name + n - strlen(packed[i]), packed[i])) {
			n -= strlen(packed[i]);
			break;
		}
	dot = memrchr(name, '.', n);
	return strndup(name, dot && dot > name ? (size_t)(dot - name) : n);
}

static int
name_part(struct ffs_sources *s, struct ffs_sources_part *p)
{
	const char *template = s->o.name ? s->o.name : "{ticker}/{date}";
	struct ffs_buf b = FFS_BUF_INIT;
	int rc = 0;

	if (s->o.name ? strpbrk(template, "{}") != NULL : p->lobster) {
		if (!p->lobster)
			return ffs_sources_fail_part(
			    s, -EINVAL, p, "its name is not LOBSTER's: -n takes no {words} for it");
		rc = ffs_lobster_expand(&p->l, template, &b);
		if (rc == -EINVAL)
			rc = ffs_sources_fail(
			    s, rc, "bad name '%s': only {ticker}, {date} and {level}", template);
		p->dataset = rc ? NULL : ffs_buf_detach(&b);
		ffs_buf_release(&b);
	} else {
		p->dataset = s->o.name ? strdup(s->o.name) : stem(p->name);
	}
	if (rc)
		return rc;
	if (!p->dataset)
		return ffs_sources_fail_memory(s);
	if (ffs_dataset_name_ok(p->dataset))
		return 0;
	if (!s->o.name)
		return ffs_sources_fail_part(
		    s, -EINVAL, p, "this makes no name for a dataset: give one with -n");
	ffs_utf8_mask(p->dataset);
	return ffs_sources_fail(s, -EINVAL,
	    "'%s' is no name for a dataset (a number alone is a generation)", p->dataset);
}

static int
name_all(struct ffs_sources *s, struct ffs_sources_part **sorted)
{
	struct ffs_sources_part *p;
	size_t i;
	int rc;

	for (i = 0; i < s->nbooks; i++) {
		p = &s->parts[i];
		rc = 0;
		if (ffs_sources_is_message(p) && !s->o.message) {
			if (!p->partner)
				rc = ffs_sources_note(
				    s, p, true, "skipped, its order book is not there");
		} else {
			rc = name_part(s, p);
			sorted[s->count++] = p;
			if (!rc && p->lobster && !p->partner)
				rc = ffs_sources_note(
				    s, p, false, "no message file beside it: without times");
		}
		if (rc)
			return rc;
	}
	if (!s->count)
		return ffs_sources_fail(s, -ENODATA, "nothing to split");
	if (s->count > 1 && s->o.name && !strpbrk(s->o.name, "{}"))
		return ffs_sources_fail(
		    s, -EINVAL, "-n '%s' names one dataset, here are %zu", s->o.name, s->count);
	qsort(sorted, s->count, sizeof(struct ffs_sources_part *), by_dataset);
	for (i = 1; i < s->count; i++)
		if (!strcmp(sorted[i - 1]->dataset, sorted[i]->dataset))
			return fail_both(s, sorted[i - 1], sorted[i],
			    sorted[i]->lobster
				? "would be one dataset: use -n with {level}, or split one"
				: "would be one dataset: split one, with -n");
	return 0;
}

int
ffs_sources_settle(struct ffs_sources *s)
{
	struct ffs_sources_part **sorted = calloc(s->nparts, sizeof(struct ffs_sources_part *));
	size_t i, n = 0;
	int rc;

	if (!sorted)
		return ffs_sources_fail_memory(s);
	if (s->o.message) {
		s->parts[0].partner = &s->parts[s->nbooks];
		rc = s->nbooks == 1 && s->nparts == 2
		         ? 0
		         : ffs_sources_fail(
			       s, -EINVAL, "-m takes one order book and one message file");
	} else {
		for (i = 0; i < s->nbooks; i++)
			if (s->parts[i].lobster)
				sorted[n++] = &s->parts[i];
		rc = pair(s, sorted, n);
	}
	if (!rc)
		rc = name_all(s, sorted);
	free(sorted);
	return rc;
}
