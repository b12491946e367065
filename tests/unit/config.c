/* Which endpoint, region and credentials are chosen (design.md, "Options, environment"). */
#include "common/s3/config.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/base/userdirs.h"
#include "common/s3/ini.h"
#include "tests/unit/check.h"

static char home[] = "/tmp/ffs-config.XXXXXX";

static const char *const variables[] = { "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY",
	"AWS_SESSION_TOKEN", "AWS_PROFILE", "AWS_DEFAULT_PROFILE", "AWS_REGION",
	"AWS_DEFAULT_REGION", "AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_S3", "AWS_CONFIG_FILE",
	"AWS_SHARED_CREDENTIALS_FILE", "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS", "XDG_CONFIG_HOME",
	"XDG_DATA_HOME", "SUDO_UID", "SUDO_GID", "FFS_BUCKET" };

static void
clean(void)
{
	size_t i;

	for (i = 0; i < COUNT(variables); i++)
		unsetenv(variables[i]);
	setenv("HOME", home, 1);
}

static void
put(const char *name, const char *text)
{
	char path[256];
	FILE *f;

	snprintf(path, sizeof(path), "%s/%s", home, name);
	f = fopen(path, "w");
	if (!f || fputs(text, f) < 0 || fclose(f)) {
		perror(path);
		exit(1);
	}
}

static void
rm(const char *name)
{
	char path[256];

	snprintf(path, sizeof(path), "%s/%s", home, name);
	unlink(path);
}

static void
check_urls(void)
{
	static const struct {
		const char *in, *out;
	} v[] = { { "http://127.0.0.1:9000", "http://127.0.0.1:9000" },
		{ "http://127.0.0.1:9000/", "http://127.0.0.1:9000" },
		{ "HTTP://Host.Example:80", "http://host.example" },
		{ "https://s3.amazonaws.com:443/", "https://s3.amazonaws.com" },
		{ "https://h:80", "https://h:80" }, { "http://[::1]:9000", "http://[::1]:9000" },
		{ "http://[2001:DB8::1]", "http://[2001:db8::1]" },
		{ "http://a_b:1", "http://a_b:1" }, { "", NULL }, { "127.0.0.1:9000", NULL },
		{ "ftp://h", NULL }, { "http://", NULL }, { "http:///x", NULL },
		{ "http://h/bucket", NULL }, { "http://h?x", NULL }, { "http://u:p@h", NULL },
		{ "http://h:", NULL }, { "http://h:0", NULL }, { "http://h:65536", NULL },
		{ "http://h:123456", NULL }, { "http://[::1", NULL }, { "http://[]", NULL },
		{ "http://[::1%eth0]", NULL }, { "http://h\n", NULL }, { "http://h h", NULL },
		{ "http://h//", NULL }, { "http://-h", NULL }, { "http://h:9x", NULL } };
	size_t i;
	char *u;

	for (i = 0; i < COUNT(v); i++) {
		u = ffs_endpoint_url(v[i].in);
		CHECK(v[i].out ? u && !strcmp(u, v[i].out) : !u && errno == EINVAL,
		    "'%s' gives '%s'", v[i].in, u ? u : "nothing");
		free(u);
	}
}

struct want {
	const char *url, *url_from, *region, *key, *secret, *token, *cred_from;
};

static bool
same(const char *a, const char *b)
{
	return a && b ? !strcmp(a, b) : !a && !b;
}

static void
expect_at(int line, const struct ffs_config_opts *o, const char *url, const struct want *w)
{
	struct ffs_endpoint ep;
	char *detail = NULL;
	int rc = url ? ffs_endpoint_for_url(&ep, url, o, &detail)
	             : ffs_endpoint_resolve(&ep, o, &detail);

	CHECK(!rc, "called at %d: %d %s", line, rc, detail ? detail : "");
	free(detail);
	if (rc)
		return;
	CHECK(same(ep.url, w->url), "called at %d: %s", line, ep.url);
	CHECK(same(ep.region, w->region), "called at %d: %s", line, ep.region);
	CHECK(same(ep.access_key, w->key) && same(ep.secret_key, w->secret) &&
		  same(ep.token, w->token),
	    "called at %d: %s", line, ep.access_key);
	CHECK(strstr(ep.url_from, w->url_from), "called at %d: %s", line, ep.url_from);
	CHECK(strstr(ep.cred_from, w->cred_from), "called at %d: %s", line, ep.cred_from);
	CHECK(ep.aws == !!strstr(w->url, "amazonaws") && ep.path_style != ep.aws, "called at %d",
	    line);
	ffs_endpoint_release(&ep);
}
#define EXPECT(o, url, ...) expect_at(__LINE__, o, url, &(const struct want){ __VA_ARGS__ })

static void
refuse_at(int line, const struct ffs_config_opts *o, int want, const char *text)
{
	struct ffs_endpoint ep;
	char *detail = NULL;
	int rc = ffs_endpoint_resolve(&ep, o, &detail);

	CHECK(rc == want, "called at %d: %d", line, rc);
	CHECK(detail && strstr(detail, text), "called at %d: %s", line, detail);
	free(detail);
	CHECK(!ffs_endpoint_resolve(&ep, o, NULL) || 1, "detail may be NULL");
	ffs_endpoint_release(&ep);
}
#define REFUSE(o, rc, text) refuse_at(__LINE__, o, rc, text)

static void
check_endpoints(void)
{
	static const struct ffs_config_opts ep = { .endpoint = "http://h:1" },
					    p = { .profile = "lab" },
					    r = { .region = "eu-north-1" };

	clean();
	EXPECT(NULL, NULL, "https://s3.us-east-1.amazonaws.com", "AWS", "us-east-1",
	    .cred_from = "none");
	EXPECT(&r, NULL, "https://s3.eu-north-1.amazonaws.com", "AWS", "eu-north-1",
	    .cred_from = "none");
	put(".config/ffs/credentials", "[http://127.0.0.1:9000/]\naws_access_key_id = OWN\n"
				       "aws_secret_access_key=own#secret\n");
	EXPECT(NULL, NULL, "http://127.0.0.1:9000", "default", "us-east-1", "OWN", "own#secret",
	    NULL, "/.config/ffs/credentials");
	put(".aws/config",
	    "[default]\nregion = eu-west-1\nendpoint_url=http://prof:1 # comment\n"
	    "[profile lab]\nservices = s\nendpoint_url = http://no:1\n[services s]\nec2 =\n"
	    "  endpoint_url = http://ec2:1\ns3 =\n  endpoint_url = http://svc:2/\n\n");
	EXPECT(NULL, NULL, "http://prof:1", "default of", "eu-west-1", .cred_from = "none");
	EXPECT(&p, NULL, "http://svc:2", "services s of", "us-east-1", .cred_from = "none");
	setenv("AWS_PROFILE", "lab", 1);
	setenv("AWS_REGION", "", 1);
	setenv("AWS_DEFAULT_REGION", "ap-south-1", 1);
	EXPECT(NULL, NULL, "http://svc:2", "services s of", "ap-south-1", .cred_from = "none");
	setenv("AWS_ENDPOINT_URL", "http://env:1", 1);
	EXPECT(NULL, NULL, "http://env:1", "AWS_ENDPOINT_URL", "ap-south-1", .cred_from = "none");
	setenv("AWS_ENDPOINT_URL_S3", "https://s3.us-west-2.amazonaws.com", 1);
	EXPECT(NULL, NULL, "https://s3.us-west-2.amazonaws.com", "AWS_ENDPOINT_URL_S3", "us-west-2",
	    .cred_from = "none");
	setenv("AWS_IGNORE_CONFIGURED_ENDPOINT_URLS", "true", 1);
	EXPECT(NULL, NULL, "http://127.0.0.1:9000", "default", "ap-south-1", "OWN", "own#secret",
	    NULL, "credentials");
	EXPECT(&ep, NULL, "http://h:1", "--endpoint", "ap-south-1",
	    .cred_from = "none (no section [http://h:1] of ");
	setenv("AWS_REGION", "us-gov-west-1", 1);
	EXPECT(&ep, NULL, "http://h:1", "--endpoint", "us-gov-west-1", .cred_from = "none");
	REFUSE((&(struct ffs_config_opts){ .endpoint = "http://h/b" }), -EINVAL, "http://h/b");
	REFUSE((&(struct ffs_config_opts){ .region = "a b" }), -EINVAL, "'a b'");
	REFUSE((&(struct ffs_config_opts){ .profile = "nope" }), -ENOENT, "'nope'");
	put(".aws/config", "[default]\nregion = r0\n[profile default]\nregion = r2\n");
	clean();
	EXPECT(&ep, NULL, "http://h:1", "--endpoint", "r2", .cred_from = "none");
	put(".aws/config", "[default]\nok = 1\nthis is no line\n");
	clean();
	REFUSE(NULL, -EINVAL, "/.aws/config:3:");
	rm(".aws/config");
}

static void
check_credentials(void)
{
	static const struct ffs_config_opts p = { .profile = "lab" };

	clean();
	put(".aws/credentials", "[default]\naws_access_key_id = DEF\naws_secret_access_key = defs\n"
				"[lab]\naws_access_key_id=LAB\naws_secret_access_key=labs\n"
				"aws_session_token = tok\n[half]\naws_access_key_id = HALF\n");
	put(".aws/config",
	    "[profile conf]\naws_access_key_id = CONF\naws_secret_access_key = confs\n"
	    "[profile sso]\nsso_session = x\n");
	put(".config/ffs/credentials",
	    "[http://own:1]\naws_access_key_id=OWN\naws_secret_access_key=owns\nregion=r1\n"
	    "[http://[::1]:9]\naws_access_key_id=SIX\naws_secret_access_key=sixs\n");
	EXPECT(NULL, "http://x:1", "http://x:1", "node list", "us-east-1", "DEF", "defs", NULL,
	    "profile 'default' of");
	EXPECT(&p, "http://x:1", "http://x:1", "node list", "us-east-1", "LAB", "labs", "tok",
	    "'lab'");
	EXPECT(NULL, "http://OWN:1/", "http://own:1", "node list", "r1", "OWN", "owns", NULL,
	    "[http://own:1] of");
	EXPECT(NULL, "http://[::1]:9", "http://[::1]:9", "node list", "us-east-1", "SIX", "sixs",
	    NULL, "ffs/credentials");
	setenv("AWS_PROFILE", "conf", 1);
	EXPECT(NULL, "http://x:1", "http://x:1", "node list", "us-east-1", "CONF", "confs", NULL,
	    "/.aws/config");
	setenv("AWS_PROFILE", "sso", 1);
	EXPECT(
	    NULL, "http://x:1", "http://x:1", "node list", "us-east-1", .cred_from = "sso_session");
	setenv("AWS_ACCESS_KEY_ID", "ENV", 1);
	REFUSE(NULL, -EINVAL, "no secret key");
	setenv("AWS_SECRET_ACCESS_KEY", "envs", 1);
	setenv("AWS_SESSION_TOKEN", "envt", 1);
	EXPECT(NULL, "http://x:1", "http://x:1", "node list", "us-east-1", "ENV", "envs", "envt",
	    "AWS_ACCESS_KEY_ID");
	EXPECT(
	    NULL, "http://own:1", "http://own:1", "node list", "r1", "OWN", "owns", NULL, "[http");
	EXPECT(&p, "http://x:1", "http://x:1", "node list", "us-east-1", "LAB", "labs", "tok",
	    "'lab'");
	setenv("AWS_SECRET_ACCESS_KEY", "bad\r\nX: y", 1);
	REFUSE(NULL, -EINVAL, "white space");
	clean();
	setenv("AWS_PROFILE", "half", 1);
	REFUSE(NULL, -EINVAL, "no secret key");
	clean();
	setenv("AWS_SHARED_CREDENTIALS_FILE", "~/other", 1);
	put("other", "[default]\naws_access_key_id = OTHER\naws_secret_access_key = o\n");
	EXPECT(NULL, "http://x:1", "http://x:1", "node list", "us-east-1", "OTHER", "o", NULL,
	    "/other");
	rm("other");
	rm(".aws/config");
	rm(".aws/credentials");
}

static void
check_own_keys(void)
{
	char *a, *s, *a2, *s2, path[300];
	struct stat st;
	bool made;

	clean();
	rm(".config/ffs/credentials");
	snprintf(path, sizeof(path), "%s/new/sub", home);
	setenv("XDG_CONFIG_HOME", path, 1);
	CHECK(!ffs_config_own_keys("http://127.0.0.1:9000/", &a, &s, &made) && made);
	CHECK(strlen(a) == 20 && strlen(s) == 40, "%s", a);
	CHECK(!ffs_config_own_keys("http://127.0.0.1:9000", &a2, &s2, &made) && !made);
	CHECK(!strcmp(a, a2) && !strcmp(s, s2), "%s %s", a, a2);
	free(a2);
	free(s2);
	CHECK(!ffs_config_own_keys("http://127.0.0.1:9001", &a2, &s2, &made) && made);
	CHECK(strcmp(a, a2) && strcmp(s, s2), "%s", a2);
	free(a2);
	free(s2);
	EXPECT(
	    NULL, NULL, "http://127.0.0.1:9000", "default", "us-east-1", a, s, NULL, "credentials");
	free(a);
	free(s);
	CHECK(ffs_config_own_keys("http://x/y", &a, &s, &made) == -EINVAL && !a && !s);
	snprintf(path, sizeof(path), "%s/new/sub/ffs/credentials", home);
	CHECK(!stat(path, &st) && (st.st_mode & 0777) == 0600, "%o", st.st_mode);
	snprintf(path, sizeof(path), "%s/new/sub/ffs", home);
	CHECK(!stat(path, &st) && (st.st_mode & 0777) == 0700, "%o", st.st_mode);
}

/* Under sudo things are made for the invoking user, in his directories only. */
static void
check_sudo(void)
{
	char *a, *s, *h, path[300];
	struct stat st;
	bool made;

	if (geteuid() != 0)
		return;
	clean();
	setenv("SUDO_UID", "65534", 1);
	setenv("SUDO_GID", "65534", 1);
	h = ffs_userdirs_home();
	CHECK(h && strcmp(h, home), "%s", h);
	free(h);
	snprintf(path, sizeof(path), "%s/his", home);
	setenv("XDG_CONFIG_HOME", path, 1);
	CHECK(!mkdir(path, 0700) && !chown(path, 65534, 65534), "%s", path);
	CHECK(!ffs_config_own_keys("http://h:1", &a, &s, &made) && made);
	free(a);
	free(s);
	snprintf(path, sizeof(path), "%s/his/ffs", home);
	CHECK(!stat(path, &st) && st.st_uid == 65534, "%u", st.st_uid);
	snprintf(path, sizeof(path), "%s/his/ffs/credentials", home);
	CHECK(!stat(path, &st) && st.st_uid == 65534 && st.st_gid == 65534, "%u", st.st_uid);
	/* His home is not his here: nothing is made there. */
	unsetenv("XDG_CONFIG_HOME");
	CHECK(ffs_config_own_keys("http://h:1", &a, &s, &made) < 0 && !a && !made);
}

static void
check_ini(void)
{
	static const char text[] = "\xef\xbb\xbf; comment\r\n[ a ]\r\nK = v # c\nnest =\n"
				   "\tx = 1\n  y=2;no comment\nplain = 3\n\n  z = 4\n[b]\nk=\n";
	char *big = malloc(9000);
	struct ffs_ini ini;
	unsigned line;

	CHECK(!ffs_ini_parse(&ini, text, sizeof(text) - 1, &line), "line %u", line);
	CHECK(same(ffs_ini_get(&ini, "a", NULL, "k"), "v"));
	CHECK(same(ffs_ini_get(&ini, "a", "nest", "x"), "1"));
	CHECK(same(ffs_ini_get(&ini, "a", "NEST", "y"), "2;no comment"));
	CHECK(!ffs_ini_get(&ini, "a", NULL, "x"));
	CHECK(!ffs_ini_get(&ini, "b", NULL, "k"), "empty is not there");
	CHECK(same(ffs_ini_get(&ini, "a", NULL, "plain"), "3"));
	CHECK(ffs_ini_has(&ini, "a") && ffs_ini_has(&ini, "b") && !ffs_ini_has(&ini, "c"));
	ffs_ini_release(&ini);
	CHECK(ffs_ini_parse(&ini, "[a]\nk=v\0w\n", 10, &line) == -EINVAL && line == 2, "%u", line);
	ffs_ini_release(&ini);
	CHECK(ffs_ini_parse(&ini, "[a\n", 3, &line) == -EINVAL && line == 1, "%u", line);
	ffs_ini_release(&ini);
	CHECK(ffs_ini_parse(&ini, "=v", 2, &line) == -EINVAL);
	ffs_ini_release(&ini);
	memset(big, 'a', 9000);
	CHECK(ffs_ini_parse(&ini, big, 9000, &line) == -EINVAL);
	ffs_ini_release(&ini);
	free(big);
}

static void
make_dir(const char *name)
{
	char path[256];

	snprintf(path, sizeof(path), "%s/%s", home, name);
	if (mkdir(path, 0700)) {
		perror(path);
		exit(1);
	}
}

int
main(void)
{
	char cmd[64];

	if (!mkdtemp(home)) {
		perror(home);
		return 1;
	}
	make_dir(".aws");
	make_dir(".config");
	make_dir(".config/ffs");
	check_ini();
	check_urls();
	check_endpoints();
	check_credentials();
	check_own_keys();
	check_sudo();
	snprintf(cmd, sizeof(cmd), "rm -rf %s", home);
	return system(cmd) ? 1 : failed;
}
