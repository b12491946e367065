#include "common/s3/nodes.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/buf.h"
#include "common/base/opt.h"
#include "common/base/userdirs.h"
#include "common/s3/ini.h"

#define MAX_FILE (1U << 20)
#define MAX_NODES 10000
#define LETTERS "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"

static int
complain(char **detail, int rc, const char *file, unsigned line, const char *what, const char *word)
{
	struct ffs_buf b = FFS_BUF_INIT;

	if (!detail)
		return rc;
	ffs_buf_adds(&b, file);
	if (line)
		ffs_buf_addf(&b, ":%u", line);
	ffs_buf_addf(&b, ": %s", what);
	if (word)
		ffs_buf_addf(&b, ": '%s'", word);
	free(*detail);
	*detail = ffs_buf_detach(&b);
	return rc;
}

/* Names go into manifests, file names and command lines. */
static bool
name_ok(const char *s)
{
	size_t n = strlen(s);

	return n >= 1 && n <= 63 && s[0] != '.' && s[0] != '-' &&
	       strspn(s, LETTERS "0123456789._-") == n;
}

/* [USER@]HOST as ssh takes it; never an option. */
static bool
ssh_ok(const char *s)
{
	return s[0] != '-' && strlen(s) <= 255 &&
	       strspn(s, LETTERS "0123456789._-@:[]%") == strlen(s);
}

static bool
parse_weight(const char *s, double *out)
{
	char *end;
	double v;

	if (!strspn(s, "0123456789.") || strspn(s, "0123456789.") != strlen(s))
		return false;
	v = strtod(s, &end);
	if (*end || !isfinite(v) || v <= 0 || v > 1e6)
		return false;
	*out = v;
	return true;
}

/* The words of a line into node; its endpoint is looked up by the caller. */
static const char *
parse_words(struct ffs_node *node, char *line, const char **word)
{
	static const char white[] = " \t\r";
	char *save, *s = strtok_r(line, white, &save);

	*word = s;
	if (!name_ok(s))
		return "not a name for a node";
	node->name = strdup(s);
	*word = s = strtok_r(NULL, white, &save);
	if (!s)
		return "a node needs an endpoint";
	node->url = ffs_endpoint_url(s);
	if (!node->url)
		return "not an endpoint URL (http://HOST[:PORT])";
	node->weight = 1;
	while ((s = strtok_r(NULL, white, &save))) {
		*word = s;
		if (!strncmp(s, "weight=", 7)) {
			if (!parse_weight(s + 7, &node->weight))
				return "not a weight (a number over 0)";
		} else if (node->ssh) {
			return "not part of a node's line";
		} else if (!ssh_ok(s)) {
			return "not an ssh target";
		} else {
			node->ssh = strdup(s);
		}
	}
	return NULL;
}

static int
add_line(
    struct ffs_nodes *ns, char *line, unsigned no, const struct ffs_config_opts *o, char **detail)
{
	const char *bad, *word = NULL;
	struct ffs_buf from = FFS_BUF_INIT;
	struct ffs_node *v;
	char *why = NULL;
	int rc;

	if (ns->n == MAX_NODES)
		return complain(detail, -EINVAL, ns->file, no, "too many nodes", NULL);
	v = reallocarray(ns->v, ns->n + 1, sizeof(*v));
	if (!v)
		return -ENOMEM;
	ns->v = v;
	v += ns->n++;
	memset(v, 0, sizeof(*v));
	bad = parse_words(v, line, &word);
	if (bad)
		return complain(detail, -EINVAL, ns->file, no, bad, word);
	if (!v->name)
		return -ENOMEM;
	if (ffs_nodes_find(ns, v->name) != (int)ns->n - 1)
		return complain(detail, -EINVAL, ns->file, no, "two nodes of one name", v->name);
	rc = ffs_endpoint_for_url(&v->ep, v->url, o, &why);
	if (rc) {
		complain(detail, rc, ns->file, no, why ? why : strerrordesc_np(-rc), NULL);
		free(why);
		return rc;
	}
	ffs_buf_addf(&from, "%s:%u", ns->file, no);
	free(v->ep.url_from);
	v->ep.url_from = ffs_buf_detach(&from);
	return v->ep.url_from ? 0 : -ENOMEM;
}

static int
parse(struct ffs_nodes *ns, char *text, size_t n, const struct ffs_config_opts *o, char **detail)
{
	char *line, *end, *p;
	unsigned no = 0;
	int rc = 0;

	for (line = text; !rc && line < text + n; line = end + 1) {
		no++;
		end = memchr(line, '\n', (size_t)(text + n - line));
		if (!end)
			end = text + n;
		*end = '\0';
		if (strlen(line) != (size_t)(end - line))
			return complain(detail, -EINVAL, ns->file, no, "a NUL byte", NULL);
		/* A comment starts a line or follows white space. */
		for (p = line; (p = strchr(p, '#')); p++)
			if (p == line || p[-1] == ' ' || p[-1] == '\t') {
				*p = '\0';
				break;
			}
		if (line[strspn(line, " \t\r")])
			rc = add_line(ns, line, no, o, detail);
	}
	if (!rc && !ns->n)
		rc = complain(detail, -EINVAL, ns->file, 0, "names no node", NULL);
	return rc;
}

/* No list, or --endpoint: this machine's own store. */
static int
single(struct ffs_nodes *ns, const struct ffs_config_opts *o, char **detail)
{
	struct ffs_node *v = calloc(1, sizeof(*v));
	int rc;

	if (!v)
		return -ENOMEM;
	ns->v = v;
	ns->n = 1;
	v->weight = 1;
	rc = ffs_endpoint_resolve(&v->ep, o, detail);
	if (rc)
		return rc;
	v->name = strdup("local");
	v->url = strdup(v->ep.url);
	return v->name && v->url ? 0 : -ENOMEM;
}

int
ffs_nodes_load(struct ffs_nodes *ns, const struct ffs_config_opts *o, char **detail)
{
	const char *given = ffs_opt_env("FFS_NODES");
	char *text = NULL;
	size_t n = 0;
	int rc;

	memset(ns, 0, sizeof(*ns));
	if (detail)
		*detail = NULL;
	if (o && o->endpoint) {
		rc = single(ns, o, detail);
		goto out;
	}
	ns->file = given ? strdup(given) : ffs_userdirs_config("nodes");
	if (!ns->file) {
		rc = -errno;
		goto out;
	}
	rc = ffs_ini_slurp(ns->file, MAX_FILE, &text, &n);
	if ((rc == -ENOENT || rc == -ENOTDIR) && !given) {
		rc = single(ns, o, detail);
	} else if (rc) {
		complain(detail, rc, ns->file, 0, strerrordesc_np(-rc), NULL);
	} else {
		ns->listed = true;
		rc = parse(ns, text, n, o, detail);
	}
out:
	free(text);
	if (rc)
		ffs_nodes_release(ns);
	return rc;
}

void
ffs_nodes_release(struct ffs_nodes *ns)
{
	size_t i;

	for (i = 0; i < ns->n; i++) {
		free(ns->v[i].name);
		free(ns->v[i].url);
		free(ns->v[i].ssh);
		ffs_endpoint_release(&ns->v[i].ep);
	}
	free(ns->v);
	free(ns->file);
	memset(ns, 0, sizeof(*ns));
}

int
ffs_nodes_find(const struct ffs_nodes *ns, const char *name)
{
	size_t i;

	for (i = 0; i < ns->n; i++)
		if (ns->v[i].name && !strcmp(ns->v[i].name, name))
			return (int)i;
	return -1;
}

const char *
ffs_nodes_unknown(const struct ffs_nodes *ns, const char *name, char *buf, size_t n)
{
	if (!ns->file)
		snprintf(buf, n,
		    "it is on node '%s', which --endpoint leaves out: the node list may have it",
		    name);
	else
		snprintf(buf, n,
		    "it is on node '%s', %s: add a line '%s ENDPOINT' to the file '%s'", name,
		    ns->listed ? "which the node list lacks" : "and there is no node list", name,
		    ns->file);
	return buf;
}
