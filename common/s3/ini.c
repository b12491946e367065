#include "common/s3/ini.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#define MAX_FILE (1U << 20)
#define MAX_LINE 8192

static char *
trim(char *s)
{
	char *end;

	s += strspn(s, " \t\r");
	end = s + strlen(s);
	while (end > s && strchr(" \t\r", end[-1]))
		end--;
	*end = '\0';
	return s;
}

/* A comment needs white space before it: secrets may hold '#'. */
static void
drop_comment(char *s)
{
	for (; *s; s++)
		if ((*s == ' ' || *s == '\t') && (s[1] == '#' || s[1] == ';')) {
			*s = '\0';
			return;
		}
}

static int
add(struct ffs_ini *ini, size_t *room, const struct ffs_ini_entry *e)
{
	struct ffs_ini_entry *v;

	if (ini->n == *room) {
		*room = *room ? *room * 2 : 32;
		v = reallocarray(ini->v, *room, sizeof(*v));
		if (!v)
			return -ENOMEM;
		ini->v = v;
	}
	ini->v[ini->n++] = *e;
	return 0;
}

/* One line; at carries the section and the parent from line to line. */
static int
parse_line(struct ffs_ini *ini, size_t *room, char *s, struct ffs_ini_entry *at)
{
	bool indented = *s == ' ' || *s == '\t';
	struct ffs_ini_entry e = *at;
	char *eq, *close;

	if (strchr("#;", *trim(s))) /* also the end of the string: a blank line */
		return 0;
	drop_comment(s);
	s = trim(s);
	if (*s == '[' && !indented) {
		/* The last bracket: "[http://[::1]:9000]" is a section too. */
		close = strrchr(s, ']');
		if (!close || close[1])
			return -EINVAL;
		*close = '\0';
		at->section = trim(s + 1);
		at->parent = NULL;
		e = (struct ffs_ini_entry){ .section = at->section };
		return add(ini, room, &e);
	}
	eq = strchr(s, '=');
	if (!eq) /* a value continued on the next line, which nothing here needs */
		return indented ? 0 : -EINVAL;
	*eq = '\0';
	e.key = trim(s);
	e.value = trim(eq + 1);
	if (!*e.key)
		return -EINVAL;
	if (!indented) {
		e.parent = NULL;
		at->parent = *e.value ? NULL : e.key;
	}
	return add(ini, room, &e);
}

int
ffs_ini_parse(struct ffs_ini *ini, const char *text, size_t n, unsigned *line)
{
	struct ffs_ini_entry at = { .section = "" };
	size_t room = 0;
	char *s, *end;
	unsigned no = 0;
	int rc = 0;

	memset(ini, 0, sizeof(*ini));
	if (n > MAX_FILE)
		return -EFBIG;
	ini->text = malloc(n + 1);
	if (!ini->text)
		return -ENOMEM;
	memcpy(ini->text, text, n);
	ini->text[n] = '\0';
	s = ini->text;
	if (n >= 3 && !memcmp(s, "\xef\xbb\xbf", 3))
		s += 3;
	while (!rc && s < ini->text + n) {
		no++;
		end = memchr(s, '\n', (size_t)(ini->text + n - s));
		if (!end)
			end = ini->text + n;
		*end = '\0';
		if (end - s > MAX_LINE || strlen(s) != (size_t)(end - s))
			rc = -EINVAL;
		else
			rc = parse_line(ini, &room, s, &at);
		s = end + 1;
	}
	if (line)
		*line = no;
	return rc;
}

int
ffs_ini_slurp(const char *path, size_t max, char **text, size_t *n)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY), rc = 0;
	size_t len = 0;
	ssize_t got;
	char *p;

	if (fd < 0)
		return -errno;
	p = malloc(max + 2);
	if (!p) {
		rc = -ENOMEM;
		goto out;
	}
	/* One byte more than max tells a longer file. */
	while (len <= max && (got = read(fd, p + len, max + 1 - len))) {
		if (got > 0) {
			len += (size_t)got;
		} else if (errno != EINTR) {
			rc = -errno;
			goto out;
		}
	}
	if (len > max) {
		rc = -EFBIG;
		goto out;
	}
	p[len] = '\0';
	*n = len;
	*text = p;
	p = NULL;
out:
	free(p);
	close(fd);
	return rc;
}

int
ffs_ini_load(struct ffs_ini *ini, const char *path, unsigned *line)
{
	char *text = NULL;
	size_t n = 0;
	int rc;

	memset(ini, 0, sizeof(*ini));
	if (line)
		*line = 0;
	rc = ffs_ini_slurp(path, MAX_FILE, &text, &n);
	if (!rc)
		rc = ffs_ini_parse(ini, text, n, line);
	free(text);
	return rc;
}

void
ffs_ini_release(struct ffs_ini *ini)
{
	free(ini->text);
	free(ini->v);
	memset(ini, 0, sizeof(*ini));
}

const char *
ffs_ini_get(const struct ffs_ini *ini, const char *section, const char *parent, const char *key)
{
	const struct ffs_ini_entry *e;
	const char *found = NULL;
	size_t i;

	for (i = 0; i < ini->n; i++) {
		e = &ini->v[i];
		if (!e->key || !*e->value || strcmp(e->section, section) || strcasecmp(e->key, key))
			continue;
		if (parent ? e->parent && !strcasecmp(e->parent, parent) : !e->parent)
			found = e->value;
	}
	return found;
}

bool
ffs_ini_has(const struct ffs_ini *ini, const char *section)
{
	size_t i;

	for (i = 0; i < ini->n; i++)
		if (!ini->v[i].key && !strcmp(ini->v[i].section, section))
			return true;
	return false;
}
