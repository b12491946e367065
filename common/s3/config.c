#include "common/s3/config.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "common/base/buf.h"
#include "common/s3/ini.h"
#include "common/base/opt.h"
#include "common/base/userdirs.h"

#define LOCAL_URL "http://127.0.0.1:9000"

bool
ffs_config_opt(struct ffs_config_opts *o, int opt, const char *arg)
{
	switch (opt) {
	case FFS_CONFIG_ENDPOINT:
		o->endpoint = arg;
		return true;
	case FFS_CONFIG_REGION:
		o->region = arg;
		return true;
	case FFS_CONFIG_PROFILE:
		o->profile = arg;
		return true;
	default:
		return false;
	}
}

/* --- where files are --- */

char *
ffs_config_exposed(void)
{
	char *path = ffs_userdirs_config("credentials"), *line = NULL;
	struct stat st;

	if (path && !stat(path, &st) && st.st_mode & (S_IRWXG | S_IRWXO))
		line =
		    ffs_buf_concat("others have access to the secret keys: chmod 600 '", path, "'");
	free(path);
	return line;
}

/* A file of the AWS tools: from its variable ('~' is the home), else below ~/.aws. */
static char *
aws_path(const char *var, const char *name)
{
	const char *set = ffs_opt_env(var);
	char *home, *out;

	if (set && strncmp(set, "~/", 2))
		return strdup(set);
	home = ffs_userdirs_home();
	if (!home)
		return NULL;
	out = set ? ffs_buf_concat(home, set + 1, "") : ffs_buf_concat(home, "/.aws/", name);
	free(home);
	return out;
}

const char *
ffs_config_bucket(void)
{
	const char *s = ffs_opt_env("FFS_BUCKET");

	return s ? s : "ffs";
}

/* --- URLs --- */

/* The host at s: a name, an IPv4 address or a bracketed IPv6 address.  Its length, or 0. */
static size_t
host_length(const char *s)
{
	size_t n;

	if (*s == '[') {
		n = strspn(s + 1, "0123456789abcdefABCDEF:.");
		return n > 1 && s[1 + n] == ']' ? n + 2 : 0;
	}
	n = strspn(s, "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ.-_");
	return n <= 253 && s[0] != '-' && s[0] != '.' ? n : 0;
}

char *
ffs_endpoint_url(const char *url)
{
	bool tls = !strncasecmp(url, "https://", 8);
	const char *host = url + (tls ? 8 : 7), *end, *rest;
	char port_text[8] = "", *out = NULL, *p;
	size_t n, digits;
	unsigned long port;

	errno = EINVAL;
	if (!tls && strncasecmp(url, "http://", 7))
		return NULL;
	n = host_length(host);
	if (!n)
		return NULL;
	end = rest = host + n;
	if (*rest == ':') {
		digits = strspn(++rest, "0123456789");
		if (!digits || digits > 5)
			return NULL;
		memcpy(port_text, rest, digits);
		port = strtoul(port_text, NULL, 10);
		if (!port || port > 65535)
			return NULL;
		/* The scheme's own port is not sent in Host, so it must not tell two endpoints
		   apart. */
		if (port != (tls ? 443 : 80))
			end = rest + digits;
		rest += digits;
	}
	if (*rest == '/')
		rest++;
	if (*rest)
		return NULL;
	out = strndup(host, (size_t)(end - host));
	for (p = out; p && *p; p++)
		*p = (char)tolower((unsigned char)*p);
	p = out ? ffs_buf_concat(tls ? "https://" : "http://", out, "") : NULL;
	free(out);
	return p;
}

static const char *
url_host(const char *url)
{
	return strstr(url, "://") + 3;
}

/* Is this an endpoint of AWS itself? */
static bool
url_is_aws(const char *url)
{
	size_t n = strcspn(url_host(url), ":");
	char *host = strndup(url_host(url), n);
	bool yes = false;

	if (host)
		yes = (n > 14 && !strcmp(host + n - 14, ".amazonaws.com")) ||
		      (n > 17 && !strcmp(host + n - 17, ".amazonaws.com.cn"));
	free(host);
	return yes;
}

/* "https://s3.eu-west-1.amazonaws.com" names its region; NULL where a URL has none. */
static char *
url_region(const char *url)
{
	const char *s = url_host(url), *end;

	if (!url_is_aws(url) || strncmp(s, "s3", 2) || !strchr(".-", s[2]))
		return NULL;
	s += 3;
	if (!strncmp(s, "dualstack.", 10))
		s += 10;
	end = strchr(s, '.');
	if (!end || !strncmp(s, "amazonaws.", 10) || !memchr(s, '-', (size_t)(end - s)))
		return NULL;
	return strndup(s, (size_t)(end - s));
}

/* --- the files together --- */

struct sources {
	const struct ffs_config_opts *o;
	struct ffs_ini own, shared, config;
	char *own_path, *shared_path, *config_path;
	const char *profile;
	bool explicit_profile; /* --profile: the environment's keys are not meant */
	char *section;         /* of the profile in the config file */
	char **detail;
};

static int
fail(struct sources *s, int rc, const char *a, const char *b, const char *c)
{
	if (s->detail && !*s->detail)
		*s->detail = ffs_buf_concat(a, b, c);
	return rc;
}

static int
load(struct sources *s, struct ffs_ini *ini, const char *path)
{
	char text[64];
	unsigned line;
	int rc = ffs_ini_load(ini, path, &line);

	if (rc == -ENOENT || rc == -ENOTDIR)
		return 0;
	if (!rc)
		return 0;
	if (rc == -EINVAL)
		snprintf(text, sizeof(text), ":%u: not a line of an INI file", line);
	else
		snprintf(text, sizeof(text), ": cannot read it: %s", strerrordesc_np(-rc));
	return fail(s, rc, path, text, "");
}

static void
sources_release(struct sources *s)
{
	ffs_ini_release(&s->own);
	ffs_ini_release(&s->shared);
	ffs_ini_release(&s->config);
	free(s->own_path);
	free(s->shared_path);
	free(s->config_path);
	free(s->section);
}

static int
sources_load(struct sources *s, const struct ffs_config_opts *o, char **detail)
{
	static const struct ffs_config_opts none;
	int rc;

	memset(s, 0, sizeof(*s));
	s->o = o ? o : &none;
	s->detail = detail;
	if (detail)
		*detail = NULL;
	s->explicit_profile = s->o->profile;
	s->profile = s->o->profile;
	if (!s->profile && !(s->profile = ffs_opt_env("AWS_PROFILE")))
		s->profile = ffs_opt_env("AWS_DEFAULT_PROFILE");
	s->own_path = ffs_userdirs_config("credentials");
	s->shared_path = aws_path("AWS_SHARED_CREDENTIALS_FILE", "credentials");
	s->config_path = aws_path("AWS_CONFIG_FILE", "config");
	if (!s->own_path || !s->shared_path || !s->config_path)
		return fail(s, -errno, "no home directory: set HOME", "", "");
	if ((rc = load(s, &s->own, s->own_path)) || (rc = load(s, &s->shared, s->shared_path)) ||
	    (rc = load(s, &s->config, s->config_path)))
		return rc;
	s->section = s->profile && strcmp(s->profile, "default")
	                 ? ffs_buf_concat("profile ", s->profile, "")
	                 : strdup(ffs_ini_has(&s->config, "profile default") ? "profile default"
									     : "default");
	if (!s->section)
		return -ENOMEM;
	if (s->profile && strcmp(s->profile, "default") && !ffs_ini_has(&s->shared, s->profile) &&
	    !ffs_ini_has(&s->config, s->section))
		return fail(s, -ENOENT, "no profile '", s->profile, "' in the AWS files");
	if (!s->profile)
		s->profile = "default";
	return 0;
}

/* The section of our own file for a URL, however the URL is spelled there. */
static const char *
own_section(const struct sources *s, const char *url)
{
	const char *found = NULL;
	size_t i;
	char *u;

	for (i = 0; i < s->own.n && !found; i++) {
		if (s->own.v[i].key)
			continue;
		u = ffs_endpoint_url(s->own.v[i].section);
		if (u && !strcmp(u, url))
			found = s->own.v[i].section;
		free(u);
	}
	return found;
}

/* --- the three choices --- */

static int
choose_region(struct ffs_endpoint *ep, struct sources *s)
{
	const char *own = ep->url ? own_section(s, ep->url) : NULL, *r = s->o->region;

	if (!r && own)
		r = ffs_ini_get(&s->own, own, NULL, "region");
	if (!r && ep->url && (ep->region = url_region(ep->url)))
		return 0;
	if (!r && !(r = ffs_opt_env("AWS_REGION")))
		r = ffs_opt_env("AWS_DEFAULT_REGION");
	if (!r && !(r = ffs_ini_get(&s->config, s->section, NULL, "region")))
		r = ffs_ini_get(&s->shared, s->profile, NULL, "region");
	if (!r)
		r = "us-east-1";
	if (!*r || strlen(r) > 64 ||
	    strspn(r, "abcdefghijklmnopqrstuvwxyz0123456789-_.") != strlen(r))
		return fail(s, -EINVAL, "not a region: '", r, "'");
	ep->region = strdup(r);
	return ep->region ? 0 : -ENOMEM;
}

static int
set_url(struct ffs_endpoint *ep, struct sources *s, const char *url, const char *from)
{
	ep->url = ffs_endpoint_url(url);
	if (!ep->url && errno != EINVAL)
		return -errno;
	if (!ep->url) {
		char *text =
		    ffs_buf_concat("not an endpoint URL (http://HOST[:PORT]): '", url, "' from ");
		int rc = text ? fail(s, -EINVAL, text, from, "") : -ENOMEM;

		free(text);
		return rc;
	}
	ep->url_from = strdup(from);
	ep->aws = url_is_aws(ep->url);
	ep->path_style = !ep->aws;
	return ep->url_from ? 0 : -ENOMEM;
}

/* endpoint_url of the profile's services section, else of the profile. */
static const char *
profile_url(const struct sources *s, char **from)
{
	const char *name = ffs_ini_get(&s->config, s->section, NULL, "services"), *url = NULL;
	char *services;

	*from = NULL;
	if (name) {
		services = ffs_buf_concat("services ", name, "");
		url = services ? ffs_ini_get(&s->config, services, "s3", "endpoint_url") : NULL;
		if (url)
			*from = ffs_buf_concat(services, " of ", s->config_path);
		free(services);
		if (url)
			return url;
	}
	url = ffs_ini_get(&s->config, s->section, NULL, "endpoint_url");
	if (url)
		*from = ffs_buf_concat(s->section, " of ", s->config_path);
	return url;
}

static int
choose_url(struct ffs_endpoint *ep, struct sources *s)
{
	const char *url, *ignore = ffs_opt_env("AWS_IGNORE_CONFIGURED_ENDPOINT_URLS");
	char *from;
	int rc;

	if (s->o->endpoint)
		return set_url(ep, s, s->o->endpoint, "--endpoint");
	if (!ignore || strcasecmp(ignore, "true")) {
		if ((url = ffs_opt_env("AWS_ENDPOINT_URL_S3")))
			return set_url(ep, s, url, "AWS_ENDPOINT_URL_S3");
		if ((url = ffs_opt_env("AWS_ENDPOINT_URL")))
			return set_url(ep, s, url, "AWS_ENDPOINT_URL");
		url = profile_url(s, &from);
		if (url) {
			rc = from ? set_url(ep, s, url, from) : -ENOMEM;
			free(from);
			return rc;
		}
	}
	if (own_section(s, LOCAL_URL))
		return set_url(ep, s, LOCAL_URL, "the default");
	/* https://docs.aws.amazon.com/general/latest/gr/s3.html */
	rc = choose_region(ep, s);
	if (rc)
		return rc;
	from = ffs_buf_concat("https://s3.", ep->region,
	    strncmp(ep->region, "cn-", 3) ? ".amazonaws.com" : ".amazonaws.com.cn");
	free(ep->region);
	ep->region = NULL;
	rc = from ? set_url(ep, s, from, "the default of AWS") : -ENOMEM;
	free(from);
	return rc;
}

static int
set_keys(struct ffs_endpoint *ep, struct sources *s, const char *const v[3], char *from)
{
	int i;

	if (!from)
		return -ENOMEM;
	ep->cred_from = from;
	if (!v[0] || !v[1])
		return fail(s, -EINVAL,
		    v[0] ? "no secret key beside the access key: "
			 : "no access key beside the secret key: ",
		    from, "");
	/* They go into headers. */
	for (i = 0; i < 3; i++)
		if (v[i] && v[i][strcspn(v[i], "\r\n\t ")])
			return fail(s, -EINVAL, "white space in the credentials: ", from, "");
	ep->access_key = strdup(v[0]);
	ep->secret_key = strdup(v[1]);
	ep->token = v[2] ? strdup(v[2]) : NULL;
	return ep->access_key && ep->secret_key && (!v[2] || ep->token) ? 0 : -ENOMEM;
}

static void
ini_keys(const char *v[3], const struct ffs_ini *ini, const char *section)
{
	v[0] = ffs_ini_get(ini, section, NULL, "aws_access_key_id");
	v[1] = ffs_ini_get(ini, section, NULL, "aws_secret_access_key");
	v[2] = ffs_ini_get(ini, section, NULL, "aws_session_token");
}

/* Why there are no keys: where a profile has another way that the AWS tools know, and where our own
 * file has others. */
static char *
no_keys(const struct sources *s, const char *url)
{
	static const char *const ways[] = { "credential_process", "sso_session", "sso_start_url",
		"role_arn", "web_identity_token_file" };
	char *text, *out;
	size_t i;

	for (i = 0; i < sizeof(ways) / sizeof(ways[0]); i++)
		if (ffs_ini_get(&s->config, s->section, NULL, ways[i]) ||
		    ffs_ini_get(&s->shared, s->profile, NULL, ways[i]))
			return ffs_buf_concat("none (the profile's ", ways[i],
			    " is not supported: export the keys with 'aws configure "
			    "export-credentials')");
	if (!s->own.n)
		return strdup("none");
	/* Keys of one endpoint are no other's; but that of a gateway wants those of the store. */
	text = ffs_buf_concat("none (no section [", url, "] of ");
	out = text ? ffs_buf_concat(text, s->own_path, ")") : NULL;
	free(text);
	return out;
}

static int
choose_keys(struct ffs_endpoint *ep, struct sources *s)
{
	const char *own = own_section(s, ep->url), *v[3];
	char *where, *from;

	if (own) {
		ep->own_keys = true;
		ini_keys(v, &s->own, own);
		where = ffs_buf_concat("[", own, "] of ");
		from = where ? ffs_buf_concat(where, s->own_path, "") : NULL;
		free(where);
		return set_keys(ep, s, v, from);
	}
	v[0] = ffs_opt_env("AWS_ACCESS_KEY_ID");
	v[1] = ffs_opt_env("AWS_SECRET_ACCESS_KEY");
	v[2] = ffs_opt_env("AWS_SESSION_TOKEN");
	if ((v[0] || v[1]) && !s->explicit_profile)
		return set_keys(ep, s, v, strdup("AWS_ACCESS_KEY_ID of the environment"));
	where = ffs_buf_concat("profile '", s->profile, "' of ");
	if (!where)
		return -ENOMEM;
	ini_keys(v, &s->shared, s->profile);
	from = s->shared_path;
	if (!v[0] && !v[1]) {
		ini_keys(v, &s->config, s->section);
		from = s->config_path;
	}
	from = v[0] || v[1] ? ffs_buf_concat(where, from, "") : NULL;
	free(where);
	if (v[0] || v[1])
		return set_keys(ep, s, v, from);
	ep->cred_from = no_keys(s, ep->url);
	return ep->cred_from ? 0 : -ENOMEM;
}

static int
resolve(struct ffs_endpoint *ep, const char *url, const struct ffs_config_opts *o, char **detail)
{
	struct sources s;
	int rc = sources_load(&s, o, detail);

	memset(ep, 0, sizeof(*ep));
	if (!rc)
		rc = url ? set_url(ep, &s, url, "the node list") : choose_url(ep, &s);
	if (!rc)
		rc = choose_region(ep, &s);
	if (!rc)
		rc = choose_keys(ep, &s);
	sources_release(&s);
	if (rc)
		ffs_endpoint_release(ep);
	return rc;
}

int
ffs_endpoint_resolve(struct ffs_endpoint *ep, const struct ffs_config_opts *o, char **detail)
{
	return resolve(ep, NULL, o, detail);
}

int
ffs_endpoint_for_url(
    struct ffs_endpoint *ep, const char *url, const struct ffs_config_opts *o, char **detail)
{
	return resolve(ep, url, o, detail);
}

void
ffs_endpoint_release(struct ffs_endpoint *ep)
{
	free(ep->url);
	free(ep->region);
	free(ep->access_key);
	if (ep->secret_key)
		explicit_bzero(ep->secret_key, strlen(ep->secret_key));
	free(ep->secret_key);
	free(ep->token);
	free(ep->url_from);
	free(ep->cred_from);
	memset(ep, 0, sizeof(*ep));
}
