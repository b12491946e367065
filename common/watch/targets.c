#include "common/watch/targets.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/opt.h"

#define OWN_PORT 9000

int
ffs_targets_split(const char *url, char **host, uint16_t *port)
{
	const char *p, *end;
	uint64_t n = 80;

	if (strncmp(url, "http://", 7))
		return strncmp(url, "https://", 8) ? -EINVAL : -EPROTONOSUPPORT;
	p = url + 7;
	end = *p == '[' ? strchr(p, ']') : p + strcspn(p, ":/");
	if (!end)
		return -EINVAL;
	if (*p == '[')
		p++;
	*host = strndup(p, (size_t)(end - p));
	if (!*host)
		return -ENOMEM;
	if (*end == ']')
		end++;
	if (*end == ':' && ffs_opt_uint(end + 1, 1, 65535, &n)) {
		free(*host);
		return -EINVAL;
	}
	*port = (uint16_t)n;
	return 0;
}

/* --- ports --- */

static bool
has_port(const struct ffs_load_targets *t, unsigned port)
{
	return t->ports[port >> 3] >> (port & 7) & 1;
}

static void
set_port(struct ffs_load_targets *t, unsigned port)
{
	t->ports[port >> 3] |= (uint8_t)(1u << (port & 7));
}

/* "80,9000-9003" */
static int
parse_ports(struct ffs_load_targets *t, const char *ports)
{
	char *list = strdup(ports), *word, *save = NULL;
	uint64_t first, last;
	int rc = list && *list ? 0 : -EINVAL;

	if (list && (list[0] == ',' || strstr(list, ",,") || list[strlen(list) - !!*list] == ','))
		rc = -EINVAL;
	for (word = rc ? NULL : strtok_r(list, ",", &save); word;
	     word = strtok_r(NULL, ",", &save)) {
		rc = ffs_opt_range(word, &first, &last);
		if (rc || !first || last > 65535) {
			rc = -EINVAL;
			break;
		}
		for (; first <= last; first++)
			set_port(t, (unsigned)first);
	}
	free(list);
	return rc;
}

bool
ffs_targets_ports_ok(const char *ports)
{
	struct ffs_load_targets t = { 0 };

	return !parse_ports(&t, ports);
}

/* --- hosts --- */

/* For virtual-hosted requests, BUCKET.HOST; addresses have none. */
static void
add_host(struct ffs_load_targets *t, const char *host)
{
	size_t i, n = strlen(host);
	unsigned char any[16];

	if (n >= FFS_HOST_LEN || t->hosts_n == FFS_HOSTS_MAX ||
	    inet_pton(AF_INET, host, any) == 1 || inet_pton(AF_INET6, host, any) == 1)
		return;
	for (i = 0; i < t->hosts_n; i++)
		if (!strcasecmp(t->hosts[i], host))
			return;
	for (i = 0; i < n; i++)
		t->hosts[t->hosts_n][i] = (char)tolower((unsigned char)host[i]);
	t->hosts_n++;
}

static void
tell(struct ffs_buf *b, const char *fmt_port, const char *from)
{
	ffs_buf_addf(b, "%s%s (%s)", b->len ? ", " : "", fmt_port, from);
}

static int
add_node(struct ffs_load_targets *t, const struct ffs_node *node, bool ports, struct ffs_buf *told,
    struct ffs_buf *not_told)
{
	char *host = NULL, text[8];
	uint16_t port;
	int rc = ffs_targets_split(node->ep.url, &host, &port);

	if (rc == -EPROTONOSUPPORT) {
		tell(not_told, node->ep.url, node->ep.url_from);
		return 0;
	}
	if (rc)
		return rc;
	add_host(t, host);
	if (ports && !has_port(t, port)) {
		set_port(t, port);
		snprintf(text, sizeof(text), "%u", port);
		tell(told, text, node->ep.url_from);
	}
	free(host);
	return 0;
}

int
ffs_targets_find(struct ffs_load_targets *t, const struct ffs_nodes *ns, const char *ports,
    struct ffs_buf *told, struct ffs_buf *not_told)
{
	size_t i;
	int rc = 0;

	memset(t, 0, sizeof(*t));
	if (ports) {
		rc = parse_ports(t, ports);
		tell(told, ports, "--ports");
	}
	for (i = 0; !rc && i < ns->n; i++)
		rc = add_node(t, &ns->v[i], !ports, told, not_told);
	add_host(t, "localhost");
	if (!rc && !ports && !has_port(t, OWN_PORT)) {
		set_port(t, OWN_PORT);
		tell(told, "9000", "default");
	}
	if (!rc)
		rc = ffs_buf_error(told) ? ffs_buf_error(told) : ffs_buf_error(not_told);
	return rc;
}
