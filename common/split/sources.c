#include "common/split/sources.h"

#include <errno.h>
#include <fnmatch.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/utf8.h"
#include "common/split/sourcesimpl.h"

/* Of all archives together, so that memory is bounded. */
#define PARTS_MAX 65536
#define PART_NAME_MAX 1024

int
ffs_sources_fail(struct ffs_sources *s, int rc, const char *fmt, ...)
{
	va_list ap;

	free(s->error);
	va_start(ap, fmt);
	if (vasprintf(&s->error, fmt, ap) < 0)
		s->error = NULL;
	va_end(ap);
	return rc;
}

int
ffs_sources_fail_memory(struct ffs_sources *s)
{
	return ffs_sources_fail(s, -ENOMEM, "%s", strerror(ENOMEM));
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

char *
ffs_sources_label(const struct ffs_sources *s, const struct ffs_sources_part *p)
{
	return make_label(s, p->file, p->member ? p->name : NULL);
}

/* Tell of a part that is not read. */
int
ffs_sources_note(
    struct ffs_sources *s, const struct ffs_sources_part *p, bool failed, const char *what)
{
	char *label = ffs_sources_label(s, p), *line = NULL;
	int rc = 0;

	if (!label || asprintf(&line, "'%s': %s", label, what) < 0) {
		line = NULL;
		rc = ffs_sources_fail_memory(s);
	} else {
		s->o.note(s->o.arg, line, failed);
	}
	free(line);
	free(label);
	return rc;
}

int
ffs_sources_fail_part(
    struct ffs_sources *s, int rc, const struct ffs_sources_part *p, const char *what)
{
	char *label = ffs_sources_label(s, p);

	if (!label)
		return ffs_sources_fail_memory(s);
	ffs_sources_fail(s, rc, "'%s': %s", label, what);
	free(label);
	return rc;
}

static bool
wanted(const struct ffs_sources *s, const char *name)
{
	return !s->o.member || !fnmatch(s->o.member, name, 0) ||
	       !fnmatch(s->o.member, basename(name), 0);
}

/* --- finding parts --- */

static int
add_part(struct ffs_sources *s, size_t file, const char *name, bool member, size_t ordinal)
{
	struct ffs_sources_part *p;
	size_t cap;

	if (s->nparts == PARTS_MAX || strlen(name) > PART_NAME_MAX)
		return ffs_sources_fail(
		    s, -EFBIG, "'%s': too many members, or a name is too long", s->files[file]);
	if (s->nparts == s->cap) {
		cap = s->cap ? 2 * s->cap : 16;
		p = reallocarray(s->parts, cap, sizeof(*p));
		if (!p)
			return ffs_sources_fail_memory(s);
		s->parts = p;
		s->cap = cap;
	}
	p = &s->parts[s->nparts];
	*p = (struct ffs_sources_part){ .file = file, .ordinal = ordinal, .member = member };
	p->name = strdup(name);
	if (!p->name)
		return ffs_sources_fail_memory(s);
	p->lobster = !ffs_lobster_parse(&p->l, name);
	s->nparts++;
	return 0;
}

static int
fail_input(struct ffs_sources *s, size_t file, const struct ffs_input *in, int rc)
{
	char *label = make_label(s, file, NULL);

	if (!label)
		return ffs_sources_fail_memory(s);
	ffs_sources_fail(s, rc, "cannot read '%s': %s", label, ffs_input_error(in));
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
				rc = ffs_sources_note(
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
	if (piped && lobsters && ffs_sources_is_message(&s->parts[first]))
		return ffs_sources_fail_part(s, -ESPIPE, &s->parts[first],
		    "pairing members needs a seekable file, not a pipe");
	if (rc < 0)
		return rc;
	if (s->nparts == first)
		return ffs_sources_fail(s, -ENOENT, "'%s': %s", s->files[file],
		    s->o.member ? "no member matches" : "no files in this archive");
	if (s->o.member || piped)
		return 0;
	if (lobsters)
		return drop_others(s, first);
	if (s->nparts - first == 1)
		return 0;
	return ffs_sources_fail_part(
	    s, -EINVAL, &s->parts[first + 1], "one of several members: choose with --member");
}

static int
scan_file(struct ffs_sources *s, size_t file)
{
	struct ffs_input *in = ffs_input_new(s->files[file]);
	int rc;

	if (!in)
		return ffs_sources_fail_memory(s);
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

static int
scan(struct ffs_sources *s)
{
	size_t i, stdins = 0;
	int rc = 0;

	for (i = 0; i < s->n + (s->o.message != NULL); i++)
		stdins += !strcmp(s->files[i], "-");
	if (stdins > 1)
		return ffs_sources_fail(s, -EINVAL, "stdin can be read once only");
	for (i = 0; i < s->n && !rc; i++)
		rc = scan_file(s, i);
	s->nbooks = s->nparts;
	if (!rc && s->o.message)
		rc = scan_file(s, s->n);
	return rc ? rc : ffs_sources_settle(s);
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
close_cursor(struct ffs_sources *s, struct ffs_sources_cursor *c)
{
	if (c->in && c->in != s->kept[c->file])
		ffs_input_free(c->in);
	free(c->label);
	*c = (struct ffs_sources_cursor){ 0 };
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
open_part(struct ffs_sources *s, struct ffs_sources_cursor *c, const struct ffs_sources_part *p)
{
	int rc = 0;

	if (!c->in || c->file != p->file || !p->member) {
		close_cursor(s, c);
		c->file = p->file;
		c->in = s->kept[p->file];
		if (!c->in) {
			c->in = ffs_input_new(s->files[p->file]);
			if (!c->in)
				return ffs_sources_fail_memory(s);
			rc = ffs_input_open(c->in);
		}
	}
	if (!rc && p->member && !s->kept[p->file])
		rc = ffs_input_goto(c->in, p->ordinal);
	if (rc)
		return fail_input(s, p->file, c->in, rc);
	free(c->label);
	c->label = ffs_sources_label(s, p);
	return c->label ? 0 : ffs_sources_fail_memory(s);
}

/* A second member that is wanted from an archive on a pipe: it was not known when the first was
 * named. */
static int
check_pipe(struct ffs_sources *s)
{
	const struct ffs_sources_part *p = s->piped;
	const char *name;
	size_t i = 0;
	int rc;

	s->piped = NULL;
	rc = next_wanted(s, p->file, s->kept[p->file], &name, &i);
	if (rc > 0)
		rc = ffs_sources_fail(s, -ESPIPE,
		    "'%s': several members need a seekable file, or one --member",
		    strcmp(s->files[p->file], "-") ? s->files[p->file] : "stdin");
	return rc;
}

int
ffs_sources_next(struct ffs_sources *s, struct ffs_split_job *job)
{
	struct ffs_sources_part *p;
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
