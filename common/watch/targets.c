#include "common/watch/targets.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/opt.h"
#include "common/watch/addresses.h"

#define OWN_PORT 9000
#define TLS_PORT 443

int
ffs_targets_split(const char *url, char **host, uint16_t *port, bool *tls)
{
	const char *p, *end;
	uint64_t n;

	*tls = !strncmp(url, "https://", 8);
	if (!*tls && strncmp(url, "http://", 7))
		return -EINVAL;
	n = *tls ? TLS_PORT : 80;
	p = url + (*tls ? 8 : 7);
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
has_port(const uint8_t *ports, unsigned port)
{
	return ports[port >> 3] >> (port & 7) & 1;
}

static void
set_port(uint8_t *to, unsigned port)
{
	to[port >> 3] |= (uint8_t)(1u << (port & 7));
}

/* "80,9000-9003" */
static int
parse_ports(uint8_t *to, const char *ports)
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
			set_port(to, (unsigned)first);
	}
	free(list);
	return rc;
}

bool
ffs_targets_ports_ok(const char *ports)
{
	uint8_t to[FFS_PORTS_BYTES];

	return !parse_ports(to, ports);
}

/* --- hosts --- */

/* For virtual-hosted requests, BUCKET.HOST; addresses have none. */
static void
add_host(struct ffs_load_targets *t, const char *host, bool tls)
{
	size_t i, k, n = strlen(host);
	unsigned char any[16];

	if (n >= FFS_HOST_LEN || inet_pton(AF_INET, host, any) == 1 ||
	    inet_pton(AF_INET6, host, any) == 1)
		return;
	for (i = 0; i < t->hosts_n && strcasecmp(t->hosts[i], host); i++)
		;
	if (i == FFS_HOSTS_MAX)
		return;
	if (i == t->hosts_n) {
		for (k = 0; k < n; k++)
			t->hosts[i][k] = (char)tolower((unsigned char)host[k]);
		t->hosts_n++;
	}
	if (tls)
		ffs_addresses_name(host, t->host_ids[i]);
}

static void
tell(struct ffs_buf *b, const char *what, bool tls, const char *from)
{
	ffs_buf_addf(b, "%s%s%s (%s)", b->len ? ", " : "", what, tls ? " with TLS" : "", from);
}

static void
add_port(uint8_t *to, unsigned port, bool tls, const char *from, struct ffs_buf *told)
{
	char text[8];

	if (has_port(to, port))
		return;
	set_port(to, port);
	snprintf(text, sizeof(text), "%u", port);
	tell(told, text, tls, from);
}

/* As an option lists them, if it does. */
static int
add_ports(uint8_t *to, const char *list, bool tls, struct ffs_buf *told)
{
	if (!list || !*list)
		return 0;
	tell(told, list, tls, tls ? "--tls" : "--ports");
	return parse_ports(to, list);
}

/* Ports of an endpoint, where no option lists them. */
static int
add_node(struct ffs_load_targets *t, const struct ffs_node *node, bool ports, const char *tls,
    struct ffs_buf *told, struct ffs_buf *not_told)
{
	char *host = NULL;
	uint16_t port;
	bool is_tls;
	int rc = ffs_targets_split(node->ep.url, &host, &port, &is_tls);

	if (rc)
		return rc;
	if (is_tls && !tls) {
		tell(not_told, node->ep.url, false, node->ep.url_from);
		free(host);
		return 0;
	}
	add_host(t, host, is_tls);
	free(host);
	if (is_tls && !*tls)
		add_port(t->tls_ports, port, true, node->ep.url_from, told);
	else if (!is_tls && ports)
		add_port(t->ports, port, false, node->ep.url_from, told);
	return 0;
}

int
ffs_targets_find(struct ffs_load_targets *t, const struct ffs_nodes *ns, const char *ports,
    const char *tls, struct ffs_buf *told, struct ffs_buf *not_told)
{
	static const uint8_t none[FFS_PORTS_BYTES];
	size_t i;
	int rc;

	memset(t, 0, sizeof(*t));
	rc = add_ports(t->ports, ports, false, told);
	if (!rc)
		rc = add_ports(t->tls_ports, tls, true, told);
	for (i = 0; !rc && i < ns->n; i++)
		rc = add_node(t, &ns->v[i], !ports, tls, told, not_told);
	add_host(t, "localhost", false);
	if (!rc && !ports)
		add_port(t->ports, OWN_PORT, false, "default", told);
	if (!rc && tls && !memcmp(t->tls_ports, none, sizeof(none)))
		add_port(t->tls_ports, TLS_PORT, true, "default", told);
	if (!rc)
		rc = ffs_buf_error(told) ? ffs_buf_error(told) : ffs_buf_error(not_told);
	return rc;
}
