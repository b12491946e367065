#include "common/s3/stores.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/loopback.h"
#include "common/base/opt.h"
#include "common/base/userdirs.h"

/* What http.c and s3.c read: a value that is none would only be left out there. */
static int
check_environment(char **detail)
{
	static const struct {
		const char *name;
		bool duration;
	} vars[] = {
		{ "FFS_RETRIES", false },
		{ "FFS_CONNECT_TIMEOUT", true },
		{ "FFS_STALL_TIMEOUT", true },
	};
	const char *s;
	uint64_t n;
	size_t i;
	int rc = 0;

	for (i = 0; i < sizeof(vars) / sizeof(*vars) && !rc; i++) {
		s = getenv(vars[i].name);
		if (!s || !*s)
			continue;
		rc = vars[i].duration ? ffs_opt_duration(s, 1, FFS_HTTP_TIMEOUT_MAX, &n)
		                      : ffs_opt_uint(s, 0, FFS_S3_RETRIES_MAX, &n);
		if (rc && asprintf(detail, "bad %s '%s': %s", vars[i].name, s, strerror(-rc)) < 0)
			*detail = NULL;
	}
	return rc ? -EINVAL : 0;
}

int
ffs_stores_init(struct ffs_stores *st, const struct ffs_config_opts *o,
    const struct ffs_http_opts *h, char **detail)
{
	int rc;

	memset(st, 0, sizeof(*st));
	*detail = NULL;
	rc = check_environment(detail);
	if (!rc)
		rc = ffs_nodes_load(&st->nodes, o, detail);
	if (rc)
		return rc;
	st->s3 = calloc(st->nodes.n, sizeof(struct ffs_s3 *));
	if (!st->s3) {
		rc = -ENOMEM;
		goto out;
	}
	st->http = ffs_http_new(h);
	if (!st->http)
		rc = -errno;
out:
	if (rc)
		ffs_stores_release(st);
	return rc;
}

void
ffs_stores_release(struct ffs_stores *st)
{
	size_t i;

	for (i = 0; st->s3 && i < st->nodes.n; i++)
		if (st->s3[i])
			ffs_s3_free(st->s3[i]);
	free(st->s3);
	if (st->http)
		ffs_http_free(st->http);
	ffs_nodes_release(&st->nodes);
	memset(st, 0, sizeof(*st));
}

char *
ffs_stores_exposed(const struct ffs_stores *st)
{
	size_t i;

	for (i = 0; i < st->nodes.n; i++)
		if (st->nodes.v[i].ep.own_keys)
			return ffs_config_exposed();
	return NULL;
}

bool
ffs_stores_local(const struct ffs_stores *st)
{
	size_t i;

	for (i = 0; i < st->nodes.n; i++)
		if (!ffs_loopback_host(strstr(st->nodes.v[i].ep.url, "://") + 3))
			return false;
	return true;
}

void
ffs_stores_show(const struct ffs_stores *st, FILE *f)
{
	uid_t uid;
	gid_t gid;
	size_t i;

	if (ffs_userdirs_sudo(&uid, &gid))
		fprintf(f, "configuration of user %u, who called sudo\n", uid);
	for (i = 0; i < st->nodes.n; i++) {
		const struct ffs_endpoint *ep = &st->nodes.v[i].ep;

		fprintf(f, "node %s: endpoint %s (%s), credentials from %s\n", st->nodes.v[i].name,
		    ep->url, ep->url_from, ep->cred_from);
	}
}

struct ffs_s3 *
ffs_stores_get(struct ffs_stores *st, size_t i)
{
	if (!st->s3[i])
		st->s3[i] = ffs_s3_new(st->http, &st->nodes.v[i].ep);
	return st->s3[i];
}
