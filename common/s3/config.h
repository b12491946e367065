#ifndef FFS_CONFIG_H
#define FFS_CONFIG_H

#include <stdbool.h>

/*
 * Where to send requests and what to sign them with: endpoint first, then the
 * credentials for it (design.md, "Options, environment").
 */
struct ffs_endpoint {
	char *url;        /* "http://127.0.0.1:9000", no trailing slash */
	char *region;     /* "us-east-1" where nothing names one */
	char *access_key; /* NULL: requests go unsigned */
	char *secret_key; /* never printed */
	char *token;      /* session token, or NULL */
	char *url_from;   /* which setting the URL came from, for -v and 403 texts */
	char *cred_from;  /* which source the credentials came from, "none" (and why) without */
	bool own_keys;    /* they are of our own credentials file */
	bool path_style;  /* true for anything but AWS */
	bool aws;         /* an endpoint of AWS itself: never make buckets there */
};

/* What the command line said; members may be NULL. */
struct ffs_config_opts {
	const char *endpoint; /* --endpoint */
	const char *region;   /* --region */
	const char *profile;  /* --profile */
};

/* Those options for the table of getopt_long(3), by these values, in every tool that has them. */
enum ffs_config_opt {
	FFS_CONFIG_ENDPOINT = 0x1000,
	FFS_CONFIG_REGION,
	FFS_CONFIG_PROFILE,
};

/* Take the option with this value.  false: it is none of them. */
bool ffs_config_opt(struct ffs_config_opts *o, int opt, const char *arg);

/*
 * Fill ep from options, environment and files.  Endpoint: --endpoint,
 * AWS_ENDPOINT_URL_S3, AWS_ENDPOINT_URL, the profile's endpoint_url (also its
 * "services" section), else http://127.0.0.1:9000 where our credentials file
 * has a section for it, else AWS of the region.  Credentials: the section
 * [URL] of $XDG_CONFIG_HOME/ffs/credentials, else the AWS chain.  Returns 0;
 * -ENOENT for a profile that no file has, -EINVAL for a bad URL or file,
 * -errno; on error *detail (free it; may be NULL) is a line for the user.
 * ffs_endpoint_release() frees the members.
 */
int ffs_endpoint_resolve(struct ffs_endpoint *ep, const struct ffs_config_opts *o, char **detail);

/* The same for a node's URL that is already chosen: only credentials, region and style are looked
 * up. */
int ffs_endpoint_for_url(
    struct ffs_endpoint *ep, const char *url, const struct ffs_config_opts *o, char **detail);

void ffs_endpoint_release(struct ffs_endpoint *ep);

/*
 * The one spelling of an endpoint's URL: http or https, host in lower case, a
 * port where it is not the scheme's own, no slash at the end.  NULL with
 * EINVAL for a path, a query, a user, or anything that is no host and port; free it.
 */
char *ffs_endpoint_url(const char *url);

/* The bucket: $FFS_BUCKET, else "ffs".  Not to be freed. */
const char *ffs_config_bucket(void);

/*
 * Where others than its owner have access to our credentials file: a line for the user that
 * says so.  NULL where they have not; free it.
 */
char *ffs_config_exposed(void);

/*
 * Read, or make on first use, the key pair of our own store at url in
 * $XDG_CONFIG_HOME/ffs/credentials (mode 0600, directory 0700, written to a
 * temporary and renamed; under flock, so two starts make one pair; owned by
 * the invoking user under sudo).  Sets *made.  The strings are the caller's to
 * free.  Returns 0 or -errno.
 */
int ffs_config_own_keys(const char *url, char **access_key, char **secret_key, bool *made);

#endif
