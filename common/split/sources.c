#include "common/split/sources.h"

#include <errno.h>
#include <fnmatch.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/buf.h"
#include "common/split/lobster.h"
#include "common/dataset/manifest.h"
#include "common/base/utf8.h"

/* Of all archives together, so that memory is bounded. */
#define PARTS_MAX 65536
#define PART_NAME_MAX 1024

/* A file, or a member of an archive, that may become a dataset. */
struct part {
	size_t file;
	size_t ordinal; /* of the member */
	bool member;
	char *name; /* as the archive or the command line has it */
	bool lobster;
	struct ffs_lobster l;
	struct part *partner; /* a book's message file */
	char *dataset;        /* NULL: none of its own */
};

/* An input that is open, and may have another of its members asked for next. */
struct cursor {
	size_t file;
	struct ffs_input *in;
	char *label;
};

struct ffs_sources {
	const char **files;
	size_t n; /* the message file of the options, if any, stands behind them */
	struct ffs_sources_opts o;
	struct ffs_input **kept; /* inputs that cannot be opened twice; one a file, or NULL */
	struct part *parts;
	size_t nparts, cap;
	size_t nbooks;            /* parts before that of the message file */
	size_t count, at;         /* datasets; next part to look at */
	const struct part *piped; /* last dataset, where its archive cannot be read twice */
	struct cursor data, message;
	char *error;
};

static int __attribute__((format(printf, 3, 4)))
fail(struct ffs_sources *s, int rc, const char *fmt, ...)
{
	va_list ap;

	free(s->error);
	va_start(ap, fmt);
	if (vasprintf(&s->error, fmt, ap) < 0)
		s->error = NULL;
	va_end(ap);
	return rc;
}

static int
fail_memory(struct ffs_sources *s)
{
	return fail(s, -ENOMEM, "%s", strerror(ENOMEM));
}

/* What to call it before the user: control bytes of hostile names must not reach a terminal. */
static char *
make_label(const struct ffs_sources *s, size_t file, const char *member)
{
	const char *path = s->files[file];
	char *label;

	if (!strcmp(path, "-"))
		path = "stdin";
	if (asprintf(&label, member ? "%s:%s" : "%s", path, member) < 0)
		return NULL;
	ffs_utf8_mask(label);
	return label;
}

static char *
part_label(const struct ffs_sources *s, const struct part *p)
{
	return make_label(s, p->file, p->member ? p->name : NULL);
}

/* Tell of a part that is not read. */
static int
note(struct ffs_sources *s, const struct part *p, bool failed, const char *what)
{
	char *label = part_label(s, p), *line = NULL;
	int rc = 0;

	if (!label || asprintf(&line, "'%s': %s", label, what) < 0) {
		line = NULL;
		rc = fail_memory(s);
	} else {
		s->o.note(s->o.arg, line, failed);
	}
	free(line);
	free(label);
	return rc;
}

static int
fail_part(struct ffs_sources *s, int rc, const struct part *p, const char *what)
{
	char *label = part_label(s, p);

	if (!label)
		return fail_memory(s);
	fail(s, rc, "'%s': %s", label, what);
	free(label);
	return rc;
}

static int
fail_both(struct ffs_sources *s, const struct part *a, const struct part *b, const char *what)
{
	char *la = part_label(s, a), *lb = part_label(s, b);
	int rc = la && lb ? fail(s, -EINVAL, "'%s' and '%s' %s", la, lb, what) : fail_memory(s);

	free(la);
	free(lb);
	return rc;
}

static bool
wanted(const struct ffs_sources *s, const char *name)
{
	return !s->o.member || !fnmatch(s->o.member, name, 0) ||
	       !fnmatch(s->o.member, basename(name), 0);
}

/* --- finding parts --- */

static bool
is_message(const struct part *p)
{
	return p->lobster && p->l.kind == FFS_LOBSTER_MESSAGE;
}

static int
add_part(struct ffs_sources *s, size_t file, const char *name, bool member, size_t ordinal)
{
	struct part *p;
	size_t cap;

	if (s->nparts == PARTS_MAX || strlen(name) > PART_NAME_MAX)
		return fail(
		    s, -EFBIG, "'%s': too many members, or a name is too long", s->files[file]);
	if (s->nparts == s->cap) {
		cap = s->cap ? 2 * s->cap : 16;
		p = reallocarray(s->parts, cap, sizeof(*p));
		if (!p)
			return fail_memory(s);
		s->parts = p;
		s->cap = cap;
	}
	p = &s->parts[s->nparts];
	*p = (struct part){ .file = file, .ordinal = ordinal, .member = member };
	p->name = strdup(name);
	if (!p->name)
		return fail_memory(s);
	p->lobster = !ffs_lobster_parse(&p->l, name);
	s->nparts++;
	return 0;
}

static int
fail_input(struct ffs_sources *s, size_t file, const struct ffs_input *in, int rc)
{
	char *label = make_label(s, file, NULL);

	if (!label)
		return fail_memory(s);
	fail(s, rc, "cannot read '%s': %s", label, ffs_input_error(in));
	free(label);
	return rc;
}

/* The next member that the glob lets through.  As ffs_input_next(). */
static int
next_wanted(struct ffs_sources *s, size_t file, struct ffs_input *in, const char **name, size_t *i)
{
	int rc;

	while ((rc = ffs_input_next(in, name)) > 0) {
		(*i)++;
		if (wanted(s, *name))
			return 1;
	}
	return rc ? fail_input(s, file, in, rc) : 0;
}

/* Other members beside LOBSTER's are passed over. */
static int
drop_others(struct ffs_sources *s, size_t first)
{
	size_t i, to = first;
	int rc = 0;

	for (i = first; i < s->nparts; i++) {
		if (!s->parts[i].lobster) {
			if (!rc)
				rc = note(
				    s, &s->parts[i], false, "skipped, its name is not LOBSTER's");
			free(s->parts[i].name);
		} else {
			s->parts[to++] = s->parts[i];
		}
	}
	s->nparts = to;
	return rc;
}

static int
scan_archive(struct ffs_sources *s, size_t file, struct ffs_input *in)
{
	size_t first = s->nparts, i = 0, lobsters = 0;
	bool piped = !ffs_input_is_seekable(in);
	const char *name;
	int rc;

	while ((rc = next_wanted(s, file, in, &name, &i)) > 0) {
		rc = add_part(s, file, name, true, i - 1);
		if (rc)
			return rc;
		lobsters += s->parts[s->nparts - 1].lobster;
		if (piped)
			break; /* what follows is seen when this one was read */
	}
	if (piped && lobsters && is_message(&s->parts[first]))
		return fail_part(s, -ESPIPE, &s->parts[first],
		    "pairing members needs a seekable file, not a pipe");
	if (rc < 0)
		return rc;
	if (s->nparts == first)
		return fail(s, -ENOENT, "'%s': %s", s->files[file],
		    s->o.member ? "no member matches" : "no files in this archive");
	if (s->o.member || piped)
		return 0;
	if (lobsters)
		return drop_others(s, first);
	if (s->nparts - first == 1)
		return 0;
	return fail_part(
	    s, -EINVAL, &s->parts[first + 1], "one of several members: choose with --member");
}

static int
scan_file(struct ffs_sources *s, size_t file)
{
	struct ffs_input *in = ffs_input_new(s->files[file]);
	int rc;

	if (!in)
		return fail_memory(s);
	rc = ffs_input_open(in);
	if (rc)
		rc = fail_input(s, file, in, rc);
	else if (ffs_input_is_archive(in))
		rc = scan_archive(s, file, in);
	else
		rc = add_part(s, file, s->files[file], false, 0);
	if (!rc && !ffs_input_is_seekable(in))
		s->kept[file] = in;
	else
		ffs_input_free(in);
	return rc;
}

/* --- what they are together --- */

/* Pairs are neighbours, the message file first. */
static int
by_pair(const void *a, const void *b)
{
	const struct part *pa = *(struct part *const *)a, *pb = *(struct part *const *)b;
	int rc = ffs_lobster_cmp(&pa->l, &pb->l);

	return rc ? rc : (int)pa->l.kind - (int)pb->l.kind;
}

static int
by_dataset(const void *a, const void *b)
{
	return strcmp((*(struct part *const *)a)->dataset, (*(struct part *const *)b)->dataset);
}

static int
pair(struct ffs_sources *s, struct part **sorted, size_t n)
{
	struct part *p, *next;
	size_t i;

	qsort(sorted, n, sizeof(struct part *), by_pair);
	for (i = 0; i + 1 < n; i++) {
		p = sorted[i];
		next = sorted[i + 1];
		if (!is_message(p) || ffs_lobster_cmp(&p->l, &next->l))
			continue;
		if (is_message(next))
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
name_part(struct ffs_sources *s, struct part *p)
{
	const char *template = s->o.name ? s->o.name : "{ticker}/{date}";
	struct ffs_buf b = FFS_BUF_INIT;
	int rc = 0;

	if (s->o.name ? strpbrk(template, "{}") != NULL : p->lobster) {
		if (!p->lobster)
			return fail_part(
			    s, -EINVAL, p, "its name is not LOBSTER's: -n takes no {words} for it");
		rc = ffs_lobster_expand(&p->l, template, &b);
		if (rc == -EINVAL)
			rc = fail(
			    s, rc, "bad name '%s': only {ticker}, {date} and {level}", template);
		p->dataset = rc ? NULL : ffs_buf_detach(&b);
		ffs_buf_release(&b);
	} else {
		p->dataset = s->o.name ? strdup(s->o.name) : stem(p->name);
	}
	if (rc)
		return rc;
	if (!p->dataset)
		return fail_memory(s);
	if (ffs_dataset_name_ok(p->dataset))
		return 0;
	if (!s->o.name)
		return fail_part(
		    s, -EINVAL, p, "this makes no name for a dataset: give one with -n");
	ffs_utf8_mask(p->dataset);
	return fail(s, -EINVAL, "'%s' is no name for a dataset (a number alone is a generation)",
	    p->dataset);
}

static int
name_all(struct ffs_sources *s, struct part **sorted)
{
	struct part *p;
	size_t i;
	int rc;

	for (i = 0; i < s->nbooks; i++) {
		p = &s->parts[i];
		rc = 0;
		if (is_message(p) && !s->o.message) {
			if (!p->partner)
				rc = note(s, p, true, "skipped, its order book is not there");
		} else {
			rc = name_part(s, p);
			sorted[s->count++] = p;
			if (!rc && p->lobster && !p->partner)
				rc = note(s, p, false, "no message file beside it: without times");
		}
		if (rc)
			return rc;
	}
	if (!s->count)
		return fail(s, -ENODATA, "nothing to split");
	if (s->count > 1 && s->o.name && !strpbrk(s->o.name, "{}"))
		return fail(
		    s, -EINVAL, "-n '%s' names one dataset, here are %zu", s->o.name, s->count);
	qsort(sorted, s->count, sizeof(struct part *), by_dataset);
	for (i = 1; i < s->count; i++)
		if (!strcmp(sorted[i - 1]->dataset, sorted[i]->dataset))
			return fail_both(s, sorted[i - 1], sorted[i],
			    sorted[i]->lobster
				? "would be one dataset: use -n with {level}, or split one"
				: "would be one dataset: split one, with -n");
	return 0;
}

/* All files are looked at: find pairs, give names. */
static int
settle(struct ffs_sources *s)
{
	struct part **sorted = calloc(s->nparts, sizeof(struct part *));
	size_t i, n = 0;
	int rc;

	if (!sorted)
		return fail_memory(s);
	if (s->o.message) {
		s->parts[0].partner = &s->parts[s->nbooks];
		rc = s->nbooks == 1 && s->nparts == 2
		         ? 0
		         : fail(s, -EINVAL, "-m takes one order book and one message file");
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

static int
scan(struct ffs_sources *s)
{
	size_t i, stdins = 0;
	int rc = 0;

	for (i = 0; i < s->n + (s->o.message != NULL); i++)
		stdins += !strcmp(s->files[i], "-");
	if (stdins > 1)
		return fail(s, -EINVAL, "stdin can be read once only");
	for (i = 0; i < s->n && !rc; i++)
		rc = scan_file(s, i);
	s->nbooks = s->nparts;
	if (!rc && s->o.message)
		rc = scan_file(s, s->n);
	return rc ? rc : settle(s);
}

struct ffs_sources *
ffs_sources_new(const char *const *files, size_t n, const struct ffs_sources_opts *o, int *rc)
{
	struct ffs_sources *s = calloc(1, sizeof(*s));

	if (!s)
		return NULL;
	s->o = *o;
	s->n = n;
	s->files = calloc(n + 1, sizeof(*s->files));
	s->kept = calloc(n + 1, sizeof(struct ffs_input *));
	if (!s->files || !s->kept) {
		ffs_sources_free(s);
		errno = ENOMEM;
		return NULL;
	}
	memcpy(s->files, files, n * sizeof(*files));
	s->files[n] = o->message;
	*rc = scan(s);
	return s;
}

static void
close_cursor(struct ffs_sources *s, struct cursor *c)
{
	if (c->in && c->in != s->kept[c->file])
		ffs_input_free(c->in);
	free(c->label);
	*c = (struct cursor){ 0 };
}

void
ffs_sources_free(struct ffs_sources *s)
{
	size_t i;

	if (!s)
		return;
	if (s->kept) {
		close_cursor(s, &s->data);
		close_cursor(s, &s->message);
		for (i = 0; i <= s->n; i++)
			ffs_input_free(s->kept[i]);
	}
	for (i = 0; i < s->nparts; i++) {
		free(s->parts[i].name);
		free(s->parts[i].dataset);
	}
	free(s->parts);
	free(s->kept);
	free(s->files);
	free(s->error);
	free(s);
}

/* --- reading them --- */

/*
 * Have the part open in c.  Members of one archive come in its own order, so a
 * cursor that is there already only goes forward: an archive is unpacked once for
 * the books and once for the messages.
 */
static int
open_part(struct ffs_sources *s, struct cursor *c, const struct part *p)
{
	int rc = 0;

	if (!c->in || c->file != p->file || !p->member) {
		close_cursor(s, c);
		c->file = p->file;
		c->in = s->kept[p->file];
		if (!c->in) {
			c->in = ffs_input_new(s->files[p->file]);
			if (!c->in)
				return fail_memory(s);
			rc = ffs_input_open(c->in);
		}
	}
	if (!rc && p->member && !s->kept[p->file])
		rc = ffs_input_goto(c->in, p->ordinal);
	if (rc)
		return fail_input(s, p->file, c->in, rc);
	free(c->label);
	c->label = part_label(s, p);
	return c->label ? 0 : fail_memory(s);
}

/* A second member that is wanted from an archive on a pipe: it was not known when the first was
 * named. */
static int
check_pipe(struct ffs_sources *s)
{
	const struct part *p = s->piped;
	const char *name;
	size_t i = 0;
	int rc;

	s->piped = NULL;
	rc = next_wanted(s, p->file, s->kept[p->file], &name, &i);
	if (rc > 0)
		rc = fail(s, -ESPIPE, "'%s': several members need a seekable file, or one --member",
		    strcmp(s->files[p->file], "-") ? s->files[p->file] : "stdin");
	return rc;
}

int
ffs_sources_next(struct ffs_sources *s, struct ffs_split_job *job)
{
	struct part *p;
	int rc;

	if (s->piped) {
		rc = check_pipe(s);
		if (rc)
			return rc;
	}
	while (s->at < s->nbooks && !s->parts[s->at].dataset)
		s->at++;
	if (s->at == s->nbooks)
		return 0;
	p = &s->parts[s->at++];
	rc = open_part(s, &s->data, p);
	if (!rc && p->partner)
		rc = open_part(s, &s->message, p->partner);
	if (rc)
		return rc;
	if (p->member && s->kept[p->file])
		s->piped = p;
	*job = (struct ffs_split_job){ .dataset = p->dataset,
		.book = { s->data.in, s->data.label },
		.level = p->lobster && p->l.kind == FFS_LOBSTER_ORDERBOOK ? p->l.level : 0,
		.stop = job->stop };
	if (p->partner)
		job->message = (struct ffs_split_input){ s->message.in, s->message.label };
	return 1;
}

size_t
ffs_sources_count(const struct ffs_sources *s)
{
	return s->count;
}

const char *
ffs_sources_error(const struct ffs_sources *s)
{
	return s->error;
}
