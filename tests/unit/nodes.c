/* The node list: what each line means, and what is refused. */
#include "common/s3/nodes.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/unit/check.h"

static int
load(const char *text, struct ffs_nodes *ns, char **detail)
{
	FILE *f = fopen("nodes.txt", "w");

	if (!f || fputs(text, f) < 0 || fclose(f)) {
		perror("nodes.txt");
		exit(1);
	}
	setenv("FFS_NODES", "nodes.txt", 1);
	return ffs_nodes_load(ns, NULL, detail);
}

static void
check_good(void)
{
	struct ffs_nodes ns;
	char *detail;
	int rc = load("# a comment\n\n a http://a:9000/ \t weight=2.5 # more\r\n"
		      "b.x_-1 https://[::1] root@h1\nc http://c ssh weight=1\n",
	    &ns, &detail);

	CHECK(!rc, "%d %s", rc, detail);
	if (rc)
		return;
	CHECK(ns.n == 3 && ns.listed && !strcmp(ns.file, "nodes.txt"), "%zu", ns.n);
	CHECK(!strcmp(ns.v[0].name, "a") && !strcmp(ns.v[0].url, "http://a:9000") && !ns.v[0].ssh &&
		  ns.v[0].weight > 2.4,
	    "%s", ns.v[0].url);
	CHECK(!strcmp(ns.v[0].ep.url_from, "nodes.txt:3"), "%s", ns.v[0].ep.url_from);
	CHECK(!strcmp(ns.v[1].name, "b.x_-1") && !strcmp(ns.v[1].url, "https://[::1]") &&
		  !strcmp(ns.v[1].ssh, "root@h1"),
	    "%s", ns.v[1].url);
	CHECK(!strcmp(ns.v[2].ssh, "ssh"), "%s", ns.v[2].ssh);
	CHECK(ffs_nodes_find(&ns, "c") == 2 && ffs_nodes_find(&ns, "d") == -1);
	ffs_nodes_release(&ns);
}

static void
check_bad(void)
{
	static const struct {
		const char *text, *detail;
	} v[] = { { "a\n", "nodes.txt:1: a node needs an endpoint" },
		{ "\na b\n", "nodes.txt:2: not an endpoint URL" },
		{ "a http://a\na http://b\n", "nodes.txt:2: two nodes of one name: 'a'" },
		{ "a http://a x y\n", "nodes.txt:1: not part of" },
		{ "a http://a -oProxyCommand=x\n", "nodes.txt:1: not an ssh target" },
		{ "a http://a weight=0\n", "not a weight" },
		{ "a http://a weight=nan\n", "not a weight" },
		{ "a http://a weight=1x\n", "not a weight" }, { "a/b http://a\n", "not a name" },
		{ ".. http://a\n", "not a name" }, { "-v http://a\n", "not a name" },
		{ "0123456789012345678901234567890123456789012345678901234567890123 http://a\n",
		    "not a name" },
		{ "# nothing\n", "nodes.txt: names no node" } };
	struct ffs_nodes ns;
	char *detail;
	size_t i;
	int rc;

	for (i = 0; i < COUNT(v); i++) {
		rc = load(v[i].text, &ns, &detail);
		CHECK(rc == -EINVAL && strstr(detail, v[i].detail), "%zu: %d %s", i, rc, detail);
		CHECK(!ns.v && !ns.n, "%zu", i);
		free(detail);
	}
	setenv("FFS_NODES", "absent", 1);
	rc = ffs_nodes_load(&ns, NULL, &detail);
	CHECK(rc == -ENOENT && strstr(detail, "absent"), "%d %s", rc, detail);
	free(detail);
	CHECK(ffs_nodes_load(&ns, NULL, NULL) == -ENOENT);
}

static void
check_single(void)
{
	static const struct ffs_config_opts o = { .endpoint = "http://x:1" };
	struct ffs_nodes ns;
	int rc = ffs_nodes_load(&ns, &o, NULL);

	CHECK(!rc && ns.n == 1 && !strcmp(ns.v[0].name, "local") &&
		  !strcmp(ns.v[0].url, "http://x:1") && !ns.file,
	    "%d", rc);
	ffs_nodes_release(&ns);
	unsetenv("FFS_NODES");
	setenv("AWS_ENDPOINT_URL", "http://y:1", 1);
	rc = ffs_nodes_load(&ns, NULL, NULL);
	CHECK(!rc && ns.n == 1 && !strcmp(ns.v[0].url, "http://y:1") &&
		  !strcmp(ns.file, "./.config/ffs/nodes") && !ns.listed,
	    "%d", rc);
	ffs_nodes_release(&ns);
}

int
main(void)
{
	static const char *const vars[] = { "AWS_PROFILE", "AWS_DEFAULT_PROFILE",
		"AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_CONFIG_FILE",
		"AWS_SHARED_CREDENTIALS_FILE", "XDG_CONFIG_HOME", "SUDO_UID", "AWS_REGION",
		"AWS_DEFAULT_REGION" };
	size_t i;

	for (i = 0; i < COUNT(vars); i++)
		unsetenv(vars[i]);
	setenv("HOME", ".", 1);
	check_good();
	check_bad();
	check_single();
	return failed;
}
